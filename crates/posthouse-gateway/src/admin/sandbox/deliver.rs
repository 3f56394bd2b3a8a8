//! `POST /api/v1/sandbox/deliver`: the handset of a sandbox writes to its account, which gets the message as from any carrier.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use jiff::Timestamp;
use mm7::{
    Address,
    message::Recipient,
    mime::{ContentType, Media},
};
use posthouse_api::{ProblemCode, ProblemDetails, SandboxDelivered, SandboxDelivery};
use posthouse_core::{
    Id,
    account::{Account, Service},
    actor::Actor,
    address::bare,
    audit::{AuditEntry, AuditVerb},
    carrier::{CarrierId, SANDBOX},
    message::{Digest, KeptRecipient, Mo, StoredPart},
    store::NewMo,
};

use super::{
    super::{
        AdminState,
        answer::{JsonAnswer, ProblemAnswer},
        body, number_of,
        query::at_pointer,
    },
    account_of,
};

/// The longest text that the handset sends, in characters.
const TEXT: usize = 10_000;
/// The longest subject, in characters.
const SUBJECT: usize = 200;

/// Has the handset of a sandbox write to its account
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/sandbox/deliver", tag = "sandbox", operation_id = "deliver_to_sandbox",
    request_body = SandboxDelivery,
    responses(
        (status = 200, description = "It is owed to the account", body = SandboxDelivered),
        (status = 409, description = "The account is no sandbox, or has no deliver_url"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(by): Extension<Actor>,
    request: Request,
) -> Result<JsonAnswer<SandboxDelivered>, ProblemAnswer> {
    let path = request.uri().path().to_owned();
    let asked: SandboxDelivery = body::required(request).await?;
    let account = account_of(&state, &by, asked.account.clone(), &path)?;
    let now = state.clock.now();
    let (service, mo) = read(&asked, &account, state.ids.next(now)?, now)?;
    let (id, vasid) = (mo.id, service.vasid.clone());
    let taking = state.callbacks.taking();
    let stored = state.store.accept_mo(mo, Some(taking.clone())).await?;
    taking.hand_on(stored);
    let entry = AuditEntry::new(&by, AuditVerb::DeliverSandbox, &account.name.0, now);
    state.store.record_audit(&entry).await?;
    Ok(JsonAnswer(SandboxDelivered { linked_id: id.to_string(), account: account.name.0.clone(), vasid }))
}

/// The message, and the service that it is for.
///
/// # Errors
/// What is wrong with the request; or the account takes no messages from handsets.
fn read<'a>(
    asked: &SandboxDelivery,
    account: &'a Account,
    id: Id,
    now: Timestamp,
) -> Result<(&'a Service, NewMo), ProblemDetails> {
    let wrong = |pointer: &str, what: (&str, &str)| {
        ProblemDetails::new(ProblemCode::InvalidParameter).error(at_pointer(pointer, what))
    };
    if account.callbacks.deliver_url.is_none() {
        return Err(ProblemDetails::new(ProblemCode::LeftAlone)
            .detail(format!(
                "account {} has no deliver_url: it takes no messages from handsets",
                account.name
            ))
            .remedy("have one provisioned"));
    }
    let from = number_of(&asked.from).map_err(|_| {
        wrong(
            "/from",
            ("this is no international number", "begin with the country code, such as 16175550100"),
        )
    })?;
    let subject = asked.subject.clone().filter(|subject| !subject.is_empty());
    if subject.as_ref().is_some_and(|subject| subject.chars().count() > SUBJECT) {
        return Err(wrong("/subject", ("it is longer than 200 characters", "shorten it")));
    }
    if asked.text.is_empty() || asked.text.chars().count() > TEXT {
        return Err(wrong("/text", ("it is empty or too long", "write 1 to 10000 characters")));
    }
    let (service, to) = destination(account, asked.to.as_deref()).ok_or_else(|| {
        wrong(
            "/to",
            (
                "no service of the account sends under this address",
                "`posthouse services` shows its addresses",
            ),
        )
    })?;
    let text = Media {
        content_type: ContentType::new("text/plain").with_param("charset", "utf-8"),
        content_id: Some("text".to_owned()),
        content_location: None,
        name: None,
        bytes: asked.text.clone().into_bytes().into(),
    };
    let mut digest = [0; 16];
    blake3::Hasher::new().update(id.to_string().as_bytes()).finalize_xof().fill(&mut digest);
    let mo = Mo {
        transaction_id: format!("{SANDBOX}-{id}"),
        vasid: service.vasid.clone(),
        sender: (&Address::Number(from.as_str().to_owned())).into(),
        recipients: vec![KeptRecipient::from(&Recipient::to(to))],
        subject,
        priority: None,
        time_stamp: now,
        odd: String::new(),
        parts: vec![StoredPart::of(&text)],
    };
    let new = NewMo {
        id,
        account: account.name.clone(),
        carrier: CarrierId(SANDBOX.to_owned()),
        mo,
        media: vec![text.bytes],
        digest: Digest(digest),
        linked_id: None,
        content: Digest(digest),
        // Two that say the same are two.
        repeats_since: Timestamp::MAX,
        received_at: now,
    };
    Ok((service, new))
}

/// The service of an address, or the first; and that address.
fn destination<'a>(account: &'a Account, to: Option<&str>) -> Option<(&'a Service, Address)> {
    let wanted = to.map(|to| bare(to.trim())).filter(|to| !to.is_empty());
    let is_it = |sender: &&String| wanted.is_none_or(|wanted| bare(sender) == wanted);
    let found =
        account.services.iter().find_map(|service| Some((service, service.senders.iter().find(is_it)?)));
    let (service, sender) = found?;
    let address = match sender {
        mail if mail.contains('@') => Address::Rfc2822Address(mail.clone()),
        code if code.len() <= 6 => Address::ShortCode(code.clone()),
        number => Address::Number(number.clone()),
    };
    Some((service, address))
}
