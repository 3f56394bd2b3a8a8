//! Why the issuer's word did not sign somebody in, and what to do: for who stands before the page. The log has the fault as it is.

use super::super::oidc::OidcFault;

/// What the page says.
pub(in super::super) fn of_oidc(fault: &OidcFault) -> String {
    match fault {
        OidcFault::Foreign => {
            "This sign-in was begun in another browser, or longer than ten minutes ago. Begin it again."
                .to_owned()
        }
        OidcFault::Denied(said) => {
            format!("The issuer refuses: {said}. Ask who runs it, or sign in with a password.")
        }
        OidcFault::Issuer(what) => format!(
            "The issuer cannot be used now: {what}. Sign in with a password or a token, or try again later."
        ),
        OidcFault::Busy => "Too many sign in at the same time. Try again in a moment.".to_owned(),
        OidcFault::Token(what) => format!(
            "What the issuer says cannot be trusted: {what}. Compare [admin.oidc] in posthouse.toml with the issuer's client."
        ),
        OidcFault::NoRole(name) => format!(
            "{name} is in no group that may sign in here. An administrator adds one to the roles of [admin.oidc] in posthouse.toml, or {name} to a group."
        ),
        OidcFault::Internal => "Something broke; the log has it.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_fit_is_said_with_what_to_do() {
        for (fault, said) in [
            (
                OidcFault::NoRole("ann".to_owned()),
                "ann is in no group that may sign in here. An administrator adds one to the roles of [admin.oidc] in posthouse.toml, or ann to a group.",
            ),
            (
                OidcFault::Denied("access_denied".to_owned()),
                "The issuer refuses: access_denied. Ask who runs it, or sign in with a password.",
            ),
        ] {
            assert_eq!(of_oidc(&fault), said);
        }
        assert_eq!(OidcFault::NoRole("ann".to_owned()).to_string(), "ann is in no group that has a role");
    }
}
