//! What came to a VASP, and how it takes what comes next.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode as Http};
use jiff::Timestamp;
use tokio::{sync::broadcast, time::sleep};

use crate::{
    http::{Credentials, Reply, Request},
    recent::Recent,
    vasp::{
        CallbackContent, ReceivedCallback, VaspAnswer, VaspOptions,
        answer::{CallbackReply, bare, unauthorized},
    },
    wire::ReceivedMessage,
};

/// The header in which the gateway says why a message was refused.
pub const REASON_HEADER: &str = "X-Posthouse-Reason";

/// Callbacks that a slow subscriber may be behind.
const MAX_BEHIND: usize = 4096;

/// What came, and how the next is answered.
#[derive(Debug)]
pub(super) struct Inbox {
    manners: Mutex<Manners>,
    delay: Duration,
    expects: Option<Credentials>,
    pub kept: Recent<ReceivedCallback>,
    subscribers: broadcast::Sender<Arc<ReceivedCallback>>,
}

#[derive(Debug)]
struct Manners {
    answer: VaspAnswer,
    failures_left: u32,
    /// One callback in this many fails; and how many came since the last failure.
    fail_every: Option<(u32, u32)>,
}

impl Inbox {
    pub fn new(options: VaspOptions) -> Self {
        Self {
            manners: Mutex::new(Manners {
                answer: options.answer,
                failures_left: options.fail_first,
                fail_every: None,
            }),
            delay: options.delay,
            expects: options.expects,
            kept: Recent::new(options.keep_callbacks, options.keep_bytes),
            subscribers: broadcast::Sender::new(MAX_BEHIND),
        }
    }

    fn manners(&self) -> MutexGuard<'_, Manners> {
        // Every change of the manners is one assignment: a panic leaves nothing half done.
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_answer(&self, answer: VaspAnswer) {
        self.manners().answer = answer;
    }

    pub fn fail_next(&self, callbacks: u32) {
        self.manners().failures_left = callbacks;
    }

    pub fn fail_every(&self, callbacks: u32) {
        self.manners().fail_every = Some((callbacks, 0));
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Arc<ReceivedCallback>> {
        self.subscribers.subscribe()
    }

    /// How the callback that is at hand is answered.
    fn next_answer(&self) -> VaspAnswer {
        let mut manners = self.manners();
        if manners.failures_left > 0 {
            manners.failures_left -= 1;
            return VaspAnswer::Http(500);
        }
        if let Some((every, since)) = &mut manners.fail_every {
            *since += 1;
            if *since >= *every {
                *since = 0;
                return VaspAnswer::Http(500);
            }
        }
        manners.answer.clone()
    }

    fn add(&self, callback: ReceivedCallback) {
        let callback = Arc::new(callback);
        // There may be no subscriber.
        let _ = self.subscribers.send(callback.clone());
        self.kept.add(callback);
    }
}

/// Takes one callback.
pub(super) async fn take(inbox: Arc<Inbox>, request: Request) -> Reply {
    sleep(inbox.delay).await;
    if request.method() != Method::POST {
        return bare(Http::METHOD_NOT_ALLOWED);
    }
    if inbox.expects.as_ref().is_some_and(|expected| !expected.are_in(request.headers())) {
        return unauthorized();
    }
    let (head, body) = request.into_parts();
    let received = ReceivedMessage::read(&head.headers, body.clone());
    let outcome = CallbackReply::of(inbox.next_answer(), received.as_ref());
    inbox.add(ReceivedCallback {
        time: Timestamp::now(),
        path: head.uri.path().to_owned(),
        transaction_id: received.as_ref().ok().and_then(|received| received.decoded.transaction_id.clone()),
        event: CallbackContent::of(received),
        reason: text(&head.headers, REASON_HEADER),
        carrier_id: carrier_id(&head.headers),
        headers: head.headers,
        body,
        http_status: outcome.http_status(),
        code: outcome.code(),
    });
    outcome.into_reply().await
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn carrier_id(headers: &HeaderMap) -> Option<String> {
    let name = headers.keys().find(|name| name.as_str().ends_with("-carrier-id"))?;
    text(headers, name.as_str())
}
