//! SeaweedFS as S3, for tests: a server of their own on free ports of loopback, which is stopped with them.
//!
//! `POSTHOUSE_WEED` names its binary (`.ci/run` installs one); otherwise `weed` is looked for in `PATH`. Where there is none, the tests that
//! need it say so in one line and pass.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{S3Credentials, S3Location};

/// How long a start may take.
const START: Duration = Duration::from_secs(60);
/// What it listens on: so far above a port is that of the same service for gRPC.
const GRPC: u16 = 10_000;
/// Who may do everything, and who may only read.
const IDENTITIES: &str = r#"{"identities":[
    {"name":"posthouse","credentials":[{"accessKey":"posthouse","secretKey":"secret-of-tests"}],
     "actions":["Admin","Read","List","Tagging","Write"]},
    {"name":"reader","credentials":[{"accessKey":"reader","secretKey":"secret-of-reader"}],"actions":["Read","List"]}]}"#;

/// A running server with a bucket `media`.
#[derive(Debug)]
pub struct SeaweedFs {
    binary: PathBuf,
    folder: PathBuf,
    /// Of master, volume, filer and S3.
    ports: [u16; 4],
    process: Option<Child>,
}

impl SeaweedFs {
    /// Starts one; `None`, after a line that says so, where there is no binary. Blocks for some seconds.
    pub fn start(test: &str) -> Option<Self> {
        let Some(binary) = binary() else {
            #[expect(clippy::print_stderr, reason = "a test says that it did not run")]
            {
                eprintln!("{test} did not run: there is no SeaweedFS; POSTHOUSE_WEED names its binary");
            }
            return None;
        };
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("posthouse-weed-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("identities.json"), IDENTITIES).unwrap();
        let mut server = Self { binary, folder, ports: free_ports(), process: None };
        server.go_on();
        server.make_bucket("media");
        Some(server)
    }

    /// Starts it again, after [`kill`](Self::kill), with what it had.
    pub fn go_on(&mut self) {
        let [master, volume, filer, s3] = self.ports;
        let log = || fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = with_this_thread(&self.binary);
        command
            .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-volume.max=50"])
            // Its own services for tables, whose ports others want.
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64"])
            .arg("-s3.autoCreateBucket=false")
            .arg(format!("-dir={}", self.folder.display()))
            .arg(format!("-s3.config={}", self.folder.join("identities.json").display()))
            .arg(format!("-master.port={master}"))
            .arg(format!("-volume.port={volume}"))
            .arg(format!("-filer.port={filer}"))
            .arg(format!("-s3.port={s3}"))
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log());
        self.process = Some(command.spawn().unwrap());
        let begun = Instant::now();
        while !(self.answers(s3) && self.answers(filer)) {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < START, "SeaweedFS does not start:\n{}", log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where its media lie, under a prefix, for who may do everything.
    pub fn location(&self, prefix: &str) -> S3Location {
        self.as_who(prefix, "posthouse", "secret-of-tests")
    }

    /// The same for who may only read.
    pub fn reader(&self, prefix: &str) -> S3Location {
        self.as_who(prefix, "reader", "secret-of-reader")
    }

    /// The same for whoever has these credentials.
    pub fn as_who(&self, prefix: &str, id: &str, secret: &str) -> S3Location {
        S3Location {
            bucket: "media".into(),
            prefix: prefix.into(),
            endpoint: Some(format!("http://127.0.0.1:{}", self.ports[3])),
            region: Some("us-east-1".into()),
            credentials: Some(S3Credentials::new(id.into(), secret.into())),
        }
    }

    /// Has it stand still: nothing is answered, and no connection closed.
    pub fn pause(&self) {
        self.signal("-STOP");
        // Its threads stop one after the other: one that has not would still answer.
        let id = self.process.as_ref().unwrap().id();
        let begun = Instant::now();
        let stands = |task: io::Result<fs::DirEntry>| {
            let status = fs::read_to_string(task.unwrap().path().join("status"));
            status.is_ok_and(|status| status.contains("State:\tT"))
        };
        while !fs::read_dir(format!("/proc/{id}/task")).unwrap().all(stands) {
            assert!(begun.elapsed() < START, "SeaweedFS does not stand still");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Has it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().unwrap();
        }
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().unwrap();
        assert!(Command::new("kill").arg(signal).arg(process.id().to_string()).status().unwrap().success());
    }

    /// Makes a bucket, by way of the filer.
    fn make_bucket(&self, name: &str) {
        let begun = Instant::now();
        let request = format!("POST /buckets/{name}/");
        while !ask(self.ports[2], &request).is_ok_and(|answer| answer.contains(" 201 ")) {
            assert!(begun.elapsed() < START, "the bucket cannot be made");
            thread::sleep(Duration::from_millis(50));
        }
        // And till there is room in it.
        while !ask(self.ports[0], "GET /dir/assign").is_ok_and(|answer| answer.contains("\"fid\"")) {
            assert!(begun.elapsed() < START, "no volume can be written");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn answers(&self, port: u16) -> bool {
        ask(port, "GET /").is_ok_and(|answer| answer.starts_with("HTTP/1.1"))
    }
}

impl Drop for SeaweedFs {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn binary() -> Option<PathBuf> {
    let named = std::env::var_os("POSTHOUSE_WEED").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    named
        .into_iter()
        .chain(std::env::split_paths(&path).map(|folder| folder.join("weed")))
        .find(|it| it.is_file())
}

/// A process that ends when the thread that starts it does, however that comes.
pub(super) fn with_this_thread(binary: &Path) -> Command {
    if Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok() {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(binary);
        return command;
    }
    Command::new(binary)
}

/// Four ports that nobody has, nor those for gRPC.
fn free_ports() -> [u16; 4] {
    let mut found = Vec::new();
    while found.len() < 4 {
        let port = free_port();
        let above = port.checked_add(GRPC).filter(|above| *above < 65_535);
        if above.is_some_and(is_free) && !found.contains(&port) {
            found.push(port);
        }
    }
    found.try_into().unwrap()
}

fn free_port() -> u16 {
    // Ports that the system gives to whoever asks for any may be taken by the time they are used: these are below.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + (std::process::id().wrapping_mul(97).wrapping_add(step.wrapping_mul(7))) % 9_000;
        let port = u16::try_from(port).unwrap();
        if is_free(port) {
            return port;
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn ask(port: u16, request: &str) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(64 << 10).read_to_string(&mut answer)?;
    Ok(answer)
}
