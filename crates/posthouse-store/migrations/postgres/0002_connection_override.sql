-- What operators decided about connections for a while, beside what is provisioned: one row for each connection and kind.
CREATE TABLE connection_override (
    carrier      text COLLATE "C" NOT NULL,
    connection   text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    window_limit int8,
    rate_limit   int8,
    since        int8 NOT NULL,
    until        int8,
    actor        text NOT NULL,
    reason       text NOT NULL,
    PRIMARY KEY (carrier, connection, kind)
);
