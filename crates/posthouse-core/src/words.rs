//! Words that stand for values: each enum's stand once, and serve files, the store, plans and the lists in errors.

use serde::{Deserialize, Deserializer, Serializer, de};

/// A value that is one of a few words, in files, in the store and to people.
pub trait OneOfWords: Copy + 'static {
    /// All of them, in the order in which errors list them.
    const ALL: &'static [Self];

    /// Its word.
    fn word(self) -> &'static str;

    /// The value of a word, which has to be written just so.
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.word() == word)
    }
}

/// That a text is none of the words that were expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not known")]
pub struct UnknownWord(pub String);

/// Declares an enum by its words. It is printed, read, kept and listed by them:
///
/// ```ignore
/// words! {
///     /// Whether a shop lets people in.
///     pub enum Shop {
///         /// It does.
///         Open = "open",
///         /// It does not.
///         Closed = "closed",
///     }
/// }
/// ```
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$of_variant:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of_variant])* $variant,)+
        }

        impl $crate::words::OneOfWords for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::words::OneOfWords::word(*self))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let unknown = || $crate::words::UnknownWord(text.to_owned());
                <Self as $crate::words::OneOfWords>::of_word(text).ok_or_else(unknown)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str($crate::words::OneOfWords::word(*self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::words::by_name(from, <Self as $crate::words::OneOfWords>::of_word)
            }
        }
    };
}
pub(crate) use words;

/// Reads a value that is kept as its name. What has no such name is an error, which tells it.
pub(crate) fn by_name<'de, D: Deserializer<'de>, T>(
    from: D,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let name = String::deserialize(from)?;
    read(&name).ok_or_else(|| de::Error::custom(UnknownWord(name)))
}

/// Values that are kept as their names, or not at all.
pub(crate) mod serde_named {
    use super::{Deserialize, Deserializer, Serializer, UnknownWord, de};
    use mm7::{Namespace, Version, dialect::Statuses};

    /// A value of the codec's that has a name.
    pub(crate) trait KeptByName: Copy {
        fn name_of(self) -> String;
        fn of_name(name: &str) -> Option<Self>;
    }

    impl KeptByName for Statuses {
        fn name_of(self) -> String {
            self.name().to_owned()
        }
        fn of_name(name: &str) -> Option<Self> {
            Self::by_name(name)
        }
    }

    impl KeptByName for Namespace {
        fn name_of(self) -> String {
            self.name().to_owned()
        }
        fn of_name(name: &str) -> Option<Self> {
            Self::by_name(name)
        }
    }

    impl KeptByName for Version {
        fn name_of(self) -> String {
            self.to_string()
        }
        fn of_name(name: &str) -> Option<Self> {
            Self::parse(name).ok()
        }
    }

    pub(crate) fn serialize<S: Serializer, T: KeptByName>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_some(&value.name_of()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: KeptByName>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
        T::of_name(&name).map(Some).ok_or_else(|| de::Error::custom(UnknownWord(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    words! {
        /// For the test.
        pub enum Door {
            /// It lets people in.
            Open = "open",
            /// It does not.
            Shut = "shut",
        }
    }

    #[test]
    fn a_word_is_printed_read_and_kept_as_it_is_written_once() {
        assert_eq!(Door::ALL, [Door::Open, Door::Shut]);
        assert_eq!(Door::Open.to_string(), "open");
        assert_eq!("shut".parse(), Ok(Door::Shut));
        assert_eq!("Shut".parse::<Door>(), Err(UnknownWord("Shut".to_owned())));
        assert_eq!(serde_json::to_string(&Door::Open).unwrap(), "\"open\"");
        assert_eq!(serde_json::from_str::<Door>("\"shut\"").unwrap(), Door::Shut);
        let error = serde_json::from_str::<Door>("\"ajar\"").unwrap_err().to_string();
        assert!(error.starts_with("\"ajar\" is not known"), "{error}");
    }
}
