//! Tokens of principals.

use posthouse_core::{
    account::AccountName,
    actor::Role,
    audit::AuditFilter,
    token::{MOST_TOKENS, TokenRecord},
};

use super::{
    Backend,
    bed::{Bed, at, operator},
};

fn token(id: &str, role: Role) -> TokenRecord {
    TokenRecord {
        id: id.to_owned(),
        name: format!("{id} of somebody"),
        role,
        hash: format!("hash of {id}"),
        created_at: at(1),
        expires_at: Some(at(100)),
        last_used: None,
    }
}

/// By its hash, and in the list; and each change says who made it.
pub async fn a_token_reads_back_till_it_is_revoked(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (viewer, acme) = (token("b", Role::Viewer), token("a", Role::Vasp(AccountName("acme".into()))));
    for one in [&viewer, &acme] {
        assert_eq!(bed.add_token(one, &operator(), at(1)).await, Ok(true));
    }
    assert_eq!(bed.add_token(&viewer, &operator(), at(1)).await, Ok(false), "it is there");
    assert_eq!(bed.tokens(None, 10).await.unwrap(), [acme.clone(), viewer.clone()]);
    assert_eq!(bed.tokens(Some("a"), 10).await.unwrap(), std::slice::from_ref(&viewer));
    assert_eq!(bed.tokens(None, 1).await.unwrap(), std::slice::from_ref(&acme));
    assert_eq!(bed.token("hash of b").await.unwrap(), Some(viewer.clone()));
    assert_eq!(bed.token("hash of c").await.unwrap(), None);

    bed.note_token_used("b", at(7)).await.unwrap();
    let used = TokenRecord { last_used: Some(at(7)), ..viewer };
    assert_eq!(bed.token("hash of b").await.unwrap(), Some(used));

    assert_eq!(bed.revoke_token("b", &operator(), at(8)).await, Ok(true));
    assert_eq!(bed.revoke_token("b", &operator(), at(8)).await, Ok(false));
    assert_eq!(bed.token("hash of b").await.unwrap(), None);
    bed.note_token_used("b", at(9)).await.unwrap();
    let rows = bed.audit(&AuditFilter::default(), 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| format!("{} {}", row.entry.verb, row.entry.target)).collect();
    assert_eq!(told, ["revoke-token token b", "add-token token a", "add-token token b"]);
    assert_eq!(rows[0].entry.before.as_deref(), Some("b of somebody: viewer"));
}

/// Whoever makes them.
pub async fn tokens_are_bounded(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for number in 0..MOST_TOKENS {
        let added = bed.add_token(&token(&format!("t{number}"), Role::Viewer), &operator(), at(1)).await;
        assert_eq!(added, Ok(true));
    }
    assert_eq!(bed.add_token(&token("more", Role::Viewer), &operator(), at(1)).await, Ok(false));
    assert_eq!(bed.revoke_token("t7", &operator(), at(2)).await, Ok(true));
    assert_eq!(bed.add_token(&token("more", Role::Viewer), &operator(), at(3)).await, Ok(true));
}
