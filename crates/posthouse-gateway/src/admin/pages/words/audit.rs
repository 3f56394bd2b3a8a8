//! What operators did, in words: for the audit, whose rows have the verb beside it.

use posthouse_core::audit::AuditVerb;

/// What was done. A verb that is not known, perhaps of a newer version, is told as it is.
pub(in super::super) fn audit_verb(verb: &str) -> &str {
    match verb.parse() {
        Ok(known) => in_words(known),
        Err(_) => verb,
    }
}

const fn in_words(verb: AuditVerb) -> &'static str {
    match verb {
        AuditVerb::Requeue => "Sent again now",
        AuditVerb::Expire => "Expired",
        AuditVerb::ResendReports => "Sent reports again",
        AuditVerb::Reroute => "Rerouted",
        AuditVerb::Resubmit => "Submitted again",
        AuditVerb::StartOperation => "Started an operation",
        AuditVerb::CancelOperation => "Cancelled an operation",
        AuditVerb::PauseCallbacks => "Paused callbacks",
        AuditVerb::ResumeCallbacks => "Resumed callbacks",
        AuditVerb::SuspendConnection => "Suspended a connection",
        AuditVerb::ResumeConnection => "Resumed a connection",
        AuditVerb::LimitConnection => "Limited a connection",
        AuditVerb::LiftLimit => "Lifted a limit",
        AuditVerb::Apply => "Changed provisioning",
        AuditVerb::ConfirmClock => "Confirmed the clock",
        AuditVerb::SetLogLevel => "Set what is logged",
        AuditVerb::Drain => "Drained a node",
        AuditVerb::Undrain => "Ended a drain",
        AuditVerb::AddToken => "Added a token",
        AuditVerb::RevokeToken => "Revoked a token",
        AuditVerb::DeliverSandbox => "Wrote as a handset of the sandbox",
        AuditVerb::Submit => "Submitted a message",
        AuditVerb::ClearSandbox => "Cleared a sandbox",
        AuditVerb::AddUser => "Added a user",
        AuditVerb::SetRole => "Set a user's role",
        AuditVerb::ResetPassword => "Reset a password",
        AuditVerb::SetPassword => "Set a password",
        AuditVerb::RemoveUser => "Removed a user",
        AuditVerb::SignIn => "Signed in",
        AuditVerb::EndSession => "Ended a session",
        AuditVerb::BeginCapture => "Began a capture",
        AuditVerb::RemoveCapture => "Removed a capture",
        AuditVerb::Reveal => "Saw whole numbers or content",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use posthouse_core::provisioning::words::OneOfWords as _;

    use super::*;

    #[test]
    fn each_verb_has_words_of_its_own() {
        let words: HashSet<_> = AuditVerb::ALL.iter().map(|verb| in_words(*verb)).collect();
        assert_eq!(words.len(), AuditVerb::ALL.len());
        assert_eq!(audit_verb("suspend-connection"), "Suspended a connection");
        assert_eq!(audit_verb("of-tomorrow"), "of-tomorrow");
    }
}
