//! `posthouse serve`: runs the gateway.

use std::{io, num::NonZero, path::PathBuf, process::ExitCode, sync::Arc, thread::available_parallelism};

use anyhow::{Context, bail};
use posthouse_gateway::{
    app::{App, Components},
    config::Settings,
    telemetry::levels::LogLevels,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

use crate::{logs, print, supervisor, target::settings_of, wait::StopSignals};

/// The arguments of `posthouse serve`.
#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse serve -c /etc/posthouse.toml

The first line on stdout is one JSON object that says where the gateway listens, printed once everything is open and \
recovery is done.

Logs go to stderr. POSTHOUSE_LOG sets what is logged (default: info), for example POSTHOUSE_LOG=warn or \
POSTHOUSE_LOG=posthouse_gateway=debug,info. The gateway never waits for whoever reads them: what is not read in time is dropped and counted.

SIGTERM or Ctrl-C stops it: /readyz says 503, after [shutdown] grace the doors close, what is under way is finished, the rest is kept for the next \
start. A second one ends the grace, and one more does not wait at all. SIGHUP reads the configuration again: [retention], [shutdown] and [log] count at \
once, the log says which other keys need a restart; certificates and ported numbers are followed anyway. SIGUSR1 does nothing.")]
pub struct Args {
    /// The configuration; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml; where there is none of these, everything is under
    /// ./posthouse-data and on 127.0.0.1
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the effective configuration with comments, and exit
    #[arg(long)]
    print_config: bool,
    /// How logs are written
    #[arg(long, value_enum, default_value_t = logs::LogFormat::Text, value_name = "FORMAT")]
    log_format: logs::LogFormat,
}

/// Runs the gateway until it is told to stop.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = settings_of(args.config.as_deref())?;
    if args.print_config {
        print::stdout().text(&settings.print())?;
        return Ok(ExitCode::SUCCESS);
    }
    logs::init(args.log_format, &settings.log.level)?;
    open_many_files();
    let cores = available_parallelism().map_or(1, NonZero::get);
    runtime(cores).context("the asynchronous runtime cannot be started")?.block_on(serve(args, &settings))?;
    Ok(ExitCode::SUCCESS)
}

/// The threads that serve connections: as many as there are cores, less one for the store's writer, which is busy whenever they are.
/// Threads that outnumber the cores cost a message a tenth of its CPU time, in wake-ups and in work that moves between them
/// (docs/performance.md). Where one is left it is this thread itself, which then needs no other to wake it.
fn runtime(cores: usize) -> io::Result<tokio::runtime::Runtime> {
    match cores.saturating_sub(1) {
        0 | 1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        workers => tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build(),
    }
}

/// Lets this process open as many files as it is allowed to: each connection is one, and what processes get unasked is few.
fn open_many_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "as many files as before can be open, and so as many connections");
    }
}

async fn serve(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let mut stop = StopSignals::expect()?;
    let mut others = OtherSignals::expect()?;
    let in_force = logs::in_force(&settings.log.level);
    let log_levels = Arc::new(LogLevels::new(in_force, Box::new(logs::change_levels)));
    let components = Components { log_levels: Some(Arc::clone(&log_levels)), ..Components::default() };
    let app = tokio::select! {
        started = App::start(settings, components) => started?,
        // Nothing is under way yet.
        () = stop.asked() => return Ok(()),
    };
    print_ready(&app).context("the ready line cannot be printed on stdout")?;
    supervisor::tell(supervisor::READY);
    let outdated = loop {
        tokio::select! {
            () = stop.asked() => break None,
            why = app.outdated() => {
                tracing::error!(why, "this node leaves: it takes nothing any more, and what is under way is finished");
                break Some(why);
            }
            _ = others.hangup.recv() => reload(args, &app, &log_levels),
            _ = others.user.recv() => tracing::info!("SIGUSR1 does nothing; SIGHUP reads the configuration again"),
        }
    };
    supervisor::tell(supervisor::STOPPING);
    let grace = app.announce_stop();
    if !grace.is_zero() {
        tracing::info!(
            "stopping: /readyz says 503, and the doors close in {grace:?}; another signal closes them at once"
        );
        tokio::select! {
            () = sleep(grace) => {}
            () = stop.asked() => {}
        }
    }
    tokio::select! {
        stopped = app.stop() => stopped.context("the store did not close; what was acknowledged is safe")?,
        () = stop.asked() => bail!("stopped by another signal, without waiting for what was under way"),
    }
    match outdated {
        Some(why) => bail!(why),
        None => Ok(()),
    }
}

/// Signals that do not stop the gateway. From when they are expected on, they do not end the process.
struct OtherSignals {
    hangup: Signal,
    user: Signal,
}

impl OtherSignals {
    fn expect() -> anyhow::Result<Self> {
        let expect = |kind| signal(kind).context("signals cannot be waited for");
        Ok(Self { hangup: expect(SignalKind::hangup())?, user: expect(SignalKind::user_defined1())? })
    }
}

/// Reads the configuration again. One that is broken changes nothing.
fn reload(args: &Args, app: &App, log_levels: &LogLevels) {
    let settings = match settings_of(args.config.as_deref()) {
        Ok(settings) => settings,
        Err(mistakes) => {
            for mistake in &mistakes.mistakes {
                tracing::error!(%mistake, "the configuration cannot be read again; nothing was changed");
            }
            return;
        }
    };
    let late = app.reload(&settings);
    logs::set_levels(&settings.log.level);
    log_levels.note(&logs::in_force(&settings.log.level));
    tracing::info!("the configuration was read again");
    if !late.is_empty() {
        let keys = late.join(", ");
        tracing::warn!(keys, "these keys differ and count after a restart only");
    }
}

fn print_ready(app: &App) -> io::Result<()> {
    // One line, and JSON as it is.
    print::stdout().text(&format!("{}\n", app.ready().line()))
}
