//! `posthouse accounts keys`: what an account's requests show: VASPIDs, and user names with passwords.

use std::{io::Read as _, process::ExitCode, time::Duration};

use anyhow::{Context as _, ensure};
use posthouse_api::{IssuedKey, KeyKind, KeyRequest, KeyView};

use crate::{
    print,
    times::{duration, seconds},
    via::ViaArgs,
    wait::wait_for,
};

/// The longest key that is read, in bytes.
const LONGEST: u64 = 4096;

/// The arguments of `posthouse accounts keys`.
#[derive(clap::Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(clap::Subcommand)]
enum KeysCommand {
    /// List its keys, without their texts, and when each was last used
    List(ListKeys),
    /// Give it a new key, and keep the one before good for a while
    Add(AddKey),
    /// End a key that is good beside its own
    Remove(RemoveKey),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse accounts keys list acme
  posthouse accounts keys list acme --json")]
struct ListKeys {
    #[command(flatten)]
    via: ViaArgs,
    /// The account
    account: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse accounts keys add acme --overlap 7d
  posthouse accounts keys add acme --password --overlap 12h --json
  posthouse accounts keys add acme --overlap 0s --stdin < key.txt

The key is made, and printed this once; the store keeps a hash. It is the account's own from then on, in force within a second; the one before, and others of \
its kind, are good till --overlap is over, or without it till they are removed. A provisioning file that is applied later says which keys there are: \
write the new one there, or `vaspid = { kept = true }`.")]
struct AddKey {
    #[command(flatten)]
    via: ViaArgs,
    /// The account
    account: String,
    /// A user name and password, and not a VASPID
    #[arg(long)]
    password: bool,
    /// The user name; without, the one before
    #[arg(long, requires = "password", value_name = "NAME")]
    username: Option<String>,
    /// How long the ones before stay good, such as 7d; 0s ends them at once
    #[arg(long, value_name = "TIME", value_parser = duration)]
    overlap: Option<Duration>,
    /// Read the key from standard input, and do not make one
    #[arg(long)]
    stdin: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse accounts keys remove acme 3f9a01bc77

KEY is an id of `posthouse accounts keys list`, or the characters that it shows of a VASPID. The key that the account goes by cannot be removed: add another \
one, which takes its place.")]
struct RemoveKey {
    #[command(flatten)]
    via: ViaArgs,
    /// The account
    account: String,
    /// The key
    key: String,
}

/// Does one of them.
pub(super) fn run(args: &KeysArgs) -> anyhow::Result<ExitCode> {
    wait_for(async {
        match &args.command {
            KeysCommand::List(args) => args.run().await,
            KeysCommand::Add(args) => args.run().await,
            KeysCommand::Remove(args) => args.run().await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl ListKeys {
    async fn run(&self) -> anyhow::Result<()> {
        let keys = self.via.ask(async |via| via.keys(&self.account).await).await;
        let (keys, mut out) = (keys?, print::stdout());
        if self.via.json {
            out.json(&serde_json::json!({ "items": keys, "next": null }))?;
            return Ok(());
        }
        for key in &keys {
            writeln!(out, "{}", line(key))?;
        }
        Ok(())
    }
}

fn line(key: &KeyView) -> String {
    let what = match (&key.prefix, &key.username) {
        (Some(prefix), _) => format!("VASPID {prefix}…"),
        (None, Some(username)) => format!("password of {username}"),
        (None, None) => "password".to_owned(),
    };
    let own = if key.own { ", its own" } else { "" };
    let until = key.until.map(|until| format!(", until {}", seconds(until))).unwrap_or_default();
    let used = key.last_used.map_or("not used yet".to_owned(), |used| format!("last used {}", seconds(used)));
    format!("{:<12} {what}{own}{until}; {used}", key.id)
}

impl AddKey {
    async fn run(&self) -> anyhow::Result<()> {
        let request = KeyRequest {
            kind: if self.password { KeyKind::Password } else { KeyKind::Vaspid },
            value: self.stdin.then(read).transpose()?,
            username: self.username.clone(),
            overlap: self.overlap.map(posthouse_core::duration::show),
        };
        let issued = self.via.ask(async |via| via.add_key(&self.account, &request).await).await;
        let (issued, mut out) = (issued?, print::stdout());
        if self.via.json {
            out.json(&issued)?;
            return Ok(());
        }
        let IssuedKey { key, value, revision } = &issued;
        writeln!(out, "{}", line(key))?;
        if let Some(value) = value {
            writeln!(out, "{value}")?;
            writeln!(out, "this is the only time that it is shown")?;
        }
        writeln!(out, "provisioning is at revision {revision}")?;
        Ok(())
    }
}

/// A key from standard input: its first line.
fn read() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_string(&mut text)
        .context("standard input cannot be read")?;
    let key = text.lines().next().unwrap_or_default().to_owned();
    ensure!(!key.is_empty(), "standard input has no key; write it in its first line");
    Ok(key)
}

impl RemoveKey {
    async fn run(&self) -> anyhow::Result<()> {
        let changed = self.via.ask(async |via| via.remove_key(&self.account, &self.key).await).await;
        let (changed, mut out) = (changed?, print::stdout());
        match self.via.json {
            true => out.json(&changed)?,
            false => writeln!(
                out,
                "{} is no key of account {} any more; provisioning is at revision {}",
                self.key, self.account, changed.revision
            )?,
        }
        Ok(())
    }
}
