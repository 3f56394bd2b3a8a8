//! `posthouse migrate`: what an SQLite store holds is taken over into PostgreSQL.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::Context as _;
use posthouse_core::counted::counted;
use posthouse_gateway::config::Settings;
use posthouse_store::{MediaPlace, StorePlace, StoreUrl, TransferProgress, take_back, take_over};
use serde_json::json;

use crate::{print, progress::ProgressLine, target::environment, wait::wait_for};

/// The arguments of `posthouse migrate`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse migrate --from posthouse-data/posthouse.db --config cluster.toml
  posthouse migrate --from sqlite:///var/lib/posthouse/posthouse.db --to postgres://posthouse@db/posthouse --media s3://mms-media/live
  posthouse migrate --undo --from posthouse-data/posthouse.db --config cluster.toml

Stop the gateway first. Messages, timelines, media, callbacks, provisioning and the audit are taken over, page by page; each page is read back and \
compared. It may be stopped and killed at any time: the same command goes on from there. The SQLite store stays as it is, but no gateway serves it any \
more, for that would send messages twice; --undo takes that back, and empties the new store, as long as no gateway has served that. See docs/postgres.md.")]
pub struct Args {
    /// The SQLite database
    #[arg(long, value_name = "URL")]
    from: StoreUrl,
    /// Its media folder; without one, `media` beside the database
    #[arg(long, value_name = "DIR")]
    from_media: Option<PathBuf>,
    /// The configuration that names the new store and its media
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The new store, instead of that of the configuration
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    to: Option<StoreUrl>,
    /// The place of its media, instead of that of the configuration: s3://BUCKET/PREFIX, or a folder that all nodes mount
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    media: Option<String>,
    /// Take a migration back
    #[arg(long)]
    undo: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Takes a store over, or takes that back.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (from, to) = (source(args)?, target(args)?);
    let shown = to.url.to_string();
    let mut out = print::stdout();
    if args.undo {
        wait_for(async { anyhow::Ok(take_back(&from, &to).await?) })?;
        match args.json {
            true => out.json(&json!({"undone": true, "from": from.url.to_string(), "to": shown}))?,
            false => writeln!(out, "{shown} is empty, and {} may be served again", from.url)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let taken = AtomicU64::new(0);
    let tell =
        |progress: TransferProgress| taken.store(progress.before + progress.messages, Ordering::Relaxed);
    let done = wait_for(async {
        let line = ProgressLine::on_terminal();
        anyhow::Ok(
            line.beside("messages taken over and compared", &taken, take_over(&from, &to, tell)).await?,
        )
    })?;
    let (messages, of) = (done.before + done.messages, done.of);
    match args.json {
        true => out.json(&json!({"from": from.url.to_string(), "to": shown, "messages": messages, "of": of, "earlier": done.before}))?,
        false => writeln!(out, "{} of {of} in {shown}, each compared; start gateways on it", counted(messages, "message"))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn source(args: &Args) -> anyhow::Result<StorePlace> {
    let media = match (&args.from_media, args.from.file()) {
        (Some(folder), _) => folder.clone(),
        (None, Some(file)) => file.parent().unwrap_or(Path::new("")).join("media"),
        (None, None) => anyhow::bail!("--from takes an SQLite database: a path, or sqlite:// and a path"),
    };
    Ok(StorePlace { url: args.from.clone(), media: media.into() })
}

fn target(args: &Args) -> anyhow::Result<StorePlace> {
    let settings = match &args.config {
        Some(file) => Some(Settings::load(Some(file), &environment)?),
        None => None,
    };
    let url = match (&args.to, &settings) {
        (Some(url), _) => url.clone(),
        (None, Some(settings)) => settings.store.url(),
        (None, None) => anyhow::bail!("--to or --config names the new store"),
    };
    let media = match (&args.media, &settings) {
        (Some(text), _) => media(text)?,
        (None, Some(settings)) => settings.media.place.clone(),
        (None, None) => anyhow::bail!("--media or --config names the place of its media"),
    };
    Ok(StorePlace { url, media })
}

fn media(text: &str) -> anyhow::Result<MediaPlace> {
    if text.starts_with("s3://") {
        return Ok(MediaPlace::S3(text.parse().with_context(|| format!("--media {text}"))?));
    }
    Ok(PathBuf::from(text.strip_prefix("file://").unwrap_or(text)).into())
}
