//! A disk that turns full, read-only or faulty under a running gateway (contract 4.3; docs/failures.md).

use std::{path::Path, process::Command, sync::Arc};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::{
    task::{JoinSet, block_in_place},
    time::timeout,
};

use super::{
    file_system::{disk, free, leave, make_space, on_a_disk_of_its_own},
    town::{Load, Sizes, Town, provision, until},
};
use crate::process::{DEADLINE, Gateway, Program, posthouse};

/// Below so much free space nothing new is accepted (docs/failures.md).
const LOW_WATER: u64 = 256 << 20;
/// Some lie in the database's rows, some in segments.
const SIZES: Sizes = Sizes(&[2_000, 12_000, 40_000]);
/// More than ever are sent.
const NO_LIMIT: u64 = 100_000;

const SERVE: &[&str] = &["serve", "-c", "posthouse.toml"];

/// A town with a gateway under load.
async fn begin(
    folder: &Path,
    gateway: impl FnOnce(&Town) -> Gateway,
) -> (Town, Gateway, Arc<Load>, JoinSet<()>) {
    let town = Town::build(folder).await;
    let gateway = gateway(&town);
    block_in_place(|| provision(folder, &town.carrier.url(), &town.vasp.url(), ""));
    let (load, clients) = Load::start(SIZES, NO_LIMIT, &gateway.mm7);
    accept_more(&load, 30).await;
    (town, gateway, load, clients)
}

/// Waits till so many more were accepted.
async fn accept_more(load: &Load, more: usize) {
    let goal = load.accepted().len() + more;
    until("more are accepted", || load.accepted().len() >= goal).await;
}

/// Whether it starts on a full disk depends on how much of its files can be written over.
fn starts_or_says_why_not(folder: &Path) {
    let program = Program::start(folder, SERVE);
    let ready = program.line_or_end();
    if ready.is_some() {
        program.signal("KILL");
    }
    let ended = program.ended();
    println!("a start on a full disk: ready {}, {:?}", ready.is_some(), ended.status.code());
    let told = ended.stderr.iter().any(|line| line.contains("disk is full"));
    assert!(ready.is_some() || (ended.status.code() == Some(1) && told), "{ended:#?}");
}

/// Waits till new messages are refused for want of space.
async fn refuses_more(load: &Load) {
    let refused = load.refused(3510);
    until("load is shed", || load.refused(3510) > refused).await;
}

/// With a gateway that works: everything that was acknowledged ends well, and nothing else is there.
async fn end(town: Town, gateway: Gateway, load: &Load, clients: JoinSet<()>) {
    load.stop();
    timeout(DEADLINE, clients.join_all()).await.unwrap();
    town.settled(&load.accepted()).await;
    gateway.program.signal("TERM");
    assert!(block_in_place(|| gateway.program.ended()).status.success());
    let parked = town.judge(load).await;
    println!(
        "{} accepted, {parked} were parked till the end; refused 3510: {}, 3000: {}, unanswered: {}",
        load.accepted().len(),
        load.refused(3510),
        load.refused(3000),
        load.refused(0)
    );
}

#[test]
fn a_disk_that_turns_full_loses_nothing() {
    let make = "mount -t tmpfs -o size=480m tmpfs \"$DISK\" || exit 77";
    on_a_disk_of_its_own("outage::disk::on_a_disk_that_turns_full", make);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run on a disk of its own by a_disk_that_turns_full_loses_nothing"]
async fn on_a_disk_that_turns_full() {
    let disk = disk();
    let (town, gateway, load, clients) = begin(&disk.join("gateway"), Town::gateway).await;

    // Below the low-water mark nothing new is taken, long before the disk is full; what is there drains.
    leave(&disk, LOW_WATER / 2);
    refuses_more(&load).await;
    let taken = load.accepted();
    town.settled(&taken).await;
    assert!(free(&disk) > LOW_WATER / 4, "the disk was never full");
    assert_eq!(load.refused(3000) + load.refused(0), 0);
    make_space(&disk);
    accept_more(&load, 30).await;

    // Full at one blow: what is under way finds no room to be written, till there is some.
    leave(&disk, 0);
    let error = block_in_place(|| gateway.program.said("ERROR"));
    assert!(error.contains("the store is short of disk space"), "{error}");
    make_space(&disk);
    accept_more(&load, 30).await;

    // The same, a kill, and a start while there is still no space.
    leave(&disk, 0);
    refuses_more(&load).await;
    gateway.program.signal("KILL");
    block_in_place(|| drop(gateway.program.ended()));
    leave(&disk, 0);
    block_in_place(|| starts_or_says_why_not(&town.folder));
    make_space(&disk);
    let gateway = town.gateway();
    load.go_on_at(&gateway.mm7);
    accept_more(&load, 30).await;
    end(town, gateway, &load, clients).await;
}

/// The gateway, with writes beyond its limits failing as writes and not by a signal.
fn on_limits(town: &Town) -> Gateway {
    let serve = posthouse(&town.folder, SERVE);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    command.current_dir(&town.folder).env("POSTHOUSE_LOG", "info");
    let gateway = block_in_place(|| Gateway::ready(Program::spawn(command)));
    town.tell(&gateway);
    gateway
}

/// The gateway ends by itself, and says why.
fn ends_by_itself(gateway: Gateway) {
    let ended = block_in_place(|| gateway.program.ended());
    let why: Vec<&String> =
        ended.stderr.iter().filter(|line| line.contains("the store cannot go on")).collect();
    assert_eq!((ended.status.code(), why.len()), (Some(1), 1), "{ended:#?}");
    println!("{}", why[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_fail_end_it_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (town, gateway, load, clients) = begin(folder.path(), on_limits).await;
    // From now on no file of its own takes a byte.
    let pid = Pid::from_raw(i32::try_from(gateway.program.pid()).unwrap()).unwrap();
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: Some(0), maximum: None }).unwrap();
    ends_by_itself(gateway);

    let gateway = town.gateway();
    load.go_on_at(&gateway.mm7);
    accept_more(&load, 30).await;
    end(town, gateway, &load, clients).await;
}

#[test]
fn a_disk_that_turns_read_only_loses_nothing() {
    // Sparse: it takes what is written to it. An aborted journal is what a disk that fails leaves behind.
    let make = "image=\"$PLACE/image\"; export IMAGE=\"$image\"\n\
                truncate -s 1G \"$image\" && mkfs.ext4 -q -F \"$image\" && mount -o loop \"$image\" \"$DISK\" || exit 77";
    on_a_disk_of_its_own("outage::disk::on_a_disk_that_turns_read_only", make);
}

fn shell(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run on a disk of its own by a_disk_that_turns_read_only_loses_nothing"]
async fn on_a_disk_that_turns_read_only() {
    let disk = disk();
    let (town, gateway, load, clients) = begin(&disk.join("gateway"), Town::gateway).await;
    shell("mount -o remount,abort \"$POSTHOUSE_TEST_DISK\"");
    ends_by_itself(gateway);

    let again = posthouse(&town.folder, SERVE).output().unwrap();
    let told = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(1), "{told}");
    assert!(told.contains("Read-only file system"), "{told}");

    shell(
        "umount \"$POSTHOUSE_TEST_DISK\"; e2fsck -fy \"$IMAGE\" || [ $? = 1 ]; mount -o loop \"$IMAGE\" \"$POSTHOUSE_TEST_DISK\"",
    );
    let gateway = town.gateway();
    load.go_on_at(&gateway.mm7);
    accept_more(&load, 30).await;
    end(town, gateway, &load, clients).await;
}
