//! What is read and written again is the same message.

use mm7::message::{ChargedParty, Message, SubmitReq};
use mm7::mime::{Inner, unpack};
use mm7::{Decoded, Framing, Limits, Rule, SeenNamespace, decode, encode};

use super::input::Input;
use super::multipart::check_packed;

/// Reads, writes, reads, writes: the first writing is canonical, so that the second is the same to the byte.
pub fn check(data: &[u8]) {
    let input = Input::read(data);
    let Some(content_type) = &input.content_type else { return };
    let package = unpack(content_type, input.body.clone(), &Limits::default());
    if let Ok(media) = package.media() {
        check_packed(&media, Inner::Related);
    }
    let root = package.root.as_ref().and_then(|root| root.bytes().ok()).unwrap_or_default();
    let charset = content_type.param("charset");
    if let Ok(decoded) = decode(&root, charset, &limits()) {
        check_written(&decoded);
    }
}

/// What is written may be longer than what was read: characters become references.
fn limits() -> Limits {
    Limits { max_envelope: 16 << 20, ..Limits::default() }
}

fn check_written(first: &Decoded) {
    let Some(message) = &first.message else { return };
    let framing = Framing::answering(first);
    let written = encode(message, &framing);
    let second = decode(&written, None, &limits());
    assert!(second.is_ok(), "{second:?}");
    let Ok(second) = second else { return };
    assert_eq!(second.transaction_id, first.transaction_id);
    assert!(second.errors.iter().all(|error| is_inherited(error.rule, &framing)), "{:?}", second.errors);
    let Some(again) = &second.message else { unreachable!("nothing is left of {message:?}") };
    assert_eq!(again.name(), message.name());
    if framing.namespace.release() == 6 {
        check_same(message, again);
    }
    let twice = encode(again, &Framing::answering(&second));
    assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&written));
}

/// What is wrong with a message whatever it is written like: something is missing, or not supported.
fn is_inherited(rule: Rule, framing: &Framing) -> bool {
    match rule {
        Rule::MissingElement | Rule::MissingAttribute => true,
        Rule::NoTransactionId => framing.transaction_id.is_none(),
        Rule::InventedNamespace | Rule::UnknownVersion => {
            matches!(framing.namespace, SeenNamespace::Invented(_))
        }
        _ => false,
    }
}

/// Release 6 has every field. What is not written is what the schema has no place for.
fn check_same(first: &Message, second: &Message) {
    match first {
        Message::SubmitReq(req) => assert_eq!(&Message::SubmitReq(written(req)), second),
        first if first.status().is_some_and(|status| status.code == 0) => {}
        first => assert_eq!(first, second),
    }
}

fn written(req: &SubmitReq) -> SubmitReq {
    let charged_party = req.charged_party.clone().filter(|party| !matches!(party, ChargedParty::Other(_)));
    SubmitReq { charged_party, ..req.clone() }
}
