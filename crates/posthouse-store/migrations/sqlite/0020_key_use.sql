-- When keys of accounts were last used, to the minute.
CREATE TABLE key_use (
    id      TEXT PRIMARY KEY,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
