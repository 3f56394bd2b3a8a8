//! What the rules are tested with: messages, times, and a store that unwraps.

use std::{
    ops::Deref,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::{Actor, Credential, Role},
    address::Msisdn,
    carrier::CarrierId,
    life::read_reply::{CarrierReadReply, ReadStatus},
    life::state::State,
    message::{
        AddressKind, CarrierReport, Digest, EventKind, KeptAddress, KeptRecipient, Mo, RecipientList,
        StoredPart, Submission,
    },
    slots::Slots,
    store::{
        Acceptance, Callback, CallbackBody, CallbackOutcome, Due, FirstAttempt, Lease, NewMessage, NewMo,
        Owner, Recorded, Settled, Settlement, Store, StoreResult, Timer, ToSend,
    },
};

use super::Backend;

/// The owner that most tests are.
pub const ME: Owner = Owner(11);
/// Somebody else.
pub const OTHER: Owner = Owner(22);
/// How long leases last here, in seconds.
pub const LEASE: i64 = 60;
/// How long reports are waited for here, in seconds.
pub const REPORT_TIMEOUT: i64 = 3600;

/// Who does by hand what is done by hand here.
pub fn operator() -> Actor {
    Actor::new("operator", Role::Operator, Credential::Configured)
}

/// A time, in seconds after some morning.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + seconds * 1000).unwrap()
}

/// A lease that begins then.
pub fn lease(owner: Owner, now: i64) -> Lease {
    Lease { owner, until: at(now + LEASE) }
}

/// The account of most messages.
pub fn acme() -> AccountName {
    AccountName("acme".into())
}

/// The carrier of most messages.
pub fn carrier() -> CarrierId {
    CarrierId("31003".into())
}

/// A message accepted then, without media, due at once.
pub fn message(now: i64) -> NewMessage {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    NewMessage {
        id: Id::from_number(Id::first_at(at(now)).number() + number % 8192).unwrap(),
        account: acme(),
        carrier: carrier(),
        submission: submission(&format!("transaction-{number}"), now),
        media: Vec::new(),
        digest: Digest([7; 16]),
        repeats_since: None,
        accepted_at: at(now),
        first_attempt: FirstAttempt::Due,
    }
}

fn submission(transaction_id: &str, now: i64) -> Submission {
    Submission {
        transaction_id: transaction_id.into(),
        vasid: "61295".into(),
        sender_kind: AddressKind::ShortCode,
        sender: "111122".into(),
        recipient: Msisdn::parse("16175550100", false).unwrap(),
        subject: Some("Grüße 🎉".into()),
        message_class: None,
        priority: Some("High".into()),
        service_code: None,
        allow_adaptations: Some(true),
        time_stamp: at(now),
        expiry: at(now + 3 * 86_400),
        delivery_report: true,
        namespace: "urn:example:mm7".into(),
        version: "6.8.0".into(),
        notes: vec!["ReadReply was dropped".into()],
        parts: Vec::new(),
        resubmission: None,
        via: None,
    }
}

/// Gives a message these parts.
pub fn with_media(mut message: NewMessage, parts: &[Vec<u8>]) -> NewMessage {
    message.media = parts.iter().cloned().map(Bytes::from).collect();
    message.submission.parts = parts.iter().map(|bytes| part(bytes.len())).collect();
    message
}

fn part(bytes: usize) -> StoredPart {
    StoredPart {
        content_type: "image/jpeg".into(),
        content_id: Some("picture".into()),
        content_location: None,
        name: None,
        bytes: bytes as u64,
    }
}

/// A carrier's report, received then, about the usual addresses.
pub fn report(carrier_message_id: &str, status: MmStatus, now: i64) -> CarrierReport {
    CarrierReport {
        carrier: carrier(),
        carrier_message_id: carrier_message_id.into(),
        recipient: Msisdn::parse("16175550100", false),
        sender: Some("111122".into()),
        status,
        said: format!("{} it says", status.as_str()),
        odd: String::new(),
        received_at: at(now),
    }
}

/// A carrier's read reply, received then, about what was done a minute before.
pub fn read_reply(carrier_message_id: &str, status: ReadStatus, now: i64) -> CarrierReadReply {
    CarrierReadReply {
        carrier: carrier(),
        carrier_message_id: carrier_message_id.into(),
        status,
        time_stamp: at(now - 60),
        said: format!("{status} it says"),
        odd: String::new(),
        received_at: at(now),
    }
}

/// The carrier took it, under this MessageID.
pub fn taken(carrier_message_id: &str, now: i64) -> Settlement {
    Settlement::Taken {
        carrier_message_id: Some(carrier_message_id.into()),
        report_until: at(now + REPORT_TIMEOUT),
    }
}

/// Nobody knows whether the carrier took it.
pub fn unknown(now: i64) -> Settlement {
    Settlement::Unknown { report_until: at(now + REPORT_TIMEOUT) }
}

/// Nobody knows whether the carrier took it; again in so many seconds.
pub fn resend(now: i64, seconds: i64) -> Settlement {
    let (due, report_until) = (at(now + seconds), at(now + REPORT_TIMEOUT));
    Settlement::Resend { due, reason: StatusCode::Timeout, report_until }
}

/// Not delivered; again in so many seconds.
pub fn again(now: i64, seconds: i64) -> Settlement {
    Settlement::Again { due: at(now + seconds), unreached: true, reason: StatusCode::ServiceUnavailable }
}

/// What a callback reports.
pub fn status(callback: &Callback) -> MmStatus {
    match &callback.body {
        CallbackBody::Report { status, .. } => *status,
        CallbackBody::Mo(_) | CallbackBody::ReadReply { .. } => panic!("{callback:?} is no report"),
    }
}

/// A message from a handset, received then, with these parts.
pub fn mo(transaction_id: &str, parts: &[Vec<u8>], now: i64) -> NewMo {
    let address = |kind, text: &str| KeptAddress { kind, text: text.into() };
    NewMo {
        id: message(now).id,
        account: acme(),
        carrier: carrier(),
        mo: Mo {
            transaction_id: transaction_id.into(),
            vasid: "61295".into(),
            sender: address(AddressKind::Number, "16175550100"),
            recipients: vec![
                KeptRecipient {
                    address: address(AddressKind::ShortCode, "111122"),
                    list: RecipientList::To,
                    display_only: false,
                },
                KeptRecipient {
                    address: address(AddressKind::Number, "16175550101"),
                    list: RecipientList::Cc,
                    display_only: true,
                },
            ],
            subject: Some("Re: Grüße".into()),
            priority: None,
            time_stamp: at(now),
            odd: String::new(),
            parts: parts.iter().map(|bytes| part(bytes.len())).collect(),
        },
        media: parts.iter().cloned().map(Bytes::from).collect(),
        digest: Digest([9; 16]),
        linked_id: None,
        content: Digest([6; 16]),
        repeats_since: at(now - 3600),
        received_at: at(now),
    }
}

/// An open store, with the steps that tests take over and over. Where it has a method of a store's name, that is the store's without what
/// most rules have nothing to do with: nobody takes callbacks, and one node has all slots.
pub struct Bed {
    store: Box<dyn Store>,
}

impl Deref for Bed {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl Bed {
    /// The store of a backend.
    pub async fn open(backend: &dyn Backend) -> Self {
        Self { store: backend.open().await }
    }

    /// This store.
    pub fn of(store: Box<dyn Store>) -> Self {
        Self { store }
    }

    /// Closes it and opens it again.
    pub async fn reopen(self, backend: &dyn Backend) -> Self {
        self.store.close().await.unwrap();
        drop(self);
        Self::open(backend).await
    }

    /// What would be there after a power cut.
    pub async fn power_cut(self, backend: &dyn Backend) -> Self {
        Self { store: backend.after_power_cut(self.store).await }
    }

    /// Settles, where nobody takes callbacks.
    pub async fn settle(
        &self,
        id: Id,
        owner: Owner,
        settlement: Settlement,
        said: &str,
        now: Timestamp,
    ) -> StoreResult<Settled> {
        Ok(self.store.settle(id, owner, settlement, said, now, None).await?.answer)
    }

    /// Records a report, where nobody takes callbacks.
    pub async fn record_report(&self, report: CarrierReport) -> StoreResult<Recorded> {
        Ok(self.store.record_report(report, None).await?.answer)
    }

    /// Records a read reply, where nobody takes callbacks.
    pub async fn record_read_reply(&self, reply: CarrierReadReply) -> StoreResult<Recorded> {
        Ok(self.store.record_read_reply(reply, None).await?.answer)
    }

    /// Accepts a message from a handset, where nobody takes callbacks.
    pub async fn accept_mo(&self, mo: NewMo) -> StoreResult<Acceptance> {
        Ok(self.store.accept_mo(mo, None).await?.answer)
    }

    /// Settles a callback, where nobody takes any; whether another became due.
    pub async fn settle_callback(
        &self,
        id: Id,
        owner: Owner,
        outcome: CallbackOutcome,
        now: Timestamp,
    ) -> StoreResult<bool> {
        Ok(self.store.settle_callback(id, owner, outcome, now, None).await?.left_due)
    }

    /// Leases what is to be sent, in all slots.
    pub async fn lease_sends(
        &self,
        carrier: &CarrierId,
        lease: Lease,
        now: Timestamp,
        waiting_since_before: Option<Timestamp>,
        limit: usize,
    ) -> StoreResult<Vec<ToSend>> {
        self.store.lease_sends(carrier, lease, now, waiting_since_before, Slots::ALL, limit).await
    }

    /// Puts off, in all slots.
    pub async fn put_off(
        &self,
        carrier: &CarrierId,
        until: Timestamp,
        nobody_there: bool,
        now: Timestamp,
        limit: usize,
    ) -> StoreResult<usize> {
        self.store.put_off(carrier, until, nobody_there, now, Slots::ALL, limit).await
    }

    /// Leases timers, in all slots.
    pub async fn lease_timers(&self, lease: Lease, now: Timestamp, limit: usize) -> StoreResult<Vec<Timer>> {
        self.store.lease_timers(lease, now, Slots::ALL, limit).await
    }

    /// What is due, in all slots.
    pub async fn due(&self, now: Timestamp) -> StoreResult<Due> {
        self.store.due(now, Slots::ALL).await
    }

    /// Accepts a message, leased to me.
    pub async fn accept_mine(&self, now: i64) -> Id {
        let message = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, now)), ..message(now) };
        let id = message.id;
        self.accept(&message).await.unwrap();
        id
    }

    /// Accepts a message and begins an attempt.
    pub async fn sending(&self, now: i64) -> Id {
        let id = self.accept_mine(now).await;
        self.begin_mine(id, now).await;
        id
    }

    /// Accepts a message that the carrier takes.
    pub async fn forwarded(&self, carrier_message_id: &str, now: i64) -> Id {
        let id = self.sending(now).await;
        self.settle_mine(id, taken(carrier_message_id, now), now).await;
        id
    }

    /// Accepts a message whose attempt gets no answer.
    pub async fn parked(&self, now: i64) -> Id {
        let id = self.sending(now).await;
        self.settle_mine(id, unknown(now), now).await;
        id
    }

    /// Accepts a message whose attempt gets no answer, and which is sent again after 30 s.
    pub async fn resent(&self, now: i64) -> Id {
        let id = self.sending(now).await;
        self.settle_mine(id, resend(now, 30), now).await;
        id
    }

    /// Accepts a message, and ends it with a report; nothing is owed any more.
    pub async fn finished(&self, carrier_message_id: &str, now: i64) -> Id {
        let id = self.forwarded(carrier_message_id, now).await;
        self.record_report(report(carrier_message_id, MmStatus::Retrieved, now)).await.unwrap();
        for callback in self.callbacks(now).await {
            self.delivered(&callback, now).await;
        }
        id
    }

    /// Begins an attempt of mine.
    pub async fn begin_mine(&self, id: Id, now: i64) {
        self.begin(id, ME, "vzw-1", at(now + LEASE), at(now)).await.unwrap();
    }

    /// Settles an attempt of mine.
    pub async fn settle_mine(&self, id: Id, settlement: Settlement, now: i64) -> Settled {
        self.settle(id, ME, settlement, "so they said", at(now)).await.unwrap()
    }

    /// Leases what is due for the usual carrier.
    pub async fn sends(&self, owner: Owner, now: i64) -> Vec<ToSend> {
        self.lease_sends(&carrier(), lease(owner, now), at(now), None, 100).await.unwrap()
    }

    /// The ids of what is due for the usual carrier, which are leased.
    pub async fn send_ids(&self, owner: Owner, now: i64) -> Vec<Id> {
        self.sends(owner, now).await.into_iter().map(|send| send.id).collect()
    }

    /// Leases timers that went off.
    pub async fn timers(&self, owner: Owner, now: i64) -> Vec<Timer> {
        self.lease_timers(lease(owner, now), at(now), 100).await.unwrap()
    }

    /// Leases callbacks of the usual account.
    pub async fn callbacks(&self, now: i64) -> Vec<Callback> {
        self.lease_callbacks(&acme(), lease(ME, now), at(now), 100).await.unwrap()
    }

    /// What the callbacks report that are due for the usual account, which are leased.
    pub async fn statuses(&self, now: i64) -> Vec<MmStatus> {
        self.callbacks(now).await.iter().map(status).collect()
    }

    /// The VASP acknowledges a callback of mine.
    pub async fn delivered(&self, callback: &Callback, now: i64) {
        self.settle_callback(callback.id, ME, CallbackOutcome::Delivered, at(now)).await.unwrap();
    }

    /// Records a report that has to be about this message and to change it.
    pub async fn reported(&self, id: Id, report: CarrierReport) -> Settled {
        match self.record_report(report).await.unwrap() {
            Recorded::Applied(found, settled) if found == id => settled,
            other => panic!("{other:?}"),
        }
    }

    /// A message's state.
    pub async fn state(&self, id: Id) -> State {
        self.message(id).await.unwrap().unwrap().state
    }

    /// A message's events after it was accepted.
    pub async fn events(&self, id: Id) -> Vec<(EventKind, String)> {
        let timeline = self.timeline(id).await.unwrap().unwrap();
        let events = timeline.into_iter().map(|event| (event.kind, event.detail));
        events.filter(|(kind, _)| ![EventKind::Accepted, EventKind::Noted].contains(kind)).collect()
    }

    /// The kinds of a message's events after it was accepted.
    pub async fn event_kinds(&self, id: Id) -> Vec<EventKind> {
        self.events(id).await.into_iter().map(|(kind, _)| kind).collect()
    }
}

/// As a duration.
pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
