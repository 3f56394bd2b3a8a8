//! `posthouse stats`: how it was in the last hours, and how the store is.

use std::{io, process::ExitCode};

use jiff::{SignedDuration, Timestamp};
use posthouse_api::{SeriesView, StoreView};
use serde_json::json;

use crate::{
    complaints::{of_api, provisioned},
    print::{self, Printer},
    running,
    target::StoreArgs,
    wait::wait_for,
};

/// How many of the newest values are shown to people.
const SHOWN: usize = 12;

/// The arguments of `posthouse stats`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse stats
  posthouse stats answer --carrier 31003 --step 600
  posthouse stats store --json

Without a name: accepted, forwarded, reported, and the store. Values are means of --step seconds, the newest last; the gateway that is asked keeps \
six hours of them, since it started. For people the newest twelve are shown, with --json all.")]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// What is shown
    #[arg(value_enum, value_name = "NAME")]
    name: Option<StatsName>,
    /// Of this carrier's connections; without it, of the whole gateway
    #[arg(long, value_name = "ID")]
    carrier: Option<String>,
    /// The mean of how many seconds a value is: a multiple of 10, up to 3600
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    step: u32,
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum StatsName {
    /// Messages accepted a second
    Accepted,
    /// Messages that carriers took a second
    Forwarded,
    /// Messages of which a carrier reported the end, a second
    Reported,
    /// How many requests may be under way, by connection
    Window,
    /// In how many seconds a carrier answers, by connection
    Answer,
    /// How large the store is, and whether there is room for more
    Store,
}

impl StatsName {
    const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Forwarded => "forwarded",
            Self::Reported => "reported",
            Self::Window => "window",
            Self::Answer => "answer",
            Self::Store => "store",
        }
    }
}

/// Prints them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let wanted = match args.name {
        Some(name) => vec![name],
        None => vec![StatsName::Accepted, StatsName::Forwarded, StatsName::Reported, StatsName::Store],
    };
    let asked = wait_for(async {
        let api = running::required(&settings, &args.store.gateway).await?;
        let (mut series, mut store) = (Vec::new(), None);
        for name in wanted {
            match name {
                StatsName::Store => store = Some(api.store_stats().await?),
                name => {
                    series.extend(api.series(name.word(), args.carrier.as_deref(), args.step).await?.items)
                }
            }
        }
        Ok((series, store))
    });
    let Some((series, store)) = provisioned(asked.map_err(of_api))? else {
        return Ok(ExitCode::from(2));
    };
    let mut out = print::stdout();
    if args.store.json {
        out.json(&json!({ "series": series, "store": store }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if series.is_empty() && store.is_none() {
        writeln!(
            out,
            "there is no such series yet: nothing has gone over a connection since the gateway started"
        )?;
    }
    series.iter().try_for_each(|series| print_series(&mut out, series))?;
    store.iter().try_for_each(|store| print_store(&mut out, store))?;
    Ok(ExitCode::SUCCESS)
}

fn print_series(out: &mut Printer, series: &SeriesView) -> io::Result<()> {
    let of = match (&series.carrier, &series.connection) {
        (Some(carrier), Some(connection)) => format!(" of carrier {carrier}, {connection}"),
        _ => String::new(),
    };
    let unit = match series.name.as_str() {
        "window" => "requests at a time",
        "answer" => "seconds",
        _ => "a second",
    };
    writeln!(out, "{}{of}, {unit}, each the mean of {} s", series.name, series.step_seconds)?;
    let newest = series.values.len().saturating_sub(SHOWN);
    for (index, value) in series.values.iter().enumerate().skip(newest) {
        let behind = series.values.len().saturating_sub(index.saturating_add(1));
        let time = series.until.and_then(|until| at(until, behind, series.step_seconds));
        let time = time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}"));
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        writeln!(out, "  {time:<20}  {value:>10}")?;
    }
    Ok(())
}

/// The time of a value that lies so many steps behind the newest.
fn at(until: Timestamp, behind: usize, step: u32) -> Option<Timestamp> {
    let seconds = i64::try_from(behind).ok()?.checked_mul(i64::from(step))?;
    until.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

fn print_store(out: &mut Printer, store: &StoreView) -> io::Result<()> {
    let size =
        store.database_bytes.map_or_else(|| "on a server".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    writeln!(out, "database: {size}; {} writes wait", store.writes_waiting)?;
    for volume in &store.volumes {
        writeln!(
            out,
            "volume of the {}: {} MiB free; below {} MiB nothing is accepted",
            volume.name,
            volume.free_bytes >> 20,
            store.low_water_bytes >> 20
        )?;
    }
    store.says.iter().try_for_each(|says| writeln!(out, "{says}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_of_the_newest_time() {
        let until = Timestamp::from_second(1_000_000).unwrap();
        assert_eq!(at(until, 0, 60), Some(until));
        assert_eq!(at(until, 2, 60), Timestamp::from_second(999_880).ok());
        assert_eq!(at(until, usize::MAX, 60), None);
    }
}
