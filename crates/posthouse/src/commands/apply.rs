//! `posthouse apply`: brings provisioning to what a file says.

use std::{io, process::ExitCode, time::Duration};

use jiff::Timestamp;
use posthouse_api::ProvisioningPlan;
use posthouse_gateway::{
    admin::provisioning::shown,
    config::{self, Applied, ApplyMode, ConfigFile, Settings},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::plan::{Asked, Planned, by_gateway, plan, print_steps};
use crate::{
    complaints::complain,
    confirm::{confirm, is_attended},
    print::{self, Printer},
    running::{Reached, reach, reach_at, reach_others},
    target::{GatewayAddress, Target, environment, told, visit},
    wait::wait_for,
    who::at_the_files,
};

/// How long a change may take to reach a running gateway, which looks several times a second.
const WAIT: Duration = Duration::from_secs(2);
/// And how much longer for each thing that is provisioned, all of which it reads anew.
const WAIT_FOR_EACH: Duration = Duration::from_micros(50);

/// The exit code of what was refused, so that nothing was done.
const REFUSED: u8 = 2;

/// The arguments of `posthouse apply`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse apply provisioning.toml
  posthouse apply provisioning.toml -c /etc/posthouse.toml --prune
  posthouse apply provisioning.toml --url http://gateway.example:8080
  posthouse apply change.toml --partial --expect-revision 12
  posthouse apply provisioning.toml --create      (before the gateway ever ran, without -c)

What the file names becomes exactly what it says: an account with all its services, a carrier with all its connections. \
What it does not name stays, unless --prune removes it. All of it is done, or nothing. A gateway that runs on the store \
takes it without a restart, and is waited for; so are all others that serve a PostgreSQL store. With --url it is sent to the gateway there, with what the files hold that it names. \
`posthouse plan` shows the changes without making them.

What would end accounts, carriers, connections, services, keys and passwords, or where callbacks go, is asked about on a terminal, and \
is refused elsewhere unless --allow-removals says that it may (exit code 2, nothing is changed). Every change can be taken back: \
`posthouse provisioning rollback`.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Make a new store where there is none; -c says so, too: it names the store that is meant
    #[arg(long)]
    create: bool,
    /// Let it end accounts, carriers, connections, services, credentials, and where callbacks go
    #[arg(long)]
    allow_removals: bool,
    /// Do not ask: what would be asked about is refused
    #[arg(long, short)]
    yes: bool,
}

impl Args {
    /// Whether a store may be made. A command in the wrong folder makes none; a configuration that is named says which store is meant.
    const fn may_create(&self) -> bool {
        self.create || self.target.config.is_some()
    }
}

/// Makes the changes and waits for the gateway, if one runs.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (settings, document) = args.target.read()?;
    let mut out = print::stdout();
    if !args.target.json {
        args.target.name_store(&settings, &mut out)?;
    }
    let done = wait_for(async {
        let Some(mode) = allowed(args, &settings, &document, &mut out).await? else { return Ok(None) };
        let applied = apply(args, &settings, &document, mode).await?;
        let (reached, wait) = reached(&args.target.gateway, &settings, &applied).await?;
        Ok(Some((applied, reached, wait)))
    })?;
    let Some((applied, reached, wait)) = done else { return Ok(ExitCode::from(REFUSED)) };
    if args.target.json {
        out.json(&TakenChanges { applied, gateway: reached_json(&reached) })?;
    } else {
        print_steps(&applied, &mut out)?;
        print(&mut out, &applied, &reached)?;
    }
    in_time(&reached, wait)?;
    Ok(ExitCode::SUCCESS)
}

/// A change that a gateway did not take in time is an error.
pub(super) fn in_time(reached: &Reached, wait: Duration) -> anyhow::Result<()> {
    if let Reached::Late { admin, said } = reached {
        let seconds = wait.as_secs();
        anyhow::bail!(
            "the change is made, but the gateway at {admin} did not take it within {seconds} s ({said}); look at its log"
        );
    }
    Ok(())
}

/// What was done, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct TakenChanges {
    #[serde(flatten)]
    pub applied: ProvisioningPlan,
    pub gateway: Value,
}

/// How it may be done: at which revision, if at one, and whether something may end by it. What keeps it from being done is told.
async fn allowed(
    args: &Args,
    settings: &Settings,
    document: &ConfigFile,
    out: &mut Printer,
) -> anyhow::Result<Option<ApplyMode>> {
    let Planned { plan, has_store } = plan(&args.target, settings, document).await?;
    if !has_store && !args.may_create() {
        let path = settings.store.shown();
        complain(&anyhow::anyhow!(
            "there is no store at {path}; -c says which configuration names it, `posthouse serve` makes it, and so does --create"
        ));
        return Ok(None);
    }
    let mode = ApplyMode { allow_removals: args.allow_removals, ..args.target.mode() };
    if plan.losses.is_empty() || args.allow_removals {
        return Ok(Some(mode));
    }
    if args.yes || args.target.json || !is_attended() {
        let lost = plan.losses.join(", ");
        complain(&anyhow::anyhow!("this would end {lost}; nothing was changed: --allow-removals lets it"));
        return Ok(None);
    }
    print_steps(&plan, out)?;
    plan.losses.iter().try_for_each(|lost| writeln!(out, "this ends: {lost}"))?;
    if !confirm("go on?")? {
        complain(&anyhow::anyhow!("nothing was changed"));
        return Ok(None);
    }
    // What was shown is what is done.
    Ok(Some(ApplyMode { expected: mode.expected.or(Some(plan.revision)), allow_removals: true, ..mode }))
}

async fn apply(
    args: &Args,
    settings: &Settings,
    document: &ConfigFile,
    mode: ApplyMode,
) -> anyhow::Result<ProvisioningPlan> {
    let target = &args.target;
    if let Some(applied) = by_gateway(target, settings, document, mode, Asked::Apply).await? {
        return Ok(applied);
    }
    let store = visit(settings, args.may_create()).await?;
    let by = at_the_files(&target.gateway);
    let applied =
        config::apply_in(&*store, document, &environment, mode, &by, Timestamp::now()).await.map_err(told);
    store.close().await?;
    let Applied { plan, revision } = applied?;
    Ok(shown(&plan, revision, settings.carriers.listen))
}

/// Whether the gateway took it, which is waited for; and how long was to be waited.
pub(super) async fn reached(
    gateway: &GatewayAddress,
    settings: &Settings,
    applied: &ProvisioningPlan,
) -> anyhow::Result<(Reached, Duration)> {
    let things = u32::try_from(applied.steps.len()).unwrap_or(u32::MAX);
    let wait = WAIT.saturating_add(WAIT_FOR_EACH.saturating_mul(things));
    let revision = applied.revision;
    let Some(url) = &gateway.url else {
        let reached = reach(settings, revision, wait).await?;
        if matches!(reached, Reached::Late { .. }) {
            return Ok((reached, wait));
        }
        return Ok((reach_others(settings, revision, wait).await?.unwrap_or(reached), wait));
    };
    let reached = reach_at(url.clone(), settings.admin.tls.as_ref(), revision, wait).await;
    let gone = || Reached::Late { admin: url.clone(), said: "it cannot be reached any more".to_owned() };
    Ok((reached.unwrap_or_else(gone), wait))
}

pub(super) fn print(out: &mut Printer, applied: &ProvisioningPlan, reached: &Reached) -> io::Result<()> {
    let ProvisioningPlan { create, change, remove, keep, revision, .. } = applied;
    let changes_nothing = create + change + remove == 0;
    writeln!(
        out,
        "{create} created, {change} changed, {remove} removed, {keep} unchanged; provisioning is at revision {revision}"
    )?;
    match reached {
        Reached::Taken { admin } if changes_nothing => writeln!(out, "the gateway at {admin} has it"),
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

pub(super) fn reached_json(reached: &Reached) -> Value {
    match reached {
        Reached::NotRunning | Reached::Gone { .. } => json!({"running": false}),
        Reached::Taken { admin } => json!({"running": true, "admin": admin, "taken": true}),
        Reached::Late { admin, .. } => json!({"running": true, "admin": admin, "taken": false}),
    }
}
