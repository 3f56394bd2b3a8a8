use std::time::Duration;

use tokio::{task::JoinHandle, time::advance};

use super::*;

const SOON: Duration = Duration::from_secs(5);

fn soon() -> Instant {
    Instant::now() + SOON
}

const fn rule(total: usize, most: Most) -> ShareRule {
    ShareRule { total, most, waiting: 100, waiting_each: 10, oldest_exceeds: false }
}

/// A claim that waits in a task of its own, which has got as far as waiting.
async fn waiting(
    shares: &Shares<&'static str>,
    key: &'static str,
) -> JoinHandle<Result<Claim<&'static str>, NoShare>> {
    let shares = shares.clone();
    let task = tokio::spawn(async move { shares.one(key, soon()).await });
    tokio::task::yield_now().await;
    task
}

#[tokio::test(start_paused = true)]
async fn one_alone_gets_half_and_there_is_always_some_for_the_next() {
    let shares = Shares::new(rule(120, Most::AsMuchAsIsLeft));
    let mut claims = Vec::new();
    for (key, gets) in [("a", 60), ("b", 30), ("c", 15), ("d", 7)] {
        let before = claims.len();
        while let Some(claim) = shares.one_now(key) {
            claims.push(claim);
        }
        assert_eq!(claims.len() - before, gets, "{key}");
    }
    // Those who came first give way, and all get the same.
    drop(claims);
    let mut claims = Vec::new();
    for _ in 0..100 {
        claims.extend(["a", "b"].iter().filter_map(|key| shares.one_now(key)));
    }
    assert_eq!(claims.len(), 80, "a third each");
    assert_eq!(shares.one_now("c").map(|claim| claim.held()), Some(1));
}

#[tokio::test(start_paused = true)]
async fn the_first_claim_gets_the_last_there_is() {
    let shares = Shares::new(rule(2, Most::AsMuchAsIsLeft));
    let first = shares.one_now("a").unwrap();
    assert!(shares.one_now("a").is_none());
    let second = shares.one_now("b").unwrap();
    assert!(shares.one_now("c").is_none());
    drop((first, second));
    assert!(shares.one_now("c").is_some());
}

#[tokio::test(start_paused = true)]
async fn claimants_are_served_in_turns_and_not_in_the_order_of_their_claims() {
    let shares = Shares::new(rule(1, Most::All));
    let mut held = shares.one_now("x").unwrap();
    let mut line = VecDeque::new();
    for key in ["a", "a", "a", "b", "c", "b"] {
        line.push_back((key, waiting(&shares, key).await));
    }
    for expected in ["a", "b", "c", "a", "b", "a"] {
        drop(held);
        tokio::task::yield_now().await;
        let at = line.iter().position(|(_, task)| task.is_finished()).unwrap();
        assert_eq!(line.iter().filter(|(_, task)| task.is_finished()).count(), 1);
        let (key, task) = line.remove(at).unwrap();
        assert_eq!(key, expected);
        held = task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn lines_are_bounded_in_all_and_for_each() {
    let bounded = ShareRule { waiting: 3, waiting_each: 2, ..rule(1, Most::All) };
    let shares = Shares::new(bounded);
    let _held = shares.one_now("x").unwrap();
    let line = [waiting(&shares, "a").await, waiting(&shares, "a").await];
    assert_eq!(shares.one("a", soon()).await.err(), Some(NoShare::Full));
    let other = waiting(&shares, "b").await;
    assert_eq!(shares.one("c", soon()).await.err(), Some(NoShare::Full));
    // Who goes away makes room.
    other.abort();
    assert!(other.await.unwrap_err().is_cancelled());
    let third = waiting(&shares, "c").await;
    for task in line.into_iter().chain([third]) {
        assert_eq!(task.await.unwrap().err(), Some(NoShare::TooLate));
    }
    let room = shares.room();
    assert_eq!((room.waiting, room.turns.len(), room.claimants.len()), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_or_goes_away_leaves_nothing_behind() {
    let shares = Shares::new(rule(1, Most::All));
    let held = shares.one_now("x").unwrap();
    let late = waiting(&shares, "a").await;
    advance(SOON).await;
    assert_eq!(late.await.unwrap().err(), Some(NoShare::TooLate));
    let gone = waiting(&shares, "a").await;
    let next = waiting(&shares, "b").await;
    // Its turn comes at the moment when it goes away.
    drop(held);
    gone.abort();
    let claim = next.await.unwrap().unwrap();
    assert_eq!(claim.held(), 1);
    drop(claim);
    let room = shares.room();
    assert_eq!((room.free, room.waiting, room.turns.len(), room.claimants.len()), (1, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_claim_grows_and_the_oldest_may_exceed_what_its_claimant_may_hold() {
    let growing = ShareRule { oldest_exceeds: true, ..rule(80, Most::AsMuchAsIsLeft) };
    let shares = Shares::new(growing);
    let (mut first, mut second) = (shares.claim("a"), shares.claim("a"));
    assert!(first.grow_now(20) && second.grow_now(20));
    assert!(!second.grow_now(1), "half is held");
    let shares_of_others = shares.clone();
    let younger = tokio::spawn(async move { second.grow(25, soon()).await.map(|()| second.held()) });
    // The younger one waits first, and so is the one that may exceed.
    assert_eq!(younger.await.unwrap(), Ok(45));
    assert_eq!(first.grow(20, soon()).await, Ok(()), "and then it has given all back");
    assert_eq!(first.held(), 40);
    // A tenth of all is kept from those who exceed.
    assert_eq!(first.grow(31, soon()).await, Err(NoShare::TooLate));
    assert_eq!(first.grow(30, soon()).await, Ok(()));
    assert!(shares_of_others.one_now("b").is_some());
}

#[tokio::test(start_paused = true)]
async fn claims_that_grow_against_each_other_all_come_to_their_end() {
    let growing = ShareRule { oldest_exceeds: true, waiting_each: 100, ..rule(100, Most::AsMuchAsIsLeft) };
    let shares = Shares::new(growing);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut claim = shares.claim("a");
        assert!(claim.grow_now(1));
        tasks.spawn(async move {
            for _ in 0..20 {
                claim.grow(1, soon()).await?;
                tokio::task::yield_now().await;
            }
            Ok(())
        });
    }
    assert!(tasks.join_all().await.into_iter().all(|ended| ended == Ok::<(), NoShare>(())));
    assert_eq!(shares.room().free, 100);
}

#[test]
fn a_network_of_ipv6_is_one_claimant() {
    for (address, counted) in [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    ] {
        assert_eq!(claimant(address.parse().unwrap()).to_string(), counted);
    }
}
