//! A request to send a message, free of any protocol: what every door makes of what came in by it, and what the checks that hold at any
//! door and the plan look at.

use jiff::Timestamp;
use mm7::{Address, When};

use crate::address::Msisdn;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct SubmitRequest<'r> {
    /// The caller's own id of the request, by which a repetition is known (TransactionID in MM7).
    pub reference: Option<&'r str>,
    /// The service of the account that it is sent as (VASID in MM7).
    pub service: Option<&'r str>,
    /// The address that it is from.
    pub sender: Option<&'r Address>,
    /// The first address that it is sent to. Addresses that are only shown are none.
    pub recipient: Option<&'r Address>,
    /// How many addresses it is sent to.
    pub recipients: usize,
    /// The subject, as it came.
    pub subject: Option<&'r str>,
    /// The class of the message, as MM7's schema spells it.
    pub message_class: Option<&'static str>,
    /// The priority, as MM7's schema spells it.
    pub priority: Option<&'static str>,
    /// The code of the service for billing, as it came.
    pub service_code: Option<&'r str>,
    /// Whether the content may be changed on its way, where the request says so.
    pub allow_adaptations: Option<bool>,
    /// Whether there is any content, or a URL of some.
    pub has_content: bool,
    /// When it was made, by the caller's clock.
    pub time_stamp: Option<Timestamp>,
    /// When it is to be given up; a duration counts from the time stamp.
    pub expiry: Option<When>,
    /// Whether reports are wanted, where the request says so.
    pub delivery_report: Option<bool>,
    /// Whether addresses may have `+` before and `/TYPE=PLMN` behind them.
    pub lenient_addresses: bool,
}

impl SubmitRequest<'_> {
    /// The recipient, if there is exactly one and it is a number.
    pub fn only_recipient(&self) -> Option<Msisdn> {
        let recipient = self.recipient.filter(|_| self.recipients == 1)?;
        Msisdn::parse(recipient.as_str(), self.lenient_addresses)
    }
}
