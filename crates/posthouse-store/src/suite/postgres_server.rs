//! PostgreSQL for tests: a server of their own in a temporary folder, reached by a socket there, which is stopped and removed with the
//! process that started it, however that ends.
//!
//! Tests that do not stop it share one, also those of other processes of the same program: where each test is a process, a server for each
//! would take longer than the tests. It is stopped some seconds after the last of them is gone.
//!
//! `POSTHOUSE_PG_BIN` names the folder of its programs; otherwise Debian's is taken. `POSTHOUSE_PG18_BIN` names that of PostgreSQL 18, on which
//! the suite runs as well. Where there is none, the tests that need it say so in one line and pass.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
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
/// Databases of tests are copies of this one.
const TEMPLATE: &str = "posthouse_template";
/// Where what is synced costs nothing, and how much room has to be there, in KiB.
const MEMORY: (&str, u64) = ("/dev/shm", 2 << 20);
/// Runs the server of one test. The shell outlives the test that kills it, and the test's process: its end closes the pipe.
const GUARD: &str = r#"folder=$1; shift; "$@" >"$folder/log" 2>&1 </dev/null & server=$!
    echo $server >"$folder/pid"; cat >/dev/null; kill -QUIT $server 2>/dev/null; wait $server
    [ -e "$folder/keep" ] || rm -rf "$folder""#;
/// Runs the server of many processes till nobody has held the file of its users for some seconds. Whoever comes has to get the other file
/// first, so that nobody comes while it is stopped.
const SHARED_GUARD: &str = r#"folder=$1; start=$2; users=$3; shift 3; "$@" >"$folder/log" 2>&1 </dev/null & server=$!
    echo $server >"$folder/pid"; idle=0
    while kill -0 $server 2>/dev/null; do
        sleep 1
        if flock -n -x "$users" true; then idle=$((idle + 1)); else idle=0; fi
        [ $idle -ge 5 ] || continue
        exec 9>>"$start"; flock 9
        if flock -n -x "$users" true; then kill -QUIT $server; wait $server; rm -rf "$folder" "$start" "$users"; exit; fi
        exec 9>&-; idle=0
    done"#;

/// A running server.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    guard: Option<Child>,
    /// Held as long as this process may use a server that others use too.
    users: Option<File>,
    template: OnceCell<()>,
}

impl PostgresServer {
    /// The one of all processes of this program, for tests that do not stop it.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PostgresServer>> = OnceLock::new();
        SHARED.get_or_init(|| Self::join(&programs())).as_ref()
    }

    /// The same of PostgreSQL 18.
    pub fn shared_18() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PostgresServer>> = OnceLock::new();
        SHARED.get_or_init(|| Self::join(&programs_18()?)).as_ref()
    }

    /// Starts one of PostgreSQL 18, as [`start`](Self::start) does.
    pub fn start_18(settings: &[&str]) -> Option<Self> {
        Self::start_of(&programs_18()?, settings)
    }

    /// Starts one, with settings of its own (`name=value`); `None`, after a line that says so, where there is no PostgreSQL. Blocks for
    /// some seconds.
    pub fn start(settings: &[&str]) -> Option<Self> {
        Self::start_of(&programs(), settings)
    }

    /// The server of these programs that all processes of this one's program share: the first starts it.
    fn join(programs: &Path) -> Option<Self> {
        if Command::new("flock").arg("--version").output().is_err() {
            return Self::start_of(programs, &[]);
        }
        if !programs.join("initdb").is_file() {
            say_that_it_did_not_run(programs);
            return None;
        }
        let folder = shared_folder(programs);
        let (start, users) = (folder.with_extension("start"), folder.with_extension("users"));
        let _only = locked(&start);
        let users_held = File::create(&users).unwrap();
        users_held.lock_shared().unwrap();
        let mut server = Self {
            programs: programs.to_owned(),
            folder,
            guard: None,
            users: Some(users_held),
            template: OnceCell::new(),
        };
        if !server.answers() {
            server.make_folder();
            server.make();
            let mut guard = server.guarded(SHARED_GUARD, &[&start, &users]);
            // Not to be stopped with the test that happens to be the first.
            server.guard = Some(guard.process_group(0).stdin(Stdio::null()).spawn().unwrap());
            server.wait_till_it_answers();
        }
        Some(server)
    }

    /// The same of these programs.
    pub fn start_of(programs: &Path, settings: &[&str]) -> Option<Self> {
        if !programs.join("initdb").is_file() {
            say_that_it_did_not_run(programs);
            return None;
        }
        let mut server = Self::in_folder_of_its_own(programs, &settings.join("\n"));
        server.make();
        server.go_on();
        Some(server)
    }

    fn in_folder_of_its_own(programs: &Path, settings: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = parent().join(format!("posthouse-pg-{}-{number}", std::process::id()));
        let programs = programs.to_owned();
        let server = Self { programs, folder, guard: None, users: None, template: OnceCell::new() };
        server.make_folder();
        fs::write(server.folder.join("settings"), settings).unwrap();
        server
    }

    /// A standby of this server under this name, which `synchronous_standby_names` may name. Blocks for some seconds.
    pub fn standby(&self, name: &str) -> Self {
        let settings = fs::read_to_string(self.folder.join("settings")).unwrap_or_default();
        let mut standby = Self::in_folder_of_its_own(&self.programs, &settings);
        let mut copy = as_user(&self.programs.join("pg_basebackup"));
        let from = format!("host={} user=posthouse application_name={name}", self.folder.display());
        copy.args([
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            "-d",
            &from,
        ]);
        copy.arg("-D").arg(standby.data());
        let copied = copy.current_dir("/").stdin(Stdio::null()).output().unwrap();
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        standby.go_on();
        standby
    }

    /// Makes a primary of a standby. Blocks till it takes writes.
    pub fn promote(&self) {
        let mut promote = as_user(&self.programs.join("pg_ctl"));
        promote.args(["promote", "--wait", "--timeout=60", "-D"]).arg(self.data());
        let promoted = promote.current_dir("/").stdin(Stdio::null()).output().unwrap();
        assert!(promoted.status.success(), "pg_ctl promote: {}", String::from_utf8_lossy(&promoted.stdout));
    }

    fn make_folder(&self) {
        fs::remove_dir_all(&self.folder).ok();
        fs::create_dir(&self.folder).unwrap();
        // Its own user makes what is in there.
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o777)).unwrap();
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
        fs::remove_file(self.folder.join("keep")).ok();
        let mut guard = self.guarded(GUARD, &[]);
        self.guard = Some(guard.stdin(Stdio::piped()).spawn().unwrap());
        self.wait_till_it_answers();
    }

    /// The server, run by a script of a shell.
    fn guarded(&self, script: &str, arguments: &[&Path]) -> Command {
        let mut server = as_user(&self.programs.join("postgres"));
        server.arg("-D").arg(self.data());
        let socket = format!("unix_socket_directories={}", self.folder.display());
        let own = fs::read_to_string(self.folder.join("settings")).unwrap_or_default();
        let common =
            [socket.as_str(), "listen_addresses=", "max_connections=300", "shared_buffers=64MB", "fsync=on"];
        for setting in common.into_iter().chain(own.lines()) {
            server.arg("-c").arg(setting);
        }
        let mut guard = Command::new("sh");
        guard.arg("-c").arg(script).arg("sh").arg(&self.folder).args(arguments);
        guard.arg(server.get_program()).args(server.get_args());
        guard.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        guard
    }

    fn answers(&self) -> bool {
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.args(["-q", "-U", "posthouse", "-d", "postgres", "-h"]).arg(&self.folder);
        ready.status().is_ok_and(|ready| ready.success())
    }

    fn wait_till_it_answers(&self) {
        let begun = Instant::now();
        loop {
            if self.answers() {
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

    /// Stops it as an operator does: whoever is connected is told. [`go_on`](Self::go_on) starts it again.
    pub fn stop(&mut self) {
        fs::write(self.folder.join("keep"), "").unwrap();
        let mut stop = as_user(&self.programs.join("pg_ctl"));
        stop.args(["stop", "--mode=fast", "--wait", "--timeout=60", "-D"]).arg(self.data());
        let stopped = stop.current_dir("/").stdin(Stdio::null()).output().unwrap();
        assert!(stopped.status.success(), "pg_ctl stop: {}", String::from_utf8_lossy(&stopped.stdout));
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

    /// The socket by which it is reached.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// The address of a database of it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=posthouse", self.folder.display())
    }

    /// The address of a database that is on this server, or on that one once it is promoted.
    pub fn url_with(&self, standby: &Self, database: &str) -> String {
        let host = |server: &Self| server.folder.display().to_string().replace('/', "%2F");
        format!("postgres://posthouse@{},{}/{database}", host(self), host(standby))
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
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await;
        name
    }

    /// Makes the template, unless another process has.
    async fn make_template(&self) {
        let lock = self.folder.join("template");
        let _only = tokio::task::spawn_blocking(move || locked(&lock)).await.unwrap();
        let found = "SELECT 1 FROM pg_database WHERE datname = $1";
        if self.client("postgres").await.query_opt(found, &[&TEMPLATE]).await.unwrap().is_some() {
            return;
        }
        let name = next_name();
        self.run("postgres", &format!("CREATE DATABASE {name}")).await;
        let days = [bed::at(0), Timestamp::now()];
        postgres::prepare(&self.url(&name), &days).await.unwrap();
        self.run("postgres", &format!("ALTER DATABASE {name} RENAME TO {TEMPLATE}")).await;
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
        if self.users.is_some() {
            return;
        }
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

/// A name that no other process of these tests gives.
fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("store_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Where the programs are.
fn programs() -> PathBuf {
    std::env::var_os("POSTHOUSE_PG_BIN").map_or_else(|| DEBIAN.into(), PathBuf::from)
}

/// Where those of PostgreSQL 18 are.
fn programs_18() -> Option<PathBuf> {
    static NAMED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let named = NAMED.get_or_init(|| {
        let named = std::env::var_os("POSTHOUSE_PG18_BIN").map(PathBuf::from);
        if named.is_none() {
            #[expect(clippy::print_stderr, reason = "a test says that it did not run")]
            {
                eprintln!(
                    "tests on PostgreSQL 18 did not run: POSTHOUSE_PG18_BIN names the folder of its initdb"
                );
            }
        }
        named
    });
    named.clone()
}

/// The folder of the server of this program, whose tables are those that it was built with.
fn shared_folder(programs: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    let own = std::env::current_exe().unwrap();
    let built = fs::metadata(&own).and_then(|own| own.modified()).unwrap();
    (programs, &own, built).hash(&mut hasher);
    parent().join(format!("posthouse-pg-{:016x}", hasher.finish()))
}

/// Where the folders of servers are: where what is synced costs nothing, if there is room.
fn parent() -> PathBuf {
    let (memory, least) = MEMORY;
    let free = Command::new("df").args(["--output=avail", "-k", memory]).output();
    let free = free.ok().and_then(|free| {
        String::from_utf8_lossy(&free.stdout).split_whitespace().last()?.parse::<u64>().ok()
    });
    if free.is_some_and(|free| free >= least) { memory.into() } else { std::env::temp_dir() }
}

/// A file that is this process's alone. Whoever had it before may have removed it.
fn locked(path: &Path) -> File {
    loop {
        let file = File::create(path).unwrap();
        file.lock().unwrap();
        match fs::metadata(path) {
            Ok(named) if named.ino() == file.metadata().unwrap().ino() => return file,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{}", path.display()),
        }
    }
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
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let (user, group) = (format!("--reuid={USER}"), format!("--regid={USER}"));
    command.args([user.as_str(), group.as_str(), "--init-groups"]).arg(program);
    command
}
