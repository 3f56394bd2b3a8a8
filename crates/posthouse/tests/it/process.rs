//! Programs as people run them: child processes, ended with the test at the latest.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use posthouse_api::ApiClient;
use posthouse_gateway::admin::run_token;
use posthouse_testing::{
    settings,
    town::{self, Town},
};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that ends at once on a machine that has nothing else to do.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A folder with [`settings::TOML`] in `posthouse.toml`.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("posthouse.toml"), settings::TOML).unwrap();
    folder
}

/// `posthouse` with these arguments, to be run in this folder: the tests' own, or the one that `POSTHOUSE_PROGRAM` names.
pub fn posthouse(folder: &Path, arguments: &[&str]) -> Command {
    let own = || env!("CARGO_BIN_EXE_posthouse").into();
    let mut command = Command::new(env::var_os("POSTHOUSE_PROGRAM").unwrap_or_else(own));
    command.args(arguments).current_dir(folder).env("POSTHOUSE_LOG", "info");
    command
}

/// What `posthouse` with these arguments answers in this folder, by its `posthouse.toml`.
pub fn asked(folder: &Path, arguments: &[&str]) -> Output {
    posthouse(folder, arguments).args(["-c", "posthouse.toml"]).output().unwrap()
}

/// What it prints, where it ends well.
#[track_caller]
pub fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = asked(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A client of a town's API, with the token of its run.
pub fn client(town: &Town) -> ApiClient {
    let token = run_token::read(&run_token::token_file(&town.folder().join("posthouse.db"))).unwrap();
    ApiClient::new(&town.app.ready().admin, town::DEADLINE).with_token(&token)
}

/// Writes `posthouse.toml` into a town's folder, by which commands find its store.
pub fn configure(town: &Town) {
    let configuration = "[store]\nurl = \"sqlite://posthouse.db\"\n[media]\nurl = \"file://media\"\n";
    fs::write(town.folder().join("posthouse.toml"), configuration).unwrap();
}

/// Provisions what this TOML says, as operators do.
#[track_caller]
pub fn provision(folder: &Path, toml: &str) {
    fs::write(folder.join("provisioning.toml"), toml).unwrap();
    let applied =
        posthouse(folder, &["apply", "provisioning.toml", "-c", "posthouse.toml"]).output().unwrap();
    assert!(applied.status.success(), "{applied:?}");
}

/// A program that runs till it is told to stop.
pub struct Program {
    child: Child,
    stdout: mpsc::Receiver<String>,
    stderr: mpsc::Receiver<String>,
}

/// How a program ended, and what it had still to say.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
}

impl Program {
    /// Starts `posthouse` with these arguments in this folder.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(posthouse(folder, arguments))
    }

    /// Starts a command.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, stdout: lines(stdout), stderr: lines(stderr) }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line on stdout.
    #[track_caller]
    pub fn line(&self) -> String {
        self.line_or_end().unwrap_or_else(|| {
            let said: Vec<_> = self.stderr.try_iter().collect();
            panic!("no line on stdout, and none will come; on stderr: {said:#?}")
        })
    }

    /// Its next line on stdout, or `None` if it ends without one.
    #[track_caller]
    pub fn line_or_end(&self) -> Option<String> {
        match self.stdout.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let said: Vec<_> = self.stderr.try_iter().collect();
                panic!("it neither says anything on stdout nor ends; on stderr: {said:#?}")
            }
        }
    }

    /// The next of its lines on stderr that has this in it.
    #[track_caller]
    pub fn said(&self, what: &str) -> String {
        loop {
            match self.stderr.recv_timeout(DEADLINE) {
                Ok(line) if line.contains(what) => return line,
                Ok(_) => {}
                Err(error) => panic!("nothing about {what:?} on stderr: {error}"),
            }
        }
    }

    /// Sends it a signal: `TERM`, `INT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits till it has ended.
    #[track_caller]
    pub fn ended(self) -> Ended {
        self.ended_within(DEADLINE)
    }

    /// The same of one that may say nothing for longer.
    #[track_caller]
    pub fn ended_within(mut self, silence: Duration) -> Ended {
        // Both are closed when it ends, and not before.
        let stdout = rest(&self.stdout, silence);
        let stderr = rest(&self.stderr, silence);
        Ended { status: self.child.wait().unwrap(), stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

/// What comes till the end.
#[track_caller]
fn rest(lines: &mpsc::Receiver<String>, silence: Duration) -> Vec<String> {
    let mut rest = Vec::new();
    loop {
        match lines.recv_timeout(silence) {
            Ok(line) => rest.push(line),
            Err(RecvTimeoutError::Disconnected) => return rest,
            Err(RecvTimeoutError::Timeout) => panic!("it does not end; last it said: {rest:#?}"),
        }
    }
}

/// `posthouse serve` on the configuration of a folder, ready.
pub struct Gateway {
    pub program: Program,
    /// Where VASPs submit.
    pub mm7: String,
    /// Where carriers post; `{carrier}` stands for the carrier's id.
    pub carriers: String,
    /// Where operators look.
    pub admin: String,
}

impl Gateway {
    /// Starts it and waits for its first line.
    #[track_caller]
    pub fn start(folder: &Path) -> Self {
        Self::ready(Program::start(folder, &["serve", "-c", "posthouse.toml"]))
    }

    /// Waits for the first line of a gateway that was started.
    #[track_caller]
    pub fn ready(program: Program) -> Self {
        let ready: Value = serde_json::from_str(&program.line()).unwrap();
        let url = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self { mm7: url("mm7"), carriers: url("carriers"), admin: url("admin"), program }
    }
}
