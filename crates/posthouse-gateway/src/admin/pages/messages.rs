//! Messages that match, the newest first.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::Uri;
use posthouse_api::{MessageTotal, MessageView, PageOf};
use posthouse_core::{actor::Right, operation::OperationVerb, provisioning::words::OneOfWords};

use super::{
    PageState,
    ask::query,
    filters::FilterForm,
    frame::{Frame, html},
    sessions::SignedIn,
    sign_in::field,
    words,
};

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    frame: Frame,
    filter: FilterForm,
    items: Vec<MessageView>,
    next: Option<String>,
    nothing: &'static str,
    /// What can be done to all of them, for whom may; each with what it does.
    bulk: Vec<(&'static str, &'static str)>,
    /// The filters, as a query.
    selection: String,
    /// How many match, where that was asked for.
    counted: Option<String>,
}

pub(super) async fn handle(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/messages");
    let mut filter =
        FilterForm::of("/messages", words::OF_MESSAGES, &uri, pages.admin.clock.now()).of_own(&by.actor);
    let found = pages.api.get::<PageOf<MessageView>>(&by.actor, &filter.api("/messages")).await;
    match filter.listed(found) {
        Ok((status, items, next)) => {
            let nothing = filter.nothing();
            let may = by.actor.may(Right::Bulk) && !items.is_empty();
            let bulk = <OperationVerb as OneOfWords>::ALL
                .iter()
                .filter(|_| may)
                .map(|verb| (verb.word(), words::operation_does(*verb)));
            let selection = query(filter.pairs());
            let counted = match field(uri.query().unwrap_or_default().as_bytes(), "counted") {
                Some(_) if status.is_success() => Some(counted(&pages, &by, &selection).await),
                _ => None,
            };
            let bulk = bulk.collect();
            html(status, &MessagesPage { frame, items, next, nothing, bulk, selection, counted, filter })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

/// How many match, and since when that is counted; or why it is not known.
async fn counted(pages: &PageState, by: &SignedIn, selection: &str) -> String {
    match pages.api.get::<MessageTotal>(&by.actor, &format!("/messages/count?{selection}")).await {
        Ok(MessageTotal { messages, since: Some(since), .. }) => {
            format!("{} since {}.", words::messages(messages), words::short(&since))
        }
        Ok(total) => format!("{}.", words::messages(total.messages)),
        Err(problem) => problem.to_string(),
    }
}
