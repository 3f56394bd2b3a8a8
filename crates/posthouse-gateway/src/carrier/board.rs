//! Which connections each carrier's lane uses at the moment, as it is shown to operators and metrics, and what operators decided about them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use posthouse_core::{
    carrier::CarrierId,
    lock::Mutex,
    overrides::{ConnectionOverride, OverridesInForce},
};
use tokio::sync::Notify;

use super::links::{Link, Links};

/// The connections in use, by carrier.
#[derive(Default)]
pub struct LinkBoard {
    board: Mutex<OnBoard>,
    changed: Notify,
}

#[derive(Default)]
struct OnBoard {
    links: BTreeMap<CarrierId, Arc<Links>>,
    overrides: Vec<ConnectionOverride>,
    /// When these were looked at.
    at: Timestamp,
}

impl LinkBoard {
    /// A carrier's lane uses these from now on. They go by what operators decided before the first message does.
    pub fn put(&self, carrier: &CarrierId, links: &Arc<Links>) {
        let mut board = self.board.lock();
        for link in links.all() {
            let name = &link.connection().name;
            link.override_with(OverridesInForce::of(&board.overrides, (carrier, name), board.at));
        }
        match links.all().is_empty() {
            true => board.links.remove(carrier),
            false => board.links.insert(carrier.clone(), Arc::clone(links)),
        };
        drop(board);
        self.changed.notify_one();
    }

    /// Waits till a lane uses others; for one that waits.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// All of them.
    pub fn all(&self) -> Vec<(CarrierId, Vec<Arc<Link>>)> {
        self.board
            .lock()
            .links
            .iter()
            .map(|(carrier, links)| (carrier.clone(), links.all().to_vec()))
            .collect()
    }

    /// Those of a carrier; none where it has no lane, or no connection.
    pub fn of(&self, carrier: &CarrierId) -> Vec<Arc<Link>> {
        self.board.lock().links.get(carrier).map(|links| links.all().to_vec()).unwrap_or_default()
    }

    /// What operators decided, as it is at `now`.
    pub(super) fn override_with(&self, overrides: &[ConnectionOverride], now: Timestamp) {
        let mut board = self.board.lock();
        let OnBoard { links, overrides: kept, at } = &mut *board;
        (*kept, *at) = (overrides.to_vec(), now);
        for (carrier, links) in links {
            for link in links.all() {
                let in_force = OverridesInForce::of(overrides, (carrier, &link.connection().name), now);
                let before = link.override_with(in_force.clone());
                tell(carrier, link, &before, &in_force);
            }
        }
    }
}

/// What changed is worth a line in the log.
fn tell(carrier: &CarrierId, link: &Link, before: &OverridesInForce, now: &OverridesInForce) {
    let connection = &link.connection().name;
    for (was, is) in [(&before.suspended, &now.suspended), (&before.limited, &now.limited)] {
        match (was, is) {
            (was, Some(put)) if was.as_ref() != Some(put) => {
                let ConnectionOverride { by, reason, .. } = put;
                tracing::warn!(%carrier, connection, by, reason, "a connection is {}", put.words());
            }
            (Some(ended), None) => {
                tracing::info!(%carrier, connection, "a connection is not {} any more", ended.words());
            }
            _ => {}
        }
    }
}
