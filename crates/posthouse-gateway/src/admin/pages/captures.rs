//! Captures: what goes over the wire for an account or a carrier, kept for a while: begun, looked at, and removed.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{StatusCode as HttpStatus, Uri};
use jiff::{SignedDuration, Timestamp};
use posthouse_api::{
    AccountView, CaptureRemoved, CaptureRequest, CaptureView, CapturedExchange, CarrierView, PageOf,
    ProblemDetails,
};

use super::{
    PageState,
    ask::{query, segment},
    forms::SentForm,
    frame::{Frame, html, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact},
};

/// Where they are.
const PLACE: &str = "/captures";

#[derive(Template)]
#[template(path = "captures.html")]
struct CapturesPage {
    frame: Frame,
    items: Vec<CaptureView>,
    /// Accounts and carriers to choose from, each as the form sends it and as it is called.
    choices: Vec<(String, String)>,
    asked: AskedCapture,
    done: Option<&'static str>,
    fault: Option<String>,
}

/// What the form holds.
#[derive(Debug, Default)]
struct AskedCapture {
    /// `account acme` or `carrier 31003`.
    of: String,
    minutes: String,
    max: String,
    reason: String,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let asked = |name| field(uri.query().unwrap_or_default().as_bytes(), name);
    let of = ["account", "carrier"].into_iter().find_map(|kind| Some(format!("{kind} {}", asked(kind)?)));
    let asked_for = AskedCapture { of: of.unwrap_or_default(), ..AskedCapture::default() };
    let done = asked("done").and_then(|verb| words::done(PLACE, &verb));
    page(&pages, &by, asked_for, done, None).await
}

async fn page(
    pages: &PageState,
    by: &SignedIn,
    asked: AskedCapture,
    done: Option<&'static str>,
    fault: Option<String>,
) -> Response {
    let frame = Frame::of(&by.visitor, PLACE);
    let status = if fault.is_some() { HttpStatus::BAD_REQUEST } else { HttpStatus::OK };
    let items = pages.api.get::<PageOf<CaptureView>>(&by.actor, PLACE).await;
    match (items, choices(pages, by).await) {
        (Ok(found), Ok(choices)) => {
            html(status, &CapturesPage { frame, items: found.items, choices, asked, done, fault })
        }
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
    }
}

async fn choices(pages: &PageState, by: &SignedIn) -> Result<Vec<(String, String)>, ProblemDetails> {
    let accounts = pages.api.get::<PageOf<AccountView>>(&by.actor, "/accounts?limit=200").await?;
    let carriers = pages.api.get::<PageOf<CarrierView>>(&by.actor, "/carriers?limit=200").await?;
    let accounts = accounts.items.into_iter().map(|one| (format!("account {}", one.name), String::new()));
    let carriers = carriers.items.into_iter().map(|one| (format!("carrier {}", one.id), one.name));
    Ok(accounts.chain(carriers).collect())
}

/// Begins one, and leads to it.
pub(super) async fn begin(State(pages): State<Arc<PageState>>, by: SignedIn, request: Request) -> Response {
    let form = match SentForm::read(request).await {
        Ok(form) => form,
        Err(problem) => return Frame::of(&by.visitor, PLACE).trouble(&problem),
    };
    let text = |name: &str| form.text(name).trim().to_owned();
    let asked =
        AskedCapture { of: text("of"), minutes: text("minutes"), max: text("max"), reason: text("reason") };
    let actor = by.actor.clone().because(&asked.reason);
    let begun = match request_of(&asked, pages.admin.clock.now()) {
        Some(request) => pages.api.post::<CaptureView>(&actor, PLACE, &request).await,
        None => return page(&pages, &by, asked, None, Some(words::NO_CAPTURE.to_owned())).await,
    };
    match begun {
        Ok(begun) => see_other(&format!("{PLACE}/{}?{}", segment(&begun.id), query([("done", "begin")]))),
        Err(problem) if matches!(problem.status, 400 | 404 | 409) => {
            let fault = Some(words::refused(&problem));
            page(&pages, &by, asked, None, fault).await
        }
        Err(problem) => Frame::of(&by.visitor, PLACE).trouble(&problem),
    }
}

/// What the form asks for; `None` where it cannot be read.
fn request_of(asked: &AskedCapture, now: Timestamp) -> Option<CaptureRequest> {
    let (kind, name) = asked.of.split_once(' ')?;
    let name = Some(name.trim().to_owned());
    let (account, carrier) = match kind {
        "account" => (name, None),
        "carrier" => (None, name),
        _ => return None,
    };
    let until = match asked.minutes.as_str() {
        "" => None,
        minutes => {
            Some(now.checked_add(SignedDuration::from_mins(minutes.parse::<u16>().ok()?.into())).ok()?)
        }
    };
    let max = match asked.max.as_str() {
        "" => None,
        max => Some(max.parse().ok()?),
    };
    Some(CaptureRequest { account, carrier, until, max })
}

#[derive(Template)]
#[template(path = "capture.html")]
struct CapturePage {
    frame: Frame,
    now: Timestamp,
    shown: CaptureView,
    sentence: String,
    facts: Vec<Fact>,
    items: Vec<CapturedExchange>,
    next: Option<String>,
    done: Option<&'static str>,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let frame = Frame::of(&by.visitor, PLACE);
    let asked = |name| field(uri.query().unwrap_or_default().as_bytes(), name);
    let path = format!("{PLACE}/{}", segment(&id));
    let cursor = asked("cursor").map(|cursor| format!("?{}", query([("cursor", &*cursor)])));
    let exchanges = format!("{path}/exchanges{}", cursor.unwrap_or_default());
    let shown = pages.api.get::<CaptureView>(&by.actor, &path).await;
    let found = pages.api.get::<PageOf<CapturedExchange>>(&by.actor, &exchanges).await;
    match (shown, found) {
        (Ok(shown), Ok(found)) => ok(&CapturePage {
            frame,
            now: pages.admin.clock.now(),
            sentence: words::of_capture(&shown),
            facts: words::facts_of_capture(&shown),
            items: found.items,
            next: found.next.map(|next| format!("{path}?{}", query([("cursor", &*next)]))),
            done: asked("done").and_then(|verb| words::done(PLACE, &verb)),
            shown,
        }),
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
    }
}

/// Ends one, and forgets what it has.
pub(super) async fn remove(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Response {
    let path = format!("{PLACE}/{}", segment(&id));
    match pages.api.delete::<CaptureRemoved>(&by.actor, &path).await {
        Ok(_) => see_other(&format!("{PLACE}?{}", query([("done", "remove")]))),
        Err(problem) => Frame::of(&by.visitor, PLACE).trouble(&problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_read_from_its_form() {
        let now = Timestamp::UNIX_EPOCH;
        let asked = |of: &str, minutes: &str, max: &str| AskedCapture {
            of: of.to_owned(),
            minutes: minutes.to_owned(),
            max: max.to_owned(),
            reason: String::new(),
        };
        let read = request_of(&asked("account two words", "30", "5"), now).unwrap();
        assert_eq!((read.account.as_deref(), read.carrier, read.max), (Some("two words"), None, Some(5)));
        assert_eq!(read.until.unwrap().as_second(), 1800);
        let read = request_of(&asked("carrier 31003", "", ""), now).unwrap();
        assert_eq!((read.carrier.as_deref(), read.until, read.max), (Some("31003"), None, None));
        for wrong in
            [asked("", "", ""), asked("acme", "", ""), asked("queue x", "", ""), asked("account x", "y", "")]
        {
            assert_eq!(request_of(&wrong, now), None, "{wrong:?}");
        }
    }
}
