//! The values that the schema lists.

/// How an enumeration is read and spelled.
pub(crate) struct Spelling<T> {
    pub read: fn(&str) -> Option<T>,
    pub spelling: fn(T) -> &'static str,
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

            /// How the value is read and spelled.
            pub(crate) const WIRE: Spelling<Self> = Spelling { read: Self::from_wire, spelling: Self::as_str };
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

    /// MMStatusExtension (Release 6): what rejected the MM.
    MmStatusExtension {
        /// The recipient.
        RejectionByMmsRecipient = "RejectionByMMSRecipient",
        /// Another MMS Relay/Server.
        RejectionByOtherRs = "RejectionByOtherRS",
    }
}
