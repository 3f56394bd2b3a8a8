//! `posthouse queues`: how much waits where, since when, and why it is not sent faster.

use std::{io, path::PathBuf, process::ExitCode};

use posthouse_api::{AccountQueue, CarrierQueue, ConnectionPace};
use serde_json::json;

use crate::{
    print::{self, Printer},
    target::{GatewayAddress, settings_of},
    via::Via,
    wait::wait_for,
};

/// The arguments of `posthouse queues`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse queues -c /etc/posthouse.toml
  posthouse queues --by account --json

waits: accepted, and not sent yet. oldest: for how long the one that waits the longest has been waiting. parked: an attempt may have arrived, and \
only a report tells. at carrier: the carrier has it, and its report is awaited. in flight: requests under way, of those that may be now (of \
those that are provisioned). Where no gateway runs on the store, nothing is known of the connections.")]
pub struct Args {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    gateway: GatewayAddress,
    /// What a line is about
    #[arg(long, value_enum, default_value_t = By::Carrier, value_name = "WHAT")]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    /// A carrier and its connections
    Carrier,
    /// An account and what it is owed
    Account,
}

/// Prints the queues.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = settings_of(args.config.as_deref())?;
    let mut out = print::stdout();
    match args.by {
        By::Carrier => {
            let queues = wait_for(async {
                let via = Via::open(&settings, &args.gateway).await?;
                let queues = via.carrier_queues().await;
                via.close().await?;
                queues
            })?;
            match args.json {
                true => out.json(&json!({ "queues": queues }))?,
                false => print_carriers(&mut out, &queues)?,
            }
        }
        By::Account => {
            let queues = wait_for(async {
                let via = Via::open(&settings, &args.gateway).await?;
                let queues = via.account_queues().await;
                via.close().await?;
                queues
            })?;
            match args.json {
                true => out.json(&json!({ "queues": queues }))?,
                false => print_accounts(&mut out, &queues)?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_carriers(out: &mut Printer, queues: &[CarrierQueue]) -> io::Result<()> {
    if queues.is_empty() {
        return writeln!(out, "no carrier is provisioned, and nothing waits");
    }
    writeln!(out, "carrier       waits   oldest  sending   parked  at carrier")?;
    for queue in queues {
        let CarrierQueue { carrier, waiting, sending, parked, at_carrier, .. } = queue;
        let oldest = age(queue.oldest_seconds);
        writeln!(out, "{carrier:<10} {waiting:>8} {oldest:>8} {sending:>8} {parked:>8} {at_carrier:>11}")?;
        for connection in &queue.connections {
            writeln!(out, "  {}", of_connection(connection))?;
        }
    }
    for says in queues.iter().filter_map(|queue| queue.says.as_deref()) {
        writeln!(out, "{says}")?;
    }
    Ok(())
}

fn of_connection(connection: &ConnectionPace) -> String {
    let ConnectionPace { name, state, in_flight, window, window_limit, .. } = connection;
    let rate = match (connection.per_second, connection.per_second_limit) {
        (Some(rate), Some(limit)) => format!(", {rate:.0} of {limit} a second"),
        (Some(rate), None) => format!(", {rate:.1} a second"),
        (None, _) => String::new(),
    };
    let time = connection.answer_seconds.map(|time| format!(", answers in {time:.2} s")).unwrap_or_default();
    let usual = connection.usual_seconds.map(|time| format!(" (usually {time:.2})")).unwrap_or_default();
    let why = connection.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let limited = connection.limited.as_ref().map(|limit| format!(", limited by {}", limit.by));
    let limited = limited.unwrap_or_default();
    format!(
        "{name} {state}{why}{limited}, {in_flight} in flight of {window} (of {window_limit}){rate}{time}{usual}"
    )
}

fn print_accounts(out: &mut Printer, queues: &[AccountQueue]) -> io::Result<()> {
    if queues.is_empty() {
        return writeln!(out, "no account is provisioned, and nothing waits");
    }
    writeln!(
        out,
        "account              waits  sending   parked  at carrier  callbacks owed   failed   oldest"
    )?;
    for queue in queues {
        let AccountQueue { account, waiting, sending, parked, at_carrier, .. } = queue;
        let (owed, failed) = (queue.callbacks_owed, queue.callbacks_failed);
        let oldest = age(queue.callback_oldest_seconds);
        writeln!(
            out,
            "{account:<17} {waiting:>8} {sending:>8} {parked:>8} {at_carrier:>11} {owed:>15} {failed:>8} {oldest:>8}"
        )?;
    }
    Ok(())
}

/// An age in seconds, short.
fn age(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds @ ..120.0) => format!("{seconds:.0}s"),
        Some(seconds @ ..7200.0) => format!("{:.0}m", seconds / 60.0),
        Some(seconds) => format!("{:.1}h", seconds / 3600.0),
    }
}
