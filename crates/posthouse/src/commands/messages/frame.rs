//! What the commands about messages have in common: arguments, the way to the store, and how a message is printed.

use std::path::PathBuf;

use posthouse_api::MessageView;
use posthouse_core::address::Msisdn;
use serde_json::Value;

use crate::{
    target::{GatewayAddress, settings_of},
    times::seconds,
    via::Via,
};

/// What all of them have in common.
#[derive(clap::Args)]
pub(crate) struct Common {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) gateway: GatewayAddress,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A message on one line.
pub(crate) fn message_line(message: &MessageView) -> String {
    let MessageView { message_id, account, carrier, state, recipient, .. } = message;
    let at = seconds(message.accepted_at);
    let recipient = masked(recipient);
    format!("{message_id:<19}  {at}  {state:<13}  {account} -> {recipient}  carrier {carrier}")
}

/// A number as it is shown where many are.
fn masked(number: &str) -> String {
    Msisdn::parse(number, true).map_or_else(|| number.to_owned(), |number| number.to_string())
}

/// The way to what they are about.
pub(super) async fn open(common: &Common) -> anyhow::Result<Via> {
    Via::open(&settings_of(common.config.as_deref())?, &common.gateway).await
}

/// Members in the order of their names, as programs have always had them.
pub(super) fn as_json(shown: &impl serde::Serialize) -> Value {
    // Types of the API always can be written.
    serde_json::to_value(shown).unwrap_or_default()
}
