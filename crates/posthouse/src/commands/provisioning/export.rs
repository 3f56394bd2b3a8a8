//! `posthouse provisioning export`: all that is provisioned, as a file.

use std::process::ExitCode;

use crate::{print, target::StoreArgs, via::Via, wait::wait_for};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse provisioning export > provisioning.toml
  posthouse provisioning export --json                     (the same as one text in JSON)

`posthouse apply` takes the file back. Secrets are not in it: { kept = true } stands for what the store keeps, and is left as it is by \
the store that wrote it. The same provisioning is always the same file.")]
pub(super) struct Export {
    #[command(flatten)]
    store: StoreArgs,
}

/// Prints it.
pub(super) fn run(args: &Export) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let document = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let document = via.export().await;
        via.close().await?;
        document
    })?;
    let mut out = print::stdout();
    match args.store.json {
        true => out.json(&serde_json::json!({ "toml": document }))?,
        false => out.text(&document)?,
    }
    Ok(ExitCode::SUCCESS)
}
