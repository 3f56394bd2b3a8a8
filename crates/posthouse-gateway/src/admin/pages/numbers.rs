//! Numbers: whose one is and why, whether it is blocked, and for whom.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{Method, StatusCode as HttpStatus, Uri};
use posthouse_api::{BlacklistEntry, ChangeMade, LookupView, PageOf, ProblemDetails};
use posthouse_core::actor::Right;

use super::{
    super::body,
    PageState,
    ask::{query, segment},
    frame::{Frame, html},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact},
};

#[derive(Template)]
#[template(path = "numbers.html")]
struct NumbersPage {
    frame: Frame,
    number: String,
    account: String,
    explained: Option<Explained>,
    fault: Option<String>,
    may_block: bool,
    done: Option<&'static str>,
}

/// What is known of a number.
struct Explained {
    sentence: String,
    code: u16,
    tone: &'static str,
    facts: Vec<Fact>,
    remedy: Option<String>,
    /// For whom it is blocked.
    blocked: Vec<BlacklistEntry>,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let asked = |name: &str| {
        field(uri.query().unwrap_or_default().as_bytes(), name).unwrap_or_default().trim().to_owned()
    };
    let (number, account) = (asked("number"), asked("account"));
    let done = words::done("/numbers", &asked("done"));
    let explained = match number.is_empty() {
        true => Ok(None),
        false => explain(&pages, &by, &number, &account).await.map(Some),
    };
    let (status, explained, fault) = match explained {
        Ok(explained) => (HttpStatus::OK, explained, None),
        Err(problem) if problem.status < 500 => {
            let status = HttpStatus::from_u16(problem.status).unwrap_or(HttpStatus::BAD_REQUEST);
            (status, None, Some(problem.to_string()))
        }
        Err(problem) => return Frame::of(&by.visitor, "/numbers").trouble(&problem),
    };
    let frame = Frame::of(&by.visitor, "/numbers");
    let may_block = by.actor.may(Right::Blacklist);
    html(status, &NumbersPage { frame, number, account, explained, fault, may_block, done })
}

async fn explain(
    pages: &PageState,
    by: &SignedIn,
    number: &str,
    account: &str,
) -> Result<Explained, ProblemDetails> {
    let of = match account {
        "" => String::new(),
        account => format!("?{}", query([("account", account)])),
    };
    let number = segment(number);
    let found: LookupView = pages.api.get(&by.actor, &format!("/lookups/{number}{of}")).await?;
    let blocked: PageOf<BlacklistEntry> = pages.api.get(&by.actor, &format!("/blacklist/{number}")).await?;
    Ok(Explained {
        sentence: words::of_number(&found),
        code: found.code,
        tone: if found.code == 1000 { "good" } else { "bad" },
        facts: words::facts_of_number(&found),
        remedy: found.remedy,
        blocked: blocked.items,
    })
}

/// Blocks a number or unblocks it, for all or for one account.
pub(super) async fn act(State(pages): State<Arc<PageState>>, by: SignedIn, request: Request) -> Response {
    let form = body::bytes(request.into_body()).await;
    let text = |name: &str| field(&form, name).unwrap_or_default().trim().to_owned();
    let (number, account, unblock) = (text("number"), text("account"), text("do") == "unblock");
    let actor = by.actor.clone().because(&text("reason"));
    let of = match account.as_str() {
        "" => String::new(),
        account => format!("?{}", query([("account", account)])),
    };
    let (method, done) = if unblock { (Method::DELETE, "unblock") } else { (Method::PUT, "block") };
    let path = format!("/blacklist/{}{of}", segment(&number));
    match pages.api.send::<ChangeMade>(&actor, method, &path).await {
        Ok(_) => see_other(&format!(
            "/numbers?{}",
            query([("number", &*number), ("account", &*account), ("done", done)])
        )),
        Err(problem) => Frame::of(&by.visitor, "/numbers").trouble(&problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_become_of_a_message_is_one_sentence() {
        let found = |code, carrier: Option<&str>| LookupView {
            number: "+1617•••0100".to_owned(),
            decided_by: "ranges".to_owned(),
            prefix: None,
            carrier: carrier.map(str::to_owned),
            blacklisted: code == 3001,
            code,
            remedy: None,
        };
        for (code, carrier, expected) in [
            (1000, Some("31003"), "A message to +1617•••0100 would go to 31003."),
            (
                3001,
                Some("31003"),
                "A message to +1617•••0100 would be refused with 3001: the number is blocked.",
            ),
            (2570, None, "A message to +1617•••0100 would be refused with 2570: no carrier has the number."),
            (3520, Some("31003"), "+1617•••0100 is 31003's, and a message to it would be refused with 3520."),
        ] {
            assert_eq!(words::of_number(&found(code, carrier)), expected);
        }
    }
}
