//! `posthouse services`: which account may send as what, and to whom.

use std::process::ExitCode;

use super::{accounts::service, wait_for};
use crate::{print, target::StoreArgs, via::Via};

/// The arguments of `posthouse services`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse services
  posthouse services --account acme
  posthouse services --sender 111122            (whose short code is it?)")]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Only this account's
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only those that may send as this
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
}

/// Prints them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let services = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let services = via.services(args.account.as_deref(), args.sender.as_deref()).await;
        via.close().await?;
        services
    });
    let Some(services) = super::provisioned(services)? else { return Ok(ExitCode::from(2)) };
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
