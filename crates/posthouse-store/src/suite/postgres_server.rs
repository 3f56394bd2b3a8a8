//! PostgreSQL for tests: a server of their own in a temporary folder, reached by a socket there, which is stopped and removed with the
//! process that started it, however that ends.
//!
//! `POSTHOUSE_PG_BIN` names the folder of its programs; otherwise Debian's is taken. Where there is none, the tests that need it say so in
//! one line and pass.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::bed;
use crate::postgres;

/// How long a start may take.
const START: Duration = Duration::from_secs(60);
/// Where Debian has it.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";
/// Whose processes these are where the tests are root's, as whom it does not run.
const USER: &str = "postgres";

/// A running server.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    guard: Option<Child>,
    template: OnceCell<()>,
}

impl PostgresServer {
    /// The one of this process, for tests that do not stop it.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PostgresServer>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    /// Starts one, with settings of its own (`name=value`); `None`, after a line that says so, where there is no PostgreSQL. Blocks for
    /// some seconds.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let programs = std::env::var_os("POSTHOUSE_PG_BIN").map_or_else(|| DEBIAN.into(), PathBuf::from);
        Self::start_of(&programs, settings)
    }

    /// The same of these programs.
    pub fn start_of(programs: &Path, settings: &[&str]) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !programs.join("initdb").is_file() {
            say_that_it_did_not_run(programs);
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("posthouse-pg-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        // Its own user makes what is in there.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let mut server =
            Self { programs: programs.to_owned(), folder, guard: None, template: OnceCell::new() };
        server.make();
        fs::write(server.folder.join("settings"), settings.join("\n")).unwrap();
        server.go_on();
        Some(server)
    }

    fn make(&self) {
        let mut initdb = as_user(&self.programs.join("initdb"));
        initdb.arg("-D").arg(self.data()).args([
            "-U",
            "posthouse",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ]);
        let made = initdb.current_dir("/").stdin(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it again, after [`kill`](Self::kill), with what it had.
    pub fn go_on(&mut self) {
        let mut server = as_user(&self.programs.join("postgres"));
        server.arg("-D").arg(self.data());
        let socket = format!("unix_socket_directories={}", self.folder.display());
        let own = fs::read_to_string(self.folder.join("settings")).unwrap_or_default();
        let common =
            [socket.as_str(), "listen_addresses=", "max_connections=300", "shared_buffers=64MB", "fsync=on"];
        for setting in common.into_iter().chain(own.lines()) {
            server.arg("-c").arg(setting);
        }
        // The shell outlives the test that kills it, and the test's process: its end closes the pipe.
        let script = r#"folder=$1; shift; "$@" >"$folder/log" 2>&1 </dev/null & server=$!
            echo $server >"$folder/pid"; cat >/dev/null; kill -QUIT $server 2>/dev/null; wait $server
            [ -e "$folder/keep" ] || rm -rf "$folder""#;
        let mut guard = Command::new("sh");
        guard.arg("-c").arg(script).arg("sh").arg(&self.folder);
        guard.arg(server.get_program()).args(server.get_args());
        guard.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        fs::remove_file(self.folder.join("keep")).ok();
        self.guard = Some(guard.spawn().unwrap());
        self.wait_till_it_answers();
    }

    fn wait_till_it_answers(&self) {
        let begun = Instant::now();
        loop {
            let ready = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-U", "posthouse", "-d", "postgres", "-h"])
                .arg(&self.folder)
                .status();
            if ready.is_ok_and(|ready| ready.success()) {
                return;
            }
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < START, "PostgreSQL does not start:\n{}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends all of its processes at once, as a power cut would.
    pub fn kill(&mut self) {
        fs::write(self.folder.join("keep"), "").unwrap();
        let postmaster = fs::read_to_string(self.folder.join("pid")).unwrap();
        let postmaster = postmaster.trim();
        // Its children notice by themselves, and end; their segment of shared memory has to be nobody's before another starts.
        for signal in ["-STOP", "-KILL"] {
            Command::new("kill").args([signal, postmaster]).status().unwrap();
        }
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            guard.wait().unwrap();
        }
    }

    /// Has it stand still: nothing is answered, and no connection closed.
    pub fn signal(&self, signal: &str) {
        let postmaster = fs::read_to_string(self.folder.join("pid")).unwrap();
        let postmaster = postmaster.trim();
        let children = Command::new("pgrep").args(["-P", postmaster]).output().unwrap();
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let all = children.split_whitespace().chain([postmaster]);
        Command::new("kill").arg(signal).args(all).status().unwrap();
    }

    /// The address of a database of it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=posthouse", self.folder.display())
    }

    /// Makes an empty database.
    pub async fn make_database(&self) -> String {
        let name = next_name();
        self.run("postgres", &format!("CREATE DATABASE {name}")).await;
        name
    }

    /// Makes a database with the tables of a store, and partitions for the days of the suite.
    pub async fn make_store(&self) -> String {
        self.template.get_or_init(|| self.make_template()).await;
        let name = next_name();
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE posthouse_template")).await;
        name
    }

    async fn make_template(&self) {
        self.run("postgres", "CREATE DATABASE posthouse_template").await;
        let days = [bed::at(0), Timestamp::now()];
        postgres::prepare(&self.url("posthouse_template"), &days).await.unwrap();
    }

    /// Runs statements.
    pub async fn run(&self, database: &str, statements: &str) {
        self.client(database).await.batch_execute(statements).await.unwrap();
    }

    /// A connection of its own.
    pub async fn client(&self, database: &str) -> tokio_postgres::Client {
        let url = self.url(database);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Removes a database, also with somebody in it. Blocks.
    pub fn drop_database(&self, name: &str) {
        let mut drop = Command::new(self.programs.join("dropdb"));
        drop.args(["--force", "--if-exists", "-U", "posthouse", "-h"]).arg(&self.folder).arg(name);
        drop.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        fs::remove_file(self.folder.join("keep")).ok();
        match self.guard.take() {
            Some(mut guard) => {
                drop(guard.stdin.take());
                guard.wait().ok();
            }
            None => drop(fs::remove_dir_all(&self.folder)),
        }
    }
}

fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("store_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn say_that_it_did_not_run(programs: &Path) {
    #[expect(clippy::print_stderr, reason = "a test says that it did not run")]
    {
        eprintln!(
            "tests on PostgreSQL did not run: there is no initdb in {}; POSTHOUSE_PG_BIN names its folder",
            programs.display()
        );
    }
}

/// A program as the server's user, where the tests are root's.
fn as_user(program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let (user, group) = (format!("--reuid={USER}"), format!("--regid={USER}"));
    command.args([user.as_str(), group.as_str(), "--init-groups"]).arg(program);
    command
}
