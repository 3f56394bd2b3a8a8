//! `posthouse blacklist`: numbers that get nothing.

use std::process::ExitCode;

use posthouse_api::BlacklistEntry;
use posthouse_core::provisioning::csv::NumberList;

use super::{accounts::change, numbers};
use crate::{print, target::StoreArgs, via::Via, wait::wait_for};

/// The arguments of `posthouse blacklist`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the numbers that are blocked, and for whom
    List(List),
    /// Say for whom a number is blocked
    Show(Show),
    /// Block a number: it gets nothing any more
    Add(Block),
    /// Unblock a number
    Remove(Block),
    /// Block the numbers of a list in CSV: a million in half a minute
    Import(numbers::ImportNumbers),
    /// Print all of it as CSV, with whole numbers
    Export(numbers::ExportNumbers),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse blacklist list
  posthouse blacklist list --account acme --limit 1000 --json
  posthouse blacklist list --cursor 16175550199,acme      (the next page)

By number, whole. `posthouse blacklist export` prints all of it as CSV, to be imported again. The exit code is 2 where an account is named \
that is not provisioned.")]
struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Only the entries of this account; those for every account are left out
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The page behind this one: what `next` of the page before says
    #[arg(long)]
    cursor: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse blacklist show 16175550199
  posthouse blacklist show \"+1 617 555-0199\" --json

Exit code 1: the number is not blocked.")]
struct Show {
    #[command(flatten)]
    store: StoreArgs,
    /// The number, in any spelling
    number: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse blacklist add 16175550199 --reason \"asked us to\"
  posthouse blacklist add \"+1 617 555-0199\" --account acme
  posthouse blacklist remove 16175550199

In force within a second. A number that is blocked for every account and for one by itself has two entries, each of its own.")]
struct Block {
    #[command(flatten)]
    store: StoreArgs,
    /// The number, in any spelling
    number: String,
    /// Only for this account; left out: for every account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// Does one of them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Add(args) => block(args, true),
        Command::Remove(args) => block(args, false),
        Command::Import(args) => numbers::import(args, NumberList::Blacklist),
        Command::Export(args) => numbers::export(args, NumberList::Blacklist),
    }
}

fn block(args: &Block, blocked: bool) -> anyhow::Result<ExitCode> {
    let Block { number, account, store } = args;
    let whom = account.as_ref().map_or("every account".to_owned(), |account| format!("account {account}"));
    let word = if blocked { "blocked" } else { "unblocked" };
    change(
        store,
        &format!("{number} is {word} for {whom}"),
        &format!("{number} was {word} for {whom} already"),
        async |via| via.set_blocked(number, account.as_deref(), blocked).await,
    )
}

fn list(args: &List) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let page = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let page = via.blacklist(args.account.as_deref(), args.cursor.clone(), args.limit).await;
        via.close().await?;
        page
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in &page.items {
        writeln!(out, "{}", line(entry))?;
    }
    match (page.next, &args.account) {
        (Some(next), _) => writeln!(out, "there may be more: --cursor {next}")?,
        (None, Some(account)) if page.items.is_empty() => {
            writeln!(out, "no number is blocked for account {account} alone")?;
        }
        (None, None) if page.items.is_empty() => writeln!(out, "no number is blocked")?,
        (None, _) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// For whom a number is blocked.
fn line(BlacklistEntry { number, account }: &BlacklistEntry) -> String {
    match account {
        Some(account) => format!("{number} is blocked for account {account}"),
        None => format!("{number} is blocked for every account"),
    }
}

fn show(args: &Show) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let entries = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let entries = via.blacklisted(&args.number).await;
        via.close().await?;
        entries
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&serde_json::json!({ "items": entries, "next": null }))?;
    } else if entries.is_empty() {
        writeln!(out, "{} is not blocked", args.number)?;
    } else {
        for entry in &entries {
            writeln!(out, "{}", line(entry))?;
        }
    }
    Ok(if entries.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
