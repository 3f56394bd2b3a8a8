//! What operators decide about connections for a while.

use posthouse_core::{
    audit::AuditFilter,
    carrier::CarrierId,
    overrides::{ConnectionOverride, OverrideKind, OverrideSetting},
};

use super::{
    Backend,
    bed::{Bed, at, operator},
};

fn of(connection: &str, setting: OverrideSetting, until: Option<i64>) -> ConnectionOverride {
    ConnectionOverride {
        carrier: CarrierId("31003".to_owned()),
        connection: connection.to_owned(),
        setting,
        since: at(1),
        until: until.map(at),
        by: "ann".to_owned(),
        reason: "their maintenance".to_owned(),
    }
}

/// One of each kind, the later in place of the earlier; each change says who made it.
pub async fn overrides_read_back_till_they_are_lifted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let suspended = of("vzw-1", OverrideSetting::Suspended, None);
    let limit = |window| OverrideSetting::Limited { window: Some(window), per_second: None };
    let (wide, narrow) = (of("vzw-1", limit(8), None), of("vzw-1", limit(2), Some(50)));
    let other = of("vzw-2", OverrideSetting::Limited { window: None, per_second: Some(7) }, None);
    for one in [&other, &wide, &suspended, &narrow] {
        bed.put_override(one, &operator(), at(1)).await.unwrap();
    }
    assert_eq!(bed.overrides(at(2)).await.unwrap(), [narrow, suspended.clone(), other.clone()]);

    let id = CarrierId("31003".to_owned());
    let lift = async |connection: &str| {
        bed.lift_override(&id, connection, OverrideKind::Suspend, &operator(), at(3)).await.unwrap()
    };
    assert!(lift("vzw-1").await);
    assert!(!lift("vzw-1").await, "it is lifted");
    assert!(!lift("vzw-2").await, "it never was suspended");
    assert!(bed.lift_override(&id, "vzw-1", OverrideKind::Limit, &operator(), at(3)).await.unwrap());
    assert_eq!(bed.overrides(at(4)).await.unwrap(), [other]);
    let rows = bed.audit(&AuditFilter::default(), 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| format!("{} {}", row.entry.verb, row.entry.target)).collect();
    assert_eq!(
        told,
        [
            "lift-limit connection vzw-1 of 31003",
            "resume-connection connection vzw-1 of 31003",
            "limit-connection connection vzw-1 of 31003",
            "suspend-connection connection vzw-1 of 31003",
            "limit-connection connection vzw-1 of 31003",
            "limit-connection connection vzw-2 of 31003",
        ]
    );
    assert_eq!(rows[2].entry.before.as_deref(), Some("limited to window 8"));
}

/// At their time, whoever looks; and a store that is opened again has those that are not over.
pub async fn overrides_end_at_their_time(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (short, long) = (
        of("vzw-1", OverrideSetting::Suspended, Some(50)),
        of("vzw-2", OverrideSetting::Suspended, Some(60)),
    );
    for one in [&short, &long] {
        bed.put_override(one, &operator(), at(1)).await.unwrap();
    }
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.overrides(at(49)).await.unwrap(), [short.clone(), long.clone()]);
    assert_eq!(bed.overrides(at(50)).await.unwrap(), [long]);
    let id = CarrierId("31003".to_owned());
    let lifted = bed.lift_override(&id, "vzw-1", OverrideKind::Suspend, &operator(), at(50)).await;
    assert_eq!(lifted, Ok(false), "it was over");
}
