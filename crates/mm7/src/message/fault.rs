//! SOAP Faults and what stands in their detail (SOAP 1.1 clause 4.4, TS 23.140 clause 8.7.8.3).

use super::fields::Notes;
use super::names::answer_name;
use super::parts::{ErrorRsp, Status};
use super::writer::EnvelopeWriter;
use crate::xml::Element;

/// A SOAP Fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// faultcode.
    pub code: FaultCode,
    /// faultstring.
    pub string: String,
    /// The MM7 error in detail, if there is one.
    pub detail: Option<FaultDetail>,
}

/// faultcode, without its prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// The request is at fault.
    Client,
    /// The server is at fault.
    Server,
    /// The Envelope's namespace is not known.
    VersionMismatch,
    /// A header entry marked mustUnderstand was not understood.
    MustUnderstand,
    /// `Client.TransactionID`: the TransactionID is missing or unusable.
    ClientTransactionId,
    /// Any other, as it came without its prefix.
    Other(String),
}

impl FaultCode {
    /// The code without prefix.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
            Self::VersionMismatch => "VersionMismatch",
            Self::MustUnderstand => "MustUnderstand",
            Self::ClientTransactionId => "Client.TransactionID",
            Self::Other(text) => text,
        }
    }

    /// Reads a faultcode with or without prefix, padded or not.
    pub fn from_wire(text: &str) -> Self {
        let text = text.trim();
        let local = text.rsplit_once(':').map_or(text, |(_, local)| local);
        let known = [
            Self::Client,
            Self::Server,
            Self::VersionMismatch,
            Self::MustUnderstand,
            Self::ClientTransactionId,
        ];
        let found = known.into_iter().find(|code| code.as_str() == local);
        found.unwrap_or_else(|| Self::Other(local.to_owned()))
    }
}

impl FaultCode {
    /// Reads a Value of SOAP 1.2, which calls some of them otherwise.
    fn from_value(text: &str) -> Self {
        match Self::from_wire(text) {
            Self::Other(code) if code == "Sender" => Self::Client,
            Self::Other(code) if code == "Receiver" => Self::Server,
            code => code,
        }
    }
}

/// The MM7 error in a Fault's detail.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultDetail {
    /// From an MMS Relay/Server.
    RsErrorRsp(ErrorRsp),
    /// From a VASP.
    VaspErrorRsp(ErrorRsp),
}

impl FaultDetail {
    /// The status inside.
    pub const fn status(&self) -> &Status {
        match self {
            Self::RsErrorRsp(rsp) | Self::VaspErrorRsp(rsp) => &rsp.status,
        }
    }
}

impl Fault {
    /// The code that peers put at the start of faultstring (`2002 Address Error`), for Faults without detail: four
    /// digits, then the end or no digit.
    ///
    /// ```
    /// use mm7::message::{Fault, FaultCode};
    /// let fault = Fault { code: FaultCode::Client, string: "2002 Address Error".to_owned(), detail: None };
    /// assert_eq!(fault.code_in_string(), Some(2002));
    /// ```
    pub fn code_in_string(&self) -> Option<u32> {
        let text = self.string.trim_start();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        text.get(..digits).filter(|_| digits == 4)?.parse().ok()
    }
}

impl Fault {
    /// Reads the children by local name, since peers write them in SOAP's namespace, in MM7's, or in none.
    pub(crate) fn read(element: Element<'_>, notes: &mut Notes) -> Self {
        // SOAP 1.2 has Code with a Value, Reason with a Text, and Detail.
        let inner = |outer, inner| element.child(outer)?.child(inner).map(|child| child.text());
        let code = match element.child("faultcode") {
            Some(code) => FaultCode::from_wire(&code.text()),
            None => FaultCode::from_value(&inner("Code", "Value").unwrap_or_default()),
        };
        let string = element.child("faultstring").map(|string| string.text());
        let string = string.or_else(|| inner("Reason", "Text")).unwrap_or_default();
        let detail = element.child("detail").or_else(|| element.child("Detail"));
        Self {
            code,
            string: string.into_owned(),
            detail: detail.and_then(|detail| FaultDetail::read(detail, notes)),
        }
    }

    pub(crate) fn write(&self, writer: &mut EnvelopeWriter<'_>) {
        writer.start("soapenv:Fault", &[]);
        let prefix = if matches!(self.code, FaultCode::Other(_)) { "" } else { "soapenv:" };
        writer.element("faultcode", &format!("{prefix}{}", self.code.as_str()));
        writer.element("faultstring", &self.string);
        if let Some(detail) = &self.detail {
            writer.start("detail", &[]);
            let name = match detail {
                FaultDetail::RsErrorRsp(_) => "RSErrorRsp",
                FaultDetail::VaspErrorRsp(_) => "VASPErrorRsp",
            };
            writer.operation(name, |writer| detail.status().write(writer));
            writer.end("detail");
        }
        writer.end("soapenv:Fault");
    }
}

impl FaultDetail {
    /// The error in a detail; a Status without one is taken as the relay's.
    fn read(detail: Element<'_>, notes: &mut Notes) -> Option<Self> {
        let known = |name| detail.children().find(|child| answer_name(child.name()) == Some(name));
        if let Some(element) = known("RSErrorRsp") {
            return Some(Self::RsErrorRsp(ErrorRsp::read(element, notes)));
        }
        if let Some(element) = known("VASPErrorRsp") {
            return Some(Self::VaspErrorRsp(ErrorRsp::read(element, notes)));
        }
        let status = Status::of(detail.child("Status")?, notes);
        Some(Self::RsErrorRsp(ErrorRsp { status }))
    }
}
