-- What recipients did with a message: each status once.
CREATE TABLE read_reply (
    message    INTEGER NOT NULL REFERENCES message (id),
    status     TEXT NOT NULL,
    time_stamp INTEGER NOT NULL,
    PRIMARY KEY (message, status)
) STRICT, WITHOUT ROWID;

-- Of a callback that carries a read reply; `status` is NULL then.
ALTER TABLE callback ADD COLUMN read_status TEXT;

-- Set where it is no report that waits, but a read reply: its TimeStamp. `status` is one of those then.
ALTER TABLE unmatched_report ADD COLUMN read_at INTEGER;

-- The carrier's own LinkedID, and a digest of what the handset sent: a repetition under a new TransactionID.
ALTER TABLE mo ADD COLUMN linked_id TEXT;
ALTER TABLE mo ADD COLUMN content BLOB;

CREATE INDEX mo_linked_id ON mo (linked_id, carrier) WHERE linked_id IS NOT NULL;
