//! What waits for carriers longer than it should, as the gateway that runs tells it.

use posthouse_api::{CarrierQueue, ConnectionPace};
use posthouse_core::counted::of_number;
use posthouse_gateway::config::Settings;

use super::finding::DoctorFinding;
use crate::{running, target::GatewayAddress};

/// The queues that are out of the ordinary. Nothing where no gateway runs, or its API cannot be used.
pub(super) async fn slow(settings: &Settings) -> Vec<DoctorFinding> {
    let Ok(Some(api)) = running::api(settings, &GatewayAddress::default()).await else { return Vec::new() };
    match api.queues().await {
        Ok(queues) => {
            queues.items.into_iter().flat_map(|queue| [parked(&queue), finding(queue)]).flatten().collect()
        }
        Err(error) => vec![DoctorFinding::note("queue", format!("what waits cannot be told: {error}"))],
    }
}

/// What may have arrived, and needs somebody who decides where no report does.
fn parked(queue: &CarrierQueue) -> Option<DoctorFinding> {
    let CarrierQueue { carrier, parked, .. } = queue;
    let told = || {
        let messages = of_number(parked, "message");
        format!(
            "{carrier}: {parked} parked {messages} may have arrived; a report decides, or else an operator: \
             `posthouse messages list --carrier {carrier} --state Parked`"
        )
    };
    (*parked > 0).then(|| DoctorFinding::note("queue", told()))
}

fn finding(queue: CarrierQueue) -> Option<DoctorFinding> {
    let suspended = queue.connections.iter().find(|connection| connection.suspended.is_some());
    let remedy = match suspended {
        Some(one) => format!("`posthouse carriers resume {} {}` uses it again", queue.carrier, one.name),
        None => "ask the carrier, and see `posthouse queues`".to_owned(),
    };
    let is_used = |connection: &ConnectionPace| ["serving", "throttled"].contains(&&*connection.state);
    // How fast it was is nothing to mend once it has nothing to do: the next messages find out.
    match queue.is_idle() && queue.connections.iter().all(is_used) {
        true => queue.says.map(|says| DoctorFinding::note("queue", says)),
        false => queue.says.map(|says| DoctorFinding::mend("queue", format!("{says}; {remedy}"))),
    }
}
