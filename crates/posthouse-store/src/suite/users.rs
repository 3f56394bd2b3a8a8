//! Users, and sessions of whoever is signed in.

use jiff::SignedDuration;
use posthouse_core::{
    actor::Role,
    audit::AuditFilter,
    token::TokenRecord,
    user::{
        MOST_SESSIONS, MOST_USERS, PasswordLink, SESSION_IDLE, SessionOrigin, SessionRecord, UserChange,
        UserRecord,
    },
};

use super::{
    Backend,
    bed::{Bed, at, operator},
};

fn user(name: &str) -> UserRecord {
    UserRecord {
        name: name.to_owned(),
        role: Role::Support,
        password_hash: None,
        link: Some(link(name, 600)),
        created_at: at(1),
        signed_in_at: None,
    }
}

fn link(name: &str, until: i64) -> PasswordLink {
    PasswordLink { hash: format!("link of {name}"), expires_at: at(until) }
}

fn session(id: &str, origin: SessionOrigin, used: i64) -> SessionRecord {
    SessionRecord {
        id: id.to_owned(),
        hash: format!("hash of {id}"),
        name: "ann".to_owned(),
        role: Role::Support,
        origin,
        address: Some("10.0.0.1".to_owned()),
        begun_at: at(used),
        used_at: at(used),
        expires_at: None,
    }
}

fn of_ann() -> SessionOrigin {
    SessionOrigin::User("ann".to_owned())
}

async fn ids(bed: &Bed) -> Vec<String> {
    bed.sessions(None, 10).await.unwrap().into_iter().map(|session| session.id).collect()
}

/// And each change says who made it.
pub async fn a_user_sets_a_password_by_a_link_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for name in ["bob", "ann"] {
        assert_eq!(bed.add_user(&user(name), &operator(), at(1)).await, Ok(true));
    }
    assert_eq!(bed.add_user(&user("ann"), &operator(), at(1)).await, Ok(false), "there is one");
    assert_eq!(bed.users(None, 10).await.unwrap(), [user("ann"), user("bob")]);
    assert_eq!(bed.users(Some("ann"), 10).await.unwrap(), [user("bob")]);
    assert_eq!(bed.users(None, 1).await.unwrap(), [user("ann")]);
    assert_eq!(bed.user("ann").await.unwrap(), Some(user("ann")));
    assert_eq!(bed.user("Ann").await.unwrap(), None);
    assert_eq!(bed.user_of_link("link of ann").await.unwrap(), Some(user("ann")));
    assert_eq!(bed.user_of_link("link of eve").await.unwrap(), None);

    assert_eq!(bed.set_password("link of eve", "argon", &operator(), at(2)).await, Ok(false));
    assert_eq!(bed.set_password("link of bob", "argon", &operator(), at(600)).await, Ok(false), "late");
    assert_eq!(bed.set_password("link of ann", "argon", &operator(), at(599)).await, Ok(true));
    assert_eq!(bed.set_password("link of ann", "other", &operator(), at(599)).await, Ok(false), "once");
    let with_password = UserRecord { password_hash: Some("argon".into()), link: None, ..user("ann") };
    assert_eq!(bed.user("ann").await.unwrap(), Some(with_password.clone()));

    let role = UserChange::Role(Role::Viewer);
    let viewer = UserRecord { role: Role::Viewer, ..with_password.clone() };
    assert_eq!(bed.change_user("ann", &role, &operator(), at(700)).await.unwrap(), Some(viewer.clone()));
    assert_eq!(bed.change_user("eve", &role, &operator(), at(700)).await.unwrap(), None);
    let reset = UserChange::Reset(link("ann anew", 900));
    let after = UserRecord { password_hash: None, link: Some(link("ann anew", 900)), ..viewer };
    assert_eq!(bed.change_user("ann", &reset, &operator(), at(700)).await.unwrap(), Some(after));
    assert_eq!(bed.remove_user("ann", &operator(), at(800)).await, Ok(true));
    assert_eq!(bed.remove_user("ann", &operator(), at(800)).await, Ok(false));
    assert_eq!(bed.user("ann").await.unwrap(), None);

    let rows = bed.audit(&AuditFilter::default(), 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| format!("{} {}", row.entry.verb, row.entry.target)).collect();
    assert_eq!(
        told,
        [
            "remove-user user ann",
            "reset-password user ann",
            "set-role user ann",
            "set-password user ann",
            "add-user user ann",
            "add-user user bob"
        ]
    );
    let (before, after) = (rows[2].entry.before.as_deref(), rows[2].entry.after.as_deref());
    assert_eq!((before, after), (Some("support"), Some("viewer")));
}

/// By its hash, across a restart, till somebody ends it.
pub async fn a_session_reads_back_till_it_is_ended(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = session("a", SessionOrigin::Admin("of admin".into()), 1);
    let second =
        SessionRecord { expires_at: Some(at(50)), ..session("b", SessionOrigin::Oidc("of ann".into()), 2) };
    for one in [&first, &second] {
        assert_eq!(bed.begin_session(one, &operator(), at(2)).await, Ok(true));
    }
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.session("hash of a").await.unwrap(), Some(first.clone()));
    assert_eq!(bed.session("hash of c").await.unwrap(), None);
    assert_eq!(bed.sessions(None, 1).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(bed.sessions(Some("a"), 10).await.unwrap(), [second]);
    bed.note_session_used("a", at(9)).await.unwrap();
    bed.note_session_used("a", at(8)).await.unwrap();
    bed.note_session_used("c", at(9)).await.unwrap();
    assert_eq!(bed.session("hash of a").await.unwrap().unwrap().used_at, at(9), "the latest counts");
    assert_eq!(bed.end_session("a", &operator(), at(10)).await, Ok(true));
    assert_eq!(bed.end_session("a", &operator(), at(10)).await, Ok(false));
    assert_eq!(bed.session("hash of a").await.unwrap(), None);
    let rows = bed.audit(&AuditFilter::default(), 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| format!("{} {}", row.entry.verb, row.entry.target)).collect();
    assert_eq!(told, ["end-session session a", "sign-in session b", "sign-in session a"]);
}

/// A user's with the role, the password and the user; a token's with the token.
pub async fn a_session_ends_with_what_it_was_begun_with(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let of_token = || SessionOrigin::Token("t".to_owned());
    assert_eq!(bed.begin_session(&session("a", of_ann(), 1), &operator(), at(1)).await, Ok(false), "nobody");
    bed.add_user(&user("ann"), &operator(), at(1)).await.unwrap();
    assert_eq!(
        bed.begin_session(&session("a", of_ann(), 1), &operator(), at(1)).await,
        Ok(false),
        "no password"
    );
    assert_eq!(
        bed.begin_session(&session("t", of_token(), 1), &operator(), at(1)).await,
        Ok(false),
        "no token"
    );
    let token = TokenRecord {
        id: "t".to_owned(),
        name: "ann".to_owned(),
        role: Role::Support,
        hash: "hash of t".to_owned(),
        created_at: at(1),
        expires_at: None,
        last_used: None,
    };
    bed.add_token(&token, &operator(), at(1)).await.unwrap();
    assert_eq!(bed.begin_session(&session("t", of_token(), 1), &operator(), at(1)).await, Ok(true));

    let ends: [&[UserChange]; 3] = [
        &[UserChange::Role(Role::Viewer), UserChange::Role(Role::Support)],
        &[UserChange::Reset(link("x", 600))],
        &[],
    ];
    for changes in ends {
        let reset = UserChange::Reset(link("ann", 600));
        bed.change_user("ann", &reset, &operator(), at(2)).await.unwrap();
        assert_eq!(bed.set_password("link of ann", "argon", &operator(), at(3)).await, Ok(true));
        assert_eq!(bed.begin_session(&session("a", of_ann(), 4), &operator(), at(4)).await, Ok(true));
        assert_eq!(bed.user("ann").await.unwrap().unwrap().signed_in_at, Some(at(4)));
        assert_eq!(ids(&bed).await, ["a", "t"]);
        for change in changes {
            bed.change_user("ann", change, &operator(), at(5)).await.unwrap();
        }
        if changes.is_empty() {
            assert_eq!(bed.remove_user("ann", &operator(), at(5)).await, Ok(true));
        }
        assert_eq!(ids(&bed).await, ["t"], "{changes:?}");
    }
    bed.revoke_token("t", &operator(), at(6)).await.unwrap();
    assert_eq!(ids(&bed).await, Vec::<String>::new());
}

/// Those that are over go first, then those that were not used for longest.
pub async fn users_and_sessions_are_bounded(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let origin = || SessionOrigin::Admin("of admin".to_owned());
    let begin = async |id: String, used: i64| {
        let session = session(&id, origin(), used);
        assert_eq!(bed.begin_session(&session, &operator(), at(used)).await, Ok(true));
    };
    for number in 0..MOST_SESSIONS {
        begin(format!("s{number:04}"), i64::try_from(number).unwrap()).await;
    }
    begin("t".to_owned(), 2000).await;
    let is_there = async |id: &str| bed.session(&format!("hash of {id}")).await.unwrap().is_some();
    assert!(!is_there("s0000").await && is_there("s0001").await && is_there("t").await);
    let later = at(998) + SESSION_IDLE;
    let last = SessionRecord { used_at: later, begun_at: later, ..session("u", origin(), 0) };
    bed.begin_session(&last, &operator(), later).await.unwrap();
    assert_eq!(ids(&bed).await, ["s0999", "t", "u"], "the others are over");
    assert!(last.is_over(later + SignedDuration::from_hours(8)));

    for number in 0..MOST_USERS {
        let name = format!("u{number}");
        assert_eq!(bed.add_user(&user(&name), &operator(), at(1)).await, Ok(true));
    }
    assert_eq!(bed.add_user(&user("more"), &operator(), at(1)).await, Ok(false));
    assert_eq!(bed.remove_user("u7", &operator(), at(2)).await, Ok(true));
    assert_eq!(bed.add_user(&user("more"), &operator(), at(3)).await, Ok(true));
}
