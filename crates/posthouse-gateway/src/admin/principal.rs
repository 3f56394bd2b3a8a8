//! Names and roles of principals, as requests bring them.

use posthouse_api::{ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{
    actor::{MAX_NAME, Role},
    store::Store,
};

use super::VerbError;

/// What is wrong with a principal's name.
pub(super) fn name_fault(name: &str) -> Option<ProblemError> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-');
    let is_right = !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_of_name);
    let error = || {
        ProblemError::at_pointer("/name", format!("{name:?} is no name of a principal"))
            .with_remedy(format!("write 1 to {MAX_NAME} letters, digits, ., _, @ or -"))
    };
    (!is_right).then(error)
}

/// The role that is meant.
///
/// # Errors
/// It is none.
pub(super) fn role_of(role: &str) -> Result<Role, ProblemError> {
    role.parse::<Role>().map_err(|error| {
        ProblemError::at_pointer("/role", error.to_string())
            .with_remedy("write viewer, support, operator, admin, or vasp: and an account's name")
    })
}

/// Everything that is wrong with a request, where anything is.
///
/// # Errors
/// That.
pub(super) fn no_faults(errors: Vec<ProblemError>) -> Result<(), ProblemDetails> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors)),
    }
}

/// The account of a role is provisioned.
///
/// # Errors
/// It is not, or what the store says.
pub(super) async fn is_provisioned(store: &dyn Store, role: &Role) -> Result<(), VerbError> {
    let Some(account) = role.account() else { return Ok(()) };
    if store.without_numbers().await?.accounts.iter().any(|known| known.name == *account) {
        return Ok(());
    }
    Err(ProblemDetails::new(ProblemCode::NotProvisioned)
        .detail(format!("no account {account} is provisioned"))
        .remedy("write vasp: and the name of an account")
        .into())
}
