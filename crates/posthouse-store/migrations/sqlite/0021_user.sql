-- Users, who sign in with a password, and sessions of whoever is signed in.
CREATE TABLE user (
    name            TEXT PRIMARY KEY,
    role            TEXT NOT NULL,
    password_hash   TEXT,
    link_hash       TEXT,
    link_expires_at INTEGER,
    created_at      INTEGER NOT NULL,
    signed_in_at    INTEGER
) STRICT;

CREATE UNIQUE INDEX user_link ON user (link_hash) WHERE link_hash IS NOT NULL;

CREATE TABLE session (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    origin     TEXT NOT NULL,
    address    TEXT,
    begun_at   INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE UNIQUE INDEX session_hash ON session (hash);
CREATE INDEX session_origin ON session (origin);
CREATE INDEX session_used ON session (used_at);
