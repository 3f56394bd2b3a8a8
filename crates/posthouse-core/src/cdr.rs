//! Records of what ended (CDR): one line of JSON for each message, for those who bill by them.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    address::Msisdn,
    message::{AddressKind, KeptAddress, StoredMessage, StoredPart},
    store::{PendingRecord, RecordSubject, StoredMo},
};

/// The version of the records' form. It changes when a field changes its meaning or goes; new fields may come without.
pub const CDR_VERSION: u32 = 1;

/// How numbers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CdrNumbers {
    /// As they are.
    #[default]
    Whole,
    /// With their middle hidden, as in logs.
    Masked,
}

/// A record. What is not known, or does not apply, is `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CdrRecord {
    /// [`CDR_VERSION`].
    pub version: u32,
    /// `message`: one that a VASP sent; `mo`: one from a handset; `gone`: one that retention took before its record was written.
    pub kind: &'static str,
    /// Its MessageID; of one from a handset its LinkedID.
    pub message_id: String,
    /// The TransactionID of whoever sent it.
    pub transaction_id: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The service.
    pub vasid: Option<String>,
    /// Sender.
    pub from: Option<String>,
    /// Recipient; of one from a handset the first.
    pub to: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
    /// Over which connection its last attempt went.
    pub connection: Option<String>,
    /// The MessageID, or LinkedID, that the carrier gave it.
    pub carrier_message_id: Option<String>,
    /// Why it was refused: a status code.
    pub code: Option<u16>,
    /// How it ended; of one from a handset `Received`.
    pub state: Option<&'static str>,
    /// How many bytes of media it had.
    pub bytes: Option<u64>,
    /// In how many parts.
    pub parts: Option<usize>,
    /// When it was accepted.
    pub accepted: Option<Timestamp>,
    /// When a carrier took it.
    pub forwarded: Option<Timestamp>,
    /// When it ended.
    pub ended: Timestamp,
    /// How many attempts were begun.
    pub attempts: Option<u32>,
    /// The MessageID of the one that it was sent again for.
    pub resubmit_of: Option<String>,
    /// The number of the node on which it ended.
    pub node: u8,
}

impl CdrNumbers {
    fn number(self, number: &Msisdn) -> String {
        match self {
            Self::Whole => number.as_str().to_owned(),
            Self::Masked => number.to_string(),
        }
    }

    /// Short codes and names of hosts are nobody's number.
    fn address(self, kind: AddressKind, text: &str) -> String {
        match (self, kind) {
            (Self::Whole, _) | (_, AddressKind::ShortCode) => text.to_owned(),
            (Self::Masked, AddressKind::Number) => {
                Msisdn::parse(text, true).map_or_else(|| "•••".to_owned(), |number| number.to_string())
            }
            (Self::Masked, AddressKind::Rfc2822Address) => match text.rsplit_once('@') {
                Some((_, host)) => format!("•••@{host}"),
                None => "•••".to_owned(),
            },
        }
    }

    fn kept(self, address: &KeptAddress) -> String {
        self.address(address.kind, &address.text)
    }
}

fn bytes(parts: &[StoredPart]) -> u64 {
    parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
}

impl CdrRecord {
    /// The record of what ended, with numbers written like this.
    pub fn new(pending: &PendingRecord, numbers: CdrNumbers) -> Self {
        match &pending.subject {
            RecordSubject::Message { message, connection, forwarded_at } => {
                let record = Self::of_message(pending, message, numbers);
                Self { connection: connection.clone(), forwarded: *forwarded_at, ..record }
            }
            RecordSubject::Mo(mo) => Self::of_mo(pending, mo, numbers),
            RecordSubject::Gone => Self::bare(pending, "gone"),
        }
    }

    fn bare(pending: &PendingRecord, kind: &'static str) -> Self {
        Self {
            version: CDR_VERSION,
            kind,
            message_id: pending.id.to_string(),
            transaction_id: None,
            account: None,
            vasid: None,
            from: None,
            to: None,
            carrier: None,
            connection: None,
            carrier_message_id: None,
            code: None,
            state: None,
            bytes: None,
            parts: None,
            accepted: None,
            forwarded: None,
            ended: pending.at,
            attempts: None,
            resubmit_of: None,
            node: pending.node,
        }
    }

    fn of_message(pending: &PendingRecord, message: &StoredMessage, numbers: CdrNumbers) -> Self {
        let submission = &message.submission;
        Self {
            transaction_id: Some(submission.transaction_id.clone()),
            account: Some(message.account.0.clone()),
            vasid: Some(submission.vasid.clone()),
            from: Some(numbers.address(submission.sender_kind, &submission.sender)),
            to: Some(numbers.number(&submission.recipient)),
            carrier: Some(message.carrier.0.clone()),
            carrier_message_id: message.carrier_message_id.clone(),
            code: message.reason.map(|reason| reason.0.code()),
            state: Some(message.state.as_str()),
            bytes: Some(bytes(&submission.parts)),
            parts: Some(submission.parts.len()),
            accepted: Some(message.accepted_at),
            attempts: Some(message.attempts),
            resubmit_of: submission.resubmission.map(|resubmission| resubmission.of.to_string()),
            ..Self::bare(pending, "message")
        }
    }

    fn of_mo(pending: &PendingRecord, stored: &StoredMo, numbers: CdrNumbers) -> Self {
        let mo = &stored.mo;
        Self {
            transaction_id: Some(mo.transaction_id.clone()),
            account: Some(stored.account.0.clone()),
            vasid: Some(mo.vasid.clone()),
            from: Some(numbers.kept(&mo.sender)),
            to: mo.recipients.first().map(|recipient| numbers.kept(&recipient.address)),
            carrier: Some(stored.carrier.0.clone()),
            carrier_message_id: stored.linked_id.clone(),
            state: Some("Received"),
            bytes: Some(bytes(&mo.parts)),
            parts: Some(mo.parts.len()),
            accepted: Some(stored.received_at),
            ..Self::bare(pending, "mo")
        }
    }
}

#[cfg(test)]
mod tests {
    use mm7::StatusCode;

    use super::*;
    use crate::{
        Id,
        account::AccountName,
        carrier::CarrierId,
        life::state::{State, Terminal},
        message::{KeptRecipient, Mo, Reason, RecipientList, Resubmission, Submission},
        store::MoOutcome,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn id(number: i64) -> Id {
        Id::from_number(number).unwrap()
    }

    fn part(bytes: u64) -> StoredPart {
        StoredPart {
            content_type: "image/jpeg".into(),
            content_id: None,
            content_location: None,
            name: None,
            bytes,
        }
    }

    fn message() -> StoredMessage {
        StoredMessage {
            id: id(77),
            account: AccountName("acme".into()),
            carrier: CarrierId("31003".into()),
            submission: Submission {
                transaction_id: "order-1".into(),
                vasid: "61295".into(),
                sender_kind: AddressKind::ShortCode,
                sender: "111122".into(),
                recipient: Msisdn::parse("16175550100", false).unwrap(),
                subject: Some("not in a record".into()),
                message_class: None,
                priority: None,
                service_code: None,
                allow_adaptations: None,
                time_stamp: at(0),
                expiry: at(9),
                delivery_report: true,
                namespace: String::new(),
                version: String::new(),
                notes: Vec::new(),
                parts: vec![part(1000), part(24)],
                resubmission: Some(Resubmission { of: 66, reports: false }),
                via: None,
            },
            state: State::Ended(Terminal::Rejected),
            reason: Some(Reason(StatusCode::ServiceDenied)),
            details: None,
            carrier_message_id: Some("c-1".into()),
            attempts: 2,
            accepted_at: at(0),
            changed_at: at(5),
        }
    }

    fn ended() -> PendingRecord {
        PendingRecord {
            id: id(77),
            node: 3,
            at: at(5),
            subject: RecordSubject::Message {
                message: Box::new(message()),
                connection: Some("vzw-1".into()),
                forwarded_at: Some(at(2)),
            },
        }
    }

    #[test]
    fn a_message_that_ended_is_a_line_with_every_field() {
        let line = serde_json::to_string(&CdrRecord::new(&ended(), CdrNumbers::Whole)).unwrap();
        let expected = concat!(
            r#"{"version":1,"kind":"message","message_id":"77","transaction_id":"order-1","account":"acme","vasid":"61295","#,
            r#""from":"111122","to":"16175550100","carrier":"31003","connection":"vzw-1","carrier_message_id":"c-1","code":4007,"#,
            r#""state":"Rejected","bytes":1024,"parts":2,"accepted":"2026-09-21T14:13:20Z","forwarded":"2026-09-21T14:13:22Z","#,
            r#""ended":"2026-09-21T14:13:25Z","attempts":2,"resubmit_of":"66","node":3}"#
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn numbers_are_masked_where_that_is_asked_for() {
        let record = CdrRecord::new(&ended(), CdrNumbers::Masked);
        assert_eq!((record.from.as_deref(), record.to.as_deref()), (Some("111122"), Some("+1617•••0100")));
        let masked = |kind, text| CdrNumbers::Masked.address(kind, text);
        assert_eq!(masked(AddressKind::Number, "+16175550101"), "+1617•••0101");
        assert_eq!(masked(AddressKind::Number, "who knows"), "•••");
        assert_eq!(masked(AddressKind::Rfc2822Address, "16175550101@mms.example"), "•••@mms.example");
    }

    #[test]
    fn a_message_from_a_handset_has_a_record_of_its_own_kind() {
        let address = |kind, text: &str| KeptAddress { kind, text: text.into() };
        let stored = StoredMo {
            id: id(78),
            account: AccountName("acme".into()),
            carrier: CarrierId("31003".into()),
            mo: Mo {
                transaction_id: "c-t".into(),
                vasid: "61295".into(),
                sender: address(AddressKind::Number, "16175550100"),
                recipients: vec![KeptRecipient {
                    address: address(AddressKind::ShortCode, "111122"),
                    list: RecipientList::To,
                    display_only: false,
                }],
                subject: None,
                priority: None,
                time_stamp: at(1),
                odd: String::new(),
                parts: vec![part(7)],
            },
            linked_id: Some("link".into()),
            received_at: at(1),
            ended_at: None,
            outcome: MoOutcome::Settled,
        };
        let pending =
            PendingRecord { id: id(78), node: 0, at: at(1), subject: RecordSubject::Mo(Box::new(stored)) };
        let record = CdrRecord::new(&pending, CdrNumbers::Whole);
        assert_eq!((record.kind, record.state), ("mo", Some("Received")));
        assert_eq!((record.from.as_deref(), record.to.as_deref()), (Some("16175550100"), Some("111122")));
        assert_eq!((record.bytes, record.parts, record.attempts), (Some(7), Some(1), None));
        assert_eq!(record.carrier_message_id.as_deref(), Some("link"));
    }

    #[test]
    fn what_is_gone_is_told_by_its_id() {
        let pending = PendingRecord { subject: RecordSubject::Gone, ..ended() };
        let record = CdrRecord::new(&pending, CdrNumbers::Whole);
        assert_eq!((record.kind, record.message_id.as_str(), record.ended), ("gone", "77", at(5)));
        assert_eq!((record.account, record.state), (None, None));
    }
}
