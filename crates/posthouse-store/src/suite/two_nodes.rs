//! Two nodes on one place. A backend that is for one gateway has no second one, and these rules say nothing about it: on SQLite the
//! lock sees to it that there is none, and what a visitor may do beside a gateway is in the tests of that backend.

use std::{collections::BTreeSet, time::Duration};

use posthouse_core::{
    Id,
    divisions::{Demands, Divisions, LimitClaim},
    slots::{Slot, Slots},
    store::{Acceptance, Joining, NewMessage, NodeKind, Owner, ToSend, Wanting},
};

use super::{
    Backend,
    bed::{Bed, ME, OTHER, acme, at, carrier, lease, message, taken},
};

/// How many messages wait.
const BACKLOG: usize = 40;

/// A store, and another node's on the same place.
async fn two(backend: &dyn Backend) -> Option<(Bed, Bed)> {
    let first = Bed::open(backend).await;
    Some((first, Bed::of(backend.second_node().await?)))
}

fn ids(sends: &[ToSend]) -> BTreeSet<i64> {
    sends.iter().map(|send| send.id.number()).collect()
}

async fn backlog(bed: &Bed) -> BTreeSet<i64> {
    let mut waiting = BTreeSet::new();
    for _ in 0..BACKLOG {
        let new = message(0);
        bed.accept(&new).await.unwrap();
        waiting.insert(new.id.number());
    }
    waiting
}

fn joining(owner: Owner) -> Joining {
    let (address, version) = ("http://10.0.0.1:9100".to_owned(), "1.2.3".to_owned());
    Joining { owner, kind: NodeKind::Gateway, address, version, now: at(0) }
}

/// Each has a number of its own, and hears of the other.
pub async fn each_node_has_a_number_of_its_own(backend: &dyn Backend) {
    let Some((one, other)) = two(backend).await else { return };
    let (first, second) = (one.join(joining(ME)).await.unwrap(), other.join(joining(OTHER)).await.unwrap());
    assert!(!first.is_only && first.number != second.number, "{first:?} {second:?}");
    let beat = posthouse_core::store::Beat { owner: ME, revision: 0, is_draining: false, now: at(0) };
    let mut numbers = vec![first.number, second.number];
    numbers.sort_unstable();
    assert_eq!(one.heartbeat(beat).await.unwrap().alive, numbers);
    other.leave(OTHER).await.unwrap();
    assert_eq!(one.nodes().await.unwrap().len(), 1);
}

/// One of them is the first, whoever sees it.
pub async fn a_repetition_in_flight_on_another_node_is_found(backend: &dyn Backend) {
    let Some((one, other)) = two(backend).await else { return };
    for _ in 0..20 {
        let first = NewMessage { repeats_since: Some(at(-100)), ..message(0) };
        let second = NewMessage { id: message(0).id, ..first.clone() };
        let (told, told_too) = tokio::join!(one.accept(&first), other.accept(&second));
        let expected: [(Acceptance, Acceptance); 2] = [
            (Acceptance::Fresh, Acceptance::Repeats(first.id)),
            (Acceptance::Repeats(second.id), Acceptance::Fresh),
        ];
        let told = (told.unwrap(), told_too.unwrap());
        assert!(expected.contains(&told), "{told:?} for {} and {}", first.id, second.id);
    }
}

/// Each message is one node's.
pub async fn two_nodes_lease_a_backlog_once(backend: &dyn Backend) {
    let Some((one, other)) = two(backend).await else { return };
    let waiting = backlog(&one).await;
    let (carrier, mut leased, mut times) = (carrier(), BTreeSet::new(), 0);
    while leased.len() < BACKLOG && times < 100 {
        let (mine, his) = tokio::join!(
            one.lease_sends(&carrier, lease(ME, 1), at(1), None, 7),
            other.lease_sends(&carrier, lease(OTHER, 1), at(1), None, 7)
        );
        for sends in [mine.unwrap(), his.unwrap()] {
            let ids = ids(&sends);
            assert!(leased.is_disjoint(&ids), "{ids:?} twice");
            leased.extend(ids);
        }
        times += 1;
    }
    assert_eq!(leased, waiting);
}

/// A node gets what lies in the slots that it asks for, and is told of nothing else.
pub async fn a_node_gets_what_is_in_its_slots(backend: &dyn Backend) {
    let Some((one, _other)) = two(backend).await else { return };
    let waiting = backlog(&one).await;
    let store: &dyn posthouse_core::store::Store = &*one;
    let mine: Slots = Slot::all().filter(|slot| slot.0 % 2 == 0).collect();
    let his: Slots = Slot::all().filter(|slot| slot.0 % 2 == 1).collect();
    let of = |slots: Slots| -> BTreeSet<i64> {
        let is_in = |id: &&i64| Id::from_number(**id).is_some_and(|id| slots.contains(Slot::of_message(id)));
        waiting.iter().filter(is_in).copied().collect()
    };
    for (slots, owner) in [(mine, ME), (his, OTHER)] {
        assert!(!store.due(at(1), slots).await.unwrap().carriers.is_empty());
        let sends = store.lease_sends(&carrier(), lease(owner, 1), at(1), None, slots, 100).await.unwrap();
        assert_eq!(ids(&sends), of(slots));
        assert!(store.due(at(1), slots).await.unwrap().carriers.is_empty());
    }
    let id = one.sending(2).await;
    one.settle_mine(id, taken("c-1", 2), 2).await;
    let (with, without): (Slots, Slots) = Slot::all()
        .map(|slot| (slot, slot == Slot::of_account(&acme())))
        .fold((Slots::NONE, Slots::NONE), |(with, without), (slot, is_acmes)| {
            let add = |slots: Slots| slots.iter().chain([slot]).collect();
            if is_acmes { (add(with), without) } else { (with, add(without)) }
        });
    assert_eq!(store.due(at(3), with).await.unwrap().accounts, [acme()]);
    assert_eq!(store.due(at(3), without).await.unwrap().accounts, []);
}

/// What a dead node had leased and not begun is another's when the lease ends.
pub async fn what_a_dead_node_had_leased_is_anothers(backend: &dyn Backend) {
    let Some((one, other)) = two(backend).await else { return };
    let waiting = backlog(&one).await;
    let sends = one.sends(ME, 1).await;
    assert_eq!(ids(&sends), waiting);
    drop(one);
    assert_eq!(other.sends(OTHER, 60).await, []);
    assert_eq!(ids(&other.sends(OTHER, 61).await), waiting);
}

/// However late they hear of each other, they never have more of a limit than there is; and each comes to its part.
pub async fn nodes_never_have_more_of_a_limit_than_there_is(backend: &dyn Backend) {
    const TOTAL: u64 = 16;
    let Some((one, other)) = two(backend).await else { return };
    let nodes = [(&one, ME), (&other, OTHER)];
    let numbers =
        [one.join(joining(ME)).await.unwrap().number, other.join(joining(OTHER)).await.unwrap().number];
    let mut heard = [Divisions::default(), Divisions::default()];
    let mut had = [0; 2];
    for round in 0..200 {
        for (index, (bed, owner)) in nodes.iter().enumerate() {
            // The second comes later.
            if index == 1 && round < 2 {
                continue;
            }
            let claim = LimitClaim { total: TOTAL, wanted: 1, in_use: 0 };
            let demands = Demands::from([("connection".to_owned(), vec![claim])]);
            let divided = bed.divide(Wanting { owner: *owner, demands, now: at(0) }).await.unwrap();
            heard[index] = divided.divisions;
            had = [0, 1].map(|node| heard[node].of("connection", numbers[node], divided.time).iter().sum());
            assert!(had.iter().sum::<u64>() <= TOTAL, "{had:?}");
        }
        if round == 0 {
            assert_eq!(had, [TOTAL, 0], "one that is alone has all");
        }
        if had == [TOTAL / 2, TOTAL / 2] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the second has no part: {had:?}");
}
