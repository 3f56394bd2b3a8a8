//! `posthouse sandbox`: the inbox of a sandbox account, and what its handset writes.

use std::process::ExitCode;

use posthouse_api::{ApiClient, PreviewView, SandboxClear, SandboxDelivery, SandboxMessage};
use posthouse_core::counted::counted;
use serde_json::json;

use crate::{
    complaints::{of_api, provisioned},
    print, running,
    target::StoreArgs,
    wait::wait_for,
};

/// The arguments of `posthouse sandbox`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List what the handsets of a sandbox got, the newest first
    Messages(Messages),
    /// Have the handset write to the account
    Deliver(Deliver),
    /// Have the inbox begin anew; the messages stay where messages are
    Clear(Clear),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse sandbox messages --account acme-test
  posthouse sandbox messages --account acme-test --to 16175550100 --json")]
struct Messages {
    #[command(flatten)]
    store: StoreArgs,
    /// Whose sandbox; with a token of the account, it need not be said
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only to this number
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// The page behind this one: what `next` of the page before says
    #[arg(long, value_name = "MESSAGEID")]
    cursor: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=20))]
    limit: u16,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse sandbox deliver --account acme-test --from 16175550100 --text \"Yes\"

The account gets it as from any carrier, at its deliver_url; `posthouse mo show` follows it.")]
struct Deliver {
    #[command(flatten)]
    store: StoreArgs,
    /// Whose sandbox; with a token of the account, it need not be said
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The number of the handset
    #[arg(long, value_name = "NUMBER")]
    from: String,
    /// The short code or number of a service of the account; without one, the first it has
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// Subject
    #[arg(long)]
    subject: Option<String>,
    /// The text that it sends
    #[arg(long)]
    text: String,
}

#[derive(clap::Args)]
#[command(after_help = "Example: posthouse sandbox clear --account acme-test")]
struct Clear {
    #[command(flatten)]
    store: StoreArgs,
    /// Whose sandbox; with a token of the account, it need not be said
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// Does what was asked for.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let done = match &args.command {
        Command::Messages(messages) => messages.run(),
        Command::Deliver(deliver) => deliver.run(),
        Command::Clear(clear) => clear.run(),
    };
    Ok(provisioned(done.map_err(of_api))?.unwrap_or_else(|| ExitCode::from(2)))
}

async fn open(store: &StoreArgs) -> anyhow::Result<ApiClient> {
    running::required(&store.settings()?, &store.gateway).await
}

/// What a handset shows, a line each.
fn texts(shown: &PreviewView) -> Vec<String> {
    let subject = shown.subject.iter().map(|subject| format!("Subject: {subject}"));
    let parts = shown.slides.iter().flat_map(|slide| &slide.shows).chain(&shown.others);
    let parts = parts.map(|part| match &part.text {
        Some(text) => format!("{}: {text}", part.kind),
        None => format!("{} {} of {}", part.kind, part.content_type, counted(part.bytes, "byte")),
    });
    subject.chain(parts).collect()
}

impl Messages {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let page = wait_for(async {
            let (account, to) = (self.account.as_deref(), self.to.as_deref());
            let api = open(&self.store).await?;
            Ok(api.sandbox_messages(account, to, self.cursor.as_deref(), self.limit).await?)
        })?;
        let mut out = print::stdout();
        if self.store.json {
            out.json(&json!({ "messages": page.items, "next": page.next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            writeln!(out, "the inbox is empty")?;
        }
        for message in &page.items {
            let SandboxMessage { message_id, state, from, to, accepted_at, reason, shown } = message;
            let reason = reason.as_ref().map(|reason| format!("  {reason}")).unwrap_or_default();
            writeln!(out, "{message_id:<19}  {accepted_at:.0}  {state:<13}  {from} -> {to}{reason}")?;
            for line in shown.iter().flat_map(texts) {
                writeln!(out, "  {line}")?;
            }
        }
        if let Some(next) = page.next {
            writeln!(out, "there may be more: --cursor {next}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Deliver {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let Self { account, from, to, subject, text, .. } = self;
        let request = SandboxDelivery {
            account: account.clone(),
            from: from.clone(),
            to: to.clone(),
            subject: subject.clone(),
            text: text.clone(),
        };
        let done = wait_for(async { Ok(open(&self.store).await?.deliver_to_sandbox(&request).await?) })?;
        let mut out = print::stdout();
        match self.store.json {
            true => out.json(&done)?,
            false => writeln!(
                out,
                "{} is owed to account {}, for its service {}; posthouse mo show {} follows it",
                done.linked_id, done.account, done.vasid, done.linked_id
            )?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Clear {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let request = SandboxClear { account: self.account.clone() };
        let done = wait_for(async { Ok(open(&self.store).await?.clear_sandbox(&request).await?) })?;
        let mut out = print::stdout();
        match self.store.json {
            true => out.json(&done)?,
            false => writeln!(out, "the inbox of account {} begins at {:.0}", done.account, done.since)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
