//! What a gateway, or a command, is refused on PostgreSQL and S3: it ends with 1 and one sentence, which says what is wrong and what to do,
//! and nothing is changed.

use std::{fs, path::Path, time::Duration};

use posthouse_store::suite::{postgres_server::PostgresServer, seaweed::SeaweedFs};
use tempfile::TempDir;
use tokio::task::block_in_place;

use super::town::until;
use crate::process::{Ended, Gateway, Program, posthouse};

/// All that is in a database, as far as it could be changed by a start: tables, versions, nodes and what begins a store.
const SEEN: &str =
    "SELECT coalesce(string_agg(relname || ' ' || relkind::text, ',' ORDER BY relname), '') FROM pg_class
                    WHERE relnamespace = 'public'::regnamespace";

/// A place for a gateway on a database, with media in a folder of its own.
fn place(url: &str, store: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    configure(folder.path(), url, store, &format!("url = \"file://{}\"", media.display()));
    folder
}

fn configure(folder: &Path, url: &str, store: &str, media: &str) {
    let configuration = format!(
        "[store]\nurl = {url:?}\n{store}\n[media]\n{media}\n[mm7]\nlisten = \"127.0.0.1:0\"\n[carriers]\nlisten = \"127.0.0.1:0\"\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n[shutdown]\ngrace = \"1ms\"\n"
    );
    fs::write(folder.join("posthouse.toml"), configuration).unwrap();
}

/// For servers of tests, which have no standby.
const ALONE: &str = "require_standbys = 0";

fn serve(folder: &Path) -> Ended {
    block_in_place(|| Program::start(folder, &["serve", "-c", "posthouse.toml"]).ended())
}

/// It ended with 1, nothing on stdout, and one sentence, which has these in it.
#[track_caller]
fn is_refused(ended: &Ended, words: &[&str]) {
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(1), &[][..]), "{ended:#?}");
    // What was logged on the way is not what ends it.
    let said: Vec<&String> = ended.stderr.iter().filter(|line| line.starts_with("posthouse")).collect();
    let [sentence] = said.as_slice() else { panic!("not one sentence: {said:#?}") };
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in {sentence:?}");
    }
}

async fn seen(server: &PostgresServer, database: &str) -> String {
    server.client(database).await.query_one(SEEN, &[]).await.unwrap().get(0)
}

fn server() -> Option<PostgresServer> {
    block_in_place(|| PostgresServer::start(&[]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_wrong_or_where_nobody_answers() {
    for (url, words) in [
        (
            "postgres://",
            &["posthouse.toml:2: store.url", "it names no database; write postgres://USER@HOST/DATABASE"][..],
        ),
        (
            "postgres://posthouse@127.0.0.1:1/posthouse",
            &[
                "the database at postgres://",
                "127.0.0.1:1",
                "cannot be reached",
                "see that it runs, and that [store] url is right",
            ],
        ),
        (
            "postgres://posthouse@db.invalid/posthouse",
            &["the database at postgres://", "db.invalid", "cannot be reached", "see that it runs"],
        ),
    ] {
        let folder = place(url, ALONE);
        is_refused(&serve(folder.path()), words);
        assert!(!folder.path().join("media").exists(), "nothing was made for {url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_ours_or_of_another_version() {
    let Some(server) = server() else { return };
    let (foreign, newer, older) =
        (server.make_database().await, server.make_store().await, server.make_store().await);
    server.run(&foreign, "CREATE TABLE customers (id int8)").await;
    let raised = "INSERT INTO migration VALUES (99, 'later', 0, 0); UPDATE meta SET value = 99 WHERE name LIKE 'schema_m%'";
    server.run(&newer, raised).await;
    for (database, words) in [
        (
            &foreign,
            ["holds tables that are not of a Posthouse store", "give a database of its own in [store] url"],
        ),
        (&newer, [" is of version 99, this program knows versions up to ", "run the newer program"]),
    ] {
        let before = seen(&server, database).await;
        let folder = place(&server.url(database), ALONE);
        is_refused(&serve(folder.path()), &words);
        assert_eq!(seen(&server, database).await, before, "nothing was changed in {database}");
    }
    // As the version before the last left it: commands change nothing in it, and a gateway brings it up.
    let back = "DROP INDEX mo_sender; DELETE FROM migration WHERE version >= 9; UPDATE meta SET value = 8 WHERE name = 'schema_max'";
    server.run(&older, back).await;
    let before = seen(&server, &older).await;
    let folder = place(&server.url(&older), ALONE);
    let listed = block_in_place(|| {
        Program::start(folder.path(), &["messages", "list", "-c", "posthouse.toml"]).ended()
    });
    is_refused(&listed, &["are brought up to date by the first gateway of a new version", "start it"]);
    assert_eq!(seen(&server, &older).await, before, "nothing was changed");
    let gateway = block_in_place(|| Gateway::start(folder.path()));
    assert!(seen(&server, &older).await.contains("mo_sender"), "it was brought up");
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_what_it_said_is_committed() {
    let Some(server) = server() else { return };
    let database = server.make_database().await;
    let standby = "it has no synchronous standby: losing this machine loses acknowledged messages";
    let folder = place(&server.url(&database), "");
    is_refused(
        &serve(folder.path()),
        &["may lose messages", standby, "synchronous_standby_names", "require_standbys = 0"],
    );
    // It follows, and commits do not wait for it: what makes a message durable is not there.
    let asynchronous = block_in_place(|| server.standby("s1"));
    is_refused(&serve(folder.path()), &["may lose messages", standby]);
    drop(asynchronous);
    server.run("postgres", "ALTER SYSTEM SET fsync = off").await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    let unsafe_place = place(&server.url(&database), ALONE);
    // The command line of the server says on, which is more than the file: another setting is not there.
    server.run("postgres", "ALTER SYSTEM RESET fsync").await;
    server.run("postgres", "ALTER SYSTEM SET full_page_writes = off").await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    let client = server.client("postgres").await;
    until("the setting is read", async || {
        client.query_one("SHOW full_page_writes", &[]).await.unwrap().get::<_, String>(0) == "off"
    })
    .await;
    is_refused(&serve(unsafe_place.path()), &["may lose messages", "full_page_writes"]);
    assert_eq!(seen(&server, &database).await, "", "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_written() {
    let Some(server) = server() else { return };
    let database = server.make_database().await;
    let folder = tempfile::tempdir().unwrap();
    let nobody = "url = \"s3://media/live\"\nendpoint = \"http://127.0.0.1:1\"\nregion = \"us-east-1\"\naccess_key_id = \"a\"\nsecret_access_key = \"b\"";
    configure(folder.path(), &server.url(&database), ALONE, nobody);
    is_refused(&serve(folder.path()), &["s3://media/live", "cannot be"]);
    // Nobody makes a folder there.
    configure(folder.path(), &server.url(&database), ALONE, "url = \"file:///proc/media\"");
    is_refused(
        &serve(folder.path()),
        &["file:///proc/media", "it cannot be made", "give a folder in [media] url"],
    );
    let test = "a_bucket_that_cannot_be_written";
    let Some(s3) = block_in_place(|| SeaweedFs::start(test)) else { return };
    let reader = s3.reader("live");
    let s3 = |bucket: &str, id: &str, secret: &str| {
        format!(
            "url = \"s3://{bucket}/live\"\nendpoint = {:?}\nregion = \"us-east-1\"\naccess_key_id = {id:?}\nsecret_access_key = {secret:?}",
            reader.endpoint.as_ref().unwrap()
        )
    };
    for (media, words) in [
        (
            s3("media", "reader", "secret-of-reader"),
            &["s3://media/live", "check the name of the bucket", "the credentials"],
        ),
        (
            s3("media", "posthouse", "wrong"),
            &["s3://media/live", "check the name of the bucket", "the credentials"],
        ),
        (
            s3("nothere", "posthouse", "secret-of-tests"),
            &["s3://nothere/live", "check the name of the bucket", "the credentials"],
        ),
    ] {
        configure(folder.path(), &server.url(&database), ALONE, &media);
        is_refused(&serve(folder.path()), words);
    }
    let nodes = server.client(&database).await.query("SELECT 1 FROM node", &[]).await.unwrap();
    assert!(nodes.is_empty(), "no node came");
}

/// Two clusters that were given one database, or one place of media.
#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_on_one_database_or_one_place() {
    let Some(server) = server() else { return };
    let (database, other) = (server.make_database().await, server.make_database().await);
    let first = place(&server.url(&database), ALONE);
    let gateway = block_in_place(|| Gateway::start(first.path()));
    // Nothing was accepted there yet, and no message has an object.
    let second = place(&server.url(&database), ALONE);
    let own_place = second.path().join("media");
    is_refused(
        &serve(second.path()),
        &[
            "there are no media at",
            own_place.to_str().unwrap(),
            "if they are no messages of this cluster, give a database of its own in [store] url",
        ],
    );
    assert!(!own_place.join("posthouse-store").exists(), "the place is nobody's");
    // One that was taken for the same database at the same moment, before either was settled.
    let mark = fs::read_to_string(first.path().join("media/posthouse-store")).unwrap();
    let (kept, sign) = mark.split_once("place = ").unwrap();
    fs::write(
        own_place.join("posthouse-store"),
        format!("{kept}place = {}\n", "0".repeat(sign.trim().len())),
    )
    .unwrap();
    is_refused(
        &serve(second.path()),
        &[
            "the media of the store are not those at",
            own_place.to_str().unwrap(),
            "give the same place in [media] url",
        ],
    );
    let third = tempfile::tempdir().unwrap();
    let media = format!("url = \"file://{}\"", first.path().join("media").display());
    configure(third.path(), &server.url(&other), ALONE, &media);
    is_refused(
        &serve(third.path()),
        &[first.path().join("media").to_str().unwrap(), "give this store a place of its own in [media] url"],
    );
    let nodes = server
        .client(&database)
        .await
        .query("SELECT 1 FROM node WHERE owner IS NOT NULL", &[])
        .await
        .unwrap();
    assert_eq!(nodes.len(), 1, "the first goes on alone");
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
}

/// The server's clock goes ten seconds ahead of this machine's: a function of the tests' own stands in for the built-in one.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ten_seconds_off() {
    let Some(server) = server() else { return };
    let database = server.make_database().await;
    let ahead = "SET allow_system_table_mods = on;
        ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO clock_of_tests;
        CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT pg_catalog.clock_of_tests() + interval ''10 seconds'''";
    server.run(&database, ahead).await;
    let folder = place(&server.url(&database), ALONE);
    is_refused(&serve(folder.path()), &["the clock is ", " s behind the store's", "set it right"]);
    let nodes = "SELECT 1 FROM node WHERE owner IS NOT NULL";
    let nodes = server.client(&database).await.query(nodes, &[]).await.unwrap();
    assert!(nodes.is_empty(), "its number is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_node_number_that_is_free() {
    let Some(server) = server() else { return };
    let database = server.make_store().await;
    let all = "INSERT INTO node SELECT n, n + 1000, 1, 0, '10.0.0.' || n || ':9102', '1', 0, false,
               (extract(epoch FROM clock_timestamp()) * 1000)::int8 + 3600000, 0 FROM generate_series(1, 239) n";
    server.run(&database, all).await;
    let folder = place(&server.url(&database), ALONE);
    is_refused(
        &serve(folder.path()),
        &["every number is a node's: 10.0.0.1:9102, ", "stop those that are not needed"],
    );
    let client = server.client(&database).await;
    let count: i64 = client.query_one("SELECT count(*) FROM node WHERE epoch = 1", &[]).await.unwrap().get(0);
    assert_eq!(count, 239, "none was taken away");
    // One that was not heard for a minute is free.
    client.batch_execute("UPDATE node SET beat_at = 0 WHERE number = 7").await.unwrap();
    let gateway = block_in_place(|| Gateway::start(folder.path()));
    let epoch: i64 = client.query_one("SELECT epoch FROM node WHERE number = 7", &[]).await.unwrap().get(0);
    assert_eq!(epoch, 2);
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_repeated() {
    let Some(server) = server() else { return };
    let database = server.make_database().await;
    let old = crate::process::folder();
    let gateway = block_in_place(|| Gateway::start(old.path()));
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
    let new = place(&server.url(&database), ALONE);
    let configuration = new.path().join("posthouse.toml").display().to_string();
    let arguments = [
        "migrate",
        "--from",
        "data/posthouse.db",
        "--from-media",
        "data/media",
        "--config",
        configuration.as_str(),
    ];
    let migrate = || posthouse(old.path(), &arguments).output().unwrap();
    let first = block_in_place(migrate);
    assert!(first.status.success(), "{first:?}");
    let before = seen(&server, &database).await;
    let again = block_in_place(|| Program::start(old.path(), &arguments).ended());
    is_refused(&again, &["has been taken over already, and nothing was changed", "start the gateway on it"]);
    assert_eq!(seen(&server, &database).await, before);
    // And the old store is served by nobody any more.
    is_refused(&serve(old.path()), &["is taken over into postgres://", "[store] url"]);
}

/// A gateway that runs while the store becomes too new for it leaves, and says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_becomes_too_new_while_a_gateway_runs() {
    let Some(server) = server() else { return };
    let database = server.make_database().await;
    let folder = place(&server.url(&database), ALONE);
    let gateway = block_in_place(|| Gateway::start(folder.path()));
    server.run(&database, "UPDATE meta SET value = 99 WHERE name IN ('schema_min', 'schema_max')").await;
    let ended = block_in_place(|| gateway.program.ended_within(Duration::from_secs(60)));
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    let last = ended.stderr.last().unwrap();
    assert!(last.contains("the store needs programs that know version 99"), "{last}");
    assert!(last.contains("run the newer program"), "{last}");
    let left = "SELECT 1 FROM node WHERE owner IS NOT NULL";
    assert!(server.client(&database).await.query(left, &[]).await.unwrap().is_empty(), "it has left");
}
