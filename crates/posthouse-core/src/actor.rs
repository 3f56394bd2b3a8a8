//! Who asks for something as an operator: a principal with a role, by which credential, from where, and why. It goes with every change,
//! and is kept beside it ([`audit`](crate::audit)).

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{account::AccountName, bounds, provisioning::words::words};

/// The longest name of a principal, in bytes.
pub const MAX_NAME: usize = 64;
/// The longest reason that is kept, in characters.
pub const MAX_REASON: usize = 500;
/// What the role of an account's own people begins with.
const VASP: &str = "vasp:";

words! {
    /// What somebody has to be allowed to do for a request. Each belongs to a role, and to those above it ([`Right::held_by`]).
    pub enum Right {
        /// See everything, with numbers masked and without content or secrets.
        Look = "look",
        /// See whole numbers, and content.
        Reveal = "reveal",
        /// Intervene in one message at a time.
        Mend = "mend",
        /// Have reports, and messages from handsets, sent again.
        Resend = "resend",
        /// Intervene in many messages at once.
        Bulk = "bulk",
        /// Submit messages for an account.
        Submit = "submit",
        /// Suspend, resume, limit and probe connections and callbacks.
        Suspend = "suspend",
        /// Have a node take nothing new, and set how much it logs.
        Drain = "drain",
        /// Block numbers, and unblock them.
        Blacklist = "blacklist",
        /// Disable accounts, and enable them.
        Disable = "disable",
        /// Change provisioning.
        Provision = "provision",
        /// Make and end credentials of VASPs.
        Keys = "keys",
        /// Make and end principals and their tokens.
        Users = "users",
        /// Go back to an earlier revision of provisioning.
        Rollback = "rollback",
        /// Keep the bytes of requests and answers.
        Capture = "capture",
    }
}

impl Right {
    /// The least role that has it.
    pub const fn held_by(self) -> Role {
        match self {
            Self::Look => Role::Viewer,
            Self::Reveal | Self::Mend | Self::Resend => Role::Support,
            Self::Bulk | Self::Submit | Self::Suspend | Self::Drain | Self::Blacklist | Self::Disable => {
                Role::Operator
            }
            Self::Provision | Self::Keys | Self::Users | Self::Rollback | Self::Capture => Role::Admin,
        }
    }
}

/// What a principal may do: each of the first four all that those before it may. It is written `viewer`, or `vasp:acme`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sees everything, masked.
    Viewer,
    /// Sees whole numbers, and mends single messages.
    Support,
    /// Does things to many, and steers the gateway.
    Operator,
    /// Everything.
    Admin,
    /// Belongs to this account: it sees what is the account's, whole, may have its reports sent again,
    /// submit for it, and change its keys. All else is not there.
    Vasp(AccountName),
}

impl Role {
    /// Whether it has this right. An account's own has it of what is the account's alone.
    pub fn may(&self, right: Right) -> bool {
        match self.rank() {
            Some(rank) => Some(rank) >= right.held_by().rank(),
            None => {
                matches!(right, Right::Look | Right::Reveal | Right::Resend | Right::Submit | Right::Keys)
            }
        }
    }

    /// The account that it is confined to.
    pub const fn account(&self) -> Option<&AccountName> {
        if let Self::Vasp(account) = self { Some(account) } else { None }
    }

    const fn rank(&self) -> Option<u8> {
        match self {
            Self::Viewer => Some(0),
            Self::Support => Some(1),
            Self::Operator => Some(2),
            Self::Admin => Some(3),
            Self::Vasp(_) => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Viewer => f.write_str("viewer"),
            Self::Support => f.write_str("support"),
            Self::Operator => f.write_str("operator"),
            Self::Admin => f.write_str("admin"),
            Self::Vasp(account) => write!(f, "{VASP}{account}"),
        }
    }
}

/// That a text is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "support" => Ok(Self::Support),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            other => match other.strip_prefix(VASP) {
                Some(account) if !account.is_empty() => Ok(Self::Vasp(AccountName(account.to_owned()))),
                _ => Err(UnknownRole(text.to_owned())),
            },
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// How somebody showed who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A principal's token, of this id.
    Token(String),
    /// The session of this id, by which a browser is signed in.
    Session(String),
    /// The link by which a user sets a password.
    Link,
    /// The token in `[admin]`.
    Configured,
    /// The token of the gateway's run, which only the store's own user can read.
    Run,
    /// A command that opened the store itself, by its user's right to the files.
    Files,
    /// Nobody asked: the gateway did it by itself.
    Gateway,
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::Link => f.write_str("link"),
            Self::Configured => f.write_str("configured"),
            Self::Run => f.write_str("run"),
            Self::Files => f.write_str("files"),
            Self::Gateway => f.write_str("gateway"),
        }
    }
}

/// Who asks: it goes with every change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The principal's name, as timelines tell it: at most [`MAX_NAME`] bytes.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How it showed who it is.
    pub credential: Credential,
    /// From where it asks; a command on the store itself asks from nowhere.
    pub address: Option<IpAddr>,
    /// Why, in its own words: at most [`MAX_REASON`] characters.
    pub reason: Option<String>,
}

impl Actor {
    /// Somebody of this name, from nowhere and for no reason that was told.
    pub fn new(name: impl Into<String>, role: Role, credential: Credential) -> Self {
        Self { name: name_of(name.into()), role, credential, address: None, reason: None }
    }

    /// A command on the store itself: the user of this name may write its files.
    pub fn at_the_files(user: impl Into<String>) -> Self {
        Self::new(user, Role::Admin, Credential::Files)
    }

    /// The gateway, by itself.
    pub fn gateway() -> Self {
        Self::new("gateway", Role::Admin, Credential::Gateway)
    }

    /// The same, from this address.
    #[must_use]
    pub fn with_address(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// The same, for this reason. One that is empty is none.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        let reason = bounds::cut(reason.trim(), MAX_REASON);
        Self { reason: (!reason.is_empty()).then(|| reason.to_owned()), ..self }
    }

    /// Whether it has this right.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// The account that it is confined to.
    pub const fn account(&self) -> Option<&AccountName> {
        self.role.account()
    }
}

/// A name, no longer than is kept.
fn name_of(name: String) -> String {
    if name.len() <= MAX_NAME {
        return name;
    }
    let cut: Cow<'_, str> = String::from_utf8_lossy(name.as_bytes().get(..MAX_NAME).unwrap_or_default());
    cut.trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::words::OneOfWords as _;

    fn acme() -> Role {
        Role::Vasp(AccountName("acme".into()))
    }

    #[test]
    fn each_role_has_its_rights_and_those_below() {
        let table = [
            (Role::Viewer, "look"),
            (Role::Support, "look reveal mend resend"),
            (Role::Operator, "look reveal mend resend bulk submit suspend drain blacklist disable"),
            (
                Role::Admin,
                "look reveal mend resend bulk submit suspend drain blacklist disable provision keys users rollback capture",
            ),
            (acme(), "look reveal resend submit keys"),
        ];
        for (role, expected) in table {
            let held: Vec<_> =
                Right::ALL.iter().filter(|right| role.may(**right)).map(|r| r.word()).collect();
            assert_eq!(held.join(" "), expected, "{role}");
        }
    }

    #[test]
    fn roles_are_written_as_they_are_read() {
        for (text, role) in [
            ("viewer", Role::Viewer),
            ("support", Role::Support),
            ("operator", Role::Operator),
            ("admin", Role::Admin),
            ("vasp:acme", acme()),
        ] {
            assert_eq!((text.parse(), role.to_string().as_str()), (Ok(role), text));
        }
        for text in ["", "Viewer", "vasp", "vasp:", "root"] {
            assert_eq!(text.parse::<Role>(), Err(UnknownRole(text.to_owned())));
        }
        assert_eq!(acme().account(), Some(&AccountName("acme".into())));
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = Actor::new("ü".repeat(40), Role::Viewer, Credential::Run).because(&"x".repeat(600));
        assert_eq!((long.name, long.reason), ("ü".repeat(32), Some("x".repeat(500))));
        assert_eq!(Actor::gateway().because("  ").reason, None);
    }
}
