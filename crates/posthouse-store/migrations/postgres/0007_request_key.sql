-- Requests of the admin API under a key, and what was answered: who sends one again gets the same.
CREATE TABLE request_key (
    hash   text COLLATE "C" PRIMARY KEY,
    principal text COLLATE "C" NOT NULL,
    digest text NOT NULL,
    at     int8 NOT NULL,
    status int8,
    body   text,
    etag   text
);

CREATE INDEX request_key_at ON request_key (at, hash);
CREATE INDEX request_key_principal ON request_key (principal, at, hash);
