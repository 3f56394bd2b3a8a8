//! Whatever is asked with a long backlog costs the same as with a short one: each operation has a budget of SQLite's
//! instructions here, which no walk over the backlog keeps to.

use jiff::Timestamp;
use mm7::MmStatus;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    id::IdSource,
    message::CarrierReport,
    store::{Lease, MessageFilter, Owner},
};
use rusqlite::Connection;

use super::{callback, due, fault::Result, job::Tx, message_key, provisioning, report, schema, search, work};

/// How many messages wait.
const BACKLOG: i64 = 20_000;
/// What an operation may take; a walk over the backlog takes ten times as much at the least.
const BUDGET: i32 = 20_000;

/// Messages to be sent, by turns due and waiting; as many that wait for reports; as many callbacks.
const FILL: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
    INSERT INTO message (id, state, accepted_at, changed_at, delivery_report, account, carrier, recipient,
                         transaction_id, digest, submission, carrier_message_id)
    SELECT n, iif(n % 2, 0, 3), n, n, 1, 'acme', 'c' || (n % 3), '16175550100', 't' || n, NULL, json_object('sender', '7'),
           iif(n % 2, NULL, 'c-' || n) FROM n;
    INSERT INTO work (id, kind, due, owner, since, expiry, carrier)
    SELECT id, iif(id % 2, 0, 2), iif(id % 4 = 1, id, id + 1000000), NULL, id, 10000000, carrier FROM message;
    INSERT INTO callback (id, message, due, at, status, account)
    SELECT id, id, iif(id % 4 = 0, id, id + 1000000), id, 'Forwarded', 'acme' FROM message;
    INSERT INTO unmatched_report (received_at, carrier, carrier_message_id, status, said)
    SELECT id, 'c0', 'u' || id, 'Retrieved', '' FROM message;";

fn backlog() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    for statement in FILL.split_inclusive(';') {
        let values: &[i64] = if statement.contains("?1") { &[BACKLOG] } else { &[] };
        connection.execute(statement, rusqlite::params_from_iter(values)).unwrap();
    }
    message_key::key_all(&connection, |_| ()).unwrap();
    connection.progress_handler(BUDGET, Some(|| true)).unwrap();
    connection
}

fn transaction<T>(connection: &Connection, what: &str, run: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> T {
    let mut ids = IdSource::new(0, Id::from_number(1 << 40));
    let mut tx = Tx::new(connection, None, &mut ids, false);
    run(&mut tx).unwrap_or_else(|fault| panic!("{what}: {fault}"))
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

#[test]
fn looking_costs_no_more_with_a_long_backlog() {
    let connection = backlog();
    let found = due::due(&connection, at(BACKLOG)).unwrap();
    assert_eq!((found.carriers.len(), found.accounts.len(), found.timers), (3, 1, false));
    assert_eq!(due::oldest(&connection, at(BACKLOG)).unwrap(), Some(at(1)));
    let filter = MessageFilter {
        recipient: Some("16175550100".into()),
        since: Some(at(0)),
        below: Id::from_number(BACKLOG / 2),
        ..MessageFilter::default()
    };
    for filter in [
        MessageFilter::default(),
        MessageFilter { transaction_id: Some("t77".into()), ..MessageFilter::default() },
        filter,
    ] {
        // No row has a submission that can be read: that they were found is seen by the error.
        let found = search::messages(&connection, &filter, 10).unwrap_err();
        assert!(found.to_string().contains("message.submission"), "{filter:?}: {found}");
    }
    assert_eq!(search::newest_id(&connection).unwrap(), Id::from_number(BACKLOG));
    assert_eq!(provisioning::present(&connection).unwrap(), 0);
}

#[test]
fn leasing_costs_no_more_with_a_long_backlog() {
    let connection = backlog();
    let lease = Lease { owner: Owner(1), until: at(10 * BACKLOG) };
    let carrier = CarrierId("c1".into());
    let leased = |connection: &Connection| -> i64 {
        let count = "SELECT (SELECT count(*) FROM work WHERE owner = 1) + (SELECT count(*) FROM callback WHERE owner = 1)";
        connection.query_row(count, [], |row| row.get(0)).unwrap()
    };
    transaction(&connection, "sends", |tx| work::lease_sends(tx, &carrier, lease, at(BACKLOG), None, 10));
    assert_eq!(leased(&connection), 10);
    let waiting = Some(at(BACKLOG));
    transaction(&connection, "what waited", |tx| work::lease_sends(tx, &carrier, lease, at(0), waiting, 10));
    assert_eq!(leased(&connection), 20);
    transaction(&connection, "timers", |tx| work::lease_timers(tx, lease, at(2_000_000), Some(Owner(2)), 10));
    assert_eq!(leased(&connection), 30);
    transaction(&connection, "putting off", |tx| {
        work::put_off(tx, &carrier, at(BACKLOG + 1), true, at(BACKLOG), 10)
    });
    let acme = AccountName("acme".into());
    transaction(&connection, "callbacks", |tx| callback::lease(tx, &acme, lease, at(BACKLOG), 10));
    assert_eq!(leased(&connection), 40);
}

#[test]
fn a_report_costs_no_more_with_a_long_backlog() {
    let connection = backlog();
    let report = CarrierReport {
        carrier: CarrierId("c1".into()),
        carrier_message_id: "nobody".into(),
        recipient: posthouse_core::address::Msisdn::parse("16175550100", false),
        sender: Some("111122".into()),
        status: MmStatus::Retrieved,
        said: String::new(),
        odd: String::new(),
        received_at: at(BACKLOG),
    };
    transaction(&connection, "an unknown report", |tx| report::record(tx, &report));
    let known = CarrierReport { carrier_message_id: "c-304".into(), ..report };
    transaction(&connection, "a known report", |tx| report::record(tx, &known));
}
