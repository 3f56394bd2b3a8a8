//! The MM7 namespaces: one for each edition of the schema (TS 23.140 Annex L), with the MM7Version values that
//! the edition lists.

use crate::types::Version;

/// What every MM7 namespace begins with.
const BASE: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/";

/// The namespace of SOAP 1.1 envelopes.
pub(crate) const SOAP_1_1: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of SOAP 1.2 envelopes.
pub(crate) const SOAP_1_2: &str = "http://www.w3.org/2003/05/soap-envelope";
/// What the examples of TS 23.140 Release 5 print where SOAP 1.1's namespace is meant.
pub(crate) const SOAP_AS_PRINTED: &str = "http://schemas.xmlsoap.org/soap/soap-envelope";

/// An MM7 namespace that exists.
///
/// ```
/// use mm7::Namespace;
/// let latest = Namespace::Rel6(4);
/// assert!(latest.uri().ends_with("/REL-6-MM7-1-4"));
/// assert_eq!(Namespace::from_uri(latest.uri()), Some(latest));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Namespace {
    /// `REL-5-MM7-1-0` to `REL-5-MM7-1-5`; a higher number counts as 5.
    Rel5(u8),
    /// `REL-6-MM7-1-0` to `REL-6-MM7-1-4`; a higher number counts as 4.
    Rel6(u8),
}

/// One row of the table of namespaces.
struct Edition {
    namespace: Namespace,
    /// What follows [`BASE`].
    name: &'static str,
    uri: &'static str,
    default_version: Version,
}

macro_rules! editions {
    ($($kind:ident($number:literal) $name:literal, $major:literal . $minor:literal . $patch:literal;)*) => {
        static EDITIONS: [Edition; 11] = [$(Edition {
            namespace: Namespace::$kind($number),
            name: $name,
            uri: concat!("http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/", $name),
            default_version: Version { major: $major, minor: $minor, patch: $patch },
        },)*];
    };
}

editions! {
    Rel5(0) "REL-5-MM7-1-0", 5 . 3 . 0;
    Rel5(1) "REL-5-MM7-1-1", 5 . 4 . 0;
    Rel5(2) "REL-5-MM7-1-2", 5 . 3 . 0;
    Rel5(3) "REL-5-MM7-1-3", 5 . 6 . 0;
    Rel5(4) "REL-5-MM7-1-4", 5 . 8 . 0;
    Rel5(5) "REL-5-MM7-1-5", 5 . 11 . 0;
    Rel6(0) "REL-6-MM7-1-0", 6 . 3 . 0;
    Rel6(1) "REL-6-MM7-1-1", 6 . 4 . 0;
    Rel6(2) "REL-6-MM7-1-2", 6 . 5 . 0;
    Rel6(3) "REL-6-MM7-1-3", 6 . 6 . 0;
    Rel6(4) "REL-6-MM7-1-4", 6 . 8 . 0;
}

impl Namespace {
    /// REL-6-MM7-1-4: the last edition, and what is written when nothing else was asked for.
    pub const LATEST: Self = Self::Rel6(4);

    /// Every namespace, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        EDITIONS.iter().map(|edition| edition.namespace)
    }

    /// The row; every namespace has one, since a number that is too high counts as the highest.
    fn edition(self) -> &'static Edition {
        let namespace = match self {
            Self::Rel5(number) => Self::Rel5(number.min(5)),
            Self::Rel6(number) => Self::Rel6(number.min(4)),
        };
        EDITIONS.iter().find(|edition| edition.namespace == namespace).unwrap_or(&EDITIONS[10])
    }

    /// The namespace name as it stands in `xmlns`.
    pub fn uri(self) -> &'static str {
        self.edition().uri
    }

    /// The namespace with exactly this name.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::by_name(uri.strip_prefix(BASE)?)
    }

    /// What stands behind the last slash of its name: `REL-6-MM7-1-4`.
    pub fn name(self) -> &'static str {
        self.edition().name
    }

    /// The namespace of such a short name.
    pub fn by_name(name: &str) -> Option<Self> {
        EDITIONS.iter().find(|edition| edition.name == name).map(|edition| edition.namespace)
    }

    /// The release of TS 23.140: 5 or 6.
    pub const fn release(self) -> u8 {
        match self {
            Self::Rel5(_) => 5,
            Self::Rel6(_) => 6,
        }
    }

    /// The MM7Version that goes with the namespace when nothing else was asked for.
    pub fn default_version(self) -> Version {
        self.edition().default_version
    }

    /// Whether the namespace's schema lists this MM7Version.
    pub fn knows(self, version: Version) -> bool {
        let Version { major, minor, patch } = version;
        patch == 0
            && match self {
                Self::Rel5(_) => major == 5 && (2..=11).contains(&minor),
                Self::Rel6(4..) => match major {
                    5 => [3, 5, 6, 8, 10].contains(&minor),
                    6 => (3..=10).contains(&minor),
                    _ => false,
                },
                Self::Rel6(_) => match major {
                    5 => (2..=10).contains(&minor),
                    6 => minor <= 8,
                    _ => false,
                },
            }
    }

    /// The version itself where the schema lists it, else [`Namespace::default_version`].
    pub fn version_for(self, version: Version) -> Version {
        if self.knows(version) { version } else { self.default_version() }
    }
}

/// The namespace that something came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SeenNamespace {
    /// One that exists.
    Known(Namespace),
    /// One formed like MM7's (`…/23.140/schema/REL-[567]-MM7-n-n`) that never existed, as it came.
    Invented(String),
    /// Any other, as it came.
    Foreign(String),
    /// None at all.
    Absent,
}

impl SeenNamespace {
    /// Sorts a namespace name; the empty one is [`SeenNamespace::Absent`].
    ///
    /// ```
    /// use mm7::SeenNamespace;
    /// let uri = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-6-7";
    /// assert_eq!(SeenNamespace::of(uri), SeenNamespace::Invented(uri.to_owned()));
    /// ```
    pub fn of(uri: &str) -> Self {
        if uri.is_empty() {
            Self::Absent
        } else if let Some(namespace) = Namespace::from_uri(uri) {
            Self::Known(namespace)
        } else if is_formed_like_mm7(uri) {
            Self::Invented(uri.to_owned())
        } else {
            Self::Foreign(uri.to_owned())
        }
    }

    /// The namespace name as it came; empty for [`SeenNamespace::Absent`].
    pub fn uri(&self) -> &str {
        match self {
            Self::Known(namespace) => namespace.uri(),
            Self::Invented(uri) | Self::Foreign(uri) => uri,
            Self::Absent => "",
        }
    }

    /// The release whose elements a peer of this namespace understands: 5 for Release 5, else 6.
    pub fn release(&self) -> u8 {
        match self {
            Self::Known(namespace) => namespace.release(),
            Self::Invented(uri) | Self::Foreign(uri) if uri.contains("/REL-5-") => 5,
            _ => 6,
        }
    }
}

/// `REL-5`, `-6` or `-7`, then `-MM7-` and two numbers.
fn is_formed_like_mm7(uri: &str) -> bool {
    let Some(name) = uri.strip_prefix(BASE) else { return false };
    let numbers =
        ["REL-5-MM7-", "REL-6-MM7-", "REL-7-MM7-"].iter().find_map(|start| name.strip_prefix(start));
    let is_number =
        |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.and_then(|numbers| numbers.split_once('-')).is_some_and(|(a, b)| is_number(a) && is_number(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_they_count_as() {
        let of = |name: &str| SeenNamespace::of(&format!("{BASE}{name}"));
        assert_eq!(of("REL-5-MM7-1-0"), SeenNamespace::Known(Namespace::Rel5(0)));
        assert_eq!(of("REL-5-MM7-1-5"), SeenNamespace::Known(Namespace::Rel5(5)));
        assert_eq!(of("REL-6-MM7-1-4"), SeenNamespace::Known(Namespace::Rel6(4)));
        for name in ["REL-5-MM7-1-6", "REL-6-MM7-1-5", "REL-6-MM7-1-01", "REL-6-MM7-6-7", "REL-7-MM7-1-0"] {
            assert_eq!(of(name), SeenNamespace::Invented(format!("{BASE}{name}")), "{name}");
        }
        for name in
            ["", "REL-4-MM7-1-0", "REL-6-MM7-1", "REL-6-MM7-1-x", "REL-6-MM7-1-2-3", "REL-6-MM7-1-1234"]
        {
            assert_eq!(of(name), SeenNamespace::Foreign(format!("{BASE}{name}")), "{name}");
        }
        assert_eq!(SeenNamespace::of(""), SeenNamespace::Absent);
        assert_eq!(SeenNamespace::of("urn:x"), SeenNamespace::Foreign("urn:x".to_owned()));
    }

    #[test]
    fn every_default_version_is_one_the_schema_lists() {
        for namespace in Namespace::all() {
            assert!(namespace.knows(namespace.default_version()), "{namespace:?}");
            assert_eq!(Namespace::from_uri(namespace.uri()), Some(namespace));
            assert_eq!(Namespace::by_name(namespace.name()), Some(namespace));
        }
        assert_eq!(Namespace::all().count(), 11);
    }

    #[test]
    fn versions_that_a_schema_does_not_list_become_its_default() {
        let version = |text| Version::parse(text).unwrap();
        assert_eq!(Namespace::Rel5(0).version_for(version("6.8.0")), version("5.3.0"));
        assert_eq!(Namespace::Rel5(0).version_for(version("5.11.0")), version("5.11.0"));
        assert_eq!(Namespace::Rel6(4).version_for(version("5.2.0")), version("6.8.0"));
        assert_eq!(Namespace::Rel6(4).version_for(version("6.10.0")), version("6.10.0"));
        assert_eq!(Namespace::Rel6(0).version_for(version("5.2.0")), version("5.2.0"));
        assert_eq!(Namespace::Rel6(0).version_for(version("6.9.0")), version("6.3.0"));
        assert_eq!(Namespace::Rel6(4).version_for(version("6.8.1")), version("6.8.0"));
    }

    #[test]
    fn a_number_too_high_counts_as_the_highest() {
        assert_eq!(Namespace::Rel5(9).uri(), Namespace::Rel5(5).uri());
        assert_eq!(Namespace::Rel6(255).uri(), Namespace::LATEST.uri());
        assert!(Namespace::Rel6(255).knows(Version::V6_8_0));
    }
}
