//! `posthouse services`: which account may send as what, and to whom.

use std::process::ExitCode;

use super::accounts::{change, service};
use crate::{complaints::provisioned, print, target::StoreArgs, via::Via, wait::wait_for};

/// The arguments of `posthouse services`.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  posthouse services
  posthouse services --account acme
  posthouse services --sender 111122            (whose short code is it?)"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    store: StoreArgs,
    /// Only this account's
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only those that may send as this
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Let a service send under one more address
    AddSender(Sender),
    /// Let a service send under an address no more
    RemoveSender(Sender),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse services add-sender acme 61295 333444
  posthouse services remove-sender acme 61295 111122

All else of the account stays as it is. In force within a second.")]
struct Sender {
    #[command(flatten)]
    store: StoreArgs,
    /// The account's name
    account: String,
    /// The service's VASID
    vasid: String,
    /// The SenderAddress: a short code, a number or a mail address
    sender: String,
}

fn set(args: &Sender, may: bool) -> anyhow::Result<ExitCode> {
    let Sender { store, account, vasid, sender } = args;
    let word = if may { "may" } else { "may not" };
    let done = format!("service {vasid} of account {account} {word} send as {sender}");
    change(store, &done, &format!("{done}: so it was already"), async |via| {
        via.set_sender(account, vasid, sender, may).await
    })
}

/// Prints them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Some(Command::AddSender(args)) => return set(args, true),
        Some(Command::RemoveSender(args)) => return set(args, false),
        None => {}
    }
    let settings = args.store.settings()?;
    let services = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let services = via.services(args.account.as_deref(), args.sender.as_deref()).await;
        via.close().await?;
        services
    });
    let Some(services) = provisioned(services)? else { return Ok(ExitCode::from(2)) };
    let mut out = print::stdout();
    if args.store.json {
        out.json(&serde_json::json!({ "items": services, "next": null }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if services.is_empty() {
        writeln!(out, "there is no such service")?;
    }
    for of_account in services.chunk_by(|one, next| one.account == next.account) {
        if let Some(first) = of_account.first() {
            writeln!(out, "account {}", first.account)?;
        }
        of_account.iter().try_for_each(|one| service(&mut out, one))?;
    }
    Ok(ExitCode::SUCCESS)
}
