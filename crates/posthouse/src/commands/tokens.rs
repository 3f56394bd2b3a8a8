//! `posthouse tokens`: who may use the admin API, and what they may do.

use std::{process::ExitCode, time::Duration};

use jiff::Timestamp;
use posthouse_api::{IssuedToken, TokenRequest, TokenView};
use serde_json::json;

use crate::{print, times::duration, via::ViaArgs, wait::wait_for};

/// The arguments of `posthouse tokens`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a token for somebody, and print it this once
    Add(Add),
    /// List tokens, without their texts
    List(List),
    /// End a token at once
    Revoke(Revoke),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse tokens add ann --role support --expires 90d
  posthouse tokens add acme-portal --role vasp:acme
  posthouse tokens add prometheus --role viewer --json

Roles: viewer sees everything with numbers masked; support also sees whole numbers and mends single messages; operator also acts on many and steers the \
gateway; admin also changes provisioning, keys and tokens; vasp:NAME sees what is this account's, and nothing else. The store keeps a hash of the token: \
nobody can look it up later. See docs/api.md.")]
struct Add {
    #[command(flatten)]
    via: ViaArgs,
    /// Whose it is, as timelines and the audit tell it
    name: String,
    /// What it is good for: viewer, support, operator, admin, or vasp:ACCOUNT
    #[arg(long)]
    role: String,
    /// How long it is good, such as 90d; without, till it is revoked
    #[arg(long, value_name = "TIME", value_parser = duration)]
    expires: Option<Duration>,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse tokens list
  posthouse tokens list --json -c /etc/posthouse.toml")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse tokens revoke 3f9a01bc77 --reason \"ann left\"

`posthouse tokens list` has the ids.")]
struct Revoke {
    #[command(flatten)]
    via: ViaArgs,
    /// What it is called by
    id: String,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    wait_for(async {
        match &args.command {
            Command::Add(args) => args.run().await,
            Command::List(args) => args.run().await,
            Command::Revoke(args) => args.run().await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Add {
    async fn run(&self) -> anyhow::Result<()> {
        let expires_at = self.expires.map(|time| Timestamp::now().checked_add(time)).transpose()?;
        let request = TokenRequest { name: self.name.clone(), role: self.role.clone(), expires_at };
        let issued = self.via.ask(async |via| via.add_token(&request).await).await;
        let IssuedToken { view, token } = issued?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&IssuedToken { view, token })?;
            return Ok(());
        }
        writeln!(out, "{token}")?;
        let until = view.expires_at.map_or_else(|| "it is revoked".to_owned(), |until| format!("{until:.0}"));
        writeln!(
            print::stderr(),
            "{} is {} till {until}; keep the token: it is not shown again. To end it: posthouse tokens revoke {}",
            view.name,
            view.role,
            view.id
        )?;
        Ok(())
    }
}

impl List {
    async fn run(&self) -> anyhow::Result<()> {
        let tokens = self.via.ask(async |via| via.tokens().await).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "items": tokens }))?;
            return Ok(());
        }
        if tokens.is_empty() {
            writeln!(out, "there are no tokens; posthouse tokens add makes one")?;
        }
        for TokenView { id, name, role, expires_at, last_used, .. } in &tokens {
            let told = |time: &Option<Timestamp>| {
                time.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"))
            };
            writeln!(
                out,
                "{id}  {name:<20}  {role:<16}  expires {}  used {}",
                told(expires_at),
                told(last_used)
            )?;
        }
        Ok(())
    }
}

impl Revoke {
    async fn run(&self) -> anyhow::Result<()> {
        let revoked = self.via.ask(async |via| via.revoke_token(&self.id).await).await?;
        Ok(print::outcome(self.via.json, &revoked, format_args!("token {} is no good any more", revoked.id))?)
    }
}
