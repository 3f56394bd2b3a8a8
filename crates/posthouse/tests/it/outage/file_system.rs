//! File systems of a test's own: a test runs its second half, which is ignored otherwise, on one that `unshare` and `mount` make.

use std::{
    fs,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Where the second half finds its file system.
const DISK: &str = "POSTHOUSE_TEST_DISK";
/// What the shell says when there can be no such file system here.
const CANNOT: i32 = 77;

/// Runs a test that is ignored otherwise in a mount namespace of its own, after shell commands that make `$DISK`. Where they cannot,
/// as they say by exit 77, it says so and is not run.
pub fn on_a_disk_of_its_own(test: &str, make: &str) {
    let place = tempfile::tempdir().unwrap();
    let script = format!("{make}\n\"$TEST\" --exact {test} --ignored --nocapture");
    // Root has no need of a user namespace, and may not be allowed one.
    let enter = "[ \"$(id -u)\" = 0 ] || own='--user --map-root-user'; \
                 unshare $own --mount true || exit 77; exec unshare $own --mount sh -c \"$SCRIPT\"";
    let mut command = Command::new("sh");
    command.args(["-c", enter]).env("SCRIPT", script);
    command.env("PLACE", place.path()).env("TEST", std::env::current_exe().unwrap());
    let disk = place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    judge(test, &command.env("DISK", &disk).env(DISK, &disk).output().unwrap());
}

fn judge(test: &str, output: &Output) {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
    if output.status.code() == Some(CANNOT) {
        eprintln!("NOT RUN: {test}: this machine allows no file system for it: {}", said[1].trim());
        return;
    }
    println!("{}", said[0]);
    assert!(output.status.success(), "{test}: {said:#?}");
    assert!(said[0].contains("1 passed"), "{test} was not run: {said:#?}");
}

/// The file system that the first half made.
pub fn disk() -> PathBuf {
    std::env::var_os(DISK).unwrap_or_else(|| panic!("{DISK} is not set: this is run by another test")).into()
}

/// How many bytes are free.
pub fn free(disk: &Path) -> u64 {
    let found = statvfs(disk).unwrap();
    found.f_bavail * found.f_frsize
}

/// What others put on the disk: takes space till so many bytes are left.
pub fn leave(disk: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().create(true).append(true).open(disk.join("ballast")).unwrap();
    loop {
        let surplus = free(disk).saturating_sub(bytes);
        if surplus == 0 {
            return;
        }
        let length = file.metadata().unwrap().len();
        // The gateway may have taken some of it meanwhile.
        let _ = fallocate(file.as_fd(), FallocateFlags::empty(), length, surplus);
    }
}

/// Frees what others put on the disk.
pub fn make_space(disk: &Path) {
    fs::remove_file(disk.join("ballast")).unwrap();
}
