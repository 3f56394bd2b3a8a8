-- What ended, or came from a handset, and is in no CDR file yet. Rows come only where these files are asked for.
CREATE TABLE cdr_pending (
    -- The MessageID, or LinkedID.
    id   int8 PRIMARY KEY,
    node int8 NOT NULL,
    at   int8 NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX cdr_pending_node ON cdr_pending (node, id);
CREATE INDEX cdr_pending_at ON cdr_pending (at, id);

-- How far the last file of each folder is written.
CREATE TABLE cdr_file (
    folder text COLLATE "C" PRIMARY KEY,
    file   text NOT NULL,
    length int8 NOT NULL
);
