//! What several operations have in common: addresses, Status, Content, and the enumerations.

use crate::status::StatusCode;
use crate::time::When;
use crate::types::Address;

/// Status of a response (Annex L `responseStatusType`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// StatusCode as it came, which may be a number that no table knows; 0 when it could not be read.
    pub code: u32,
    /// StatusText; empty when it was missing.
    pub text: String,
    /// Details, without its markup.
    pub details: Option<String>,
}

impl From<StatusCode> for Status {
    /// The row of the table, word for word.
    fn from(code: StatusCode) -> Self {
        Self {
            code: u32::from(code.code()),
            text: code.text().to_owned(),
            details: code.details().map(str::to_owned),
        }
    }
}

/// Which of To, Cc and Bcc.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RecipientKind {
    /// `To`.
    #[default]
    To,
    /// `Cc`.
    Cc,
    /// `Bcc`.
    Bcc,
}

/// One address in Recipients, in the order of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Where it stands.
    pub kind: RecipientKind,
    /// The address.
    pub address: Address,
    /// `displayOnly`: shown to the others, but not sent to.
    pub display_only: bool,
    /// `addressCoding` (Release 6).
    pub coding: Option<AddressCoding>,
    /// `id` (Release 6).
    pub id: Option<String>,
}

impl Recipient {
    /// A plain `To`.
    pub const fn to(address: Address) -> Self {
        Self { kind: RecipientKind::To, address, display_only: false, coding: None, id: None }
    }
}

/// The attributes of an address that stands alone; the defaults are not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressAttributes {
    /// `displayOnly`.
    pub display_only: bool,
    /// `addressCoding` (Release 6).
    pub coding: Option<AddressCoding>,
    /// `id` (Release 6).
    pub id: Option<String>,
}

/// The Content element: which part of the multipart is the MM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// `href` as it came, trimmed: `cid:…`, or a URL.
    pub href: Option<String>,
    /// `allowAdaptations`; the schema's default is true.
    pub allow_adaptations: Option<bool>,
}

/// The ReplyCharging element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyCharging {
    /// `replyChargingSize`, in bytes.
    pub size: Option<u64>,
    /// `replyDeadline`.
    pub deadline: Option<When>,
}

/// The UACapabilities element (Release 6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UaCapabilities {
    /// `UAProf`: the handset's profile.
    pub ua_prof: Option<String>,
    /// `TimeStamp`: when the profile was current.
    pub time_stamp: Option<When>,
}

macro_rules! enumerations {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The schema's spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the value in any case, padded or not.
            pub fn from_wire(text: &str) -> Option<Self> {
                let text = text.trim();
                Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(text))
            }
        }
    )*};
}

enumerations! {
    /// MessageClass.
    MessageClass {
        /// Between persons.
        Personal = "Personal",
        /// Information.
        Informational = "Informational",
        /// Advertising.
        Advertisement = "Advertisement",
        /// Made by a machine.
        Auto = "Auto",
    }

    /// Priority.
    Priority {
        /// The default of handsets.
        Normal = "Normal",
        /// Urgent.
        High = "High",
        /// Not urgent.
        Low = "Low",
    }

    /// `addressCoding` (Release 6).
    AddressCoding {
        /// The address is encrypted.
        Encrypted = "encrypted",
        /// The address is obfuscated.
        Obfuscated = "obfuscated",
    }

    /// ContentClass (Release 6).
    ContentClass {
        /// Text only.
        Text = "text",
        /// Small images.
        ImageBasic = "image-basic",
        /// Larger images.
        ImageRich = "image-rich",
        /// Small video.
        VideoBasic = "video-basic",
        /// Larger video.
        VideoRich = "video-rich",
        /// Photographs.
        Megapixel = "megapixel",
        /// Any small content.
        ContentBasic = "content-basic",
        /// Any larger content.
        ContentRich = "content-rich",
    }

    /// MMStatusExtension (Release 6): who rejected.
    MmStatusExtension {
        /// The recipient.
        RejectionByMmsRecipient = "RejectionByMMSRecipient",
        /// Another MMS Relay/Server.
        RejectionByOtherRs = "RejectionByOtherRS",
    }
}

/// ChargedParty: who pays.
///
/// An element with a value that is none of these is kept as it came, so that it can be told that it was there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ChargedParty {
    /// The sender.
    Sender,
    /// The recipient.
    Recipient,
    /// Sender and recipient.
    Both,
    /// Nobody.
    Neither,
    /// ChargedPartyID (Release 6; not written in Release 5).
    ThirdParty,
    /// Anything else, trimmed; not written.
    Other(String),
}

impl ChargedParty {
    /// The schema's spelling, or what came.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sender => "Sender",
            Self::Recipient => "Recipient",
            Self::Both => "Both",
            Self::Neither => "Neither",
            Self::ThirdParty => "ThirdParty",
            Self::Other(text) => text,
        }
    }

    /// Reads the value in any case, padded or not.
    pub fn from_wire(text: &str) -> Self {
        let text = text.trim();
        let known = [Self::Sender, Self::Recipient, Self::Both, Self::Neither, Self::ThirdParty];
        let found = known.into_iter().find(|party| party.as_str().eq_ignore_ascii_case(text));
        found.unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}
