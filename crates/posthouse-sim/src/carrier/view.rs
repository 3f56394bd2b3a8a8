//! What a carrier was sent, as JSON.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderMap;
use mm7::mime::Media;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{carrier::kept::KeptMessage, wire::Mm7Answer};

/// What the query of `GET /sim/messages` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    bodies: bool,
    raw: bool,
    last: Option<usize>,
}

/// A query that asks for something else.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is nothing that can be asked for; there are bodies=1, raw=1 and last=N")]
pub(super) struct UnknownQuery(String);

impl Wanted {
    pub fn parse(query: &str) -> Result<Self, UnknownQuery> {
        let mut wanted = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("bodies", value @ ("0" | "1"))) => wanted.bodies = value == "1",
                Some(("raw", value @ ("0" | "1"))) => wanted.raw = value == "1",
                Some(("last", number)) if let Ok(number) = number.parse() => wanted.last = Some(number),
                _ => return Err(UnknownQuery(pair.to_owned())),
            }
        }
        Ok(wanted)
    }

    /// The messages as an array, oldest first.
    pub fn view(&self, messages: &[Arc<KeptMessage>]) -> Value {
        let skipped = self.last.map_or(0, |last| messages.len().saturating_sub(last));
        messages.iter().skip(skipped).map(|message| self.message(message)).collect()
    }

    fn message(&self, message: &KeptMessage) -> Value {
        let mut view = json!({
            "time": message.time.to_string(),
            "transaction_id": message.transaction_id.as_ref().map(|id| id.as_str()),
            "message_id": message.message_id.as_ref().map(|id| id.as_str()),
            "sender": message.sender,
            "recipient": message.recipients.first(),
            "recipients": message.recipients,
            "subject": message.subject,
            "media": message.media.iter().map(|media| self.media(media)).collect::<Vec<_>>(),
            "http_status": message.http_status,
            "code": message.code,
            "finding": message.finding,
        });
        if self.raw {
            view["headers"] = headers(&message.headers);
            view["body"] = BASE64_STANDARD.encode(&message.body).into();
        }
        view
    }

    fn media(&self, media: &Media) -> Value {
        let mut view = json!({
            "content_type": media.content_type.to_string(),
            "content_id": media.content_id,
            "content_location": media.content_location,
            "name": media.name,
            "bytes": media.bytes.len(),
            "sha256": hexadecimal(&Sha256::digest(&media.bytes)),
        });
        if self.bodies {
            view["base64"] = BASE64_STANDARD.encode(&media.bytes).into();
        }
        view
    }
}

/// What the gateway answered.
pub(super) fn answer(answer: &Mm7Answer) -> Value {
    json!({
        "http_status": answer.http_status,
        "transaction_id": answer.transaction_id.as_ref().map(|id| id.as_str()),
        "code": answer.code(),
        "text": answer.text(),
        "details": answer.details(),
    })
}

/// Headers by name; those that were sent twice are joined, as HTTP has it.
fn headers(headers: &HeaderMap) -> Value {
    let values = |name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(", ")
    };
    let named: Map<_, _> = headers.keys().map(|name| (name.to_string(), values(name).into())).collect();
    named.into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_or_refused() {
        assert_eq!(Wanted::parse("").unwrap(), Wanted::default());
        let all = Wanted { bodies: true, raw: true, last: Some(3) };
        assert_eq!(Wanted::parse("bodies=1&raw=1&last=3").unwrap(), all);
        for query in ["bodies", "bodies=yes", "last=-1", "page=2"] {
            assert!(Wanted::parse(query).is_err(), "{query}");
        }
    }
}
