//! `posthouse apply`: brings provisioning to what a file says.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use posthouse_core::store::Store as _;
use posthouse_gateway::config::{self, Applied, Document, Settings, plan::Action};
use serde_json::{Value, json};

use super::{
    plan::{Target, environment, to_json, told, visit},
    wait_for,
};
use crate::running::{Reached, reach};

/// How long a change may take to reach a running gateway, which looks several times a second.
const WAIT: Duration = Duration::from_secs(2);

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
    let (applied, reached) = wait_for(async {
        let applied = apply(&settings, &document, args.target.prune).await?;
        let reached = reach(&settings, applied.revision, WAIT).await?;
        Ok((applied, reached))
    })?;
    let mut out = io::stdout().lock();
    if args.target.json {
        let mut printed = to_json(&applied.plan, applied.revision);
        printed["gateway"] = reached_json(&reached);
        writeln!(out, "{printed}")?;
    } else {
        print(&mut out, &applied, &reached)?;
    }
    if let Reached::Late { admin, said } = reached {
        anyhow::bail!(
            "the change is made, but the gateway at {admin} did not take it within 2 s ({said}); look at its log"
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn apply(settings: &Settings, document: &Document, prune: bool) -> anyhow::Result<Applied> {
    let store = visit(settings, true).await?;
    let applied = config::apply(&store, document, &environment, prune).await.map_err(told);
    store.close().await?;
    applied
}

fn print(out: &mut impl Write, applied: &Applied, reached: &Reached) -> io::Result<()> {
    let Applied { plan, revision } = applied;
    for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
        writeln!(out, "{step}")?;
    }
    writeln!(
        out,
        "{} created, {} changed, {} removed, {} unchanged; provisioning is at revision {revision}",
        plan.count(Action::Create),
        plan.count(Action::Change),
        plan.count(Action::Remove),
        plan.count(Action::Keep)
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
