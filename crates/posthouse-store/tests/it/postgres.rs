//! What only a store in another process, or on another machine, can do to a gateway.

use std::time::Duration;

use mm7::MmStatus;
use posthouse_core::{
    life::state::{State, Terminal},
    slots::Slots,
    store::{
        Acceptance, EndedAttempt, FirstAttempt, Joining, NewMessage, NodeKind, Recorded, StoreError, roles::*,
    },
};
use posthouse_store::{
    Access, StoreUrl, open,
    postgres::PostgresStore,
    suite::{
        bed::{Bed, ME, OTHER, at, carrier, lease, message, report, taken, with_media},
        media::noise,
        postgres_server::PostgresServer,
    },
};

use crate::pg_place::PgPlace;

const IN_TIME: Duration = Duration::from_secs(120);

/// Whoever comes second is told of the first, whichever node that is.
#[tokio::test]
async fn a_repetition_at_another_node_is_found() {
    let Some(place) = PgPlace::new(false) else { return };
    let (one, other) = (place.open_store().await, place.open_store().await);
    for _ in 0..10 {
        let first = NewMessage { repeats_since: Some(at(-10)), ..message(0) };
        let second = NewMessage { id: message(0).id, ..first.clone() };
        let (here, there) = tokio::join!(one.accept(&first), other.accept(&second));
        let expected = [
            (Acceptance::Fresh, Acceptance::Repeats(first.id)),
            (Acceptance::Repeats(second.id), Acceptance::Fresh),
        ];
        assert!(expected.contains(&(here.unwrap(), there.unwrap())));
    }
}

/// What is leased has the place of its media with it; where that is not the right one any more, it is asked for.
#[tokio::test]
async fn media_of_what_was_leased_are_found_without_a_look_up() {
    let Some(place) = PgPlace::new(false) else { return };
    let store = place.open_store().await;
    let mut contents = Vec::new();
    for number in 0..3 {
        let new = with_media(message(0), &[noise(number, 9000), noise(7, 20_000)]);
        store.accept(&new).await.unwrap();
        contents.push((new.id, new.media));
    }
    let leased = store.lease_sends(&carrier(), lease(ME, 1), at(1), None, Slots::ALL, 3).await.unwrap();
    assert!(leased.len() == 3 && leased.iter().all(|send| send.media.is_none()), "{leased:?}");
    let client = place.client().await;
    client.batch_execute("ALTER TABLE media RENAME TO elsewhere").await.unwrap();
    for (id, content) in &contents[..2] {
        assert_eq!(store.media(*id).await.unwrap(), *content);
    }
    store.media(contents[0].0).await.unwrap_err();
    client.batch_execute("ALTER TABLE elsewhere RENAME TO media").await.unwrap();
    assert_eq!(store.media(contents[0].0).await.unwrap(), contents[0].1, "looked up");
    for entry in std::fs::read_dir(place.media()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    let gone = StoreError::NotFound("media");
    assert_eq!(store.media(contents[2].0).await.unwrap_err(), gone, "there is none at either place");
}

/// A short body lies in its row, and not in pieces beside it.
#[tokio::test]
async fn media_of_up_to_four_kilobytes_lie_in_their_row() {
    for place in [PgPlace::new(false), PgPlace::on_18(false)].into_iter().flatten() {
        let (store, client) = (place.open_store().await, place.client().await);
        let pieces = "SELECT sum(pg_relation_size(reltoastrelid))::int8 FROM pg_class WHERE relname LIKE 'media\\_p%' AND relkind = 'r'";
        for (length, beside) in [(3900, false), (4200, true)] {
            let new = with_media(message(0), &[noise(1, length)]);
            store.accept(&new).await.unwrap();
            assert_eq!(store.media(new.id).await.unwrap(), new.media);
            let bytes: i64 = client.query_one(pieces, &[]).await.unwrap().get(0);
            assert_eq!(bytes > 0, beside, "{length} bytes of media");
        }
        store.close().await.unwrap();
    }
}

/// And each message once.
#[tokio::test]
async fn two_nodes_lease_one_backlog() {
    let Some(place) = PgPlace::new(false) else { return };
    let (one, other) = (place.open_store().await, place.open_store().await);
    let mut expected = Vec::new();
    for _ in 0..60 {
        let new = message(0);
        one.accept(&new).await.unwrap();
        expected.push(new.id);
    }
    let mut leased = Vec::new();
    while leased.len() < expected.len() {
        let slots = Slots::ALL;
        let (here, there) = (carrier(), carrier());
        let (mine, theirs) = tokio::join!(
            one.lease_sends(&here, lease(ME, 1), at(1), None, slots, 7),
            other.lease_sends(&there, lease(OTHER, 1), at(1), None, slots, 7),
        );
        leased.extend(mine.unwrap().into_iter().chain(theirs.unwrap()).map(|send| send.id));
    }
    leased.sort_unstable();
    expected.sort_unstable();
    assert_eq!(leased, expected);
}

/// New work is shed, what was begun goes on when the server is back, and what was acknowledged is there.
#[tokio::test]
async fn a_server_that_was_away_is_waited_for() {
    let Some(mut server) = PostgresServer::start(&[]) else { return };
    let database = server.make_store().await;
    let media = tempfile::tempdir().unwrap();
    let url: StoreUrl = server.url(&database).parse().unwrap();
    let store =
        open(&url.without_standbys(), &media.path().join("media").into(), Access::serve()).await.unwrap();
    let new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
    store.accept(&new).await.unwrap();
    server.kill();
    let refused = store.accept(&message(0)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    let begin = store.begin(new.id, ME, "east", at(60), at(1));
    let back = async {
        tokio::task::yield_now().await;
        server.go_on();
    };
    let (begun, ()) = tokio::time::timeout(IN_TIME, async { tokio::join!(begin, back) }).await.unwrap();
    assert_eq!(begun, Ok(()));
    let stored = store.message(new.id).await.unwrap().unwrap();
    assert_eq!((stored.attempts, stored.submission), (1, new.submission));
    let accepted = async {
        loop {
            match store.accept(&message(2)).await {
                Err(StoreError::Unavailable { .. }) => tokio::task::yield_now().await,
                accepted => return accepted,
            }
        }
    };
    assert_eq!(tokio::time::timeout(IN_TIME, accepted).await.unwrap(), Ok(Acceptance::Fresh));
    store.close().await.unwrap();
}

/// What a carrier answers and what it reports may wait for the server together, with what each of them wants in the other's hand: the first
/// has it, and the other comes after it.
#[tokio::test]
async fn an_answer_and_the_report_on_it_do_not_hold_each_other_up() {
    let Some(server) = PostgresServer::start(&[]) else { return };
    let database = server.make_store().await;
    let media = tempfile::tempdir().unwrap();
    let url: StoreUrl = server.url(&database).parse().unwrap();
    let store =
        open(&url.without_standbys(), &media.path().join("media").into(), Access::serve()).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..4 {
        let new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
        store.accept(&new).await.unwrap();
        store.begin(new.id, ME, "east", at(60), at(1)).await.unwrap();
        ids.push(new.id);
    }
    server.signal("-STOP");
    // It is under way, and all others wait for it: they are one batch.
    let (first, other) = (message(0), message(0));
    let busy = async { tokio::join!(store.accept(&first), store.accept(&other)) };
    let all = async {
        tokio::task::yield_now().await;
        let settling = ids.iter().enumerate().map(|(number, id)| {
            let store = &store;
            async move {
                let (settlement, carrier_id) = (taken(&format!("id-{number}"), 2), format!("id-{number}"));
                let ended = EndedAttempt { settlement, said: "1000", failed: &[] };
                let settled = store.settle_attempt(*id, ME, ended, at(2), None);
                let reported = store.record_report(report(&carrier_id, MmStatus::Retrieved, 2), None);
                // Both ways around.
                match number % 2 {
                    0 => tokio::join!(biased; settled, reported),
                    _ => {
                        let (reported, settled) = tokio::join!(biased; reported, settled);
                        (settled, reported)
                    }
                }
            }
        });
        futures_util::future::join_all(settling).await
    };
    let go_on = async {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        server.signal("-CONT");
    };
    let (_, all, ()) =
        tokio::time::timeout(IN_TIME, async { tokio::join!(biased; busy, all, go_on) }).await.unwrap();
    for (settled, reported) in all {
        assert!(settled.is_ok() && reported.is_ok(), "{settled:?}, {reported:?}");
    }
    for id in ids {
        assert_eq!(store.message(id).await.unwrap().unwrap().state, State::Ended(Terminal::Retrieved));
    }
    store.close().await.unwrap();
}

async fn refusal(url: &str, requires_standbys: bool) -> String {
    let media = tempfile::tempdir().unwrap();
    let url: StoreUrl = url.parse().unwrap();
    let url = if requires_standbys { url } else { url.without_standbys() };
    match open(&url, &media.path().join("media").into(), Access::serve()).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error.to_string(),
    }
}

/// In one sentence, with what to do, and nothing is changed.
#[tokio::test]
async fn what_is_no_store_is_refused() {
    let Some(server) = PostgresServer::shared() else { return };
    let (foreign, newer, empty) =
        (server.make_database().await, server.make_store().await, server.make_database().await);
    server.run(&foreign, "CREATE TABLE customers (id int8)").await;
    server
        .run(&newer, "INSERT INTO migration VALUES (99, 'later', 0, 0); UPDATE meta SET value = 99 WHERE name LIKE 'schema_m%'")
        .await;
    for (url, standbys, expected) in [
        (
            server.url(&foreign),
            false,
            "holds tables that are not of a Posthouse store; give a database of its own",
        ),
        (
            server.url(&newer),
            false,
            " is of version 99, this program knows versions up to 9; run the newer program",
        ),
        (
            server.url("nobody"),
            false,
            "cannot be reached: database \"nobody\" does not exist (3D000); see that it runs",
        ),
        (
            server.url(&empty),
            true,
            "it has no synchronous standby: losing this machine loses acknowledged messages",
        ),
        (
            "postgres:///posthouse?host=/no/such/folder&user=posthouse".to_owned(),
            false,
            "cannot be reached: error connecting to server",
        ),
    ] {
        let said = refusal(&url, standbys).await;
        assert!(said.contains(expected), "{said}");
    }
    let client = server.client(&empty).await;
    let tables = client.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'", &[]).await.unwrap();
    assert!(tables.is_empty(), "nothing was made");
    drop(client);
    for database in [foreign, newer, empty] {
        server.drop_database(&database);
    }
}

/// A place of media is one store's: a second cluster, or a wrong folder, is told so at its start, and changes nothing.
#[tokio::test]
async fn another_place_of_media_is_refused() {
    let Some(server) = PostgresServer::shared() else { return };
    let (database, other) = (server.make_store().await, server.make_database().await);
    let folder = tempfile::tempdir().unwrap();
    let (media, elsewhere) = (folder.path().join("media"), folder.path().join("elsewhere"));
    let url_of = |database: &str| server.url(database).parse::<StoreUrl>().unwrap().without_standbys();
    let store = open(&url_of(&database), &media.clone().into(), Access::serve()).await.unwrap();
    store.accept(&with_media(message(0), &[noise(1, 50_000)])).await.unwrap();
    store.close().await.unwrap();
    for (database, place) in [(&database, &elsewhere), (&other, &media)] {
        let refused = open(&url_of(database), &place.clone().into(), Access::serve()).await.err();
        let said = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(place.to_str().unwrap()), "{said}");
    }
    let store = open(&url_of(&database), &media.into(), Access::serve()).await.unwrap();
    store.close().await.unwrap();
    for database in [database, other] {
        server.drop_database(&database);
    }
}

/// There are 239 numbers; a start that finds none free names the nodes that have them.
#[tokio::test]
async fn a_node_without_a_number_is_told_who_has_them() {
    let Some(place) = PgPlace::new(false) else { return };
    let store = place.open_store().await;
    let client = place.client().await;
    let all = "INSERT INTO node SELECT n, n + 1000, 1, 0, '10.0.0.' || n || ':9102', '1', 0, false, (extract(epoch FROM clock_timestamp()) * 1000)::int8, 0
               FROM generate_series(1, 239) n";
    client.batch_execute(all).await.unwrap();
    let (address, version) = ("10.0.1.1:9102".to_owned(), "1".to_owned());
    let joining = Joining { owner: ME, kind: NodeKind::Gateway, address, version, now: at(0) };
    let refused = store.join(joining.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("every number is a node's: 10.0.0.1:9102, "), "{refused}");
    client.batch_execute("UPDATE node SET beat_at = 0 WHERE number = 7").await.unwrap();
    assert_eq!(store.join(joining).await.map(|had| (had.number, had.epoch)), Ok((7, 2)));
    let nodes = store.nodes().await.unwrap();
    let mine = nodes.iter().find(|node| node.owner == ME).unwrap();
    assert_eq!((mine.number, mine.epoch, mine.address.as_str(), nodes.len()), (7, 2, "10.0.1.1:9102", 239));
    store.close().await.unwrap();
}

/// Two versions serve one database side by side, as long as the newer has only added to its tables and says so; what an older one left is
/// brought up by a gateway, and by nobody else.
#[tokio::test]
async fn versions_go_side_by_side_while_tables_say_so() {
    let Some(server) = PostgresServer::shared() else { return };
    let (newer, older) = (server.make_store().await, server.make_store().await);
    let place = tempfile::tempdir().unwrap();
    let open_it = async |database: &str, access: Access| {
        let url: StoreUrl = server.url(database).parse().unwrap();
        open(&url.without_standbys(), &place.path().join(database).into(), access).await
    };
    let expand = "ALTER TABLE message ADD COLUMN later text; ALTER TABLE work ADD COLUMN later int8; CREATE TABLE later (id int8);
         INSERT INTO migration VALUES (99, 'later', 0, 0); UPDATE meta SET value = 99 WHERE name = 'schema_max'";
    let running = open_it(&newer, Access::serve()).await.unwrap();
    server.run(&newer, expand).await;
    let late = open_it(&newer, Access::serve()).await.unwrap();
    for (store, now) in [(&running, 0), (&late, 1)] {
        let new = message(now);
        assert_eq!(store.accept(&new).await, Ok(Acceptance::Fresh));
        assert!(store.message(new.id).await.unwrap().is_some());
        store.close().await.unwrap();
    }
    server.run(&newer, "UPDATE meta SET value = 99 WHERE name = 'schema_min'").await;
    let refused = open_it(&newer, Access::serve()).await.err().map(|error| error.to_string());
    assert!(refused.is_some_and(|said| said.contains("run the newer program")));
    server.run(&older, "DROP TABLE job; DELETE FROM migration WHERE name = 'job'").await;
    let visit = open_it(&older, Access::Visit { create: true }).await.err().map(|error| error.to_string());
    assert!(visit.is_some_and(|said| said.contains("the first gateway of a new version")));
    let store = open_it(&older, Access::serve()).await.unwrap();
    let brought_up = "SELECT 1 FROM migration LEFT JOIN job ON true WHERE migration.name = 'job'";
    assert_eq!(
        server.client(&older).await.query(brought_up, &[]).await.unwrap().len(),
        1,
        "nobody has the job, and its table is there"
    );
    store.close().await.unwrap();
    for database in [newer, older] {
        server.drop_database(&database);
    }
}

/// A gateway's tables are made by the first that comes.
#[tokio::test]
async fn an_empty_database_becomes_a_store() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = server.make_database().await;
    let media = tempfile::tempdir().unwrap();
    let url: StoreUrl = server.url(&database).parse().unwrap();
    let url = url.without_standbys();
    let place = media.path().join("media").into();
    let visit =
        open(&url, &place, Access::Visit { create: false }).await.err().map(|error| error.to_string());
    assert!(visit.is_some_and(|said| said.contains("there is no store in the database")));
    let store = open(&url, &place, Access::serve()).await.unwrap();
    let key = store.key().await.unwrap();
    store.close().await.unwrap();
    let store = open(&url, &place, Access::Visit { create: false }).await.unwrap();
    assert_eq!(store.key().await, Ok(key));
    assert!(matches!(store.accept(&message(0)).await, Err(StoreError::Refused(_))));
    store.close().await.unwrap();
    server.drop_database(&database);
}

/// By its own type it is the same.
#[tokio::test]
async fn a_store_has_a_type_of_its_own() {
    let Some(place) = PgPlace::new(false) else { return };
    let store: PostgresStore = place.open_store().await;
    store.check().await.unwrap();
    let statistics = store.statistics();
    assert_eq!(statistics.group_size.count(), 1);
    store.close().await.unwrap();
}

/// Who gives up a read in the middle, as a request does whose client has gone, leaves nobody the moment that it saw.
#[tokio::test]
async fn a_read_that_is_given_up_in_the_middle_leaves_no_old_moment_behind() {
    let Some(place) = PgPlace::new(false) else { return };
    let store = place.open_store().await;
    let by = posthouse_core::actor::Actor::at_the_files("tests");
    for cut in 0..60_u64 {
        // Somewhere between its first and its last statement, in most of these.
        let given_up = tokio::time::timeout(Duration::from_micros(150 * cut), store.provisioning()).await;
        let is_cut = given_up.is_err();
        let range = posthouse_core::provisioning::Range {
            prefix: posthouse_core::provisioning::Prefix::parse(&format!("1617{cut}")).unwrap(),
            carrier: carrier(),
        };
        let change = posthouse_core::provisioning::Change::PutRange(range);
        store.change(&[change], None, &by, at(0)).await.unwrap();
        assert_eq!(store.revision().await, Ok(cut + 1), "read before the change; cut off: {is_cut}");
    }
    store.close().await.unwrap();
}

/// A gateway of the version before learns while it runs that it may not go on.
#[tokio::test]
async fn a_program_that_the_store_is_too_new_for_is_told_with_its_beat() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = server.make_store().await;
    let media = tempfile::tempdir().unwrap();
    let url: StoreUrl = server.url(&database).parse().unwrap();
    let store =
        open(&url.without_standbys(), &media.path().join("media").into(), Access::serve()).await.unwrap();
    let joining = Joining {
        owner: ME,
        kind: NodeKind::Gateway,
        address: String::new(),
        version: "1".into(),
        now: at(0),
    };
    store.join(joining).await.unwrap();
    let beat = || posthouse_core::store::Beat { owner: ME, revision: 0, is_draining: false, now: at(1) };
    assert_eq!(store.heartbeat(beat()).await.unwrap().outdated, None);
    let raised = "UPDATE meta SET value = 99 WHERE name IN ('schema_min', 'schema_max')";
    server.run(&database, raised).await;
    let why = store.heartbeat(beat()).await.unwrap().outdated.unwrap();
    assert_eq!(
        why,
        "the store needs programs that know version 99 of it from now on, and this one knows versions up to 9; run the newer program"
    );
    store.close().await.unwrap();
}

/// A node's clock was hours ahead for a while: the messages of that time get their reports all the same.
#[tokio::test]
async fn a_report_finds_a_message_of_a_clock_that_was_ahead() {
    let Some(place) = PgPlace::new(false) else { return };
    let bed = Bed::of(Box::new(place.open_store().await));
    let ahead = bed.forwarded("x", 2 * 3600).await;
    let recorded = bed.record_report(report("x", MmStatus::Retrieved, 0)).await;
    assert!(matches!(recorded, Ok(Recorded::Applied(id, _)) if id == ahead), "{recorded:?}");
}
