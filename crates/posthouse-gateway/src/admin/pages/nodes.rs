//! Nodes: which program each runs, and whether it takes anything new.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{Method, Uri};
use posthouse_api::{NodeView, PageOf, StoreView};
use posthouse_core::actor::Right;

use super::{
    super::body,
    PageState,
    ask::segment,
    frame::{Frame, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words::{self, Fact},
};

#[derive(Template)]
#[template(path = "nodes.html")]
struct NodesPage {
    frame: Frame,
    items: Vec<NodeView>,
    store: StoreView,
    /// What of it is how large, or how much is free.
    facts: Vec<Fact>,
    may_drain: bool,
    done: Option<&'static str>,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/nodes");
    let done = field(uri.query().unwrap_or_default().as_bytes(), "done");
    let done = done.and_then(|verb| words::done("/nodes", &verb));
    let nodes = pages.api.get::<PageOf<NodeView>>(&by.actor, "/nodes").await;
    let store = pages.api.get::<StoreView>(&by.actor, "/stats/store").await;
    match (nodes, store) {
        (Ok(nodes), Ok(store)) => {
            let may_drain = by.actor.may(Right::Drain);
            ok(&NodesPage {
                frame,
                items: nodes.items,
                facts: words::facts_of_store(&store),
                store,
                may_drain,
                done,
            })
        }
        (Err(problem), _) | (_, Err(problem)) => frame.trouble(&problem),
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
        _ => Err(words::no_verb("a node", &verb)),
    };
    match done {
        Ok(_) => see_other(&format!("/nodes?done={verb}")),
        Err(problem) => Frame::of(&by.visitor, "/nodes").trouble(&problem),
    }
}
