-- Operations in bulk. A lease is an owner and its end.
CREATE TABLE operation (
    id         INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    state      TEXT NOT NULL,
    owner      INTEGER,
    until      INTEGER,
    document   TEXT NOT NULL
) STRICT;

CREATE INDEX operation_running ON operation (id) WHERE state = 'running';

-- What came of each message.
CREATE TABLE operation_item (
    operation INTEGER NOT NULL REFERENCES operation (id),
    message   INTEGER NOT NULL,
    outcome   TEXT NOT NULL,
    new       INTEGER,
    PRIMARY KEY (operation, message)
) STRICT, WITHOUT ROWID;

-- The one new message for each that had ended and was sent again.
CREATE TABLE resubmission (
    message   INTEGER PRIMARY KEY,
    new       INTEGER NOT NULL,
    operation INTEGER
) STRICT;
