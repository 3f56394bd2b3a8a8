-- Users, who sign in with a password, and sessions of whoever is signed in.
CREATE TABLE "user" (
    name            text COLLATE "C" PRIMARY KEY,
    role            text NOT NULL,
    password_hash   text,
    link_hash       text COLLATE "C",
    link_expires_at int8,
    created_at      int8 NOT NULL,
    signed_in_at    int8
);

CREATE UNIQUE INDEX user_link ON "user" (link_hash) WHERE link_hash IS NOT NULL;

CREATE TABLE session (
    id         text COLLATE "C" PRIMARY KEY,
    hash       text COLLATE "C" NOT NULL,
    name       text NOT NULL,
    role       text NOT NULL,
    origin     text COLLATE "C" NOT NULL,
    address    text,
    begun_at   int8 NOT NULL,
    used_at    int8 NOT NULL,
    expires_at int8
);

CREATE UNIQUE INDEX session_hash ON session (hash);
CREATE INDEX session_origin ON session (origin);
CREATE INDEX session_used ON session (used_at, id);
