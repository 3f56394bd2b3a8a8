-- Requests of carriers that nobody can read: each once, the newest of each carrier.
CREATE TABLE unreadable (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    first_at     INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    times        INTEGER NOT NULL,
    carrier      TEXT NOT NULL,
    digest       BLOB NOT NULL,
    code         INTEGER NOT NULL,
    why          TEXT NOT NULL,
    content_type TEXT,
    length       INTEGER NOT NULL,
    body         BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX unreadable_digest ON unreadable (carrier, digest);
CREATE INDEX unreadable_carrier ON unreadable (carrier);
CREATE INDEX unreadable_last ON unreadable (last_at);

-- What was odd about the form of a report or read reply that waits.
ALTER TABLE unmatched_report ADD COLUMN odd TEXT NOT NULL DEFAULT '';
