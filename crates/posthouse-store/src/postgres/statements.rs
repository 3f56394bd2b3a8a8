//! Every statement, under a name: those of batches, which take arrays and answer with the number `n` of the job that asked, and those of reads,
//! which take one value each.
//!
//! A batch sends what it needs in the order in which they stand here, so locks are taken in one order everywhere: a message's row, then
//! callbacks. Sub-selects that are `LATERAL` and end in `OFFSET 0`, `LIMIT` or `FOR UPDATE` are looked up once for each value, by an index:
//! the planner, which may know nothing of a table yet, cannot turn them around. What has to touch each row once divides by zero where it does
//! not, and so undoes the transaction. Where a table may be empty for long, `= ANY` beside the join says again that rows are looked up. A test has each one explained, on empty and on full tables.

use super::{
    partitioned::Partitioned,
    value::Kind::{self, Bool, Bytes, Int, Text},
};

/// A statement.
#[derive(Debug)]
pub(super) struct Statement {
    /// Its name.
    #[cfg_attr(not(feature = "suite"), expect(dead_code, reason = "what a test explains has a name"))]
    pub(super) name: &'static str,
    /// Its place in the catalogue.
    pub(super) rank: usize,
    /// What its parameters take.
    pub(super) takes: &'static [Kind],
    /// Whether it takes arrays, and stands in batches.
    pub(super) is_batched: bool,
    /// Whether what it answers comes with something written.
    pub(super) writes: bool,
    /// The partitioned table into which it writes by its first parameter.
    pub(super) into: Option<Partitioned>,
    /// Its text.
    pub(super) sql: &'static str,
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $how:ident $(into $table:ident)? ($($kind:ident),*) $sql:expr;)+) => {
        /// The places in the catalogue.
        #[derive(Clone, Copy)]
        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "the names are those of the statements")]
        enum Place { $($name,)+ }

        $($(#[$doc])*
        pub(super) static $name: Statement = Statement {
            name: stringify!($name),
            rank: Place::$name as usize,
            takes: &[$($kind),*],
            is_batched: how!(@batched $how),
            writes: how!(@writes $how),
            into: how!(@into $($table)?),
            sql: $sql,
        };)+

        /// All of them, in the order of their ranks.
        #[cfg(feature = "suite")]
        pub(super) static ALL: &[&Statement] = &[$(&$name),+];
    };
}

macro_rules! how {
    (@batched one) => {
        false
    };
    (@batched $other:ident) => {
        true
    };
    (@writes writing) => {
        true
    };
    (@writes $other:ident) => {
        false
    };
    (@into) => {
        None
    };
    (@into $table:ident) => {
        Some(Partitioned::$table)
    };
}

/// The columns of a message's row in `work`, as an insertion has them.
macro_rules! work_columns {
    () => {
        "id, slot, state, sending, due, attempt_until, begun_at, connection, owner, since, unreached, attempts, report_until, expiry,
         changed_at, carrier, account, recipient, sender, delivery_report, carrier_message_id"
    };
}

/// The same in `awaiting`.
macro_rules! awaiting_columns {
    () => {
        "id, slot, state, due, owner, since, unreached, attempts, report_until, expiry, changed_at, carrier, account, recipient, sender,
         delivery_report, carrier_message_id"
    };
}

/// A message with its row, in whichever table that is. `FOR UPDATE` on those that change; or which version of the row in `work` or
/// `awaiting` was read.
macro_rules! subject {
    ($from:literal, $lock:literal) => {
        concat!(
            "SELECT k.n, k.id, w.id IS NOT NULL AS in_work, a.id IS NOT NULL AS in_awaiting, e.id IS NOT NULL AS in_ended,
                m.id IS NOT NULL AS is_known,
                coalesce(w.state, a.state, e.state) AS state, coalesce(w.due, a.due) AS due, coalesce(w.owner, a.owner) AS owner,
                coalesce(w.since, a.since) AS since, coalesce(w.unreached, a.unreached) AS unreached,
                coalesce(w.attempts, a.attempts, e.attempts) AS attempts,
                coalesce(w.report_until, a.report_until, e.report_until) AS report_until, coalesce(w.expiry, a.expiry) AS expiry,
                coalesce(w.changed_at, a.changed_at, e.at) AS changed_at,
                coalesce(w.carrier, a.carrier, m.carrier) AS carrier, coalesce(w.account, a.account, m.account) AS account,
                coalesce(w.recipient, a.recipient, m.recipient) AS recipient, coalesce(w.sender, a.sender, '') AS sender,
                coalesce(w.delivery_report, a.delivery_report, m.delivery_report) AS delivery_report,
                coalesce(w.carrier_message_id, a.carrier_message_id, e.carrier_message_id) AS carrier_message_id,
                w.sending, w.attempt_until, w.begun_at, w.connection, coalesce(w.version, a.version) AS version, e.reason, e.details,
                EXISTS (SELECT 1 FROM unmatched_report) AS anything_waits
             FROM ", $from, " k (id, n)
             LEFT JOIN LATERAL (SELECT *, xmin::text::int8 AS version FROM work WHERE work.id = k.id ", $lock, ") w ON true
             LEFT JOIN LATERAL (SELECT *, xmin::text::int8 AS version FROM awaiting
                                WHERE awaiting.id = k.id AND w.id IS NULL ", $lock, ") a ON true
             LEFT JOIN LATERAL (SELECT * FROM ended WHERE ended.id = k.id AND w.id IS NULL AND a.id IS NULL ", $lock, ") e ON true
             LEFT JOIN LATERAL (SELECT id, carrier, account, recipient, delivery_report FROM message
                                WHERE message.id = k.id AND w.id IS NULL AND a.id IS NULL OFFSET 0) m ON true"
        )
    };
}

/// The newest message of a carrier in this table that is known by a MessageID of it, below an id, and behind another.
macro_rules! by_carriers_id {
    ($table:literal, $behind:literal) => {
        concat!(
            "(SELECT max(id) FROM (SELECT id FROM ",
            $table,
            " WHERE carrier_message_id = k.carrier_message_id AND carrier = k.carrier AND id < k.below ",
            $behind,
            " OFFSET 0) known)"
        )
    };
}

statements! {
    // Locks and looks of a batch.

    /// A message, for a step of its life.
    SUBJECT: batched (Int) subject!("unnest($1) WITH ORDINALITY", "FOR UPDATE");
    /// The same without a lock: what is written says which version it was read from.
    SUBJECT_SEEN: batched (Int) subject!("unnest($1) WITH ORDINALITY", "OFFSET 0");

    /// Who is known by a MessageID of a carrier, below an id. Partitions of later days are not looked into, nor those of before one that is
    /// found and has not ended.
    BY_CARRIERS_ID: batched (Text, Text, Int) concat!(
        "SELECT k.n, greatest(live.id, ", by_carriers_id!("ended", "AND id > coalesce(live.id, -1)"), ") AS id
         FROM unnest($1, $2, $3) WITH ORDINALITY k (carrier_message_id, carrier, below, n)
         CROSS JOIN LATERAL (SELECT greatest(", by_carriers_id!("work", ""), ", ", by_carriers_id!("awaiting", ""), ") AS id OFFSET 0) live"
    );

    /// The messages to a recipient that may have arrived and have no MessageID of their carrier, some too many.
    UNANSWERED: batched (Text, Text, Int)
        "SELECT k.n, u.id FROM unnest($1, $2, $3) WITH ORDINALITY k (recipient, carrier, most, n)
         CROSS JOIN LATERAL (
             (SELECT id FROM work WHERE recipient = k.recipient AND carrier = k.carrier AND carrier_message_id IS NULL
                 AND (state BETWEEN 1 AND 4 OR state = 0 AND report_until IS NOT NULL) LIMIT k.most)
             UNION ALL
             (SELECT id FROM awaiting WHERE recipient = k.recipient AND carrier = k.carrier AND carrier_message_id IS NULL LIMIT k.most)
             LIMIT k.most) u";

    /// What is owed about a message.
    OWED: batched (Int)
        "SELECT k.n, c.id, c.due, c.owner, c.status, c.read_status FROM unnest($1) WITH ORDINALITY k (message, n)
         CROSS JOIN LATERAL (SELECT * FROM callback WHERE callback.message = k.message ORDER BY id FOR UPDATE) c
         ORDER BY c.id";

    /// The lines about reports that came too late.
    LATE: batched (Int, Int, Int)
        "SELECT k.n, e.detail FROM unnest($1, $2, $3) WITH ORDINALITY k (message, kind, most, n)
         CROSS JOIN LATERAL (SELECT detail FROM event WHERE event.message = k.message AND kind = k.kind LIMIT k.most) e";

    /// What the VASP was told of read replies.
    TOLD: batched (Int)
        "SELECT k.n, r.status FROM unnest($1) WITH ORDINALITY k (message, n)
         CROSS JOIN LATERAL (SELECT status FROM read_reply WHERE read_reply.message = k.message OFFSET 0) r";

    /// The SenderAddress of a message.
    SENDER: batched (Int)
        "SELECT k.n, k.id, m.sender FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT submission::json ->> 'sender' AS sender FROM message WHERE message.id = k.id OFFSET 0) m";

    /// How many lines a timeline has, as far as they count.
    LINE_COUNT: batched (Int, Int)
        "SELECT k.n, (SELECT count(*) FROM (SELECT 1 FROM event WHERE event.message = k.message LIMIT k.most) e) AS lines
         FROM unnest($1, $2) WITH ORDINALITY k (message, most, n)";

    /// Reports and read replies that wait under a MessageID of a carrier.
    WAITING_UNDER_ID: batched (Text, Text, Int)
        "SELECT k.n, u.* FROM unnest($1, $2, $3) WITH ORDINALITY k (carrier_message_id, carrier, most, n)
         CROSS JOIN LATERAL (SELECT * FROM unmatched_report r WHERE r.carrier_message_id = k.carrier_message_id
                             AND r.carrier = k.carrier ORDER BY r.id LIMIT k.most FOR UPDATE) u
         ORDER BY u.id";

    /// Reports that wait by address, but for those under one MessageID.
    WAITING_BY_ADDRESS: batched (Text, Text, Text, Int)
        "SELECT k.n, u.* FROM unnest($1, $2, $3, $4) WITH ORDINALITY k (recipient, carrier, but_for, most, n)
         CROSS JOIN LATERAL (SELECT * FROM unmatched_report r WHERE r.recipient = k.recipient AND r.carrier = k.carrier
                             AND r.read_at IS NULL AND r.carrier_message_id IS DISTINCT FROM k.but_for
                             ORDER BY r.id LIMIT k.most FOR UPDATE) u
         ORDER BY u.id";

    /// Reports and read replies that are to be looked at once more.
    WAITING_TO_BE_LOOKED_AT: batched (Int, Int)
        "SELECT k.n, u.* FROM unnest($1, $2) WITH ORDINALITY k (now, most, n)
         CROSS JOIN LATERAL (SELECT * FROM unmatched_report r WHERE r.next_look IS NOT NULL AND r.next_look <= k.now
                             ORDER BY r.next_look LIMIT k.most FOR UPDATE SKIP LOCKED) u";

    /// How many wait under a MessageID, and how many of them say the same as a report.
    CROWD_OF_REPORT: batched (Text, Text, Text, Text, Text)
        "SELECT k.n, w.under, w.same FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY k (id, carrier, status, recipient, sender, n)
         CROSS JOIN LATERAL (
             SELECT count(*) AS under,
                    count(*) FILTER (WHERE status = k.status AND recipient IS NOT DISTINCT FROM k.recipient
                                     AND sender IS NOT DISTINCT FROM k.sender AND read_at IS NULL) AS same
             FROM unmatched_report r WHERE r.carrier_message_id = k.id AND r.carrier = k.carrier) w";

    /// The same for a read reply.
    CROWD_OF_READ_REPLY: batched (Text, Text, Text)
        "SELECT k.n, w.under, w.same FROM unnest($1, $2, $3) WITH ORDINALITY k (id, carrier, status, n)
         CROSS JOIN LATERAL (
             SELECT count(*) AS under, count(*) FILTER (WHERE status = k.status AND read_at IS NOT NULL) AS same
             FROM unmatched_report r WHERE r.carrier_message_id = k.id AND r.carrier = k.carrier) w";

    /// How many of a carrier wait, as far as they count, and the oldest.
    CROWD_OF_CARRIER: batched (Text, Int)
        "SELECT k.n, (SELECT count(*) FROM (SELECT 1 FROM unmatched_report r WHERE r.carrier = k.carrier LIMIT k.most) w) AS waiting,
                (SELECT id FROM unmatched_report r WHERE r.carrier = k.carrier ORDER BY r.carrier, r.id LIMIT 1) AS oldest
         FROM unnest($1, $2) WITH ORDINALITY k (carrier, most, n)";

    /// Remembers a request, unless one is remembered in this bucket under this ordinal. It answers with what it remembers.
    SEEN_ADD: writing into Seen (Int, Bytes, Int, Int, Int)
        "INSERT INTO seen (bucket, key, ordinal, id, at) SELECT * FROM unnest($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
         RETURNING bucket, key, id";

    /// Who is remembered under a key, from a bucket to another. Buckets that are yet to come are partitions, too, and each is looked into.
    SEEN_FIND: batched (Int, Int, Bytes)
        "SELECT k.n, s.bucket, s.ordinal, s.id, s.at FROM unnest($1, $2, $3) WITH ORDINALITY k (first, last, key, n)
         CROSS JOIN LATERAL (SELECT * FROM seen WHERE seen.bucket >= k.first AND seen.bucket <= k.last AND seen.key = k.key OFFSET 0) s
         ORDER BY s.id";

    /// What a message is remembered under.
    SEEN_KEY: batched (Int)
        "SELECT k.n, m.seen_key, m.accepted_at FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT seen_key, accepted_at FROM message WHERE message.id = k.id OFFSET 0) m";

    /// A callback, to be settled.
    CALLBACK_LOCK: batched (Int)
        "SELECT k.n, c.id FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT id FROM callback WHERE callback.id = k.id FOR UPDATE) c";

    /// A callback, how its message stands, and the next about it; and which version of its row was read. Messages that owe one have ended
    /// as a rule.
    CALLBACK_TRIED: batched (Int)
        "SELECT k.n, c.*, coalesce(e.state, a.state, w.state) AS state, x.id AS next, x.due AS next_due
         FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT *, xmin::text::int8 AS version FROM callback WHERE callback.id = k.id OFFSET 0) c
         LEFT JOIN LATERAL (SELECT state FROM ended WHERE ended.id = c.message OFFSET 0) e ON true
         LEFT JOIN LATERAL (SELECT state FROM awaiting WHERE awaiting.id = c.message AND e.state IS NULL OFFSET 0) a ON true
         LEFT JOIN LATERAL (SELECT state FROM work WHERE work.id = c.message AND e.state IS NULL AND a.state IS NULL OFFSET 0) w ON true
         LEFT JOIN LATERAL (SELECT id, due FROM callback o WHERE o.message = c.message AND o.id <> c.id
                            ORDER BY o.message, o.id LIMIT 1) x ON true";

    /// What a callback says, whole.
    CALLBACK_BODY: batched (Int)
        "SELECT k.n, c.*, coalesce(w.state, a.state, e.state) AS state, e.reason, e.details, m.submission, o.document, r.time_stamp
         FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT * FROM callback WHERE callback.id = k.id OFFSET 0) c
         LEFT JOIN LATERAL (SELECT state FROM work WHERE work.id = c.message OFFSET 0) w ON true
         LEFT JOIN LATERAL (SELECT state FROM awaiting WHERE awaiting.id = c.message OFFSET 0) a ON true
         LEFT JOIN LATERAL (SELECT state, reason, details FROM ended WHERE ended.id = c.message OFFSET 0) e ON true
         LEFT JOIN LATERAL (SELECT submission FROM message WHERE message.id = c.message OFFSET 0) m ON true
         LEFT JOIN LATERAL (SELECT document FROM mo WHERE mo.id = c.message OFFSET 0) o ON true
         LEFT JOIN LATERAL (SELECT time_stamp FROM read_reply WHERE read_reply.message = c.message
                            AND read_reply.status = c.read_status OFFSET 0) r ON true";

    /// Callbacks of an account that are due, and nobody's.
    CALLBACKS_DUE: batched (Text, Int, Int)
        "SELECT k.n, c.id, c.due FROM unnest($1, $2, $3) WITH ORDINALITY k (account, now, most, n)
         CROSS JOIN LATERAL (SELECT id, due FROM callback WHERE callback.account = k.account AND owner IS NULL AND due IS NOT NULL
                             AND due <= k.now AND NOT EXISTS (SELECT 1 FROM endpoint e WHERE e.account = k.account AND e.paused_at IS NOT NULL)
                             ORDER BY account, due, id LIMIT k.most FOR UPDATE SKIP LOCKED) c";

    /// Callbacks of an account whose lease has ended.
    CALLBACKS_LAPSED: batched (Text, Int, Int)
        "SELECT k.n, c.id, c.due FROM unnest($1, $2, $3) WITH ORDINALITY k (account, now, most, n)
         CROSS JOIN LATERAL (SELECT id, due FROM callback WHERE callback.account = k.account AND owner IS NOT NULL
                             AND due <= k.now AND NOT EXISTS (SELECT 1 FROM endpoint e WHERE e.account = k.account AND e.paused_at IS NOT NULL)
                             ORDER BY account, due, id LIMIT k.most FOR UPDATE SKIP LOCKED) c";

    /// Messages of a carrier that are due, and nobody's.
    SENDS_DUE: batched (Text, Int, Int, Bytes)
        "SELECT k.n, w.id, w.due, w.expiry FROM unnest($1, $2, $3, $4) WITH ORDINALITY k (carrier, now, most, slots, n)
         CROSS JOIN LATERAL (SELECT id, due, expiry FROM work WHERE work.carrier = k.carrier AND owner IS NULL AND due <= k.now
                             AND get_bit(k.slots, work.slot::int) = 1
                             ORDER BY carrier, due, id LIMIT k.most FOR UPDATE SKIP LOCKED) w";

    /// Messages of a carrier whose lease has ended before an attempt was begun. Few leases end, so the carrier is no way to find them: no
    /// index is to be tried with it.
    SENDS_LAPSED: batched (Text, Int, Int, Bytes)
        "SELECT k.n, w.id, w.due, w.expiry FROM unnest($1, $2, $3, $4) WITH ORDINALITY k (carrier, now, most, slots, n)
         CROSS JOIN LATERAL (SELECT id, due, expiry FROM work WHERE owner IS NOT NULL AND due <= k.now AND NOT sending
                             AND work.carrier IS NOT DISTINCT FROM k.carrier AND get_bit(k.slots, work.slot::int) = 1
                             ORDER BY due, id LIMIT k.most FOR UPDATE SKIP LOCKED) w";

    /// Messages of a carrier that wait since before a time.
    SENDS_WAITING: batched (Text, Int, Int, Bytes)
        "SELECT k.n, w.id, w.since FROM unnest($1, $2, $3, $4) WITH ORDINALITY k (carrier, before, most, slots, n)
         CROSS JOIN LATERAL (SELECT id, since FROM work WHERE work.carrier = k.carrier AND owner IS NULL AND since < k.before
                             AND get_bit(k.slots, work.slot::int) = 1
                             ORDER BY carrier, since, id LIMIT k.most FOR UPDATE SKIP LOCKED) w";

    /// Attempts that should have ended.
    ATTEMPTS_OVER: batched (Int, Int, Bytes)
        "SELECT k.n, w.id, w.attempt_until AS due, w.owner FROM unnest($1, $2, $3) WITH ORDINALITY k (now, most, slots, n)
         CROSS JOIN LATERAL (SELECT id, attempt_until, owner FROM work WHERE owner IS NOT NULL AND due <= k.now AND sending
                             AND attempt_until <= k.now AND get_bit(k.slots, work.slot::int) = 1
                             ORDER BY due, id LIMIT k.most FOR UPDATE SKIP LOCKED) w";

    /// Reports that are overdue.
    REPORTS_OVERDUE: batched (Int, Int, Bytes)
        "SELECT k.n, a.id, a.due FROM unnest($1, $2, $3) WITH ORDINALITY k (now, most, slots, n)
         CROSS JOIN LATERAL (SELECT id, due FROM awaiting WHERE due <= k.now AND get_bit(k.slots, awaiting.slot::int) = 1
                             ORDER BY due, id LIMIT k.most FOR UPDATE SKIP LOCKED) a";

    /// A message to be sent, whole; of its media what is short, and where others lie.
    SEND: batched (Int, Int)
        "SELECT k.n, m.id, m.account, m.carrier, m.submission, w.attempts, w.unreached, b.crc, b.object, b.position, b.body
         FROM unnest($1, $2) WITH ORDINALITY k (id, short, n)
         CROSS JOIN LATERAL (SELECT attempts, unreached FROM work WHERE work.id = k.id OFFSET 0) w
         CROSS JOIN LATERAL (SELECT * FROM message WHERE message.id = k.id OFFSET 0) m
         LEFT JOIN LATERAL (SELECT crc, object, position, CASE WHEN length <= k.short THEN body END AS body
                            FROM media WHERE media.id = k.id OFFSET 0) b ON true";

    /// A callback that failed for good.
    FAILED_ONE: batched (Int)
        "SELECT k.n, c.*, e.state FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT * FROM callback_failed WHERE callback_failed.id = k.id FOR UPDATE) c
         LEFT JOIN LATERAL (SELECT state FROM ended WHERE ended.id = c.message OFFSET 0) e ON true";

    /// An unreadable request that came before, and whose place one more takes.
    UNREADABLE_FIND: batched (Text, Bytes, Int)
        "SELECT k.n, (SELECT id FROM unreadable u WHERE u.carrier = k.carrier AND u.digest = k.digest) AS known,
                (SELECT id FROM unreadable u WHERE u.carrier = k.carrier ORDER BY u.carrier DESC, u.id DESC OFFSET k.most LIMIT 1) AS beyond
         FROM unnest($1, $2, $3) WITH ORDINALITY k (carrier, digest, most, n)";

    /// A message from a handset, locked, and the callback that carries it.
    MO_ONE: batched (Int)
        "SELECT k.n, o.*, c.id AS callback, f.id AS failed FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT * FROM mo WHERE mo.id = k.id FOR UPDATE) o
         LEFT JOIN LATERAL (SELECT id FROM callback WHERE callback.message = k.id LIMIT 1) c ON true
         LEFT JOIN LATERAL (SELECT id FROM callback_failed WHERE callback_failed.message = k.id LIMIT 1) f ON true";

    /// Which of a carrier's that were for nobody are too many.
    FOR_NOBODY_BEYOND: batched (Text, Int)
        "SELECT k.n, (SELECT id FROM mo_for_nobody m WHERE m.carrier = k.carrier
                      ORDER BY m.carrier DESC, m.id DESC OFFSET k.most LIMIT 1) AS beyond
         FROM unnest($1, $2) WITH ORDINALITY k (carrier, most, n)";

    /// The revision of provisioning, to be changed.
    REVISION_LOCK: batched (Text)
        "SELECT k.n, m.value FROM unnest($1) WITH ORDINALITY k (name, n)
         CROSS JOIN LATERAL (SELECT value FROM meta WHERE meta.name = k.name FOR UPDATE) m";

    /// Messages that may be thrown away: they ended before a time, and owe nothing.
    SWEEP_MESSAGE: batched (Int, Int)
        "SELECT k.n, e.id FROM unnest($1, $2) WITH ORDINALITY k (id, before, n)
         CROSS JOIN LATERAL (SELECT id FROM ended WHERE ended.id = k.id AND at < k.before
                             AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = k.id) FOR UPDATE) e";

    /// Messages from handsets that may be thrown away.
    SWEEP_MO: batched (Int, Int)
        "SELECT k.n, o.id FROM unnest($1, $2) WITH ORDINALITY k (id, before, n)
         CROSS JOIN LATERAL (SELECT id FROM mo WHERE mo.id = k.id AND ended_at < k.before
                             AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = k.id) FOR UPDATE) o";

    /// What a callback carries that is about to be owed.
    CARRIED: batched (Int)
        "SELECT k.n, k.id, m.submission FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT submission FROM message WHERE message.id = k.id OFFSET 0) m";

    /// The nodes, as far as attempts depend on them.
    BEATS: batched (Int)
        "SELECT k.n, b.owner, b.beat_at FROM unnest($1) WITH ORDINALITY k (one, n)
         CROSS JOIN LATERAL (SELECT owner, beat_at FROM node WHERE owner IS NOT NULL AND k.one = 1 OFFSET 0) b";

    /// All numbers that were ever a node's, and what time it is.
    NODES: batched (Int)
        "SELECT k.n, b.*, (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS time,
                (SELECT value FROM meta WHERE name = 'revision') AS present,
                (SELECT value FROM meta WHERE name = 'schema_min') AS oldest
         FROM unnest($1) WITH ORDINALITY k (one, n)
         LEFT JOIN LATERAL (SELECT * FROM node WHERE k.one = 1 ORDER BY number OFFSET 0) b ON true";

    /// What nodes want of limits.
    DEMANDS: batched (Int)
        "SELECT k.n, d.* FROM unnest($1) WITH ORDINALITY k (one, n)
         CROSS JOIN LATERAL (SELECT node, owner, said_at, demands FROM demand WHERE k.one = 1 ORDER BY node OFFSET 0) d";

    /// How limits are divided.
    DIVISION: batched (Int)
        "SELECT k.n, d.document FROM unnest($1) WITH ORDINALITY k (one, n)
         CROSS JOIN LATERAL (SELECT document FROM division WHERE division.one = k.one OFFSET 0) d";

    /// A callback that is owed, or was kept as failed.
    KEPT_ONE: batched (Int)
        "SELECT k.n, c.*, coalesce(w.state, a.state, e.state) AS state
         FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (
             SELECT id, message, account, carrier, status, read_status, at, attempts, due, owner, false AS failed
             FROM callback WHERE callback.id = k.id
             UNION ALL
             SELECT id, message, account, carrier, status, read_status, at, attempts, NULL, NULL, true
             FROM callback_failed WHERE callback_failed.id = k.id OFFSET 0) c
         LEFT JOIN LATERAL (SELECT state FROM work WHERE work.id = c.message OFFSET 0) w ON true
         LEFT JOIN LATERAL (SELECT state FROM awaiting WHERE awaiting.id = c.message OFFSET 0) a ON true
         LEFT JOIN LATERAL (SELECT state FROM ended WHERE ended.id = c.message OFFSET 0) e ON true";

    /// Whether an account is paused.
    PAUSED_ONE: batched (Text)
        "SELECT k.n, e.paused_at FROM unnest($1) WITH ORDINALITY k (account, n)
         CROSS JOIN LATERAL (SELECT paused_at FROM endpoint WHERE endpoint.account = k.account FOR UPDATE) e";

    /// What is provisioned of one account.
    ACCOUNT_ONE: batched (Text)
        "SELECT k.n, d.document FROM unnest($1) WITH ORDINALITY k (key, n)
         CROSS JOIN LATERAL (SELECT document FROM account WHERE account.name = k.key OFFSET 0) d";
    /// Of one carrier.
    CARRIER_ONE: batched (Text)
        "SELECT k.n, d.document FROM unnest($1) WITH ORDINALITY k (key, n)
         CROSS JOIN LATERAL (SELECT document FROM carrier WHERE carrier.id = k.key OFFSET 0) d";
    /// How carriers are looked up.
    LOOKUP_ONE: batched (Int)
        "SELECT k.n, d.document FROM unnest($1) WITH ORDINALITY k (key, n)
         CROSS JOIN LATERAL (SELECT document FROM lookup WHERE lookup.id = k.key OFFSET 0) d";
    /// One range.
    RANGE_ONE: batched (Text)
        "SELECT k.n, k.prefix, d.carrier FROM unnest($1) WITH ORDINALITY k (prefix, n)
         CROSS JOIN LATERAL (SELECT carrier FROM range WHERE range.prefix = k.prefix OFFSET 0) d";
    /// One who is not to be reached.
    BLACKLIST_ONE: batched (Text, Text)
        "SELECT k.n FROM unnest($1, $2) WITH ORDINALITY k (number, account, n)
         CROSS JOIN LATERAL (SELECT 1 FROM blacklist b WHERE b.number = k.number AND b.account = k.account OFFSET 0) d";
    /// The revisions that are kept.
    REVISIONS_KEPT: batched (Int)
        "SELECT k.n, r.number, r.things FROM unnest($1) WITH ORDINALITY k (one, n)
         CROSS JOIN LATERAL (SELECT number, things FROM revision WHERE k.one = 1 ORDER BY number OFFSET 0) r ORDER BY r.number";

    /// Rows of audit that are too old.
    AUDIT_OLD: batched (Int, Int)
        "SELECT k.n, a.id FROM unnest($1, $2) WITH ORDINALITY k (before, most, n)
         CROSS JOIN LATERAL (SELECT id FROM audit WHERE at < k.before ORDER BY at LIMIT k.most) a";
    /// Rows of audit that are too many: behind the newest of them.
    AUDIT_BEYOND: batched (Int, Int)
        "SELECT k.n, a.id FROM unnest($1, $2) WITH ORDINALITY k (kept, most, n)
         CROSS JOIN LATERAL (SELECT id FROM audit
             WHERE id <= (SELECT id FROM audit ORDER BY id DESC OFFSET k.kept LIMIT 1) ORDER BY id LIMIT k.most) a";

    /// An operation in bulk, locked.
    OPERATION_LOCK: batched (Int)
        "SELECT k.n, o.id, o.owner, o.document FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT id, owner, document FROM operation WHERE operation.id = k.id FOR UPDATE) o";

    /// The oldest operation that runs and is in nobody's hand.
    OPERATION_FREE: batched (Int)
        "SELECT k.n, o.id, o.owner, o.document FROM unnest($1) WITH ORDINALITY k (now, n)
         CROSS JOIN LATERAL (SELECT id, owner, document FROM operation
                             WHERE state = 'running' AND (owner IS NULL OR until <= k.now)
                             ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) o";

    /// The new message for one that had ended.
    RESUBMITTED: batched (Int)
        "SELECT k.n, r.new, r.operation FROM unnest($1) WITH ORDINALITY k (message, n)
         CROSS JOIN LATERAL (SELECT new, operation FROM resubmission WHERE resubmission.message = k.message OFFSET 0) r";

    /// The callbacks about a message that failed for good.
    FAILED_OF: batched (Int)
        "SELECT k.n, f.id, f.status, f.read_status FROM unnest($1) WITH ORDINALITY k (message, n)
         CROSS JOIN LATERAL (SELECT id, status, read_status FROM callback_failed WHERE callback_failed.message = k.message
                             ORDER BY id FOR UPDATE) f
         ORDER BY f.id";

    /// The lines of one kind on a timeline.
    LINES_OF: batched (Int, Int)
        "SELECT k.n, e.detail FROM unnest($1, $2) WITH ORDINALITY k (message, kind, n)
         CROSS JOIN LATERAL (SELECT number, detail FROM event WHERE event.message = k.message AND kind = k.kind OFFSET 0) e
         ORDER BY e.number";

    /// The newest refusal of a kind.
    REFUSAL_LIKE: batched (Text, Text, Int, Int, Text)
        "SELECT k.n, r.id, r.last_at FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY k (peer, account, code, code_row, rule, n)
         CROSS JOIN LATERAL (SELECT id, last_at FROM refusal f WHERE f.peer = k.peer AND f.account = k.account AND f.code = k.code
                             AND f.code_row = k.code_row AND f.rule = k.rule
                             ORDER BY f.peer DESC, f.account DESC, f.code DESC, f.code_row DESC, f.rule DESC, f.id DESC
                             LIMIT 1 FOR UPDATE) r";
    /// Which refusals of an account are too many: the newest of them.
    REFUSALS_BEYOND: batched (Text, Int)
        "SELECT k.n, (SELECT id FROM refusal r WHERE r.account = k.account
                      ORDER BY r.account DESC, r.id DESC OFFSET k.most LIMIT 1) AS beyond
         FROM unnest($1, $2) WITH ORDINALITY k (account, most, n)";
    /// Which of all are.
    ALL_REFUSALS_BEYOND: batched (Int)
        "SELECT k.n, (SELECT id FROM refusal r ORDER BY r.id DESC OFFSET k.most LIMIT 1) AS beyond
         FROM unnest($1) WITH ORDINALITY k (most, n)";

    /// A record that is in no file yet.
    CDR_PENDING_LOCK: batched (Int)
        "SELECT k.n, c.id FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT id FROM cdr_pending WHERE cdr_pending.id = k.id FOR UPDATE) c";
    /// The last file of a folder.
    CDR_FILE_LOCK: batched (Text)
        "SELECT k.n, c.file, c.length FROM unnest($1) WITH ORDINALITY k (folder, n)
         CROSS JOIN LATERAL (SELECT file, length FROM cdr_file WHERE cdr_file.folder = k.folder FOR UPDATE) c";

    /// A token of a principal.
    TOKEN_ONE: batched (Text)
        "SELECT k.n, t.* FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT * FROM token WHERE token.id = k.id FOR UPDATE) t";
    /// An override of a connection.
    OVERRIDE_ONE: batched (Text, Text, Text)
        "SELECT k.n, o.* FROM unnest($1, $2, $3) WITH ORDINALITY k (carrier, connection, kind, n)
         CROSS JOIN LATERAL (
             SELECT * FROM connection_override c
             WHERE c.carrier = k.carrier AND c.connection = k.connection AND c.kind = k.kind FOR UPDATE) o";
    /// How many there are, and whether one has this id or hash.
    TOKEN_ROOM: batched (Text, Text)
        "SELECT k.n, (SELECT count(*) FROM token) AS tokens,
                EXISTS (SELECT 1 FROM token t WHERE t.id = k.id OR t.hash = k.hash) AS known
         FROM unnest($1, $2) WITH ORDINALITY k (id, hash, n)";
    /// A user.
    USER_ONE: batched (Text)
        "SELECT k.n, u.* FROM unnest($1) WITH ORDINALITY k (name, n)
         CROSS JOIN LATERAL (SELECT * FROM \"user\" WHERE \"user\".name = k.name FOR UPDATE) u";
    /// The user of a link.
    USER_LINKED: batched (Text)
        "SELECT k.n, u.* FROM unnest($1) WITH ORDINALITY k (hash, n)
         CROSS JOIN LATERAL (SELECT * FROM \"user\" WHERE \"user\".link_hash = k.hash FOR UPDATE) u";
    /// How many there are, and whether one has this name.
    USER_ROOM: batched (Text)
        "SELECT k.n, (SELECT count(*) FROM \"user\") AS users, EXISTS (SELECT 1 FROM \"user\" u WHERE u.name = k.name) AS known
         FROM unnest($1) WITH ORDINALITY k (name, n)";
    /// A session.
    SESSION_ONE: batched (Text)
        "SELECT k.n, s.* FROM unnest($1) WITH ORDINALITY k (id, n)
         CROSS JOIN LATERAL (SELECT * FROM session WHERE session.id = k.id FOR UPDATE) s";
    /// Sessions that are over, and those beyond how many are kept.
    SESSIONS_OVER: batched (Int, Int, Int)
        "SELECT k.n, s.id FROM unnest($1, $2, $3) WITH ORDINALITY k (idle, now, kept, n)
         CROSS JOIN LATERAL (
             SELECT id FROM session WHERE used_at <= k.idle OR expires_at <= k.now
             UNION
             SELECT id FROM (SELECT id FROM session WHERE used_at > k.idle AND (expires_at IS NULL OR expires_at > k.now)
                             ORDER BY used_at DESC, id DESC OFFSET k.kept) beyond) s";

    /// A request under a key.
    KEY_ONE: batched (Text)
        "SELECT k.n, r.* FROM unnest($1) WITH ORDINALITY k (hash, n)
         CROSS JOIN LATERAL (SELECT * FROM request_key WHERE request_key.hash = k.hash FOR UPDATE) r";
    /// Keys beyond how many are kept of one principal, and of all together.
    KEYS_OVER: batched (Text, Int, Int)
        "SELECT k.n, r.hash FROM unnest($1, $2, $3) WITH ORDINALITY k (principal, own, kept, n)
         CROSS JOIN LATERAL (
             SELECT hash FROM (SELECT hash FROM request_key WHERE request_key.principal = k.principal
                               ORDER BY at DESC, hash DESC OFFSET k.own) beyond
             UNION
             SELECT hash FROM (SELECT hash FROM request_key ORDER BY at DESC, hash DESC OFFSET k.kept) beyond) r";
    /// Keys that are not remembered any more.
    KEYS_OLD: batched (Int, Int)
        "SELECT k.n, r.hash FROM unnest($1, $2) WITH ORDINALITY k (until, most, n)
         CROSS JOIN LATERAL (SELECT hash FROM request_key WHERE at <= k.until ORDER BY at, hash LIMIT k.most) r";

    // What goes.

    /// A message is not to be sent any more, or not now: it is locked, or still the version that was read.
    DELETE_WORK: batched (Int, Int)
        "WITH gone AS (
             DELETE FROM work USING unnest($1, $2) k (id, version)
             WHERE work.id = k.id AND (k.version IS NULL OR work.xmin::text::int8 = k.version) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM gone";

    /// No report is awaited any more: likewise.
    DELETE_AWAITING: batched (Int, Int)
        "WITH gone AS (
             DELETE FROM awaiting USING unnest($1, $2) k (id, version)
             WHERE awaiting.id = k.id AND (k.version IS NULL OR awaiting.xmin::text::int8 = k.version) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM gone";

    /// A callback is not owed any more: it is locked, or still the version that was read.
    DELETE_CALLBACK: batched (Int, Int)
        "WITH gone AS (
             DELETE FROM callback USING unnest($1, $2) k (id, version)
             WHERE callback.id = k.id AND (k.version IS NULL OR callback.xmin::text::int8 = k.version) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM gone";

    /// A failed callback is owed again.
    DELETE_FAILED: batched (Int)
        "WITH gone AS (DELETE FROM callback_failed WHERE id = ANY($1) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM gone";

    /// A report or read reply waits no more.
    DELETE_WAITING: batched (Int)
        "DELETE FROM unmatched_report WHERE id = ANY($1)";

    /// A request is not remembered any more.
    SEEN_FORGET: batched (Int, Bytes, Int)
        "DELETE FROM seen USING unnest($1, $2, $3) k (bucket, key, id)
         WHERE seen.bucket = k.bucket AND seen.key = k.key AND seen.id IS NOT DISTINCT FROM k.id";

    /// The media of a message.
    DELETE_MEDIA: batched (Int)
        "DELETE FROM media WHERE id = ANY($1)";

    /// A message with its timeline and all that is about it.
    DELETE_MESSAGE: batched (Int)
        "DELETE FROM message WHERE id = ANY($1)";
    /// Its end.
    DELETE_ENDED: batched (Int)
        "DELETE FROM ended WHERE id = ANY($1)";
    /// Its timeline.
    DELETE_EVENTS: batched (Int)
        "DELETE FROM event WHERE message = ANY($1)";
    /// What its recipient did with it.
    DELETE_READ_REPLIES: batched (Int)
        "DELETE FROM read_reply WHERE message = ANY($1)";
    /// Its attempts that failed.
    DELETE_FAILED_ATTEMPTS: batched (Int)
        "DELETE FROM failed_attempt WHERE message = ANY($1)";
    /// What failed about it.
    DELETE_FAILED_OF: batched (Int)
        "DELETE FROM callback_failed WHERE message = ANY($1)";
    /// A message from a handset.
    DELETE_MO: batched (Int)
        "DELETE FROM mo WHERE id = ANY($1)";
    /// Unreadable requests.
    DELETE_UNREADABLE: batched (Int)
        "DELETE FROM unreadable WHERE id = ANY($1)";
    /// Those of a carrier from one on, the older ones.
    DELETE_UNREADABLE_FROM: batched (Text, Int)
        "DELETE FROM unreadable USING unnest($1, $2) k (carrier, beyond)
         WHERE unreadable.carrier = k.carrier AND unreadable.carrier = ANY($1) AND unreadable.id <= k.beyond";

    /// Of those that were for nobody.
    DELETE_FOR_NOBODY: batched (Int)
        "DELETE FROM mo_for_nobody WHERE id = ANY($1)";
    /// Those of a carrier from one on, the older ones.
    DELETE_FOR_NOBODY_FROM: batched (Text, Int)
        "DELETE FROM mo_for_nobody USING unnest($1, $2) k (carrier, beyond)
         WHERE mo_for_nobody.carrier = k.carrier AND mo_for_nobody.carrier = ANY($1) AND mo_for_nobody.id <= k.beyond";
    /// Rows of audit.
    DELETE_AUDIT: batched (Int)
        "DELETE FROM audit WHERE id = ANY($1)";
    /// Revisions.
    DELETE_REVISION: batched (Int)
        "DELETE FROM revision WHERE number = ANY($1)";
    /// What they changed.
    DELETE_REVISED: batched (Int)
        "DELETE FROM revised WHERE revision = ANY($1)";
    /// The tries of the callbacks about a message.
    DELETE_TRIES: batched (Int)
        "DELETE FROM callback_attempt WHERE message = ANY($1)";
    /// The oldest tries of a callback, which are too many.
    TRIM_TRIES: batched (Int, Int)
        "DELETE FROM callback_attempt USING unnest($1, $2) k (callback, most)
         WHERE callback_attempt.callback = k.callback AND callback_attempt.callback = ANY($1)
           AND callback_attempt.at <= (SELECT at FROM callback_attempt f WHERE f.callback = k.callback
                                       ORDER BY f.callback DESC, f.at DESC OFFSET k.most LIMIT 1)";

    /// What came of the messages of operations.
    DELETE_OPERATION_ITEMS: batched (Int)
        "DELETE FROM operation_item WHERE operation = ANY($1)
           AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = operation_item.operation AND o.state = 'running')";
    /// Operations, unless they run.
    DELETE_OPERATION: batched (Int)
        "DELETE FROM operation WHERE id = ANY($1) AND state <> 'running'";
    /// That a message was sent again.
    DELETE_RESUBMISSION: batched (Int)
        "DELETE FROM resubmission WHERE message = ANY($1)";
    /// Refusals.
    DELETE_REFUSAL: batched (Int)
        "DELETE FROM refusal WHERE id = ANY($1)";
    /// Those of an account from one on, the older ones.
    DELETE_REFUSALS_FROM: batched (Text, Int)
        "DELETE FROM refusal USING unnest($1, $2) k (account, beyond)
         WHERE refusal.account = k.account AND refusal.account = ANY($1) AND refusal.id <= k.beyond";
    /// Those of all.
    DELETE_ALL_REFUSALS_FROM: batched (Int)
        "DELETE FROM refusal WHERE id <= (SELECT max(id) FROM unnest($1) k (id))";

    /// A record that is in a file.
    DELETE_CDR_PENDING: batched (Int)
        "DELETE FROM cdr_pending WHERE id = ANY($1)";
    /// A token.
    DELETE_TOKEN: batched (Text)
        "DELETE FROM token WHERE id = ANY($1)";
    /// An override of a connection.
    DELETE_OVERRIDE: batched (Text, Text, Text)
        "DELETE FROM connection_override o USING unnest($1, $2, $3) k (carrier, connection, kind)
         WHERE o.carrier = k.carrier AND o.connection = k.connection AND o.kind = k.kind";
    /// Those that are over.
    DELETE_OVERRIDES_OVER: batched (Int)
        "DELETE FROM connection_override WHERE until <= (SELECT max(at) FROM unnest($1) k (at))";
    /// A user.
    DELETE_USER: batched (Text)
        "DELETE FROM \"user\" WHERE name = ANY($1)";
    /// A session.
    DELETE_SESSION: batched (Text)
        "DELETE FROM session WHERE id = ANY($1)";
    /// A request under a key.
    DELETE_KEY: batched (Text)
        "DELETE FROM request_key WHERE hash = ANY($1)";
    /// The sessions that were begun with something.
    DELETE_SESSIONS_OF: batched (Text)
        "DELETE FROM session WHERE origin = ANY($1)";

    // What changes.

    /// A message that is to be sent, or is being sent: it is locked, or still the version that was read.
    UPDATE_WORK: batched (Int, Int, Bool, Int, Int, Int, Text, Int, Int, Bool, Int, Int, Int, Text, Int)
        "WITH done AS (
             UPDATE work SET state = k.state, sending = k.sending, due = k.due, attempt_until = k.attempt_until, begun_at = k.begun_at,
                    connection = k.connection, owner = k.owner, since = k.since, unreached = k.unreached, attempts = k.attempts,
                    report_until = k.report_until, changed_at = k.changed_at, carrier_message_id = k.carrier_message_id
             FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                  k (id, state, sending, due, attempt_until, begun_at, connection, owner, since, unreached, attempts, report_until,
                     changed_at, carrier_message_id, version)
             WHERE work.id = k.id AND (k.version IS NULL OR work.xmin::text::int8 = k.version) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// Something is written about a message whose own row stays as it is, and becomes another version, for who read it before does not
    /// know of that.
    TOUCH_WORK: batched (Int, Int)
        "WITH done AS (
             UPDATE work SET attempts = work.attempts FROM unnest($1, $2) k (id, version)
             WHERE work.id = k.id AND (k.version IS NULL OR work.xmin::text::int8 = k.version) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";
    /// The same of one whose reports are awaited.
    TOUCH_AWAITING: batched (Int, Int)
        "WITH done AS (
             UPDATE awaiting SET attempts = awaiting.attempts FROM unnest($1, $2) k (id, version)
             WHERE awaiting.id = k.id AND (k.version IS NULL OR awaiting.xmin::text::int8 = k.version) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// A lease on messages that are to be sent.
    LEASE_WORK: batched (Int, Int, Int)
        "WITH done AS (
             UPDATE work SET owner = k.owner, due = k.until, attempt_until = CASE WHEN sending THEN k.until END
             FROM unnest($1, $2, $3) k (id, owner, until) WHERE work.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// Leases that are given back before an attempt was begun.
    RELEASE_WORK: batched (Int, Int, Int)
        "UPDATE work SET owner = NULL, due = k.now FROM unnest($1, $2, $3) k (id, owner, now)
         WHERE work.id = k.id AND work.owner IS NOT DISTINCT FROM k.owner AND NOT work.sending";

    /// The same of timers.
    RELEASE_AWAITING: batched (Int, Int, Int)
        "UPDATE awaiting SET owner = NULL, due = k.now FROM unnest($1, $2, $3) k (id, owner, now)
         WHERE awaiting.id = k.id AND awaiting.owner IS NOT DISTINCT FROM k.owner";

    /// Messages that are put off.
    PUT_OFF: batched (Int, Int, Bool)
        "WITH done AS (
             UPDATE work SET owner = NULL, due = least(k.until, work.expiry), unreached = work.unreached OR k.nobody_there
             FROM unnest($1, $2, $3) k (id, until, nobody_there) WHERE work.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// A message whose reports are awaited: it is locked, or still the version that was read.
    UPDATE_AWAITING: batched (Int, Int, Int, Int, Int, Int, Int, Text, Int)
        "WITH done AS (
             UPDATE awaiting SET state = k.state, due = k.due, owner = k.owner, attempts = k.attempts, report_until = k.report_until,
                    changed_at = k.changed_at, carrier_message_id = k.carrier_message_id
             FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
                  k (id, state, due, owner, attempts, report_until, changed_at, carrier_message_id, version)
             WHERE awaiting.id = k.id AND (k.version IS NULL OR awaiting.xmin::text::int8 = k.version) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// A lease on timers.
    LEASE_AWAITING: batched (Int, Int, Int)
        "WITH done AS (
             UPDATE awaiting SET owner = k.owner, due = k.until FROM unnest($1, $2, $3) k (id, owner, until)
             WHERE awaiting.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// A message that has ended learns its MessageID after all.
    UPDATE_ENDED: batched (Int, Text)
        "WITH done AS (
             UPDATE ended SET carrier_message_id = k.carrier_message_id FROM unnest($1, $2) k (id, carrier_message_id)
             WHERE ended.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// How a callback stands.
    UPDATE_CALLBACK: batched (Int, Int, Int, Int)
        "WITH done AS (
             UPDATE callback SET due = k.due, owner = k.owner, attempts = k.attempts
             FROM unnest($1, $2, $3, $4) k (id, due, owner, attempts) WHERE callback.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// What is owed about a message, which is locked, becomes another version: one more waits behind it, which whoever read it before does
    /// not know of.
    TOUCH_CALLBACKS: batched (Int)
        "UPDATE callback SET attempts = attempts WHERE message = ANY($1)";

    /// A lease on callbacks.
    LEASE_CALLBACK: batched (Int, Int, Int)
        "WITH done AS (
             UPDATE callback SET owner = k.owner, due = k.until FROM unnest($1, $2, $3) k (id, owner, until)
             WHERE callback.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// Leases on callbacks that are given back.
    RELEASE_CALLBACK: batched (Int, Int, Int)
        "UPDATE callback SET owner = NULL, due = k.now FROM unnest($1, $2, $3) k (id, owner, now)
         WHERE callback.id = k.id AND callback.owner IS NOT DISTINCT FROM k.owner";

    /// A callback that had to wait is due.
    FREE_CALLBACK: batched (Int, Int)
        "WITH done AS (
             UPDATE callback SET due = k.due FROM unnest($1, $2) k (id, due) WHERE callback.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// When a message from a handset ended.
    END_MO: batched (Int, Int)
        "WITH done AS (
             UPDATE mo SET ended_at = k.at FROM unnest($1, $2) k (id, at) WHERE mo.id = k.id AND mo.id = ANY($1) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// When a report is looked at once more.
    LOOK_AGAIN: batched (Int, Int)
        "UPDATE unmatched_report SET next_look = k.at FROM unnest($1, $2) k (id, at)
         WHERE unmatched_report.id = k.id AND unmatched_report.id = ANY($1)";

    /// An unreadable request came again.
    COUNT_UNREADABLE: batched (Int, Int)
        "UPDATE unreadable SET times = times + 1, last_at = k.at FROM unnest($1, $2) k (id, at)
         WHERE unreadable.id = k.id AND unreadable.id = ANY($1)";

    /// How an operation in bulk stands.
    UPDATE_OPERATION: batched (Int, Text, Int, Int, Text)
        "WITH done AS (
             UPDATE operation SET state = k.state, owner = k.owner, until = k.until, document = k.document
             FROM unnest($1, $2, $3, $4, $5) k (id, state, owner, until, document)
             WHERE operation.id = k.id RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// One is given back.
    RELEASE_OPERATION: batched (Int, Int)
        "UPDATE operation SET owner = NULL, until = NULL FROM unnest($1, $2) k (id, owner)
         WHERE operation.id = k.id AND operation.owner = k.owner";

    /// Where a message goes that was to go elsewhere.
    UPDATE_MESSAGE_CARRIER: batched (Int, Text)
        "WITH done AS (
             UPDATE message SET carrier = k.carrier FROM unnest($1, $2) k (id, carrier)
             WHERE message.id = k.id AND message.id = ANY($1) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";
    /// The same of one that is to be sent before as after.
    UPDATE_WORK_CARRIER: batched (Int, Text)
        "WITH done AS (
             UPDATE work SET carrier = k.carrier FROM unnest($1, $2) k (id, carrier)
             WHERE work.id = k.id AND work.id = ANY($1) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";
    /// An operator wants something else of a message's next attempt.
    UPDATE_SUBMISSION: batched (Int, Text)
        "WITH done AS (
             UPDATE message SET submission = k.submission FROM unnest($1, $2) k (id, submission)
             WHERE message.id = k.id AND message.id = ANY($1) RETURNING 1)
         SELECT 1 / (count(*) = cardinality($1))::int FROM done";

    /// A refusal came again.
    COUNT_REFUSAL: batched (Int, Int, Int)
        "UPDATE refusal SET times = refusal.times + k.times, last_at = greatest(refusal.last_at, k.at)
         FROM unnest($1, $2, $3) k (id, times, at) WHERE refusal.id = k.id AND refusal.id = ANY($1)";

    /// When a token was used.
    USE_TOKEN: batched (Text, Int)
        "UPDATE token SET last_used = k.at FROM (SELECT id, max(at) AS at FROM unnest($1, $2) u (id, at) GROUP BY id) k
         WHERE token.id = k.id";
    /// What a user may do.
    SET_USER_ROLE: batched (Text, Text)
        "UPDATE \"user\" SET role = k.role FROM unnest($1, $2) k (name, role) WHERE \"user\".name = k.name";
    /// A user has to set another password.
    RESET_USER: batched (Text, Text, Int)
        "UPDATE \"user\" SET password_hash = NULL, link_hash = k.hash, link_expires_at = k.until
         FROM unnest($1, $2, $3) k (name, hash, until) WHERE \"user\".name = k.name";
    /// A user set a password.
    SET_USER_PASSWORD: batched (Text, Text)
        "UPDATE \"user\" SET password_hash = k.hash, link_hash = NULL, link_expires_at = NULL
         FROM unnest($1, $2) k (name, hash) WHERE \"user\".name = k.name";
    /// When a user signed in.
    USER_SIGNED_IN: batched (Text, Int)
        "UPDATE \"user\" SET signed_in_at = k.at FROM unnest($1, $2) k (name, at) WHERE \"user\".name = k.name";
    /// What was answered to a request under a key.
    ANSWER_KEY: batched (Text, Int, Text, Text)
        "UPDATE request_key SET status = k.status, body = k.body, etag = k.etag
         FROM unnest($1, $2, $3, $4) k (hash, status, body, etag) WHERE request_key.hash = k.hash";
    /// When a session was used.
    USE_SESSION: batched (Text, Int)
        "UPDATE session SET used_at = greatest(used_at, k.at)
         FROM (SELECT id, max(at) AS at FROM unnest($1, $2) u (id, at) GROUP BY id) k WHERE session.id = k.id";

    /// A single value.
    SET_META: batched (Text, Int)
        "INSERT INTO meta (name, value) SELECT * FROM unnest($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    /// A single value that only grows.
    RAISE_META: batched (Text, Int)
        "INSERT INTO meta (name, value) SELECT name, max(value) FROM unnest($1, $2) k (name, value) GROUP BY name
         ON CONFLICT (name) DO UPDATE SET value = greatest(meta.value, excluded.value)";

    /// The last line of a timeline that is full.
    REPLACE_LAST_EVENT: batched (Int, Int, Int, Text)
        "UPDATE event SET at = k.at, kind = k.kind, detail = k.detail FROM unnest($1, $2, $3, $4) k (message, at, kind, detail)
         WHERE event.message = k.message AND event.message = ANY($1)
           AND event.number = (SELECT number FROM event e WHERE e.message = k.message ORDER BY e.message DESC, e.number DESC LIMIT 1)";

    // What comes.

    /// A message.
    INSERT_MESSAGE: batched into Message (Int, Int, Bool, Text, Text, Text, Text, Bytes, Text)
        "INSERT INTO message (id, accepted_at, delivery_report, account, carrier, recipient, transaction_id, seen_key, submission)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// What is to be sent.
    INSERT_WORK: batched (Int, Int, Int, Bool, Int, Int, Int, Text, Int, Int, Bool, Int, Int, Int, Int, Text, Text, Text, Text, Bool, Text)
        concat!("INSERT INTO work (", work_columns!(), ")
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)");

    /// What is waited for.
    INSERT_AWAITING: batched into Awaiting (Int, Int, Int, Int, Int, Int, Bool, Int, Int, Int, Int, Text, Text, Text, Text, Bool, Text)
        concat!("INSERT INTO awaiting (", awaiting_columns!(), ")
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)");

    /// An end.
    INSERT_ENDED: batched into Ended (Int, Int, Int, Text, Int, Int, Int, Text, Text)
        "INSERT INTO ended (id, state, reason, details, at, attempts, report_until, carrier, carrier_message_id)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// A line of a timeline.
    INSERT_EVENT: batched into Event (Int, Int, Int, Int, Text)
        "INSERT INTO event (message, number, at, kind, detail) SELECT * FROM unnest($1, $2, $3, $4, $5)";

    /// What a recipient did.
    INSERT_READ_REPLY: batched into ReadReply (Int, Text, Int)
        "INSERT INTO read_reply (message, status, time_stamp) SELECT * FROM unnest($1, $2, $3)";

    /// Media.
    INSERT_MEDIA: batched into Media (Int, Int, Int, Int, Int, Bytes)
        "INSERT INTO media (id, crc, length, object, position, body) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";

    /// The object that they lie in.
    INSERT_OBJECT: batched (Int)
        "INSERT INTO object (id) SELECT DISTINCT id FROM unnest($1) k (id) ORDER BY id ON CONFLICT DO NOTHING";

    /// An attempt that failed.
    INSERT_FAILED_ATTEMPT: batched into FailedAttempt (Int, Int, Int, Int, Text, Text)
        "INSERT INTO failed_attempt (message, number, at, code, carrier, connection) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";

    /// Of a message that has failed often, those that are too many go.
    TRIM_FAILED_ATTEMPTS: batched (Int, Int)
        "DELETE FROM failed_attempt USING unnest($1, $2) k (message, most)
         WHERE failed_attempt.message = k.message AND failed_attempt.message = ANY($1)
           AND failed_attempt.number <= (SELECT number FROM failed_attempt f WHERE f.message = k.message
                                         ORDER BY f.message DESC, f.number DESC OFFSET k.most LIMIT 1)";

    /// A message from a handset.
    INSERT_MO: batched into Mo (Int, Int, Text, Text, Text, Text, Text)
        "INSERT INTO mo (id, received_at, account, carrier, transaction_id, linked_id, document)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)";

    /// One that was for nobody.
    INSERT_FOR_NOBODY: batched (Int, Int, Text, Text, Text, Text)
        "INSERT INTO mo_for_nobody (id, received_at, carrier, transaction_id, sender, recipients)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";

    /// A callback that is owed.
    INSERT_CALLBACK: batched (Int, Int, Int, Int, Int, Int, Int, Text, Text, Text, Text)
        "INSERT INTO callback (id, message, slot, due, owner, attempts, at, status, read_status, account, carrier)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    /// A callback that failed for good.
    INSERT_FAILED: batched (Int, Int, Int, Int, Text, Text, Text, Text)
        "INSERT INTO callback_failed (id, message, attempts, at, status, read_status, account, carrier)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)";

    /// A report or read reply that waits.
    INSERT_WAITING: batched (Int, Int, Text, Text, Text, Text, Text, Text, Text, Int, Int)
        "INSERT INTO unmatched_report (id, received_at, carrier, carrier_message_id, recipient, sender, status, said, odd, read_at, next_look)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    /// An unreadable request.
    INSERT_UNREADABLE: batched (Int, Int, Int, Text, Bytes, Int, Text, Text, Int, Bytes)
        "INSERT INTO unreadable (id, first_at, last_at, times, carrier, digest, code, why, content_type, length, body)
         SELECT id, first_at, last_at, 1, carrier, digest, code, why, content_type, length, body
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
              k (id, first_at, last_at, carrier, digest, code, why, content_type, length, body)";

    /// An operation in bulk.
    INSERT_OPERATION: batched (Int, Int, Text, Text)
        "INSERT INTO operation (id, created_at, state, document) SELECT * FROM unnest($1, $2, $3, $4)";
    /// What came of one of its messages.
    INSERT_OPERATION_ITEM: batched (Int, Int, Text, Int)
        "INSERT INTO operation_item (operation, message, outcome, new) SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    /// A message that is sent again as a new one.
    INSERT_RESUBMISSION: batched (Int, Int, Int)
        "INSERT INTO resubmission (message, new, operation) SELECT * FROM unnest($1, $2, $3)";
    /// A refusal.
    INSERT_REFUSAL: batched (Int, Int, Int, Int, Text, Int, Int, Text, Text, Text, Text, Text)
        "INSERT INTO refusal (id, at, last_at, times, account, code, code_row, rule, peer, transaction_id, recipient_hash, document)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    /// Something ended.
    INSERT_CDR_PENDING: batched (Int, Int, Int)
        "INSERT INTO cdr_pending (id, node, at) SELECT * FROM unnest($1, $2, $3)";
    /// How far a file is written.
    PUT_CDR_FILE: batched (Text, Text, Int)
        "INSERT INTO cdr_file (folder, file, length) SELECT * FROM unnest($1, $2, $3)
         ON CONFLICT (folder) DO UPDATE SET file = excluded.file, length = excluded.length";
    /// A token of a principal.
    INSERT_TOKEN: batched (Text, Text, Text, Text, Int, Int)
        "INSERT INTO token (id, name, role, hash, created_at, expires_at) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";
    /// An override of a connection, in place of one of its kind.
    PUT_OVERRIDE: batched (Text, Text, Text, Int, Int, Int, Int, Text, Text)
        "INSERT INTO connection_override (carrier, connection, kind, window_limit, rate_limit, since, until, actor, reason)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (carrier, connection, kind) DO UPDATE SET window_limit = excluded.window_limit,
             rate_limit = excluded.rate_limit, since = excluded.since, until = excluded.until,
             actor = excluded.actor, reason = excluded.reason";
    /// When keys were last used.
    USE_KEYS: batched (Text, Int)
        "INSERT INTO key_use (id, used_at) SELECT id, max(at) FROM unnest($1, $2) k (id, at) GROUP BY id ORDER BY id
         ON CONFLICT (id) DO UPDATE SET used_at = greatest(key_use.used_at, excluded.used_at)";
    /// A user.
    INSERT_USER: batched (Text, Text, Text, Text, Int, Int)
        "INSERT INTO \"user\" (name, role, password_hash, link_hash, link_expires_at, created_at)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";
    /// A session.
    INSERT_SESSION: batched (Text, Text, Text, Text, Text, Text, Int, Int, Int)
        "INSERT INTO session (id, hash, name, role, origin, address, begun_at, used_at, expires_at)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// A request under a key.
    PUT_KEY: batched (Text, Text, Text, Int)
        "INSERT INTO request_key (hash, principal, digest, at) SELECT * FROM unnest($1, $2, $3, $4)
         ON CONFLICT (hash) DO UPDATE
         SET digest = excluded.digest, at = excluded.at, status = NULL, body = NULL, etag = NULL";

    /// A row of audit.
    INSERT_AUDIT: batched (Int, Int, Text, Text, Text, Text, Text, Text, Text, Text, Text)
        "INSERT INTO audit (id, at, actor, role, credential, address, verb, target, before, after, reason)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    /// A revision.
    INSERT_REVISION: batched (Int, Int, Text, Text, Text, Int)
        "INSERT INTO revision (number, at, actor, reason, summary, things) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";
    /// What it changed.
    INSERT_REVISED: batched (Int, Int, Text)
        "INSERT INTO revised (revision, part, document) SELECT * FROM unnest($1, $2, $3)";
    /// A try to deliver a callback.
    PUT_TRY: batched (Int, Int, Int, Text, Int, Text, Bytes)
        "INSERT INTO callback_attempt (callback, at, message, ended, http_status, words, body)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (callback, at) DO UPDATE SET ended = excluded.ended, http_status = excluded.http_status,
             words = excluded.words, body = excluded.body";
    /// An endpoint fails. Of several of one account the last counts.
    ENDPOINT_FAILS: batched (Text, Int, Int, Text)
        "INSERT INTO endpoint (account, failing_since, failed_at, http_status, words)
         SELECT DISTINCT ON (account) account, min(at) OVER (PARTITION BY account), at, http_status, words
         FROM unnest($1, $2, $3, $4) k (account, at, http_status, words) ORDER BY account, at DESC
         ON CONFLICT (account) DO UPDATE SET failing_since = coalesce(endpoint.failing_since, excluded.failing_since),
             failed_at = excluded.failed_at, http_status = excluded.http_status, words = excluded.words";
    /// An endpoint does not fail any more.
    ENDPOINT_RECOVERS: batched (Text)
        "UPDATE endpoint SET failing_since = NULL WHERE account = ANY($1) AND failing_since IS NOT NULL";
    /// An account is paused.
    PAUSE_ACCOUNT: batched (Text, Int, Text, Text)
        "INSERT INTO endpoint (account, paused_at, paused_by, paused_for) SELECT * FROM unnest($1, $2, $3, $4)
         ON CONFLICT (account) DO UPDATE SET paused_at = excluded.paused_at, paused_by = excluded.paused_by,
             paused_for = excluded.paused_for";
    /// It is not any more.
    RESUME_ACCOUNT: batched (Text)
        "UPDATE endpoint SET paused_at = NULL, paused_by = NULL, paused_for = NULL WHERE account = ANY($1)";
    /// A node.
    PUT_NODE: batched (Int, Int, Int, Int, Text, Text, Int, Bool, Int, Int)
        "INSERT INTO node (number, owner, epoch, kind, address, version, revision, draining, beat_at, ids_until)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (number) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch, kind = excluded.kind,
             address = excluded.address, version = excluded.version, revision = excluded.revision, draining = excluded.draining,
             beat_at = excluded.beat_at, ids_until = excluded.ids_until";

    /// What a node wants of limits.
    PUT_DEMAND: batched (Int, Int, Int, Text)
        "INSERT INTO demand (node, owner, said_at, demands) SELECT * FROM unnest($1, $2, $3, $4)
         ON CONFLICT (node) DO UPDATE SET owner = excluded.owner, said_at = excluded.said_at, demands = excluded.demands";

    /// How limits are divided.
    PUT_DIVISION: batched (Int, Text)
        "INSERT INTO division (one, document) SELECT * FROM unnest($1, $2)
         ON CONFLICT (one) DO UPDATE SET document = excluded.document";

    // Provisioning.

    /// Accounts.
    PUT_ACCOUNT: batched (Text, Text)
        "INSERT INTO account (name, document) SELECT * FROM unnest($1, $2) ON CONFLICT (name) DO UPDATE SET document = excluded.document";
    /// One that goes.
    REMOVE_ACCOUNT: batched (Text)
        "DELETE FROM account WHERE name = ANY($1)";
    /// Carriers.
    PUT_CARRIER: batched (Text, Text)
        "INSERT INTO carrier (id, document) SELECT * FROM unnest($1, $2) ON CONFLICT (id) DO UPDATE SET document = excluded.document";
    /// One that goes.
    REMOVE_CARRIER: batched (Text)
        "DELETE FROM carrier WHERE id = ANY($1)";
    /// How carriers are looked up.
    PUT_LOOKUP: batched (Int, Text)
        "INSERT INTO lookup (id, document) SELECT * FROM unnest($1, $2) ON CONFLICT (id) DO UPDATE SET document = excluded.document";
    /// They are not.
    REMOVE_LOOKUP: batched (Int)
        "DELETE FROM lookup WHERE id = ANY($1)";
    /// Ranges.
    PUT_RANGE: batched (Text, Text)
        "INSERT INTO range (prefix, carrier) SELECT * FROM unnest($1, $2) ON CONFLICT (prefix) DO UPDATE SET carrier = excluded.carrier";
    /// One that goes.
    REMOVE_RANGE: batched (Text)
        "DELETE FROM range WHERE prefix = ANY($1)";
    /// Who is not to be reached.
    PUT_BLACKLISTED: batched (Text, Text)
        "INSERT INTO blacklist (number, account) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING";
    /// One that may be reached again.
    REMOVE_BLACKLISTED: batched (Text, Text)
        "DELETE FROM blacklist USING unnest($1, $2) k (number, account)
         WHERE blacklist.number = k.number AND blacklist.account = k.account";

    // Reads.

    /// A message with its row.
    SUBJECT_READ: one (Int) subject!("(SELECT $1::int8 AS id, 1::int8 AS n)", "OFFSET 0");

    /// A message.
    MESSAGE_READ: one (Int)
        "SELECT m.id, m.account, m.carrier, m.submission, m.accepted_at,
                coalesce(w.state, a.state, e.state) AS state, e.reason, e.details,
                coalesce(w.carrier_message_id, a.carrier_message_id, e.carrier_message_id) AS carrier_message_id,
                coalesce(w.attempts, a.attempts, e.attempts) AS attempts,
                coalesce(w.changed_at, a.changed_at, e.at) AS changed_at
         FROM message m LEFT JOIN work w USING (id) LEFT JOIN awaiting a USING (id) LEFT JOIN ended e USING (id)
         WHERE m.id = $1";

    /// A timeline.
    EVENTS_READ: one (Int)
        "SELECT number, at, kind, detail FROM event WHERE message = $1 ORDER BY number";

    /// What describes the media of a message, and these.
    MEDIA_READ: one (Int)
        "SELECT g.document, b.crc, b.object, b.position, b.body, b.id IS NOT NULL AS present
         FROM (SELECT id, submission AS document FROM message WHERE id = $1
               UNION ALL SELECT id, document FROM mo WHERE id = $1) g LEFT JOIN media b ON b.id = $1";

    /// Unreadable requests of a carrier.
    UNREADABLE_READ: one (Text, Int, Int)
        "SELECT * FROM unreadable WHERE carrier = $1 AND id < $2 ORDER BY carrier DESC, id DESC LIMIT $3";
    /// Of all.
    UNREADABLE_READ_ALL: one (Int, Int)
        "SELECT * FROM unreadable WHERE id < $1 ORDER BY id DESC LIMIT $2";

    /// The newest ids there are or were.
    NEWEST_ID: one ()
        "SELECT greatest((SELECT value FROM meta WHERE name = 'newest_id'), (SELECT id FROM message ORDER BY id DESC LIMIT 1),
                         (SELECT id FROM mo ORDER BY id DESC LIMIT 1)) AS id";
    /// The message that so many are newer than.
    NTH_NEWEST: one (Int)
        "SELECT id FROM message ORDER BY id DESC LIMIT 1 OFFSET $1";
    /// The newest callback.
    NEWEST_CALLBACK: one ()
        "SELECT greatest((SELECT id FROM callback ORDER BY id DESC LIMIT 1),
                         (SELECT id FROM callback_failed ORDER BY id DESC LIMIT 1)) AS id";

    /// The newest object.
    NEWEST_OBJECT: one ()
        "SELECT id FROM object ORDER BY id DESC LIMIT 1";

    /// A single value.
    META_READ: one (Text)
        "SELECT value, bytes FROM meta WHERE name = $1";

    /// The first name with something that is nobody's, behind a name.
    NEXT_CARRIER: one (Text)
        "SELECT carrier AS name FROM work WHERE owner IS NULL AND carrier > $1 ORDER BY carrier, due, id LIMIT 1";
    /// The earliest of it.
    CARRIER_EARLIEST: one (Text, Bytes)
        "SELECT due FROM work WHERE owner IS NULL AND carrier = $1 AND get_bit($2, slot::int) = 1 ORDER BY carrier, due, id LIMIT 1";
    /// The earliest behind a time.
    CARRIER_AHEAD: one (Text, Bytes, Int)
        "SELECT due FROM work WHERE owner IS NULL AND carrier = $1 AND get_bit($2, slot::int) = 1 AND due > $3
         ORDER BY carrier, due, id LIMIT 1";
    /// What is held: the earliest that is over at a time, and the earliest that is not.
    WORK_HELD: one (Bytes, Int)
        "SELECT carrier, sending, min(at) FILTER (WHERE at <= $2) AS over, min(at) FILTER (WHERE at > $2) AS ahead
         FROM (SELECT carrier, sending, CASE WHEN sending THEN attempt_until ELSE due END AS at FROM work
               WHERE owner IS NOT NULL AND get_bit($1, slot::int) = 1 OFFSET 0) h GROUP BY carrier, sending";
    /// The earliest timer.
    AWAITING_EARLIEST: one (Bytes)
        "SELECT due FROM awaiting WHERE get_bit($1, slot::int) = 1 ORDER BY due, id LIMIT 1";
    /// The earliest timer behind a time.
    AWAITING_AHEAD: one (Bytes, Int)
        "SELECT due FROM awaiting WHERE get_bit($1, slot::int) = 1 AND due > $2 ORDER BY due, id LIMIT 1";
    /// The first account with a callback that is nobody's, behind a name.
    NEXT_ACCOUNT: one (Text)
        "SELECT account AS name, slot FROM callback WHERE owner IS NULL AND due IS NOT NULL AND account > $1
         ORDER BY account, due, id LIMIT 1";
    /// The earliest of it.
    ACCOUNT_EARLIEST: one (Text)
        "SELECT due FROM callback WHERE owner IS NULL AND due IS NOT NULL AND account = $1 ORDER BY account, due, id LIMIT 1";
    /// The earliest behind a time.
    ACCOUNT_AHEAD: one (Text, Int)
        "SELECT due FROM callback WHERE owner IS NULL AND due IS NOT NULL AND account = $1 AND due > $2
         ORDER BY account, due, id LIMIT 1";
    /// The first account with a callback in somebody's hand, behind a name.
    NEXT_HOLDING_ACCOUNT: one (Text)
        "SELECT account AS name, slot FROM callback WHERE owner IS NOT NULL AND account > $1 ORDER BY account, due, id LIMIT 1";
    /// The first lease to end.
    HELD_EARLIEST: one (Text)
        "SELECT due FROM callback WHERE owner IS NOT NULL AND account = $1 ORDER BY account, due, id LIMIT 1";
    /// The first lease to end behind a time.
    HELD_AHEAD: one (Text, Int)
        "SELECT due FROM callback WHERE owner IS NOT NULL AND account = $1 AND due > $2 ORDER BY account, due, id LIMIT 1";

    /// Provisioned accounts.
    ACCOUNTS_READ: one () "SELECT name AS key, document FROM account ORDER BY name";
    /// Provisioned carriers.
    CARRIERS_READ: one () "SELECT id AS key, document FROM carrier ORDER BY id";
    /// How carriers are looked up.
    LOOKUP_READ: one () "SELECT id::text AS key, document FROM lookup ORDER BY id";
    /// Provisioned ranges.
    RANGES_READ: one () "SELECT prefix, carrier FROM range ORDER BY prefix";
    /// Who is not to be reached.
    BLACKLIST_READ: one () "SELECT number, account FROM blacklist ORDER BY number, account";

    /// The blacklist's entries for a number.
    BLACKLIST_OF: one (Text) "SELECT number, account FROM blacklist WHERE number = $1 ORDER BY number, account";
    /// The blacklist behind an entry.
    BLACKLIST_PAGE: one (Text, Text, Int)
        "SELECT number, account FROM blacklist WHERE (number, account) > ($1, $2) ORDER BY number, account LIMIT $3";
    /// The ranges behind one.
    RANGES_PAGE: one (Text, Int) "SELECT prefix, carrier FROM range WHERE prefix > $1 ORDER BY prefix LIMIT $2";
    /// Those that were for nobody, of a carrier.
    FOR_NOBODY_READ: one (Text, Int, Int)
        "SELECT * FROM mo_for_nobody WHERE carrier = $1 AND id < $2 ORDER BY carrier DESC, id DESC LIMIT $3";
    /// Of all.
    FOR_NOBODY_READ_ALL: one (Int, Int)
        "SELECT * FROM mo_for_nobody WHERE id < $1 ORDER BY id DESC LIMIT $2";
    /// Those that are too old.
    SWEEP_FIND_FOR_NOBODY: one (Int, Int)
        "SELECT id FROM mo_for_nobody WHERE received_at < $1 ORDER BY id LIMIT $2";
    /// The nodes that are there.
    NODES_READ: one ()
        "SELECT * FROM node WHERE owner IS NOT NULL ORDER BY number";
    /// A callback that is owed, or was kept as failed.
    KEPT_READ: one (Int)
        "SELECT c.*, coalesce(w.state, a.state, e.state) AS state
         FROM (SELECT id, message, account, carrier, status, read_status, at, attempts, due, owner, false AS failed
               FROM callback WHERE callback.id = $1
               UNION ALL
               SELECT id, message, account, carrier, status, read_status, at, attempts, NULL, NULL, true
               FROM callback_failed WHERE callback_failed.id = $1 OFFSET 0) c
         LEFT JOIN LATERAL (SELECT state FROM work WHERE work.id = c.message OFFSET 0) w ON true
         LEFT JOIN LATERAL (SELECT state FROM awaiting WHERE awaiting.id = c.message OFFSET 0) a ON true
         LEFT JOIN LATERAL (SELECT state FROM ended WHERE ended.id = c.message OFFSET 0) e ON true";
    /// How a callback's newest tries ended.
    TRIES_READ: one (Int, Int)
        "SELECT at, ended, http_status, words, body FROM callback_attempt WHERE callback = $1 ORDER BY at DESC LIMIT $2";
    /// Who failed, or is paused.
    ENDPOINTS_READ: one ()
        "SELECT * FROM endpoint ORDER BY account";
    /// Who is paused.
    PAUSED_READ: one ()
        "SELECT account FROM endpoint WHERE paused_at IS NOT NULL ORDER BY account";
    /// Records of a node that are in no file yet.
    CDR_PENDING_OF_NODE: one (Int, Int)
        "SELECT c.id, c.node, c.at AS noted_at, m.account, m.carrier, m.submission, m.accepted_at, e.state, e.reason, e.details,
                e.carrier_message_id, e.attempts, e.at AS changed_at, s.detail AS connection, f.at AS forwarded_at
         FROM (SELECT * FROM cdr_pending WHERE node = $1 ORDER BY node, id LIMIT $2) c
         LEFT JOIN LATERAL (SELECT * FROM message WHERE message.id = c.id OFFSET 0) m ON true
         LEFT JOIN LATERAL (SELECT * FROM ended WHERE ended.id = c.id OFFSET 0) e ON true
         LEFT JOIN LATERAL (SELECT detail FROM event WHERE event.message = c.id AND event.kind = 2
                            ORDER BY event.message DESC, event.number DESC LIMIT 1) s ON true
         LEFT JOIN LATERAL (SELECT at FROM event WHERE event.message = c.id AND event.kind = 3
                            ORDER BY event.message DESC, event.number DESC LIMIT 1) f ON true";
    /// Those of any node that are in none though they are older than this.
    CDR_PENDING_BEFORE: one (Int, Int)
        "SELECT c.id, c.node, c.at AS noted_at, m.account, m.carrier, m.submission, m.accepted_at, e.state, e.reason, e.details,
                e.carrier_message_id, e.attempts, e.at AS changed_at, s.detail AS connection, f.at AS forwarded_at
         FROM (SELECT * FROM cdr_pending WHERE at < $1 ORDER BY at, id LIMIT $2) c
         LEFT JOIN LATERAL (SELECT * FROM message WHERE message.id = c.id OFFSET 0) m ON true
         LEFT JOIN LATERAL (SELECT * FROM ended WHERE ended.id = c.id OFFSET 0) e ON true
         LEFT JOIN LATERAL (SELECT detail FROM event WHERE event.message = c.id AND event.kind = 2
                            ORDER BY event.message DESC, event.number DESC LIMIT 1) s ON true
         LEFT JOIN LATERAL (SELECT at FROM event WHERE event.message = c.id AND event.kind = 3
                            ORDER BY event.message DESC, event.number DESC LIMIT 1) f ON true";
    /// How many there are, as far as they count.
    CDR_PENDING_COUNT: one (Int)
        "SELECT count(*) AS number FROM (SELECT 1 FROM cdr_pending ORDER BY id LIMIT $1) c";
    /// The last file of a folder.
    CDR_FILE_READ: one (Text)
        "SELECT file, length FROM cdr_file WHERE folder = $1";
    /// Overrides of connections that are in force.
    OVERRIDES_READ: one (Int)
        "SELECT * FROM connection_override WHERE until IS NULL OR until > $1 ORDER BY carrier, connection, kind";
    /// When a key was last used.
    KEY_USED: one (Text)
        "SELECT used_at FROM key_use WHERE id = $1";
    /// Revisions.
    REVISIONS_READ: one (Int, Int)
        "SELECT number, at, actor, reason, summary, things FROM revision WHERE number < $1 ORDER BY number DESC LIMIT $2";
    /// The oldest of them.
    OLDEST_REVISION: one ()
        "SELECT number AS id FROM revision ORDER BY number LIMIT 1";
    /// What one changed.
    REVISED_READ: one (Int)
        "SELECT r.number, d.part, d.document FROM revision r LEFT JOIN revised d ON d.revision = r.number
         WHERE r.number = $1 ORDER BY d.part";
    /// How many messages stand where.
    STANDING_READ: one ()
        "SELECT carrier, account, state, count(*) AS messages FROM (
             SELECT carrier, account, state FROM work UNION ALL SELECT carrier, account, state FROM awaiting) m
         GROUP BY carrier, account, state";
    /// Since when the one waits that waits the longest, and how many are due, of each carrier.
    WAITING_READ: one (Text)
        "SELECT since FROM work WHERE owner IS NULL AND carrier = $1 ORDER BY carrier, since, id LIMIT 1";
    /// How many are due of a carrier, as far as they count.
    DUE_COUNT: one (Text, Int, Int)
        "SELECT count(*) AS due FROM (SELECT 1 FROM work WHERE owner IS NULL AND carrier = $1 AND due <= $2
                                      ORDER BY carrier, due LIMIT $3) d";
    /// The oldest in hand, of each carrier.
    IN_HAND_READ: one (Int)
        "SELECT carrier, min(since) AS number FROM
             (SELECT carrier, since FROM work WHERE owner IS NOT NULL AND NOT sending ORDER BY due, id LIMIT $1) h GROUP BY carrier";
    /// How many are due though somebody had them, of each carrier.
    LAPSED_READ: one (Int, Int)
        "SELECT carrier, count(*) AS number FROM
             (SELECT carrier FROM work WHERE owner IS NOT NULL AND NOT sending AND due <= $1 ORDER BY due, id LIMIT $2) l GROUP BY carrier";
    /// How many reports are overdue, of each carrier.
    OVERDUE_READ: one (Int, Int)
        "SELECT carrier, count(*) AS number FROM
             (SELECT carrier FROM awaiting WHERE due <= $1 ORDER BY due, id LIMIT $2) o GROUP BY carrier";
    /// How many reports wait for their message, of each carrier.
    UNMATCHED_READ: one (Int)
        "SELECT carrier, count(*) AS number FROM (SELECT carrier FROM unmatched_report ORDER BY id DESC LIMIT $1) u GROUP BY carrier";
    /// What is owed to an account, as far as it counts.
    OWED_COUNT: one (Text, Int)
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM callback WHERE owner IS NULL AND due IS NOT NULL AND account = $1
                                       ORDER BY account, due LIMIT $2) f)
                + (SELECT count(*) FROM (SELECT 1 FROM callback WHERE owner IS NOT NULL AND account = $1
                                         ORDER BY account, due LIMIT $2) h) AS owed";
    /// The oldest of what is owed to an account and due first.
    OWED_OLDEST: one (Text, Int)
        "SELECT min(at) AS oldest FROM (
             (SELECT at FROM callback WHERE owner IS NULL AND due IS NOT NULL AND account = $1 ORDER BY account, due LIMIT $2)
             UNION ALL
             (SELECT at FROM callback WHERE owner IS NOT NULL AND account = $1 ORDER BY account, due LIMIT $2)) o";
    /// What failed of an account, as far as it counts.
    FAILED_COUNT: one (Text, Int)
        "SELECT count(*) AS failed FROM (SELECT 1 FROM callback_failed WHERE account = $1 ORDER BY account, id LIMIT $2) f";
    /// The first account with a callback that failed, behind a name.
    NEXT_FAILED_ACCOUNT: one (Text)
        "SELECT account AS name FROM callback_failed WHERE account > $1 ORDER BY account, id LIMIT 1";

    /// Tokens behind an id.
    TOKENS_READ: one (Text, Int)
        "SELECT * FROM token WHERE id > $1 ORDER BY id LIMIT $2";
    /// The token of a hash.
    TOKEN_OF_HASH: one (Text)
        "SELECT * FROM token WHERE hash = $1";
    /// Users behind a name.
    USERS_READ: one (Text, Int)
        "SELECT * FROM \"user\" WHERE name > $1 ORDER BY name LIMIT $2";
    /// A user.
    USER_READ: one (Text)
        "SELECT * FROM \"user\" WHERE name = $1";
    /// The user of a link.
    USER_OF_LINK: one (Text)
        "SELECT * FROM \"user\" WHERE link_hash = $1";
    /// Sessions behind an id.
    SESSIONS_READ: one (Text, Int)
        "SELECT * FROM session WHERE id > $1 ORDER BY id LIMIT $2";
    /// The session of a hash.
    SESSION_OF_HASH: one (Text)
        "SELECT * FROM session WHERE hash = $1";
    /// An operation in bulk.
    OPERATION_READ: one (Int)
        "SELECT id, document FROM operation WHERE id = $1";
    /// The newest of them.
    OPERATIONS_READ: one (Int, Int)
        "SELECT id, document FROM operation WHERE id < $1 ORDER BY id DESC LIMIT $2";
    /// Whether one runs that is in nobody's hand.
    OPERATIONS_RUNNING: one (Int)
        "SELECT id FROM operation WHERE state = 'running' AND (owner IS NULL OR until <= $1) ORDER BY id LIMIT 1";
    /// What came of an operation's messages.
    OPERATION_ITEMS_READ: one (Int, Int, Int)
        "SELECT message, outcome, new FROM operation_item WHERE operation = $1 AND message < $2
         ORDER BY operation DESC, message DESC LIMIT $3";
    /// Operations that are too old, and do not run.
    SWEEP_FIND_OPERATIONS: one (Int, Int)
        "SELECT id FROM operation WHERE created_at < $1 AND state <> 'running' ORDER BY id LIMIT $2";
    /// Refusals, those first that came last the longest ago.
    SWEEP_FIND_REFUSALS: one (Int, Int)
        "SELECT id FROM refusal WHERE last_at < $1 ORDER BY last_at LIMIT $2";

    /// Messages of a stretch that may be thrown away, the oldest first.
    SWEEP_FIND: one (Int, Int, Int, Int)
        "SELECT e.id FROM ended e WHERE e.id >= $1 AND e.id < $2 AND e.at < $3
           AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = e.id) ORDER BY e.id LIMIT $4";
    /// The same with media.
    SWEEP_FIND_MEDIA: one (Int, Int, Int, Int)
        "SELECT b.id FROM media b CROSS JOIN LATERAL (SELECT at FROM ended WHERE ended.id = b.id OFFSET 0) e
         WHERE b.id >= $1 AND b.id < $2 AND e.at < $3
           AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = b.id) ORDER BY b.id LIMIT $4";
    /// Messages from handsets that may be thrown away, the oldest first.
    SWEEP_FIND_MO: one (Int, Int, Int, Int)
        "SELECT o.id FROM mo o WHERE o.id >= $1 AND o.id < $2 AND o.ended_at < $3
           AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = o.id) ORDER BY o.id LIMIT $4";
    /// The same with media.
    SWEEP_FIND_MO_MEDIA: one (Int, Int, Int, Int)
        "SELECT b.id FROM media b CROSS JOIN LATERAL (SELECT ended_at FROM mo WHERE mo.id = b.id OFFSET 0) o
         WHERE b.id >= $1 AND b.id < $2 AND o.ended_at < $3
           AND NOT EXISTS (SELECT 1 FROM callback c WHERE c.message = b.id) ORDER BY b.id LIMIT $4";
    /// Reports that found no message, in the order in which they came.
    SWEEP_FIND_WAITING: one (Int, Int)
        "SELECT id FROM unmatched_report WHERE received_at < $1 ORDER BY id LIMIT $2";
    /// Unreadable requests, the oldest first.
    SWEEP_FIND_UNREADABLE: one (Int, Int)
        "SELECT id FROM unreadable WHERE last_at < $1 ORDER BY id LIMIT $2";

    // Days that go whole.

    /// The partitions that are there, and those that are taken out.
    PARTITIONS_READ: one ()
        "SELECT c.relname::text AS name, coalesce(pg_table_size(c.oid), 0)::int8 AS bytes, i.inhdetachpending AS leaves
         FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname ~ '_p[0-9]{8}_[0-9]{2}$' ORDER BY c.relname";
    /// Whether anything is left of a day's messages.
    DAY_HAS_MESSAGES: one (Int, Int)
        "SELECT EXISTS (SELECT 1 FROM message WHERE id >= $1 AND id < $2) OR EXISTS (SELECT 1 FROM mo WHERE id >= $1 AND id < $2)
             OR EXISTS (SELECT 1 FROM awaiting WHERE id >= $1 AND id < $2) OR EXISTS (SELECT 1 FROM ended WHERE id >= $1 AND id < $2)
             AS has";
    /// Whether anything is left of their media.
    DAY_HAS_MEDIA: one (Int, Int)
        "SELECT EXISTS (SELECT 1 FROM media WHERE id >= $1 AND id < $2) AS has";
    /// What of a day is still needed: it has not ended, or not before a time, or something is owed about it.
    DAY_NEEDED: one (Int, Int, Int, Int)
        "SELECT id FROM (
             SELECT id FROM work WHERE id >= $1 AND id < $2
             UNION SELECT id FROM awaiting WHERE id >= $1 AND id < $2
             UNION SELECT message FROM callback WHERE message >= $1 AND message < $2
             UNION SELECT id FROM ended WHERE id >= $1 AND id < $2 AND at >= $3
             UNION SELECT id FROM mo WHERE id >= $1 AND id < $2 AND (ended_at IS NULL OR ended_at >= $3)) n LIMIT $4";
    /// Callbacks that failed, of messages of a day that are gone.
    DAY_FORGET_FAILED: one (Int, Int, Int)
        "DELETE FROM callback_failed WHERE ctid = ANY (ARRAY(
             SELECT f.ctid FROM callback_failed f WHERE f.message >= $1 AND f.message < $2
               AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = f.message)
               AND NOT EXISTS (SELECT 1 FROM mo WHERE mo.id = f.message) LIMIT $3)) RETURNING message";
    /// Tries to deliver callbacks, likewise.
    DAY_FORGET_TRIES: one (Int, Int, Int)
        "DELETE FROM callback_attempt WHERE ctid = ANY (ARRAY(
             SELECT t.ctid FROM callback_attempt t WHERE t.message >= $1 AND t.message < $2
               AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = t.message)
               AND NOT EXISTS (SELECT 1 FROM mo WHERE mo.id = t.message) LIMIT $3)) RETURNING message";
    /// What was sent again, likewise.
    DAY_FORGET_RESUBMISSIONS: one (Int, Int, Int)
        "DELETE FROM resubmission WHERE ctid = ANY (ARRAY(
             SELECT r.ctid FROM resubmission r WHERE r.message >= $1 AND r.message < $2
               AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = r.message) LIMIT $3)) RETURNING message";
    /// The first object from a number on.
    OBJECT_NEXT: one (Int)
        "SELECT id FROM object WHERE id >= $1 ORDER BY id LIMIT 1";
    /// Which of a stretch of objects there are.
    OBJECTS_BETWEEN: one (Int, Int)
        "SELECT id FROM object WHERE id >= $1 AND id <= $2 ORDER BY id";
    /// Media that lie in a stretch of objects, with what is known of their messages.
    OBJECT_MEDIA: one (Int, Int, Int)
        "SELECT b.id, b.crc, b.length, b.object, b.position, coalesce(m.account, o.account) AS account,
                coalesce(m.carrier, o.carrier) AS carrier, coalesce(m.submission, o.document) AS document
         FROM (SELECT id, crc, length, object, position FROM media WHERE object >= $1 AND object < $2 LIMIT $3) b
         LEFT JOIN LATERAL (SELECT account, carrier, submission FROM message WHERE message.id = b.id OFFSET 0) m ON true
         LEFT JOIN LATERAL (SELECT account, carrier, document FROM mo WHERE mo.id = b.id OFFSET 0) o ON true";
    /// Media lie in another object from now on.
    MEDIA_MOVE: one (Int, Int, Int, Int)
        "WITH another AS (INSERT INTO object (id) VALUES ($2) ON CONFLICT DO NOTHING)
         UPDATE media SET object = $2, position = $3 WHERE id = $1 AND object = $4 RETURNING id";
    /// Media whose object is not there.
    MEDIA_LOST: one (Int, Int)
        "DELETE FROM media WHERE id = $1 AND object = $2 RETURNING id";
    /// Objects that are gone.
    OBJECTS_FORGET: one (Int, Int)
        "DELETE FROM object WHERE id >= $1 AND id < $2 RETURNING id";
    /// Takes a job for some minutes, unless another has it.
    JOB_TAKE: one (Text, Int, Int)
        "INSERT INTO job (name, owner, until) VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::int8 + $3)
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
             WHERE job.owner = excluded.owner OR job.until <= (extract(epoch FROM clock_timestamp()) * 1000)::int8
         RETURNING owner";
    /// Whether one still has it, till the transaction ends.
    JOB_HOLD: one (Text, Int)
        "SELECT owner FROM job WHERE name = $1 AND owner = $2 AND until > (extract(epoch FROM clock_timestamp()) * 1000)::int8
         FOR UPDATE";
    /// Gives it back.
    JOB_LEAVE: one (Text, Int)
        "UPDATE job SET until = 0 WHERE name = $1 AND owner = $2 RETURNING owner";
}
