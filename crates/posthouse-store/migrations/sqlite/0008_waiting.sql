-- How many reports and read replies of each carrier wait for their message: there is a bound.
CREATE TABLE waiting (
    carrier TEXT PRIMARY KEY,
    reports INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO waiting (carrier, reports) SELECT carrier, count(*) FROM unmatched_report GROUP BY carrier;

CREATE TRIGGER unmatched_report_came AFTER INSERT ON unmatched_report BEGIN
    INSERT INTO waiting (carrier, reports) VALUES (new.carrier, 1)
    ON CONFLICT (carrier) DO UPDATE SET reports = reports + 1;
END;

CREATE TRIGGER unmatched_report_went AFTER DELETE ON unmatched_report BEGIN
    UPDATE waiting SET reports = reports - 1 WHERE carrier = old.carrier;
END;

-- The oldest of a carrier.
CREATE INDEX unmatched_report_carrier ON unmatched_report (carrier);
