//! `posthouse demo`: the whole job in one command, over real HTTP, with nothing to set up.

mod lives;
mod stage;
mod watch;

use std::{
    io,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use posthouse_core::counted::counted;
use tokio::{task::JoinSet, time::timeout};

use self::{
    lives::{Life, lives},
    stage::Stage,
    watch::{LifeEnd, follow},
};
use crate::{
    logs, print,
    wait::{StopSignals, wait_for},
};

/// How long all lives together may take.
const AT_MOST: Duration = Duration::from_secs(28);

/// The arguments of `posthouse demo`.
#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse demo --stay

Starts a gateway on a temporary folder, two simulated carriers and a VASP, all on free ports of this machine; submits \
one MMS for each kind of life a message can have, prints what happens to it, and checks it. Exits with 0 only when every \
message ended as it should and every report reached the VASP. Leaves nothing behind. POSTHOUSE_LOG=info shows the \
gateway's log beside it.")]
pub struct Args {
    /// Keep everything running afterwards, for looking round; Ctrl-C ends it
    #[arg(long)]
    stay: bool,
}

/// Runs the demo.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if std::env::var_os(logs::VARIABLE).is_some() {
        logs::init(logs::LogFormat::Text, "info")?;
    }
    wait_for(perform(args.stay))
}

async fn perform(stay: bool) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let stage = Arc::new(Stage::set().await?);
    introduce(&stage)?;
    let failures = play(&stage, began).await?;
    conclude(&stage, &failures, began)?;
    if stay {
        let mut stop = StopSignals::expect()?;
        invite(&stage, &Invitation::to(&stage).await?)?;
        stop.asked().await;
    }
    let stage = Arc::into_inner(stage).context("a life is still being watched")?;
    stage.clear().await?;
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays every life at once, and prints each as it ends. What went wrong comes back.
async fn play(stage: &Arc<Stage>, began: Instant) -> anyhow::Result<Vec<String>> {
    let mut playing = JoinSet::new();
    for (number, life) in lives().into_iter().enumerate() {
        let stage = Arc::clone(stage);
        playing.spawn(async move {
            let ending = timeout(AT_MOST, follow(&stage, &life, began)).await;
            (number + 1, life, ending)
        });
    }
    let mut failures = Vec::new();
    while let Some(played) = playing.join_next().await {
        let (number, life, ending) = played?;
        let ending = match ending {
            Ok(ending) => ending?,
            Err(_) => LifeEnd::unfinished(AT_MOST),
        };
        print_life(number, &life, &ending)?;
        failures.extend(ending.failures.iter().map(|failure| format!("{number} {}: {failure}", life.title)));
    }
    Ok(failures)
}

fn introduce(stage: &Stage) -> io::Result<()> {
    let mut out = print::stdout();
    writeln!(out, "Posthouse demo: one gateway, two carriers, one VASP, on this machine.")?;
    writeln!(out, "  gateway  {}", stage.gateway().mm7)?;
    for (id, url) in stage.carriers() {
        writeln!(out, "  carrier  {url}  ({id})")?;
    }
    writeln!(out, "  VASP     {}", stage.vasp_url())?;
    writeln!(out)?;
    writeln!(out, "Each message is a JPEG, a text and a SMIL. Its life is printed when it ends.")?;
    writeln!(out)
}

fn print_life(number: usize, life: &Life, ending: &LifeEnd) -> io::Result<()> {
    let mut out = print::stdout();
    let verdict = if ending.failures.is_empty() { "ok" } else { "FAILED" };
    writeln!(out, "{number:>2}  {}  [{verdict}]", life.title)?;
    for line in &ending.lines {
        let said = format!("{:>6.3} s  {:<15} {}", line.after.as_secs_f64(), line.what, line.detail);
        writeln!(out, "      {}", said.trim_end())?;
    }
    for failure in &ending.failures {
        writeln!(out, "      !! {failure}")?;
    }
    writeln!(out)
}

fn conclude(stage: &Stage, failures: &[String], began: Instant) -> io::Result<()> {
    let mut out = print::stdout();
    let seconds = began.elapsed().as_secs_f64();
    let (submits, reports) = (stage.submits_at_carriers(), stage.reports_at_vasp());
    writeln!(
        out,
        "{submits} SubmitReq reached the carriers, {} reached the VASP, in {seconds:.1} s.",
        counted(reports, "report")
    )?;
    if failures.is_empty() {
        return writeln!(out, "Every message ended as it should, and every report reached the VASP.");
    }
    writeln!(out, "{} went wrong:", failures.len())?;
    failures.iter().try_for_each(|failure| writeln!(out, "  {failure}"))
}

/// The tokens of those who look round.
struct Invitation {
    operator: String,
    vasp: String,
}

impl Invitation {
    async fn to(stage: &Stage) -> anyhow::Result<Self> {
        Ok(Self {
            operator: stage.token("operator", "admin").await?,
            vasp: stage.token("acme-dev", "vasp:acme").await?,
        })
    }
}

fn invite(stage: &Stage, tokens: &Invitation) -> io::Result<()> {
    let mut out = print::stdout();
    let ready = stage.gateway();
    writeln!(out)?;
    writeln!(out, "Everything stays up till Ctrl-C. To look round, open")?;
    writeln!(out, "  {}", ready.admin)?;
    writeln!(out, "and sign in, as an operator with the token")?;
    writeln!(out, "  {}", tokens.operator)?;
    writeln!(out, "or as the VASP acme, which sees its own alone, with")?;
    writeln!(out, "  {}", tokens.vasp)?;
    writeln!(out, "From a terminal:")?;
    writeln!(
        out,
        "  posthouse send --url {} {} --to 16175559004 --text Hello",
        ready.mm7,
        stage::SEND_ARGUMENTS
    )?;
    writeln!(out, "  posthouse messages list --url {} --token {}", ready.admin, tokens.operator)?;
    writeln!(out, "  curl {}/metrics", ready.admin)?;
    for (_, url) in stage.carriers() {
        writeln!(out, "  curl {}/sim/messages", url.trim_end_matches("/mm7"))?;
    }
    Ok(())
}
