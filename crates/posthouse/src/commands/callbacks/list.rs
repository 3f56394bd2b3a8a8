//! `posthouse callbacks list`.

use std::process::ExitCode;

use posthouse_api::{CallbackQuery, CallbackView};
use posthouse_core::counted::counted;
use serde_json::json;

use crate::{print, times::seconds, via::ViaArgs};

/// The most that one call lists.
const MOST: u16 = 1000;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse callbacks list --account acme --state failed
  posthouse callbacks list --message 191642196911325184
  posthouse callbacks list --cursor 191642196911325999      (the next page)

What was delivered is not here: it is on the timeline of its message.")]
pub(super) struct List {
    #[command(flatten)]
    via: ViaArgs,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only from this carrier, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only about this message, by MessageID, or this one from a handset, by LinkedID
    #[arg(long, value_name = "MESSAGEID")]
    message: Option<String>,
    /// Only reports, only messages from handsets (mo), or only read-replies
    #[arg(long, value_parser = ["reports", "mo", "read-replies"])]
    only: Option<String>,
    /// Only what is still owed, or only what failed for good
    #[arg(long, value_parser = ["owed", "failed"])]
    state: Option<String>,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    limit: u16,
}

impl List {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let query = CallbackQuery {
            account: self.account.clone(),
            carrier: self.carrier.clone(),
            message_id: self.message.clone(),
            only: self.only.clone(),
            state: self.state.clone(),
            ..CallbackQuery::default()
        };
        let page = via.callbacks(&query, self.cursor.clone(), self.limit).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "callbacks": page.items, "next": page.next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for callback in &page.items {
            writeln!(out, "{}", line(callback))?;
        }
        if page.items.is_empty() {
            writeln!(out, "nothing matches")?;
        } else if let Some(next) = page.next {
            writeln!(out, "there may be more: --cursor {next}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A callback on one line.
pub(super) fn line(callback: &CallbackView) -> String {
    let CallbackView { callback_id, message_id, says, account, owed_since, state, tries, .. } = callback;
    let next = match callback.next_try {
        Some(next) => format!(", next try {}", seconds(next)),
        None => String::new(),
    };
    let since = seconds(*owed_since);
    format!(
        "{callback_id:<19}  {since}  {state:<8}  {says:<13}  to {account}  about {message_id}  {} failed{next}",
        counted(*tries, "try"),
    )
}
