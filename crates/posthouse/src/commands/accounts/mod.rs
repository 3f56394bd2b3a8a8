//! `posthouse accounts`: the VASPs that are provisioned.

mod keys;

use std::{io, process::ExitCode};

use posthouse_api::{AccountView, ChangeMade, ServiceView};

use crate::{
    print::{self, Printer},
    target::StoreArgs,
    via::Via,
    wait::wait_for,
};

/// The arguments of `posthouse accounts`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the accounts
    List(List),
    /// Show one account, with all that is provisioned of it but secrets
    Show(Show),
    /// Let an account send no more: its requests are refused by 2550
    Disable(Toggle),
    /// Let it send again
    Enable(Toggle),
    /// List, add and remove its keys: VASPIDs and passwords
    Keys(keys::KeysArgs),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse accounts list
  posthouse accounts list --json")]
struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse accounts show acme
  posthouse accounts show acme --json")]
struct Show {
    #[command(flatten)]
    store: StoreArgs,
    /// The account's name
    name: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse accounts disable acme --reason \"complaints of their subscribers\"
  posthouse accounts enable acme

All else of the account stays as it is, and messages that were accepted go on. In force within a second.")]
struct Toggle {
    #[command(flatten)]
    store: StoreArgs,
    /// The account's name
    name: String,
}

/// Does one of them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Disable(args) => toggle(args, false),
        Command::Enable(args) => toggle(args, true),
        Command::Keys(args) => keys::run(args),
    }
}

fn list(args: &List) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let accounts = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let accounts = via.accounts().await;
        via.close().await?;
        accounts
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&serde_json::json!({ "items": accounts, "next": null }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if accounts.is_empty() {
        writeln!(out, "no account is provisioned")?;
    }
    for AccountView { name, status, key_prefix, services, .. } in &accounts {
        let vasids: Vec<_> = services.iter().map(|service| service.vasid.as_str()).collect();
        writeln!(out, "{name:<20} {status:<9} key {key_prefix}…  services {}", vasids.join(" "))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &Show) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let account = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let account = via.account(&args.name).await;
        via.close().await?;
        account
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&account)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "account {} ({}), key {}…", account.name, account.status, account.key_prefix)?;
    account.services.iter().try_for_each(|one| service(&mut out, one))?;
    members(&mut out, "", &account.document, &["name", "vaspid", "status", "service"])?;
    Ok(ExitCode::SUCCESS)
}

fn toggle(args: &Toggle, enabled: bool) -> anyhow::Result<ExitCode> {
    let (name, word) = (&args.name, if enabled { "enabled" } else { "disabled" });
    change(
        &args.store,
        &format!("account {name} is {word}"),
        &format!("account {name} was {word} already"),
        async |via| via.set_enabled(name, enabled).await,
    )
}

/// Changes one thing, and says what came of it.
pub(super) fn change(
    store: &StoreArgs,
    done: &str,
    already: &str,
    work: impl AsyncFnOnce(&Via) -> anyhow::Result<ChangeMade>,
) -> anyhow::Result<ExitCode> {
    let settings = store.settings()?;
    let made = wait_for(async {
        let via = Via::open(&settings, &store.gateway).await?;
        let made = work(&via).await;
        via.close().await?;
        made
    })?;
    let mut out = print::stdout();
    match (store.json, made.changed) {
        (true, _) => out.json(&made)?,
        (false, true) => writeln!(out, "{done}; provisioning is at revision {}", made.revision)?,
        (false, false) => writeln!(out, "{already}")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One line for a service.
pub(super) fn service(out: &mut Printer, service: &ServiceView) -> io::Result<()> {
    let ServiceView { vasid, senders, carriers, default, .. } = service;
    let reach = match carriers {
        Some(carriers) if carriers.is_empty() => "no carrier".to_owned(),
        Some(carriers) => format!("carriers {}", carriers.join(" ")),
        None => "every carrier".to_owned(),
    };
    let default = if *default { ", by default" } else { "" };
    writeln!(out, "  service {vasid}: sends as {}, to {reach}{default}", senders.join(" "))
}

/// The members of a document, a line each, but for some.
pub(super) fn members(
    out: &mut Printer,
    place: &str,
    document: &serde_json::Value,
    but: &[&str],
) -> io::Result<()> {
    let Some(all) = document.as_object() else { return Ok(()) };
    for (key, value) in all.iter().filter(|(key, _)| !but.contains(&key.as_str())) {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        match value {
            serde_json::Value::Object(inner) if inner.len() == 1 && inner.contains_key("kept") => {
                writeln!(out, "  {place}: (hidden)")?;
            }
            serde_json::Value::Object(_) => members(out, &place, value, &[])?,
            serde_json::Value::String(text) => writeln!(out, "  {place}: {text}")?,
            serde_json::Value::Array(values) => {
                let values: Vec<_> = values
                    .iter()
                    .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
                    .collect();
                writeln!(out, "  {place}: {}", values.join(" "))?;
            }
            value => writeln!(out, "  {place}: {value}")?,
        }
    }
    Ok(())
}
