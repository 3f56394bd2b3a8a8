//! Which dialect a peer is provisioned with.

use std::{fmt, ops::Deref};

use mm7::Dialect;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::words::by_name;

/// A dialect, as provisioning names it: it is kept, compared and printed by its name. It is the dialect itself: a name that is
/// none is refused where it is read.
///
/// ```
/// use mm7::Dialect;
/// use posthouse_core::provisioning::DialectName;
/// assert_eq!(DialectName::by_name("sinch"), Some(DialectName::new(Dialect::SINCH)));
/// assert_eq!(DialectName::by_name("mblox"), None);
/// assert!(DialectName::new(Dialect::SINCH).smil_required);
/// ```
#[derive(Clone, Copy)]
pub struct DialectName(&'static Dialect);

impl DialectName {
    /// The name of a dialect.
    pub const fn new(dialect: &'static Dialect) -> Self {
        Self(dialect)
    }

    /// The dialect of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Dialect::by_name(name).map(Self)
    }

    /// The dialect itself.
    pub const fn get(self) -> &'static Dialect {
        self.0
    }
}

impl Deref for DialectName {
    type Target = Dialect;

    fn deref(&self) -> &Dialect {
        self.0
    }
}

impl PartialEq for DialectName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for DialectName {}

impl fmt::Debug for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DialectName").field(&self.0.name).finish()
    }
}

impl fmt::Display for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Serialize for DialectName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name)
    }
}

impl<'de> Deserialize<'de> for DialectName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        by_name(from, Self::by_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_as_its_name_and_an_unknown_one_is_no_dialect() {
        for dialect in Dialect::ALL {
            let kept = serde_json::to_string(&DialectName::new(dialect)).unwrap();
            assert_eq!(kept, format!("{:?}", dialect.name));
            assert_eq!(serde_json::from_str::<DialectName>(&kept).unwrap(), DialectName::new(dialect));
        }
        let error = serde_json::from_str::<DialectName>("\"mblox\"").unwrap_err().to_string();
        assert!(error.starts_with("\"mblox\" is not known"), "{error}");
    }
}
