//! What can be done on pages, in words: what it is called, what it would do, and what is told once it is done.

use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::{Actor, Right},
    operation::OperationVerb,
};

use super::who;

/// What can be done to a message here.
#[derive(Clone)]
pub(in super::super) struct MessageVerb {
    /// The end of its path.
    pub(in super::super) path: &'static str,
    pub(in super::super) name: &'static str,
    /// What it would do.
    pub(in super::super) does: &'static str,
    pub(in super::super) right: Right,
    /// Whether it is there for messages that have ended; else for those that have not.
    pub(in super::super) for_ended: bool,
    /// What is told once it is done.
    pub(in super::super) done: &'static str,
}

/// All of them.
pub(in super::super) const MESSAGE_VERBS: &[MessageVerb] = &[
    MessageVerb {
        path: "requeue",
        name: "Send again now",
        does: "Makes its next attempt due at once.",
        right: Right::Mend,
        for_ended: false,
        done: "Its next attempt is due at once.",
    },
    MessageVerb {
        path: "expire",
        name: "Expire",
        does: "Ends it as Expired, as if its ExpiryDate had come. The VASP gets that report, and this cannot be undone.",
        right: Right::Mend,
        for_ended: false,
        done: "It has expired.",
    },
    MessageVerb {
        path: "resend-reports",
        name: "Send its reports again",
        does: "Makes the reports due again that the VASP did not take.",
        right: Right::Resend,
        for_ended: true,
        done: "The reports that the VASP did not take are due again.",
    },
];

/// What an operation does.
pub(in super::super) const fn operation_does(verb: OperationVerb) -> &'static str {
    match verb {
        OperationVerb::Requeue => "make the next attempt of those that wait due at once",
        OperationVerb::Expire => "end those that have not ended as Expired",
        OperationVerb::Reroute => "send what waits over another connection",
        OperationVerb::Resubmit => "make new messages of those that have ended",
        OperationVerb::ResendReports => "send the VASP its reports again",
    }
}

/// What was just done on a page to what it shows, as a sentence.
pub(in super::super) fn done(page: &str, verb: &str) -> Option<&'static str> {
    Some(match (page, verb) {
        ("/messages", "submit") => "It was taken with 1000 Success. Here its life is to be seen.",
        ("/messages", other) => MESSAGE_VERBS.iter().find(|verb| verb.path == other)?.done,
        ("/accounts", "disable") => {
            "It is disabled: what it sends is refused from now on. What was accepted goes on."
        }
        ("/accounts", "enable") => "It may send again.",
        ("/accounts", "senders") => "Its senders are changed.",
        ("/callbacks", "pause") => "They are paused. What is owed stays.",
        ("/callbacks", "resume") => "They go on.",
        ("/callbacks", "resend") => "It is due again.",
        ("/captures", "begin") => "It has begun: what is sent and got from now on is kept here.",
        ("/captures", "remove") => "It is removed, with all that it had.",
        ("/carriers", "suspend") => "Nothing goes out over it till then, or till it is resumed.",
        ("/carriers", "resume") => "It is used again.",
        ("/carriers", "limit") => "It is given no more than that.",
        ("/carriers", "lift") => "It is used as provisioned.",
        ("/keys", "add") => "The new key counts at once.",
        ("/keys", "remove") => "It is no key any more: requests that show it are refused.",
        ("/nodes", "drain") => "It is drained: new messages are answered 3510, and what is there goes out.",
        ("/nodes", "undrain") => "It takes new messages again.",
        ("/numbers", "block") => "It is blocked: from now on it gets nothing.",
        ("/numbers", "unblock") => "It is not blocked any more.",
        ("/sandbox", "clear") => "The inbox begins anew.",
        ("/sandbox", "deliver") => "The handset has written: the message is owed to your deliver_url.",
        _ => return None,
    })
}

/// That there is no such verb.
pub(in super::super) fn no_verb(what: &str, verb: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound).detail(format!("{what} cannot be made to {verb}"))
}

/// That a page is not for whoever looks: nothing there is theirs.
pub(in super::super) fn not_here(by: &Actor) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is nothing here for {}", who(by)))
        .remedy("choose from the menu, which has all that there is for you")
}

/// That there is no page of this address.
pub(in super::super) fn no_page(path: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no page at {path}"))
        .remedy("choose from the menu, or find what you look for by its id or number")
}
