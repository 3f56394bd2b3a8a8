//! The accounts' endpoints: tries, failures, and pauses.

use mm7::MmStatus;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit::AuditFilter,
    bounds::{ANSWER, TRIES},
    carrier::CarrierId,
    life::{
        callback::{NotRetried, TryEnd},
        intervention::{CallbackKind, CallbackSays, FailedFilter},
    },
    message::EventKind,
    store::{CallbackAnswer, CallbackOutcome, Endpoint, EndpointPause, KeptFilter, LastFailure, NewMo},
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, acme, at, carrier, lease, mo, report},
};

fn ann() -> Actor {
    Actor::at_the_files("ann")
}

fn busy() -> CallbackAnswer {
    CallbackAnswer { http_status: Some(503), body: "busy".into(), ..CallbackAnswer::from("HTTP 503: busy") }
}

fn again(due: i64) -> CallbackOutcome {
    CallbackOutcome::Again { due: at(due), said: busy() }
}

fn failed() -> CallbackOutcome {
    CallbackOutcome::Failed { said: busy() }
}

/// Leases the only callback that is due, and ends the try at the same time.
async fn try_only(bed: &Bed, outcome: CallbackOutcome, now: i64) -> Id {
    let callbacks = bed.callbacks(now).await;
    assert_eq!(callbacks.len(), 1, "{callbacks:?}");
    bed.settle_callback(callbacks[0].id, ME, outcome, at(now)).await.unwrap();
    callbacks[0].id
}

async fn ends(bed: &Bed, callback: Id) -> Vec<TryEnd> {
    bed.callback_attempts(callback).await.unwrap().into_iter().map(|attempt| attempt.ended).collect()
}

/// With what the VASP said, and when; also once it is delivered.
pub async fn tries_are_kept_of_what_is_not_delivered_at_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.forwarded("c-1", 0).await;
    let at_once = try_only(&bed, CallbackOutcome::Delivered, 1).await;
    assert_eq!(bed.callback_attempts(at_once).await, Ok(vec![]));
    bed.forwarded("c-2", 0).await;
    let later = try_only(&bed, again(10), 2).await;
    let kept = bed.callback_attempts(later).await.unwrap();
    assert_eq!((kept.len(), kept[0].at, kept[0].ended, &kept[0].said), (1, at(2), TryEnd::Retried, &busy()));
    try_only(&bed, CallbackOutcome::Delivered, 10).await;
    assert_eq!(ends(&bed, later).await, [TryEnd::Retried, TryEnd::Delivered]);
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.callback_attempts(later).await.unwrap()[0], kept[0]);
}

/// The oldest go, and a long answer is cut.
pub async fn the_newest_tries_are_kept(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.forwarded("c-1", 0).await;
    let tries = i64::from(TRIES) + 3;
    let mut callback = None;
    for now in 1..=tries {
        let said = CallbackAnswer { body: vec![b'x'; 5000].into(), ..busy() };
        callback = Some(try_only(&bed, CallbackOutcome::Again { due: at(now + 1), said }, now).await);
    }
    let kept = bed.callback_attempts(callback.unwrap()).await.unwrap();
    let times: Vec<_> = kept.iter().map(|attempt| attempt.at).collect();
    assert_eq!(times, (4..=tries).map(at).collect::<Vec<_>>());
    assert!(kept.iter().all(|attempt| attempt.said.body.len() == ANSWER));
}

/// Whether they ended well or not.
pub async fn tries_go_with_their_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.finished("c-1", 0).await;
    bed.forwarded("c-2", 1).await;
    let first = try_only(&bed, again(3), 2).await;
    try_only(&bed, CallbackOutcome::Delivered, 3).await;
    bed.record_report(report("c-2", MmStatus::Retrieved, 4)).await.unwrap();
    let second = try_only(&bed, failed(), 5).await;
    let new = mo("t-1", &[], 6);
    bed.accept_mo(new).await.unwrap();
    let third = try_only(&bed, failed(), 7).await;
    for callback in [first, second, third] {
        assert_ne!(bed.callback_attempts(callback).await, Ok(vec![]));
    }
    bed.sweep(at(100), at(100), 100).await.unwrap();
    for callback in [first, second, third] {
        assert_eq!(bed.callback_attempts(callback).await, Ok(vec![]));
    }
}

/// Since the first try that failed, till one is delivered.
pub async fn an_endpoint_says_how_it_is(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.endpoints().await, Ok(vec![]));
    bed.forwarded("c-1", 1).await;
    bed.forwarded("c-2", 2).await;
    let owed = Endpoint { owed: 2, oldest: Some(at(1)), ..Endpoint::idle(acme()) };
    assert_eq!(bed.endpoints().await, Ok(vec![owed.clone()]));
    let callbacks = bed.callbacks(5).await;
    bed.settle_callback(callbacks[0].id, ME, again(20), at(5)).await.unwrap();
    bed.settle_callback(callbacks[1].id, ME, failed(), at(6)).await.unwrap();
    let failure =
        |second| LastFailure { at: at(second), http_status: Some(503), words: "HTTP 503: busy".into() };
    let fails =
        Endpoint { owed: 1, failed: 1, failing_since: Some(at(5)), last_failure: Some(failure(6)), ..owed };
    assert_eq!(bed.endpoints().await, Ok(vec![fails.clone()]));
    let globex = AccountName("globex".into());
    bed.accept_mo(NewMo { account: globex.clone(), ..mo("t-1", &[], 7) }).await.unwrap();
    let other = Endpoint { owed: 1, oldest: Some(at(7)), ..Endpoint::idle(globex) };
    assert_eq!(bed.endpoints().await, Ok(vec![fails, other]));
    try_only(&bed, CallbackOutcome::Delivered, 20).await;
    bed.note_recovered(&acme()).await.unwrap();
    let bed = bed.reopen(backend).await;
    let recovered = Endpoint { failed: 1, last_failure: Some(failure(6)), ..Endpoint::idle(acme()) };
    assert_eq!(bed.endpoints().await.unwrap()[0], recovered);
}

/// Nothing is lost meanwhile, nor forgotten by a restart.
pub async fn a_paused_account_gets_nothing_till_it_is_resumed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.forwarded("c-1", 0).await;
    let globex = AccountName("globex".into());
    bed.accept_mo(NewMo { account: globex.clone(), ..mo("t-1", &[], 1) }).await.unwrap();
    let pause = EndpointPause { at: at(2), by: "ann".into(), reason: "their database".into() };
    let ann = ann().because("their database");
    assert_eq!(bed.pause(&acme(), &ann, at(2)).await, Ok(true));
    assert_eq!(bed.pause(&acme(), &Actor::at_the_files("bob"), at(3)).await, Ok(false));
    assert_eq!(bed.paused_endpoints().await.unwrap(), [acme()]);
    let bed = bed.reopen(backend).await;
    bed.forwarded("c-2", 3).await;
    assert_eq!(bed.callbacks(9).await, []);
    let due = bed.due(at(9)).await.unwrap();
    assert_eq!(due.accounts, std::slice::from_ref(&globex), "the other is not held up");
    assert_eq!(bed.lease_callbacks(&globex, lease(ME, 9), at(9), 9).await.unwrap().len(), 1);
    assert_eq!(bed.oldest_due(at(9)).await, Ok(None), "what is held back on purpose is not late");
    let endpoints = bed.endpoints().await.unwrap();
    assert_eq!((endpoints[0].paused.as_ref(), endpoints[0].owed), (Some(&pause), 2));
    assert_eq!(bed.resume(&acme(), &ann, at(9)).await, Ok(true));
    assert_eq!(bed.resume(&acme(), &ann, at(9)).await, Ok(false));
    let kept = bed.audit(&AuditFilter::default(), 9).await.unwrap().into_iter();
    let kept: Vec<_> = kept.map(|row| (row.entry.verb, row.entry.target, row.entry.reason)).collect();
    let row = |verb: &str| (verb.to_owned(), "account acme".to_owned(), Some("their database".to_owned()));
    assert_eq!(kept, [row("resume-callbacks"), row("pause-callbacks")], "what changed");
    assert_eq!(bed.due(at(9)).await.unwrap().accounts, [acme()]);
    assert_eq!(bed.callbacks(9).await.len(), 2);
    assert_eq!(bed.endpoints().await.unwrap()[0].paused, None);
    assert_eq!(bed.paused_endpoints().await.unwrap(), []);
}

/// What is under way then is left to its owner.
pub async fn a_pause_leaves_alone_what_is_under_way(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let callback = bed.callbacks(1).await.remove(0);
    bed.pause(&acme(), &ann(), at(1)).await.unwrap();
    bed.delivered(&callback, 2).await;
    assert_eq!(bed.events(id).await.last(), Some(&(EventKind::Reported, "Forwarded".into())));
}

/// What failed, and what waits for its next try; nothing else.
pub async fn a_callback_is_tried_at_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let waiting = try_only(&bed, again(1000), 1).await;
    bed.forwarded("c-2", 2).await;
    let lost = try_only(&bed, failed(), 2).await;
    let unknown = Id::from_number(7).unwrap();
    let done = bed.retry_callbacks(&[lost, unknown, waiting], &ann(), at(3)).await.unwrap();
    assert_eq!(done, [Ok(()), Err(NotRetried::Unknown), Ok(())]);
    let again = bed.retry_callbacks(&[lost, waiting], &ann(), at(3)).await.unwrap();
    assert_eq!(again, [Err(NotRetried::Due); 2]);
    let callbacks = bed.callbacks(3).await;
    let found: Vec<_> = callbacks.iter().map(|callback| (callback.id, callback.attempts)).collect();
    assert_eq!(found, [(waiting, 0), (lost, 0)]);
    let in_hand = bed.retry_callbacks(&[waiting], &ann(), at(4)).await.unwrap();
    assert_eq!(in_hand, [Err(NotRetried::InHand)]);
    let last = bed.events(id).await.pop().unwrap();
    assert_eq!(last, (EventKind::Operator, "Forwarded: sent again by ann".into()));
    assert_eq!(bed.callbacks(3 + LEASE - 1).await, []);
}

/// Each by itself; newest first, page by page.
pub async fn every_filter_of_kept_callbacks_filters(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = bed.forwarded("c-1", 0).await;
    let failed_one = try_only(&bed, failed(), 1).await;
    let second = bed.forwarded("c-2", 10).await;
    bed.accept_mo(mo("t-1", &[], 20)).await.unwrap();
    let all = bed.kept_callbacks(&KeptFilter::default(), 9).await.unwrap();
    assert_eq!(all.len(), 3);
    let [newest, middle, oldest] = [0, 1, 2].map(|index: usize| all[index].clone());
    assert_eq!((oldest.id, oldest.message, oldest.row.failed), (failed_one, first, true));
    assert_eq!((middle.message, middle.says), (second, CallbackSays::Report(MmStatus::Forwarded)));
    assert_eq!((newest.says, newest.at, newest.carrier.clone()), (CallbackSays::Mo, at(20), carrier()));
    assert_eq!(bed.kept_callback(middle.id).await, Ok(Some(middle.clone())));
    assert_eq!(bed.kept_callback(Id::from_number(7).unwrap()).await, Ok(None));
    let which = |which| KeptFilter { which, failed: None };
    let filter = FailedFilter::default;
    for (filter, expected) in [
        (KeptFilter { failed: Some(true), ..KeptFilter::default() }, vec![&oldest]),
        (KeptFilter { failed: Some(false), ..KeptFilter::default() }, vec![&newest, &middle]),
        (which(FailedFilter { messages: vec![second], ..filter() }), vec![&middle]),
        (which(FailedFilter { since: Some(at(10)), ..filter() }), vec![&newest, &middle]),
        (which(FailedFilter { before: Some(at(10)), ..filter() }), vec![&oldest]),
        (which(FailedFilter { below: Some(newest.id), ..filter() }), vec![&middle, &oldest]),
        (which(FailedFilter { account: Some(AccountName("globex".into())), ..filter() }), vec![]),
        (which(FailedFilter { carrier: Some(CarrierId("99".into())), ..filter() }), vec![]),
        (which(FailedFilter { kind: Some(CallbackKind::Mo), ..filter() }), vec![&newest]),
    ] {
        let found = bed.kept_callbacks(&filter, 9).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    assert_eq!(bed.kept_callbacks(&KeptFilter::default(), 1).await.unwrap(), [newest]);
}
