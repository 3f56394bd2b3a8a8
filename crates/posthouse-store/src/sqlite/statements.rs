//! What no test of a step's effect would notice: how many statements it takes, and whether the numbers that stand in SQL are those of the
//! types that they are of.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    bounds::{LINES, SAME, line_number},
    carrier::CarrierId,
    id::IdSource,
    life::{
        callback::{CallbackChange, CallbackRow, first_of},
        effects::{Effects, NewCallback, StoodBefore, WorkChange},
        intervention::CallbackSays,
        load::WorkKind,
        read_reply::ReadStatus,
        report::is_unanswered,
        retention::Ending,
        state::{State, Terminal},
    },
    lock::Mutex,
    message::{CarrierReport, Digest, EventKind, TimelineEvent},
    store::CallbackOutcome,
    unreadable::{KeptUnreadable, MOST_OF_A_CARRIER, OnUnreadable, Unreadable, keeping},
};
use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};

use super::{
    accept::{self, PreparedMessage},
    callback, due, intervene,
    job::Tx,
    load,
    mo::{self, PreparedMo},
    recent_keys::RecentKeys,
    report, schema, sweep, unreadable, waiting, work, write,
};
use crate::{
    fault::Result,
    suite::bed::{
        self, ME, OTHER, REPORT_TIMEOUT, acme, again, at, carrier, lease, read_reply, report as said, taken,
    },
};

/// A database in memory, and how many statements were run on it.
struct Counted {
    connection: Connection,
    statements: Arc<AtomicUsize>,
    ids: IdSource,
    recent: Mutex<RecentKeys>,
}

impl Counted {
    fn new() -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let statements = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&statements);
        let count = move |_: TraceEvent<'_>| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(count)).unwrap();
        let recent: Mutex<RecentKeys> = Mutex::default();
        recent.lock().load(&connection).unwrap();
        statements.store(0, Ordering::Relaxed);
        Self { connection, statements, ids: IdSource::new(0, None), recent }
    }

    /// Runs an operation. What it answers, and how many statements it took.
    fn run<T>(&mut self, run: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> (T, usize) {
        let before = self.statements.load(Ordering::Relaxed);
        let mut tx = Tx::new(&self.connection, None, &mut self.ids, false);
        tx.recent = Some(&self.recent);
        let answer = run(&mut tx).unwrap();
        (answer, self.statements.load(Ordering::Relaxed) - before)
    }

    fn accept(&mut self) -> (Id, usize) {
        let message = bed::message(0);
        let prepared = PreparedMessage::new(&message, 0).unwrap();
        let (_, statements) = self.run(|tx| accept::accept(tx, &prepared));
        (message.id, statements)
    }

    /// A message in this state, with work of this kind, due at 10.
    fn insert(&mut self, state: State, kind: Option<WorkKind>) -> Id {
        let (id, _) = self.accept();
        let change = "UPDATE message SET state = ?, changed_at = ? WHERE id = ?";
        let at = at(10).as_millisecond();
        self.connection.execute(change, (state.number(), at, id.number())).unwrap();
        match kind {
            Some(kind) => {
                let change = "UPDATE work SET kind = ?, due = ?, owner = NULL WHERE id = ?";
                self.connection.execute(change, (kind.number(), at, id.number())).unwrap();
            }
            None => {
                self.connection.execute("DELETE FROM work WHERE id = ?", [id.number()]).unwrap();
            }
        }
        id
    }
}

/// From its acceptance to its last callback.
#[test]
fn what_each_step_of_a_message_takes() {
    let mut store = Counted::new();
    let (id, accepted) = store.accept();
    let sends = |tx: &mut Tx<'_>| work::lease_sends(tx, &carrier(), lease(ME, 2), at(2), None, 10);
    let (leased, sending) = store.run(sends);
    assert_eq!(leased.len(), 1);
    let (_, begun) = store.run(|tx| work::begin(tx, id, ME, "east", at(60), at(1)));
    let (_, put_back) = store.run(|tx| work::settle(tx, id, ME, &again(2, 0), "", &[], at(2)));
    store.run(sends);
    store.run(|tx| work::begin(tx, id, ME, "east", at(60), at(1)));
    let (_, settled) = store.run(|tx| work::settle(tx, id, ME, &taken("c-1", 3), "", &[], at(3)));
    let (_, replied) = store.run(|tx| report::record_read_reply(tx, &read_reply("c-1", ReadStatus::Read, 4)));
    let (_, deferred) = store.run(|tx| report::record(tx, &said("c-1", MmStatus::Deferred, 5)));
    // Forwarded and Deferred are withdrawn, each with a line.
    let (_, retrieved) = store.run(|tx| report::record(tx, &said("c-1", MmStatus::Retrieved, 6)));
    let (_, late) = store.run(|tx| report::record(tx, &said("c-1", MmStatus::Retrieved, 7)));
    assert_eq!((accepted, sending, begun, put_back, settled), (2, 3, 4, 6, 6));
    assert_eq!((replied, deferred, retrieved, late), (4, 5, 12, 4));
    let (callbacks, leased) = store.run(|tx| callback::lease(tx, &acme(), lease(ME, 8), at(8), 10));
    let reply = callbacks[0].id;
    let outcome = CallbackOutcome::Again { due: at(9), said: "".into() };
    let (_, tried) = store.run(|tx| callback::settle(tx, reply, ME, &outcome, at(8)));
    store.run(|tx| callback::lease(tx, &acme(), lease(ME, 9), at(9), 10));
    // The report had to wait for it.
    let (_, delivered) = store.run(|tx| callback::settle(tx, reply, ME, &CallbackOutcome::Delivered, at(9)));
    // How a try failed is kept, with its endpoint; and what became of the callback in the end, of which the oldest tries go.
    assert_eq!((callbacks.len(), leased, tried, delivered), (1, 2, 5, 6));
    // What is delivered at once costs nothing of that.
    let report = store.run(|tx| callback::lease(tx, &acme(), lease(ME, 9), at(9), 10)).0[0].id;
    let (_, at_once) = store.run(|tx| callback::settle(tx, report, ME, &CallbackOutcome::Delivered, at(9)));
    assert_eq!(at_once, 3);
}

/// Reports rarely wait; where some do, a step that nothing waits for looks twice, by the id and by the address.
#[test]
fn what_waits_costs_little_where_it_is_not_meant() {
    let mut store = Counted::new();
    let (_, kept) = store.run(|tx| report::record(tx, &said("c-9", MmStatus::Retrieved, 0)));
    let elsewhere = CarrierReport { recipient: None, ..said("c-8", MmStatus::Retrieved, 0) };
    store.run(|tx| report::record(tx, &elsewhere));
    store.connection.execute("DELETE FROM unmatched_report WHERE carrier_message_id = 'c-9'", []).unwrap();
    let id = store.insert(State::Sending, Some(WorkKind::Sending));
    store.connection.execute("UPDATE work SET owner = ?", [ME.0]).unwrap();
    let (_, settled) = store.run(|tx| work::settle(tx, id, ME, &taken("c-1", 3), "", &[], at(3)));
    assert_eq!((kept, settled), (4, 8));
}

/// The indices know states by their numbers, so SQL has to name them, too.
#[test]
fn the_states_in_sql_are_those_of_the_state_machine() {
    let mut store = Counted::new();
    let mut expected = Vec::new();
    for state in State::all() {
        for report_until in [None, Some(REPORT_TIMEOUT)] {
            let id = store.insert(state, Some(WorkKind::Report));
            let change = "UPDATE message SET report_until = ? WHERE id = ?";
            store.connection.execute(change, (report_until, id.number())).unwrap();
            if is_unanswered(&load::subject(&store.connection, id).unwrap().unwrap()) {
                expected.push(id);
            }
        }
    }
    let found = load::unanswered(&store.connection, &carrier(), "16175550100").unwrap();
    let mut found: Vec<Id> = found.iter().map(|neighbour| neighbour.loaded.subject.id).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!((found.len(), &found), (9, &expected));
    // What has ended, and nothing else, is swept.
    let mut store = Counted::new();
    let all: Vec<State> = State::all().collect();
    for state in &all {
        store.insert(*state, None);
    }
    let candidates = sweep::find(&store.connection, at(0), at(11), 100).unwrap();
    let (swept, _) = store.run(|tx| sweep::sweep(tx, &candidates));
    assert_eq!(swept.messages, u64::try_from(Terminal::ALL.len()).unwrap());
    let mut left: Vec<u8> = store
        .connection
        .prepare("SELECT state FROM message")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    left.sort_unstable();
    let open: Vec<u8> = all.iter().filter(|state| !state.is_terminal()).map(|state| state.number()).collect();
    assert_eq!(left, open);
}

/// Likewise the kinds of work: what SQL does to many rows at a time is what the rules say of each.
#[test]
fn work_in_sql_is_as_the_rules_say() {
    for kind in WorkKind::ALL {
        let mut store = Counted::new();
        let id = store.insert(State::Sending, Some(*kind));
        let work = |store: &Counted| load::subject(&store.connection, id).unwrap().unwrap().work.unwrap();
        let loaded = work(&store);
        assert_eq!((loaded.kind, loaded.due, loaded.owner), (*kind, at(10), None));
        for now in [9, 10] {
            let due = due::due(&store.connection, at(now)).unwrap();
            let found = (!due.carriers.is_empty(), due.timers);
            let expected = (loaded.is_due_to_be_sent(at(now)), loaded.is_timer_due(at(now)));
            assert_eq!(found, expected, "{kind:?} at {now}");
            assert_eq!(due.next, (now < 10).then_some(at(10)), "{kind:?} at {now}");
        }
        let expected = loaded.put_off(at(12), true, at(10));
        let (put_off, _) = store.run(|tx| work::put_off(tx, &carrier(), at(12), true, at(10), 10));
        assert_eq!((put_off, work(&store)), (usize::from(expected.is_some()), expected.unwrap_or(loaded)));
        for since in [0, 1] {
            let expected = work(&store).waits_since_before(at(since));
            let came_back = |tx: &mut Tx<'_>| {
                work::lease_sends(tx, &carrier(), lease(ME, 10), at(10), Some(at(since)), 10)
            };
            let (sends, _) = store.run(came_back);
            assert_eq!(sends.len(), usize::from(expected), "{kind:?} since {since}");
        }
        let loaded_then = work(&store);
        let expected = loaded_then.is_timer_due(at(10));
        let (timers, _) = store.run(|tx| work::lease_timers(tx, lease(ME, 10), at(10), None, 10));
        assert_eq!(timers.len(), usize::from(expected), "{kind:?}");
        if expected {
            assert_eq!(work(&store), loaded_then.leased(lease(ME, 10)), "{kind:?}");
        }
        for owner in [OTHER, ME] {
            let expected = work(&store).given_back(owner, at(11)).unwrap_or_else(|| work(&store));
            store.run(|tx| work::release(tx, &[id], owner, at(11)));
            assert_eq!(work(&store), expected, "{kind:?}");
        }
    }
}

/// What a step writes about the work is what the rules made of it.
#[test]
fn changes_of_work_in_sql_are_those_of_the_rules() {
    for kind in WorkKind::ALL {
        for change in [
            WorkChange::UnderWay { until: at(20) },
            WorkChange::Send { due: at(20), since: at(15), unreached: true },
            WorkChange::Report { until: at(20) },
            WorkChange::Done,
        ] {
            let mut store = Counted::new();
            let id = store.insert(State::Sending, Some(*kind));
            store.connection.execute("UPDATE work SET owner = ?", [ME.0]).unwrap();
            let subject = |store: &Counted| load::subject(&store.connection, id).unwrap().unwrap();
            let before = subject(&store);
            let expected = before.work.unwrap().after(change);
            let effects = Effects {
                work: Some(change),
                ..Effects::none(id, before.account.clone(), StoodBefore::of(&before))
            };
            store.run(|tx| write::write(tx, &effects));
            assert_eq!(subject(&store).work, expected, "{kind:?} {change:?}");
        }
    }
}

/// Likewise the callbacks: how one stands after each step, and which of a message comes first.
#[test]
fn callbacks_in_sql_are_as_the_rules_say() {
    let mut store = Counted::new();
    let about = store.insert(State::Forwarded, Some(WorkKind::Report));
    let says = CallbackSays::Report(MmStatus::Forwarded);
    let new = [Some(at(10)), None, None].map(|due| NewCallback { says, at: at(10), due });
    store.run(|tx| new.iter().try_for_each(|callback| write::owe(tx, about, &acme(), callback)));
    let owed = load::owed(&store.connection, about).unwrap();
    let [first, second, third] = [0, 1, 2].map(|index: usize| owed[index].id);
    let find = |store: &mut Counted, id| store.run(|tx| callback::find(tx, id)).0;
    for (id, new, next) in [(first, new[0], second), (second, new[1], first), (third, new[2], first)] {
        let found = find(&mut store, id).unwrap();
        assert_eq!((found.row, found.about), (CallbackRow::new(&new), about));
        assert_eq!((found.next, found.next.map(|(id, _)| id)), (first_of(&owed, id), Some(next)));
    }
    for (outcome, change) in [
        (CallbackOutcome::Again { due: at(20), said: "".into() }, CallbackChange::Again(at(20))),
        (CallbackOutcome::Failed { said: "".into() }, CallbackChange::Failed),
    ] {
        let now = if change == CallbackChange::Failed { 20 } else { 10 };
        let before = find(&mut store, first).unwrap().row;
        let (leased, _) = store.run(|tx| callback::lease(tx, &acme(), lease(ME, now), at(now), 1));
        let under_lease = find(&mut store, first).unwrap().row;
        assert_eq!((leased[0].id, under_lease), (first, before.leased(lease(ME, now))));
        store.run(|tx| callback::settle(tx, first, ME, &outcome, at(now)));
        assert_eq!(find(&mut store, first).map(|found| found.row), under_lease.after(change));
    }
    // What failed makes room: the next is due, and the failed one, sent again, has to wait for it.
    assert_eq!(find(&mut store, second).unwrap().row, CallbackRow::new(&new[1]).freed(at(20)));
    let owed = load::owed(&store.connection, about).unwrap();
    let found = find(&mut store, second).unwrap();
    assert_eq!((found.next, found.next.map(|(id, _)| id)), (first_of(&owed, second), Some(third)));
    let (resent, _) = store.run(|tx| intervene::resend(tx, &[first], &bed::operator(), at(21)));
    assert_eq!((resent, find(&mut store, first).unwrap().row), (vec![first], CallbackRow::new(&new[1])));
}

/// The number of a line is found in the statement that adds it.
#[test]
fn lines_in_sql_have_the_numbers_of_the_rules() {
    let mut store = Counted::new();
    let (id, _) = store.accept();
    for newest in [0, 1, LINES - 2, LINES - 1, LINES] {
        store.connection.execute("DELETE FROM event", []).unwrap();
        let line = TimelineEvent { at: at(1), kind: EventKind::Forwarded, detail: "new".into() };
        if newest > 0 {
            let insert = "INSERT INTO event (message, number, at, kind, detail) VALUES (?, ?, 0, ?, 'old')";
            let values = (id.number(), newest, EventKind::Forwarded.number());
            store.connection.execute(insert, values).unwrap();
        }
        store.run(|tx| write::note(tx, id, &line));
        let select = "SELECT number FROM event WHERE detail = 'new'";
        let number: u32 = store.connection.query_row(select, [], |row| row.get(0)).unwrap();
        assert_eq!(number, line_number(newest), "after {newest}");
    }
}

/// What says the same is counted in SQL.
#[test]
fn what_says_the_same_in_sql_does_so_by_the_rules() {
    let first = || said("c-1", MmStatus::Indeterminate, 0);
    let reply = |status| read_reply("c-1", status, 0);
    let reports = [
        first(),
        CarrierReport { said: "again".into(), received_at: at(1), ..first() },
        CarrierReport { status: MmStatus::Forwarded, ..first() },
        CarrierReport { recipient: None, ..first() },
        CarrierReport { sender: None, ..first() },
        CarrierReport { sender: Some("222222".into()), ..first() },
    ];
    let keep_all = |store: &mut Counted, one: &CarrierReport, other: &CarrierReport| {
        store.run(|tx| {
            (0..SAME).try_for_each(|_| waiting::keep_report(tx, one))?;
            waiting::keep_report(tx, other)
        });
    };
    let count = |store: &Counted| -> u32 {
        let select = "SELECT count(*) FROM unmatched_report";
        store.connection.query_row(select, [], |row| row.get(0)).unwrap()
    };
    for (one, other) in reports.iter().flat_map(|one| reports.iter().map(move |other| (one, other))) {
        let mut store = Counted::new();
        keep_all(&mut store, one, other);
        let more = u32::from(!one.says_the_same(other));
        assert_eq!(count(&store), SAME + more, "{one:?} {other:?}");
    }
    for (one, other) in
        ReadStatus::ALL.iter().flat_map(|one| ReadStatus::ALL.iter().map(move |other| (one, other)))
    {
        let mut store = Counted::new();
        let (one, other) = (reply(*one), reply(*other));
        store.run(|tx| {
            (0..SAME).try_for_each(|_| waiting::keep_read_reply(tx, &one))?;
            waiting::keep_read_reply(tx, &other)
        });
        let more = u32::from(!one.says_the_same(&other));
        assert_eq!(count(&store), SAME + more, "{one:?} {other:?}");
        // A report of the same word is none of them.
        store.run(|tx| waiting::keep_report(tx, &first()));
        assert_eq!(count(&store), SAME + more + 1);
    }
}

/// Which requests stay that nobody can read is left to one statement.
#[test]
fn what_cannot_be_read_is_kept_in_sql_as_the_rules_say() {
    let request = |carrier: &str, number: u32| {
        let mut digest = [0; 16];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        Unreadable {
            carrier: CarrierId(carrier.into()),
            code: StatusCode::UnableToParse,
            why: String::new(),
            content_type: None,
            body: Bytes::new(),
            length: 0,
            digest: Digest(digest),
            received_at: at(0),
        }
    };
    for of_carrier in [1, MOST_OF_A_CARRIER - 1, MOST_OF_A_CARRIER, MOST_OF_A_CARRIER + 3] {
        let mut store = Counted::new();
        store.run(|tx| unreadable::keep(tx, &request("31003", 0)));
        let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
             INSERT INTO unreadable (first_at, last_at, times, carrier, digest, code, why, length, body)
             SELECT first_at, last_at, times, carrier, randomblob(16), code, why, length, body
             FROM unreadable, n WHERE i > 1";
        store.connection.execute(insert, [i64::try_from(of_carrier).unwrap()]).unwrap();
        for new in [request("31003", 0), request("31003", 1), request("31002", 0)] {
            let list = |store: &Counted| {
                unreadable::list(&store.connection, Some(&new.carrier), None, usize::MAX).unwrap()
            };
            let before = list(&store);
            let is_known = before.iter().any(|kept| kept.request.is_the_same(&new));
            store.run(|tx| unreadable::keep(tx, &new));
            let after = list(&store);
            let numbers = |kept: &[KeptUnreadable]| kept.iter().map(|one| one.number).collect::<Vec<_>>();
            match keeping(is_known, before.len()) {
                OnUnreadable::Counted => assert_eq!(numbers(&after), numbers(&before)),
                OnUnreadable::Kept { oldest_go } => {
                    let stay = &before[..before.len() - oldest_go];
                    assert_eq!(numbers(&after)[1..], numbers(stay), "beside {of_carrier}");
                    assert_eq!(after[0].request, new);
                }
            }
        }
    }
}

/// What is over, and since when, is found in SQL.
#[test]
fn what_is_swept_is_what_the_rules_say_is_over() {
    /// No callback, one that failed, one that is owed.
    const FAILED: [Option<bool>; 3] = [None, Some(true), Some(false)];
    let owe = |store: &mut Counted, about, failed: Option<bool>| {
        store.connection.execute("DELETE FROM callback", []).unwrap();
        let Some(failed) = failed else { return };
        let new = NewCallback { says: CallbackSays::Report(MmStatus::Expired), at: at(1), due: Some(at(1)) };
        store.run(|tx| write::owe(tx, about, &acme(), &new));
        store.connection.execute("UPDATE callback SET failed = ?", [failed]).unwrap();
    };
    let swept = |store: &mut Counted| {
        let candidates = sweep::find(&store.connection, at(0), at(11), 100).unwrap();
        store.run(|tx| sweep::sweep(tx, &candidates)).0.messages
    };
    for state in State::all() {
        for (kind, failed) in
            [None, Some(WorkKind::Report)].into_iter().flat_map(|kind| FAILED.map(|failed| (kind, failed)))
        {
            for changed_at in [10, 11] {
                let mut store = Counted::new();
                let id = store.insert(state, kind);
                let change = "UPDATE message SET changed_at = ?";
                store.connection.execute(change, [at(changed_at).as_millisecond()]).unwrap();
                owe(&mut store, id, failed);
                let owes = load::subject(&store.connection, id).unwrap().unwrap().owes;
                let ending = Ending::of_message(state, at(changed_at), kind.is_some(), owes);
                assert_eq!(swept(&mut store), u64::from(ending.may_go(at(11))), "{state} {ending:?}");
            }
        }
    }
    for (ended, failed) in [None, Some(10), Some(11)].into_iter().flat_map(|at| FAILED.map(|one| (at, one))) {
        let mut store = Counted::new();
        let new = bed::mo("t", &[], 0);
        let about = new.id;
        let prepared = PreparedMo::new(new, 0).unwrap();
        store.run(|tx| mo::accept(tx, &prepared));
        let ended = ended.map(at);
        store.run(|tx| write::note_mo_end(tx, about, ended));
        owe(&mut store, about, failed);
        let ending = Ending::of_mo(ended, failed == Some(false));
        assert_eq!(swept(&mut store), u64::from(ending.may_go(at(11))), "{ending:?}");
    }
}

/// A recipient that is no number is not taken for none.
#[test]
fn a_waiting_report_that_cannot_be_read_says_so() {
    let mut store = Counted::new();
    store.run(|tx| report::record(tx, &said("c-1", MmStatus::Retrieved, 0)));
    store.connection.execute("UPDATE unmatched_report SET recipient = 'x'", []).unwrap();
    let id = store.insert(State::Sending, Some(WorkKind::Sending));
    store.connection.execute("UPDATE work SET owner = ?", [ME.0]).unwrap();
    let mut tx = Tx::new(&store.connection, None, &mut store.ids, false);
    let fault = work::settle(&mut tx, id, ME, &taken("c-1", 3), "", &[], at(3)).unwrap_err();
    assert!(fault.to_string().contains("unmatched_report.recipient of row 1"), "{fault}");
}
