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
mod completions;
mod demo;
mod doctor;
mod drain;
mod find;
mod layout;
mod lint;
mod listen;
mod lookup;
mod man;
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

use std::process::ExitCode;

use clap::Subcommand;

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
    /// Print what a shell needs to complete commands
    Completions(completions::Args),
    /// Write manual pages
    Man(man::Args),
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

/// What the program is, in a line.
pub const ABOUT: &str =
    "MM7 MMS gateway: takes MMS from VASPs, hands them to carriers, brings the reports back";

/// The program with all its commands, for what is written about them.
fn named() -> clap::Command {
    let program = clap::Command::new("posthouse").about(ABOUT).version(env!("CARGO_PKG_VERSION"));
    Command::augment_subcommands(program.propagate_version(true))
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
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Find(args) => find::run(&args),
        Command::Refusals(args) => refusals::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchCeiling(args) => bench::ceiling::run(&args),
    }
}
