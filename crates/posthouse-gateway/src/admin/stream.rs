//! `GET /api/v1/stream`: what changes, as it changes, as Server-Sent Events.
//!
//! A stream asks the lists of the API in this process every second, with the rights and the masking of whoever asks, and sends what is new in
//! them, or became another. So nothing else knows of streams: what nobody follows costs nothing, and a message on its way does no more for
//! one that is followed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, Uri, header};
use jiff::{SignedDuration, Timestamp};
use posthouse_api::{ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{actor::Actor, shown::in_json};
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep},
};

use super::{
    AdminState,
    answer::{ProblemAnswer, problem},
    context,
    pages::{Api, query},
    query::Parameters,
};
use crate::{
    http::{answer_body::AnswerBody, peer::Peer},
    spawn::spawn,
};

/// Where streams are.
const PATH: &str = "/api/v1/stream";
/// How often what is followed is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// All streams together look for a twentieth of the time: one whose looks take long, for what it follows is rare among millions, looks less
/// often than every second, and at least so often.
const SHARE: u32 = 20;
const SELDOM: Duration = Duration::from_secs(5 * 60);
/// How far back is looked where a look at everything takes too long.
const NEAR: SignedDuration = SignedDuration::from_hours(1);
/// How often it is looked whether whoever follows still may.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// How many streams there may be at a time.
const MOST: usize = 32;
/// How many events wait for a peer that is slow.
const WAITING: usize = 1000;

/// What can be followed: the name of its events, and the member by which its items are told apart.
const TOPICS: [(&str, &str); 4] = [
    ("messages", "message_id"),
    ("refusals", "refusal_id"),
    ("callbacks", "callback_id"),
    ("queues", "carrier"),
];

/// The streams of a door.
pub(super) struct Streams {
    places: Arc<Semaphore>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)) }
    }
}

/// What is followed by a stream.
struct Followed {
    topics: Vec<FollowedTopic>,
}

/// A list that is followed.
struct FollowedTopic {
    name: &'static str,
    key: &'static str,
    path: String,
    /// Whether only what is [near](NEAR) is looked at.
    is_near: bool,
    /// What was last seen of each item; `None` before the first look, which tells nothing.
    seen: Option<HashMap<String, Value>>,
}

/// Whoever follows, and by what it showed that it may.
struct Follower {
    state: Arc<AdminState>,
    api: Api,
    by: Actor,
    headers: HeaderMap,
    peer: Peer,
}

/// Follows what changes
///
/// The answer is `text/event-stream`: an event is named after its topic, and its data is an item of that list. `beat` comes at least every
/// second with the time, and `end` before the stream ends, with a problem that says why.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/stream", tag = "stats", operation_id = "stream",
    params(
        ("topics" = Option<String>, Query, description = "Of `messages`, `refusals`, `callbacks` and `queues`, with commas between; `messages` when it does not say"),
        ("account" = Option<String>, Query, description = "Only what is this account's"),
        ("carrier" = Option<String>, Query, description = "Only what is this carrier's: of messages, callbacks and queues"),
        ("code" = Option<String>, Query, description = "Only this code: of messages and refusals")),
    responses((status = 200, description = "What changes, till one of both ends it", body = String, content_type = "text/event-stream"))
))]
pub(super) async fn handle() -> ProblemAnswer {
    // The door answers it itself: what goes on for ever is no answer that is put together first.
    ProblemAnswer(ProblemDetails::new(ProblemCode::Internal))
}

/// Whether a request asks for a stream.
pub(super) fn is_asked(method: &Method, path: &str) -> bool {
    *method == Method::GET && path == PATH
}

impl Streams {
    /// A stream for whoever asks, or why there is none.
    pub async fn open(
        &self,
        state: &Arc<AdminState>,
        api: Api,
        (headers, uri): (&HeaderMap, &Uri),
        (by, peer): (Actor, Peer),
    ) -> Response<AnswerBody> {
        let follower = Follower { state: Arc::clone(state), api, by, headers: headers.clone(), peer };
        match self.begun(follower, uri).await {
            Ok(body) => stream(body),
            Err(refused) => problem(&refused).map(AnswerBody::from),
        }
    }

    async fn begun(&self, follower: Follower, uri: &Uri) -> Result<mpsc::Receiver<Bytes>, ProblemDetails> {
        let mut followed = Followed::of(uri, &follower.by)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            ProblemDetails::new(ProblemCode::Unavailable)
                .detail(format!("{MOST} streams are open, and there may be no more"))
                .remedy("close another, or ask for lists")
        })?;
        // What is wrong with a filter is told at once, as of a list.
        followed.look(&follower).await?;
        let (events, body) = mpsc::channel(WAITING);
        drop(spawn(follow(follower, followed, events, place)));
        Ok(body)
    }
}

fn stream(body: mpsc::Receiver<Bytes>) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::Stream(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy in front that buffers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

impl Followed {
    /// What a query asks for.
    ///
    /// # Errors
    /// What is wrong with it.
    fn of(uri: &Uri, by: &Actor) -> Result<Self, ProblemDetails> {
        let mut given = Parameters::of(uri);
        let topics = given.one("topics").unwrap_or_else(|| "messages".to_owned());
        let [account, carrier, code] = ["account", "carrier", "code"].map(|name| given.one(name));
        given.finish()?;
        let account = context::confined(by, account, uri.path())?;
        let filters = |name: &str| {
            let (of_carrier, of_code) = (name != "refusals", matches!(name, "messages" | "refusals"));
            let account = account.as_deref().map(|value| ("account", value)).filter(|_| name != "queues");
            let carrier = carrier.as_deref().map(|value| ("carrier", value)).filter(|_| of_carrier);
            let code = code.as_deref().map(|value| ("code", value)).filter(|_| of_code);
            query(
                account
                    .into_iter()
                    .chain(carrier)
                    .chain(code)
                    .chain((name != "queues").then_some(("limit", "200"))),
            )
        };
        let topic = |wanted: &str| {
            let found = TOPICS.into_iter().find(|(name, _)| *name == wanted.trim());
            let (name, key) = found.ok_or_else(|| unknown(wanted))?;
            Ok(FollowedTopic {
                name,
                key,
                path: format!("/{name}?{}", filters(name)),
                is_near: false,
                seen: None,
            })
        };
        let topics = topics.split(',').map(topic).collect::<Result<Vec<_>, ProblemDetails>>()?;
        Ok(Self { topics })
    }

    /// What changed since the last look, each with the name of its topic.
    ///
    /// # Errors
    /// A list is refused, or cannot be had now.
    async fn look(&mut self, follower: &Follower) -> Result<Vec<(&'static str, Value)>, ProblemDetails> {
        let mut changed = Vec::new();
        for topic in &mut self.topics {
            let mut page: Result<Value, _> = follower.api.get(&follower.by, &topic.path(follower)).await;
            if matches!(&page, Err(problem) if problem.is(ProblemCode::WindowTooWide)) && !topic.is_near {
                topic.is_near = true;
                page = follower.api.get(&follower.by, &topic.path(follower)).await;
            }
            let page = page?;
            let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            changed.extend(topic.differ(items).into_iter().map(|item| (topic.name, item)));
        }
        Ok(changed)
    }
}

impl FollowedTopic {
    /// The list that is looked at now.
    fn path(&self, follower: &Follower) -> String {
        let since = follower.state.clock.now().checked_sub(NEAR).unwrap_or(Timestamp::MIN);
        match self.is_near && self.name != "queues" {
            true => format!("{}&since={since}", self.path),
            false => self.path.clone(),
        }
    }

    /// The items that are new, or are another than they were; the oldest first.
    fn differ(&mut self, items: Vec<Value>) -> Vec<Value> {
        let key = |item: &Value| item.get(self.key).map(ToString::to_string).unwrap_or_default();
        let now: HashMap<String, Value> = items.iter().map(|item| (key(item), item.clone())).collect();
        let changed = match &self.seen {
            None => Vec::new(),
            Some(seen) => items.into_iter().rev().filter(|item| seen.get(&key(item)) != Some(item)).collect(),
        };
        self.seen = Some(now);
        changed
    }
}

fn unknown(topic: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::InvalidParameter).error(
        ProblemError::in_parameter("topics", format!("there is no topic {topic:?}"))
            .with_remedy("write messages, refusals, callbacks, queues, or some of these with commas between"),
    )
}

/// Sends what changes, till whoever follows is gone, may not any more, or is too slow.
async fn follow(
    follower: Follower,
    mut followed: Followed,
    events: mpsc::Sender<Bytes>,
    place: OwnedSemaphorePermit,
) {
    // Room for the last event, which says why it is the last.
    let Ok(last) = events.clone().reserve_owned().await else { return };
    let (mut asked, mut next) = (Instant::now(), Instant::now());
    let ended = loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            () = events.closed() => return,
        }
        if asked.elapsed() >= ASKED_EVERY {
            if let Err(refused) = follower.still_may().await {
                break refused;
            }
            asked = Instant::now();
        }
        if follower.state.drain.is_stopping() {
            break over("the gateway stops");
        }
        let began = Instant::now();
        let changed = match began >= next {
            true => followed.look(&follower).await,
            false => Ok(Vec::new()),
        };
        if began >= next {
            next = began + rest(began.elapsed(), MOST.saturating_sub(place.semaphore().available_permits()));
        }
        match changed {
            Ok(changed) => {
                let beat = event("beat", &Value::String(follower.state.clock.now().to_string()));
                if !tell(&events, changed.iter().map(|(name, item)| event(name, item)).chain([beat])) {
                    break over("what changes was not read as fast as it came");
                }
            }
            // What cannot be had now may be had in a moment.
            Err(problem) if problem.status >= 500 => {}
            Err(problem) => break problem,
        }
    };
    let why = serde_json::to_value(&ended).unwrap_or_default();
    let _ = last.send(event("end", &why));
    drop(place);
}

/// How long after a look that took so long the next one begins, with so many streams open.
fn rest(took: Duration, streams: usize) -> Duration {
    let streams = u32::try_from(streams).unwrap_or(u32::MAX);
    took.saturating_mul(SHARE.saturating_mul(streams)).clamp(EVERY, SELDOM)
}

/// Has these events wait for whoever follows; whether there was room for all of them.
fn tell(events: &mpsc::Sender<Bytes>, told: impl IntoIterator<Item = Bytes>) -> bool {
    told.into_iter().all(|event| events.try_send(event).is_ok())
}

fn over(why: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::Unavailable)
        .detail(why)
        .remedy("open the stream again, and ask for what was missed")
}

impl Follower {
    /// Whether what it showed is still good for this.
    async fn still_may(&self) -> Result<(), ProblemDetails> {
        let by = context::admit(&self.state, &self.headers, &self.peer).await?;
        match by.role == self.by.role {
            true => Ok(()),
            false => Err(over("the role of this token is another now")),
        }
    }
}

/// An event (HTML, 9.2.6): JSON is one line.
fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {}\n\n", in_json(&data.to_string())).into()
}

#[cfg(test)]
mod tests {
    use posthouse_core::{
        account::AccountName,
        actor::{Credential, Role},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_new_or_another_is_told_the_oldest_first() {
        let mut topic = FollowedTopic {
            name: "messages",
            key: "message_id",
            path: String::new(),
            is_near: false,
            seen: None,
        };
        let item = |id: &str, state: &str| json!({"message_id": id, "state": state});
        assert_eq!(topic.differ(vec![item("2", "Accepted"), item("1", "Sending")]), Vec::<Value>::new());
        let next =
            vec![item("4", "Accepted"), item("3", "Accepted"), item("2", "Sending"), item("1", "Sending")];
        assert_eq!(topic.differ(next), [item("2", "Sending"), item("3", "Accepted"), item("4", "Accepted")]);
        assert_eq!(topic.differ(vec![item("4", "Accepted")]), Vec::<Value>::new());
    }

    #[test]
    fn streams_share_a_twentieth_of_the_time() {
        let millis = Duration::from_millis;
        for (took, streams, expected) in [
            (millis(1), 1, millis(1_000)),
            (millis(2), 32, millis(1_280)),
            (millis(500), 1, millis(10_000)),
            (millis(500), 20, millis(200_000)),
            (millis(2_000), 32, millis(300_000)),
        ] {
            assert_eq!(rest(took, streams), expected, "{took:?} of {streams}");
        }
    }

    #[tokio::test]
    async fn who_reads_too_slowly_is_told_so_at_the_end() {
        let (events, mut read) = mpsc::channel(3);
        let last = events.clone().reserve_owned().await.unwrap();
        let one = || Bytes::from_static(b"one");
        assert!(tell(&events, [one(), one()]));
        assert!(!tell(&events, [one()]), "the last place is kept");
        drop(last.send(Bytes::from_static(b"end")));
        drop(events);
        let mut all = Vec::new();
        while let Some(event) = read.recv().await {
            all.push(event);
        }
        assert_eq!(all, ["one", "one", "end"]);
    }

    #[test]
    fn a_query_says_what_is_followed() {
        let paths = |role: Role, asked: &str| {
            let by = Actor::new("ann", role, Credential::Run);
            let followed = Followed::of(&format!("{PATH}{asked}").parse().unwrap(), &by);
            followed.map(|all| all.topics.into_iter().map(|topic| topic.path).collect::<Vec<_>>())
        };
        assert_eq!(paths(Role::Viewer, "").unwrap(), ["/messages?limit=200"]);
        assert_eq!(
            paths(Role::Viewer, "?topics=messages,refusals,queues&account=a&carrier=b&code=4006").unwrap(),
            [
                "/messages?account=a&carrier=b&code=4006&limit=200",
                "/refusals?account=a&code=4006&limit=200",
                "/queues?carrier=b"
            ]
        );
        let acme = || Role::Vasp(AccountName("acme".into()));
        assert_eq!(paths(acme(), "?topics=callbacks").unwrap(), ["/callbacks?account=acme&limit=200"]);
        assert_eq!(paths(acme(), "?account=globex").unwrap_err().status, 404);
        let wrong = paths(Role::Viewer, "?topics=weather").unwrap_err();
        assert_eq!(wrong.errors[0].detail, "there is no topic \"weather\"");
        assert_eq!(paths(Role::Viewer, "?topic=messages").unwrap_err().status, 400);
    }

    #[test]
    fn an_event_is_one_line_of_data() {
        let written = event("messages", &json!({"subject": "a\nb\u{2028}"}));
        let written = String::from_utf8(written.to_vec()).unwrap();
        assert!(
            written.starts_with("event: messages\ndata: {\"subject\":\"a\\nb") && written.ends_with("}\n\n")
        );
        assert_eq!(written.lines().count(), 3, "{written}");
    }
}
