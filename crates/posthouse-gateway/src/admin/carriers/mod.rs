//! Carriers and their connections.

pub(super) mod edit;
pub mod get;
pub mod list;

use posthouse_api::{CarrierView, ConnectionView};
use posthouse_core::{
    carrier::{Carrier, Connection},
    provisioning::export,
};

use crate::config::writer;

/// A carrier as it is shown: no secret is in it.
pub fn view(carrier: &Carrier) -> CarrierView {
    CarrierView {
        id: carrier.id.to_string(),
        name: carrier.name.clone(),
        aliases: carrier.aliases.clone(),
        connections: carrier.connections.iter().map(connection).collect(),
        document: writer::json(&export::carrier(carrier)),
    }
}

fn connection(connection: &Connection) -> ConnectionView {
    ConnectionView {
        name: connection.name.clone(),
        url: connection.url.without_query().to_owned(),
        dialect: connection.dialect.to_string(),
        priority: connection.priority,
        weight: connection.weight,
        window: connection.window,
        per_second: connection.per_second,
    }
}
