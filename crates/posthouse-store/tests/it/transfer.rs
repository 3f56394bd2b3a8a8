//! What an SQLite store holds is taken over into PostgreSQL.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use mm7::StatusCode;
use posthouse_core::{
    Id,
    actor::{Actor, Role},
    audit::AuditFilter,
    idempotency::{KeptAnswer, KeyClaim, KeyedRequest},
    life::{intervention::FailedFilter, read_reply::ReadStatus},
    message::{Digest, Resubmission},
    operation::{BulkOperation, OperationSpec, OperationState, OperationVerb},
    overrides::{ConnectionOverride, OverrideSetting},
    provisioning::{Change, Prefix, Range},
    refusal::{RefusalDetails, RefusedRequest},
    store::{
        CallbackOutcome, FirstAttempt, ForNobody, MessageFilter, MoFilter, NewMessage, NewRefusal,
        OperationPage, RefusalFilter, Settlement, Store, UnmatchedFilter,
    },
    token::TokenRecord,
    unreadable::Unreadable,
};
use posthouse_store::{
    Access, OpenError, StorePlace, StoreUrl, TransferError, open,
    suite::{
        bed::{self, ME, at, lease, message, mo, read_reply, report, taken, unknown, with_media},
        media::noise,
        postgres_server::PostgresServer,
    },
    take_back, take_over,
};
use tempfile::TempDir;

/// So many messages fill several pages.
const MESSAGES: usize = 450;

struct Places {
    _folder: TempDir,
    from: StorePlace,
    to: StorePlace,
}

async fn places(server: &PostgresServer) -> Places {
    let folder = tempfile::tempdir().unwrap();
    let database = server.make_database().await;
    let from = StorePlace {
        url: StoreUrl::sqlite(folder.path().join("posthouse.db")),
        media: folder.path().join("media").into(),
    };
    let to = StorePlace {
        // A server of tests has no standby.
        url: server.url(&database).parse::<StoreUrl>().unwrap().without_standbys(),
        media: folder.path().join("shared").into(),
    };
    Places { _folder: folder, from, to }
}

/// Messages at every stage of their lives, with what belongs to them.
async fn fill(store: &dyn Store) {
    for number in 0..MESSAGES {
        let now = i64::try_from(number).unwrap();
        let media: Vec<Vec<u8>> = match number % 5 {
            0 => vec![],
            1 => vec![noise(now.unsigned_abs(), 100), vec![]],
            _ => vec![noise(now.unsigned_abs(), 20_000)],
        };
        let new = NewMessage {
            first_attempt: FirstAttempt::Leased(lease(ME, now)),
            ..with_media(message(now), &media)
        };
        store.accept(&new).await.unwrap();
        if number % 7 == 0 {
            continue;
        }
        store.begin(new.id, ME, "vzw-1", at(now + bed::LEASE), at(now)).await.unwrap();
        let settlement = match number % 7 {
            1 => continue,
            2 => unknown(now),
            3 => bed::again(now, 600),
            4 => Settlement::Expired { unreached: false },
            _ => taken(&format!("c-{number}"), now),
        };
        store.settle(new.id, ME, settlement, "so they said", at(now), None).await.unwrap();
        if number % 7 == 6 {
            let retrieved = report(&format!("c-{number}"), mm7::MmStatus::Retrieved, now);
            store.record_report(retrieved, None).await.unwrap();
        }
    }
    for number in 0..3 {
        store.accept_mo(mo(&format!("m-{number}"), &[noise(9, 30_000)], number), None).await.unwrap();
    }
    store.record_report(report("nobody-s", mm7::MmStatus::Deferred, 1), None).await.unwrap();
    let failed = store.lease_callbacks(&bed::acme(), lease(ME, 500), at(500), 10).await.unwrap();
    for callback in &failed {
        let outcome = CallbackOutcome::Failed { said: "HTTP 500".into() };
        store.settle_callback(callback.id, ME, outcome, at(501), None).await.unwrap();
    }
    let range = Range { prefix: Prefix::parse("1617").unwrap(), carrier: bed::carrier() };
    let by = Actor::at_the_files("tests");
    store.change(&[Change::PutRange(range)], None, &by, at(0)).await.unwrap();
    fill_rest(store, &by).await;
    store.pause(&bed::acme(), &by, at(2)).await.unwrap();
    store.note_seen(at(600)).await.unwrap();
}

/// What operators did and what was refused.
async fn fill_rest(store: &dyn Store, by: &Actor) {
    store.record_read_reply(read_reply("nobody-s", ReadStatus::Read, 2), None).await.unwrap();
    let refused = RefusedRequest {
        at: at(3),
        account: Some(bed::acme()),
        code: StatusCode::UnparsableAttachment,
        row: 24,
        check: "TransferEncoding".into(),
        peer: "192.0.2.7".parse().unwrap(),
        transaction_id: Some("t-1".into()),
        recipient_hash: Some("1234abcd".into()),
        details: RefusalDetails::default(),
    };
    store.keep_refusals(&[NewRefusal { refusal: refused, times: 2, counted: false }]).await.unwrap();
    let unreadable = Unreadable {
        carrier: bed::carrier(),
        code: StatusCode::UnableToParse,
        why: "there is no XML element".into(),
        content_type: Some("text/xml".into()),
        body: "body\0".into(),
        length: 5,
        digest: Digest([7; 16]),
        received_at: at(4),
    };
    store.keep_unreadable(unreadable).await.unwrap();
    let nobody = ForNobody {
        carrier: bed::carrier(),
        received_at: at(5),
        transaction_id: "t".into(),
        sender: Some("16175550100".into()),
        recipients: "555 666".into(),
    };
    store.keep_for_nobody(nobody).await.unwrap();
    let token = TokenRecord {
        id: "t1".into(),
        name: "a token of somebody".into(),
        role: Role::Viewer,
        hash: "its hash".into(),
        created_at: at(1),
        expires_at: Some(at(100)),
        last_used: None,
    };
    assert_eq!(store.add_token(&token, by, at(1)).await, Ok(true));
    store.note_token_used("t1", at(6)).await.unwrap();
    let suspended = ConnectionOverride {
        carrier: bed::carrier(),
        connection: "vzw-1".into(),
        setting: OverrideSetting::Suspended,
        since: at(1),
        until: None,
        by: "ann".into(),
        reason: "their maintenance".into(),
    };
    store.put_override(&suspended, by, at(1)).await.unwrap();
    assert_eq!(store.claim_key(&keyed()).await, Ok(KeyClaim::First));
    store.keep_answer(&keyed().hash, &kept_answer()).await.unwrap();
    carry_out(store, by).await;
}

/// A request that may be sent again, and what was answered.
fn keyed() -> KeyedRequest {
    KeyedRequest { hash: "1f".into(), principal: "token t1".into(), digest: "2e".into(), at: at(7) }
}

fn kept_answer() -> KeptAnswer {
    KeptAnswer { status: 200, etag: Some("\"3\"".into()), body: Some("{}".into()) }
}

/// An operation in bulk about two messages, and a message that is sent again.
async fn carry_out(store: &dyn Store, by: &Actor) {
    let all = store.messages(&MessageFilter::default(), MESSAGES).await.unwrap();
    let ended = all.iter().find(|one| one.state.is_terminal()).unwrap();
    let page = OperationPage {
        ids: vec![all[0].id, ended.id],
        refused: Vec::new(),
        outcomes: Vec::new(),
        next: None,
    };
    store.plan_operation(&planned(by)).await.unwrap();
    let id = Id::from_number(1).unwrap();
    store.start_operation(id, 2, by, at(601)).await.unwrap().unwrap();
    store.lease_operation(lease(ME, 601), at(601)).await.unwrap();
    store.run_operation(id, lease(ME, 602), &page, at(602)).await.unwrap();
    let again = Resubmission { of: ended.id.number(), reports: false };
    let mut new = message(605);
    new.submission.resubmission = Some(again);
    store.resubmit(None, &new, by, at(605)).await.unwrap().unwrap();
}

fn planned(by: &Actor) -> BulkOperation {
    BulkOperation {
        number: 1,
        spec: OperationSpec {
            verb: OperationVerb::Expire,
            parked: false,
            carrier: None,
            via: None,
            reports: false,
            selection: "{}".into(),
            ids: Vec::new(),
        },
        state: OperationState::Planned,
        by: by.name.clone(),
        role: by.role.clone(),
        reason: None,
        created_at: at(600),
        below: i64::MAX,
        count: 2,
        judged: 2,
        first: vec![1, 2],
        would_leave_alone: BTreeMap::new(),
        started_at: None,
        ended_at: None,
        cursor: None,
        looked_at: 0,
        done: 0,
        left_alone: BTreeMap::new(),
    }
}

/// All that can be seen of a store.
async fn seen(store: &dyn Store) -> Vec<String> {
    let mut seen = Vec::new();
    let messages = store.messages(&MessageFilter::default(), MESSAGES + 2).await.unwrap();
    assert_eq!(messages.len(), MESSAGES + 1);
    for message in messages {
        seen.push(format!(
            "{:?} {:?}",
            store.timeline(message.id).await,
            store.next(message.id, at(700)).await
        ));
        seen.push(format!(
            "{:?}",
            store
                .media(message.id)
                .await
                .map(|parts| parts.iter().map(|part| part.len()).collect::<Vec<_>>())
        ));
        seen.push(format!("{message:?}"));
    }
    seen.push(format!("{:?}", store.failed_callbacks(&FailedFilter::default(), 100).await.unwrap()));
    seen.push(format!("{:?}", store.provisioning().await.unwrap()));
    seen.push(format!("{:?}", store.revisions(None, 10).await.unwrap()));
    seen.push(format!("{:?}", store.revised(1).await.unwrap()));
    seen.push(format!("{:?}", store.endpoints().await.unwrap()));
    seen.push(format!("{:?}", store.clock().await.unwrap()));
    seen.push(format!("{:?}", store.key().await.unwrap()));
    seen.push(format!("{:?}", store.newest_id().await.unwrap()));
    seen.push(format!("{:?}", store.refusals(&RefusalFilter::default(), 10).await.unwrap()));
    seen.push(format!("{:?}", store.unreadable(None, None, 10).await.unwrap()));
    seen.push(format!("{:?}", store.unmatched(&UnmatchedFilter::default(), 10).await.unwrap()));
    seen.push(format!("{:?}", store.mos(&MoFilter::default(), 10).await.unwrap()));
    seen.push(format!("{:?}", store.for_nobody(None, None, 10).await.unwrap()));
    seen.push(format!("{:?}", store.overrides(at(2)).await.unwrap()));
    seen.push(format!("{:?}", store.tokens(None, 10).await.unwrap()));
    seen.push(format!("{:?}", store.operations(None, 10).await.unwrap()));
    let id = Id::from_number(1).unwrap();
    seen.push(format!("{:?}", store.operation_items(id, None, 10).await.unwrap()));
    let audit = store.audit(&AuditFilter::default(), 10).await.unwrap();
    seen.extend(audit.iter().map(|record| format!("{:?}", record.entry)));
    seen
}

/// Takes over till so many messages are there, and is stopped in whatever it does then.
async fn take_over_in_part(places: &Places, messages: u64) {
    let (from, to) = (places.from.clone(), places.to.clone());
    let is_enough = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&is_enough);
    let taking = tokio::spawn(async move {
        take_over(&from, &to, |progress| {
            if progress.before + progress.messages >= messages {
                enough.store(true, Ordering::SeqCst);
            }
        })
        .await
    });
    while !is_enough.load(Ordering::SeqCst) && !taking.is_finished() {
        tokio::task::yield_now().await;
    }
    taking.abort();
    assert!(taking.await.is_err_and(|stopped| stopped.is_cancelled()), "it was stopped on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_taken_over_however_often_it_is_stopped() {
    let Some(server) = PostgresServer::shared() else { return };
    let places = places(server).await;
    let source = open(&places.from.url, &places.from.media, Access::serve()).await.unwrap();
    fill(&*source).await;
    source.close().await.unwrap();
    drop(source);
    take_over_in_part(&places, 0).await;
    take_over_in_part(&places, 200).await;
    let refused = refusal(open(&places.from.url, &places.from.media, Access::serve()).await);
    assert!(refused.contains(" is taken over into postgres://"), "{refused}");
    let refused = refusal(open(&places.to.url, &places.to.media, Access::serve()).await);
    assert!(refused.contains(" is not whole"), "{refused}");
    let done = take_over(&places.from, &places.to, |_| {}).await.unwrap();
    assert_eq!((done.before + done.messages, done.of), (454, 454));
    assert!(done.before >= 200, "{done:?}");
    assert!(matches!(take_over(&places.from, &places.to, |_| {}).await, Err(TransferError::Done(_))));
    let source = open(&places.from.url, &places.from.media, Access::Visit { create: false }).await.unwrap();
    let target = open(&places.to.url, &places.to.media, Access::serve()).await.unwrap();
    assert_eq!(seen(&*target).await, seen(&*source).await);
    // What is owed, with all that it carries, goes out from there.
    assert_eq!(
        target.claim_key(&keyed()).await,
        Ok(KeyClaim::Answered(kept_answer())),
        "it is not done twice"
    );
    let by = Actor::at_the_files("tests");
    target.resume(&bed::acme(), &by, at(700)).await.unwrap();
    let owed = target.lease_callbacks(&bed::acme(), lease(ME, 700), at(700), 1000).await.unwrap();
    assert!(owed.len() > 50, "{}", owed.len());
    let sends = target
        .lease_sends(
            &bed::carrier(),
            lease(ME, 1200),
            at(1200),
            None,
            posthouse_core::slots::Slots::ALL,
            1000,
        )
        .await
        .unwrap();
    assert!(sends.len() > 100, "{}", sends.len());
    source.close().await.unwrap();
    target.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_taken_back_till_a_gateway_has_come() {
    let Some(server) = PostgresServer::shared() else { return };
    let places = places(server).await;
    let source = open(&places.from.url, &places.from.media, Access::serve()).await.unwrap();
    fill(&*source).await;
    source.close().await.unwrap();
    drop(source);
    take_over(&places.from, &places.to, |_| {}).await.unwrap();
    take_back(&places.from, &places.to).await.unwrap();
    let source = open(&places.from.url, &places.from.media, Access::serve()).await.unwrap();
    source.close().await.unwrap();
    drop(source);
    let done = take_over(&places.from, &places.to, |_| {}).await.unwrap();
    assert_eq!((done.before, done.messages), (0, 454));
    let target = open(&places.to.url, &places.to.media, Access::serve()).await.unwrap();
    let joining = posthouse_core::store::Joining {
        owner: ME,
        kind: posthouse_core::store::NodeKind::Gateway,
        address: String::new(),
        version: "1".into(),
        now: at(0),
    };
    target.join(joining).await.unwrap();
    target.close().await.unwrap();
    assert!(matches!(take_back(&places.from, &places.to).await, Err(TransferError::Served(_))));
}

#[tokio::test]
async fn a_store_that_holds_something_is_left_alone() {
    let Some(server) = PostgresServer::shared() else { return };
    let places = places(server).await;
    let source = open(&places.from.url, &places.from.media, Access::serve()).await.unwrap();
    source.close().await.unwrap();
    drop(source);
    let target = open(&places.to.url, &places.to.media, Access::serve()).await.unwrap();
    let range = Range { prefix: Prefix::parse("1617").unwrap(), carrier: bed::carrier() };
    target.change(&[Change::PutRange(range)], None, &Actor::at_the_files("tests"), at(0)).await.unwrap();
    target.close().await.unwrap();
    assert!(matches!(take_over(&places.from, &places.to, |_| {}).await, Err(TransferError::NotEmpty(_))));
    let source = open(&places.from.url, &places.from.media, Access::serve()).await.unwrap();
    source.close().await.unwrap();
}

fn refusal(opened: Result<Arc<dyn Store>, OpenError>) -> String {
    opened.map(drop).unwrap_err().to_string()
}
