//! The demo for programs.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use posthouse_gateway::admin::messages::get::get;
use serde_json::{Value, json};

use super::{
    super::{messages, send},
    Invitation, Played,
    stage::Stage,
    watch::LifeEnd,
};

/// All of it. Answers are as `posthouse send --json` prints them, messages as `posthouse messages show --json` does.
pub(super) async fn document(
    stage: &Stage,
    all: &[Played],
    invitation: Option<&Invitation>,
    took: Duration,
) -> anyhow::Result<Value> {
    let mut lives = Vec::new();
    for played in all {
        lives.push(life(stage, played).await?);
    }
    Ok(json!({
        "ok": all.iter().all(|played| played.ending.failures.is_empty()),
        "seconds": took.as_secs_f64(),
        "submits": stage.submits_at_carriers(),
        "reports": stage.reports_at_vasp(),
        "lives": lives,
        "running": invitation.map(|invitation| running(stage, invitation)),
    }))
}

async fn life(stage: &Stage, played: &Played) -> anyhow::Result<Value> {
    let Played { number, life, ending: LifeEnd { answer, message, failures, .. } } = played;
    let message = match message {
        Some(id) => {
            let shown = get(&**stage.store(), *id, Timestamp::now(), true).await;
            Some(messages::detail_as_json(&shown.context("the message is not in the store")?))
        }
        None => None,
    };
    Ok(json!({
        "number": number,
        "title": life.title,
        "recipient": life.to,
        "ok": failures.is_empty(),
        "failures": failures,
        "answer": answer.as_ref().map(send::answer_as_json),
        "message": message,
    }))
}

fn running(stage: &Stage, invitation: &Invitation) -> Value {
    let ready = stage.gateway();
    let carriers: Vec<_> = stage.carriers().map(|(id, url)| json!({ "id": id, "url": url })).collect();
    json!({
        "mm7": ready.mm7,
        "admin": ready.admin,
        "carriers": carriers,
        "vasp": stage.vasp_url(),
        "operator_token": invitation.operator,
        "vasp_token": invitation.vasp,
    })
}
