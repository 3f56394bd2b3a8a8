//! `posthouse doctor --after-restore`: what a store needs whose database was restored to an earlier time.

use std::{path::Path, process::ExitCode};

use posthouse_core::Id;
use posthouse_store::{RestoredReport, after_restore};
use serde_json::json;

use crate::{print, target::settings_of, wait::wait_for};

/// Does it, and says what was done.
pub(super) fn run(file: Option<&Path>, as_json: bool) -> anyhow::Result<ExitCode> {
    let settings = settings_of(file)?;
    let done = wait_for(async { Ok(after_restore(&settings.store.url(), &settings.media.place).await?) })?;
    let RestoredReport { leases, missing_from, missing_to, put_back, not_put_back, more } = done;
    let texts = |ids: &[Id]| ids.iter().map(Id::to_string).collect::<Vec<_>>();
    let mut out = print::stdout();
    if as_json {
        out.json(&json!({
            "store": settings.store.shown(), "leases_ended": leases,
            "missing": missing_from.map(|from| json!({"after": from.to_string(), "before": missing_to.to_string()})),
            "put_back": texts(&put_back), "not_put_back": texts(&not_put_back), "more": more,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "leases that ended: {leases}")?;
    match missing_from {
        None => writeln!(out, "the database knows of no message")?,
        Some(from) => writeln!(
            out,
            "messages with MessageIDs above {from} and below {missing_to}, accepted after {:.0}, may be missing",
            from.time()
        )?,
    }
    writeln!(out, "put back from objects, parked: {}", listed(&texts(&put_back)))?;
    writeln!(out, "in objects, and not put back: {}", listed(&texts(&not_put_back)))?;
    if more > 0 {
        writeln!(out, "and {more} more")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(ids: &[String]) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
