-- Times are milliseconds since 1970-01-01T00:00:00Z. Numbers of states, kinds and codes are those of posthouse-core.

-- Single values: 'revision' of provisioning, the store's 'key', the 'newest_id' that a sweep threw away, 'checked'.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('revision', 0), ('key', randomblob(32)), ('newest_id', -1), ('checked', 0);

CREATE TABLE message (
    id                 INTEGER PRIMARY KEY,
    state              INTEGER NOT NULL,
    attempts           INTEGER NOT NULL DEFAULT 0,
    accepted_at        INTEGER NOT NULL,
    changed_at         INTEGER NOT NULL,
    reason             INTEGER,
    -- Whether the VASP wants reports.
    delivery_report    INTEGER NOT NULL,
    account            TEXT NOT NULL,
    carrier            TEXT NOT NULL,
    recipient          TEXT NOT NULL,
    transaction_id     TEXT NOT NULL,
    -- NULL once nothing is a repetition of this message any more: the VASP was told of its refusal.
    digest             BLOB,
    carrier_message_id TEXT,
    submission         TEXT NOT NULL
) STRICT;

CREATE INDEX message_recipient ON message (recipient);
CREATE INDEX message_transaction ON message (transaction_id, digest);
CREATE INDEX message_carrier_message_id ON message (carrier_message_id, carrier)
    WHERE carrier_message_id IS NOT NULL;
-- Sending, Parked, Forwarded or Deferred: what a report with a MessageID that was never learned may be about.
CREATE INDEX message_unanswered ON message (recipient)
    WHERE state IN (1, 2, 3, 4) AND carrier_message_id IS NULL;

-- Segment files of the media folder. `sequence` grows with each use of a segment; the newest one is being filled.
CREATE TABLE segment (
    id       INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL UNIQUE,
    -- Bytes used: nothing below is written again while a row names the segment.
    tail     INTEGER NOT NULL
) STRICT;

-- The parts of a message, or of one from a handset, concatenated: either here or in a segment.
CREATE TABLE media (
    id       INTEGER PRIMARY KEY,
    crc      INTEGER NOT NULL,
    segment  INTEGER REFERENCES segment (id) DEFERRABLE INITIALLY DEFERRED,
    position INTEGER,
    body     BLOB,
    CHECK ((body IS NULL) = (segment IS NOT NULL) AND (segment IS NULL) = (position IS NULL))
) STRICT;

-- Answers whether a segment is needed, and by whom.
CREATE INDEX media_segment ON media (segment) WHERE segment IS NOT NULL;

-- What is to be done about a message that has not ended. A lease is an owner and, in `due`, its end.
CREATE TABLE work (
    id        INTEGER PRIMARY KEY REFERENCES message (id),
    -- 0 to be sent, 1 being sent, 2 waiting for reports.
    kind      INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    due       INTEGER NOT NULL,
    owner     INTEGER,
    since     INTEGER NOT NULL,
    unreached INTEGER NOT NULL DEFAULT 0,
    -- ExpiryDate: what waits is never put off beyond it.
    expiry    INTEGER NOT NULL,
    carrier   TEXT NOT NULL
) STRICT;

CREATE INDEX work_send ON work (carrier, due) WHERE kind = 0;
CREATE INDEX work_waiting ON work (carrier, since) WHERE kind = 0 AND owner IS NULL;
CREATE INDEX work_timer ON work (due) WHERE kind > 0;
CREATE INDEX work_leased ON work (owner) WHERE owner IS NOT NULL;

-- The timeline, but for what the message's own row tells.
CREATE TABLE event (
    message INTEGER NOT NULL REFERENCES message (id),
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    detail  TEXT NOT NULL,
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

-- Messages from handsets.
CREATE TABLE mo (
    id             INTEGER PRIMARY KEY,
    received_at    INTEGER NOT NULL,
    account        TEXT NOT NULL,
    carrier        TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    digest         BLOB NOT NULL,
    document       TEXT NOT NULL
) STRICT;

CREATE INDEX mo_transaction ON mo (transaction_id, digest);

-- Reports and messages from handsets that are owed to VASPs, and those that failed for good.
CREATE TABLE callback (
    id       INTEGER PRIMARY KEY,
    -- The message it is about, or the message from a handset that it carries.
    message  INTEGER NOT NULL,
    -- NULL while an earlier one of the same message is owed, and once it failed.
    due      INTEGER,
    owner    INTEGER,
    failed   INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    at       INTEGER NOT NULL,
    -- Of a report; NULL where the callback carries a message from a handset.
    status   TEXT,
    account  TEXT NOT NULL
) STRICT;

CREATE INDEX callback_due ON callback (account, due) WHERE due IS NOT NULL;
CREATE INDEX callback_message ON callback (message);
CREATE INDEX callback_leased ON callback (owner) WHERE owner IS NOT NULL;

-- Reports whose message is not known yet.
CREATE TABLE unmatched_report (
    id                 INTEGER PRIMARY KEY,
    received_at        INTEGER NOT NULL,
    carrier            TEXT NOT NULL,
    carrier_message_id TEXT NOT NULL,
    recipient          TEXT,
    sender             TEXT,
    status             TEXT NOT NULL,
    said               TEXT NOT NULL
) STRICT;

CREATE INDEX unmatched_report_id ON unmatched_report (carrier_message_id, carrier);
CREATE INDEX unmatched_report_recipient ON unmatched_report (recipient) WHERE recipient IS NOT NULL;

-- Provisioning, as JSON documents. `lookup` has one row at most.
CREATE TABLE account (
    name     TEXT PRIMARY KEY,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE carrier (
    id       TEXT PRIMARY KEY,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lookup (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL
) STRICT;

CREATE TABLE range (
    prefix  TEXT PRIMARY KEY,
    carrier TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- An empty account stands for every account.
CREATE TABLE blacklist (
    number  TEXT NOT NULL,
    account TEXT NOT NULL,
    PRIMARY KEY (number, account)
) STRICT, WITHOUT ROWID;
