//! `posthouse mo`: messages from handsets, those that were for nobody, and reports whose message is not known.

use std::process::ExitCode;

use anyhow::bail;
use posthouse_api::{MoQuery, MoView, UnmatchedQuery};
use serde_json::json;

use crate::{print, times::seconds, via::ViaArgs, wait::wait_for};

/// The arguments of `posthouse mo`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List messages from handsets, the newest first
    List(List),
    /// Show one of them
    Show(Show),
    /// Make one owed to its VASP once more, also if it was delivered
    Resend(Resend),
    /// List messages from handsets that were for nobody, and so were refused
    ForNobody(ForNobody),
    /// List reports and read replies whose message is not known
    UnmatchedReports(Unmatched),
}

/// How much of a list is shown.
#[derive(clap::Args)]
struct Page {
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse mo list --account acme
  posthouse mo list --from 16175550100

Numbers are masked; `posthouse mo show` shows them whole.")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only from this carrier, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only from this sender, in any spelling of the number
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    #[command(flatten)]
    page: Page,
}

#[derive(clap::Args)]
#[command(after_help = "Example: posthouse mo show 192690096091168768")]
struct Show {
    #[command(flatten)]
    via: ViaArgs,
    /// Its LinkedID, which the log has as id
    id: String,
}

#[derive(clap::Args)]
#[command(after_help = "Example: posthouse mo resend 192690096091168768")]
struct Resend {
    #[command(flatten)]
    via: ViaArgs,
    /// Its LinkedID
    id: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse mo for-nobody --carrier 31003

No service has such a short code or number among its senders: the carrier was answered 2002. Of each carrier the newest 1,000 are \
kept, without content.")]
struct ForNobody {
    #[command(flatten)]
    via: ViaArgs,
    /// Only from this carrier, by its id
    #[arg(long)]
    carrier: Option<String>,
    #[command(flatten)]
    page: Page,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse mo unmatched-reports --carrier 31003
  posthouse mo unmatched-reports 17                      (one of them, with whole numbers)

A report that names a message which is not known is kept, and applied as soon as it is.")]
struct Unmatched {
    #[command(flatten)]
    via: ViaArgs,
    /// This one, by its number
    number: Option<i64>,
    /// Only from this carrier, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only under this MessageID of the carrier's
    #[arg(long, value_name = "ID")]
    carrier_message_id: Option<String>,
    /// Only about this recipient, in any spelling of the number
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    #[command(flatten)]
    page: Page,
}

/// Does what was asked for.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(list) => wait_for(list.run()),
        Command::Show(show) => wait_for(show.run()),
        Command::Resend(resend) => wait_for(resend.run()),
        Command::ForNobody(for_nobody) => wait_for(for_nobody.run()),
        Command::UnmatchedReports(unmatched) => wait_for(unmatched.run()),
    }
}

/// The end of a list.
fn end(out: &mut print::Printer, is_empty: bool, next: Option<&str>) -> std::io::Result<()> {
    match next {
        _ if is_empty => writeln!(out, "nothing matches"),
        Some(next) => writeln!(out, "there may be more: --cursor {next}"),
        None => Ok(()),
    }
}

impl List {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let query = MoQuery {
            account: self.account.clone(),
            carrier: self.carrier.clone(),
            from: self.from.clone(),
            ..MoQuery::default()
        };
        let page = self.via.open().await?.mos(&query, self.page.cursor.clone(), self.page.limit).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "mo": page.items, "next": page.next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for MoView { linked_id, received_at, account, carrier, sender, recipients, state, .. } in &page.items
        {
            let (at, to) = (seconds(*received_at), recipients.join(" "));
            writeln!(
                out,
                "{linked_id:<19}  {at}  {state:<7}  {sender} -> {to}  for {account}  carrier {carrier}"
            )?;
        }
        end(&mut out, page.items.is_empty(), page.next.as_deref())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let Some(mo) = self.via.open().await?.mo(&self.id, true).await? else {
            bail!(
                "there is no message {} from a handset; `posthouse mo list` shows those there are",
                self.id
            );
        };
        tell(&self.via, &mo)
    }
}

impl Resend {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let mo = self.via.ask(async |via| via.resend_mo(&self.id).await).await?;
        tell(&self.via, &mo)
    }
}

fn tell(via: &ViaArgs, mo: &MoView) -> anyhow::Result<ExitCode> {
    let mut out = print::stdout();
    if via.json {
        out.json(mo)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "LinkedID       {}", mo.linked_id)?;
    writeln!(out, "state          {}", mo.state)?;
    writeln!(out, "account        {}, VASID {}", mo.account, mo.vasid)?;
    writeln!(out, "from, to       {}, {}", mo.sender, mo.recipients.join(" "))?;
    writeln!(out, "carrier        {}, its TransactionID {}", mo.carrier, mo.transaction_id)?;
    writeln!(out, "received       {}", seconds(mo.received_at))?;
    let types: Vec<_> = mo.parts.iter().map(|part| part.content_type.as_str()).collect();
    writeln!(out, "content        {}", types.join(", "))?;
    if let Some(callback) = &mo.callback_id {
        writeln!(out, "callback       {callback}; posthouse callbacks show {callback}")?;
    }
    if !mo.odd.is_empty() {
        writeln!(out, "odd            {}", mo.odd)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl ForNobody {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let page = via.for_nobody(self.carrier.as_deref(), self.page.cursor.clone(), self.page.limit).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "for_nobody": page.items, "next": page.next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for one in &page.items {
            let sender = one.sender.as_deref().unwrap_or("unknown");
            let at = seconds(one.received_at);
            writeln!(
                out,
                "{:<8}  {at}  carrier {}  {sender} -> {}",
                one.number, one.carrier, one.recipients
            )?;
        }
        end(&mut out, page.items.is_empty(), page.next.as_deref())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Unmatched {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let page = match self.number {
            Some(number) => match via.unmatched_report(number, true).await? {
                Some(one) => posthouse_api::PageOf { items: vec![one], next: None },
                None => bail!("no report {number} waits for its message"),
            },
            None => {
                let query = UnmatchedQuery {
                    carrier: self.carrier.clone(),
                    carrier_message_id: self.carrier_message_id.clone(),
                    to: self.to.clone(),
                    ..UnmatchedQuery::default()
                };
                via.unmatched(&query, self.page.cursor.clone(), self.page.limit).await?
            }
        };
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "unmatched_reports": page.items, "next": page.next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for one in &page.items {
            let (at, to) = (seconds(one.received_at), one.recipient.as_deref().unwrap_or("unknown"));
            let (number, carrier, id, said) = (one.number, &one.carrier, &one.carrier_message_id, &one.said);
            writeln!(out, "{number:<8}  {at}  carrier {carrier}  {id}  {} {to}: {said}", one.kind)?;
        }
        end(&mut out, page.items.is_empty(), page.next.as_deref())?;
        Ok(ExitCode::SUCCESS)
    }
}
