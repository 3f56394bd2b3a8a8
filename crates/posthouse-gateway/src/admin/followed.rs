//! What streams follow: lists of the API, each looked at once for all who follow the same with the same rights, and no further back than is
//! needed.
//!
//! A list of an account's messages, or of a carrier's, walks all there are till it has found enough: hundreds of thousands, where one in a
//! thousand is the account's. A stream is for what comes; so such a look goes back to the [newest](NEWEST) messages, and to what came since
//! the look before.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    Id,
    actor::{Actor, Role},
    lock,
};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use super::{AdminState, answer::of_store, pages::Api};

/// How often what is followed is looked at.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// All looks together take a twentieth of the time: one that takes long is done less often than every second, and at least so often.
const SHARE: u32 = 20;
const SELDOM: Duration = Duration::from_secs(5 * 60);
/// How far back is looked where a look at everything takes too long.
const NEAR: SignedDuration = SignedDuration::from_hours(1);
/// Among how many of the newest messages, whoever's they are, those of one account or carrier are looked for. They are passed over in a few
/// milliseconds.
const NEWEST: u32 = 10_000;
/// How long before a look a message may have got its id that is stored only after it.
const LATE: SignedDuration = SignedDuration::from_secs(2);

/// The lists that are followed, and who looks at them.
#[derive(Default)]
pub(super) struct Looks {
    all: lock::Mutex<HashMap<(String, Role), Weak<FollowedList>>>,
    /// Where the newest messages begin, and when that was looked at.
    newest: Mutex<Option<(Instant, Option<Id>)>>,
}

/// A list that is to be followed.
pub(super) struct Topic {
    /// The name of its events.
    pub name: &'static str,
    /// The member by which its items are told apart.
    pub key: &'static str,
    /// The list, with what filters it.
    pub path: String,
    /// Whether its messages may be rare among all.
    pub is_rare: bool,
}

/// A list that is followed, for all who may see the same of it.
pub(super) struct FollowedList {
    topic: Topic,
    last: Mutex<LastLook>,
}

/// Whoever looks, and where.
pub(super) struct StreamLooker<'a> {
    pub looks: &'a Looks,
    pub state: &'a AdminState,
    pub api: &'a Api,
    pub by: &'a Actor,
}

/// What the last look saw, and when the next may be.
#[derive(Default)]
struct LastLook {
    /// `None` before the first look.
    seen: Option<Arc<Vec<Item>>>,
    looked: Option<Instant>,
    next: Option<Instant>,
    /// When the last that saw something began, by the store's clock.
    at: Option<Timestamp>,
    /// Above which message it looked.
    above: Option<Id>,
    /// Whether only what is [near](NEAR) is looked at.
    is_near: bool,
}

/// An item of a list, and by what it is told apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    key: String,
    pub value: Value,
}

impl Looks {
    /// The list that whoever has this role sees of a topic: that of others, where they follow it.
    pub fn of(&self, topic: Topic, role: &Role) -> Arc<FollowedList> {
        let mut all = self.all.lock();
        all.retain(|_, followed| followed.strong_count() > 0);
        let key = (topic.path.clone(), role.clone());
        if let Some(followed) = all.get(&key).and_then(Weak::upgrade) {
            return followed;
        }
        let followed = Arc::new(FollowedList { topic, last: Mutex::default() });
        all.insert(key, Arc::downgrade(&followed));
        followed
    }

    /// How many lists are followed.
    fn count(&self) -> usize {
        self.all.lock().values().filter(|followed| followed.strong_count() > 0).count()
    }

    /// Where the newest messages begin, as of a second ago; `None` where there are no more than these.
    async fn newest(&self, state: &AdminState) -> Result<Option<Id>, ProblemDetails> {
        let mut newest = self.newest.lock().await;
        if let Some((at, id)) = *newest
            && at.elapsed() < EVERY
        {
            return Ok(id);
        }
        let id = state.store.nth_newest(NEWEST).await.map_err(|error| of_store(&error))?;
        *newest = Some((Instant::now(), id));
        Ok(id)
    }
}

impl FollowedList {
    /// The name of its events.
    pub const fn name(&self) -> &'static str {
        self.topic.name
    }

    /// The list as it is now: looked at, unless somebody did within the last second, or the next look is not due yet. Whoever sees it for
    /// the first time does not wait for that.
    ///
    /// # Errors
    /// The list is refused, or cannot be had now.
    pub async fn items(
        &self,
        looker: &StreamLooker<'_>,
        is_first: bool,
    ) -> Result<Arc<Vec<Item>>, ProblemDetails> {
        let mut last = self.last.lock().await;
        let began = Instant::now();
        let is_due = match is_first {
            true => last.looked.is_none_or(|looked| looked + EVERY <= began),
            false => last.next.is_none_or(|next| next <= began),
        };
        match &last.seen {
            Some(seen) if !is_due => return Ok(Arc::clone(seen)),
            _ => {}
        }
        let looked = self.look(&mut last, looker).await;
        last.next = Some(began + rest(began.elapsed(), looker.looks.count()));
        last.looked = Some(began);
        let seen = Arc::new(looked?);
        last.seen = Some(Arc::clone(&seen));
        Ok(seen)
    }

    async fn look(
        &self,
        last: &mut LastLook,
        looker: &StreamLooker<'_>,
    ) -> Result<Vec<Item>, ProblemDetails> {
        let now = looker.state.clock.now();
        if self.topic.is_rare {
            last.above = above(last, looker.looks.newest(looker.state).await?, now);
        }
        let ask = async |is_near| {
            let page: Value = looker.api.get(looker.by, &self.path(is_near, last.above, now)).await?;
            Ok(items(page, self.topic.key))
        };
        let mut found: Result<Vec<Item>, ProblemDetails> = ask(last.is_near).await;
        if matches!(&found, Err(problem) if problem.is(ProblemCode::WindowTooWide)) && !last.is_near {
            last.is_near = true;
            found = ask(true).await;
        }
        if found.is_ok() {
            last.at = Some(now);
        }
        found
    }

    /// The list that is looked at now.
    fn path(&self, is_near: bool, above: Option<Id>, now: Timestamp) -> String {
        let mut path = self.topic.path.clone();
        if let Some(above) = above {
            path += &format!("&above={above}");
        }
        if is_near && self.topic.name != "queues" {
            path += &format!("&since={}", now.checked_sub(NEAR).unwrap_or(Timestamp::MIN));
        }
        path
    }
}

/// Above which message a look begins now: where the newest begin, or what came since the look before where that is more, and never further
/// back than before.
fn above(last: &LastLook, newest: Option<Id>, now: Timestamp) -> Option<Id> {
    let since = last.at.unwrap_or(now).checked_sub(LATE).unwrap_or(Timestamp::MIN);
    newest.map(|newest| newest.min(Id::first_at(since))).max(last.above)
}

/// How long after a look that took so long the next one begins, with so many lists that are followed.
fn rest(took: Duration, looks: usize) -> Duration {
    let looks = u32::try_from(looks).unwrap_or(u32::MAX);
    took.saturating_mul(SHARE.saturating_mul(looks)).clamp(EVERY, SELDOM)
}

/// The items of a page.
fn items(mut page: Value, key: &str) -> Vec<Item> {
    let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else { return Vec::new() };
    let item = |value: Value| Item { key: value.get(key).map(Value::to_string).unwrap_or_default(), value };
    items.into_iter().map(item).collect()
}

/// The items that are new, or are another than they were; the oldest first. The first look tells nothing.
pub(super) fn changed<'a>(seen: Option<&Arc<Vec<Item>>>, now: &'a Arc<Vec<Item>>) -> Vec<&'a Item> {
    let Some(seen) = seen.filter(|seen| !Arc::ptr_eq(seen, now)) else { return Vec::new() };
    let seen: HashMap<&str, &Item> = seen.iter().map(|item| (&*item.key, item)).collect();
    now.iter().rev().filter(|item| seen.get(&*item.key) != Some(item)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(items: &[Value]) -> Arc<Vec<Item>> {
        Arc::new(super::items(json!({"items": items, "next": null}), "message_id"))
    }

    fn told(seen: Option<&Arc<Vec<Item>>>, now: &Arc<Vec<Item>>) -> Vec<Value> {
        changed(seen, now).into_iter().map(|item| item.value.clone()).collect()
    }

    #[test]
    fn what_is_new_or_another_is_told_the_oldest_first() {
        let item = |id: &str, state: &str| json!({"message_id": id, "state": state});
        let first = list(&[item("2", "Accepted"), item("1", "Sending")]);
        assert_eq!(told(None, &first), Vec::<Value>::new());
        assert_eq!(told(Some(&first), &first), Vec::<Value>::new());
        let next = [item("4", "Accepted"), item("3", "Accepted"), item("2", "Sending"), item("1", "Sending")];
        let expected = [item("2", "Sending"), item("3", "Accepted"), item("4", "Accepted")];
        assert_eq!(told(Some(&first), &list(&next)), expected);
        assert_eq!(told(Some(&list(&next)), &list(&next[..1])), Vec::<Value>::new());
    }

    #[test]
    fn looks_share_a_twentieth_of_the_time() {
        let millis = Duration::from_millis;
        for (took, looks, expected) in [
            (millis(1), 1, millis(1_000)),
            (millis(2), 32, millis(1_280)),
            (millis(500), 1, millis(10_000)),
            (millis(500), 20, millis(200_000)),
            (millis(2_000), 32, millis(300_000)),
        ] {
            assert_eq!(rest(took, looks), expected, "{took:?} of {looks}");
        }
    }

    /// What came between two looks is not passed over, however much it was; and what was once too far back is never told as new.
    #[test]
    fn a_look_goes_back_to_the_newest_and_to_the_look_before() {
        let at = |second: i64| Timestamp::from_second(1_764_000_000 + second).unwrap();
        let id = |second| Id::first_at(at(second));
        let last = |before: Option<i64>, above: Option<i64>| LastLook {
            at: before.map(at),
            above: above.map(id),
            ..LastLook::default()
        };
        for (before, after, newest, expected) in [
            (None, None, None, None),
            (None, None, Some(10), Some(10)),
            (None, None, Some(99), Some(98)),
            (Some(70), Some(60), Some(50), Some(60)),
            (Some(70), Some(60), Some(65), Some(65)),
            (Some(70), Some(60), Some(95), Some(68)),
            (Some(70), Some(60), None, Some(60)),
        ] {
            let above = above(&last(before, after), newest.map(id), at(100));
            assert_eq!(above, expected.map(id), "{before:?} {after:?} {newest:?}");
        }
    }

    #[test]
    fn those_who_may_see_the_same_follow_one_list() {
        let looks = Looks::default();
        let of = |path: &str, role: Role| {
            looks.of(
                Topic { name: "messages", key: "message_id", path: path.to_owned(), is_rare: false },
                &role,
            )
        };
        let first = of("/messages?limit=200", Role::Viewer);
        assert!(Arc::ptr_eq(&first, &of("/messages?limit=200", Role::Viewer)));
        let others = [of("/messages?limit=200", Role::Support), of("/messages?account=a", Role::Viewer)];
        assert!(others.iter().all(|other| !Arc::ptr_eq(&first, other)));
        assert_eq!(looks.count(), 3);
        drop((first, others));
        assert_eq!(looks.count(), 0);
    }
}
