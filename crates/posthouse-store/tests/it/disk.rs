//! A disk that is full, and one that cannot be written to: real file systems, in a mount namespace of the test's own.
//!
//! Each test runs its second half, which is ignored otherwise, on a file system that `unshare` and `mount` make: as root, or
//! where users may have namespaces of their own. Where neither is possible, it fails and says so.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use mm7::MmStatus;
use posthouse_core::{
    Id,
    life::state::State,
    store::{Acceptance, FirstAttempt, NewMessage, Recorded, StoreError, roles::*},
};
use posthouse_store::{
    OpenError,
    sqlite::{SqliteOptions, SqliteStore},
    suite::{
        bed::{ME, at, lease, message, mo, report, taken, with_media},
        media::noise,
    },
};

/// Where the second half finds its file system.
const DISK: &str = "POSTHOUSE_TEST_DISK";
/// Larger than what is kept inline: it lies in a segment.
const LARGE: usize = 40_000;
/// What fills the disk but for what the store needs at first, and is removed to free space.
const BALLAST: usize = 2 << 20;

/// Runs a test that is ignored otherwise on a tmpfs of 8 MiB; `then` are shell commands before it, with `$DISK`.
fn on_a_disk_of_its_own(test: &str, then: &str) {
    let place = tempfile::tempdir().unwrap();
    let script = format!(
        "set -e; mount -t tmpfs -o size=8m tmpfs \"$DISK\"; {then} exec \"$TEST\" --exact {test} --ignored --nocapture"
    );
    // Root has no need of a user namespace, and may not be allowed one.
    let enter =
        "[ \"$(id -u)\" = 0 ] || own='--user --map-root-user'; exec unshare $own --mount sh -c \"$SCRIPT\"";
    let mut command = Command::new("sh");
    command.args(["-c", enter]).env("SCRIPT", script);
    command.env("DISK", place.path()).env("TEST", std::env::current_exe().unwrap());
    let output = command.env(DISK, place.path()).output().unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(
        output.status.success(),
        "needs unshare(1) and mount(8), as root or with user namespaces: {said:#?}"
    );
    assert!(said[0].contains("1 passed"), "{test} was not run: {said:#?}");
}

fn disk() -> PathBuf {
    std::env::var_os(DISK).unwrap_or_else(|| panic!("{DISK} is not set: this is run by another test")).into()
}

fn options(disk: &Path) -> SqliteOptions {
    SqliteOptions {
        path: disk.join("data/posthouse.db"),
        media: disk.join("data/media"),
        // The disk is full before anybody looks: what the low-water mark is there to keep from happening.
        low_water_bytes: 0,
        segment_bytes: 256 << 10,
        on_fatal: std::sync::Arc::new(|what| panic!("fatal: {what}")),
        ..SqliteOptions::default()
    }
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_space() {
    on_a_disk_of_its_own("disk::on_a_full_disk", "");
}

#[tokio::test]
#[ignore = "run on a disk of its own by a_full_disk_loses_nothing_and_goes_on_when_there_is_space"]
async fn on_a_full_disk() {
    let disk = disk();
    fs::write(disk.join("ballast"), vec![1; BALLAST]).unwrap();
    let store = SqliteStore::open(options(&disk)).await.unwrap();
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    // 8 MiB hold fewer than these.
    for number in 0..2000_i64 {
        let new = match number % 2 {
            0 => with_media(message(number), &[noise(number.unsigned_abs(), LARGE)]),
            _ => with_media(message(number), &[noise(number.unsigned_abs(), 2000)]),
        };
        match store.accept(&new).await {
            Ok(accepted) => {
                assert_eq!(accepted, Acceptance::Fresh);
                acknowledged.push(new);
            }
            Err(error) => {
                assert_eq!(error, StoreError::Full);
                refused += 1;
            }
        }
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20, "it never was full");
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    for new in &acknowledged {
        assert!(store.media(new.id).await.unwrap() == new.media, "{} can be read while it is full", new.id);
    }
    fs::remove_file(disk.join("ballast")).unwrap();
    let new = with_media(message(5000), &[noise(5000, LARGE)]);
    assert_eq!(store.accept(&new).await, Ok(Acceptance::Fresh), "there is space again");
    acknowledged.push(new);
    store.close().await.unwrap();

    let store = SqliteStore::open(options(&disk)).await.unwrap();
    for new in &acknowledged {
        assert_eq!(store.message(new.id).await.unwrap().unwrap().submission, new.submission);
        assert!(store.media(new.id).await.unwrap() == new.media, "{} is as it was", new.id);
    }
    store.close().await.unwrap();
}

#[test]
fn media_that_cannot_be_written_cost_nobody_elses_outcome() {
    on_a_disk_of_its_own(
        "disk::on_a_full_media_folder",
        "mkdir -p \"$DISK/data/media\"; mount -t tmpfs -o size=64k tmpfs \"$DISK/data/media\";",
    );
}

/// A message whose attempt is under way.
async fn sending(store: &SqliteStore) -> Id {
    let new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 1)), ..message(1) };
    store.accept(&new).await.unwrap();
    store.begin(new.id, ME, "vzw-1", at(60), at(1)).await.unwrap();
    new.id
}

/// In one group: two messages with media that find no room, and beside them a small one, an outcome, a report, and a message from a
/// handset.
#[tokio::test]
#[ignore = "run on a disk of its own by media_that_cannot_be_written_cost_nobody_elses_outcome"]
async fn on_a_full_media_folder() {
    let disk = disk();
    let store = SqliteStore::open(options(&disk)).await.unwrap();
    let first = with_media(message(0), &[noise(0, LARGE)]);
    assert_eq!(store.accept(&first).await, Ok(Acceptance::Fresh), "one has room");
    let (sending, forwarded) = (sending(&store).await, sending(&store).await);
    store.settle(forwarded, ME, taken("c-1", 1), "", at(1), None).await.unwrap();
    let held = rusqlite::Connection::open(disk.join("data/posthouse.db")).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = store.statistics().commit_time.count();
    let (large, other) = (with_media(message(2), &[noise(2, LARGE)]), mo("t-1", &[noise(3, LARGE)], 2));
    let small = with_media(message(2), &[noise(4, 2000)]);
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        held.execute_batch("ROLLBACK").unwrap();
    };
    let (large, other, small_accepted, settled, recorded, ()) = tokio::join!(
        store.accept(&large),
        store.accept_mo(other, None),
        store.accept(&small),
        store.settle(sending, ME, taken("c-2", 2), "", at(2), None),
        store.record_report(report("c-1", MmStatus::Retrieved, 2), None),
        release,
    );
    assert!(store.statistics().commit_time.count() - before <= 2, "they were committed together");
    assert_eq!((large, other), (Err(StoreError::Full), Err(StoreError::Full)));
    assert_eq!(small_accepted, Ok(Acceptance::Fresh));
    assert_eq!(settled.unwrap().answer.state, State::Forwarded);
    let recorded = recorded.unwrap().answer;
    assert!(matches!(recorded, Recorded::Applied(id, _) if id == forwarded), "{recorded:?}");
    store.close().await.unwrap();

    let store = SqliteStore::open(options(&disk)).await.unwrap();
    assert_eq!(store.message(sending).await.unwrap().unwrap().state, State::Forwarded);
    assert!(store.message(forwarded).await.unwrap().unwrap().state.is_terminal());
    for new in [first, small] {
        assert!(store.media(new.id).await.unwrap() == new.media);
    }
    store.close().await.unwrap();
}

#[test]
fn a_disk_that_is_read_only_is_told_at_the_start() {
    on_a_disk_of_its_own("disk::on_a_read_only_disk", "mkdir \"$DISK/data\"; mount -o remount,ro \"$DISK\";");
}

#[tokio::test]
#[ignore = "run on a disk of its own by a_disk_that_is_read_only_is_told_at_the_start"]
async fn on_a_read_only_disk() {
    let Err(error) = SqliteStore::open(options(&disk())).await else { panic!("it was opened") };
    let OpenError::Io { path, source } = &error else { panic!("{error:?}") };
    assert!(path.starts_with(disk()), "{error}");
    assert_eq!(source.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
}
