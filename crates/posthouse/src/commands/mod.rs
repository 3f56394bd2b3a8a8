//! The commands. Each file holds the arguments of one (with its help text and an example) and what it does.

mod accounts;
mod apply;
mod audit;
mod backup;
mod bench;
mod blacklist;
mod callbacks;
mod captures;
mod carriers;
mod clock;
mod codes;
mod demo;
mod doctor;
mod drain;
mod find;
mod layout;
mod lint;
mod listen;
mod lookup;
mod messages;
mod migrate;
mod mo;
mod nodes;
mod numbers;
mod openapi;
mod operations;
mod plan;
mod provisioning;
mod queues;
mod refusals;
mod sandbox;
mod send;
mod serve;
mod services;
mod sessions;
mod simulate;
mod stats;
mod store;
mod tail;
mod tokens;
mod top;
mod users;

use std::{error::Error, fmt, pin::Pin, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::Subcommand;
use posthouse_api::{ApiError, ProblemCode, ProblemDetails};
use posthouse_gateway::config::ConfigErrors;
use posthouse_store::OpenError;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::logs;

/// Every command, in the order in which `--help` lists them.
#[derive(Subcommand)]
pub enum Command {
    /// Run the gateway
    Serve(serve::Args),
    /// Show the whole job: a gateway, carriers, a VASP, real MMS
    Demo(demo::Args),
    /// Show what a provisioning file would change
    Plan(plan::Args),
    /// Bring provisioning to what a file says
    Apply(apply::Args),
    /// See who changed provisioning, and take changes back
    Provisioning(provisioning::Args),
    /// List and show accounts, disable and enable them
    Accounts(accounts::Args),
    /// List and show carriers and their connections
    Carriers(carriers::Args),
    /// List services: which account may send as what, and to whom; add and remove senders
    Services(services::Args),
    /// Block and unblock numbers, see for whom one is blocked
    Blacklist(blacklist::Args),
    /// Add ranges from a list in CSV, or print them
    Ranges(numbers::Args),
    /// Say whose a number is, which rule decides it, and what would make it pass
    Lookup(lookup::Args),
    /// Send an MMS to a gateway, as a VASP does
    Send(Box<send::Args>),
    /// Take reports and messages from a gateway, as a VASP does
    Listen(listen::Args),
    /// Simulate carriers
    Simulate(simulate::Args),
    /// Say what is wrong with an MM7 request, and mend it
    Lint(lint::Args),
    /// Explain status codes and delivery statuses
    Codes(codes::Args),
    /// Look at all that a gateway needs, and say what to mend
    Doctor(doctor::Args),
    /// Show what time a gateway takes it to be, and say that the clock is right
    Clock(clock::Args),
    /// Take over what an SQLite store holds into PostgreSQL
    Migrate(migrate::Args),
    /// Look messages up; send them now, end them, send their reports again
    Messages(messages::Args),
    /// Show how much waits where, since when, and why it is not sent faster
    Queues(queues::Args),
    /// Show operations on many messages, start and cancel them
    Operations(operations::Args),
    /// Look up what came from carriers: messages from handsets, and reports without a message
    Mo(mo::Args),
    /// Show what is owed to VASPs and why it fails; send it again, pause and resume accounts
    Callbacks(callbacks::Args),
    /// Keep requests and answers of an account or a carrier for a while, to look at them
    Captures(captures::Args),
    /// Show the queues live, on a terminal
    Top(top::Args),
    /// Follow what happens to messages, and what is refused
    Tail(tail::Args),
    /// Show how it was in the last hours, and how the store is
    Stats(stats::Args),
    /// Look into the inbox of a sandbox account, and write as its handset
    Sandbox(sandbox::Args),
    /// Copy a store, also while a gateway runs on it
    Backup(backup::BackupArgs),
    /// Put a copy of a store back
    Restore(backup::RestoreArgs),
    /// Have a gateway take nothing new, while what it has goes out
    Drain(drain::Args),
    /// Have a gateway that was drained take new messages again
    Undrain(drain::Args),
    /// List the nodes that serve a store
    Nodes(nodes::Args),
    /// Set what a gateway logs, till it restarts
    LogLevel(nodes::LogLevelArgs),
    /// Say what version a store is of, and bring it up to date
    Store(store::Args),
    /// Make, list and revoke tokens of who may use the admin API
    Tokens(tokens::Args),
    /// Add, list and remove users of the pages, who sign in with a password
    Users(users::Args),
    /// See who is signed in at the pages, and end sessions
    Sessions(sessions::Args),
    /// See who changed what, and why
    Audit(audit::Args),
    /// Print the admin API as an OpenAPI document
    Openapi(openapi::Args),
    /// Find whatever has an id, a TransactionID or a number
    Find(find::Args),
    /// Show what VASPs were refused for, and what would put it right
    Refusals(refusals::Args),
    /// Measure how fast a gateway is on this machine
    Bench(Box<bench::Args>),
    /// The bare server that `bench` compares with
    #[command(hide = true)]
    BenchCeiling(bench::ceiling::Args),
}

/// Runs a command. `Err` is one sentence for stderr, `Ok` the exit code of a run that said all there was to say.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Provisioning(args) => provisioning::run(&args),
        Command::Accounts(args) => accounts::run(&args),
        Command::Carriers(args) => carriers::run(&args),
        Command::Services(args) => services::run(&args),
        Command::Blacklist(args) => blacklist::run(&args),
        Command::Ranges(args) => numbers::run(&args),
        Command::Lookup(args) => lookup::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Listen(args) => listen::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Codes(args) => codes::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Clock(args) => clock::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Messages(args) => messages::run(&args),
        Command::Queues(args) => queues::run(&args),
        Command::Operations(args) => operations::run(&args),
        Command::Mo(args) => mo::run(&args),
        Command::Callbacks(args) => callbacks::run(&args),
        Command::Captures(args) => captures::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Tail(args) => tail::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => backup::run_restore(&args),
        Command::Drain(args) => drain::run(&args, true),
        Command::Undrain(args) => drain::run(&args, false),
        Command::Nodes(args) => nodes::run(&args),
        Command::LogLevel(args) => nodes::run_log_level(&args),
        Command::Store(args) => store::run(&args),
        Command::Tokens(args) => tokens::run(&args),
        Command::Users(args) => users::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::Find(args) => find::run(&args),
        Command::Refusals(args) => refusals::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchCeiling(args) => bench::ceiling::run(&args),
    }
}

/// What was asked for; `None` where a filter names what is not provisioned, which is told.
fn provisioned<T>(asked: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.downcast_ref::<ProblemDetails>() {
            Some(problem) if problem.is(ProblemCode::NotProvisioned) => {
                complain(&error);
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

/// What a gateway told, where it refused something: other ways to it tell the same.
fn of_api(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<ApiError>() {
        Ok(ApiError::Refused(problem)) => (*problem).into(),
        Ok(error) => error.into(),
        Err(error) => error,
    }
}

/// Runs what has to wait for the network.
fn wait_for<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut done = None;
    run_till_done(Box::pin(async { done = Some(work.await) }))?;
    done.context("it was given up")?
}

/// The same behind a pointer: the runtime's loop is compiled once, and not for each command.
fn run_till_done(work: Pin<Box<dyn Future<Output = ()> + '_>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the asynchronous runtime cannot be started")?.block_on(work);
    Ok(())
}

/// A time as an argument: `250ms`, `10s`, `5m`, `72h`.
///
/// # Errors
/// A sentence that says what a time looks like.
fn duration(text: &str) -> Result<Duration, String> {
    posthouse_core::duration::parse(text)
        .ok_or_else(|| format!("{text:?} is no time; write it like \"250ms\", \"10s\", \"5m\" or \"72h\""))
}

/// The signals that ask a program to stop: Ctrl-C and SIGTERM.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From here on they do not end the process by themselves: to be called before anybody is told that it runs.
    fn expect() -> anyhow::Result<Self> {
        let expect = |kind| signal(kind).context("signals cannot be waited for");
        Ok(Self { interrupt: expect(SignalKind::interrupt())?, terminate: expect(SignalKind::terminate())? })
    }

    /// Waits for one of them.
    async fn asked(&mut self) {
        // Neither ends before the runtime does.
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Tells on stderr what went wrong: the error and its causes, in one line; the mistakes of a file, each in a line that
/// begins with file and line, as editors know to follow.
pub fn complain(error: &anyhow::Error) {
    logs::tell(&complaints(error));
}

/// The exit code of a command that failed: 2 where what it was told cannot be meant, as for arguments that cannot be understood; 3 where the
/// store is of an older version, which only `serve` and `store migrate` change.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let is_outdated =
        |cause: &(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(OpenError::Outdated { .. }));
    if error.chain().any(is_outdated) {
        return ExitCode::from(3);
    }
    let problem = error.chain().find_map(|cause| cause.downcast_ref::<ProblemDetails>());
    match problem.is_some_and(|problem| problem.is(ProblemCode::NotProvisioned)) {
        true => ExitCode::from(2),
        false => ExitCode::FAILURE,
    }
}

fn complaints(error: &anyhow::Error) -> Vec<String> {
    if let Some(ConfigErrors { mistakes }) = error.downcast_ref() {
        return mistakes.iter().map(ToString::to_string).collect();
    }
    match error.downcast_ref() {
        Some(Several(mistakes)) => mistakes.clone(),
        None => vec![match remedy_on_the_way(error) {
            Some(remedy) => format!("posthouse: {error:#}; {remedy}"),
            None => format!("posthouse: {error:#}"),
        }],
    }
}

/// What puts right that a gateway cannot be asked, in terms of the command line.
fn remedy_on_the_way(error: &anyhow::Error) -> Option<&'static str> {
    let problem = error.chain().find_map(|cause| cause.downcast_ref::<ProblemDetails>());
    let asked = error.chain().find_map(|cause| cause.downcast_ref::<ApiError>());
    let problem = problem.or_else(|| asked.and_then(ApiError::problem));
    if problem.is_some_and(|problem| problem.is(ProblemCode::Unauthorized)) {
        return Some("a command shows the token of --token, or of $POSTHOUSE_ADMIN_TOKEN");
    }
    match asked? {
        ApiError::Connect { .. } => Some(
            "look whether a gateway runs there: the first line that it prints says where its admin door is",
        ),
        ApiError::Broken { url, .. } if url.starts_with("http://") => Some(
            "where that door speaks TLS, write https://, and name the configuration that it runs with by -c",
        ),
        _ => None,
    }
}

/// The mistakes of a file, each a line that begins with file and line.
#[derive(Debug)]
struct Several(Vec<String>);

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Error for Several {}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_stands_in_the_way_of_a_gateway_has_a_remedy_of_the_command_line() {
        let source = || io::Error::other("it says").into();
        let broken = |url: &str| ApiError::Broken { url: url.to_owned(), source: source() };
        let refused = || ProblemDetails::new(ProblemCode::Unauthorized);
        for (error, expected) in [
            (
                ApiError::Connect { url: "u".into(), source: source() }.into(),
                Some("look whether a gateway runs"),
            ),
            (broken("http://g:1").into(), Some("write https://")),
            (broken("https://g:1").into(), None),
            (ApiError::Refused(Box::new(refused())).into(), Some("--token")),
            (anyhow::Error::from(refused()), Some("--token")),
            (anyhow::anyhow!("something else"), None),
        ] {
            let said = complaints(&error).remove(0);
            assert!(said.starts_with("posthouse: "), "{said}");
            match (expected, remedy_on_the_way(&error)) {
                (Some(expected), Some(remedy)) => {
                    assert!(remedy.contains(expected) && said.ends_with(remedy), "{said}")
                }
                (expected, remedy) => assert_eq!(expected, remedy, "{said}"),
            }
        }
    }
}
