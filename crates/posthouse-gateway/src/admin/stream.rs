//! `GET /api/v1/stream`: what changes, as it changes, as Server-Sent Events.
//!
//! A stream has the lists of the API looked at every second ([`followed`](super::followed)), with the rights and the masking of whoever asks,
//! and sends what is new in them, or became another. So nothing else knows of streams: what nobody follows costs nothing, and a message on
//! its way does no more for one that is followed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, Uri, header};
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
    followed::{EVERY, FollowedList, Item, Looks, StreamLooker, Topic, changed},
    pages::{Api, query},
    query::Parameters,
};
use crate::{
    http::{answer_body::AnswerBody, peer::Peer},
    spawn::spawn,
};

/// Where streams are.
const PATH: &str = "/api/v1/stream";
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
    looks: Arc<Looks>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), looks: Arc::default() }
    }
}

/// What is followed by a stream.
struct Followed(Vec<FollowedByStream>);

/// A list that a stream follows.
struct FollowedByStream {
    list: Arc<FollowedList>,
    /// What this stream last saw of it; `None` before the first look.
    seen: Option<Arc<Vec<Item>>>,
}

/// Whoever follows, and by what it showed that it may.
struct Follower {
    state: Arc<AdminState>,
    looks: Arc<Looks>,
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
        let follower = Follower {
            state: Arc::clone(state),
            looks: Arc::clone(&self.looks),
            api,
            by,
            headers: headers.clone(),
            peer,
        };
        match self.begun(follower, uri).await {
            Ok(body) => stream(body),
            Err(refused) => problem(&refused).map(AnswerBody::from),
        }
    }

    async fn begun(&self, follower: Follower, uri: &Uri) -> Result<mpsc::Receiver<Bytes>, ProblemDetails> {
        let topics = topics(uri, &follower.by)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            ProblemDetails::new(ProblemCode::Unavailable)
                .detail(format!("{MOST} streams are open, and there may be no more"))
                .remedy("close another, or ask for lists")
        })?;
        let role = &follower.by.role;
        let of = |topic| FollowedByStream { list: self.looks.of(topic, role), seen: None };
        let mut followed = Followed(topics.into_iter().map(of).collect());
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

/// What a query asks for.
///
/// # Errors
/// What is wrong with it.
fn topics(uri: &Uri, by: &Actor) -> Result<Vec<Topic>, ProblemDetails> {
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
        let limit = (name != "queues").then_some(("limit", "200"));
        query(account.into_iter().chain(carrier).chain(code).chain(limit))
    };
    let is_rare = account.is_some() || carrier.is_some();
    let mut followed: Vec<Topic> = Vec::new();
    for wanted in topics.split(',') {
        let found = TOPICS.into_iter().find(|(name, _)| *name == wanted.trim());
        let (name, key) = found.ok_or_else(|| unknown(wanted))?;
        // One that is named twice is followed once: its events would come twice.
        if followed.iter().all(|topic| topic.name != name) {
            let path = format!("/{name}?{}", filters(name));
            followed.push(Topic { name, key, path, is_rare: is_rare && name == "messages" });
        }
    }
    Ok(followed)
}

impl Followed {
    /// What changed since the last look, each as an event.
    ///
    /// # Errors
    /// A list is refused, or cannot be had now.
    async fn look(&mut self, follower: &Follower) -> Result<Vec<Bytes>, ProblemDetails> {
        let mut looked = Vec::with_capacity(self.0.len());
        for FollowedByStream { list, seen } in &self.0 {
            looked.push(list.items(&follower.looker(), seen.is_none()).await?);
        }
        // Only once all of them could be had: what changed in one is not lost with another.
        let mut events = Vec::new();
        for (FollowedByStream { list, seen }, now) in self.0.iter_mut().zip(looked) {
            let changed = changed(seen.as_ref(), &now);
            events.extend(changed.into_iter().map(|item| event(list.name(), &item.value)));
            *seen = Some(now);
        }
        Ok(events)
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
    let mut asked = Instant::now();
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
        match followed.look(&follower).await {
            Ok(changed) => {
                let beat = event("beat", &Value::String(follower.state.clock.now().to_string()));
                if !tell(&events, changed.into_iter().chain([beat])) {
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
    fn looker(&self) -> StreamLooker<'_> {
        StreamLooker { looks: &self.looks, state: &self.state, api: &self.api, by: &self.by }
    }

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
            let topics = topics(&format!("{PATH}{asked}").parse().unwrap(), &by);
            topics.map(|all| all.into_iter().map(|topic| (topic.path, topic.is_rare)).collect::<Vec<_>>())
        };
        let path = |path: &str, is_rare: bool| (path.to_owned(), is_rare);
        assert_eq!(paths(Role::Viewer, "").unwrap(), [path("/messages?limit=200", false)]);
        assert_eq!(
            paths(Role::Viewer, "?code=4006").unwrap(),
            [path("/messages?code=4006&limit=200", false)]
        );
        assert_eq!(
            paths(Role::Viewer, "?topics=messages,refusals,queues&account=a&carrier=b&code=4006").unwrap(),
            [
                path("/messages?account=a&carrier=b&code=4006&limit=200", true),
                path("/refusals?account=a&code=4006&limit=200", false),
                path("/queues?carrier=b", false)
            ]
        );
        let acme = || Role::Vasp(AccountName("acme".into()));
        assert_eq!(paths(acme(), "").unwrap(), [path("/messages?account=acme&limit=200", true)]);
        assert_eq!(
            paths(acme(), "?topics=callbacks").unwrap(),
            [path("/callbacks?account=acme&limit=200", false)]
        );
        assert_eq!(
            paths(Role::Viewer, "?topics=queues,messages,queues").unwrap(),
            [path("/queues?", false), path("/messages?limit=200", false)]
        );
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
