-- A list, `IN (0, 1, 2)`, is made into a temporary table each time that a CHECK or the condition of an index looks at it, for each
-- row that is written. A range is two comparisons. (SQLite changes a CHECK only with its table.)
CREATE TABLE work_of_ranges (
    id        INTEGER PRIMARY KEY REFERENCES message (id),
    -- 0 to be sent, 1 being sent, 2 waiting for reports.
    kind      INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
    due       INTEGER NOT NULL,
    owner     INTEGER,
    since     INTEGER NOT NULL,
    unreached INTEGER NOT NULL DEFAULT 0,
    -- ExpiryDate: what waits is never put off beyond it.
    expiry    INTEGER NOT NULL,
    carrier   TEXT NOT NULL
) STRICT;

INSERT INTO work_of_ranges (id, kind, due, owner, since, unreached, expiry, carrier)
SELECT id, kind, due, owner, since, unreached, expiry, carrier FROM work;

DROP TABLE work;
ALTER TABLE work_of_ranges RENAME TO work;

CREATE INDEX work_send ON work (carrier, due) WHERE kind = 0;
CREATE INDEX work_waiting ON work (carrier, since) WHERE kind = 0 AND owner IS NULL;
CREATE INDEX work_timer ON work (due) WHERE kind > 0;
CREATE INDEX work_leased ON work (owner) WHERE owner IS NOT NULL;

-- Sending, Parked, Forwarded or Deferred: what a report with a MessageID that was never learned may be about.
DROP INDEX message_unanswered;
CREATE INDEX message_unanswered ON message (recipient)
    WHERE state BETWEEN 1 AND 4 AND carrier_message_id IS NULL;
