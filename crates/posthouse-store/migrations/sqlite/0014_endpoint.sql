-- The newest tries to deliver each callback that was not delivered at once.
CREATE TABLE callback_attempt (
    callback    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    -- The message it is about, or the message from a handset that it carries: they go together.
    message     INTEGER NOT NULL,
    ended       TEXT NOT NULL,
    http_status INTEGER,
    words       TEXT NOT NULL,
    body        BLOB NOT NULL,
    PRIMARY KEY (callback, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_attempt_message ON callback_attempt (message);

-- Accounts whose callbacks have failed, or are paused. No row: neither ever happened.
CREATE TABLE endpoint (
    account       TEXT PRIMARY KEY,
    -- NULL: the last callback that was tried was delivered.
    failing_since INTEGER,
    failed_at     INTEGER,
    http_status   INTEGER,
    words         TEXT,
    -- NULL: it is not paused.
    paused_at     INTEGER,
    paused_by     TEXT,
    paused_for    TEXT
) STRICT, WITHOUT ROWID;
