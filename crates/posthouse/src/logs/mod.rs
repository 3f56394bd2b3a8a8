//! Logs, on stderr. Logging never blocks its caller: see [`lines`].

mod fields;
mod json;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io, panic,
    sync::OnceLock,
    thread,
};

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use posthouse_core::shown::Shown;
use posthouse_gateway::{
    config::settings::check_levels,
    telemetry::lines::{self, Lines},
};
use serde_json::json;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, reload, util::SubscriberInitExt};

use crate::print;

/// The environment variable that says what is logged.
pub const VARIABLE: &str = "POSTHOUSE_LOG";

/// How logs are written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Starts logging, at the levels that `POSTHOUSE_LOG` says, and where it is not set, these. Panics are logged as well.
///
/// # Errors
/// The variable cannot be read, or logging was started before.
pub fn init(format: LogFormat, configured: &str) -> anyhow::Result<()> {
    let levels = levels(configured)?;
    let lost = match format {
        LogFormat::Text => lost_text,
        LogFormat::Json => lost_json,
    };
    let lines = lines::start(lost).context("logging cannot be started")?;
    let layer = tracing_subscriber::fmt::layer().with_writer(move || Handover(lines));
    let layer = match format {
        LogFormat::Text => {
            layer.with_ansi(print::stderr().is_terminal()).fmt_fields(fields::ForPeople).boxed()
        }
        LogFormat::Json => {
            layer.with_ansi(false).fmt_fields(fields::ForPeople).event_format(json::Object).boxed()
        }
    };
    let (levels, handle) = reload::Layer::new(levels);
    tracing_subscriber::registry()
        .with(layer.and_then(CountLines).with_filter(levels))
        .try_init()
        .context("logging was started before")?;
    // Nobody else sets it: logging was not started before.
    let _ = LEVELS.set(Box::new(move |levels| handle.reload(levels).is_ok()));
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// How the levels of a log that was started are changed.
static LEVELS: OnceLock<Box<dyn Fn(Targets) -> bool + Send + Sync>> = OnceLock::new();

/// Logs at these levels from now on, unless `POSTHOUSE_LOG` says otherwise. Returns whether it does.
pub fn set_levels(configured: &str) -> bool {
    levels(configured).ok().zip(LEVELS.get()).is_some_and(|(levels, set)| set(levels))
}

/// Logs at these levels from now on, whatever `POSTHOUSE_LOG` says. Returns whether it does.
pub fn change_levels(wanted: &str) -> bool {
    wanted.parse().ok().zip(LEVELS.get()).is_some_and(|(levels, set)| set(levels))
}

/// What is logged where the configuration says this.
pub fn in_force(configured: &str) -> String {
    std::env::var(VARIABLE).ok().filter(|levels| !levels.is_empty()).unwrap_or_else(|| configured.to_owned())
}

fn levels(configured: &str) -> anyhow::Result<Targets> {
    let wanted = std::env::var(VARIABLE).ok().filter(|levels| !levels.is_empty());
    let (place, wanted) = match &wanted {
        Some(wanted) => (VARIABLE, wanted.as_str()),
        None => ("log.level", configured),
    };
    check_levels(wanted).map_err(|what| anyhow!("{place}: {what}"))?;
    wanted.parse().with_context(|| format!("{place}={wanted} cannot be read"))
}

/// Tells on stderr, a line each: behind what was logged, where a log was started, and never for longer than a moment.
pub fn tell(told: &[String]) {
    let Some(lines) = lines::of_this_process() else {
        let mut stderr = print::stderr();
        for line in told {
            // Nothing can be done where stderr itself is gone.
            let _ = writeln!(stderr, "{line}");
        }
        return;
    };
    told.iter().for_each(|line| lines.push(format!("{}\n", Shown(line)).as_bytes()));
    lines::flush();
}

/// Waits a moment, when it goes, till what was logged is written.
pub struct LastWords;

impl Drop for LastWords {
    fn drop(&mut self) {
        lines::flush();
    }
}

/// Counts what is logged, by level.
struct CountLines;

impl<S: tracing::Subscriber> Layer<S> for CountLines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let severity = match *event.metadata().level() {
            tracing::Level::ERROR => 0,
            tracing::Level::WARN => 1,
            tracing::Level::INFO => 2,
            tracing::Level::DEBUG => 3,
            tracing::Level::TRACE => 4,
        };
        lines::count(severity);
    }
}

/// Takes a line from the subscriber, which writes each whole.
struct Handover(&'static Lines);

impl io::Write for Handover {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lost_text(lost: u64) -> String {
    format!(
        "{:.6}  WARN posthouse::logs: {lost} log lines were dropped: nobody read them\n",
        Timestamp::now()
    )
}

fn lost_json(lost: u64) -> String {
    let timestamp = format!("{:.6}", Timestamp::now());
    let message = "log lines were dropped: nobody read them";
    let line = json!({"timestamp": timestamp, "level": "WARN", "message": message, "lost": lost, "target": "posthouse::logs"});
    format!("{line}\n")
}

/// Logs a panic: the standard hook writes to stderr directly and would block while stderr is not read.
fn log_panic(panicked: &panic::PanicHookInfo<'_>) {
    let place = panicked.location().map(ToString::to_string);
    let thread = thread::current().name().map(str::to_owned);
    let payload = panicked.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let why = text.or_else(|| payload.downcast_ref().map(String::as_str)).unwrap_or("without a text");
    let backtrace = Backtrace::capture();
    tracing::error!(place, thread, "panicked: {why}");
    if backtrace.status() == BacktraceStatus::Captured {
        backtrace.to_string().lines().for_each(|frame| tracing::error!("{}", frame.trim_end()));
    }
}
