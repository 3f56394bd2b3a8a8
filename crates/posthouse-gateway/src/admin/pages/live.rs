//! Live pages: a stream of events for each page that is open, and one computation for all that watch the same.
//!
//! Nothing is computed while nobody watches. A stream ends by itself after a while, so that whoever signed out does not watch on, and
//! the browser asks again.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, Uri, header};
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::{Actor, Credential, Role},
    lock::Mutex,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{PageState, Visitor, carriers, overview, queues, sign_in::field};
use crate::{http::answer_body::AnswerBody, spawn::spawn};

/// How often what is watched is computed.
const EVERY: Duration = Duration::from_secs(2);
/// How long a stream lasts.
const LASTS: Duration = Duration::from_secs(15 * 60);
/// How many streams there may be at a time. Pages without one ask by themselves.
const MOST: usize = 64;
/// The longest query of one, in bytes.
const LONGEST: usize = 1_000;
/// How many events wait for a peer that is slow.
const WAITING: usize = 2;

/// What can be watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum LiveTopic {
    Overview,
    Queues,
    Carrier(String),
}

impl LiveTopic {
    /// By the address of its stream.
    fn of(uri: &Uri) -> Option<Self> {
        match uri.path() {
            "/live/overview" => Some(Self::Overview),
            "/live/queues" => Some(Self::Queues),
            "/live/carrier" => {
                let query = uri.query().filter(|query| query.len() <= LONGEST)?;
                Some(Self::Carrier(field(query.as_bytes(), "id")?))
            }
            _ => None,
        }
    }

    /// The part of the page that is live, as everybody sees it.
    async fn part(&self, pages: &PageState, by: &Actor) -> Result<String, ProblemDetails> {
        match self {
            Self::Overview => overview::part(pages, by).await,
            Self::Queues => queues::part(pages, by).await,
            Self::Carrier(id) => carriers::part(pages, by, id).await,
        }
    }
}

/// What watchers of a topic see: the part, its number, and the time when it was computed.
#[derive(Clone, Debug, Default)]
struct LivePart {
    html: Arc<str>,
    number: u64,
    time: String,
}

/// The topics that somebody watches, and how many streams there may still be.
pub(super) struct LiveTopics {
    watched: Mutex<HashMap<LiveTopic, watch::Sender<LivePart>>>,
    streams: Arc<Semaphore>,
}

impl Default for LiveTopics {
    fn default() -> Self {
        Self { watched: Mutex::default(), streams: Arc::new(Semaphore::new(MOST)) }
    }
}

/// A stream for whoever asks at this address below `/live/`; `None` where it may not watch, there is nothing to watch, or there are too many.
pub(super) fn stream(pages: &Arc<PageState>, visitor: &Visitor, uri: &Uri) -> Option<Response<AnswerBody>> {
    let who = visitor.actor.as_ref()?;
    // What is computed once is for those who see everything.
    let topic = LiveTopic::of(uri).filter(|_| who.account().is_none())?;
    let permit = Arc::clone(&pages.live.streams).try_acquire_owned().ok()?;
    let (events, body) = mpsc::channel(WAITING);
    let parts = subscribe(pages, topic);
    drop(spawn(send(parts, events, permit)));
    let mut answer = Response::new(AnswerBody::Stream(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy in front that buffers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Some(answer)
}

/// Why there is no stream.
pub(super) fn refused() -> ProblemDetails {
    ProblemDetails::new(ProblemCode::Unavailable)
        .detail("too many pages are live, or there is nothing to watch here")
        .remedy("open the page again: it asks by itself")
}

/// Watches a topic; it is computed from now on if nobody else did.
fn subscribe(pages: &Arc<PageState>, topic: LiveTopic) -> watch::Receiver<LivePart> {
    let mut watched = pages.live.watched.lock();
    if let Some(parts) = watched.get(&topic) {
        return parts.subscribe();
    }
    let (parts, seen) = watch::channel(LivePart::default());
    watched.insert(topic.clone(), parts.clone());
    drop(spawn(compute(Arc::clone(pages), topic, parts)));
    seen
}

/// Computes a topic as long as somebody watches it.
async fn compute(pages: Arc<PageState>, topic: LiveTopic, parts: watch::Sender<LivePart>) {
    let by = Actor::new("live", Role::Viewer, Credential::Run);
    loop {
        match topic.part(&pages, &by).await {
            Ok(html) => {
                let time = pages.admin.clock.now().strftime("%H:%M:%S").to_string();
                parts.send_modify(|part| {
                    if *part.html != *html {
                        (part.html, part.number) = (html.into(), part.number + 1);
                    }
                    part.time = time;
                });
            }
            // Watchers see that nothing comes; who watches what is no more hears nothing more.
            Err(problem) => tracing::debug!(%problem, "a live page has nothing to show"),
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            () = parts.closed() => {}
        }
        let mut watched = pages.live.watched.lock();
        if parts.receiver_count() == 0 || pages.admin.drain.is_stopping() {
            watched.remove(&topic);
            return;
        }
    }
}

/// Sends what is seen to one watcher, till it is gone, the topic ends, or the time is over.
async fn send(
    mut parts: watch::Receiver<LivePart>,
    events: mpsc::Sender<Bytes>,
    permit: OwnedSemaphorePermit,
) {
    let over = Instant::now() + LASTS;
    let mut sent = 0;
    loop {
        let changed = tokio::select! {
            changed = parts.changed() => changed.is_ok(),
            () = events.closed() => false,
            () = sleep_until(over) => false,
        };
        if !changed {
            break;
        }
        let part = parts.borrow_and_update().clone();
        let event = event(&part, part.number != sent);
        sent = part.number;
        tokio::select! {
            taken = events.send(event.into()) => if taken.is_err() { break },
            () = sleep_until(over) => break,
        }
    }
    drop(permit);
}

/// An event of the time, behind one of the part where that is new (HTML, 9.2.6).
fn event(part: &LivePart, is_new: bool) -> String {
    let mut event = String::new();
    if is_new {
        event.push_str("event: part\n");
        for line in part.html.split(['\n', '\r']) {
            event.push_str("data: ");
            event.push_str(line);
            event.push('\n');
        }
        event.push('\n');
    }
    event.push_str("event: beat\ndata: ");
    event.push_str(&part.time);
    event.push_str("\n\n");
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_sent_when_it_is_new_and_the_time_always() {
        let part = LivePart { html: "<p>a\r\nb</p>".into(), number: 1, time: "03:12:04".to_owned() };
        assert_eq!(
            event(&part, true),
            "event: part\ndata: <p>a\ndata: \ndata: b</p>\n\nevent: beat\ndata: 03:12:04\n\n"
        );
        assert_eq!(event(&part, false), "event: beat\ndata: 03:12:04\n\n");
    }

    #[test]
    fn topics_are_pages() {
        let of = |uri: &str| LiveTopic::of(&uri.parse().unwrap());
        assert_eq!(of("/live/overview"), Some(LiveTopic::Overview));
        assert_eq!(of("/live/carrier?id=a%20b"), Some(LiveTopic::Carrier("a b".to_owned())));
        for none in ["/live/", "/live/messages", "/live/carrier", "/overview"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
