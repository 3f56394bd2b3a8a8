//! Provisioning.

use std::time::Duration;

use mm7::{Dialect, MmStatus, Namespace, StatusCode, dialect::Statuses};
use posthouse_core::{
    account::{
        Account, AccountName, AccountStatus, Callbacks, OwnCredentials, Service, ShownCredentials,
        SubmitMode, Throughput, VaspKey,
    },
    actor::{Actor, Credential, Role},
    address::Msisdn,
    carrier::{Carrier, CarrierId, Connection, Inbound, OnUnknown},
    provisioning::{
        Blacklisted, Change, DialectName, Lookup, LookupProvider, Prefix, Provisioning, Range,
        revision::{ProvisionedThing, Revised, Revision},
    },
    store::StoreError,
    tls::{Identity, PeerTls},
    url::PeerUrl,
    vocabulary::Vocabulary,
};

use super::{
    Backend,
    bed::{Bed, at, operator},
};

fn account(name: &str) -> Account {
    Account {
        name: AccountName(name.into()),
        vaspid: VaspKey { hash: "ab".repeat(32), prefix: "acme".into() },
        status: AccountStatus::Active,
        mm7: true,
        basic_auth: Some(ShownCredentials { username: "u".into(), password_hash: "$argon2id$".into() }),
        further_keys: Vec::new(),
        allowed_ips: vec!["127.0.0.0/8".parse().unwrap()],
        client_certs: vec!["cn:Acme Ltd".parse().unwrap()],
        require_tls: false,
        dialect: DialectName::new(Dialect::POSTHOUSE),
        statuses: Some(Statuses::ThreeGpp),
        must_understand: false,
        read_replies: true,
        submit_mode: SubmitMode::Relay,
        relay_timeout: Duration::from_millis(1500),
        require_carrier_id: true,
        max_message_bytes: 1 << 20,
        throughput: Some(Throughput { per_second: 100, burst: 200 }),
        callbacks: Callbacks { report_url: Some(url("http://127.0.0.1:9001/")), ..Callbacks::default() },
        services: vec![Service {
            vasid: "61295".into(),
            senders: vec!["111122".into()],
            carriers: Some(vec![CarrierId("31003".into())]),
            default: true,
        }],
    }
}

fn carrier(id: &str) -> Carrier {
    Carrier {
        id: CarrierId(id.into()),
        aliases: vec!["0001890".into()],
        name: "Verizon Wireless US".into(),
        max_message_bytes: 1 << 20,
        content_types: vec!["image/*".into()],
        report_timeout: Duration::from_secs(72 * 3600),
        on_unknown: OnUnknown::Park,
        connections: vec![Connection {
            name: "vzw-1".into(),
            url: url("http://127.0.0.1:9101/mm7"),
            vaspid: Some("posthouse".into()),
            vasid: None,
            basic_auth: Some(OwnCredentials { username: "u".into(), password: "p".into() }),
            dialect: DialectName::new(Dialect::THREE_GPP),
            timeout: Duration::from_secs(10),
            per_second: Some(50),
            window: 16,
            priority: 2,
            weight: 3,
            namespace: Some(Namespace::Rel5(2)),
            version: None,
            tls: Some(PeerTls {
                ca: Some("a CA".into()),
                identity: Some(Identity { cert: "a certificate".into(), key: "its key".into() }),
            }),
        }],
        inbound: Inbound { dialect: Some(DialectName::new(Dialect::SINCH)), ..Inbound::default() },
        vocabulary: Vocabulary {
            statuses: [("DELIVRD".into(), MmStatus::Retrieved)].into(),
            codes: [(4030, StatusCode::ServiceUnavailable)].into(),
        },
    }
}

fn url(text: &str) -> PeerUrl {
    PeerUrl::parse(text.into()).unwrap()
}

fn prefix(digits: &str) -> Prefix {
    Prefix::parse(digits).unwrap()
}

fn range(digits: &str, carrier: &str) -> Range {
    Range { prefix: prefix(digits), carrier: CarrierId(carrier.into()) }
}

fn blacklisted(number: &str, account: Option<&str>) -> Blacklisted {
    Blacklisted {
        number: Msisdn::parse(number, false).unwrap(),
        account: account.map(|name| AccountName(name.into())),
    }
}

fn put_account(name: &str) -> Change {
    Change::PutAccount(Box::new(account(name)))
}

/// Revision 0.
pub async fn a_new_store_has_nothing_provisioned(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.provisioning().await, Ok(Provisioning::default()));
    assert_eq!(bed.revision().await, Ok(0));
}

/// All of it, at one revision.
pub async fn changes_read_back_sorted_by_key(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let lookup = Lookup { provider: LookupProvider::Http, ..Lookup::default() };
    let changes = [
        put_account("globex"),
        put_account("acme"),
        Change::PutCarrier(Box::new(carrier("31003"))),
        Change::PutCarrier(Box::new(carrier("031003"))),
        Change::SetLookup(Some(lookup.clone())),
        Change::PutRange(range("1617", "31003")),
        Change::PutRange(range("161", "031003")),
        Change::PutBlacklisted(blacklisted("16175550199", Some("acme"))),
        Change::PutBlacklisted(blacklisted("16175550199", None)),
    ];
    assert_eq!(bed.change(&changes, None, &operator(), at(0)).await, Ok(1));
    let expected = Provisioning {
        revision: 1,
        accounts: vec![account("acme"), account("globex")],
        carriers: vec![carrier("031003"), carrier("31003")],
        lookup: Some(lookup),
        ranges: vec![range("161", "031003"), range("1617", "31003")],
        blacklist: vec![blacklisted("16175550199", None), blacklisted("16175550199", Some("acme"))],
    };
    assert_eq!(bed.provisioning().await, Ok(expected));
}

/// What has the same key is replaced; what is not there is no error.
pub async fn a_put_replaces_and_a_remove_removes(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.change(&[put_account("acme"), Change::PutRange(range("1617", "31003"))], None, &operator(), at(0))
        .await
        .unwrap();
    let disabled = Account { status: AccountStatus::Disabled, ..account("acme") };
    let changes = [
        Change::PutAccount(Box::new(disabled.clone())),
        Change::PutRange(range("1617", "31002")),
        Change::PutBlacklisted(blacklisted("16175550199", None)),
        Change::RemoveBlacklisted(blacklisted("16175550199", Some("acme"))),
        Change::RemoveCarrier(CarrierId("nobody".into())),
        Change::SetLookup(None),
    ];
    assert_eq!(bed.change(&changes, None, &operator(), at(0)).await, Ok(2));
    let provisioning = bed.provisioning().await.unwrap();
    assert_eq!(provisioning.accounts, [disabled]);
    assert_eq!(provisioning.ranges, [range("1617", "31002")]);
    assert_eq!(provisioning.blacklist, [blacklisted("16175550199", None)]);
    let removals = [
        Change::RemoveAccount(AccountName("acme".into())),
        Change::RemoveRange(prefix("1617")),
        Change::RemoveBlacklisted(blacklisted("16175550199", None)),
    ];
    assert_eq!(bed.change(&removals, None, &operator(), at(0)).await, Ok(3));
    assert_eq!(bed.provisioning().await, Ok(Provisioning { revision: 3, ..Provisioning::default() }));
}

/// As many as there are, in whatever order they come; the last of one key counts.
pub async fn thousands_of_changes_are_one_change(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let number = |number: usize| format!("1617{number:07}");
    let ranges = (0..1003).map(|prefix| Change::PutRange(range(&format!("1{prefix:04}"), "31003")));
    let again = (0..1003).step_by(2).map(|prefix| Change::PutRange(range(&format!("1{prefix:04}"), "31002")));
    let listed = (0..777).map(|entry| Change::PutBlacklisted(blacklisted(&number(entry), Some("acme"))));
    let gone =
        (0..777).step_by(3).map(|entry| Change::RemoveBlacklisted(blacklisted(&number(entry), Some("acme"))));
    let twice = [range("3", "31002"), range("3", "31003")].map(Change::PutRange);
    let changes: Vec<_> =
        ranges.chain(listed).chain(again).chain([put_account("acme")]).chain(gone).chain(twice).collect();
    assert_eq!(bed.change(&changes, None, &operator(), at(0)).await, Ok(1));
    let provisioning = bed.provisioning().await.unwrap();
    let carrier = |prefix: usize| if prefix.is_multiple_of(2) { "31002" } else { "31003" };
    let ranges = (0..1003).map(|prefix| range(&format!("1{prefix:04}"), carrier(prefix)));
    assert_eq!(provisioning.ranges, ranges.chain([range("3", "31003")]).collect::<Vec<_>>());
    let left = (0..777_usize)
        .filter(|entry| !entry.is_multiple_of(3))
        .map(|entry| blacklisted(&number(entry), Some("acme")));
    assert_eq!(provisioning.blacklist, left.collect::<Vec<_>>());
}

/// Somebody else was faster.
pub async fn an_unexpected_revision_changes_nothing(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.change(&[put_account("acme")], Some(0), &operator(), at(0)).await, Ok(1));
    let stale = bed.change(&[put_account("globex")], Some(0), &operator(), at(0)).await;
    assert_eq!(stale, Err(StoreError::RevisionMoved { expected: 0, found: 1 }));
    assert_eq!(bed.change(&[], Some(1), &operator(), at(0)).await, Ok(1), "nothing to do is no change");
    let provisioning = bed.provisioning().await.unwrap();
    assert_eq!((provisioning.revision, provisioning.accounts.len()), (1, 1));
}

/// What is hashed under it has to be found again.
pub async fn the_key_stays_the_same(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let key = bed.key().await.unwrap();
    assert_ne!(key, [0; 32]);
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.key().await, Ok(key));
}

/// Who changed what, the newest first.
pub async fn a_change_is_kept_as_a_revision(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let actor = |name: &str, reason: &str| Actor::new(name, Role::Admin, Credential::Run).because(reason);
    let first = actor("ann", "");
    bed.change(&[put_account("acme"), Change::PutRange(range("1617", "31003"))], None, &first, at(1))
        .await
        .unwrap();
    let second = actor("ben", "they asked for it");
    let changed = Account { status: AccountStatus::Disabled, ..account("acme") };
    let changes = [
        Change::PutAccount(Box::new(changed.clone())),
        Change::PutRange(range("1617", "31003")),
        Change::PutBlacklisted(blacklisted("16175550199", None)),
    ];
    bed.change(&changes, Some(1), &second, at(2)).await.unwrap();
    let bed = bed.reopen(backend).await;
    let kept = bed.revisions(None, 10).await.unwrap();
    let expected = [
        Revision {
            number: 2,
            at: at(2),
            actor: "ben".into(),
            reason: Some("they asked for it".into()),
            summary: "change account acme, create blacklist +1617•••0199".into(),
            things: 2,
        },
        Revision {
            number: 1,
            at: at(1),
            actor: "ann".into(),
            reason: None,
            summary: "create account acme, create range 1617".into(),
            things: 2,
        },
    ];
    assert_eq!(kept, expected);
    assert_eq!(bed.revisions(Some(2), 10).await.unwrap(), kept[1..]);
    assert_eq!(bed.revisions(None, 1).await.unwrap(), kept[..1]);
    assert_eq!(bed.oldest_revision().await, Ok(Some(1)));
    let of_account = Revised {
        before: Some(ProvisionedThing::Account(Box::new(account("acme")))),
        after: Some(ProvisionedThing::Account(Box::new(changed))),
    };
    let of_number =
        Revised { before: None, after: Some(ProvisionedThing::Blacklist(blacklisted("16175550199", None))) };
    assert_eq!(bed.revised(2).await, Ok(Some(vec![of_account, of_number])));
    assert_eq!(bed.revised(3).await, Ok(None));
}

/// Made and taken back, all is as it was.
pub async fn a_revision_can_be_taken_back(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let lookup = Lookup { provider: LookupProvider::Http, ..Lookup::default() };
    let before = [
        put_account("acme"),
        Change::PutCarrier(Box::new(carrier("31003"))),
        Change::PutRange(range("1617", "31003")),
        Change::PutBlacklisted(blacklisted("16175550199", Some("acme"))),
    ];
    bed.change(&before, None, &operator(), at(0)).await.unwrap();
    let was = bed.provisioning().await.unwrap();
    let changes = [
        Change::RemoveAccount(AccountName("acme".into())),
        Change::RemoveCarrier(CarrierId("31003".into())),
        put_account("globex"),
        Change::SetLookup(Some(lookup)),
        Change::RemoveRange(prefix("1617")),
        Change::PutRange(range("44", "31002")),
        Change::RemoveBlacklisted(blacklisted("16175550199", Some("acme"))),
        Change::PutBlacklisted(blacklisted("16175550198", None)),
    ];
    bed.change(&changes, None, &operator(), at(0)).await.unwrap();
    let revised = bed.revised(2).await.unwrap().unwrap();
    assert_eq!(revised.len(), 8);
    let back: Vec<_> = revised.into_iter().filter_map(|one| one.back().change()).collect();
    assert_eq!(bed.change(&back, Some(2), &operator(), at(0)).await, Ok(3));
    assert_eq!(bed.provisioning().await, Ok(Provisioning { revision: 3, ..was }));
}

/// However many things one change has, each is kept once; nothing that it asks for and is there already is.
pub async fn a_revision_of_thousands_is_whole(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let entry = |number: usize| blacklisted(&format!("1617{number:07}"), None);
    let some: Vec<_> = (0..500).map(|number| Change::PutBlacklisted(entry(number))).collect();
    bed.change(&some, None, &operator(), at(0)).await.unwrap();
    let all: Vec<_> = (0..2000).map(|number| Change::PutBlacklisted(entry(number))).collect();
    bed.change(&all, None, &operator(), at(0)).await.unwrap();
    let revised = bed.revised(2).await.unwrap().unwrap();
    let came: Vec<_> = revised.into_iter().filter_map(|one| one.after).collect();
    let expected: Vec<_> = (500..2000).map(|number| ProvisionedThing::Blacklist(entry(number))).collect();
    assert_eq!(came, expected);
}

/// The oldest go, a few at a time.
pub async fn revisions_are_bounded(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for number in 0..1003_usize {
        let carrier = if number.is_multiple_of(2) { "31002" } else { "31003" };
        bed.change(&[Change::PutRange(range("1617", carrier))], None, &operator(), at(0)).await.unwrap();
    }
    assert_eq!(bed.oldest_revision().await, Ok(Some(4)));
    assert_eq!(bed.revised(3).await, Ok(None));
    assert_eq!(bed.revisions(None, 2000).await.unwrap().len(), 1000);
}

/// One that did not come about is not kept.
pub async fn a_refused_change_is_no_revision(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert!(bed.change(&[put_account("acme")], Some(7), &operator(), at(0)).await.is_err());
    assert_eq!(bed.revisions(None, 10).await, Ok(vec![]));
    assert_eq!(bed.oldest_revision().await, Ok(None));
}

/// Numbers by pages, in order, and the rest without them.
pub async fn numbers_are_read_a_page_at_a_time(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let entries = [
        blacklisted("16175550198", None),
        blacklisted("16175550199", None),
        blacklisted("16175550199", Some("acme")),
        blacklisted("16175550199", Some("globex")),
    ];
    let ranges = [range("1", "31002"), range("16", "31003"), range("1617", "31003"), range("2", "31002")];
    let changes: Vec<_> = entries
        .iter()
        .rev()
        .cloned()
        .map(Change::PutBlacklisted)
        .chain(ranges.iter().cloned().map(Change::PutRange))
        .chain([put_account("acme"), Change::PutCarrier(Box::new(carrier("31003")))])
        .collect();
    bed.change(&changes, None, &operator(), at(0)).await.unwrap();
    let rest = bed.without_numbers().await.unwrap();
    assert_eq!((rest.revision, rest.accounts.len(), rest.carriers.len()), (1, 1, 1));
    assert_eq!((rest.ranges, rest.blacklist), (vec![], vec![]));
    assert_eq!(bed.blacklisted(&entries[1].number).await.unwrap(), entries[1..]);
    assert_eq!(bed.blacklisted(&Msisdn::parse("16175550100", false).unwrap()).await, Ok(vec![]));
    assert_eq!(bed.blacklist(None, 2).await.unwrap(), entries[..2]);
    assert_eq!(bed.blacklist(Some(&entries[1]), 2).await.unwrap(), entries[2..]);
    assert_eq!(bed.blacklist(Some(&entries[3]), 2).await, Ok(vec![]));
    assert_eq!(bed.ranges(None, 3).await.unwrap(), ranges[..3]);
    assert_eq!(bed.ranges(Some(&ranges[2].prefix), 3).await.unwrap(), ranges[3..]);
}
