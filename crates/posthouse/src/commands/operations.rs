//! `posthouse operations`, and what plans them: `posthouse messages resubmit` and `reroute`.

use std::{io, process::ExitCode};

use anyhow::bail;
use posthouse_api::{OperationRequest, OperationView};
use posthouse_core::counted::counted;
use serde_json::json;

use crate::{
    print::{self, Printer},
    via::ViaArgs,
    wait::wait_for,
};

/// The arguments of `posthouse operations`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List operations, the newest first
    List(List),
    /// Show one: what it is about, and how far it has come
    Show(Show),
    /// Start one that was planned
    Start(Start),
    /// End one; what was done stays done
    Cancel(Cancel),
}

#[derive(clap::Args)]
#[command(after_help = "Example: posthouse operations list --limit 5")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
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
  posthouse operations show 193276640346177536
  posthouse operations show 193276640346177536 --items      (what came of each message)")]
struct Show {
    #[command(flatten)]
    via: ViaArgs,
    /// The operation
    id: String,
    /// Also what came of each message
    #[arg(long)]
    items: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse operations start 193276640346177536 --expect-count 13277 --reason \"vzw-1 lost them\"

It is started only if it is about as many messages as you expect. Above 10,000 a reason is needed. A gateway carries it out, \
100 messages at a time, and goes on with it after a restart.")]
struct Start {
    #[command(flatten)]
    via: ViaArgs,
    /// The operation
    id: String,
    /// How many messages it is about, as planning said
    #[arg(long, value_name = "N")]
    expect_count: u64,
}

#[derive(clap::Args)]
#[command(after_help = "Example: posthouse operations cancel 193276640346177536")]
struct Cancel {
    #[command(flatten)]
    via: ViaArgs,
    /// The operation
    id: String,
}

/// Does what was asked for.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(list) => wait_for(list.run()),
        Command::Show(show) => wait_for(show.run()),
        Command::Start(start) => wait_for(start.run()),
        Command::Cancel(cancel) => wait_for(cancel.run()),
    }
}

impl List {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let page = self.via.open().await?.operations(self.cursor.clone(), self.limit).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "operations": page.items, "next": page.next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for one in &page.items {
            let OperationView { operation_id, verb, state, count, done, by, .. } = one;
            let at = one.created_at.strftime("%Y-%m-%d %H:%M:%SZ");
            writeln!(out, "{operation_id:<19}  {at}  {state:<9}  {verb} of {count}: {done} done  by {by}")?;
        }
        if page.items.is_empty() {
            writeln!(out, "there is none")?;
        } else if let Some(next) = page.next {
            writeln!(out, "there may be more: --cursor {next}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let Some(operation) = via.operation(&self.id).await? else {
            bail!("there is no operation {}; `posthouse operations list` shows those there are", self.id);
        };
        let items = if self.items { via.operation_items(&self.id).await? } else { Vec::new() };
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "operation": operation, "items": items }))?;
            return Ok(ExitCode::SUCCESS);
        }
        tell(&mut out, &operation)?;
        for item in &items {
            let new = item.new_message_id.as_ref().map(|new| format!(" as {new}")).unwrap_or_default();
            writeln!(out, "{:<19}  {}{new}", item.message_id, item.outcome)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Start {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let operation =
            self.via.ask(async |via| via.start_operation(&self.id, self.expect_count).await).await?;
        told(&self.via, &operation)
    }
}

impl Cancel {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let operation = self.via.ask(async |via| via.cancel_operation(&self.id).await).await?;
        told(&self.via, &operation)
    }
}

/// Plans an operation; with `start`, starts it as well.
pub async fn plan(via_args: &ViaArgs, request: &OperationRequest, start: bool) -> anyhow::Result<ExitCode> {
    let via = via_args.open().await?;
    let mut operation = via.plan_operation(request).await?;
    if start {
        operation = via.start_operation(&operation.operation_id, operation.count).await?;
    }
    via.close().await?;
    told(via_args, &operation)
}

fn told(via: &ViaArgs, operation: &OperationView) -> anyhow::Result<ExitCode> {
    let mut out = print::stdout();
    match via.json {
        true => out.json(operation)?,
        false => tell(&mut out, operation)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &mut Printer, operation: &OperationView) -> io::Result<()> {
    let OperationView { operation_id, verb, state, count, judged, by, .. } = operation;
    let about = counted(*count, "message");
    match operation.dry_run {
        true => writeln!(out, "dry run        {verb} of {about}")?,
        false => writeln!(out, "operation      {operation_id}: {verb} of {about}, {state}, by {by}")?,
    }
    if let Some(reason) = &operation.reason {
        writeln!(out, "reason         {reason}")?;
    }
    if let Some(via) = &operation.via {
        writeln!(out, "via            {via}")?;
    }
    if operation.state == "planned" {
        let left: u64 = operation.would_leave_alone.values().sum();
        writeln!(out, "would do       {} of {judged} that were looked at", judged.saturating_sub(left))?;
        for (why, count) in &operation.would_leave_alone {
            writeln!(out, "would leave    {count} {why}")?;
        }
        writeln!(out, "first          {}", operation.first.join(" "))?;
        if operation.dry_run {
            return writeln!(
                out,
                "nothing was done and nothing is planned; without --dry-run it is planned, with --yes it is started"
            );
        }
        return writeln!(
            out,
            "nothing was done; posthouse operations start {operation_id} --expect-count {count} starts it"
        );
    }
    writeln!(out, "looked at      {}", operation.looked_at)?;
    writeln!(out, "done           {}", operation.done)?;
    for (why, count) in &operation.left_alone {
        writeln!(out, "left alone     {count} {why}")?;
    }
    Ok(())
}
