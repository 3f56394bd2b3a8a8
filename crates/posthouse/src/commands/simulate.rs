//! `posthouse simulate`: carriers that do what the recipient's last four digits say.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use posthouse_core::counted::counted;
use posthouse_sim::{
    CarrierOptions, CarrierSim,
    carrier::{Complaints, KeptMessage},
    config,
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::interval};

use crate::{
    complaints::{Several, unreadable},
    print::{self, Printer},
    wait::{StopSignals, wait_for},
};

/// How often new messages are shown on a terminal.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// How many are shown at a time; of a load the others are counted.
const SHOWN: usize = 20;

const TABLE: &str = "\
The recipient's last four digits say what the carrier does:
  2002 2004 4000 4002 4003 4004 4006 4007
                 answers that code
  3500           takes the request and never answers
  9001           1000, then Retrieved
  9002           1000, then Expired
  9003           1000, then Rejected
  9004           1000, then Deferred, then Retrieved
  9005           1000, then Indeterminate
  9006           1000, then Unrecognised
  9007           1000, then Unreachable
  9008           1000, and no report ever
  9010           the report comes before the answer
  9011           every report twice
  9012           4006 three times, then 1000 and Retrieved
  9013           HTTP 500 with no body, once; then as 9001
  9014           a Fault (4007) in HTTP 200
  9015           closes the connection in the middle of the answer
  anything else  1000, then Retrieved

What breaks TS 23.140 is answered 4004, with what is wrong in Details.

GET /sim/messages gives back every request (bodies=1: with the parts' bytes, raw=1: with headers and \
body, last=N: the newest). POST /sim/deliver sends a message from a handset:
  curl http://127.0.0.1:9101/sim/deliver -d '{\"from\":\"16175550123\",\"to\":\"111122\",
    \"subject\":\"Hi\",\"parts\":[{\"content_type\":\"text/plain\",\"text\":\"hello\"}]}'
POST /sim/read-reply says that the newest message it took (or that of a message_id) was read:
  curl http://127.0.0.1:9101/sim/read-reply -d '{\"status\":\"Read\"}'";

/// The arguments of `posthouse simulate`.
#[derive(clap::Args)]
#[command(after_help = help())]
pub struct Args {
    /// Which carriers; without it one: 31003 on 127.0.0.1:9101, reporting to http://127.0.0.1:8008/carriers/31003/mm7
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print where the carriers listen as one JSON object
    #[arg(long)]
    json: bool,
}

fn help() -> String {
    let example = config::EXAMPLE.lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!(
        "Example: posthouse simulate -c sim.toml\n\nsim.toml, with every key there is:\n{example}\n{TABLE}"
    )
}

/// Simulates until asked to stop.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let carriers = match &args.config {
        Some(path) => read(path)?,
        None => vec![config::usual_carrier()],
    };
    wait_for(simulate(carriers, args.json))
}

fn read(path: &Path) -> anyhow::Result<Vec<CarrierOptions>> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path.display(), error))?;
    config::parse(&text).map_err(|mistakes| {
        let told =
            mistakes.iter().map(|mistake| format!("{}:{}: {}", path.display(), mistake.line, mistake.what));
        Several(told.collect()).into()
    })
}

async fn simulate(carriers: Vec<CarrierOptions>, json: bool) -> anyhow::Result<ExitCode> {
    let mut stop = StopSignals::expect()?;
    let mut running = Vec::new();
    for options in carriers {
        let (listen, about) = (options.listen, About::new(&options));
        let carrier = CarrierSim::start(options).await.with_context(|| {
            format!("{listen} cannot be listened on; choose another in the file given with --config")
        })?;
        running.push((about, carrier));
    }
    announce(&running, json)?;
    let is_watched = !json && print::stdout().is_terminal();
    let mut seen = vec![0; running.len()];
    let mut ticks = interval(SHOW_EVERY);
    let mut complaints = JoinSet::new();
    for (about, carrier) in &running {
        complaints.spawn(tell(about.id.clone(), carrier.complaints()));
    }
    loop {
        tokio::select! {
            () = stop.asked() => break,
            _ = ticks.tick(), if is_watched => {
                for ((about, carrier), seen) in running.iter().zip(&mut seen) {
                    show_new(&about.id, carrier, seen)?;
                }
            }
        }
    }
    complaints.abort_all();
    for (_, carrier) in running {
        carrier.stop().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what came since `seen` requests had come: a terminal that stays silent looks as if nothing came.
fn show_new(id: &str, carrier: &CarrierSim, seen: &mut u64) -> io::Result<()> {
    let received = carrier.received();
    let new = usize::try_from(received - *seen).unwrap_or(usize::MAX);
    *seen = received;
    if new == 0 {
        return Ok(());
    }
    let (mut out, messages) = (print::stdout(), carrier.messages());
    let shown = new.min(SHOWN).min(messages.len());
    if new > shown {
        writeln!(out, "{} more", new - shown)?;
    }
    messages.iter().skip(messages.len() - shown).try_for_each(|message| show(&mut out, id, message))
}

fn show(out: &mut Printer, id: &str, message: &KeptMessage) -> io::Result<()> {
    let answered = match (message.http_status, message.code) {
        (_, Some(code)) => code.to_string(),
        (Some(http_status), None) => format!("HTTP {http_status}"),
        (None, None) => "nothing".to_owned(),
    };
    let message_id = message.message_id.as_ref().map_or("(no id)", |id| id.as_str());
    let finding = message.finding.as_deref().map(|finding| format!(", {finding}")).unwrap_or_default();
    writeln!(
        out,
        "{:.3} message {message_id} {} -> {} {:?} ({}), carrier {id}{finding}; answered {answered}",
        message.time,
        message.sender.as_deref().unwrap_or("(no address)"),
        message.recipients.join(","),
        message.subject.as_deref().unwrap_or_default(),
        counted(message.media.len(), "part"),
    )
}

/// Tells on stderr what is wrong with where a carrier's reports go.
async fn tell(id: String, complaints: Complaints) {
    while let Some(complaint) = complaints.next().await {
        let line = format!(
            "posthouse: a report of carrier {id} was not taken: {complaint}; see reports and shows in sim.toml"
        );
        // Without stderr, there is nowhere to report it.
        drop(writeln!(print::stderr(), "{line}"));
    }
}

/// What is said about a carrier.
struct About {
    id: String,
    reports: Option<String>,
}

impl About {
    fn new(options: &CarrierOptions) -> Self {
        Self { id: options.carrier_id.clone(), reports: options.reports.clone() }
    }
}

fn announce(running: &[(About, CarrierSim)], json: bool) -> io::Result<()> {
    let mut out = print::stdout();
    if json {
        let carriers: Value = running
            .iter()
            .map(|(about, carrier)| json!({"id": about.id, "url": carrier.url(), "reports": about.reports}))
            .collect();
        return out.json(&json!({"event": "ready", "carriers": carriers}));
    }
    for (about, carrier) in running {
        let reports = about.reports.as_deref().unwrap_or("nowhere");
        writeln!(out, "carrier {} takes MM7 at {} and reports to {reports}", about.id, carrier.url())?;
    }
    Ok(())
}
