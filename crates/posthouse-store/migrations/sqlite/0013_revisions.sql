-- Changes of provisioning: who made each, when and why, and what it changed in short.
CREATE TABLE revision (
    number  INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    reason  TEXT,
    summary TEXT NOT NULL,
    things  INTEGER NOT NULL
) STRICT;

-- What they changed: each thing as it was and as it became, in JSON, a few hundred in a row. Hashes of secrets are in it.
CREATE TABLE revised (
    revision INTEGER NOT NULL REFERENCES revision (number) ON DELETE CASCADE,
    part     INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (revision, part)
) STRICT;
