//! `posthouse serve`: runs the gateway.

use std::{io, num::NonZero, path::PathBuf, process::ExitCode, thread::available_parallelism};

use anyhow::{Context, bail};
use posthouse_gateway::{
    app::{App, Components},
    config::Settings,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::StopSignals;
use crate::{logs, print};

/// The arguments of `posthouse serve`.
#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse serve -c /etc/posthouse.toml

The first line on stdout is one JSON object that says where the gateway listens, printed once everything is open and \
recovery is done.

Logs go to stderr. POSTHOUSE_LOG sets what is logged (default: info), for example POSTHOUSE_LOG=warn or \
POSTHOUSE_LOG=posthouse_gateway=debug,info. The gateway never waits for whoever reads them: what is not read in time is dropped and counted.

SIGTERM or Ctrl-C stops it: what is under way is finished, the rest is kept for the next start. A second one does not \
wait.")]
pub struct Args {
    /// The configuration; without one, everything is under ./posthouse-data and on 127.0.0.1
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
    let settings = Settings::load(args.config.as_deref(), &|name| std::env::var(name).ok())?;
    if args.print_config {
        print::stdout().text(&settings.print())?;
        return Ok(ExitCode::SUCCESS);
    }
    logs::init(args.log_format)?;
    open_many_files();
    let cores = available_parallelism().map_or(1, NonZero::get);
    runtime(cores).context("the asynchronous runtime cannot be started")?.block_on(serve(&settings))?;
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

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let mut stop = StopSignals::expect()?;
    let app = tokio::select! {
        started = App::start(settings, Components::default()) => started?,
        // Nothing is under way yet.
        () = stop.asked() => return Ok(()),
    };
    print_ready(&app).context("the ready line cannot be printed on stdout")?;
    stop.asked().await;
    tokio::select! {
        stopped = app.stop() => stopped.context("the store did not close; what was acknowledged is safe"),
        () = stop.asked() => bail!("stopped at the second signal, without waiting for what was under way"),
    }
}

fn print_ready(app: &App) -> io::Result<()> {
    // One line, and JSON as it is.
    print::stdout().text(&format!("{}\n", app.ready().line()))
}
