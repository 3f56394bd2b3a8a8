-- Attempts that did not end in 1xxx, the newest of each message.
CREATE TABLE failed_attempt (
    message    INTEGER NOT NULL REFERENCES message (id),
    number     INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    code       INTEGER NOT NULL,
    carrier    TEXT NOT NULL,
    -- NULL where none was had, or it is not known any more.
    connection TEXT,
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

-- All that a search by code asks for, the newest message first.
CREATE INDEX failed_attempt_code ON failed_attempt (code, message, at, carrier, connection);

-- Of messages of before, what they were refused for is all that is known.
INSERT INTO failed_attempt (message, number, at, code, carrier)
SELECT id, 1, changed_at, reason, carrier FROM message WHERE reason IS NOT NULL;
