//! A store as it is after a busy day: so many messages in all states, attempts that failed, callbacks that are owed or failed, messages from
//! handsets, refusals, reports without a message, and what operators did. All of it by the store's own operations, so that it is the same on
//! every backend, and as a gateway leaves it.
//!
//! What message number `n` is follows from `n` alone; so a test knows what it will find.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::{Actor, Credential, Role},
    address::Msisdn,
    audit::{AuditEntry, AuditVerb},
    carrier::CarrierId,
    life::{settlement::EndedAttempt, state::Terminal},
    message::{
        AddressKind, CarrierReport, Digest, KeptAddress, KeptRecipient, Mo, RecipientList, StoredPart,
        Submission,
    },
    refusal::{RefusalDetails, RefusedRequest},
    store::{
        Callback, CallbackAnswer, CallbackOutcome, FailedAttempt, FirstAttempt, Lease, NewMessage, NewMo,
        NewRefusal, Owner, Settlement, Store, Take,
    },
};
use tokio::task::JoinSet;

use crate::provisioning::{AccountToml, CarrierToml, range};

/// Over how long all of it came.
pub const SPAN: Duration = Duration::from_secs(86_400);
/// Whose it is, in turns of a hundred messages.
pub const ACCOUNTS: [&str; 4] = ["acme", "beta", "gamma", "delta"];
/// Whose a message in a thousand is: somebody who is easily overlooked.
pub const RARE_ACCOUNT: &str = "omega";
/// Where messages go in turn, and the prefix of the numbers there.
const CARRIERS: [(&str, &str); 2] = [("31002", "1508"), ("31003", "1617")];
/// Where what is busy was refused, and what waits is for; no connection leads to the second.
pub const BUSY_CARRIER: &str = "31003";
/// Where all wait.
pub const WAITING_CARRIER: &str = "31004";
/// The connection over which all attempts went.
pub const CONNECTION: &str = "east";
/// How many lives are lived at a time: as many share a commit.
const AT_A_TIME: u64 = 512;
/// Whose the leases are.
const OWNER: Owner = Owner(7);
const DAY: Duration = Duration::from_secs(86_400);
/// How many refusals are kept at a time.
const REFUSALS_AT_A_TIME: u64 = 200;
/// The most refusals and reports without a message: there are bounds.
const MOST_REFUSALS: u64 = 20_000;
const MOST_UNMATCHED: u64 = 5_000;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was retrieved, and nobody wanted to know.
    Retrieved,
    /// It was refused for good: 4004.
    Refused,
    /// It was refused by a busy carrier, 4006, till it was given up.
    Busy,
    /// It was retrieved, and its VASP knows.
    Reported,
    /// It was retrieved, and the report failed for good.
    Unreported,
    /// It was retrieved, and the report is owed.
    Owed,
    /// It waits to be sent.
    Waiting,
    /// It may have arrived.
    Parked,
    /// The carrier has it.
    Forwarded,
    /// Its time ran out.
    Expired,
}

/// So many messages, the newest of which was accepted at this time.
#[derive(Clone, Copy, Debug)]
pub struct Filling {
    /// How many messages.
    pub messages: u64,
    /// When the newest was accepted.
    pub until: Timestamp,
}

impl Filling {
    /// Fills a store that is served by nobody else.
    pub async fn fill(self, store: &Arc<dyn Store>) {
        let mut lives = JoinSet::new();
        for first in 0..AT_A_TIME.min(self.messages) {
            let store = Arc::clone(store);
            lives.spawn(async move {
                let mut number = first;
                while number < self.messages {
                    self.live(&*store, number).await;
                    number += AT_A_TIME;
                }
            });
        }
        lives.join_all().await;
        self.refuse(&**store).await;
        self.report_unknown(&**store).await;
        self.audit(&**store).await;
    }

    /// What becomes of message `number`.
    pub const fn fate(number: u64) -> Fate {
        match number % 100 {
            0..70 => Fate::Retrieved,
            70..80 => Fate::Refused,
            80..90 => Fate::Busy,
            90..93 => Fate::Reported,
            93..95 => Fate::Unreported,
            95 => Fate::Owed,
            96 => Fate::Waiting,
            97 => Fate::Parked,
            98 => Fate::Forwarded,
            _ => Fate::Expired,
        }
    }

    /// How many messages have this fate, all in all.
    pub fn of_fate(self, fate: Fate) -> u64 {
        (0..self.messages).filter(|number| Self::fate(*number) == fate).count() as u64
    }

    /// When message `number` was accepted.
    pub fn accepted_at(self, number: u64) -> Timestamp {
        let back = (self.messages - 1 - number) * u64::try_from(SPAN.as_millis()).unwrap() / self.messages;
        self.until - Duration::from_millis(back)
    }

    /// The id of message `number`.
    pub fn id(self, number: u64) -> Id {
        let first = Id::first_at(self.accepted_at(number)).number();
        Id::from_number(first + i64::try_from(number % 256).unwrap()).unwrap()
    }

    /// The numbers of the messages that were busy within this time; their last attempt failed a second after they were accepted.
    pub fn busy_between(self, since: Timestamp, until: Timestamp) -> Vec<u64> {
        let failed = |number: &u64| (since..until).contains(&self.failed_at(*number));
        (0..self.messages).filter(|number| Self::fate(*number) == Fate::Busy).filter(failed).collect()
    }

    /// When the attempt of message `number` ended.
    fn failed_at(self, number: u64) -> Timestamp {
        self.accepted_at(number) + Duration::from_secs(1)
    }

    /// Whose message `number` is.
    pub fn account(number: u64) -> AccountName {
        let turn = usize::try_from(number / 100).unwrap() % ACCOUNTS.len();
        let name = if number % 1000 == 999 { RARE_ACCOUNT } else { ACCOUNTS[turn] };
        AccountName(name.to_owned())
    }

    /// Where message `number` goes.
    pub fn carrier(number: u64) -> CarrierId {
        let (id, _) = Self::destination(number);
        CarrierId(id.to_owned())
    }

    fn destination(number: u64) -> (&'static str, &'static str) {
        match Self::fate(number) {
            Fate::Waiting => (WAITING_CARRIER, "1404"),
            Fate::Busy => CARRIERS[1],
            _ => CARRIERS[usize::try_from(number % 2).unwrap()],
        }
    }

    /// Who gets message `number`.
    pub fn recipient(number: u64) -> String {
        format!("{}{:07}", Self::destination(number).1, 1_000_000 + number % 9_000_000)
    }

    /// The carrier's MessageID of message `number`.
    pub fn carrier_message_id(number: u64) -> String {
        format!("c-{number}")
    }

    /// The TransactionID of message `number`.
    pub fn transaction_id(number: u64) -> String {
        format!("order-{number}")
    }

    /// What all of this was provisioned with. `connections` says where the carriers but the one of what waits are; reports go to `vasp`.
    pub fn provisioning(vasp: &str, connections: impl Fn(CarrierToml) -> CarrierToml) -> String {
        let account = |name: &&str| {
            AccountToml::new(name)
                .callbacks(&format!("{vasp}/reports"), "")
                .service("default = true\n")
                .to_string()
        };
        let mut toml: String = ACCOUNTS.iter().chain([&RARE_ACCOUNT]).map(account).collect();
        for (id, prefix) in CARRIERS {
            toml += &format!("{}{}", connections(CarrierToml::new(id)), range(prefix, id));
        }
        let nowhere = CarrierToml::new(WAITING_CARRIER).nowhere();
        toml + &format!("{nowhere}{}", range("1404", WAITING_CARRIER))
    }

    fn message(self, number: u64) -> NewMessage {
        let (at, fate) = (self.accepted_at(number), Self::fate(number));
        let text = format!("message {number} of many");
        let has_media = fate == Fate::Busy;
        let part = StoredPart {
            content_type: "text/plain; charset=utf-8".to_owned(),
            content_id: Some("text".to_owned()),
            content_location: None,
            name: None,
            bytes: text.len() as u64,
        };
        let waits = fate == Fate::Waiting;
        NewMessage {
            id: self.id(number),
            account: Self::account(number),
            carrier: Self::carrier(number),
            submission: Submission {
                transaction_id: Self::transaction_id(number),
                vasid: "61295".to_owned(),
                sender_kind: AddressKind::ShortCode,
                sender: "111122".to_owned(),
                recipient: Msisdn::parse(&Self::recipient(number), false).expect("a number"),
                subject: Some(format!("Order {number}")),
                message_class: None,
                priority: None,
                service_code: None,
                allow_adaptations: None,
                time_stamp: at,
                expiry: at + 3 * DAY,
                delivery_report: matches!(fate, Fate::Reported | Fate::Unreported | Fate::Owed),
                namespace: "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
                    .to_owned(),
                version: "6.8.0".to_owned(),
                notes: Vec::new(),
                parts: has_media.then_some(part).into_iter().collect(),
                resubmission: None,
                via: None,
            },
            media: has_media.then(|| Bytes::from(text)).into_iter().collect(),
            digest: Digest(u128::from(number).to_be_bytes()),
            repeats_since: None,
            accepted_at: at,
            first_attempt: if waits { FirstAttempt::Due } else { FirstAttempt::Leased(lease(at)) },
        }
    }

    /// The whole life of message `number`, and a message from a handset with each hundredth.
    async fn live(self, store: &dyn Store, number: u64) {
        let message = self.message(number);
        store.accept(&message).await.expect("it is accepted");
        let fate = Self::fate(number);
        if fate != Fate::Waiting {
            let at = message.accepted_at;
            store.begin(message.id, OWNER, CONNECTION, at + DAY, at).await.expect("its attempt begins");
            self.settle(store, number, fate).await;
        }
        if number % 100 == 50 {
            self.hear(store, number).await;
        }
    }

    async fn settle(self, store: &dyn Store, number: u64, fate: Fate) {
        let (id, at) = (self.id(number), self.failed_at(number));
        let refused = |reason| {
            let details = Some("so they said".to_owned());
            Settlement::Refused { terminal: Terminal::Rejected, reason, details }
        };
        // Beyond what any test waits for.
        let report_until = self.until + 2 * DAY;
        let (settlement, code) = match fate {
            Fate::Refused => (refused(StatusCode::ValidationError), Some(StatusCode::ValidationError)),
            Fate::Busy => (refused(StatusCode::ServiceUnavailable), Some(StatusCode::ServiceUnavailable)),
            Fate::Parked => (Settlement::Unknown { report_until }, None),
            Fate::Expired => (Settlement::Expired { unreached: false }, None),
            _ => {
                let carrier_message_id = Some(Self::carrier_message_id(number));
                (Settlement::Taken { carrier_message_id, report_until }, None)
            }
        };
        let connection = Some(CONNECTION.to_owned());
        let failed = code.map(|code| FailedAttempt { at, code, connection });
        let failed: Vec<FailedAttempt> = failed.into_iter().collect();
        let ended = EndedAttempt { settlement, said: "so they said", failed: &failed };
        let settled = store.settle_attempt(id, OWNER, ended, at, take(at)).await.expect("its attempt ends");
        self.tell(store, settled.callbacks, Fate::Reported, at).await;
        if matches!(fate, Fate::Retrieved | Fate::Reported | Fate::Unreported | Fate::Owed) {
            let to = Self::recipient(number);
            let report = report(&to, Self::carrier(number), Self::carrier_message_id(number), at);
            let reported = store.record_report(report, take(at)).await.expect("the report is kept");
            self.tell(store, reported.callbacks, fate, at).await;
        }
    }

    /// What became of callbacks.
    async fn tell(self, store: &dyn Store, callbacks: Vec<Callback>, fate: Fate, at: Timestamp) {
        for callback in callbacks {
            let said = CallbackAnswer { http_status: Some(500), ..CallbackAnswer::from("HTTP 500") };
            let outcome = match fate {
                Fate::Unreported => CallbackOutcome::Failed { said },
                Fate::Owed => CallbackOutcome::Again { due: self.until + 2 * DAY, said },
                _ => CallbackOutcome::Delivered,
            };
            let settled = store.settle_callback(callback.id, OWNER, outcome, at, take(at)).await;
            settled.expect("the callback is settled");
        }
    }

    /// A message from a handset, which mostly was delivered.
    async fn hear(self, store: &dyn Store, number: u64) {
        let at = self.accepted_at(number);
        let address = |kind, text: &str| KeptAddress { kind, text: text.to_owned() };
        let recipient = KeptRecipient {
            address: address(AddressKind::ShortCode, "111122"),
            list: RecipientList::To,
            display_only: false,
        };
        let mo = NewMo {
            // Behind those of the messages of its millisecond.
            id: Id::from_number(self.id(number).number() + 4096).expect("an id"),
            account: Self::account(number),
            carrier: Self::carrier(number),
            mo: Mo {
                transaction_id: format!("mo-{number}"),
                vasid: "61295".to_owned(),
                sender: address(AddressKind::Number, &Self::recipient(number)),
                recipients: vec![recipient],
                subject: Some(format!("Re: order {number}")),
                priority: None,
                time_stamp: at,
                odd: String::new(),
                parts: Vec::new(),
            },
            media: Vec::new(),
            digest: Digest(u128::from(number).to_be_bytes()),
            linked_id: None,
            content: Digest(u128::from(number).to_le_bytes()),
            repeats_since: at,
            received_at: at,
        };
        let heard = store.accept_mo(mo, take(at)).await.expect("it is accepted");
        let fate = match number / 100 % 10 {
            0 => Fate::Unreported,
            1 => Fate::Owed,
            _ => Fate::Reported,
        };
        self.tell(store, heard.callbacks, fate, at).await;
    }

    /// One refusal for ten messages, as far as they are kept.
    async fn refuse(self, store: &dyn Store) {
        let refusal = |number: u64| RefusedRequest {
            at: self.accepted_at(number * 10),
            account: Some(Self::account(number * 100)),
            code: StatusCode::UnparsableAttachment,
            row: 24,
            check: "TransferEncoding".to_owned(),
            peer: [192, 0, 2, u8::try_from(number % 200).expect("a byte")].into(),
            transaction_id: Some(format!("refused-{number}")),
            recipient_hash: None,
            details: RefusalDetails { bytes: 2048, ..RefusalDetails::default() },
        };
        let most = (self.messages / 10).min(MOST_REFUSALS);
        let all: Vec<NewRefusal> = (0..most)
            .map(|number| NewRefusal { refusal: refusal(number), times: 1, counted: false })
            .collect();
        for some in all.chunks(usize::try_from(REFUSALS_AT_A_TIME).expect("a length")) {
            store.keep_refusals(some).await.expect("they are kept");
        }
    }

    /// One report without a message for a hundred, as far as they are kept; nobody was sent anything at their numbers.
    async fn report_unknown(self, store: &dyn Store) {
        for number in 0..(self.messages / 100).min(MOST_UNMATCHED) {
            let (at, to) = (self.accepted_at(number * 100), format!("1770{:07}", 1_000_000 + number));
            let carrier = CarrierId(BUSY_CARRIER.to_owned());
            let report = report(&to, carrier, format!("unknown-{number}"), at);
            store.record_report(report, None).await.expect("the report is kept");
        }
    }

    /// A change by an operator for a thousand messages.
    async fn audit(self, store: &dyn Store) {
        let ann = Actor::new("ann", Role::Operator, Credential::Configured);
        for number in 0..self.messages / 1000 {
            let at = self.accepted_at(number * 1000);
            let entry = AuditEntry::new(&ann, AuditVerb::Requeue, format!("message {number}"), at);
            store.record_audit(&entry).await.expect("it is kept");
        }
    }
}

const fn owned(until: Timestamp) -> Lease {
    Lease { owner: OWNER, until }
}

fn lease(at: Timestamp) -> Lease {
    owned(at + DAY)
}

/// All callbacks are taken at once.
fn take(at: Timestamp) -> Take {
    Some(Arc::new(lease(at)))
}

fn report(to: &str, carrier: CarrierId, carrier_message_id: String, at: Timestamp) -> CarrierReport {
    CarrierReport {
        carrier,
        carrier_message_id,
        recipient: Msisdn::parse(to, false),
        sender: Some("111122".to_owned()),
        status: MmStatus::Retrieved,
        said: "Retrieved".to_owned(),
        odd: String::new(),
        received_at: at,
    }
}
