//! A backup under load, a crash, and a restore elsewhere: every message that was acknowledged before the backup is there with its media.

use std::{fs, path::Path};

use posthouse_testing::store::visit;
use tokio::task::block_in_place;

use crate::{
    outage::town::{Load, Sizes, Town, configure, provision, until},
    process::posthouse,
};

const SIZES: Sizes = Sizes(&[300, 20_000, 100_000]);
const BEFORE: usize = 60;

fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = block_in_place(|| posthouse(folder, arguments).output().unwrap());
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_under_load_is_there_after_a_restore() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let town = Town::build(&first).await;
    let gateway = town.gateway();
    block_in_place(|| provision(&first, &town.carrier.url(), &town.vasp.url(), ""));
    let (load, clients) = Load::start(SIZES, u64::MAX, &gateway.mm7);
    until("messages are accepted", || load.accepted().len() >= BEFORE).await;
    let acknowledged = load.accepted();
    let copy = folder.path().join("copy").display().to_string();
    let (done, said) = run(&first, &["backup", &copy, "-c", "posthouse.toml"]);
    assert!(done && said.contains("was copied to"), "{said}");
    let (again, said) = run(&first, &["backup", &copy, "-c", "posthouse.toml"]);
    assert!(!again && said.contains("is there already and is not written over"), "{said}");
    until("the load goes on", || load.accepted().len() >= acknowledged.len() + 10).await;
    gateway.program.signal("KILL");
    load.stop();
    drop(clients);
    block_in_place(|| drop(gateway));

    configure(&second);
    let (done, said) = run(&second, &["restore", &copy, "-c", "posthouse.toml"]);
    assert!(done, "{said}");
    let (again, said) = run(&second, &["restore", &copy, "-c", "posthouse.toml"]);
    assert!(!again && said.contains("is there already"), "{said}");
    let store = visit(&second).await;
    for (id, number) in &acknowledged {
        let message = store.message(*id).await.unwrap().unwrap_or_else(|| panic!("{id} is not in the copy"));
        let media = store.media(*id).await.unwrap_or_else(|error| panic!("{id} {message:?}: {error}"));
        assert!(media.iter().any(|part| *part == SIZES.content(*number)), "{id}: other bytes");
    }
    store.close().await.unwrap();
    let town = Town { folder: second, ..town };
    let gateway = town.gateway();
    crate::outage::town::all_ended(&town.folder).await;
    drop(gateway);
}

#[test]
fn a_copy_that_is_not_whole_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path());
    let copy = folder.path().join("copy");
    fs::create_dir_all(copy.join("media")).unwrap();
    fs::write(copy.join("posthouse.db"), "half").unwrap();
    let restore = ["restore", "copy", "-c", "posthouse.toml"];
    let output = posthouse(folder.path(), &restore).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("is no whole copy of a store"), "{said}");
    assert!(!folder.path().join("data").exists(), "nothing was made");
    let missing = posthouse(folder.path(), &["backup", "other", "-c", "posthouse.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success() && said.contains("there is no store at"), "{said}");
}
