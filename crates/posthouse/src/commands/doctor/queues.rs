//! What waits for carriers longer than it should, as the gateway that runs tells it.

use posthouse_api::CarrierQueue;
use posthouse_gateway::config::Settings;

use super::finding::DoctorFinding;
use crate::{running, target::GatewayAddress};

/// The queues that are out of the ordinary. Nothing where no gateway runs, or its API cannot be used.
pub(super) async fn slow(settings: &Settings) -> Vec<DoctorFinding> {
    let Ok(Some(api)) = running::api(settings, &GatewayAddress::default()).await else { return Vec::new() };
    match api.queues().await {
        Ok(queues) => queues.items.into_iter().filter_map(finding).collect(),
        Err(error) => vec![DoctorFinding::note("queue", format!("what waits cannot be told: {error}"))],
    }
}

fn finding(queue: CarrierQueue) -> Option<DoctorFinding> {
    let suspended = queue.connections.iter().find(|connection| connection.suspended.is_some());
    let remedy = match suspended {
        Some(one) => format!("`posthouse carriers resume {} {}` uses it again", queue.carrier, one.name),
        None => "ask the carrier, and see `posthouse queues`".to_owned(),
    };
    queue.says.map(|says| DoctorFinding::mend("queue", format!("{says}; {remedy}")))
}
