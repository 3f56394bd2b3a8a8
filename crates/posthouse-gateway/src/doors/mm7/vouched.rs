//! Requests that are made inside of the gateway for an account, by somebody who was let in there. They go the way of all others; only that
//! nothing has to show whose they are.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::HeaderMap;
use posthouse_core::{
    Id,
    account::Account,
    submit::{Arrival, ContentLength, CredentialsFact, Facts, Head, Rejection},
};
use tokio::time::Instant;

use super::{Mm7Door, answer, head};
use crate::{
    http::server::HttpAnswer,
    intake::{AtDoor, Inquiry},
};

/// What such requests are called in metrics, beside the protocol's own name.
const FRONT: &str = "admin";

/// A request that is made for an account.
pub struct VouchedRequest {
    /// Whose it is.
    pub account: Arc<Account>,
    /// Its headers, as they would come.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
    /// The address of whoever makes it.
    pub from: IpAddr,
}

/// What came of it.
pub struct VouchedAnswer {
    /// The message, or why there is none.
    pub outcome: Result<Id, Rejection>,
    /// The answer that its account would have got.
    pub answer: HttpAnswer,
}

/// Such a request, while it is decided about.
struct VouchedExchange<'d> {
    door: &'d Mm7Door,
    inquiry: Inquiry,
    request: &'d VouchedRequest,
}

impl AtDoor for VouchedExchange<'_> {
    fn inquiry(&mut self) -> &mut Inquiry {
        &mut self.inquiry
    }

    async fn read_body(&mut self) -> Option<()> {
        let VouchedRequest { account, headers, body, .. } = self.request;
        let content_type = &self.inquiry.facts.head.content_type;
        let of = |_: &_| Some(Arc::clone(account));
        let read = self.door.read_body(content_type, headers, (Arrival::Whole, body.clone()), of);
        self.inquiry.facts.body = Some(read);
        Some(())
    }

    async fn credentials(&mut self) -> CredentialsFact {
        CredentialsFact::Right
    }
}

impl Mm7Door {
    /// Takes a request for an account, or refuses it as any of the account's. `None`: its body could not be read, which does not happen to
    /// one that is here.
    pub async fn submit_vouched(&self, request: VouchedRequest) -> Option<VouchedAnswer> {
        let began = Instant::now();
        let head = Head {
            fault: None,
            content_type: head::content_type(&request.headers),
            content_length: ContentLength::Bytes(request.body.len() as u64),
            is_encoded: false,
            max_request_bytes: self.limits.max_request_bytes,
            remote: request.from,
            tls: true,
            certificate: None,
            is_vouched_for: true,
        };
        let inquiry = Inquiry::new(Facts::new(self.snapshot.get(), head));
        let mut exchange = VouchedExchange { door: self, inquiry, request: &request };
        let outcome = self.intake.submit(&mut exchange).await?;
        let facts = &exchange.inquiry.facts;
        let answer = match outcome {
            Ok(id) => answer::success(facts, id),
            Err(refusal) => answer::refusal(facts, refusal),
        };
        self.intake.record(FRONT, &exchange.inquiry, outcome, began.elapsed());
        if let Err(refusal) = outcome {
            self.note(facts, refusal, &request.headers, Some(request.body.clone()));
        }
        Some(VouchedAnswer { outcome, answer })
    }
}
