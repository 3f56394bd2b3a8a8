//! A database that was restored to an earlier time, beside objects that know more.

use posthouse_core::{
    store::{Acceptance, FirstAttempt, Joining, NewMessage, NodeKind},
    time::after,
};
use posthouse_store::{
    Access, StoreUrl, after_restore, open,
    suite::{
        bed::{ME, at, carrier, lease, message, mo, with_media},
        media::noise,
        postgres_server::PostgresServer,
    },
};

#[tokio::test]
async fn what_objects_have_is_put_back_after_a_restore() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = server.make_store().await;
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media").into();
    let url_of = |database: &str| server.url(database).parse::<StoreUrl>().unwrap().without_standbys();
    let store = open(&url_of(&database), &media, Access::serve()).await.unwrap();
    let leased = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
    store.accept(&leased).await.unwrap();
    let begun = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
    store.accept(&begun).await.unwrap();
    store.begin(begun.id, ME, "east", after(at(0), std::time::Duration::from_secs(9)), at(0)).await.unwrap();
    let newest = store.newest_id().await.unwrap();
    store.close().await.unwrap();
    let restored = format!("{database}_restored");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
    server.run("postgres", &format!("{end}'{database}'")).await;
    server.run("postgres", &format!("CREATE DATABASE {restored} TEMPLATE {database}")).await;
    // What comes after the time to which it is restored.
    let store = open(&url_of(&database), &media, Access::serve()).await.unwrap();
    let large = with_media(message(10), &[noise(1, 50_000), noise(2, 100)]);
    let small = with_media(message(10), &[noise(3, 100)]);
    let incoming = mo("t-1", &[noise(4, 50_000)], 10);
    for new in [&large, &small] {
        assert_eq!(store.accept(new).await, Ok(Acceptance::Fresh));
    }
    store.accept_mo(incoming.clone(), None).await.unwrap();
    store.close().await.unwrap();
    let report = after_restore(&url_of(&restored), &media).await.unwrap();
    assert_eq!((report.leases, report.missing_from), (1, newest), "one attempt would have ended by now");
    assert!(report.missing_to > large.id);
    assert_eq!((&report.put_back, &report.not_put_back), (&vec![large.id], &vec![incoming.id]));
    let again = after_restore(&url_of(&restored), &media).await.unwrap();
    assert_eq!((again.leases, again.put_back), (0, vec![]), "it may be repeated");
    let store = open(&url_of(&restored), &media, Access::serve()).await.unwrap();
    let back = store.message(large.id).await.unwrap().unwrap();
    assert_eq!((back.state.as_str(), &back.submission), ("Parked", &large.submission));
    assert_eq!(store.media(large.id).await, Ok(large.media.clone()));
    assert_eq!(store.message(small.id).await, Ok(None));
    let slots = posthouse_core::slots::Slots::ALL;
    let sends = store.lease_sends(&carrier(), lease(ME, 100), at(100), None, slots, 10).await.unwrap();
    assert_eq!(sends.iter().map(|send| send.id).collect::<Vec<_>>(), [leased.id]);
    let timers = store.lease_timers(lease(ME, 100), at(100), slots, 10).await.unwrap();
    assert_eq!(timers.len(), 1, "the attempt that had begun was interrupted");
    let (address, version) = ("127.0.0.1:9102".to_owned(), "1".to_owned());
    let joining = Joining { owner: ME, kind: NodeKind::Gateway, address, version, now: at(20) };
    store.join(joining).await.unwrap();
    let runs = after_restore(&url_of(&restored), &media).await.err().map(|error| error.to_string());
    assert!(runs.is_some_and(|said| said.contains("127.0.0.1:9102") && said.contains("stop")));
    store.close().await.unwrap();
    for database in [database, restored] {
        server.drop_database(&database);
    }
}
