//! Operations on many messages: planned from the filters of the messages, looked at, started, followed and cancelled.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::Uri;
use jiff::Timestamp;
use posthouse_api::{
    MessageQuery, OperationItemView, OperationRequest, OperationView, PageOf, ProblemCode, ProblemDetails,
    StartRequest,
};
use posthouse_core::{actor::Right, operation::WITHOUT_REASON};

use super::{
    super::{body, messages::selection, query::Parameters},
    PageState,
    ask::{query, segment},
    frame::{Frame, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact},
};

#[derive(Template)]
#[template(path = "operations.html")]
struct OperationsPage {
    frame: Frame,
    items: Vec<OperationView>,
    next: Option<String>,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/operations");
    let cursor = field(uri.query().unwrap_or_default().as_bytes(), "cursor");
    let cursor =
        cursor.map(|cursor| format!("?{}", query([("cursor", cursor.as_str())]))).unwrap_or_default();
    match pages.api.get::<PageOf<OperationView>>(&by.actor, &format!("/operations{cursor}")).await {
        Ok(page) => ok(&OperationsPage { frame, items: page.items, next: page.next }),
        Err(problem) => frame.trouble(&problem),
    }
}

/// Plans one, and leads to it.
pub(super) async fn plan(State(pages): State<Arc<PageState>>, by: SignedIn, request: Request) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.clone().because(&field(&form, "reason").unwrap_or_default());
    let planned = match request_of(&form) {
        Ok(request) => pages.api.post::<OperationView>(&actor, "/operations", &request).await,
        Err(problem) => Err(problem),
    };
    match planned {
        Ok(planned) => see_other(&format!("/operations/{}", segment(&planned.operation_id))),
        Err(problem) => Frame::of(&by.visitor, "/operations").trouble(&problem),
    }
}

/// What a form asks for. Its `filter` is the query of the page of messages.
fn request_of(form: &[u8]) -> Result<OperationRequest, ProblemDetails> {
    let text = |name: &str| field(form, name).filter(|value| !value.trim().is_empty());
    let filter = match text("filter") {
        Some(filter) => Some(query_of(&filter)?),
        None => None,
    };
    Ok(OperationRequest {
        verb: text("verb").unwrap_or_default(),
        ids: Vec::new(),
        all: filter.is_none(),
        filter,
        parked: text("parked").is_some(),
        via: text("via").map(|via| via.trim().to_owned()),
        carrier: text("carrier").map(|carrier| carrier.trim().to_owned()),
        reports: text("reports").is_some(),
        dry_run: false,
    })
}

fn query_of(filter: &str) -> Result<MessageQuery, ProblemDetails> {
    let malformed = |_| ProblemDetails::new(ProblemCode::Malformed).detail("the filters cannot be read");
    let uri: Uri = format!("/?{filter}").parse().map_err(malformed)?;
    let mut given = Parameters::of(&uri);
    let query = selection::query(&mut given);
    given.finish()?;
    Ok(query)
}

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage {
    frame: Frame,
    now: Timestamp,
    shown: OperationView,
    sentence: String,
    /// How many messages, in words.
    about: String,
    facts: Vec<Fact>,
    items: Vec<OperationItemView>,
    next: Option<String>,
    may: bool,
    /// Whether a start has to say why.
    needs_reason: bool,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let frame = Frame::of(&by.visitor, "/operations");
    let path = format!("/operations/{}", segment(&id));
    let cursor = field(uri.query().unwrap_or_default().as_bytes(), "cursor");
    let cursor = cursor.map(|cursor| format!("?{}", query([("cursor", &*cursor)]))).unwrap_or_default();
    let shown = pages.api.get::<OperationView>(&by.actor, &path).await;
    let items = pages.api.get::<PageOf<OperationItemView>>(&by.actor, &format!("{path}/items{cursor}")).await;
    match (shown, items) {
        (Ok(shown), Ok(items)) => ok(&OperationPage {
            frame,
            now: pages.admin.clock.now(),
            sentence: words::of_operation(&shown),
            about: words::messages(shown.count),
            facts: words::facts_of_operation(&shown),
            items: items.items,
            next: items.next.map(|next| format!("{path}?{}", query([("cursor", &*next)]))),
            may: by.actor.may(Right::Bulk),
            needs_reason: shown.count > WITHOUT_REASON,
            shown,
        }),
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
    }
}

/// Starts or cancels one, and leads back to it.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((id, verb)): Path<(String, String)>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.clone().because(&field(&form, "reason").unwrap_or_default());
    let path = format!("/operations/{}", segment(&id));
    let verb_path = format!("{path}/{}", segment(&verb));
    let done = match verb.as_str() {
        "start" => {
            let expect_count = field(&form, "expect_count").and_then(|count| count.parse().ok());
            let request = StartRequest { expect_count };
            pages.api.post::<OperationView>(&actor, &verb_path, &request).await
        }
        "cancel" => pages.api.post::<OperationView>(&actor, &verb_path, &serde_json::Map::new()).await,
        _ => Err(words::no_verb("an operation", &verb)),
    };
    match done {
        Ok(_) => see_other(&path),
        Err(problem) => Frame::of(&by.visitor, "/operations").trouble(&problem),
    }
}

/// Reasons and how many, the most first.
fn most_first(counts: &BTreeMap<String, u64>) -> Vec<(&String, &u64)> {
    let mut all: Vec<_> = counts.iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_the_list_are_what_an_operation_is_about() {
        let form = query([
            ("verb", "resubmit"),
            ("filter", "state=Rejected&carrier=31003&code=4006&since=2026-11-29T02%3A00%3A00Z"),
            ("via", " vzw-1 "),
            ("reports", "yes"),
        ]);
        let asked = request_of(form.as_bytes()).unwrap();
        assert_eq!(
            (&*asked.verb, asked.via.as_deref(), asked.reports, asked.parked),
            ("resubmit", Some("vzw-1"), true, false)
        );
        let filter = asked.filter.unwrap();
        assert_eq!(
            (filter.state, filter.carrier.as_deref(), filter.code),
            (vec!["Rejected".to_owned()], Some("31003"), Some(4006))
        );
        assert!(request_of(b"verb=expire").unwrap().all, "no filter: every message");
        let problem = request_of(b"verb=expire&filter=since%3Dnever").unwrap_err();
        assert_eq!(problem.errors[0].parameter.as_deref(), Some("since"));
    }
}
