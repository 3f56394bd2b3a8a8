//! `posthouse plan`: shows what `posthouse apply` would change.

use std::{io, process::ExitCode};

use posthouse_core::provisioning::Provisioning;
use posthouse_gateway::{
    carrier::open,
    config::{
        self, Applied, ConfigFile, Declared, Ground, Settings,
        plan::{Plan, PlanAction, PlanStep},
    },
};
use posthouse_store::OpenError;
use serde::Serialize;

use super::wait_for;
use crate::{
    print::{self, Printer},
    target::{Target, environment, told, visit},
};

/// The arguments of `posthouse plan`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse plan provisioning.toml
  posthouse plan provisioning.toml -c /etc/posthouse.toml --prune

Nothing is changed. Of more than a thousand steps of one kind the first thousand are shown; --json prints all. What is no mistake \
and somebody should know is a line that begins with `warning:`. The exit code is 0 unless the file has mistakes, which are told \
all at once.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
}

/// Prints what would change.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (settings, document) = args.target.read()?;
    let Applied { plan, revision } = wait_for(plan(&settings, &document, args.target.prune))?;
    let mut out = print::stdout();
    let printed = Printed::new(&plan, revision, &settings);
    if args.target.json {
        out.json(&printed)?;
    } else {
        printed.steps(&mut out)?;
        writeln!(out, "{}", plan.summary())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn plan(settings: &Settings, document: &ConfigFile, prune: bool) -> anyhow::Result<Applied> {
    let store = match visit(settings, false).await {
        // What is not there is not made for a look: all that the file names would be created.
        Err(OpenError::Missing(_)) => return plan_without_store(document, prune),
        opened => opened?,
    };
    let planned = config::prepare(&*store, document, &environment, prune).await.map_err(told);
    store.close().await?;
    planned
}

fn plan_without_store(document: &ConfigFile, prune: bool) -> anyhow::Result<Applied> {
    let current = Provisioning::default();
    // No hash under this key leaves this function: a plan shows none.
    let declared =
        Declared::parse(document, &environment, Ground { current: &current, key: &[0; 32], prune })?;
    Ok(Applied { plan: config::plan(&declared, &current), revision: current.revision })
}

/// A plan as it is printed, with the revision of provisioning; it serializes as `--json` prints it.
#[derive(Serialize)]
pub struct Printed<'a> {
    revision: u64,
    create: usize,
    change: usize,
    remove: usize,
    keep: usize,
    steps: &'a [PlanStep],
    /// What is not wrong, and what somebody should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip)]
    plan: &'a Plan,
}

impl<'a> Printed<'a> {
    /// A plan for the store of these settings.
    pub fn new(plan: &'a Plan, revision: u64, settings: &Settings) -> Self {
        Self {
            revision,
            create: plan.count(PlanAction::Create),
            change: plan.count(PlanAction::Change),
            remove: plan.count(PlanAction::Remove),
            keep: plan.count(PlanAction::Keep),
            steps: &plan.steps,
            warnings: open::warnings(settings.carriers.listen, &plan.open_carriers),
            plan,
        }
    }

    /// Prints the steps that change something, and the warnings.
    pub fn steps(&self, out: &mut Printer) -> io::Result<()> {
        self.plan.lines().iter().try_for_each(|line| writeln!(out, "{line}"))?;
        self.warnings.iter().try_for_each(|warning| writeln!(out, "warning: {warning}"))
    }
}
