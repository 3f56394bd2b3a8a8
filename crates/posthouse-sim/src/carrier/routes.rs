//! Which request goes where.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    carrier::{
        desk::Desk,
        mo::{self, HandsetMessage, MoError},
        read_reply::{self, ReadReply, ReadReplyError},
        reports::DoorError,
        view,
    },
    http::{Reply, Request, reply},
};

/// Answers one request.
pub(super) async fn route(desk: Arc<Desk>, request: Request) -> Reply {
    let path = request.uri().path();
    let (allowed, is_known) = match path {
        "/sim/messages" => (Method::GET, true),
        "/sim/deliver" | "/sim/read-reply" => (Method::POST, true),
        _ => (Method::POST, path == desk.options.path),
    };
    if !is_known {
        return plain(StatusCode::NOT_FOUND, "there is nothing at this path");
    }
    if request.method() != allowed {
        return method_not_allowed(&allowed);
    }
    match path {
        "/sim/messages" => messages(&desk, request.uri().query()),
        "/sim/deliver" => deliver(&desk, request.body()).await,
        "/sim/read-reply" => read_reply(&desk, request.body()).await,
        _ => desk.take(request).await,
    }
}

fn method_not_allowed(allowed: &Method) -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method");
    if let Ok(allowed) = HeaderValue::try_from(allowed.as_str()) {
        reply.headers_mut().insert(header::ALLOW, allowed);
    }
    reply
}

/// `GET /sim/messages`: an array, oldest first. `bodies=1` adds the bytes of each part, `raw=1` the headers and the body
/// of the request, `last=N` gives the newest N only.
fn messages(desk: &Desk, query: Option<&str>) -> Reply {
    let wanted = match view::Wanted::parse(query.unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    json_reply(StatusCode::OK, &wanted.view(&desk.kept.all()))
}

/// `POST /sim/deliver`: what the gateway answered.
async fn deliver(desk: &Desk, body: &[u8]) -> Reply {
    let message: HandsetMessage = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    match mo::deliver(desk, &message).await {
        Ok(answer) => json_reply(StatusCode::OK, &view::answer(&answer)),
        Err(MoError::Door(error)) => no_answer(&error),
        Err(error) => problem(StatusCode::BAD_REQUEST, &error),
    }
}

/// `POST /sim/read-reply`: what the gateway answered.
async fn read_reply(desk: &Desk, body: &[u8]) -> Reply {
    let reply: ReadReply = match serde_json::from_slice(body) {
        Ok(reply) => reply,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    match read_reply::send(desk, &reply).await {
        Ok(answer) => json_reply(StatusCode::OK, &view::answer(&answer)),
        Err(ReadReplyError::Door(error)) => no_answer(&error),
        Err(error @ ReadReplyError::Unknown) => problem(StatusCode::NOT_FOUND, &error),
    }
}

fn no_answer(error: &DoorError) -> Reply {
    let status =
        if matches!(error, DoorError::Nowhere) { StatusCode::CONFLICT } else { StatusCode::BAD_GATEWAY };
    problem(status, error)
}

fn plain(status: StatusCode, text: &'static str) -> Reply {
    reply(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// An error and its causes in one line.
fn problem(status: StatusCode, error: &dyn std::error::Error) -> Reply {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let lines: Vec<Cow<'_, str>> = causes.map(|cause| cause.to_string().into()).collect();
    json_reply(status, &json!({"error": lines.join(": ")}))
}

fn json_reply(status: StatusCode, value: &Value) -> Reply {
    reply(status, "application/json", format!("{value}\n"))
}
