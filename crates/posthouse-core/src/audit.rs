//! What is kept of each change that an operator makes: who, what, to what, and what it was before. A store writes it in the same
//! transaction as the change.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    Id,
    account::AccountName,
    actor::Actor,
    bounds,
    life::{intervention::Intervention, reroute::RerouteTarget, state::State},
    overrides::{ConnectionOverride, OverrideKind},
    provisioning::{Change, words::words},
    shown::masked,
    token::TokenRecord,
    user::{SessionRecord, UserChange, UserRecord},
};

/// The longest target, and the longest account of what was before and after, in characters.
pub const MAX_TEXT: usize = 1000;
/// The most rows that are kept; the oldest go.
pub const MOST: u64 = 1_000_000;

words! {
    /// What was done.
    pub enum AuditVerb {
        /// The next attempt of messages is due at once.
        Requeue = "requeue",
        /// Messages ended as Expired.
        Expire = "expire",
        /// Callbacks that had failed are due again.
        ResendReports = "resend-reports",
        /// Messages go to another carrier, or over another connection.
        Reroute = "reroute",
        /// Messages that had ended are sent again, as new ones.
        Resubmit = "resubmit",
        /// An operation on many messages was started.
        StartOperation = "start-operation",
        /// It was cancelled.
        CancelOperation = "cancel-operation",
        /// An account gets no callbacks any more.
        PauseCallbacks = "pause-callbacks",
        /// It gets them again.
        ResumeCallbacks = "resume-callbacks",
        /// Nothing goes out over a connection any more.
        SuspendConnection = "suspend-connection",
        /// It is used again.
        ResumeConnection = "resume-connection",
        /// A connection is used less than is provisioned.
        LimitConnection = "limit-connection",
        /// It is used as is provisioned again.
        LiftLimit = "lift-limit",
        /// Provisioning was changed.
        Apply = "apply",
        /// Somebody said that the clock is right.
        ConfirmClock = "confirm-clock",
        /// What a node logs was changed.
        SetLogLevel = "set-log-level",
        /// A node takes nothing new.
        Drain = "drain",
        /// A node takes new messages again.
        Undrain = "undrain",
        /// A principal got a token.
        AddToken = "add-token",
        /// A token is no good any more.
        RevokeToken = "revoke-token",
        /// A handset of the sandbox wrote to its account.
        DeliverSandbox = "deliver-sandbox",
        /// A message was submitted for an account.
        Submit = "submit",
        /// The inbox of a sandbox begins anew.
        ClearSandbox = "clear-sandbox",
        /// A user was added.
        AddUser = "add-user",
        /// A user may do something else from now on.
        SetRole = "set-role",
        /// A user has to set another password.
        ResetPassword = "reset-password",
        /// A user set a password.
        SetPassword = "set-password",
        /// A user is there no more.
        RemoveUser = "remove-user",
        /// Somebody signed in.
        SignIn = "sign-in",
        /// A session was ended.
        EndSession = "end-session",
        /// Requests and answers are kept for an operator.
        BeginCapture = "begin-capture",
        /// They are not any more.
        RemoveCapture = "remove-capture",
        /// Whole numbers, or content, were shown.
        Reveal = "reveal",
    }
}

/// One row: a change, and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The principal's name.
    pub actor: String,
    /// Its role.
    pub role: String,
    /// How it showed who it is: [`Credential`](crate::actor::Credential) in words.
    pub credential: String,
    /// From where.
    pub address: Option<String>,
    /// What was done: the word of an [`AuditVerb`], perhaps of a newer version's.
    pub verb: String,
    /// To what.
    pub target: String,
    /// What it was before, in short and masked.
    pub before: Option<String>,
    /// What it was afterwards, in short and masked.
    pub after: Option<String>,
    /// Why, in the principal's own words.
    pub reason: Option<String>,
}

impl AuditEntry {
    /// That this was done to `target`, which is kept as it is: the caller masks numbers in it.
    pub fn new(by: &Actor, verb: AuditVerb, target: impl AsRef<str>, at: Timestamp) -> Self {
        Self {
            at,
            actor: by.name.clone(),
            role: by.role.to_string(),
            credential: by.credential.to_string(),
            address: by.address.map(|address| address.to_string()),
            verb: verb.to_string(),
            target: bounds::cut(target.as_ref(), MAX_TEXT).to_owned(),
            before: None,
            after: None,
            reason: by.reason.clone(),
        }
    }

    /// The same with what was before. Numbers in it are masked; no secret may be in it.
    #[must_use]
    pub fn before(self, before: impl AsRef<str>) -> Self {
        Self { before: Some(kept(before.as_ref())), ..self }
    }

    /// The same with what is now. Numbers in it are masked; no secret may be in it.
    #[must_use]
    pub fn after(self, after: impl AsRef<str>) -> Self {
        Self { after: Some(kept(after.as_ref())), ..self }
    }
}

fn kept(text: &str) -> String {
    bounds::cut(&masked(text), MAX_TEXT).to_owned()
}

/// A row with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Later ones have higher numbers.
    pub number: i64,
    /// What was done.
    pub entry: AuditEntry,
}

/// Which rows a list is about. It goes backwards from the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only what was done at or after this time.
    pub since: Option<Timestamp>,
    /// Only what was done before this time.
    pub before: Option<Timestamp>,
    /// Only numbers below this one: the key of the next page.
    pub below: Option<i64>,
    /// Only by the principal of this name.
    pub actor: Option<String>,
    /// Only this.
    pub verb: Option<String>,
    /// Only to this.
    pub target: Option<String>,
}

/// What is kept of an intervention that was done to these messages, which stood there before. `None` where it was done to none.
pub fn intervened(
    by: &Actor,
    (intervention, to): (Intervention, Option<&RerouteTarget>),
    done: &[(Id, State)],
    at: Timestamp,
) -> Option<AuditEntry> {
    let accepted = || to.map_or_else(|| "Accepted".to_owned(), |to| format!("Accepted, {to}"));
    let (verb, after) = match intervention {
        Intervention::Requeue { .. } => (AuditVerb::Requeue, accepted()),
        Intervention::Expire => (AuditVerb::Expire, "Expired".to_owned()),
        Intervention::Reroute { .. } => (AuditVerb::Reroute, accepted()),
    };
    let mut before: BTreeMap<&str, usize> = BTreeMap::new();
    done.iter().for_each(|(_, state)| *before.entry(state.as_str()).or_default() += 1);
    let before: Vec<_> = match done {
        [_] => before.into_keys().map(str::to_owned).collect(),
        _ => before.into_iter().map(|(state, count)| format!("{count} {state}")).collect(),
    };
    let target = target("message", done.iter().map(|(id, _)| *id))?;
    Some(AuditEntry::new(by, verb, target, at).before(before.join(", ")).after(after))
}

/// What is kept of failed callbacks about these messages, or messages from handsets, that are sent again. `None` where there are none.
pub fn resent(by: &Actor, about: Vec<Id>, at: Timestamp) -> Option<AuditEntry> {
    let target = target_once(about)?;
    Some(AuditEntry::new(by, AuditVerb::ResendReports, target, at).before("failed").after("owed"))
}

/// What is kept of a message that is sent again, as a new one.
pub fn resubmitted(by: &Actor, of: Id, new: Id, at: Timestamp) -> AuditEntry {
    AuditEntry::new(by, AuditVerb::Resubmit, format!("message {of}"), at).after(format!("message {new}"))
}

/// What is kept of callbacks that are tried at once, about these messages, or messages from handsets. `None` where there are none.
pub fn retried(by: &Actor, about: Vec<Id>, at: Timestamp) -> Option<AuditEntry> {
    let target = target_once(about)?;
    Some(AuditEntry::new(by, AuditVerb::ResendReports, target, at).after("owed"))
}

/// What is kept of an account whose callbacks are paused, or are not any more.
pub fn paused(by: &Actor, account: &AccountName, is_paused: bool, at: Timestamp) -> AuditEntry {
    let verb = if is_paused { AuditVerb::PauseCallbacks } else { AuditVerb::ResumeCallbacks };
    AuditEntry::new(by, verb, format!("account {account}"), at)
}

/// What is kept of a connection that was suspended or limited, in place of what was so `before`.
pub fn overridden(
    by: &Actor,
    put: &ConnectionOverride,
    before: Option<&ConnectionOverride>,
    at: Timestamp,
) -> AuditEntry {
    let verb = match put.setting.kind() {
        OverrideKind::Suspend => AuditVerb::SuspendConnection,
        OverrideKind::Limit => AuditVerb::LimitConnection,
    };
    let target = format!("connection {} of {}", put.connection, put.carrier);
    let entry = AuditEntry::new(by, verb, target, at).after(put.words());
    let reason =
        entry.reason.clone().or_else(|| Some(put.reason.clone()).filter(|reason| !reason.is_empty()));
    let entry = AuditEntry { reason, ..entry };
    match before {
        Some(before) => entry.before(before.words()),
        None => entry,
    }
}

/// What is kept of such a thing that was ended.
pub fn override_lifted(by: &Actor, lifted: &ConnectionOverride, at: Timestamp) -> AuditEntry {
    let verb = match lifted.setting.kind() {
        OverrideKind::Suspend => AuditVerb::ResumeConnection,
        OverrideKind::Limit => AuditVerb::LiftLimit,
    };
    let target = format!("connection {} of {}", lifted.connection, lifted.carrier);
    AuditEntry::new(by, verb, target, at).before(lifted.words())
}

/// What is kept of a token that was made: all but its text.
pub fn token_added(by: &Actor, token: &TokenRecord, at: Timestamp) -> AuditEntry {
    let until = token.expires_at.map_or_else(String::new, |until| format!(", until {until}"));
    let after = format!("{}: {}{until}", token.name, token.role);
    AuditEntry::new(by, AuditVerb::AddToken, format!("token {}", token.id), at).after(after)
}

/// What is kept of a token that was ended.
pub fn token_revoked(by: &Actor, token: &TokenRecord, at: Timestamp) -> AuditEntry {
    let before = format!("{}: {}", token.name, token.role);
    AuditEntry::new(by, AuditVerb::RevokeToken, format!("token {}", token.id), at).before(before)
}

/// What is kept of a user that was added.
pub fn user_added(by: &Actor, user: &UserRecord, at: Timestamp) -> AuditEntry {
    of_user(by, AuditVerb::AddUser, &user.name, at).after(user.role.to_string())
}

/// What is kept of a change of a user.
pub fn user_changed(by: &Actor, before: &UserRecord, change: &UserChange, at: Timestamp) -> AuditEntry {
    match change {
        UserChange::Role(role) => of_user(by, AuditVerb::SetRole, &before.name, at)
            .before(before.role.to_string())
            .after(role.to_string()),
        UserChange::Reset(link) => {
            let until = format!("the link is good till {:.0}", link.expires_at);
            of_user(by, AuditVerb::ResetPassword, &before.name, at).after(until)
        }
    }
}

/// What is kept of a user that was removed.
pub fn user_removed(by: &Actor, user: &UserRecord, at: Timestamp) -> AuditEntry {
    of_user(by, AuditVerb::RemoveUser, &user.name, at).before(user.role.to_string())
}

/// What is kept of a password that a user set.
pub fn password_set(by: &Actor, name: &str, at: Timestamp) -> AuditEntry {
    of_user(by, AuditVerb::SetPassword, name, at)
}

fn of_user(by: &Actor, verb: AuditVerb, name: &str, at: Timestamp) -> AuditEntry {
    AuditEntry::new(by, verb, format!("user {name}"), at)
}

/// What is kept of a session that was begun.
pub fn signed_in(by: &Actor, session: &SessionRecord, at: Timestamp) -> AuditEntry {
    AuditEntry::new(by, AuditVerb::SignIn, format!("session {}", session.id), at)
}

/// What is kept of a session that was ended.
pub fn session_ended(by: &Actor, session: &SessionRecord, at: Timestamp) -> AuditEntry {
    let before = format!("{}: {}", session.name, session.role);
    AuditEntry::new(by, AuditVerb::EndSession, format!("session {}", session.id), at).before(before)
}

/// What is kept of a change of provisioning from one revision to the next. What exactly changed is the revisions' to tell.
pub fn provisioned(by: &Actor, (from, to): (u64, u64), changes: &[Change], at: Timestamp) -> AuditEntry {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut named = Vec::new();
    for change in changes {
        let (verb, kind, name) = match change {
            Change::PutAccount(account) => ("put", "account", account.name.to_string()),
            Change::RemoveAccount(name) => ("remove", "account", name.to_string()),
            Change::PutCarrier(carrier) => ("put", "carrier", carrier.id.to_string()),
            Change::RemoveCarrier(id) => ("remove", "carrier", id.to_string()),
            Change::SetLookup(_) => ("put", "lookup", String::new()),
            Change::PutRange(range) => ("put", "range", range.prefix.to_string()),
            Change::RemoveRange(prefix) => ("remove", "range", prefix.to_string()),
            Change::PutBlacklisted(entry) => ("put", "blacklist", entry.number.to_string()),
            Change::RemoveBlacklisted(entry) => ("remove", "blacklist", entry.number.to_string()),
        };
        *counted.entry(kind).or_default() += 1;
        if named.len() < NAMED {
            named.push(format!("{verb} {kind} {name}").trim_end().to_owned());
        }
    }
    let target = match (changes.len(), named.first()) {
        (1, Some(one)) => one.split_once(' ').map_or("provisioning", |(_, what)| what).to_owned(),
        _ => "provisioning".to_owned(),
    };
    if changes.len() > named.len() {
        let counts: Vec<_> = counted.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        named.push(format!("… in all {}", counts.join(", ")));
    }
    AuditEntry::new(by, AuditVerb::Apply, target, at)
        .before(format!("revision {from}"))
        .after(format!("revision {to}: {}", named.join(", ")))
}

/// How many things one row names; of more it counts the rest.
const NAMED: usize = 20;

/// These messages, each once and in the order of their ids.
fn target_once(mut messages: Vec<Id>) -> Option<String> {
    messages.sort_unstable();
    messages.dedup();
    target("message", messages.into_iter())
}

/// `message 1`, or `3 messages: 1, 2, 3`.
fn target(kind: &str, ids: impl ExactSizeIterator<Item = Id>) -> Option<String> {
    let count = ids.len();
    let named: Vec<_> = ids.take(NAMED).map(|id| id.to_string()).collect();
    let more = if count > NAMED { ", …" } else { "" };
    match count {
        0 => None,
        1 => Some(format!("{kind} {}", named.join(""))),
        _ => Some(format!("{count} {kind}s: {}{more}", named.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::AccountName,
        actor::{Credential, Role},
        address::Msisdn,
        provisioning::{Blacklisted, Prefix},
    };

    fn by() -> Actor {
        let by = Actor::new("ann", Role::Support, Credential::Token("7f".into()));
        by.with_address([10, 0, 0, 1].into()).because("ticket 16175550100")
    }

    fn at() -> Timestamp {
        Timestamp::from_second(1).unwrap()
    }

    fn id(number: i64) -> Id {
        Id::from_number(number).unwrap()
    }

    fn told(entry: Option<AuditEntry>) -> Option<(String, String, String, String)> {
        entry.map(|one| (one.verb, one.target, one.before.unwrap_or_default(), one.after.unwrap_or_default()))
    }

    fn expected(
        verb: &str,
        target: &str,
        before: &str,
        after: &str,
    ) -> Option<(String, String, String, String)> {
        Some((verb.into(), target.into(), before.into(), after.into()))
    }

    #[test]
    fn a_row_says_who_from_where_and_why() {
        let entry = AuditEntry::new(&by(), AuditVerb::Reveal, "message 192690096091168768", at())
            .before("16175550100")
            .after("x".repeat(2000));
        let shown = (entry.actor.as_str(), entry.role.as_str(), entry.credential.as_str());
        assert_eq!(shown, ("ann", "support", "token:7f"));
        assert_eq!(entry.address.as_deref(), Some("10.0.0.1"));
        assert_eq!(entry.reason.as_deref(), Some("ticket 16175550100"));
        assert_eq!(entry.target, "message 192690096091168768");
        assert_eq!((entry.before.as_deref(), entry.after), (Some("+1617•••0100"), Some("x".repeat(1000))));
    }

    #[test]
    fn interventions_are_told_by_the_states_before() {
        let requeue = Intervention::Requeue { parked: true };
        let one = intervened(&by(), (requeue, None), &[(id(7), State::Parked)], at());
        assert_eq!(told(one), expected("requeue", "message 7", "Parked", "Accepted"));
        let three = [(id(7), State::Parked), (id(8), State::Accepted), (id(9), State::Parked)];
        let three = intervened(&by(), (Intervention::Expire, None), &three, at());
        assert_eq!(told(three), expected("expire", "3 messages: 7, 8, 9", "1 Accepted, 2 Parked", "Expired"));
        assert_eq!(intervened(&by(), (requeue, None), &[], at()), None);
        assert_eq!(resent(&by(), Vec::new(), at()), None);
        assert_eq!(resent(&by(), vec![id(9), id(7), id(9)], at()).unwrap().target, "2 messages: 7, 9");
        let many: Vec<Id> = (1..=25).map(id).collect();
        let many = resent(&by(), many, at()).unwrap();
        assert!(
            many.target.starts_with("25 messages: 1, 2, ") && many.target.ends_with(", 20, …"),
            "{many:?}"
        );
    }

    #[test]
    fn provisioning_is_told_by_names_and_revisions() {
        let number = Msisdn::parse("16175550100", false).unwrap();
        let block = Change::PutBlacklisted(Blacklisted { number, account: None });
        let one = provisioned(&by(), (3, 4), std::slice::from_ref(&block), at());
        let after = "revision 4: put blacklist +1617•••0100";
        assert_eq!(told(Some(one)), expected("apply", "blacklist +1617•••0100", "revision 3", after));
        let remove = Change::RemoveAccount(AccountName("acme".into()));
        let ranges =
            (100..130).map(|prefix| Change::RemoveRange(Prefix::parse(&prefix.to_string()).unwrap()));
        let many: Vec<_> = [remove, Change::SetLookup(None)].into_iter().chain(ranges).collect();
        let many = provisioned(&by(), (4, 5), &many, at());
        assert_eq!(many.target, "provisioning");
        let after = many.after.unwrap();
        assert!(
            after.starts_with("revision 5: remove account acme, put lookup, remove range 100, "),
            "{after}"
        );
        assert!(after.ends_with(", … in all 1 account, 1 lookup, 30 range"), "{after}");
    }
}
