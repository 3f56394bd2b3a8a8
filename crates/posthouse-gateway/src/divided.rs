//! This node's part of the limits that all nodes keep together: it says what it wants of them, and what it hears bounds its connections,
//! what accounts may send here, and how many of their callbacks may be under way from here. A node that is alone has all of each limit, and asks nobody.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use posthouse_core::{
    account::AccountName,
    carrier::CarrierId,
    division::{Amount, VALID_FOR},
    divisions::{DIVIDE_EVERY, Demands},
    pace::PacePart,
    slots::{Slot, Slots},
    store::{Divided, DivisionStore, StoreError, StoreResult, Wanting},
};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    callbacks::{CallbackQueue, WindowPart},
    carrier::{board::LinkBoard, links::Link},
    intake::admission::Admissions,
    node::ClusterNode,
    queue::SubmitQueue,
};

/// How long it waits for the store's answer; then it asks again.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// How soon it asks again at the earliest when something new is wanted.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// How long after slots became this node's the one that had them may still go by what it heard before, and put off what waits in them: as
/// long as what it was told is valid, and as long again for what it had begun to write.
const SEEN_BY_ALL: Duration = Duration::from_secs(2 * VALID_FOR.as_secs());

/// Keeps this node within its part of each limit.
pub struct LimitKeeper {
    /// Asked for this node's part.
    pub store: Arc<dyn DivisionStore>,
    /// This node.
    pub node: Arc<ClusterNode>,
    /// The connections in use.
    pub board: Arc<LinkBoard>,
    /// What lets accounts in.
    pub admissions: Arc<Admissions>,
    /// The lanes, which are woken when they may do more.
    pub queue: Arc<SubmitQueue>,
    /// The same of accounts.
    pub callbacks: Arc<CallbackQueue>,
}

impl LimitKeeper {
    /// Keeps it so till the node leaves.
    pub async fn keep(self) {
        if self.node.is_only() {
            return;
        }
        let (mut is_told, mut seen) = (false, SeenSlots::default());
        loop {
            match self.ask().await {
                Ok(()) => is_told = false,
                // It does not hear this node: the beat says so.
                Err(StoreError::LostLease) => {}
                Err(error) => {
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::warn!(%error, "the store does not say what of the limits is this node's: it sends nothing once what it has ends");
                    }
                }
            }
            self.wake_where_there_is_more(&mut seen);
            tokio::select! {
                () = self.node.gone() => return,
                () = self.asked_again() => {}
            }
        }
    }

    /// Wakes the lanes of carriers of whose messages more is this node's than before: by the limits, or since another node is gone. Nothing of it
    /// need be due, where that node put it off; and this node need have no lane for the carrier yet. Once all nodes must have seen it they
    /// are woken again, for what the other put off meanwhile.
    fn wake_where_there_is_more(&self, seen: &mut SeenSlots) {
        let with_lanes: HashSet<CarrierId> =
            self.board.all().into_iter().map(|(carrier, _)| carrier).collect();
        let snapshot = self.queue.context().snapshot.get();
        let provisioned = snapshot.carriers().map(|carrier| &carrier.id);
        let now: HashMap<_, _> = with_lanes
            .iter()
            .chain(provisioned)
            .map(|carrier| (carrier.clone(), self.node.slots_of(carrier)))
            .collect();
        for carrier in seen.gained(now, &with_lanes, Instant::now()) {
            self.node.gained(&carrier);
            self.queue.wake(&carrier);
        }
    }

    /// Waits till it is time to ask: at once, nearly, where a connection is new, or an account begins to run short.
    async fn asked_again(&self) {
        tokio::select! {
            () = sleep(DIVIDE_EVERY) => {}
            () = self.board.changed() => sleep(ASK_AGAIN).await,
            () = self.admissions.runs_short() => sleep(ASK_AGAIN).await,
            () = self.callbacks.context().windows.runs_short() => sleep(ASK_AGAIN).await,
        }
    }

    async fn ask(&self) -> StoreResult<()> {
        let asked = Instant::now();
        let wanting =
            Wanting { owner: self.node.owner(), demands: self.demands(), now: self.node.own_time() };
        let divided = match timeout(ANSWER_TIME, self.store.divide(wanting)).await {
            Ok(divided) => divided?,
            Err(_) => return Err(StoreError::not_done("it does not answer in time")),
        };
        self.apply(&divided, asked);
        Ok(())
    }

    fn demands(&self) -> Demands {
        let mut demands = Demands::new();
        for (carrier, links) in self.board.all() {
            demands.extend(links.iter().map(|link| (limit_name(&carrier, link), link.claims())));
        }
        let claims = self.admissions.claims().into_iter();
        demands.extend(claims.map(|(account, claim)| (account_limit(&account), vec![claim])));
        let claims = self.callbacks.context().windows.claims().into_iter();
        demands.extend(claims.map(|(account, claim)| (callback_limit(&account), vec![claim])));
        demands
    }

    /// Times are counted from when the store was asked: whatever the clocks say, a part ends here before the store holds it for free.
    fn apply(&self, divided: &Divided, asked: Instant) {
        let Divided { time, divisions } = divided;
        let left = Duration::try_from(divisions.valid_until().duration_since(*time)).unwrap_or_default();
        let (until, number, alive) = ((asked + left).into_std(), self.node.number(), self.node.alive());
        let mut slots = HashMap::new();
        for (carrier, links) in self.board.all() {
            let mut holders = Vec::new();
            for link in &links {
                let name = limit_name(&carrier, link);
                let amounts = divisions.of(&name, number, *time);
                let per_second = amount(&amounts, 1);
                // As long as its rate is not known to the others, it has nothing of that.
                let is_known = per_second.is_some() || link.bounds().1.is_none();
                let window = amount(&amounts, 0).filter(|_| is_known).unwrap_or(0);
                let part = PacePart { window, per_second, until };
                if link.give(part) {
                    self.queue.wake(&carrier);
                }
                holders.extend(divisions.holders(&name, &alive, *time));
            }
            // Where each has some, each has its own slots; and where nobody has any for a moment.
            if !holders.is_empty() && !alive.iter().all(|node| holders.contains(node)) {
                slots.insert(carrier, Slots::of(number, &holders));
            }
        }
        self.node.hold(slots);
        let given = self.admissions.asked().into_iter().filter_map(|account| {
            let amounts = divisions.of(&account_limit(&account), number, *time);
            Some((account, *amounts.first()?))
        });
        self.admissions.give(alive.len(), given.collect(), asked + left);
        self.give_windows(divided, asked + left);
    }

    /// What of accounts' callbacks may be under way from here. Where the node that an account's callbacks lie with has no part of the
    /// window, those that have one look for what waits in the store.
    fn give_windows(&self, divided: &Divided, until: Instant) {
        let Divided { time, divisions } = divided;
        let (number, alive) = (self.node.number(), self.node.alive());
        let windows = &self.callbacks.context().windows;
        let accounts = windows.accounts();
        if accounts.is_empty() {
            return;
        }
        let slots: Vec<(u8, Slots)> = alive.iter().map(|node| (*node, Slots::of(*node, &alive))).collect();
        for account in accounts {
            let (name, slot) = (callback_limit(&account), Slot::of_account(&account));
            let places = amount(&divisions.of(&name, number, *time), 0).unwrap_or(0);
            let holders = divisions.holders(&name, &alive, *time);
            let owner = slots.iter().find(|(_, slots)| slots.contains(slot)).map(|(node, _)| *node);
            let is_others_too = holders.iter().any(|node| *node != number);
            let part = WindowPart { places, until, is_others_too, is_in_slots: owner == Some(number) };
            let is_new = windows.give(&account, part);
            let is_left_to_holders = places > 0 && owner.is_none_or(|owner| !holders.contains(&owner));
            if is_new || is_left_to_holders {
                self.callbacks.wake(&account);
            }
        }
    }
}

/// Which slots of carriers this node had when it last looked, and when it looks again at those that it got since.
#[derive(Default)]
struct SeenSlots {
    slots: HashMap<CarrierId, Slots>,
    again: HashMap<CarrierId, Instant>,
}

impl SeenSlots {
    /// The carriers of which it has more than before, and those of which it got more so long ago that all know.
    fn gained(
        &mut self,
        slots: HashMap<CarrierId, Slots>,
        with_lanes: &HashSet<CarrierId>,
        now: Instant,
    ) -> Vec<CarrierId> {
        let mut gained: Vec<_> = have_more(&self.slots, &slots, with_lanes).into_iter().cloned().collect();
        self.again.extend(gained.iter().map(|carrier| (carrier.clone(), now + SEEN_BY_ALL)));
        gained.extend(self.again.extract_if(|_, at| *at <= now).map(|(carrier, _)| carrier));
        self.slots = slots;
        gained
    }
}

/// The carriers that have more slots now. What waits of one that was not looked at before, and has no lane, is found when it is due.
fn have_more<'a>(
    before: &HashMap<CarrierId, Slots>,
    now: &'a HashMap<CarrierId, Slots>,
    with_lanes: &HashSet<CarrierId>,
) -> Vec<&'a CarrierId> {
    let has_more = |(carrier, slots): &(&CarrierId, &Slots)| match before.get(*carrier) {
        Some(before) => slots.has_more_than(before),
        None => with_lanes.contains(*carrier) && slots.has_more_than(&Slots::NONE),
    };
    now.iter().filter(has_more).map(|(carrier, _)| carrier).collect()
}

fn amount(amounts: &[Amount], part: usize) -> Option<u32> {
    amounts.get(part).map(|amount| u32::try_from(*amount).unwrap_or(u32::MAX))
}

fn account_limit(account: &AccountName) -> String {
    format!("account {:?}", account.0)
}

fn callback_limit(account: &AccountName) -> String {
    format!("callbacks {:?}", account.0)
}

fn limit_name(carrier: &CarrierId, link: &Link) -> String {
    format!("connection {:?} {:?}", carrier.0, link.connection().name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carrier_without_a_lane_is_woken_when_its_slots_become_more() {
        let carrier = |id: &str| CarrierId(id.to_owned());
        let known = |slots: &[(&str, Slots)]| -> HashMap<CarrierId, Slots> {
            slots.iter().map(|(id, slots)| (carrier(id), *slots)).collect()
        };
        let (half, with_lanes) = (Slots::of(1, &[1, 2]), HashSet::from([carrier("lane")]));
        let woken = |before: &[(&str, Slots)], now: &[(&str, Slots)]| {
            let now = known(now);
            let mut woken: Vec<String> =
                have_more(&known(before), &now, &with_lanes).into_iter().map(|id| id.0.clone()).collect();
            woken.sort();
            woken
        };
        let (some, all) = ([("idle", half), ("lane", half)], [("idle", Slots::ALL), ("lane", Slots::ALL)]);
        assert_eq!(woken(&[], &some), ["lane"], "at a start a lane is opened for what is due");
        assert_eq!(woken(&some, &some), [""; 0]);
        assert_eq!(woken(&some, &all), ["idle", "lane"], "another node is gone");
        assert_eq!(woken(&all, &some), [""; 0], "another node came");
    }

    #[test]
    fn slots_that_were_gained_are_looked_at_again_once_all_nodes_know() {
        let carrier = CarrierId("one".to_owned());
        let (with_lanes, began) = (HashSet::from([carrier.clone()]), Instant::now());
        let mut seen = SeenSlots::default();
        let mut at = |slots: Slots, seconds: u64| {
            let slots = HashMap::from([(carrier.clone(), slots)]);
            seen.gained(slots, &with_lanes, began + Duration::from_secs(seconds)).len()
        };
        let half = Slots::of(1, &[1, 2]);
        assert_eq!([at(half, 0), at(half, 1), at(half, 9), at(half, 10), at(half, 20)], [1, 0, 0, 1, 0]);
        assert_eq!(
            [at(Slots::NONE, 21), at(half, 22), at(half, 31), at(half, 32)],
            [0, 1, 0, 1],
            "lost for a moment"
        );
        assert_eq!([at(Slots::ALL, 40), at(Slots::ALL, 49), at(Slots::ALL, 50)], [1, 0, 1]);
    }
}
