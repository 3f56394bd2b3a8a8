-- What operators decided about connections for a while, beside what is provisioned: one row for each connection and kind.
CREATE TABLE connection_override (
    carrier      TEXT NOT NULL,
    connection   TEXT NOT NULL,
    kind         TEXT NOT NULL,
    window_limit INTEGER,
    rate_limit   INTEGER,
    since        INTEGER NOT NULL,
    until        INTEGER,
    actor        TEXT NOT NULL,
    reason       TEXT NOT NULL,
    PRIMARY KEY (carrier, connection, kind)
) STRICT, WITHOUT ROWID;
