//! `posthouse plan`: shows what `posthouse apply` would change.

use std::{io, process::ExitCode};

use posthouse_api::{ApiClient, ApiError, ProblemCode, ProvisioningPlan};
use posthouse_core::{
    mistake::Mistake,
    provisioning::{Ground, Provisioning},
};
use posthouse_gateway::{
    admin::provisioning::shown,
    config::{self, Applied, ApplyMode, ConfigErrors, ConfigFile, ConfigMistake, Settings},
};
use posthouse_store::OpenError;

use crate::{
    enclosed::{Enclosed, enclose},
    print::{self, Printer},
    running,
    target::{Target, environment, told, visit},
    wait::wait_for,
};

/// The arguments of `posthouse plan`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse plan provisioning.toml
  posthouse plan provisioning.toml -c /etc/posthouse.toml --prune
  posthouse plan change.toml --partial
  generate | posthouse plan -

Nothing is changed. The first line says which store is meant, and whether there is one. Of more than a thousand steps of one kind the first thousand are shown; --json prints all. What is no mistake \
and somebody should know is a line that begins with `warning:`. The exit code is 0 unless the file has mistakes, which are told \
all at once.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
}

/// Prints what would change.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (settings, document) = args.target.read()?;
    let mut out = print::stdout();
    if !args.target.json {
        args.target.name_store(&settings, &mut out)?;
    }
    let Planned { plan, has_store } = wait_for(plan(&args.target, &settings, &document))?;
    if args.target.json {
        out.json(&plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !has_store {
        writeln!(out, "there is no such store: `posthouse apply --create` would make it")?;
    }
    print_steps(&plan, &mut out)?;
    plan.losses.iter().try_for_each(|lost| writeln!(out, "this ends: {lost}"))?;
    writeln!(out, "{}", plan.summary())?;
    Ok(ExitCode::SUCCESS)
}

/// What would change.
pub struct Planned {
    /// The plan.
    pub plan: ProvisioningPlan,
    /// Whether there is a store; if not, the plan is for an empty one.
    pub has_store: bool,
}

/// Plans what a file would change.
///
/// # Errors
/// The file's mistakes, or what the gateway or the store says.
pub async fn plan(target: &Target, settings: &Settings, document: &ConfigFile) -> anyhow::Result<Planned> {
    if let Some(plan) = by_gateway(target, settings, document, target.mode(), Asked::Plan).await? {
        return Ok(Planned { plan, has_store: true });
    }
    let (Applied { plan, revision }, has_store) = match visit(settings, false).await {
        // What is not there is not made for a look: all that the file names would be created.
        Err(OpenError::Missing(_) | OpenError::Absent(_)) => {
            (plan_without_store(document, target.mode())?, false)
        }
        opened => {
            let store = opened?;
            let planned = config::prepare(&*store, document, &environment, target.mode()).await.map_err(told);
            store.close().await?;
            (planned?, true)
        }
    };
    Ok(Planned { plan: shown(&plan, revision, settings.carriers.listen), has_store })
}

fn plan_without_store(document: &ConfigFile, mode: ApplyMode) -> anyhow::Result<Applied> {
    let current = Provisioning::default();
    let ApplyMode { prune, partial, .. } = mode;
    // No hash under this key leaves this function: a plan shows none.
    let ground = Ground { current: &current, prune };
    let declared = config::declared_in(document, &environment, &[0; 32], ground, partial)?;
    Ok(Applied { plan: config::plan(&declared, &current), revision: current.revision })
}

/// What a gateway is asked to do with a file.
#[derive(Clone, Copy)]
pub enum Asked {
    /// To say what it would change.
    Plan,
    /// To change it.
    Apply,
}

/// What a gateway says to a file: the one at the URL that was given, or the one that runs on the store. `None` where the store itself
/// has to be asked.
///
/// # Errors
/// The file's mistakes, what the gateway says, or that a file cannot be sent to a gateway which was named by its URL.
pub async fn by_gateway(
    target: &Target,
    settings: &Settings,
    document: &ConfigFile,
    mode: ApplyMode,
    asked: Asked,
) -> anyhow::Result<Option<ProvisioningPlan>> {
    let (api, is_named) = match &target.gateway.url {
        Some(url) => (running::api_at(url, settings, &target.gateway)?, true),
        None => match running::api(settings, &target.gateway).await? {
            Some(api) => (api, false),
            None => return Ok(None),
        },
    };
    let Some(Enclosed { mut request, is_verbatim }) = enclose(document, target.prune) else {
        anyhow::ensure!(
            !is_named,
            "{} cannot be sent to a gateway: it is too long, or names a file that cannot be read; write in what it names",
            document.file
        );
        return Ok(None);
    };
    (request.partial, request.expect_revision) = (target.partial, mode.expected);
    request.allow_removals = mode.allow_removals;
    let planned = match asked {
        Asked::Plan => api.plan(&request).await,
        Asked::Apply => api.apply(&request).await,
    };
    match planned {
        Ok(planned) => Ok(Some(planned)),
        Err(ApiError::Refused(problem)) if problem.is(ProblemCode::InvalidDocument) => {
            // The file was changed on the way, and its mistakes may name what it does not say.
            if !is_verbatim && !is_named {
                return Ok(None);
            }
            let mistakes = problem.errors.iter().map(|error| ConfigMistake {
                file: document.file.clone(),
                line: error.line,
                what: Mistake { problem: error.detail.clone(), remedy: error.remedy.clone() },
            });
            Err(ConfigErrors { mistakes: mistakes.collect() }.into())
        }
        Err(ApiError::Refused(problem)) => Err(anyhow::Error::new(*problem)),
        Err(error) => Err(unanswered(&api, error)),
    }
}

fn unanswered(api: &ApiClient, error: ApiError) -> anyhow::Error {
    let what = format!("the gateway at {} did not say what came of it", api.url());
    anyhow::Error::new(error).context(what)
}

/// Prints the steps that change something, and the warnings.
pub fn print_steps(plan: &ProvisioningPlan, out: &mut Printer) -> io::Result<()> {
    plan.lines().iter().try_for_each(|line| writeln!(out, "{line}"))?;
    plan.warnings.iter().try_for_each(|warning| writeln!(out, "warning: {warning}"))
}
