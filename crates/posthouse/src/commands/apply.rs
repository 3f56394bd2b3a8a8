//! `posthouse apply`: brings provisioning to what a file says.

use std::{io, process::ExitCode, time::Duration};

use posthouse_gateway::config::{self, Applied, ConfigFile, Settings, plan::PlanAction};
use serde::Serialize;
use serde_json::{Value, json};

use super::{plan::Printed, wait_for};
use crate::{
    print::{self, Printer},
    running::{Reached, reach},
    target::{Target, environment, told, visit},
};

/// How long a change may take to reach a running gateway, which looks several times a second.
const WAIT: Duration = Duration::from_secs(2);
/// And how much longer for each thing that is provisioned, all of which it reads anew.
const WAIT_FOR_EACH: Duration = Duration::from_micros(50);

/// The arguments of `posthouse apply`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse apply provisioning.toml
  posthouse apply provisioning.toml -c /etc/posthouse.toml --prune

What the file names becomes exactly what it says: an account with all its services, a carrier with all its connections. \
What it does not name stays, unless --prune removes it. All of it is done, or nothing. A gateway that runs on the store \
takes it without a restart, and is waited for. `posthouse plan` shows the changes without making them.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
}

/// Makes the changes and waits for the gateway, if one runs.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (settings, document) = args.target.read()?;
    let (applied, reached, wait) = wait_for(async {
        let applied = apply(&settings, &document, args.target.prune).await?;
        let things = u32::try_from(applied.plan.steps.len()).unwrap_or(u32::MAX);
        let wait = WAIT.saturating_add(WAIT_FOR_EACH.saturating_mul(things));
        let reached = reach(&settings, applied.revision, wait).await?;
        Ok((applied, reached, wait))
    })?;
    let mut out = print::stdout();
    let printed = Printed::new(&applied.plan, applied.revision, &settings);
    if args.target.json {
        out.json(&Taken { printed, gateway: reached_json(&reached) })?;
    } else {
        printed.steps(&mut out)?;
        print(&mut out, &applied, &reached)?;
    }
    if let Reached::Late { admin, said } = reached {
        let seconds = wait.as_secs();
        anyhow::bail!(
            "the change is made, but the gateway at {admin} did not take it within {seconds} s ({said}); look at its log"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What was done, as `--json` prints it.
#[derive(Serialize)]
struct Taken<'a> {
    #[serde(flatten)]
    printed: Printed<'a>,
    gateway: Value,
}

async fn apply(settings: &Settings, document: &ConfigFile, prune: bool) -> anyhow::Result<Applied> {
    let store = visit(settings, true).await?;
    let applied = config::apply(&*store, document, &environment, prune).await.map_err(told);
    store.close().await?;
    applied
}

fn print(out: &mut Printer, applied: &Applied, reached: &Reached) -> io::Result<()> {
    let Applied { plan, revision } = applied;
    writeln!(
        out,
        "{} created, {} changed, {} removed, {} unchanged; provisioning is at revision {revision}",
        plan.count(PlanAction::Create),
        plan.count(PlanAction::Change),
        plan.count(PlanAction::Remove),
        plan.count(PlanAction::Keep)
    )?;
    match reached {
        Reached::Taken { admin } if plan.changes.is_empty() => writeln!(out, "the gateway at {admin} has it"),
        Reached::Taken { admin } => writeln!(out, "the gateway at {admin} took it"),
        Reached::NotRunning => writeln!(out, "no gateway is running on this store; its next start has it"),
        Reached::Gone { file } => writeln!(
            out,
            "no gateway is running on this store; its next start has it ({} is left over from one that was killed)",
            file.display()
        ),
        // Told as an error.
        Reached::Late { .. } => Ok(()),
    }
}

fn reached_json(reached: &Reached) -> Value {
    match reached {
        Reached::NotRunning | Reached::Gone { .. } => json!({"running": false}),
        Reached::Taken { admin } => json!({"running": true, "admin": admin, "taken": true}),
        Reached::Late { admin, .. } => json!({"running": true, "admin": admin, "taken": false}),
    }
}
