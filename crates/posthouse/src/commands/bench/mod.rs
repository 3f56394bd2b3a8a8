//! `posthouse bench`: how fast a gateway is here, and beside it how fast it could be at most.

mod bodies;
pub mod ceiling;
mod disk;
mod gateway;
mod groups;
mod load;
mod outcome;
mod peers;
mod usage;
mod wire;

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use posthouse_core::counted::counted;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use self::{
    bodies::{Sender, Template, mean_size, of_mixed_sizes, of_one_size, parse_size},
    disk::DiskCeiling,
    gateway::{Gateway, Site},
    groups::groups_at,
    load::{Load, LoadResult, Until},
    outcome::{Accept, Ceiling, EndToEnd, Measured},
    peers::{BenchCarrier, Vasp},
    usage::Used,
};

use crate::{complaints::complain, print, progress::ProgressLine, times::duration};

/// How long a load runs before it is measured, at most; it is a quarter of the measurement.
const WARM_UP: Duration = Duration::from_secs(1);
/// Once no message has ended for this long, the missing ones count as lost.
const QUIET: Duration = Duration::from_secs(60);
/// How long the gateway rests before what it wrote is read: the store writes its journal back within this time.
const REST: Duration = Duration::from_millis(1500);
/// How often we check whether all messages have ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const HELP: &str = "\
Examples:
  posthouse bench
  posthouse bench --size 100k --duration 30s --json
  posthouse bench --backlog 1000000
  posthouse bench --in-flight 256 --gateway ./posthouse-before --json
  posthouse bench --only end-to-end --in-flight 1024
  posthouse bench --store postgres://posthouse@db/bench --media s3://mms-bench --connections 512
  posthouse bench --url http://127.0.0.1:8007/mm7/v1 --vaspid acme-api-key --vasid 61295

Starts a gateway on an empty store in a temporary folder, a carrier and a VASP, and measures one after the other:
  ceiling     a bare HTTP server that reads the same bodies and answers as many bytes;
              half before, half after the rest
  end to end  everything up: from the first SubmitReq to the last report at the VASP
  accepted    the carrier down, so that accepting is all there is to do; every 1000 is on
              disk before it is answered
  disk        what the disk makes durable a second when nothing else is done: pieces as long
              as the store's groups, each synced, into fresh files and over what files held

CPU and bytes written are the gateway's, as /proc tells them, a message. TransactionIDs, recipients and the carrier's \
MessageIDs do not ascend, as in the field.

At the end the carrier comes back, and every message that was accepted has to end with a report at the VASP; those that do \
not are lost.

--store measures a gateway on an empty PostgreSQL database, which is full of the bench's messages afterwards; its password \
is taken from POSTHOUSE_STORE_PASSWORD, what a bucket needs from AWS_…, and a server without standbys is measured as it is.

With --url only the ceiling and accepting are measured. What was not measured is null in --json.";

/// The arguments of `posthouse bench`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// How long the body of a SubmitReq is: 2k, 100k, 1m
    #[arg(long, value_name = "SIZE", default_value = "2k", value_parser = parse_size, conflicts_with = "mix")]
    size: usize,
    /// Send the sizes that MMS have: mostly 20 to 300 KB
    #[arg(long)]
    mix: bool,
    /// How many connections send at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: u16,
    /// How long each measurement takes
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// Fill the queue with this many messages first, and start the gateway again before accepting is measured
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "url")]
    backlog: u64,
    /// End to end, how many messages are under way at most; without it, as many as are accepted
    #[arg(long, value_name = "N", conflicts_with = "url", value_parser = clap::value_parser!(u32).range(1..))]
    in_flight: Option<u32>,
    /// Start this program as the gateway, such as an earlier build, to compare the two. With --store its apply has to know
    /// --expect-revision
    #[arg(long, value_name = "PROGRAM", conflicts_with = "url")]
    gateway: Option<PathBuf>,
    /// Measure on this PostgreSQL database, which has to be empty
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    store: Option<String>,
    /// The place of media beside it: s3://BUCKET/PREFIX or file://FOLDER; without one, a temporary folder
    #[arg(long, value_name = "URL", requires = "store")]
    media: Option<String>,
    /// Drive another gateway
    #[arg(long)]
    url: Option<String>,
    /// VASPID at the other gateway
    #[arg(long, default_value = "acme-api-key", requires = "url")]
    vaspid: String,
    /// VASID at the other gateway
    #[arg(long, requires = "url")]
    vasid: Option<String>,
    /// SenderAddress at the other gateway
    #[arg(long, default_value = "111122", requires = "url")]
    from: String,
    /// The recipient at the other gateway; without one, 1617… numbers in turn
    #[arg(long, requires = "url")]
    to: Option<String>,
    /// Measure this alone, so that nothing the other leaves behind counts for it
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["url", "backlog"])]
    only: Option<Only>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    /// From the first SubmitReq to the last report at the VASP
    EndToEnd,
    /// Accepting, with the carrier down
    Accepting,
}

/// Measures, and prints what came of it. The exit code is 0 only when nothing was lost.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    // One thread for the carrier, the VASP and what is done between; the load has its own. The rest of the machine is the gateway's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(measure(args))?;
    let mut out = print::stdout();
    if args.json {
        out.json(&measured.to_json())?;
    } else {
        measured.print(&mut out)?;
    }
    if let Some((accept, error)) =
        measured.accept.as_ref().and_then(|accept| accept.first_error.as_ref().map(|error| (accept, error)))
    {
        complain(&anyhow::anyhow!("{} requests were not accepted; the first: {error}", accept.errors));
    }
    let lost = measured.lost.unwrap_or(0);
    ensure!(lost == 0, "{} never got a terminal report", counted(lost, "accepted message"));
    Ok(ExitCode::SUCCESS)
}

async fn measure(args: &Args) -> anyhow::Result<Measured> {
    ensure!(args.connections > 0, "there has to be a connection; take --connections 1 or more");
    ensure!(
        args.duration >= Duration::from_millis(100),
        "that is too short to measure anything; take 1s or more"
    );
    match &args.url {
        Some(url) => elsewhere(args, url).await,
        None => here(args).await,
    }
}

/// Measures a gateway that runs elsewhere.
async fn elsewhere(args: &Args, url: &str) -> anyhow::Result<Measured> {
    let sender = Sender {
        url: url.to_owned(),
        vaspid: args.vaspid.clone(),
        vasid: args.vasid.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
    };
    let bench = Bench::new(args, &sender)?;
    let server = address_of(url)?;
    let before = bench.ceiling().await?;
    bench.warm_up(server).await?;
    let accepted = bench.load("accepting", server, Until::Elapsed(args.duration)).await?;
    let ceiling = before.mean(bench.ceiling().await?);
    Ok(Measured { accept: Some(bench.accept(accepted)), ceiling, ..bench.measured() })
}

/// Measures a gateway that is started for it.
async fn here(args: &Args) -> anyhow::Result<Measured> {
    let vasp = Vasp::open().await?;
    let program = args.gateway.clone().map_or_else(std::env::current_exe, Ok)?;
    let configuration = gateway::configuration(args.store.as_deref(), args.media.as_deref());
    let site = Site::new(program, &vasp.url(), &configuration, args.store.is_some())?;
    let mut gateway = site.start().await?;
    let mut bench = Bench::new(args, &site.sender(&gateway.mm7))?;
    let mut ended = Used::default();
    let before = bench.ceiling().await?;

    let (mut end_to_end, mut ids) = (None, Vec::new());
    if args.only != Some(Only::Accepting) {
        let carrier = BenchCarrier::open(site.carrier, &gateway.door).await?;
        let (measured, accepted) = bench.end_to_end(&gateway, &vasp).await?;
        (end_to_end, ids) = (Some(measured), accepted);
        carrier.close().await;
    }

    if args.backlog > 0 {
        ids.extend(bench.fill(&gateway).await?);
        ended = gateway.stop().await?;
        gateway = site.start().await?;
        bench.send_to(&site.sender(&gateway.mm7))?;
    }
    let accept = match args.only {
        Some(Only::EndToEnd) => None,
        _ => Some(bench.accepting(&gateway, &mut ids).await?),
    };
    let ceiling = before.mean(bench.ceiling().await?);

    let carrier = BenchCarrier::open(site.carrier, &gateway.door).await?;
    let lost = bench.wait_for_all("waiting for the last report", &vasp, &ids).await;
    let start = gateway.start;
    let used = gateway.stop().await.with_context(|| site.end_of_log())?;
    carrier.close().await;
    let group = accept.as_ref().and_then(|accept| accept.groups.as_ref()?.mean());
    let disk = bench.disk(&site, group).await?;
    Ok(Measured {
        accept,
        ceiling,
        disk: Some(disk),
        end_to_end,
        lost: Some(lost),
        messages: ids.len(),
        start: Some(start),
        peak_memory: used.peak_memory.max(ended.peak_memory),
        written: used.written.map(|written| written + ended.written.unwrap_or(0)),
        ..bench.measured()
    })
}

/// One run: what is sent, and how.
struct Bench<'a> {
    args: &'a Args,
    run: u32,
    templates: Arc<Vec<Template>>,
    numbers: Arc<AtomicU64>,
    progress: ProgressLine,
}

impl<'a> Bench<'a> {
    fn new(args: &'a Args, sender: &Sender) -> anyhow::Result<Self> {
        // Another one each time: a gateway takes the same TransactionID with the same body for a repetition.
        let run = u32::from_be_bytes(jiff::Timestamp::now().subsec_nanosecond().to_be_bytes());
        let mut bench = Self {
            args,
            run,
            templates: Arc::default(),
            numbers: Arc::default(),
            progress: ProgressLine::on_terminal(),
        };
        bench.send_to(sender)?;
        Ok(bench)
    }

    fn send_to(&mut self, sender: &Sender) -> anyhow::Result<()> {
        self.templates = Arc::new(if self.args.mix {
            of_mixed_sizes(sender, self.run)?
        } else {
            of_one_size(sender, self.run, self.args.size)?
        });
        Ok(())
    }

    async fn load(&self, what: &str, server: SocketAddr, until: Until) -> anyhow::Result<LoadResult> {
        self.load_within(None, what, server, until).await
    }

    async fn load_within(
        &self,
        room: Option<Arc<Semaphore>>,
        what: &str,
        server: SocketAddr,
        until: Until,
    ) -> anyhow::Result<LoadResult> {
        let accepted = Arc::new(AtomicU64::new(0));
        let load = Load {
            server,
            templates: Arc::clone(&self.templates),
            connections: self.args.connections.into(),
            until,
            numbers: Arc::clone(&self.numbers),
            accepted: Arc::clone(&accepted),
            room,
        };
        self.progress.beside(what, &accepted, load.run()).await
    }

    /// Accepting, while the carrier is down. The messages are added to `ids`.
    async fn accepting(&self, gateway: &Gateway, ids: &mut Vec<i64>) -> anyhow::Result<Accept> {
        let server = address_of(&gateway.mm7)?;
        ids.extend(self.warm_up(server).await?.ids);
        let (groups_before, used_before) = (groups_at(&gateway.admin).await, gateway.used());
        let accepted = self.load("accepting", server, Until::Elapsed(self.args.duration)).await?;
        ids.extend_from_slice(&accepted.ids);
        let cost = gateway.used().cost_since(used_before, accepted.ids.len());
        let groups =
            groups_at(&gateway.admin).await.zip(groups_before).map(|(now, before)| now.since(&before));
        Ok(Accept { cost, groups, ..self.accept(accepted) })
    }

    async fn warm_up(&self, server: SocketAddr) -> anyhow::Result<LoadResult> {
        self.load("warming up", server, Until::Elapsed(WARM_UP.min(self.args.duration / 4))).await
    }

    /// What a bare server answers per second, for half of the time: the other half comes at the end.
    async fn ceiling(&self) -> anyhow::Result<Ceiling> {
        let half = self.args.duration / 2;
        let server = Bare::start()?;
        self.warm_up(server.address).await?;
        let before = Used::of(server.child.id());
        let answered = self.load("ceiling", server.address, Until::Elapsed(half)).await?;
        let cost = Used::of(server.child.id()).cost_since(before, answered.ids.len());
        Ok(Ceiling { per_second: answered.per_second(half), cpu_us: cost.cpu_us })
    }

    /// Everything at once: submits for the time, and waits till all of it has ended.
    async fn end_to_end(&self, gateway: &Gateway, vasp: &Vasp) -> anyhow::Result<(EndToEnd, Vec<i64>)> {
        let (began, before) = (Instant::now(), gateway.used());
        let server = address_of(&gateway.mm7)?;
        let room = self.args.in_flight.map(|most| Arc::new(Semaphore::new(most as usize)));
        vasp.gives_room(room.clone());
        let until = Until::Elapsed(self.args.duration);
        let submitted = self.load_within(room, "end to end: submitting", server, until).await?;
        vasp.gives_room(None);
        let lost = self.wait_for_all("end to end: reports", vasp, &submitted.ids).await;
        let took = vasp.last().map_or(submitted.took, |last| last.duration_since(began));
        sleep(REST).await;
        let measured = EndToEnd {
            cost: gateway.used().cost_since(before, submitted.ids.len()),
            per_second: submitted.ids.len().saturating_sub(lost) as f64 / took.as_secs_f64(),
            accepted_per_second: submitted.per_second(self.args.duration),
        };
        Ok((measured, submitted.ids))
    }

    /// What the disk takes in pieces as long as the gateway's groups; where it does not tell how many messages these had, of one.
    async fn disk(&self, site: &Site, group: Option<f64>) -> anyhow::Result<DiskCeiling> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few hundred messages at most"
        )]
        let messages = group.map_or(1, |mean| mean.round() as usize);
        let piece = messages * mean_size(&self.templates);
        let (folder, time) = (site.data(), self.args.duration / 2);
        let measuring = tokio::task::spawn_blocking(move || DiskCeiling::measure(&folder, piece, time));
        measuring.await?.context("the disk cannot be measured")
    }

    async fn fill(&self, gateway: &Gateway) -> anyhow::Result<Vec<i64>> {
        let until = Until::Accepted(self.args.backlog);
        Ok(self.load("filling the queue", address_of(&gateway.mm7)?, until).await?.ids)
    }

    /// Waits till all of these have ended; how many did not.
    async fn wait_for_all(&self, what: &str, vasp: &Vasp, ids: &[i64]) -> usize {
        let count = vasp.count();
        let waiting = async {
            let (mut seen, mut changed) = (count.load(Ordering::Relaxed), Instant::now());
            let mut missing = vasp.missing(ids);
            while missing > 0 && changed.elapsed() < QUIET {
                sleep(LOOK_EVERY).await;
                let now = count.load(Ordering::Relaxed);
                if now != seen {
                    (seen, changed) = (now, Instant::now());
                    // Looking for each is dear; as many as are missing have to come first.
                    missing = if usize::try_from(now).is_ok_and(|now| now >= ids.len()) {
                        vasp.missing(ids)
                    } else {
                        missing
                    };
                }
            }
            vasp.missing(ids)
        };
        self.progress.beside(what, &count, waiting).await
    }

    fn accept(&self, outcome: LoadResult) -> Accept {
        let per_second = outcome.per_second(self.args.duration);
        Accept::new(per_second, outcome.latencies, outcome.errors, outcome.first_error)
    }

    fn measured(&self) -> Measured {
        Measured {
            size: mean_size(&self.templates),
            mix: self.args.mix,
            connections: self.args.connections.into(),
            duration: self.args.duration,
            backlog: self.args.backlog,
            ..Measured::default()
        }
    }
}

/// The bare server, in a process of its own.
struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Bare {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("bench-ceiling")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the bare server cannot be started")?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                gateway::end(&mut child);
                anyhow::bail!("the bare server did not start")
            }
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        gateway::end(&mut self.child);
    }
}

/// The address of a URL's host, and its port.
fn address_of(url: &str) -> anyhow::Result<SocketAddr> {
    let uri: http::Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
    ensure!(uri.scheme_str() == Some("http"), "{url} cannot be driven: the load speaks plain http:// only");
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let mut found = (host.as_str(), uri.port_u16().unwrap_or(80))
        .to_socket_addrs()
        .with_context(|| format!("{host} cannot be found"))?;
    found.next().with_context(|| format!("{host} has no address"))
}
