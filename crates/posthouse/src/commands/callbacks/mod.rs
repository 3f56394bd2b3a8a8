//! `posthouse callbacks`: what is owed to VASPs, how its tries went, and the endpoints that it goes to.

mod endpoints;
mod list;
mod resend;
mod show;

use std::process::ExitCode;

use crate::wait::wait_for;

/// The arguments of `posthouse callbacks`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List what is owed to VASPs, and what failed for good
    List(list::List),
    /// Show one of them, with what the VASP said at each try
    Show(show::Show),
    /// Make it due at once, with all its tries anew
    Resend(Box<resend::ResendCallbacks>),
    /// Show the endpoint of each account: owed, oldest, failing since, last answer
    Endpoints(endpoints::Endpoints),
    /// Hold back what is owed to an account; nothing is lost
    Pause(endpoints::Pause),
    /// End a pause: what is owed goes out
    Resume(endpoints::Resume),
    /// Post a report on a message that never was, and show what the VASP answers
    Test(endpoints::Test),
}

/// Does what was asked for.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(list) => wait_for(list.run()),
        Command::Show(show) => wait_for(show.run()),
        Command::Resend(resend) => wait_for(resend.run()),
        Command::Endpoints(endpoints) => wait_for(endpoints.run()),
        Command::Pause(pause) => wait_for(pause.run()),
        Command::Resume(resume) => wait_for(resume.run()),
        Command::Test(test) => wait_for(test.run()),
    }
}
