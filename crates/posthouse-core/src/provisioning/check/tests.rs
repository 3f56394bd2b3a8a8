//! A tree of another format than TOML, with pointers for spots: the same rules, and the same words.
//! What files may say is tested beside their reader, in the gateway.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::provisioning::{
    account::Callbacks,
    tree::{NothingOutside, TreeNode, Value},
};

/// JSON as a tree.
fn node(pointer: &str, value: &serde_json::Value) -> TreeNode<'static> {
    use serde_json::Value as Json;
    let value = match value {
        Json::Null => Value::Other("null"),
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => number.as_u64().map_or(Value::Other("a fraction"), Value::Number),
        Json::String(text) => Value::Text(text.clone().into()),
        Json::Array(values) => {
            let nodes = values.iter().enumerate().map(|(at, value)| node(&format!("{pointer}/{at}"), value));
            Value::List(nodes.collect())
        }
        Json::Object(_) => Value::Table(entries(pointer, value)),
    };
    TreeNode { spot: Spot::Pointer(Arc::from(pointer)), value }
}

fn entries(pointer: &str, value: &serde_json::Value) -> Entries<'static> {
    let object = value.as_object().unwrap().iter();
    object.map(|(key, value)| (key.clone().into(), node(&format!("{pointer}/{key}"), value))).collect()
}

/// Hashes nothing.
struct Plain;

impl Secrets for Plain {
    fn vasp_key(&self, vaspid: &str) -> VaspKey {
        VaspKey { hash: format!("hash of {vaspid}"), prefix: VaspKey::prefix_of(vaspid) }
    }

    fn hash_password(&self, password: &str) -> Result<String, String> {
        Ok(format!("hash of {password}"))
    }

    fn is_password(&self, password_hash: &str, password: &str) -> bool {
        password_hash.strip_prefix("hash of ") == Some(password)
    }
}

impl Certificates for Plain {
    fn text(&self, written: &str) -> Result<String, Mistake> {
        Ok(written.to_owned())
    }

    fn check(&self, tls: &PeerTls) -> Result<(), (&'static str, Mistake)> {
        tls.ca.as_ref().map_or(Ok(()), |ca| if ca == "bad" { Err(("ca", "is bad".into())) } else { Ok(()) })
    }
}

fn checked(declared: &serde_json::Value) -> Result<Declared, Problems> {
    let reader = Reader::new(&NothingOutside, &[]);
    let ports = Ports { secrets: &Plain, certificates: &Plain };
    let current = Provisioning::default();
    check(
        &reader,
        (entries("", declared), Spot::Pointer(Arc::from(""))),
        ports,
        Ground { current: &current, prune: false },
    )
}

#[test]
fn a_tree_without_lines_declares_the_same() {
    let declared = checked(&json!({
        "account": [{
            "name": "acme",
            "vaspid": "acme-api-key",
            "basic_auth": {"username": "u", "password": "s3cret"},
            "callbacks": {"report_url": "http://127.0.0.1:9001/", "tls": {"ca": "a CA"}},
        }],
        "carrier": [{"id": "31003", "code_map": {"4030": 4006}}],
        "range": [{"prefix": "1617", "carrier": "31003"}],
    }));
    let Declared { accounts, carriers, ranges, .. } = declared.unwrap();
    let [account] = &accounts[..] else { panic!("{accounts:?}") };
    assert_eq!(account.vaspid, VaspKey { hash: "hash of acme-api-key".into(), prefix: "acme".into() });
    assert_eq!(account.basic_auth.as_ref().unwrap().password_hash, "hash of s3cret");
    let Callbacks { report_url, tls, .. } = &account.callbacks;
    assert_eq!(report_url.as_ref().unwrap().as_str(), "http://127.0.0.1:9001/");
    assert_eq!(tls.as_ref().unwrap().ca.as_deref(), Some("a CA"));
    assert_eq!(carriers[0].vocabulary.codes.keys().collect::<Vec<_>>(), [&4030]);
    assert_eq!(ranges[0].prefix.as_str(), "1617");
}

#[test]
fn each_problem_has_the_pointer_to_its_value() {
    let problems = checked(&json!({
        "account": [
            {"name": "acme", "vaspid": "k", "max_message_bytes": -1},
            {"name": "acme", "vaspid": {"env": "HOME"}, "service": [{"vasid": "1", "senders": ["1", "a b"]}]},
        ],
        "carrier": [{"id": "1", "connection": [{"name": "c", "url": "h", "tls": {"ca": "bad"}}], "nam": 1}],
        "range": [{"prefix": "1", "carrier": "11"}, {"carrier": "1"}],
        "lookup": {"ported": "/etc/passwd"},
    }));
    let told: Vec<_> = problems
        .unwrap_err()
        .0
        .into_iter()
        .map(|problem| (problem.spot.to_string(), problem.what.to_string()))
        .collect();
    let expected = [
        (
            "/account/0/max_message_bytes",
            "account.max_message_bytes takes a whole number, 0 or more, not a fraction",
        ),
        ("/account/1/name", "account.name: \"acme\" is there twice, first at /account/0/name; keep one"),
        ("/account/1/vaspid", "account.vaspid takes a text in quotes, not a table"),
        (
            "/account/1/service/0/senders/1",
            "account.service.senders: \"a b\" is no sender address; write a short code or a number, such as \"111122\"",
        ),
        (
            "/carrier/0/connection/0/url",
            "carrier.connection.url is no http:// or https:// URL; write one such as \"http://127.0.0.1:9001/reports\"",
        ),
        ("/carrier/0/connection/0/tls/ca", "carrier.connection.tls.ca: it is bad"),
        ("/carrier/0/nam", "unknown key carrier.nam; did you mean name?"),
        (
            "/lookup/ported",
            "lookup.ported: \"/etc/passwd\" names a file, which cannot be done here; leave it out",
        ),
        ("/range/1", "range.prefix is missing; add prefix = \"1617\""),
        (
            "/range/0/carrier",
            "range.carrier: \"11\" is no carrier of this file or the store; declare it, or mend the name",
        ),
    ];
    assert_eq!(told, expected.map(|(spot, what)| (spot.to_owned(), what.to_owned())));
}
