//! `posthouse demo`: the whole job in one command, over real HTTP, with nothing to set up.

mod json;
mod lives;
mod stage;
mod text;
mod watch;

use std::{
    io,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
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
Examples:
  posthouse demo --stay
  posthouse demo --json | jq '.lives[] | {title, message_id: .message.message_id, state: .message.state}'

Starts a gateway on a temporary folder, two simulated carriers and a VASP, all on free ports of this machine; submits \
one MMS for each kind of life a message can have, prints what happens to it, and checks it. Exits with 0 only when every \
message ended as it should and every report reached the VASP. Leaves nothing behind. POSTHOUSE_LOG=info shows the \
gateway's log beside it.

With --json it prints one object once all lives have ended: of each what `posthouse send --json` and `posthouse messages show --json` \
print. With --stay beside it, `running` in that object says where everything is and has the tokens; it is printed before the wait for Ctrl-C.")]
pub struct Args {
    /// Keep everything running afterwards, for looking round; Ctrl-C ends it
    #[arg(long)]
    stay: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// A life, and how it ended.
struct Played {
    number: usize,
    life: Life,
    ending: LifeEnd,
}

/// Runs the demo.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if std::env::var_os(logs::VARIABLE).is_some() {
        logs::init(logs::LogFormat::Text, "info")?;
    }
    wait_for(perform(args))
}

async fn perform(args: &Args) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let stage = Arc::new(Stage::set().await?);
    let as_text = !args.json;
    if as_text {
        text::introduce(&stage)?;
    }
    let played = play(&stage, began, |played| if as_text { text::life(played) } else { Ok(()) }).await?;
    let failures = failures(&played);
    let took = began.elapsed();
    if as_text {
        text::conclude(&stage, &failures, took)?;
    }
    let mut stop = args.stay.then(StopSignals::expect).transpose()?;
    let invitation = if args.stay { Some(Invitation::to(&stage).await?) } else { None };
    match &invitation {
        _ if args.json => {
            print::stdout().json(&json::document(&stage, &played, invitation.as_ref(), took).await?)?;
        }
        Some(invitation) => text::invite(&stage, invitation)?,
        None => {}
    }
    if let Some(stop) = &mut stop {
        stop.asked().await;
    }
    let stage = Arc::into_inner(stage).context("a life is still being watched")?;
    stage.clear().await?;
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays every life at once, and tells of each as it ends. All of them come back, in their order.
async fn play(
    stage: &Arc<Stage>,
    began: Instant,
    mut tell: impl FnMut(&Played) -> io::Result<()>,
) -> anyhow::Result<Vec<Played>> {
    let mut playing = JoinSet::new();
    for (number, life) in (1..).zip(lives()) {
        let stage = Arc::clone(stage);
        playing.spawn(async move {
            let ending = timeout(AT_MOST, follow(&stage, &life, began)).await;
            (number, life, ending)
        });
    }
    let mut all = Vec::new();
    while let Some(played) = playing.join_next().await {
        let (number, life, ending) = played?;
        let ending = match ending {
            Ok(ending) => ending?,
            Err(_) => LifeEnd::unfinished(AT_MOST),
        };
        let played = Played { number, life, ending };
        tell(&played)?;
        all.push(played);
    }
    all.sort_by_key(|played| played.number);
    Ok(all)
}

/// What went wrong, of all lives.
fn failures(played: &[Played]) -> Vec<String> {
    let of = |Played { number, life, ending }: &Played| {
        let told = |failure| format!("{number} {}: {failure}", life.title);
        ending.failures.iter().map(told).collect::<Vec<_>>()
    };
    played.iter().flat_map(of).collect()
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
