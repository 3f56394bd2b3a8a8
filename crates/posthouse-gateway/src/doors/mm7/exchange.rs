//! A request at the MM7 door, while it is decided about: what only the door can find out of it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use hyper::body::Incoming;
use mm7::{DecodeError, Decoded, Dialect, Limits, mime};
use posthouse_core::{
    account::{Account, VaspKey},
    submit::{Arrival, Body, ContentLength, ContentTypeHeader, CredentialsFact, Mm7Body, SHED_FOR},
};

use super::Mm7Door;
use crate::{
    auth::{At, PasswordVerdict},
    http::{basic, body::Read, memory::MemoryShare, seats::RequestProgress},
    intake::{AtDoor, Inquiry},
    mm7_http::envelope::{decode_root, digest},
    secrets::vasp_hash,
};

/// A request under way.
pub(super) struct Exchange<'d> {
    /// Where it came.
    pub(super) door: &'d Mm7Door,
    /// What is known of it.
    pub(super) inquiry: Inquiry,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// The part of its body that was not read.
    pub(super) body: Option<Incoming>,
    /// Its body, once it was read whole.
    pub(super) whole: Option<Bytes>,
    /// The memory that its body takes.
    pub(super) memory: MemoryShare,
    /// To be told when its body is here.
    pub(super) progress: RequestProgress,
}

impl AtDoor for Exchange<'_> {
    fn inquiry(&mut self) -> &mut Inquiry {
        &mut self.inquiry
    }

    async fn read_body(&mut self) -> Option<()> {
        let body = self.body.take()?;
        let (arrival, bytes) = match self.door.limits.read(body, &mut self.memory).await {
            Read::Whole(bytes) => (Arrival::Whole, bytes),
            Read::TooLong(rest) => {
                self.body = Some(rest);
                (Arrival::TooLong, Bytes::new())
            }
            Read::Misframed => {
                self.inquiry.facts.head.content_length = ContentLength::Malformed;
                return Some(());
            }
            Read::Broken | Read::TooLate => return None,
        };
        self.progress.working();
        self.whole = (arrival == Arrival::Whole).then(|| bytes.clone());
        let content_type = &self.inquiry.facts.head.content_type;
        let of = |decoded: &_| self.account(decoded);
        let read = self.door.read_body(content_type, &self.headers, (arrival, bytes), of);
        self.inquiry.facts.body = Some(read);
        Some(())
    }

    async fn credentials(&mut self) -> CredentialsFact {
        let facts = &self.inquiry.facts;
        let now = self.door.intake.clock.now();
        let expected: Vec<_> =
            facts.account().into_iter().flat_map(|account| account.passwords(now)).collect();
        if expected.is_empty() {
            return CredentialsFact::Right;
        }
        if !self.headers.contains_key(header::AUTHORIZATION) {
            return CredentialsFact::Missing;
        }
        let shown = basic::shown(&self.headers);
        let verifier = &self.door.verifier;
        match verifier.judge_any(shown.as_ref(), &expected, facts.head.remote, At::Vasps).await {
            PasswordVerdict::Right => {
                if let Some(used) = shown.and_then(|shown| verifier.which(&shown, &expected)) {
                    self.door.key_uses.note(&used.password_hash, || used.id(), now);
                }
                CredentialsFact::Right
            }
            PasswordVerdict::Wrong => CredentialsFact::Wrong,
            PasswordVerdict::NoTurn => CredentialsFact::NoTurn { retry_after: SHED_FOR },
        }
    }
}

impl Mm7Door {
    /// What a body holds, and whose it is.
    pub(super) fn read_body(
        &self,
        content_type: &ContentTypeHeader,
        headers: &HeaderMap,
        (arrival, bytes): (Arrival, Bytes),
        account: impl FnOnce(&Result<Decoded, DecodeError>) -> Option<Arc<Account>>,
    ) -> Body {
        let limits = Limits::default();
        let length = bytes.len() as u64;
        let package = match content_type {
            ContentTypeHeader::Read(content_type) => mime::unpack(content_type, bytes, &limits),
            // The first check refuses these before it asks for the body.
            ContentTypeHeader::Missing | ContentTypeHeader::Malformed => mime::Package::default(),
        };
        let (decoded, digest) = (decode_root(&package, &limits), digest(&package));
        let account = account(&decoded);
        let dialect = account.as_deref().map_or(Dialect::POSTHOUSE, |account| account.dialect.get());
        let carrier_id = self.carrier_id(dialect, headers);
        Body { arrival, length, digest, mm7: Mm7Body { package, decoded }, account, dialect, carrier_id }
    }

    /// The carrier that a request names, in the configured header or one of the dialect's.
    fn carrier_id(&self, dialect: &Dialect, headers: &HeaderMap) -> Option<String> {
        let value = std::iter::once(self.carrier_id_header.as_str())
            .chain(dialect.carrier_id_headers.iter().copied())
            .find_map(|name| headers.get(name))?;
        Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
    }
}

impl Exchange<'_> {
    /// The account of the VASPID in the envelope.
    fn account(&self, decoded: &Result<Decoded, DecodeError>) -> Option<Arc<Account>> {
        let vaspid = decoded.as_ref().ok()?.vaspid.as_ref()?;
        let (hash, now) = (vasp_hash(&self.door.key, vaspid.as_str()), self.door.intake.clock.now());
        let account = self.inquiry.facts.snapshot.account_by_vaspid(&hash, now)?;
        self.door.key_uses.note(&hash, || VaspKey::id_of(&hash).to_owned(), now);
        Some(Arc::clone(account))
    }
}
