//! Nodes: which program each runs, and whether it takes anything new.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{Method, Uri};
use posthouse_api::{NodeView, PageOf, ProblemCode, ProblemDetails};
use posthouse_core::actor::Right;

use super::{
    super::body,
    PageState,
    ask::segment,
    frame::{Frame, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
};

#[derive(Template)]
#[template(path = "nodes.html")]
struct NodesPage {
    frame: Frame,
    items: Vec<NodeView>,
    may_drain: bool,
    done: Option<&'static str>,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/nodes");
    let done = match field(uri.query().unwrap_or_default().as_bytes(), "done").as_deref() {
        Some("drain") => Some("It is drained: new messages are answered 3510, and what is there goes out."),
        Some("undrain") => Some("It takes new messages again."),
        _ => None,
    };
    match pages.api.get::<PageOf<NodeView>>(&by.actor, "/nodes").await {
        Ok(page) => {
            let may_drain = by.actor.may(Right::Drain);
            ok(&NodesPage { frame, items: page.items, may_drain, done })
        }
        Err(problem) => frame.trouble(&problem),
    }
}

/// Drains a node, or has it take new messages again.
pub(super) async fn act(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path((node, verb)): Path<(String, String)>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.clone().because(&field(&form, "reason").unwrap_or_default());
    let done = match verb.as_str() {
        "drain" | "undrain" => {
            let path = format!("/nodes/{}/{verb}", segment(&node));
            pages.api.send::<NodeView>(&actor, Method::POST, &path).await
        }
        _ => {
            Err(ProblemDetails::new(ProblemCode::NotFound).detail(format!("a node cannot be made to {verb}")))
        }
    };
    match done {
        Ok(_) => see_other(&format!("/nodes?done={verb}")),
        Err(problem) => Frame::of(&by.visitor, "/nodes").trouble(&problem),
    }
}
