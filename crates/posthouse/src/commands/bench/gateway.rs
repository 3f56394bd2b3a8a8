//! The gateway that is measured: this same program, or another that was built before it, in a process of its own on a store in a
//! temporary folder.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::sleep;

use super::{bodies::Sender, usage::Used};
use crate::target::environment;

/// How long a gateway may take to start and to stop.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the process is sampled meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The variable that a database's password is taken from.
const PASSWORD: &str = "POSTHOUSE_STORE_PASSWORD";
const VASPID: &str = "bench-api-key";
const CARRIER: &str = "31003";

/// Where a gateway can be started, again and again, on the same store.
pub struct Site {
    folder: tempfile::TempDir,
    /// The program that is started.
    program: PathBuf,
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
    /// Where it tells its metrics.
    pub admin: String,
    /// How long it took from being started to being ready.
    pub start: Duration,
}

impl Site {
    /// A folder, and an empty store there or where the configuration says, provisioned with one account and one carrier, for gateways of
    /// this program. A store that `is_elsewhere` has to be empty, which the program is told to make sure of.
    ///
    /// # Errors
    /// The folder cannot be made, or the program does not make the store: it is not empty, perhaps.
    pub fn new(
        program: PathBuf,
        reports: &str,
        configuration: &str,
        is_elsewhere: bool,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("posthouse-bench-").tempdir()?;
        let site = Self { folder, program, carrier: free_address()? };
        fs::create_dir(site.data())?;
        fs::write(site.path("posthouse.toml"), configuration)?;
        let provisioned = provisioning(reports, self::carrier_url(site.carrier).as_str());
        fs::write(site.path("provisioning.toml"), provisioned)?;
        // By its own command: a program makes the store that it reads. A bench on one that is in use would leave its messages there; in a
        // folder that was made just now there is none, and so earlier programs, which cannot be told this, can be measured.
        let only_empty: &[&str] = if is_elsewhere { &["--expect-revision", "0"] } else { &[] };
        let applied = Command::new(&site.program)
            .args(["apply", "--json"])
            .args(only_empty)
            .arg("--config")
            .args([site.path("posthouse.toml"), site.path("provisioning.toml")])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} cannot be started", site.program.display()))?;
        let said = String::from_utf8_lossy(&applied.stderr);
        ensure!(
            applied.status.success(),
            "the bench's store cannot be made; it takes an empty one: {}",
            said.trim()
        );
        Ok(site)
    }

    /// The folder of its store and media.
    pub fn data(&self) -> PathBuf {
        self.path("data")
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
        let mut child = Command::new(&self.program)
            .args(["serve", "--config"])
            .arg(self.path("posthouse.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let stdout = child.stdout.take().context("the gateway has no stdout")?;
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(PATIENCE, line).await??.unwrap_or_default();
        let start = began.elapsed();
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let text = |key: &str| ready.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(mm7), Some(carriers), Some(admin)) = (text("mm7"), text("carriers"), text("admin")) else {
            end(&mut child);
            bail!("the gateway did not start: {}", self.end_of_log());
        };
        Ok(Gateway { child, mm7, door: carriers.replace("{carrier}", CARRIER), admin, start })
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
        Used::of(self.child.id())
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
            used = so_far.or(used);
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

/// A loopback address at which nothing listens. Another process might take it before it is used.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn carrier_url(address: SocketAddr) -> String {
    format!("http://{address}/mm7")
}

/// The configuration of a gateway on a store in its folder, or on this one.
pub fn configuration(store: Option<&str>, media: Option<&str>) -> String {
    let media = media.unwrap_or("file://data/media");
    let store = match store {
        None => "url = \"sqlite://data/posthouse.db\"".to_owned(),
        Some(url) => {
            let password = environment(PASSWORD)
                .map_or_else(String::new, |_| format!("password = {{ env = {PASSWORD:?} }}\n"));
            format!("url = {url:?}\n{password}require_standbys = 0")
        }
    };
    format!("[store]\n{store}\n[media]\nurl = {media:?}\n{DOORS}")
}

const DOORS: &str = "\
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
