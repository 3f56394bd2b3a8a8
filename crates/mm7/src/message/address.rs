//! Addresses of senders and recipients, and what the schema says beside them.

use super::enumerations::AddressCoding;
use crate::types::Address;

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
    /// Whether the address is written as bare text, without its element and attributes. Never set where one was read.
    pub as_text: bool,
}

impl RecipientKind {
    /// The element's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::To => "To",
            Self::Cc => "Cc",
            Self::Bcc => "Bcc",
        }
    }
}
