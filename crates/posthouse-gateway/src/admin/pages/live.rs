//! Live pages: a stream of events for each page that is open, and one computation for all that watch the same.
//!
//! Nothing is computed while nobody watches. A stream ends within seconds of the session that it was begun with, and by itself after a while:
//! the browser asks again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, Uri, header};
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::actor::{Actor, Credential, Role};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    PageState, carriers, message, overview, queues, sessions,
    sessions::Visitor,
    sign_in::field,
    topics::{LivePart, LiveTopic, LiveTopics},
};
use crate::{http::answer_body::AnswerBody, spawn::spawn};

/// How often what is watched is computed.
const EVERY: Duration = Duration::from_secs(2);
/// How long a stream lasts.
const LASTS: Duration = Duration::from_secs(15 * 60);
/// How often it is looked whether whoever watches is still signed in.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// The longest query of one, in bytes.
const LONGEST: usize = 1_000;
/// How many events wait for a peer that is slow.
const WAITING: usize = 2;

impl LiveTopic {
    /// By the address of its stream, for whoever watches. What is computed once is for those who see everything; an account's own people watch
    /// what is theirs.
    fn of(uri: &Uri, who: &Actor) -> Option<Self> {
        let is_of_account = who.account().is_some();
        match uri.path() {
            "/live/message" => {
                let query = uri.query().filter(|query| query.len() <= LONGEST)?;
                Some(Self::Message(field(query.as_bytes(), "id")?, who.role.clone()))
            }
            _ if is_of_account => None,
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
            Self::Message(id, _) => message::part(pages, by, id).await,
        }
    }

    /// By whom it is looked at, for all who watch it.
    fn watcher(&self) -> Actor {
        let role = match self {
            Self::Message(_, role) => role.clone(),
            _ => Role::Viewer,
        };
        Actor::new("live", role, Credential::Run)
    }
}

/// A stream for whoever asks at this address below `/live/`; `None` where it may not watch, there is nothing to watch, or there are too many.
pub(super) fn stream(
    pages: &Arc<PageState>,
    visitor: &Visitor,
    (headers, uri): (&HeaderMap, &Uri),
) -> Option<Response<AnswerBody>> {
    let topic = LiveTopic::of(uri, visitor.actor.as_ref()?)?;
    let permit = Arc::clone(&pages.live.streams).try_acquire_owned().ok()?;
    let (events, body) = mpsc::channel(WAITING);
    let (looked_at, of) = (Arc::clone(pages), topic.clone());
    let parts = watched(&pages.live, topic, move || look(Arc::clone(&looked_at), of.clone()));
    let (asked, headers) = (Arc::clone(pages), headers.clone());
    let is_signed_in = move || is_signed_in(Arc::clone(&asked), headers.clone());
    drop(spawn(send(parts, events, permit, is_signed_in)));
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

/// What a look at a topic came to.
enum LiveLook {
    /// The part, and the time.
    Seen(String, String),
    /// It cannot be had now.
    Nothing,
    /// The process is about to stop.
    Over,
}

/// Watches a topic; from now on it is looked at if nobody watched it before.
fn watched<F, L>(topics: &Arc<LiveTopics>, topic: LiveTopic, look: F) -> watch::Receiver<LivePart>
where
    F: Fn() -> L + Send + 'static,
    L: Future<Output = LiveLook> + Send + 'static,
{
    let mut watched = topics.watched.lock();
    if let Some(parts) = watched.get(&topic) {
        return parts.subscribe();
    }
    let (parts, seen) = watch::channel(LivePart::default());
    watched.insert(topic.clone(), parts.clone());
    drop(spawn(follow(Arc::clone(topics), topic, parts, look)));
    seen
}

/// Looks at a topic as long as somebody watches it.
async fn follow<L: Future<Output = LiveLook>>(
    topics: Arc<LiveTopics>,
    topic: LiveTopic,
    parts: watch::Sender<LivePart>,
    look: impl Fn() -> L,
) {
    loop {
        let looked = look().await;
        let is_over = matches!(looked, LiveLook::Over);
        if let LiveLook::Seen(html, time) = looked {
            parts.send_modify(|part| {
                if *part.html != *html {
                    (part.html, part.number) = (html.into(), part.number + 1);
                }
                part.time = time;
            });
        }
        if !is_over {
            tokio::select! {
                () = sleep(EVERY) => {}
                () = parts.closed() => {}
            }
        }
        let mut watched = topics.watched.lock();
        if is_over || parts.receiver_count() == 0 {
            watched.remove(&topic);
            return;
        }
    }
}

/// What everybody sees of a topic.
async fn look(pages: Arc<PageState>, topic: LiveTopic) -> LiveLook {
    if pages.admin.drain.is_stopping() {
        return LiveLook::Over;
    }
    let by = topic.watcher();
    match topic.part(&pages, &by).await {
        Ok(html) => LiveLook::Seen(html, pages.admin.clock.now().strftime("%H:%M:%S").to_string()),
        // Who watches what is no more hears nothing more.
        Err(problem) => {
            tracing::debug!(%problem, "a live page has nothing to show");
            LiveLook::Nothing
        }
    }
}

/// Whether a watcher's session is there still. A store that cannot tell ends nothing.
async fn is_signed_in(pages: Arc<PageState>, headers: HeaderMap) -> bool {
    !matches!(sessions::known(&pages.admin, &headers).await, Ok(None))
}

/// Sends what is seen to one watcher, till it is gone or signed out, the topic ends, or the time is over.
async fn send<S: Future<Output = bool>>(
    mut parts: watch::Receiver<LivePart>,
    events: mpsc::Sender<Bytes>,
    permit: OwnedSemaphorePermit,
    is_signed_in: impl Fn() -> S,
) {
    let over = Instant::now() + LASTS;
    let (mut sent, mut asked) = (0, Instant::now());
    loop {
        if asked.elapsed() >= ASKED_EVERY {
            if !is_signed_in().await {
                // The page is loaded anew, and leads to where one signs in.
                let _ = events.try_send(Bytes::from_static(b"event: over\ndata: signed out\n\n"));
                break;
            }
            asked = Instant::now();
        }
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
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use posthouse_core::account::AccountName;

    use super::{super::topics::MOST, *};

    #[test]
    fn a_part_is_sent_when_it_is_new_and_the_time_always() {
        let part = LivePart { html: "<p>a\r\nb</p>".into(), number: 1, time: "03:12:04".to_owned() };
        assert_eq!(
            event(&part, true),
            "event: part\ndata: <p>a\ndata: \ndata: b</p>\n\nevent: beat\ndata: 03:12:04\n\n"
        );
        assert_eq!(event(&part, false), "event: beat\ndata: 03:12:04\n\n");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_watches_is_not_looked_at_and_twenty_watchers_are_one_look() {
        let topics = Arc::new(LiveTopics::default());
        let looks = Arc::new(AtomicU64::new(0));
        let watch = || {
            let looks = Arc::clone(&looks);
            watched(&topics, LiveTopic::Queues, move || {
                let number = looks.fetch_add(1, Relaxed);
                async move { LiveLook::Seen(format!("<p>{}</p>", number / 2), number.to_string()) }
            })
        };
        let mut watchers: Vec<_> = (0..20).map(|_| watch()).collect();
        for time in ["0", "1", "2"] {
            for watcher in &mut watchers {
                watcher.changed().await.unwrap();
                assert_eq!(watcher.borrow_and_update().time, time);
            }
        }
        assert!(
            watchers.iter().all(|watcher| watcher.borrow().number == 2),
            "the third is new, the second is as the first was"
        );
        assert_eq!(looks.load(Relaxed), 3);
        drop(watchers);
        sleep(EVERY * 100).await;
        assert!(looks.load(Relaxed) <= 4 && topics.watched.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_by_itself_and_gives_its_place_back() {
        let topics = Arc::new(LiveTopics::default());
        let permit = Arc::clone(&topics.streams).try_acquire_owned().unwrap();
        let parts = watched(&topics, LiveTopic::Queues, || async {
            LiveLook::Seen("<p></p>".to_owned(), "03:12:04".to_owned())
        });
        let (events, mut came) = mpsc::channel(WAITING);
        let sending = spawn(send(parts, events, permit, async || true));
        let first = came.recv().await.unwrap();
        assert!(first.starts_with(b"event: part\n"), "{first:?}");
        let begun = Instant::now();
        while let Some(event) = came.recv().await {
            assert_eq!(event, "event: beat\ndata: 03:12:04\n\n");
        }
        assert!(begun.elapsed() >= LASTS - EVERY && begun.elapsed() <= LASTS + EVERY);
        sending.await.unwrap();
        assert_eq!(topics.streams.available_permits(), MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_soon_after_its_session() {
        let topics = Arc::new(LiveTopics::default());
        let permit = Arc::clone(&topics.streams).try_acquire_owned().unwrap();
        let parts = watched(&topics, LiveTopic::Queues, || async {
            LiveLook::Seen("<p></p>".to_owned(), "03:12:04".to_owned())
        });
        let (events, mut came) = mpsc::channel(WAITING);
        let asks = Arc::new(AtomicU64::new(0));
        let asked = Arc::clone(&asks);
        let is_signed_in = move || {
            let times = asked.fetch_add(1, Relaxed);
            async move { times == 0 }
        };
        let begun = Instant::now();
        let sending = spawn(send(parts, events, permit, is_signed_in));
        let mut last = Bytes::new();
        while let Some(event) = came.recv().await {
            last = event;
        }
        assert_eq!((last, asks.load(Relaxed)), (Bytes::from_static(b"event: over\ndata: signed out\n\n"), 2));
        assert!(begun.elapsed() <= 2 * (ASKED_EVERY + EVERY));
        sending.await.unwrap();
        assert_eq!(topics.streams.available_permits(), MOST);
    }

    #[test]
    fn topics_are_pages() {
        let as_role = |role: Role, uri: &str| {
            LiveTopic::of(&uri.parse().unwrap(), &Actor::new("ann", role, Credential::Run))
        };
        let acme = AccountName("acme".into());
        let message = |role| LiveTopic::Message("17".to_owned(), role);
        for role in [Role::Viewer, Role::Support, Role::Vasp(acme.clone())] {
            let topic = as_role(role.clone(), "/live/message?id=17").unwrap();
            assert_eq!(topic, message(role.clone()));
            assert_eq!(topic.watcher().role, role, "what may be done is part of what is watched");
        }
        assert_eq!(LiveTopic::Overview.watcher().role, Role::Viewer);
        assert_eq!(as_role(Role::Vasp(acme), "/live/overview"), None);
        let of = |uri: &str| as_role(Role::Viewer, uri);
        assert_eq!(of("/live/overview"), Some(LiveTopic::Overview));
        assert_eq!(of("/live/carrier?id=a%20b"), Some(LiveTopic::Carrier("a b".to_owned())));
        for none in ["/live/", "/live/messages", "/live/carrier", "/overview"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
