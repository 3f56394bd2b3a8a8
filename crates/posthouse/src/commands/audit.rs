//! `posthouse audit`: who changed what, and why.

use std::process::ExitCode;

use jiff::Timestamp;
use posthouse_api::{AuditQuery, AuditRow};
use posthouse_core::moment::Moment;
use serde_json::json;

use super::messages::moment;
use crate::{
    complaints::window_of,
    print::{self, Printer},
    via::ViaArgs,
    wait::wait_for,
};

/// The most rows that one call lists.
const MOST: u16 = 1000;

/// The arguments of `posthouse audit`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse audit --since 24h
  posthouse audit --actor ann --verb requeue
  posthouse audit --target \"account acme\" --json
  posthouse audit --verb reveal --since 2026-11-29T02:00:00Z --until 2026-11-29T03:00:00Z

Every change that an operator makes is a row, written with the change itself: who, by which credential, from where, what it was before and after, and the \
reason that was given with --reason. A mistyped --verb is answered with those there are.")]
pub struct Args {
    #[command(flatten)]
    via: ViaArgs,
    /// Only what this user or principal did
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this, such as requeue, apply or reveal
    #[arg(long)]
    verb: Option<String>,
    /// Only what was done to this, as a row names it, such as "account acme"
    #[arg(long)]
    target: Option<String>,
    /// Only since this time: 30m, 2:00 (UTC) or 2026-11-29T02:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only before this time, likewise
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// The page behind this one: what the page before says
    #[arg(long, value_name = "NUMBER")]
    cursor: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    limit: u16,
}

/// Lists them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    wait_for(async {
        let (since, until) = window_of(args.since, args.until, Timestamp::now())?;
        let query = AuditQuery {
            actor: args.actor.clone(),
            verb: args.verb.clone(),
            target: args.target.clone(),
            since,
            until,
            cursor: args.cursor.clone(),
        };
        let page = args.via.ask(async |via| via.audit(&query, args.limit).await).await?;
        let mut out = print::stdout();
        if args.via.json {
            return Ok(out.json(&json!({ "items": page.items, "next": page.next }))?);
        }
        if page.items.is_empty() {
            writeln!(out, "nothing of the kind was done")?;
        }
        page.items.iter().try_for_each(|row| print_row(&mut out, row))?;
        if let Some(next) = page.next {
            writeln!(out, "there is more: --cursor {next}")?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn print_row(out: &mut Printer, row: &AuditRow) -> std::io::Result<()> {
    let AuditRow { at, actor, role, credential, address, verb, target, before, after, reason, .. } = row;
    let from = address.as_ref().map(|address| format!(" from {address}")).unwrap_or_default();
    writeln!(out, "{at:.0}  {actor} ({role}, {credential}{from})  {verb} {target}")?;
    match (before, after) {
        (Some(before), Some(after)) => writeln!(out, "    {before} -> {after}")?,
        (Some(was), None) => writeln!(out, "    was {was}")?,
        (None, Some(after)) => writeln!(out, "    {after}")?,
        (None, None) => {}
    }
    match reason {
        Some(reason) => writeln!(out, "    because: {reason}"),
        None => Ok(()),
    }
}
