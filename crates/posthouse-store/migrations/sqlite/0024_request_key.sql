-- Requests of the admin API under a key, and what was answered: who sends one again gets the same.
CREATE TABLE request_key (
    hash   TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    digest TEXT NOT NULL,
    at     INTEGER NOT NULL,
    status INTEGER,
    body   TEXT,
    etag   TEXT
) STRICT;

CREATE INDEX request_key_at ON request_key (at, hash);
CREATE INDEX request_key_principal ON request_key (principal, at, hash);
