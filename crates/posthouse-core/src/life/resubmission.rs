//! What has ended is sent again as a new message: with a MessageID of its own, judged anew by what is provisioned now. The ended one stays
//! as it ended.

use jiff::Timestamp;

use super::{intervention::LeftAlone, load::Subject};
use crate::{
    Id,
    carrier::Carrier,
    message::{
        DEFAULT_EXPIRY, Digest, FirstAttempt, NextConnection, Resubmission, StoredMessage, Submission,
    },
    provisioning::Snapshot,
    store::NewMessage,
    time::after,
};

/// How a message is sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resubmit {
    /// Over which connection its first attempt goes.
    pub via: Option<String>,
    /// Whether its VASP gets reports on it.
    pub reports: bool,
}

/// Whether a message, as it stands when the new one is to be accepted, is sent again.
///
/// # Errors
/// Why it is left alone.
pub fn judge(subject: Option<&Subject>) -> Result<(), LeftAlone> {
    match subject {
        None => Err(LeftAlone::Unknown),
        Some(subject) if !subject.state.is_terminal() => Err(LeftAlone::NotEnded),
        Some(_) => Ok(()),
    }
}

/// One was sent again before, as `first` and by the operation `by`, if it was one; now an `operation` wants it, or somebody by hand. An
/// operation that goes on after a crash asks for what it has done: that is its own.
///
/// # Errors
/// That it was sent again before, by somebody else.
pub fn repeated(first: Id, by: Option<i64>, operation: Option<Id>) -> Result<Id, LeftAlone> {
    match operation {
        Some(operation) if by == Some(operation.number()) => Ok(first),
        _ => Err(LeftAlone::Resubmitted),
    }
}

/// The new message for one that has ended, without its media.
///
/// # Errors
/// Why it is left alone.
pub fn plan(
    ended: &StoredMessage,
    how: &Resubmit,
    snapshot: &Snapshot,
    (id, by): (Id, &str),
    now: Timestamp,
) -> Result<NewMessage, LeftAlone> {
    if !ended.state.is_terminal() {
        return Err(LeftAlone::NotEnded);
    }
    let old = &ended.submission;
    let carrier = reach(ended, snapshot)?;
    if let Some(via) = &how.via
        && !carrier.connections.iter().any(|connection| connection.name == *via)
    {
        return Err(LeftAlone::NoConnection);
    }
    let lived = std::time::Duration::try_from(old.expiry.duration_since(old.time_stamp)).ok();
    let lives = lived.filter(|lived| !lived.is_zero()).unwrap_or(DEFAULT_EXPIRY);
    let mut notes = old.notes.clone();
    notes.push(format!("resubmitted by {by}: {} ended as {}", ended.id, ended.state.as_str()));
    let submission = Submission {
        time_stamp: now,
        expiry: after(now, lives),
        notes,
        resubmission: Some(Resubmission { of: ended.id.number(), reports: how.reports }),
        via: how.via.clone().map(|connection| NextConnection { connection, attempts: 0 }),
        ..old.clone()
    };
    Ok(NewMessage {
        id,
        account: ended.account.clone(),
        carrier: ended.carrier.clone(),
        submission,
        media: Vec::new(),
        // No request has it.
        digest: digest(id),
        repeats_since: None,
        accepted_at: now,
        first_attempt: FirstAttempt::Due,
    })
}

/// The carrier of a message, where its account may still reach it.
fn reach<'s>(message: &StoredMessage, snapshot: &'s Snapshot) -> Result<&'s Carrier, LeftAlone> {
    let submission = &message.submission;
    let account = snapshot.account(&message.account).ok_or(LeftAlone::NotProvisioned)?;
    let service = account.service(Some(&submission.vasid)).ok_or(LeftAlone::NotProvisioned)?;
    if snapshot.is_blacklisted(&submission.recipient, &account.name) {
        return Err(LeftAlone::Blacklisted);
    }
    let carrier = snapshot.carrier(&message.carrier).ok_or(LeftAlone::NotProvisioned)?;
    if service.carriers.as_ref().is_some_and(|carriers| !carriers.contains(&carrier.id)) {
        return Err(LeftAlone::NotReached);
    }
    if carrier.connections.is_empty() {
        return Err(LeftAlone::NoConnection);
    }
    Ok(carrier)
}

fn digest(id: Id) -> Digest {
    let mut digest = [0; 16];
    if let Some(end) = digest.get_mut(8..) {
        end.copy_from_slice(&id.number().to_be_bytes());
    }
    Digest(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{
        load::WorkKind,
        sample::{id, subject},
        state::{State, Terminal},
    };

    #[test]
    fn what_has_ended_is_sent_again_once() {
        let judged = |state| judge(Some(&subject(state, WorkKind::Report)));
        assert_eq!(judge(None), Err(LeftAlone::Unknown));
        assert_eq!(judged(State::Forwarded), Err(LeftAlone::NotEnded));
        assert_eq!(judged(State::Ended(Terminal::Expired)), Ok(()));
        for (by, operation, expected) in [
            (None, None, Err(LeftAlone::Resubmitted)),
            (Some(5), None, Err(LeftAlone::Resubmitted)),
            (None, Some(id(5)), Err(LeftAlone::Resubmitted)),
            (Some(4), Some(id(5)), Err(LeftAlone::Resubmitted)),
            (Some(5), Some(id(5)), Ok(id(9))),
        ] {
            assert_eq!(repeated(id(9), by, operation), expected, "{by:?} {operation:?}");
        }
    }
}
