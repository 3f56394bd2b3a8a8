//! Writes callbacks, in the format that an account takes.

mod mm7;

use ::mm7::{MmStatus, mime::Media};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use posthouse_core::{
    account::Account,
    life::read_reply::ReadStatus,
    message::{Mo, Submission},
    store::Callback,
};

use crate::http::client::HttpReply;

/// A callback as it goes out.
pub(super) struct Encoded {
    /// The headers that the format asks for.
    pub(super) headers: HeaderMap,
    /// The body, in pieces.
    pub(super) body: Vec<Bytes>,
}

/// A format of callbacks.
pub(super) trait Encode {
    /// What became of a message of the VASP.
    ///
    /// # Errors
    /// The format has no word for the status; in words for the timeline.
    fn report(
        &self,
        callback: &Callback,
        status: MmStatus,
        submission: &Submission,
    ) -> Result<Encoded, String>;

    /// Whether a message of the VASP was read.
    fn read_reply(
        &self,
        callback: &Callback,
        status: ReadStatus,
        time_stamp: Timestamp,
        submission: &Submission,
    ) -> Encoded;

    /// A message from a handset, with its media.
    fn message(&self, callback: &Callback, mo: &Mo, media: &[Media]) -> Encoded;

    /// Whether an answer acknowledges the callback.
    ///
    /// # Errors
    /// It does not; what it said instead, in words for the timeline.
    fn acknowledged(&self, callback: &Callback, answer: &HttpReply) -> Result<(), String>;
}

/// The format that an account takes. MM7 is the only one.
pub(super) fn format_of(account: &Account) -> impl Encode {
    mm7::Mm7Encoder::new(account)
}
