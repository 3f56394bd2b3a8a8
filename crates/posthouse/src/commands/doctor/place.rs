//! Where the gateway keeps things: folders that can be written, and room in them.

use std::{
    io::{ErrorKind, Write as _},
    path::Path,
};

use posthouse_gateway::config::Settings;
use posthouse_store::LOW_WATER_BYTES;

use super::finding::DoctorFinding;

const MIB: u64 = 1 << 20;

/// What follows where the store has too little room.
const NOTHING_IS_ACCEPTED: &str = "nothing is accepted";
/// What follows where CDR files have: messages go on.
const RECORDS_MAY_WAIT: &str = "records may have to wait in the store";

/// How many times the minimum free space there should be, so that an operator has time to act.
const COMFORT: u64 = 8;

/// The folders of the store and of media, and how much is free there.
pub(super) fn folders(settings: &Settings) -> Vec<DoctorFinding> {
    let store = settings.store.path.parent().unwrap_or(Path::new(""));
    let mut findings = match &settings.store.postgres {
        // By what lies there, commands find this machine's gateway.
        Some(_) => vec![writable("files", store)],
        None => vec![writable("store", store), room(store, NOTHING_IS_ACCEPTED)],
    };
    match settings.media.place.folder() {
        Some(media) => findings.extend([writable("media", media), room(media, NOTHING_IS_ACCEPTED)]),
        None => findings.push(DoctorFinding::note(
            "media",
            format!("{} is looked at when the store is opened", settings.media.place),
        )),
    }
    if let Some(folder) = &settings.cdr.folder {
        findings.extend([writable("cdr", folder), room(folder, RECORDS_MAY_WAIT)]);
    }
    findings
}

fn writable(check: &'static str, folder: &Path) -> DoctorFinding {
    let place = nearest_there(folder);
    let said = place.display();
    if let Err(error) = try_to_write(place) {
        let remedy = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room there",
            _ => "let this user write there, or name another folder in the configuration",
        };
        return DoctorFinding::mend(check, format!("{said} cannot be written ({error}); {remedy}"));
    }
    match folder == place {
        true => DoctorFinding::fine(check, format!("{said} can be written")),
        false => DoctorFinding::note(check, format!("{} is not there yet and can be made", folder.display())),
    }
}

/// The folder itself, or where there is none yet, the one above it that is there. A file in its place is found to be none when
/// it is written to.
fn nearest_there(folder: &Path) -> &Path {
    folder.ancestors().find(|place| place.exists()).unwrap_or(Path::new("."))
}

fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(b"posthouse")?;
    file.sync_all()
}

fn room(folder: &Path, below: &str) -> DoctorFinding {
    let place = nearest_there(folder);
    match rustix::fs::statvfs(place) {
        Ok(disk) => judge(place, disk.f_bavail.saturating_mul(disk.f_frsize), below),
        Err(error) => DoctorFinding::mend("disk", format!("{}: {error}; mend the disk", place.display())),
    }
}

/// `below` is what follows where less than the minimum is free.
fn judge(place: &Path, free: u64, below: &str) -> DoctorFinding {
    let said = format!("{}: {} MiB free", place.display(), free / MIB);
    if free < LOW_WATER_BYTES {
        let least = LOW_WATER_BYTES / MIB;
        return DoctorFinding::mend("disk", format!("{said}; below {least} MiB {below}: make room"));
    }
    match free < LOW_WATER_BYTES.saturating_mul(COMFORT) {
        true => DoctorFinding::note("disk", format!("{said}; make room soon")),
        false => DoctorFinding::fine("disk", said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_judged_by_what_the_store_needs() {
        let place = Path::new("/data");
        assert_eq!(
            judge(place, 255 * MIB, NOTHING_IS_ACCEPTED),
            DoctorFinding::mend("disk", "/data: 255 MiB free; below 256 MiB nothing is accepted: make room")
        );
        let said = "/data: 0 MiB free; below 256 MiB records may have to wait in the store: make room";
        assert_eq!(judge(place, 0, RECORDS_MAY_WAIT), DoctorFinding::mend("disk", said));
        assert_eq!(
            judge(place, 256 * MIB, NOTHING_IS_ACCEPTED),
            DoctorFinding::note("disk", "/data: 256 MiB free; make room soon")
        );
        assert_eq!(
            judge(place, 2048 * MIB, NOTHING_IS_ACCEPTED),
            DoctorFinding::fine("disk", "/data: 2048 MiB free")
        );
    }
}
