//! ReadReplyReq and ReadReplyRsp (TS 23.140 clause 8.7.5): an MM was read, or deleted unread.

use jiff::Timestamp;

use super::fields::{Child, ChildFields, Notes, r5};
use super::parts::{APPLICATION, ApplicationIds, REPORTED_MM, ReportedMm};
use super::writer::EnvelopeWriter;
use crate::xml::Element;

/// What a recipient did with an MM. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadReplyReq {
    /// Which MM it is about.
    pub mm: ReportedMm,
    /// TimeStamp, or Date as in reports; a time without a zone is taken as UTC.
    pub time_stamp: Option<Timestamp>,
    /// MMStatus as it came, trimmed: `Read`, `Deleted` or `Indeterminate`; empty when it was missing.
    pub mm_status: String,
    /// StatusText.
    pub status_text: Option<String>,
    /// ApplicID, ReplyApplicID and AuxApplicInfo (R6).
    pub application: ApplicationIds,
}

pub(super) const READ_REPLY_REQ: &[Child] = &[
    r5("MM7Version"),
    REPORTED_MM[0],
    REPORTED_MM[1],
    REPORTED_MM[2],
    REPORTED_MM[3],
    r5("TimeStamp").or(&["Date"]).required(),
    r5("MMStatus").or(&["MMSStatus"]).required(),
    r5("StatusText"),
    APPLICATION[0],
    APPLICATION[1],
    APPLICATION[2],
];

impl ReadReplyReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, READ_REPLY_REQ, notes);
        Self {
            mm: ReportedMm::read(&fields, notes),
            time_stamp: fields.date("TimeStamp", notes),
            mm_status: fields.trimmed("MMStatus").unwrap_or_default(),
            status_text: fields.text("StatusText"),
            application: ApplicationIds::read(&fields),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.mm.write(writer);
        writer.date("TimeStamp", self.time_stamp);
        writer.element("MMStatus", &self.mm_status);
        writer.text("StatusText", self.status_text.as_deref());
        self.application.write(writer);
    }
}
