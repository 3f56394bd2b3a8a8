//! One message: in a sentence, its facts, its timeline and its content.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{
    CapturedExchange, InterveneRequest, MessageDetail, MessageView, MoView, PageOf, PreviewView, ProblemCode,
    ProblemDetails, ResendRequest, ResentBatch,
};
use posthouse_core::actor::{Actor, Right};

use super::{
    super::body,
    PageState,
    ask::{query, segment},
    frame::{Frame, ok, written},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact, MESSAGE_VERBS, MessageVerb},
};

/// What is computed anew while somebody watches.
#[derive(Template)]
#[template(path = "message_live.html")]
struct MessagePart {
    shown: MessageDetail,
    sentence: String,
    code: Option<String>,
    facts: Vec<Fact>,
    /// What can be done about it as it is now, by whoever watches.
    verbs: Vec<MessageVerb>,
}

impl MessagePart {
    fn of(shown: MessageDetail, by: &Actor) -> Self {
        Self {
            sentence: words::of_message(&shown),
            code: explained(&shown),
            facts: words::facts_of_message(&shown),
            verbs: verbs(by, &shown),
            shown,
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    now: Timestamp,
    live: MessagePart,
    /// What the handset shows, where it is asked for.
    preview: Option<PreviewView>,
    /// Whether whole numbers and content may be asked for.
    may_reveal: bool,
    /// What captures have of it; `None` for who may not look into captures.
    exchanges: Option<Vec<CapturedExchange>>,
    /// What was just done, as a sentence.
    done: Option<&'static str>,
}

/// What a message's page has beside what the message's own verb says.
struct Beside {
    preview: Option<PreviewView>,
    exchanges: Option<Vec<CapturedExchange>>,
}

impl Beside {
    async fn of(
        pages: &PageState,
        by: &Actor,
        path: &str,
        shows_content: bool,
    ) -> Result<Self, ProblemDetails> {
        let preview = match shows_content {
            true => Some(pages.api.get(by, &format!("{path}/preview")).await?),
            false => None,
        };
        let exchanges = match by.may(Right::Capture) {
            true => {
                Some(pages.api.get::<PageOf<CapturedExchange>>(by, &format!("{path}/exchanges")).await?.items)
            }
            false => None,
        };
        Ok(Self { preview, exchanges })
    }
}

fn verbs(by: &Actor, shown: &MessageDetail) -> Vec<MessageVerb> {
    let is_open = shown.next.is_some();
    MESSAGE_VERBS
        .iter()
        .filter(|verb| by.may(verb.right) && verb.for_ended != is_open)
        .map(MessageVerb::clone)
        .collect()
}

pub(super) async fn handle(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let asked = |name| field(uri.query().unwrap_or_default().as_bytes(), name);
    let (done, reveal) = (asked("done"), asked("reveal").is_some_and(|asked| asked == "true"));
    let done = done.and_then(|verb| words::done("/messages", &verb));
    let stream = (!reveal).then(|| format!("/live/message?{}", query([("id", id.as_str())])));
    let frame = Frame { stream, ..Frame::of(&by.visitor, "/messages") };
    let path = format!("/messages/{}", segment(&id));
    let asks = if reveal { "?reveal=true" } else { "" };
    let found = async {
        let shown: MessageDetail = pages.api.get(&by.actor, &format!("{path}{asks}")).await?;
        let shows_content = reveal && !shown.parts.is_empty();
        let beside = Beside::of(&pages, &by.actor, &path, shows_content).await?;
        Ok::<_, ProblemDetails>((shown, beside))
    };
    match found.await {
        Ok((shown, Beside { preview, exchanges })) => ok(&MessagePage {
            frame,
            now: pages.admin.clock.now(),
            done,
            preview,
            exchanges,
            may_reveal: by.actor.may(Right::Reveal),
            live: MessagePart::of(shown, &by.actor),
        }),
        Err(problem) if problem.status == 404 => {
            of_mo(&pages, &by.actor, &id).await.unwrap_or_else(|| frame.trouble(&problem))
        }
        Err(problem) => frame.trouble(&problem),
    }
}

/// Where a message from a handset is shown. Callbacks and captures know an id, and not what kind of message has it.
async fn of_mo(pages: &PageState, by: &Actor, id: &str) -> Option<Response> {
    let path = format!("/mo/{}", segment(id));
    pages.api.get::<MoView>(by, &path).await.ok().map(|_| see_other(&path))
}

/// The part that is live.
///
/// # Errors
/// What the API refuses it for.
pub(super) async fn part(pages: &PageState, by: &Actor, id: &str) -> Result<String, ProblemDetails> {
    let shown = pages.api.get(by, &format!("/messages/{}", segment(id))).await?;
    written(&MessagePart::of(shown, by))
}

/// Does something to a message, and leads back to it.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((id, verb)): Path<(String, String)>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.because(&field(&form, "reason").unwrap_or_default());
    let path = format!("/messages/{}/{}", segment(&id), segment(&verb));
    let parked = field(&form, "parked").is_some();
    let done = match verb.as_str() {
        "requeue" | "expire" => {
            let request =
                InterveneRequest { parked: parked && verb == "requeue", ..InterveneRequest::default() };
            pages.api.post::<MessageView>(&actor, &path, &request).await.map(drop)
        }
        "resend-reports" => {
            let request = ResendRequest::default();
            pages.api.post::<ResentBatch>(&actor, &path, &request).await.and_then(|resent| {
                match resent.done.len() {
                    0 => Err(ProblemDetails::new(ProblemCode::NotFound)
                        .detail("there is no report of this message that the VASP did not take")),
                    _ => Ok(()),
                }
            })
        }
        _ => Err(words::no_verb("a message", &verb)),
    };
    match done {
        Ok(()) => see_other(&format!("/messages/{}?{}", segment(&id), query([("done", verb.as_str())]))),
        Err(problem) => Frame::of(&by.visitor, "/messages").trouble(&problem),
    }
}

/// The code that a reason begins with.
fn code(reason: &str) -> Option<String> {
    let code = reason.split(' ').next()?;
    (code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| code.to_owned())
}

/// What has a page of its own that says more: the code it was refused with, else how it ended.
fn explained(shown: &MessageDetail) -> Option<String> {
    let state = &shown.message.state;
    shown.message.reason.as_deref().and_then(code).or_else(|| words::ended(state).map(|_| state.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reason_with_a_code_leads_to_its_page() {
        assert_eq!(code("4006 Service unavailable").as_deref(), Some("4006"));
        assert_eq!(code("no report came"), None);
    }
}
