//! `posthouse doctor`: looks at all that the gateway needs, and says what to mend.

mod certificates;
mod finding;
mod peers;
mod place;
mod queues;
mod restored;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    Id,
    carrier::open_carriers,
    counted::counted,
    provisioning::Provisioning,
    store::{ClockMarks, RecordsOf, Store, StoreResult},
};
use posthouse_gateway::{
    carrier::open,
    config::{ConfigErrors, Settings},
};
use posthouse_store::{OpenError, lasts};
use serde_json::json;

use self::finding::{DoctorFinding, Verdict};
use crate::{
    print::{self, Printer},
    target::{config_of, settings_of, visit},
    wait::wait_for,
};

/// By how much the clock may be behind the newest message: two nodes' clocks are never the same.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
/// What has ended should be in a CDR file after this time.
const RECORDS_WRITTEN_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// At how many records that are not is looked.
const RECORDS_LOOKED_AT: usize = 100;

/// The arguments of `posthouse doctor`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse doctor
  posthouse doctor -c /etc/posthouse.toml --json
  posthouse doctor -c /etc/posthouse.toml --after-restore

Looks at the configuration, the store, the media folder, free disk space, the clock, the certificates, the ports, what waits for carriers, and whether carriers, VASPs and the \
lookup service can be reached: a connection is opened, hands are shaken where the URL is https, and it is closed again; nothing is sent. \
It changes nothing, and may run beside a gateway. The exit code is 1 when something must be mended.

\
With --after-restore it does what a PostgreSQL database needs that was restored to an earlier time, while no gateway runs on it: it ends leases, \
puts back as parked what objects have of messages that were accepted since, and says between which MessageIDs others may be missing. It may be \
repeated. See docs/postgres.md.")]
pub struct Args {
    /// The configuration; without one, everything is under ./posthouse-data and on 127.0.0.1
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Do what the store needs after its PostgreSQL database was restored to an earlier time
    #[arg(long)]
    after_restore: bool,
}

/// Looks at everything and prints what was found.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.after_restore {
        return restored::run(args.config.as_deref(), args.json);
    }
    let file = config_of(args.config.as_deref());
    let findings = match settings_of(args.config.as_deref()) {
        Ok(settings) => wait_for(examine(file.as_deref(), &settings))?,
        Err(mistakes) => mistaken(&mistakes),
    };
    let to_mend = findings.iter().filter(|finding| finding.verdict == Verdict::Mend).count();
    let mut out = print::stdout();
    if args.json {
        let findings: Vec<_> = findings.iter().map(DoctorFinding::to_json).collect();
        out.json(&json!({"ok": to_mend == 0, "findings": findings}))?;
    } else {
        print(&mut out, &findings, to_mend)?;
    }
    Ok(if to_mend == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(out: &mut Printer, findings: &[DoctorFinding], to_mend: usize) -> io::Result<()> {
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    match to_mend {
        0 => writeln!(out, "nothing to mend"),
        1 => writeln!(out, "1 thing to mend"),
        many => writeln!(out, "{many} things to mend"),
    }
}

fn mistaken(mistakes: &ConfigErrors) -> Vec<DoctorFinding> {
    mistakes.mistakes.iter().map(|mistake| DoctorFinding::mend("config", mistake.to_string())).collect()
}

async fn examine(file: Option<&Path>, settings: &Settings) -> anyhow::Result<Vec<DoctorFinding>> {
    let config = file.map_or_else(|| "no file, the defaults".to_owned(), |file| file.display().to_string());
    let mut findings = vec![DoctorFinding::fine("config", config)];
    let kept = match look(settings).await {
        Ok(Some(kept)) => {
            findings.push(DoctorFinding::fine("store", kept.said(&settings.store.shown())));
            Some(kept)
        }
        Ok(None) => {
            let path = settings.store.shown();
            findings.push(DoctorFinding::note(
                "store",
                format!("{path} is not there yet; `posthouse serve` makes it"),
            ));
            None
        }
        Err(error) => {
            findings.push(DoctorFinding::mend("store", format!("{error:#}")));
            None
        }
    };
    if let Err(error @ OpenError::MayLose { .. }) = lasts(&settings.store.url()).await {
        findings.push(DoctorFinding::mend("store", error.to_string()));
    }
    findings.extend(place::folders(settings));
    findings.push(clock(Timestamp::now(), kept.as_ref()));
    findings.extend(certificates::of_doors(settings, Timestamp::now()));
    findings.extend(peers::ports(settings).await?);
    findings.extend(queues::slow(settings).await);
    if let Some(kept) = kept {
        findings.extend(certificates::towards_peers(&kept.provisioning, Timestamp::now()));
        findings.extend(certificates::never_shown(&kept.provisioning, settings));
        findings.extend(open_doors(&kept.provisioning, settings));
        findings.extend(records(kept.left, settings));
        findings.extend(peers::reachable(&kept.provisioning).await);
    }
    Ok(findings)
}

/// What the store holds, as far as it matters here.
struct Kept {
    provisioning: Provisioning,
    newest: Option<Id>,
    clock: ClockMarks,
    /// Records of what ended that have waited for long to be written into CDR files.
    left: usize,
}

impl Kept {
    fn said(&self, store: &str) -> String {
        let Provisioning { revision, accounts, carriers, .. } = &self.provisioning;
        let (accounts, carriers) = (accounts.len(), carriers.len());
        format!("{store}: revision {revision} of provisioning, accounts: {accounts}, carriers: {carriers}")
    }
}

/// `None` where there is no store yet.
async fn look(settings: &Settings) -> anyhow::Result<Option<Kept>> {
    let store = match visit(settings, false).await {
        Err(OpenError::Missing(_) | OpenError::Absent(_)) => return Ok(None),
        opened => opened?,
    };
    let kept = read(&*store).await.context("the store cannot be read; restore it, or mend the disk");
    store.close().await?;
    Ok(Some(kept?))
}

async fn read(store: &dyn Store) -> StoreResult<Kept> {
    Ok(Kept {
        provisioning: store.provisioning().await?,
        newest: store.newest_id().await?,
        clock: store.clock().await?,
        left: left_records(store).await?,
    })
}

/// How many records should have been written into CDR files by now, of the first that are looked at.
async fn left_records(store: &dyn Store) -> StoreResult<usize> {
    let before = Timestamp::now().checked_sub(RECORDS_WRITTEN_WITHIN).unwrap_or(Timestamp::MIN);
    Ok(store.pending_records(RecordsOf::Before(before), RECORDS_LOOKED_AT).await?.len())
}

/// Records that no gateway writes.
fn records(left: usize, settings: &Settings) -> Option<DoctorFinding> {
    let many = match left {
        0 => return None,
        RECORDS_LOOKED_AT.. => format!("{RECORDS_LOOKED_AT} records or more"),
        few => counted(few, "record"),
    };
    let said = format!("{many} of what ended have waited for more than ten minutes to be written");
    Some(match &settings.cdr.folder {
        Some(folder) => DoctorFinding::mend(
            "cdr",
            format!("{said}; start a gateway, or make {} writable and make room there", folder.display()),
        ),
        None => DoctorFinding::note("cdr", format!("{said}; a gateway with [cdr] folder writes them")),
    })
}

/// A door for carriers that the world can reach, where it asks for nothing.
fn open_doors(provisioning: &Provisioning, settings: &Settings) -> Vec<DoctorFinding> {
    let open = open_carriers(provisioning.carriers.iter());
    let warnings = open::warnings(settings.carriers.listen, &open);
    warnings.into_iter().map(|warning| DoctorFinding::note("door", warning)).collect()
}

/// A clock that goes wrong ends messages too early, or never.
fn clock(now: Timestamp, kept: Option<&Kept>) -> DoctorFinding {
    let marks = kept.map(|kept| kept.clock).unwrap_or_default();
    clock_beside(now, kept.and_then(|kept| kept.newest), marks)
}

fn clock_beside(now: Timestamp, newest: Option<Id>, marks: ClockMarks) -> DoctorFinding {
    let ahead = newest.map_or(SignedDuration::ZERO, |id| id.time().duration_since(now));
    if ahead > CLOCK_TOLERANCE {
        let seconds = ahead.as_secs();
        return DoctorFinding::mend(
            "clock",
            format!("{now:.0} is {seconds} s before the newest message; set the clock of this machine"),
        );
    }
    match marks.seen.filter(|_| marks.is_far_from(now)) {
        Some(seen) => DoctorFinding::note(
            "clock",
            format!(
                "{now:.0} is far ahead of {seen:.0}, when a gateway was last here: nothing expires or is thrown away by it for an hour; if it is right, `posthouse clock --confirm`"
            ),
        ),
        None => DoctorFinding::fine("clock", format!("{now:.0}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_behind_the_newest_message_is_to_be_set() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let newest = Id::first_at("2026-03-01T12:01:30Z".parse().unwrap());
        let said = "2026-03-01T12:00:00Z is 90 s before the newest message; set the clock of this machine";
        assert_eq!(
            clock_beside(now, Some(newest), ClockMarks::default()),
            DoctorFinding::mend("clock", said)
        );
    }

    #[test]
    fn a_clock_a_little_behind_is_fine() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let newest = Id::first_at("2026-03-01T12:00:04Z".parse().unwrap());
        assert_eq!(
            clock_beside(now, Some(newest), ClockMarks::default()),
            DoctorFinding::fine("clock", "2026-03-01T12:00:00Z")
        );
        assert_eq!(
            clock_beside(now, None, ClockMarks::default()),
            DoctorFinding::fine("clock", "2026-03-01T12:00:00Z")
        );
    }

    #[test]
    fn a_clock_far_ahead_of_the_last_gateway_is_noted() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let seen = Some("2025-12-01T12:00:00Z".parse().unwrap());
        let doubted = clock_beside(now, None, ClockMarks { seen, confirmed: None });
        assert_eq!(doubted.verdict, Verdict::Note);
        assert!(doubted.said.contains("posthouse clock --confirm"), "{doubted}");
        let confirmed = clock_beside(now, None, ClockMarks { seen, confirmed: Some(now) });
        assert_eq!(confirmed.verdict, Verdict::Fine);
    }
}
