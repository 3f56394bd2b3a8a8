//! A process that is killed while it writes: what it had acknowledged is there, whole.

#![expect(clippy::print_stdout, reason = "test code outside of test functions")]

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use posthouse_core::{
    Id,
    life::state::State,
    store::{FirstAttempt, NewMessage, roles::*},
};
use posthouse_store::{
    sqlite::{SqliteOptions, SqliteStore},
    suite::{
        bed::{ME, at, lease, message, taken, with_media},
        media::noise,
    },
};

use crate::place::Place;

/// Tells the child where its store is.
const FOLDER: &str = "POSTHOUSE_CRASH_TEST_FOLDER";
/// So many writers at once, so that groups are torn apart.
const WRITERS: u64 = 8;
/// So many acknowledgements are waited for before the kill.
const ACKNOWLEDGED: usize = 120;

fn options(folder: PathBuf) -> SqliteOptions {
    SqliteOptions {
        path: folder.join("posthouse.db"),
        media: folder.join("media"),
        low_water_bytes: 0,
        segment_bytes: 512 << 10,
        ..SqliteOptions::default()
    }
}

/// What a message's media are: told by its id, small and large by turns.
fn media(id: Id) -> Vec<Vec<u8>> {
    let seed = id.number().unsigned_abs();
    vec![noise(seed, 100), noise(seed + 1, if seed.is_multiple_of(2) { 3000 } else { 60_000 })]
}

/// Accepts messages and has every second one taken, for ever; says what was acknowledged.
async fn write_for_ever(store: Arc<SqliteStore>, writer: u64) {
    for round in 0_u64.. {
        let number = (round * WRITERS + writer) * 8192 + u64::from(std::process::id() % 8192);
        let id = Id::from_number(Id::first_at(at(0)).number() + i64::try_from(number).unwrap()).unwrap();
        let new = NewMessage {
            id,
            first_attempt: FirstAttempt::Leased(lease(ME, 0)),
            ..with_media(message(0), &media(id))
        };
        store.accept(&new).await.unwrap();
        println!("accepted {id}");
        if round.is_multiple_of(2) {
            store.begin(id, ME, "vzw-1", at(60), at(0)).await.unwrap();
            store.settle(id, ME, taken(&format!("c-{id}"), 0), "", at(0), None).await.unwrap();
            println!("taken {id}");
        }
    }
}

/// Not a test of its own: the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_process() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = Arc::new(SqliteStore::open(options(folder.into())).await.unwrap());
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write_for_ever(store.clone(), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

fn start(folder: PathBuf) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::writing_process", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills a writing process after a while; what it had acknowledged till then.
fn acknowledged_by_a_killed_process(folder: PathBuf) -> Vec<(String, Id)> {
    let mut child = start(folder);
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        if let [what @ ("accepted" | "taken"), id] = words.as_slice()
            && let Ok(id) = id.parse()
        {
            acknowledged.push(((*what).to_owned(), id));
        }
        if acknowledged.len() == ACKNOWLEDGED {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn what_a_killed_process_acknowledged_is_there() {
    let place = Place::new();
    let mut all = Vec::new();
    for _ in 0..3 {
        let acknowledged = acknowledged_by_a_killed_process(place.path());
        assert!(acknowledged.len() >= ACKNOWLEDGED, "{}", acknowledged.len());
        all.extend(acknowledged);
        let store = SqliteStore::open(options(place.path())).await.unwrap();
        for (what, id) in &all {
            let found = store.message(*id).await.unwrap().unwrap();
            if what == "taken" {
                assert_eq!(found.state, State::Forwarded);
                assert_eq!(found.carrier_message_id, Some(format!("c-{id}")));
            }
            assert!(store.media(*id).await.unwrap() == media(*id), "media of {id}");
        }
        store.close().await.unwrap();
    }
}
