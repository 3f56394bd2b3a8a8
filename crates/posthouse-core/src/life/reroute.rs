//! Where a message that waits may go instead: to another carrier, or over another connection.

use std::fmt;

use super::intervention::LeftAlone;
use crate::{
    carrier::{Carrier, CarrierId},
    message::StoredMessage,
    provisioning::Snapshot,
};

/// Where what is rerouted goes. One of both is given, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RerouteTarget {
    /// To this carrier; `None`: to its own.
    pub carrier: Option<CarrierId>,
    /// Over this connection of the carrier, where it serves; `None`: over whichever serves.
    pub connection: Option<String>,
}

impl RerouteTarget {
    /// Whether a message may go there by what is provisioned. Where it stands in its life is not looked at.
    ///
    /// # Errors
    /// Why it is left alone.
    pub fn judge(&self, message: &StoredMessage, snapshot: &Snapshot) -> Result<(), LeftAlone> {
        let carrier = match &self.carrier {
            Some(carrier) if *carrier == message.carrier && self.connection.is_none() => {
                return Err(LeftAlone::SameCarrier);
            }
            Some(carrier) if *carrier != message.carrier => another(message, carrier, snapshot)?,
            _ => snapshot.carrier(&message.carrier).ok_or(LeftAlone::NotProvisioned)?,
        };
        let serves = |name: &String| carrier.connections.iter().any(|connection| connection.name == *name);
        let has_one = self.connection.as_ref().map_or(!carrier.connections.is_empty(), serves);
        if has_one { Ok(()) } else { Err(LeftAlone::NoConnection) }
    }

    /// The carrier that a message goes to, where it is another one than its own.
    pub fn another_than(&self, own: &CarrierId) -> Option<&CarrierId> {
        self.carrier.as_ref().filter(|carrier| *carrier != own)
    }
}

impl fmt::Display for RerouteTarget {
    /// `carrier 31003`, `connection vzw-2`, or both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.carrier, &self.connection) {
            (Some(carrier), Some(connection)) => write!(f, "carrier {carrier}, connection {connection}"),
            (Some(carrier), None) => write!(f, "carrier {carrier}"),
            (None, Some(connection)) => write!(f, "connection {connection}"),
            (None, None) => f.write_str("nowhere else"),
        }
    }
}

/// A carrier that is not the message's own, where its account reaches that and it takes the content as it is.
fn another<'s>(
    message: &StoredMessage,
    carrier: &CarrierId,
    snapshot: &'s Snapshot,
) -> Result<&'s Carrier, LeftAlone> {
    let submission = &message.submission;
    let carrier = snapshot.carrier(carrier).ok_or(LeftAlone::NotProvisioned)?;
    // What the sandbox has goes nowhere, and nothing else goes there.
    if message.carrier.is_sandbox() || carrier.id.is_sandbox() {
        return Err(LeftAlone::NotReached);
    }
    let account = snapshot.account(&message.account).ok_or(LeftAlone::NotProvisioned)?;
    let service = account.service(Some(&submission.vasid)).ok_or(LeftAlone::NotProvisioned)?;
    if snapshot.is_blacklisted(&submission.recipient, &account.name) {
        return Err(LeftAlone::Blacklisted);
    }
    if service.carriers.as_ref().is_some_and(|carriers| !carriers.contains(&carrier.id)) {
        return Err(LeftAlone::NotReached);
    }
    let bytes: u64 = submission.parts.iter().map(|part| part.bytes).sum();
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_taken = |text: &String| {
        let essence = essence(text);
        // A SMIL is never a matter of what a carrier takes.
        essence == "application/smil" || carrier.takes(&essence)
    };
    let is_taken = submission.parts.iter().all(|part| is_taken(&part.content_type));
    if bytes > carrier.max_message_bytes || !is_taken {
        return Err(LeftAlone::NotTaken);
    }
    Ok(carrier)
}
