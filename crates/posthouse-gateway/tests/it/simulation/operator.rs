//! An operator who intervenes by hand, at any time (docs/operations.md).

use jiff::Timestamp;
use posthouse_core::{
    Id,
    actor::{Actor, Credential, Role},
    life::intervention::{FailedFilter, Intervention},
    message::{EventKind, TimelineEvent},
    store::Store,
};

use super::chance::Chance;

fn operator() -> Actor {
    Actor::new("operator", Role::Operator, Credential::Configured)
}

/// What an operator did to messages that could be told by what they became.
#[derive(Clone, Copy, Default)]
pub struct Traces {
    /// It was requeued though it may have arrived.
    pub risked: bool,
    /// It was expired.
    pub expired: bool,
}

impl Traces {
    pub fn of(timeline: &[TimelineEvent]) -> Self {
        let did = |what: &str| {
            timeline.iter().any(|event| event.kind == EventKind::Operator && event.detail.contains(what))
        };
        Self { risked: did("though it may have arrived"), expired: did("expired by operator") }
    }
}

/// Does something to one message, or to what failed of it, for the so many-th time; how many things were done.
pub async fn intervene(store: &dyn Store, chance: Chance, number: u64, id: Id, now: Timestamp) -> usize {
    let parked = chance.percent(60, "also parked", number);
    let intervention = match chance.below(10, "intervention", number) {
        0 => Intervention::Expire,
        1..=6 => Intervention::Requeue { parked },
        _ => return resend(store, vec![id], now).await,
    };
    let verdicts = store.intervene(&[id], intervention, &operator(), now).await.unwrap();
    verdicts.iter().filter(|verdict| verdict.is_ok()).count()
}

/// Sends again what failed of these messages, or of all; how many.
pub async fn resend(store: &dyn Store, messages: Vec<Id>, now: Timestamp) -> usize {
    let filter = FailedFilter { messages, ..FailedFilter::default() };
    let failed = store.failed_callbacks(&filter, 1000).await.unwrap();
    let ids: Vec<Id> = failed.iter().map(|callback| callback.id).collect();
    store.resend(&ids, &operator(), now).await.unwrap().len()
}
