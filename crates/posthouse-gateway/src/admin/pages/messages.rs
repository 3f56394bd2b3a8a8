//! Messages that match, the newest first; and the find box.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{MessageView, PageOf, ProblemDetails};
use posthouse_core::life::state::State as MessageState;

use super::{
    PageState,
    ask::{query, segment},
    frame::{Frame, html, ok},
    see_other,
    sessions::SignedIn,
    words,
};

/// The filters in the form: name, label, what may be written.
const FIELDS: &[(&str, &str, &str)] = &[
    ("state", "State", ""),
    ("account", "Account", "acme"),
    ("carrier", "Carrier", "31003"),
    ("to", "Recipient", "+1 617 555 0100"),
    ("transaction_id", "TransactionID", "order-7781"),
    ("code", "Code", "4006"),
    ("connection", "Connection", "vzw-1"),
    ("since", "Accepted since", "2026-11-29T02:00:00Z"),
    ("until", "Accepted before", "2026-11-29T02:20:00Z"),
];

struct ShownField {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    choices: Vec<&'static str>,
    fault: Option<String>,
}

/// A filter that is in force, and the same page without it.
struct Chip {
    name: &'static str,
    value: String,
    without: String,
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    frame: Frame,
    fields: Vec<ShownField>,
    chips: Vec<Chip>,
    items: Vec<MessageView>,
    next: Option<String>,
    nothing: String,
}

/// What the query asks for: the filters that have a value, and the cursor.
fn asked(uri: &Uri) -> Vec<(String, String)> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let pairs = form_urlencoded::parse(query).into_owned();
    pairs.filter(|(name, value)| name != "frame" && !value.trim().is_empty()).collect()
}

fn without(pairs: &[(String, String)], names: &[&str]) -> String {
    let left = pairs.iter().filter(|(name, _)| !names.contains(&name.as_str()));
    query(left.map(|(name, value)| (name.as_str(), value.as_str())))
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let pairs = asked(&uri);
    let found =
        pages.api.get::<PageOf<MessageView>>(&by.actor, &format!("/messages?{}", without(&pairs, &[]))).await;
    let frame = Frame::of(&by.visitor, "/messages");
    match found {
        Ok(page) => ok(&shown(frame, &pairs, page, None)),
        // What is wrong with a filter is told at its field.
        Err(problem) if problem.status == 400 => {
            let page = shown(frame, &pairs, PageOf { items: Vec::new(), next: None }, Some(&problem));
            html(http::StatusCode::BAD_REQUEST, &page)
        }
        Err(problem) => frame.trouble(&problem),
    }
}

fn shown(
    frame: Frame,
    pairs: &[(String, String)],
    page: PageOf<MessageView>,
    problem: Option<&ProblemDetails>,
) -> MessagesPage {
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let fault = |name: &str| {
        let error = problem?.errors.iter().find(|error| error.parameter.as_deref() == Some(name))?;
        Some(
            error
                .remedy
                .as_ref()
                .map_or_else(|| error.detail.clone(), |remedy| format!("{}; {remedy}", error.detail)),
        )
    };
    let fields = FIELDS.iter().map(|(name, label, hint)| ShownField {
        name,
        label,
        hint,
        value: value(name).unwrap_or_default(),
        choices: if *name == "state" {
            MessageState::all().map(MessageState::as_str).collect()
        } else {
            Vec::new()
        },
        fault: fault(name),
    });
    let chips = FIELDS.iter().filter_map(|(name, label, _)| {
        let without = format!("/messages?{}", without(pairs, &[name, "cursor"]));
        Some(Chip { name: label, value: value(name)?, without })
    });
    let next = page.next.map(|next| {
        let others = without(pairs, &["cursor"]);
        format!(
            "/messages?{others}{}{}",
            if others.is_empty() { "" } else { "&" },
            query([("cursor", next.as_str())])
        )
    });
    MessagesPage {
        frame,
        fields: fields.collect(),
        chips: chips.collect(),
        items: page.items,
        next,
        nothing: nothing(pairs, problem),
    }
}

fn nothing(pairs: &[(String, String)], problem: Option<&ProblemDetails>) -> String {
    match problem {
        Some(problem) if problem.errors.is_empty() => problem.to_string(),
        Some(_) => "Put the filters right that are marked.".to_owned(),
        None if pairs.is_empty() => "No message was accepted yet. Try: posthouse send --help".to_owned(),
        None => "No message matches all of these filters.".to_owned(),
    }
}

/// The find box: a MessageID leads to its message, anything else to the messages that carry it.
pub(super) async fn find(_: SignedIn, uri: Uri) -> Response {
    let wanted =
        asked(&uri).into_iter().find(|(name, _)| name == "q").map(|(_, value)| value.trim().to_owned());
    let Some(wanted) = wanted else { return see_other("/messages") };
    let digits = wanted.chars().filter(char::is_ascii_digit).count();
    let is_number = wanted.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
    match digits {
        17.. if is_number => see_other(&format!("/messages/{}", segment(&wanted))),
        3..17 if is_number => see_other(&format!("/messages?{}", query([("to", wanted.as_str())]))),
        _ => see_other(&format!("/messages?{}", query([("transaction_id", wanted.as_str())]))),
    }
}
