//! Why a verb was not carried out, and what its parameters may be at fault for.

use posthouse_api::{BASE, ProblemCode, ProblemDetails};
use posthouse_core::{address::Msisdn, store::StoreError};

/// Why a verb was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    /// The request is at fault.
    #[error(transparent)]
    Refused(#[from] ProblemDetails),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a remedy says of where the things are that there are: a command, and a path under [`BASE`].
pub(crate) fn listed(command: &str, path: &str) -> String {
    format!("`posthouse {command}`, or GET {BASE}/{path}, shows those there are")
}

/// Where those of a kind that are provisioned are listed. Connections are listed with their carriers.
fn provisioned(kind: &str) -> String {
    let (command, path) = match kind {
        "account" => ("accounts list", "accounts"),
        "service" => ("services", "services"),
        _ => ("carriers list", "carriers"),
    };
    format!("correct the name; {}", listed(command, path))
}

/// There is nothing of this name.
pub(crate) fn unknown(kind: &str, name: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("no {kind} {name} is provisioned"))
        .remedy(provisioned(kind))
}

/// A filter names nothing that there is.
pub(crate) fn not_provisioned(kind: &str, name: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotProvisioned)
        .detail(format!("no {kind} {name} is provisioned"))
        .remedy(provisioned(kind))
}

/// A filter names nothing that there is; there, what was removed since can be named, too.
pub(crate) fn not_provisioned_now(kind: &str, name: &str) -> ProblemDetails {
    let removed = "what was removed since is found with unprovisioned (--unprovisioned, ?unprovisioned=true)";
    not_provisioned(kind, name).remedy(format!("{}; {removed}", provisioned(kind)))
}

/// A phone number, in any usual spelling.
///
/// # Errors
/// It is none.
pub fn number_of(text: &str) -> Result<Msisdn, ProblemDetails> {
    let digits: String = text.chars().filter(|character| !" -.()\u{a0}".contains(*character)).collect();
    Msisdn::parse(&digits, true).ok_or_else(|| {
        ProblemDetails::new(ProblemCode::InvalidParameter)
            .detail("this is no international number")
            .remedy("write 7 to 15 digits that begin with the country code, such as 16175550100")
    })
}
