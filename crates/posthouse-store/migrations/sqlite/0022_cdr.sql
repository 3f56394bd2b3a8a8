-- What ended, or came from a handset, and is in no CDR file yet. Rows come only where these files are asked for.
CREATE TABLE cdr_pending (
    -- The MessageID, or LinkedID.
    id   INTEGER PRIMARY KEY,
    node INTEGER NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

-- How far the last file of each folder is written.
CREATE TABLE cdr_file (
    folder TEXT PRIMARY KEY,
    file   TEXT NOT NULL,
    length INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
