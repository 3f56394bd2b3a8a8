//! Which steps must not pass each other unseen: what one of them writes, another has to find, or the other way round.
//!
//! Reports are matched by the carrier's MessageID, or else by its recipient. So are the steps that make a message known by one, and those
//! that say what it is about.

use super::{attempt, load::Subject, read_reply::CarrierReadReply};
use crate::{carrier::CarrierId, message::CarrierReport, store::Settlement};

/// What steps meet in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope<'a> {
    /// A MessageID of a carrier.
    CarriersId(&'a CarrierId, &'a str),
    /// A recipient, by a carrier: a report without a MessageID that is known may be about any message to it.
    Recipient(&'a CarrierId, &'a str),
}

/// The scopes of the end of an attempt or a wait, sorted.
pub fn of_settle<'a>(subject: &'a Subject, settlement: &'a Settlement) -> Vec<Scope<'a>> {
    let known = subject.carrier_message_id.as_deref();
    scopes(&subject.carrier, known.or(attempt::learned(settlement)), Some(&subject.recipient))
}

/// The scopes of an attempt that begins: a message that is being sent is in the way of reports that name its recipient only.
pub fn of_begin(subject: &Subject) -> Vec<Scope<'_>> {
    scopes(&subject.carrier, None, Some(&subject.recipient))
}

/// The scopes of a report, sorted: all messages to its recipient, where it names sender and recipient.
pub fn of_report(report: &CarrierReport) -> Vec<Scope<'_>> {
    let recipient = report.recipient.as_ref().filter(|_| report.sender.is_some());
    scopes(&report.carrier, Some(&report.carrier_message_id), recipient.map(|recipient| recipient.as_str()))
}

/// The scope of a read reply, which is matched by the MessageID alone.
pub fn of_read_reply(reply: &CarrierReadReply) -> Vec<Scope<'_>> {
    scopes(&reply.carrier, Some(&reply.carrier_message_id), None)
}

fn scopes<'a>(carrier: &'a CarrierId, id: Option<&'a str>, recipient: Option<&'a str>) -> Vec<Scope<'a>> {
    let id = id.filter(|id| !id.is_empty()).map(|id| Scope::CarriersId(carrier, id));
    id.into_iter().chain(recipient.map(|recipient| Scope::Recipient(carrier, recipient))).collect()
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::{
        load::WorkKind,
        read_reply::ReadStatus,
        sample::{at, read_reply, report, subject},
        state::State,
    };

    fn shown(scopes: &[Scope<'_>]) -> Vec<String> {
        assert!(scopes.is_sorted(), "{scopes:?}");
        let show = |scope: &Scope<'_>| match scope {
            Scope::CarriersId(carrier, id) => format!("{} {id}", carrier.0),
            Scope::Recipient(carrier, recipient) => format!("{} to {recipient}", carrier.0),
        };
        scopes.iter().map(show).collect()
    }

    #[test]
    fn steps_that_may_be_about_one_message_meet() {
        let sending = subject(State::Sending, WorkKind::Sending);
        let known = Subject { carrier_message_id: Some("c-1".to_owned()), ..sending.clone() };
        let taken =
            |id: &str| Settlement::Taken { carrier_message_id: Some(id.to_owned()), report_until: at(1) };
        let unknown = Settlement::Unknown { report_until: at(1) };
        let (by_id, by_address) = ("31003 c-1".to_owned(), "31003 to 16175550100".to_owned());
        let both = vec![by_id.clone(), by_address.clone()];
        assert_eq!(shown(&of_settle(&sending, &taken("c-1"))), both);
        assert_eq!(shown(&of_settle(&known, &unknown)), both);
        assert_eq!(shown(&of_settle(&sending, &unknown)), std::slice::from_ref(&by_address));
        assert_eq!(shown(&of_settle(&sending, &taken(""))), std::slice::from_ref(&by_address));
        assert_eq!(shown(&of_begin(&sending)), std::slice::from_ref(&by_address));
        assert_eq!(shown(&of_report(&report("c-1", MmStatus::Retrieved))), both);
        assert_eq!(shown(&of_report(&report("", MmStatus::Retrieved))), [by_address]);
        let without_sender = CarrierReport { sender: None, ..report("c-1", MmStatus::Retrieved) };
        assert_eq!(shown(&of_report(&without_sender)), std::slice::from_ref(&by_id));
        assert_eq!(shown(&of_read_reply(&read_reply("c-1", ReadStatus::Read))), [by_id]);
    }
}
