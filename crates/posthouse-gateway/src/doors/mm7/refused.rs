//! What is kept of a request that was refused.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use posthouse_core::{
    bounds::cut,
    capture::head,
    refusal::{HEAD, RefusalDetails, RefusedRequest, name_of},
    shown::masked,
    submit::{Facts, Rejection},
};

use crate::{
    refusals::{NotedRefusal, RefusalKind},
    secrets::number_hash,
};

/// What makes refusals the same where they are only counted.
pub(super) fn kind(facts: &Facts, refused: Rejection) -> RefusalKind {
    RefusalKind {
        row: refused.row,
        peer: facts.head.remote,
        account: facts.account().map(|account| account.name.clone()),
    }
}

/// What is kept of a request: nothing of its content.
pub(super) fn noted(
    facts: &Facts,
    refused: Rejection,
    (path, headers): (&str, &HeaderMap),
    body: Option<Bytes>,
    key: &[u8; 32],
    now: Timestamp,
) -> NotedRefusal {
    let request = facts.request();
    let short = |text: &str| cut(text, 256).to_owned();
    let recipient = facts.recipient();
    let refusal = RefusedRequest {
        at: now,
        account: facts.account().map(|account| account.name.clone()),
        code: refused.status(),
        row: refused.row,
        check: name_of(refused.reject).to_owned(),
        peer: facts.head.remote,
        transaction_id: facts.transaction_id().map(short),
        recipient_hash: recipient.as_ref().map(|recipient| number_hash(key, recipient.as_str())),
        details: RefusalDetails {
            vasid: request.and_then(|request| request.service).map(short),
            sender: request.and_then(|request| request.sender).map(|sender| short(&masked(sender.as_str()))),
            recipient: request.and_then(|request| request.recipient).map(|to| short(&masked(to.as_str()))),
            bytes: facts.body.as_ref().map_or(0, |body| body.length),
            head: head(&format!("POST {path} HTTP/1.1"), headers, HEAD),
            findings: Vec::new(),
        },
    };
    NotedRefusal { refusal, reject: refused.reject, dialect: facts.dialect(), body }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, header};

    use super::*;

    #[test]
    fn a_head_is_kept_without_secrets() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/xml"),
            ("authorization", "Basic c2VjcmV0"),
            ("x-api-key", "hush"),
            ("cookie", "session=hush"),
            ("soapaction", "\"\""),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        assert_eq!(
            head("POST /mm7/v1 HTTP/1.1", &headers, HEAD),
            "POST /mm7/v1 HTTP/1.1\r\ncontent-type: text/xml\r\nauthorization: -\r\nx-api-key: -\r\ncookie: -\r\nsoapaction: \"\""
        );
        headers.insert(header::USER_AGENT, "x".repeat(5000).parse().unwrap());
        assert!(head("POST / HTTP/1.1", &headers, HEAD).len() <= HEAD);
    }
}
