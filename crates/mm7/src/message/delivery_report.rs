//! DeliveryReportReq and DeliveryReportRsp (TS 23.140 clause 8.7.4): the relay says what became of an MM.

use jiff::Timestamp;

use super::enumerations::MmStatusExtension;
use super::fields::{Child, ChildFields, Notes, r5, r6};
use super::parts::{APPLICATION, ApplicationIds, REPORTED_MM, ReportedMm, UaCapabilities};
use super::writer::EnvelopeWriter;
use crate::xml::Element;

/// What became of an MM at one recipient. Fields marked R6 are not written in Release 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryReportReq {
    /// Which MM it is about.
    pub mm: ReportedMm,
    /// Date, or TimeStamp as some peers call it; a time without a zone is taken as UTC.
    pub date: Option<Timestamp>,
    /// MMStatus as it came, trimmed, known or not; empty when it was missing. [`MmStatus::from_wire`] maps it.
    ///
    /// [`MmStatus::from_wire`]: crate::MmStatus::from_wire
    pub mm_status: String,
    /// MMStatusExtension (R6).
    pub mm_status_extension: Option<MmStatusExtension>,
    /// StatusText.
    pub status_text: Option<String>,
    /// ApplicID, ReplyApplicID and AuxApplicInfo (R6).
    pub application: ApplicationIds,
    /// UACapabilities (R6).
    pub ua_capabilities: Option<UaCapabilities>,
}

pub(super) const DELIVERY_REPORT_REQ: &[Child] = &[
    r5("MM7Version"),
    REPORTED_MM[0],
    REPORTED_MM[1],
    REPORTED_MM[2],
    REPORTED_MM[3],
    r5("Date").or(&["TimeStamp"]).required(),
    r5("MMStatus").or(&["MMSStatus"]).required(),
    r6("MMStatusExtension"),
    r5("StatusText"),
    APPLICATION[0],
    APPLICATION[1],
    APPLICATION[2],
    r6("UACapabilities"),
];

impl DeliveryReportReq {
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        let fields = ChildFields::of(element, DELIVERY_REPORT_REQ, notes);
        Self {
            mm: ReportedMm::read(&fields, notes),
            date: fields.date("Date", notes),
            mm_status: fields.trimmed("MMStatus").unwrap_or_default(),
            mm_status_extension: fields.enumeration("MMStatusExtension", MmStatusExtension::WIRE, notes),
            status_text: fields.text("StatusText"),
            application: ApplicationIds::read(&fields),
            ua_capabilities: UaCapabilities::read(&fields, notes),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        self.mm.write(writer);
        writer.date("Date", self.date);
        writer.element("MMStatus", &self.mm_status);
        if writer.is_release_6() {
            writer.text("MMStatusExtension", self.mm_status_extension.map(MmStatusExtension::as_str));
        }
        writer.text("StatusText", self.status_text.as_deref());
        self.application.write(writer);
        UaCapabilities::write(self.ua_capabilities.as_ref(), writer);
    }
}
