-- Times are milliseconds since 1970-01-01T00:00:00Z. Numbers of states, kinds and codes are those of posthouse-core. Texts sort by their
-- bytes. What grows with traffic and is kept for days is in partitions by time, which an id begins with: postgres/partition.rs makes them
-- ahead, and retention drops them whole.

-- Single values: the 'revision' of provisioning, the store's 'key' and 'identity', which programs may run on these tables ('schema_min',
-- 'schema_max'), the 'newest_id' that a sweep threw away, what is known of the time.
CREATE TABLE meta (
    name  text COLLATE "C" PRIMARY KEY,
    value int8,
    bytes bytea
);

-- What does not change of a message, but for the connection that an operator wants its next attempt to go over. State and what is to be done are in its one row in `work`, `awaiting` or `ended`.
CREATE TABLE message (
    id              int8 NOT NULL,
    accepted_at     int8 NOT NULL,
    delivery_report bool NOT NULL,
    account         text COLLATE "C" NOT NULL,
    carrier         text COLLATE "C" NOT NULL,
    recipient       text COLLATE "C" NOT NULL,
    transaction_id  text COLLATE "C" NOT NULL,
    -- Under which key it is in `seen`.
    seen_key        bytea NOT NULL,
    submission      text NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- What repetitions are told by: `key` is a hash of who sent it, under which id, and what. The bucket is of six hours. `ordinal` tells
-- messages of one bucket apart that are no repetitions of each other all the same.
CREATE TABLE seen (
    bucket  int8 NOT NULL,
    key     bytea NOT NULL,
    ordinal int8 NOT NULL,
    id      int8 NOT NULL,
    at      int8 NOT NULL,
    PRIMARY KEY (key, bucket, ordinal)
) PARTITION BY RANGE (bucket);

-- Messages that are to be sent, or are being sent. A lease is an owner and, in `due`, its end; an attempt ends at `attempt_until`. No
-- index sees what begins an attempt.
CREATE TABLE work (
    id                 int8 PRIMARY KEY,
    slot               int8 NOT NULL,
    state              int8 NOT NULL,
    sending            bool NOT NULL,
    due                int8 NOT NULL,
    attempt_until      int8,
    begun_at           int8,
    connection         text,
    owner              int8,
    since              int8 NOT NULL,
    unreached          bool NOT NULL,
    attempts           int8 NOT NULL,
    report_until       int8,
    expiry             int8 NOT NULL,
    changed_at         int8 NOT NULL,
    carrier            text COLLATE "C" NOT NULL,
    account            text COLLATE "C" NOT NULL,
    recipient          text COLLATE "C" NOT NULL,
    sender             text NOT NULL,
    delivery_report    bool NOT NULL,
    carrier_message_id text COLLATE "C"
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX work_due ON work (carrier, due, id, slot) WHERE owner IS NULL;
CREATE INDEX work_waiting ON work (carrier, since, id, slot) WHERE owner IS NULL;
CREATE INDEX work_held ON work (due, id) WHERE owner IS NOT NULL;
CREATE INDEX work_recipient ON work (recipient, carrier);
CREATE INDEX work_known ON work (carrier_message_id, carrier) WHERE carrier_message_id IS NOT NULL;

-- Messages whose reports are awaited.
CREATE TABLE awaiting (
    id                 int8 NOT NULL,
    slot               int8 NOT NULL,
    state              int8 NOT NULL,
    due                int8 NOT NULL,
    owner              int8,
    since              int8 NOT NULL,
    unreached          bool NOT NULL,
    attempts           int8 NOT NULL,
    report_until       int8,
    expiry             int8 NOT NULL,
    changed_at         int8 NOT NULL,
    carrier            text COLLATE "C" NOT NULL,
    account            text COLLATE "C" NOT NULL,
    recipient          text COLLATE "C" NOT NULL,
    sender             text NOT NULL,
    delivery_report    bool NOT NULL,
    carrier_message_id text COLLATE "C",
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX awaiting_due ON awaiting (due, id, slot);
CREATE INDEX awaiting_known ON awaiting (carrier_message_id, carrier);
CREATE INDEX awaiting_unanswered ON awaiting (recipient, carrier) WHERE carrier_message_id IS NULL;

-- Messages that have ended.
CREATE TABLE ended (
    id                 int8 NOT NULL,
    state              int8 NOT NULL,
    reason             int8,
    details            text,
    at                 int8 NOT NULL,
    attempts           int8 NOT NULL,
    report_until       int8,
    carrier            text COLLATE "C" NOT NULL,
    carrier_message_id text COLLATE "C",
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX ended_known ON ended (carrier_message_id, carrier) WHERE carrier_message_id IS NOT NULL;

-- The timeline, but for what the message's own row tells. Numbers ascend in the order in which things were written down.
CREATE TABLE event (
    message int8 NOT NULL,
    number  int8 NOT NULL,
    at      int8 NOT NULL,
    kind    int8 NOT NULL,
    detail  text NOT NULL,
    PRIMARY KEY (message, number)
) PARTITION BY RANGE (message);

-- What recipients did with messages, as their VASPs were told.
CREATE TABLE read_reply (
    message    int8 NOT NULL,
    status     text COLLATE "C" NOT NULL,
    time_stamp int8 NOT NULL,
    PRIMARY KEY (message, status)
) PARTITION BY RANGE (message);

-- The parts of a message, or of one from a handset, concatenated: short ones here, others at a place in an object.
CREATE TABLE media (
    id       int8 NOT NULL,
    crc      int8 NOT NULL,
    length   int8 NOT NULL,
    object   int8,
    position int8,
    body     bytea,
    PRIMARY KEY (id),
    CHECK ((body IS NULL) = (object IS NOT NULL) AND (object IS NULL) = (position IS NULL))
) PARTITION BY RANGE (id);

-- Media do not become smaller.
ALTER TABLE media ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX media_object ON media (object) WHERE object IS NOT NULL;

-- The objects that something refers to, or did till retention took it.
CREATE TABLE object (
    id int8 PRIMARY KEY
);

-- Attempts that did not end in 1xxx, the newest of each message.
CREATE TABLE failed_attempt (
    message    int8 NOT NULL,
    number     int8 NOT NULL,
    at         int8 NOT NULL,
    code       int8 NOT NULL,
    carrier    text COLLATE "C" NOT NULL,
    -- NULL where none was had, or it is not known any more.
    connection text COLLATE "C",
    PRIMARY KEY (message, number)
) PARTITION BY RANGE (message);

CREATE INDEX failed_attempt_code ON failed_attempt (code, message);

-- Messages from handsets.
CREATE TABLE mo (
    id             int8 NOT NULL,
    received_at    int8 NOT NULL,
    account        text COLLATE "C" NOT NULL,
    carrier        text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    linked_id      text COLLATE "C",
    document       text NOT NULL,
    ended_at       int8,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX mo_transaction ON mo (transaction_id, id);
CREATE INDEX mo_linked ON mo (linked_id, id) WHERE linked_id IS NOT NULL;

-- What is owed to VASPs. `due` is NULL while an earlier one about the same message is owed; while it is leased, it is the lease's end.
CREATE TABLE callback (
    id          int8 PRIMARY KEY,
    -- The message it is about, or the message from a handset that it carries.
    message     int8 NOT NULL,
    slot        int8 NOT NULL,
    due         int8,
    owner       int8,
    attempts    int8 NOT NULL,
    at          int8 NOT NULL,
    -- Of a report; and of a read reply. A message from a handset has neither.
    status      text COLLATE "C",
    read_status text COLLATE "C",
    account     text COLLATE "C" NOT NULL,
    carrier     text COLLATE "C" NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX callback_due ON callback (account, due, id) WHERE owner IS NULL AND due IS NOT NULL;
CREATE INDEX callback_held ON callback (account, due, id) WHERE owner IS NOT NULL;
CREATE INDEX callback_message ON callback (message, id);

-- Those that failed for good.
CREATE TABLE callback_failed (
    id          int8 PRIMARY KEY,
    message     int8 NOT NULL,
    attempts    int8 NOT NULL,
    at          int8 NOT NULL,
    status      text COLLATE "C",
    read_status text COLLATE "C",
    account     text COLLATE "C" NOT NULL,
    carrier     text COLLATE "C" NOT NULL
);

CREATE INDEX callback_failed_message ON callback_failed (message);

-- Reports and read replies (these have a `read_at`) whose message is not known yet. At `next_look` it is looked for once more: what
-- tells of it may have been written at the same moment.
CREATE TABLE unmatched_report (
    id                 int8 PRIMARY KEY,
    received_at        int8 NOT NULL,
    carrier            text COLLATE "C" NOT NULL,
    carrier_message_id text COLLATE "C" NOT NULL,
    recipient          text COLLATE "C",
    sender             text,
    status             text NOT NULL,
    said               text NOT NULL,
    odd                text NOT NULL,
    read_at            int8,
    next_look          int8
);

CREATE INDEX unmatched_report_known ON unmatched_report (carrier_message_id, carrier, id);
CREATE INDEX unmatched_report_recipient ON unmatched_report (recipient, carrier, id) WHERE read_at IS NULL;
CREATE INDEX unmatched_report_carrier ON unmatched_report (carrier, id);
CREATE INDEX unmatched_report_look ON unmatched_report (next_look) WHERE next_look IS NOT NULL;

-- Requests of carriers that nobody could read, the same ones once.
CREATE TABLE unreadable (
    id           int8 PRIMARY KEY,
    first_at     int8 NOT NULL,
    last_at      int8 NOT NULL,
    times        int8 NOT NULL,
    carrier      text COLLATE "C" NOT NULL,
    digest       bytea NOT NULL,
    code         int8 NOT NULL,
    why          text NOT NULL,
    content_type text,
    length       int8 NOT NULL,
    body         bytea NOT NULL
);

CREATE UNIQUE INDEX unreadable_digest ON unreadable (carrier, digest);
CREATE INDEX unreadable_carrier ON unreadable (carrier, id);

-- Provisioning, as JSON documents.
CREATE TABLE account (
    name     text COLLATE "C" PRIMARY KEY,
    document text NOT NULL
);

CREATE TABLE carrier (
    id       text COLLATE "C" PRIMARY KEY,
    document text NOT NULL
);

CREATE TABLE lookup (
    id       int8 PRIMARY KEY CHECK (id = 1),
    document text NOT NULL
);

CREATE TABLE range (
    prefix  text COLLATE "C" PRIMARY KEY,
    carrier text COLLATE "C" NOT NULL
);

-- An empty account stands for every account.
CREATE TABLE blacklist (
    number  text COLLATE "C",
    account text COLLATE "C",
    PRIMARY KEY (number, account)
);

-- What operators did: a row for each change, written with it.
CREATE TABLE audit (
    id         int8 PRIMARY KEY,
    at         int8 NOT NULL,
    actor      text COLLATE "C" NOT NULL,
    role       text NOT NULL,
    credential text NOT NULL,
    address    text,
    verb       text COLLATE "C" NOT NULL,
    target     text COLLATE "C" NOT NULL,
    before     text,
    after      text,
    reason     text
);

CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_verb ON audit (verb, id);
CREATE INDEX audit_target ON audit (target, id);

-- Changes of provisioning: who made each, when and why, and what it changed in short.
CREATE TABLE revision (
    number  int8 PRIMARY KEY,
    at      int8 NOT NULL,
    actor   text NOT NULL,
    reason  text,
    summary text NOT NULL,
    things  int8 NOT NULL
);

-- What they changed: each thing as it was and as it became, in JSON, a few hundred in a row. Hashes of secrets are in it.
CREATE TABLE revised (
    revision int8 NOT NULL,
    part     int8 NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (revision, part)
);

-- The newest tries to deliver each callback that was not delivered at once.
CREATE TABLE callback_attempt (
    callback    int8 NOT NULL,
    at          int8 NOT NULL,
    -- The message it is about, or the message from a handset that it carries: they go together.
    message     int8 NOT NULL,
    ended       text NOT NULL,
    http_status int8,
    words       text NOT NULL,
    body        bytea NOT NULL,
    PRIMARY KEY (callback, at)
);

CREATE INDEX callback_attempt_message ON callback_attempt (message);

-- Accounts whose callbacks have failed, or are paused. No row: neither ever happened.
CREATE TABLE endpoint (
    account       text COLLATE "C" PRIMARY KEY,
    -- NULL: the last callback that was tried was delivered.
    failing_since int8,
    failed_at     int8,
    http_status   int8,
    words         text,
    -- NULL: it is not paused.
    paused_at     int8,
    paused_by     text,
    paused_for    text
);

-- Who serves the store, by numbers. `owner` is NULL while a number is nobody's; whoever has it next makes ids behind `ids_until`.
CREATE TABLE node (
    number    int8 PRIMARY KEY,
    owner     int8,
    epoch     int8 NOT NULL,
    kind      int8 NOT NULL,
    address   text NOT NULL,
    version   text NOT NULL,
    revision  int8 NOT NULL,
    draining  bool NOT NULL,
    beat_at   int8 NOT NULL,
    ids_until int8 NOT NULL
) WITH (fillfactor = 50);

-- What each node last said that it wants of the limits that all keep together.
CREATE TABLE demand (
    node    int8 PRIMARY KEY,
    owner   int8 NOT NULL,
    said_at int8 NOT NULL,
    demands text NOT NULL
) WITH (fillfactor = 50);

-- How these limits are divided: one row.
CREATE TABLE division (
    one      int8 PRIMARY KEY,
    document text NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX callback_failed_account ON callback_failed (account, id);

-- Messages from handsets that were for nobody, and refused: the newest of each carrier.
CREATE TABLE mo_for_nobody (
    id             int8 PRIMARY KEY,
    received_at    int8 NOT NULL,
    carrier        text COLLATE "C" NOT NULL,
    transaction_id text NOT NULL,
    sender         text,
    recipients     text NOT NULL
);

CREATE INDEX mo_for_nobody_carrier ON mo_for_nobody (carrier, id);

-- Operations in bulk. A lease is an owner and its end.
CREATE TABLE operation (
    id         int8 PRIMARY KEY,
    created_at int8 NOT NULL,
    state      text COLLATE "C" NOT NULL,
    owner      int8,
    until      int8,
    document   text NOT NULL
);

CREATE INDEX operation_running ON operation (id) WHERE state = 'running';

-- What came of each message.
CREATE TABLE operation_item (
    operation int8 NOT NULL,
    message   int8 NOT NULL,
    outcome   text NOT NULL,
    new       int8,
    PRIMARY KEY (operation, message)
);

-- The one new message for each that had ended and was sent again.
CREATE TABLE resubmission (
    message   int8 PRIMARY KEY,
    new       int8 NOT NULL,
    operation int8
);

-- Requests of VASPs that were refused: the newest of each account, and of all. An empty account stands for those of which it is not known.
CREATE TABLE refusal (
    id             int8 PRIMARY KEY,
    at             int8 NOT NULL,
    last_at        int8 NOT NULL,
    times          int8 NOT NULL,
    account        text COLLATE "C" NOT NULL,
    code           int8 NOT NULL,
    code_row       int8 NOT NULL,
    rule           text COLLATE "C" NOT NULL,
    peer           text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C",
    recipient_hash text COLLATE "C",
    document       text NOT NULL
);

CREATE INDEX refusal_account ON refusal (account, id);
CREATE INDEX refusal_peer ON refusal (peer, account, code, code_row, rule, id);
CREATE INDEX refusal_last ON refusal (last_at);
CREATE INDEX refusal_transaction ON refusal (transaction_id, id) WHERE transaction_id IS NOT NULL;
CREATE INDEX refusal_recipient ON refusal (recipient_hash, id) WHERE recipient_hash IS NOT NULL;

-- Tokens of principals, by which they show the admin API who they are.
CREATE TABLE token (
    id         text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL,
    role       text NOT NULL,
    hash       text COLLATE "C" NOT NULL,
    created_at int8 NOT NULL,
    expires_at int8,
    last_used  int8
);

CREATE UNIQUE INDEX token_hash ON token (hash);
