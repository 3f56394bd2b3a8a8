//! Who changed what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which changes a list is about: the query of `GET /api/v1/audit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct AuditQuery {
    /// Only by the principal of this name.
    pub actor: Option<String>,
    /// Only this, such as `requeue`; a word that there is not is answered with those there are.
    pub verb: Option<String>,
    /// Only to this, as a row names it.
    pub target: Option<String>,
    /// Only at or after this time.
    pub since: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// `next` of the page before.
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-9]{1,18}$"))]
    pub cursor: Option<String>,
}

/// A change, and who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditRow {
    /// Its number: later ones are higher.
    pub number: String,
    /// When it was made.
    pub at: Timestamp,
    /// The name of the principal that made it.
    pub actor: String,
    /// The principal's role then.
    pub role: String,
    /// How it showed who it is: `token:` and the token's id, `session:` and the session's id, `link` for the link by which a password is set, `configured` for the token of `[admin]`, `run` for the token of the
    /// gateway's run, `files` for a command on the store itself, `gateway` where nobody asked.
    pub credential: String,
    /// From where it asked.
    pub address: Option<String>,
    /// What was done.
    pub verb: String,
    /// To what.
    pub target: String,
    /// What it was before, in short.
    pub before: Option<String>,
    /// What it was afterwards, in short.
    pub after: Option<String>,
    /// Why, in the words of who made it; numbers in it are whole only with `reveal`.
    pub reason: Option<String>,
}

impl AuditQuery {
    /// Its members as the parameters of a query.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("actor", self.actor.clone());
        add("verb", self.verb.clone());
        add("target", self.target.clone());
        add("since", self.since.map(|time| time.to_string()));
        add("until", self.until.map(|time| time.to_string()));
        add("cursor", self.cursor.clone());
        parameters
    }
}
