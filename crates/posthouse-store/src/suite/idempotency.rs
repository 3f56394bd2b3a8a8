//! Requests that may be sent again.

use posthouse_core::idempotency::{KEY_KEPT, KeptAnswer, KeyClaim, KeyedRequest, MOST_KEYS, MOST_OWN_KEYS};

use super::{
    Backend,
    bed::{Bed, at},
};

fn request(hash: &str, digest: &str, second: i64) -> KeyedRequest {
    KeyedRequest {
        hash: hash.to_owned(),
        principal: "ann".to_owned(),
        digest: digest.to_owned(),
        at: at(second),
    }
}

/// Across a restart; and one that was released is the first again.
pub async fn a_request_is_carried_out_once_under_its_key(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.claim_key(&request("a", "d", 1)).await, Ok(KeyClaim::First));
    assert_eq!(bed.claim_key(&request("a", "d", 2)).await, Ok(KeyClaim::UnderWay));
    assert_eq!(bed.claim_key(&request("a", "other", 2)).await, Ok(KeyClaim::Another));
    assert_eq!(bed.claim_key(&request("b", "d", 2)).await, Ok(KeyClaim::First), "a key of its own");
    let answer =
        KeptAnswer { status: 200, etag: Some("\"2\"".to_owned()), body: Some("{\"revision\":2}".to_owned()) };
    bed.keep_answer("a", &answer).await.unwrap();
    bed.keep_answer("nobody's", &answer).await.unwrap();
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.claim_key(&request("a", "d", 3)).await, Ok(KeyClaim::Answered(answer)));
    assert_eq!(bed.claim_key(&request("b", "d", 603)).await, Ok(KeyClaim::Unknown), "it broke off");
    bed.release_key("b").await.unwrap();
    assert_eq!(bed.claim_key(&request("b", "other", 603)).await, Ok(KeyClaim::First));
    bed.keep_answer("b", &KeptAnswer { status: 201, etag: None, body: None }).await.unwrap();
    let told_once = KeyClaim::Answered(KeptAnswer { status: 201, etag: None, body: None });
    assert_eq!(bed.claim_key(&request("b", "other", 604)).await, Ok(told_once));
}

/// Of each principal, and of all together, the oldest go; and those that retention forgets.
pub async fn keys_are_bounded(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let of = |principal: usize, number: usize| KeyedRequest {
        principal: format!("p{principal}"),
        ..request(&format!("{principal}-{number}"), "d", i64::try_from(principal * 1000 + number).unwrap())
    };
    let come = async |asked: &KeyedRequest| bed.claim_key(asked).await.unwrap();
    for number in 0..=MOST_OWN_KEYS {
        assert_eq!(come(&of(1, number)).await, KeyClaim::First);
    }
    assert_eq!(come(&KeyedRequest { at: at(2000), ..of(1, 1) }).await, KeyClaim::Unknown, "it is kept");
    assert_eq!(come(&KeyedRequest { at: at(2000), ..of(1, 0) }).await, KeyClaim::First, "it was the oldest");
    for principal in 2..2 + MOST_KEYS / MOST_OWN_KEYS {
        for number in 0..MOST_OWN_KEYS {
            come(&of(principal, number)).await;
        }
    }
    let last = 1 + MOST_KEYS / MOST_OWN_KEYS;
    let later = |asked: KeyedRequest| KeyedRequest { at: at(10_000), ..asked };
    assert_eq!(come(&later(of(last, 0))).await, KeyClaim::Unknown, "it is kept");
    assert_eq!(come(&later(of(1, 7))).await, KeyClaim::First, "others came after it");
    assert_eq!(bed.forget_keys(at(2000), 3).await, Ok(0));
    let most = u64::try_from(MOST_OWN_KEYS).unwrap();
    assert_eq!(bed.forget_keys(at(3000), 3).await, Ok(3));
    assert_eq!(bed.forget_keys(at(2999), usize::from(u16::MAX)).await, Ok(most - 4), "one went for the last");
    let day_later = KeyedRequest { at: at(3000) + KEY_KEPT, ..of(3, 0) };
    assert_eq!(come(&day_later).await, KeyClaim::First, "a day is over");
}
