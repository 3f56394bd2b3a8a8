//! Newtypes for what travels inside MM7 messages: a wire value is unusable until it has been checked.

use std::fmt;

/// Why a text is no value of the type asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Nothing was left after trimming white space.
    #[error("the value is empty")]
    Empty,
    /// More bytes than [`MAX_IDENTIFIER_BYTES`].
    #[error("the value is longer than {MAX_IDENTIFIER_BYTES} bytes")]
    TooLong,
    /// Not of the form that the type asks for.
    #[error("the value is not {expected}")]
    Malformed {
        /// What a good value looks like.
        expected: &'static str,
    },
}

/// The longest identifier (TransactionID, MessageID, VASPID …) that is taken, in bytes.
pub const MAX_IDENTIFIER_BYTES: usize = 512;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Takes the value without surrounding white space, which peers pad it with.
            ///
            /// # Errors
            /// [`ValueError::Empty`] and [`ValueError::TooLong`].
            pub fn new(value: &str) -> Result<Self, ValueError> {
                let value = value.trim();
                if value.is_empty() {
                    return Err(ValueError::Empty);
                }
                if value.len() > MAX_IDENTIFIER_BYTES {
                    return Err(ValueError::TooLong);
                }
                Ok(Self(value.to_owned()))
            }

            /// The value as it goes on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

identifiers! {
    /// TransactionID of the SOAP header: ties an answer to its request (TS 23.140 clause 8.7.8.1).
    TransactionId;
    /// MessageID (or LinkedID): names a message at the MMS Relay/Server.
    MessageId;
    /// VASPID: identifies the VASP.
    VaspId;
    /// VASID: which service of the VASP.
    VasId;
}

/// MM7Version: the version of TS 23.140 that the sender follows, as `x.y.z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// The 3GPP release: 5 or 6.
    pub major: u8,
    /// The technical version.
    pub minor: u8,
    /// The editorial version.
    pub patch: u8,
}

impl Version {
    /// 6.8.0, what this crate writes when nothing else was asked for.
    pub const V6_8_0: Self = Self { major: 6, minor: 8, patch: 0 };
    /// 5.3.0, the commonest Release 5 version.
    pub const V5_3_0: Self = Self { major: 5, minor: 3, patch: 0 };

    /// Reads `x.y.z`, padded or not.
    ///
    /// # Errors
    /// [`ValueError::Malformed`] for anything but three decimal numbers below 256.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let malformed = ValueError::Malformed { expected: "a version of the form x.y.z" };
        let number = |part: Option<&str>| {
            let part = part.filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
            part.and_then(|part| part.parse().ok())
        };
        let mut parts = text.trim().split('.');
        match (number(parts.next()), number(parts.next()), number(parts.next()), parts.next()) {
            (Some(major), Some(minor), Some(patch), None) => Ok(Self { major, minor, patch }),
            _ => Err(malformed),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// An address in one of the three forms of TS 23.140 (clause 8.7.3, Annex L `addressType`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A telephone number, as it came (it may carry `+` and `/TYPE=PLMN`).
    Number(String),
    /// A short code.
    ShortCode(String),
    /// A mail address.
    Rfc2822Address(String),
}

impl Address {
    /// The text inside, whatever its form.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(text) | Self::ShortCode(text) | Self::Rfc2822Address(text) => text,
        }
    }
}
