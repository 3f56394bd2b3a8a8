//! Whose the files of a store are, and what happens when they are moved under it.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use posthouse_core::{
    Id,
    store::{Acceptance, FirstAttempt, NewMessage, StoreError, roles::*},
};
use posthouse_store::{
    OpenError,
    sqlite::{Mode, SqliteOptions, SqliteStore},
    suite::{
        bed::{self, ME, at, lease, message, with_media},
        media::noise,
    },
};

use crate::place::{Place, copy_file};

/// Within so long a loss has to be seen.
const SEEN: Duration = Duration::from_secs(10);
/// Larger than what is kept inline: it lies in a segment.
const LARGE: usize = 40_000;

fn large(now: i64) -> NewMessage {
    with_media(message(now), &[noise(now.unsigned_abs(), LARGE)])
}

fn database(place: &Place) -> PathBuf {
    place.path().join("posthouse.db")
}

fn media(place: &Place) -> PathBuf {
    place.path().join("media")
}

async fn open_error(options: SqliteOptions) -> OpenError {
    match SqliteStore::open(options).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

/// The messages that are accepted till none is any more; the error then.
async fn accept_till_refused(store: &SqliteStore, accepted: &mut Vec<NewMessage>) -> StoreError {
    let begun = Instant::now();
    loop {
        let new = large(i64::try_from(accepted.len()).unwrap());
        match store.accept(&new).await {
            Ok(Acceptance::Fresh) => accepted.push(new),
            Ok(other) => panic!("{other:?}"),
            Err(error) if error.to_string().contains("under the running gateway") => return error,
            // What was under way met the loss before it was seen.
            Err(_) => {}
        }
        assert!(begun.elapsed() < SEEN, "it still accepts");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn wait_till_it_accepts(store: &SqliteStore, accepted: &mut Vec<NewMessage>) {
    let begun = Instant::now();
    let new = large(i64::try_from(accepted.len()).unwrap());
    while store.accept(&new).await.is_err() {
        assert!(begun.elapsed() < SEEN, "it still refuses");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    accepted.push(new);
}

async fn assert_all_there(store: &SqliteStore, accepted: &[NewMessage]) {
    for new in accepted {
        let found = store.message(new.id).await.unwrap().unwrap_or_else(|| panic!("{} is gone", new.id));
        assert_eq!(found.submission, new.submission);
        assert!(store.media(new.id).await.unwrap() == new.media, "the media of {}", new.id);
    }
}

fn says(error: &StoreError, words: &[&str]) {
    let StoreError::NotDone(what) = error else { panic!("{error:?}") };
    let what = what.to_string();
    for word in words {
        assert!(what.contains(word), "{word} in {what}");
    }
}

async fn sending(store: &SqliteStore) -> Id {
    let new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 1)), ..message(1) };
    store.accept(&new).await.unwrap();
    store.begin(new.id, ME, "vzw-1", at(60), at(1)).await.unwrap();
    new.id
}

#[tokio::test]
async fn one_gateway_for_one_database_whatever_path_leads_to_it() {
    let place = Place::new();
    let store = place.open_store().await;
    let elsewhere = place.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let (soft, hard) = (elsewhere.join("soft.db"), elsewhere.join("hard.db"));
    symlink(database(&place), &soft).unwrap();
    fs::remove_file(place.path().join("posthouse.db.lock")).unwrap();
    for path in [database(&place), soft] {
        let options = SqliteOptions { path, media: elsewhere.join("media"), ..place.options() };
        let error = open_error(options).await;
        assert!(error.to_string().contains("held by another gateway"), "{error}");
    }
    fs::hard_link(database(&place), &hard).unwrap();
    fs::write(hard.with_extension("db.lock"), "").unwrap();
    let options = SqliteOptions { path: hard.clone(), media: elsewhere.join("media"), ..place.options() };
    let error = open_error(options).await;
    assert!(error.to_string().contains("held by another gateway"), "by the file's own lock: {error}");
    assert_eq!(store.accept(&large(0)).await, Ok(Acceptance::Fresh));
    let begun = Instant::now();
    while !place.path().join("posthouse.db.lock").exists() {
        assert!(begun.elapsed() < SEEN, "the lock file is not made anew");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.close().await.unwrap();
    place.open_store().await.close().await.unwrap();
}

/// The journal lies beside the name under which it was opened: under another one, what it holds would not be seen.
#[tokio::test]
async fn another_hard_link_is_another_journal() {
    let place = Place::new();
    let store = place.open_store().await;
    let hard = place.path().join("hard.db");
    fs::hard_link(database(&place), &hard).unwrap();
    for mode in [Mode::Visit, Mode::Serve] {
        let error = open_error(SqliteOptions { path: hard.clone(), mode, ..place.options() }).await;
        assert!(matches!(&error, OpenError::OtherName(path) if path.ends_with("hard.db")), "{error}");
    }
    store.close().await.unwrap();
    let error = open_error(SqliteOptions { path: hard.clone(), ..place.options() }).await;
    assert!(matches!(error, OpenError::OtherName(_)), "{error}");
    place.open_store().await.close().await.unwrap();
    fs::remove_file(database(&place)).unwrap();
    SqliteStore::open(SqliteOptions { path: hard, ..place.options() }).await.unwrap();
}

#[tokio::test]
async fn a_database_that_was_moved_without_its_journal_is_refused() {
    let place = Place::new();
    place.open_store().await.close().await.unwrap();
    let store = place.open_store().await;
    let new = large(0);
    store.accept(&new).await.unwrap();
    let image = place.image();
    drop(store);
    place.restore(&image);
    let moved = place.path().join("moved.db");
    fs::rename(database(&place), &moved).unwrap();
    let options = SqliteOptions { path: moved.clone(), ..place.options() };
    let error = open_error(options.clone()).await;
    assert!(
        matches!(&error, OpenError::LeftBehind { journal, .. } if journal.ends_with("posthouse.db-wal")),
        "{error}"
    );
    fs::rename(place.path().join("posthouse.db-wal"), place.path().join("moved.db-wal")).unwrap();
    let store = SqliteStore::open(options).await.unwrap();
    assert_all_there(&store, &[new]).await;
}

#[tokio::test]
async fn another_stores_media_folder_is_refused() {
    let (place, other) = (Place::new(), Place::new());
    let store = place.open_store().await;
    let first = large(0);
    store.accept(&first).await.unwrap();
    let theirs = SqliteOptions { media: media(&place), ..other.options() };
    for mode in [Mode::Serve, Mode::Visit] {
        let error = open_error(SqliteOptions { mode, ..theirs.clone() }).await;
        assert!(error.to_string().contains(&media(&place).display().to_string()), "{error}");
        assert!(!database(&other).exists(), "and no store was made for it");
    }
    other.open_store().await.close().await.unwrap();
    for mode in [Mode::Serve, Mode::Visit] {
        let error = open_error(SqliteOptions { mode, ..theirs.clone() }).await;
        assert!(matches!(&error, OpenError::Foreign { folder, .. } if *folder == media(&place)), "{error}");
        assert!(error.to_string().contains("[media] url"), "{error}");
    }
    assert_all_there(&store, &[first]).await;
}

/// A copy of a database has its identity: the folder is one gateway's all the same.
#[tokio::test]
async fn a_copied_database_does_not_share_the_media_folder() {
    let (place, copy) = (Place::new(), Place::new());
    let store = place.open_store().await;
    store.accept(&large(0)).await.unwrap();
    copy_folder(&place.path(), &copy.path());
    let options = SqliteOptions { media: media(&place), ..copy.options() };
    let error = open_error(options.clone()).await;
    assert!(matches!(&error, OpenError::Locked(path) if *path == media(&place)), "{error}");
    store.close().await.unwrap();
    SqliteStore::open(options).await.unwrap().close().await.unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            copy_file(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

#[tokio::test]
async fn a_lost_database_is_not_made_anew() {
    let place = Place::new();
    let store = place.open_store().await;
    let new = large(0);
    store.accept(&new).await.unwrap();
    store.close().await.unwrap();
    let (away, gone) = (place.path().join("away.db"), media(&place).with_extension("gone"));
    fs::rename(database(&place), &away).unwrap();
    for mode in [Mode::Serve, Mode::Visit] {
        let error = open_error(SqliteOptions { mode, ..place.options() }).await;
        assert!(matches!(error, OpenError::Lost { .. }), "{error}");
        assert!(error.to_string().contains("put the database back"), "{error}");
    }
    // The media folder alone, the lock file alone.
    fs::rename(media(&place), &gone).unwrap();
    assert!(matches!(open_error(place.options()).await, OpenError::Lost { .. }));
    fs::rename(&gone, media(&place)).unwrap();
    fs::remove_file(place.path().join("posthouse.db.lock")).unwrap();
    assert!(matches!(open_error(place.options()).await, OpenError::Lost { .. }));
    fs::rename(away, database(&place)).unwrap();
    let store = place.open_store().await;
    assert_all_there(&store, &[new]).await;
    store.close().await.unwrap();
    // As the error says: where everything is gone, a new store begins.
    fs::remove_dir_all(place.path()).unwrap();
    place.open_store().await.close().await.unwrap();
}

#[tokio::test]
async fn a_journal_without_its_database_is_not_thrown_away() {
    let place = Place::new();
    let store = place.open_store().await;
    store.accept(&message(0)).await.unwrap();
    let image = place.image();
    drop(store);
    place.restore(&image);
    fs::remove_file(database(&place)).unwrap();
    fs::remove_file(place.path().join("posthouse.db.lock")).unwrap();
    fs::remove_dir_all(media(&place)).unwrap();
    let error = open_error(place.options()).await;
    assert!(error.to_string().contains("posthouse.db-wal"), "{error}");
    assert!(fs::metadata(place.path().join("posthouse.db-wal")).unwrap().len() > 0);
}

/// A copy of the database is put back, with the media folder as it is by now.
#[tokio::test]
async fn a_backup_can_be_restored() {
    let place = Place::new();
    let store = place.open_store().await;
    let first = large(0);
    store.accept(&first).await.unwrap();
    store.close().await.unwrap();
    let backup = fs::read(database(&place)).unwrap();
    let store = place.open_store().await;
    store.accept(&large(1)).await.unwrap();
    store.close().await.unwrap();
    fs::remove_file(database(&place)).unwrap();
    fs::write(database(&place), backup).unwrap();
    let store = place.open_store().await;
    assert_all_there(&store, &[first]).await;
}

#[tokio::test]
async fn a_database_that_is_renamed_under_it_takes_nothing_till_it_is_back() {
    let place = Place::new();
    let store = place.open_store().await;
    let mut accepted = Vec::new();
    wait_till_it_accepts(&store, &mut accepted).await;
    let away = place.path().join("away.db");
    fs::rename(database(&place), &away).unwrap();
    let error = accept_till_refused(&store, &mut accepted).await;
    says(&error, &["posthouse.db", "removed or renamed", "put the file back"]);
    assert_eq!(store.check().await, Err(error));
    fs::rename(&away, database(&place)).unwrap();
    wait_till_it_accepts(&store, &mut accepted).await;
    assert_eq!(store.check().await, Ok(()));
    fs::rename(&away, database(&place)).unwrap_err();
    // What lies in the file is all there is, also without the journal.
    fs::rename(database(&place), &away).unwrap();
    accept_till_refused(&store, &mut accepted).await;
    drop(store);
    fs::rename(&away, database(&place)).unwrap();
    assert_all_there(&place.open_store().await, &accepted).await;
}

#[tokio::test]
async fn a_folder_that_is_renamed_under_it_leaves_word() {
    let place = Place::new();
    let store = place.open_store().await;
    let mut accepted = Vec::new();
    wait_till_it_accepts(&store, &mut accepted).await;
    let away = place.path().with_extension("away");
    let word = place.path().with_extension("lost");
    fs::rename(place.path(), &away).unwrap();
    says(&accept_till_refused(&store, &mut accepted).await, &["removed or renamed"]);
    assert!(word.exists());
    // Nothing is in the way of putting it back.
    fs::rename(&away, place.path()).unwrap();
    wait_till_it_accepts(&store, &mut accepted).await;
    assert!(!word.exists());
    fs::rename(place.path(), &away).unwrap();
    accept_till_refused(&store, &mut accepted).await;
    drop(store);
    for mode in [Mode::Serve, Mode::Visit] {
        let error = open_error(SqliteOptions { mode, ..place.options() }).await;
        assert!(matches!(error, OpenError::Lost { .. }), "{error}");
        assert!(error.to_string().contains("data.lost"), "{error}");
        assert!(!place.path().exists(), "nothing was made");
    }
    fs::rename(&away, place.path()).unwrap();
    let store = place.open_store().await;
    assert_all_there(&store, &accepted).await;
    assert!(!word.exists());
}

#[tokio::test]
async fn a_database_that_is_replaced_under_it_is_left_alone() {
    let place = Place::new();
    let store = place.open_store().await;
    let mut accepted = Vec::new();
    wait_till_it_accepts(&store, &mut accepted).await;
    let (away, other) = (place.path().join("away.db"), Place::new());
    other.open_store().await.close().await.unwrap();
    let theirs = fs::read(database(&other)).unwrap();
    fs::rename(database(&place), &away).unwrap();
    fs::write(database(&place), &theirs).unwrap();
    let error = accept_till_refused(&store, &mut accepted).await;
    says(&error, &["was replaced"]);
    store.close().await.unwrap();
    assert!(fs::read(database(&place)).unwrap() == theirs, "nothing was written into the other one");
    fs::rename(&away, database(&place)).unwrap();
    assert_all_there(&place.open_store().await, &accepted).await;
}

#[tokio::test]
async fn a_database_that_is_removed_under_it_is_copied() {
    let place = Place::new();
    let store = place.open_store().await;
    let mut accepted = Vec::new();
    wait_till_it_accepts(&store, &mut accepted).await;
    let backup = fs::read(database(&place)).unwrap();
    for ending in ["", "-wal", "-shm"] {
        fs::remove_file(place.path().join(format!("posthouse.db{ending}"))).unwrap();
    }
    accept_till_refused(&store, &mut accepted).await;
    drop(store);
    assert!(matches!(open_error(place.options()).await, OpenError::Lost { .. }));
    // An older copy in its place lacks what was acknowledged since.
    fs::write(database(&place), &backup).unwrap();
    assert!(matches!(open_error(place.options()).await, OpenError::Replaced { .. }));
    fs::rename(place.path().join("posthouse.db.saved"), database(&place)).unwrap();
    assert_all_there(&place.open_store().await, &accepted).await;
}

#[tokio::test]
async fn a_journal_that_is_removed_or_replaced_loses_nothing() {
    for (ending, is_replaced) in [("-wal", false), ("-wal", true), ("-shm", false)] {
        let place = Place::new();
        let store = place.open_store().await;
        let mut accepted = Vec::new();
        wait_till_it_accepts(&store, &mut accepted).await;
        let journal = place.path().join(format!("posthouse.db{ending}"));
        fs::remove_file(&journal).unwrap();
        if is_replaced {
            fs::write(&journal, "nothing of ours").unwrap();
        }
        let error = accept_till_refused(&store, &mut accepted).await;
        says(&error, &[ending, "start the gateway again"]);
        assert_eq!(store.check().await, Err(error));
        // Killed: nobody closes anything.
        std::mem::forget(store);
        let copy = Place::new();
        fs::create_dir_all(copy.path()).unwrap();
        copy_folder(&media(&place), &media(&copy));
        fs::copy(database(&place), database(&copy)).unwrap();
        assert_all_there(&copy.open_store().await, &accepted).await;
    }
}

#[tokio::test]
async fn media_that_are_moved_under_it_keep_outcomes_from_nobody() {
    type Undo = Box<dyn Fn() -> io::Result<()>>;
    let place = Place::new();
    let store = place.open_store().await;
    let mut accepted = Vec::new();
    wait_till_it_accepts(&store, &mut accepted).await;
    let segment = media(&place).join("0000000001.segment");
    for what in [media(&place), segment] {
        let away = what.with_extension("away");
        let (from, to) = (what.clone(), away.clone());
        let undo: Undo = Box::new(move || fs::rename(&to, &from));
        let id = sending(&store).await;
        fs::rename(&what, &away).unwrap();
        let error = accept_till_refused(&store, &mut accepted).await;
        says(&error, &[&what.display().to_string(), "put it back"]);
        assert_eq!(store.check().await, Err(error.clone()));
        assert_eq!(store.accept(&message(1)).await, Err(error), "also without media");
        store.settle(id, ME, bed::taken("c-1", 2), "", at(2), None).await.unwrap();
        undo().unwrap();
        wait_till_it_accepts(&store, &mut accepted).await;
        assert_eq!(store.check().await, Ok(()));
    }
    assert_all_there(&store, &accepted).await;
}
