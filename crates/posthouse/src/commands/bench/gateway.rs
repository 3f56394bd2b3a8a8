//! The gateway that is measured: this same program in a process of its own, on a store in a temporary folder.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use posthouse_core::actor::Actor;
use posthouse_gateway::config::{ConfigFile, Settings, apply};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::sleep;

use super::bodies::Sender;
use crate::target::visit;

/// How long a gateway may take to start and to stop.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the process is sampled meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(5);
const VASPID: &str = "bench-api-key";
const CARRIER: &str = "31003";

/// Where a gateway can be started, again and again, on the same store.
pub struct Site {
    folder: tempfile::TempDir,
    /// Where its carrier is expected.
    pub carrier: SocketAddr,
}

/// A gateway that runs.
pub struct Gateway {
    child: Child,
    /// Where VASPs submit.
    pub mm7: String,
    /// Where its carrier posts reports.
    pub door: String,
    /// How long it took from being started to being ready.
    pub start: Duration,
}

/// What a gateway used. `None`: this system does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// The most memory that was resident, in bytes.
    pub peak_memory: Option<u64>,
    /// Bytes that were written to disk.
    pub written: Option<u64>,
}

impl Site {
    /// A folder with an empty store, provisioned with one account and one carrier.
    ///
    /// # Errors
    /// The folder or the store cannot be made.
    pub async fn new(reports: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("posthouse-bench-").tempdir()?;
        let site = Self { folder, carrier: free_address()? };
        fs::write(site.path("posthouse.toml"), CONFIGURATION)?;
        let settings = Settings::load(Some(&site.path("posthouse.toml")), &|_| None)?;
        let store = visit(&settings, true).await?;
        let file = "the bench's provisioning".to_owned();
        let text = provisioning(reports, self::carrier_url(site.carrier).as_str());
        apply(
            &*store,
            &ConfigFile { file, text, folder: PathBuf::new() },
            &|_| None,
            false,
            &Actor::gateway(),
            Timestamp::now(),
        )
        .await?;
        store.close().await?;
        Ok(site)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a gateway here; it is ready when this returns.
    ///
    /// # Errors
    /// It does not start; with the end of its log.
    pub async fn start(&self) -> anyhow::Result<Gateway> {
        let began = Instant::now();
        let log = fs::File::options().create(true).append(true).open(self.path("log"))?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--config"])
            .arg(self.path("posthouse.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("the gateway cannot be started")?;
        let stdout = child.stdout.take().context("the gateway has no stdout")?;
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(PATIENCE, line).await??.unwrap_or_default();
        let start = began.elapsed();
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let text = |key: &str| ready.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(mm7), Some(carriers)) = (text("mm7"), text("carriers")) else {
            end(&mut child);
            bail!("the gateway did not start: {}", self.end_of_log());
        };
        Ok(Gateway { child, mm7, door: carriers.replace("{carrier}", CARRIER), start })
    }

    /// The last line that a gateway logged here.
    pub fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().last().unwrap_or("it logged nothing").to_owned()
    }

    /// Who sends to a gateway of this site.
    pub fn sender(&self, mm7: &str) -> Sender {
        Sender {
            url: mm7.to_owned(),
            vaspid: VASPID.to_owned(),
            vasid: Some("61295".to_owned()),
            from: "111122".to_owned(),
            to: None,
        }
    }
}

impl Gateway {
    /// What it used so far.
    pub fn used(&self) -> Used {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        Used {
            peak_memory: field(&process.join("status"), "VmHWM:").map(|kib| kib * 1024),
            written: field(&process.join("io"), "write_bytes:"),
        }
    }

    /// Stops it, as an operator does; what it used.
    ///
    /// # Errors
    /// It does not stop in time, or not well.
    pub async fn stop(mut self) -> anyhow::Result<Used> {
        let mut used = self.used();
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let so_far = self.used();
            if let Some(status) = self.child.try_wait()? {
                return stopped(status).map(|()| used);
            }
            // A process that has ended tells nothing any more.
            used = Used {
                peak_memory: so_far.peak_memory.or(used.peak_memory),
                written: so_far.written.or(used.written),
            };
            sleep(LOOK_EVERY).await;
        }
        bail!("the gateway did not stop within {} s", PATIENCE.as_secs())
    }
}

fn stopped(status: ExitStatus) -> anyhow::Result<()> {
    if status.success() { Ok(()) } else { bail!("the gateway stopped with {status}") }
}

impl Drop for Gateway {
    /// One that was not stopped is ended.
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a process and waits for it. One that has ended is left alone.
pub fn end(child: &mut Child) {
    child.kill().ok();
    child.wait().ok();
}

/// A number from a file of /proc.
fn field(file: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A loopback address at which nothing listens. Another process might take it before it is used.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn carrier_url(address: SocketAddr) -> String {
    format!("http://{address}/mm7")
}

const CONFIGURATION: &str = "\
[store]
url = \"sqlite://data/posthouse.db\"
[media]
url = \"file://data/media\"
[mm7]
listen = \"127.0.0.1:0\"
[carriers]
listen = \"127.0.0.1:0\"
[admin]
listen = \"127.0.0.1:0\"
";

fn provisioning(reports: &str, carrier: &str) -> String {
    format!(
        "[[account]]\nname = \"bench\"\nvaspid = {VASPID:?}\nmax_message_bytes = 5242880\n\
         [account.callbacks]\nreport_url = {reports:?}\nwindow = 64\n\
         [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\ndefault = true\n\
         [[carrier]]\nid = {CARRIER:?}\nname = \"The bench's carrier\"\nmax_message_bytes = 5242880\n\
         [[carrier.connection]]\nname = \"bench\"\nurl = {carrier:?}\nvaspid = \"posthouse\"\nvasid = \"gw\"\nwindow = 64\n\
         [[range]]\nprefix = \"1617\"\ncarrier = {CARRIER:?}\n"
    )
}
