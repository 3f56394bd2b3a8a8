//! A tree that says only what is to change, completed by what is provisioned: what is left out stays.
//!
//! Of an account or carrier that is there, and of the lookup, what the tree does not say is as it is, secrets included. Services and
//! connections are found by their names, and those that are not named stay. Lists are replaced as a whole.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Provisioning,
    export::{self, KEPT},
    tree::{Entries, NOTHING, Spot, TreeNode, Value},
};

/// Lists of tables, and what their tables are found by.
const NAMED: [(&str, &str); 3] = [("service", "vasid"), ("connection", "name"), ("key", "id")];

/// Completes what a tree says of accounts, carriers and the lookup. What is not there yet stays as it is written.
pub fn complete<'t>(tree: Entries<'t>, current: &Provisioning) -> Entries<'t> {
    let accounts: HashMap<&str, _> =
        current.accounts.iter().map(|account| (account.name.0.as_str(), account)).collect();
    let carriers: HashMap<&str, _> =
        current.carriers.iter().map(|carrier| (carrier.id.as_str(), carrier)).collect();
    let account = |name: &str| accounts.get(name).map(|account| export::account(account));
    let carrier = |id: &str| carriers.get(id).map(|carrier| export::carrier(carrier));
    let complete = |(key, TreeNode { spot, value }): (Cow<'t, str>, TreeNode<'t>)| {
        let value = match (key.as_ref(), value) {
            ("account", Value::List(nodes)) => Value::List(each(nodes, "name", account)),
            ("carrier", Value::List(nodes)) => Value::List(each(nodes, "id", carrier)),
            ("lookup", Value::Table(said)) => match &current.lookup {
                Some(lookup) => Value::Table(merge(export::lookup(lookup), said, &spot)),
                None => Value::Table(said),
            },
            (_, value) => value,
        };
        (key, TreeNode { spot, value })
    };
    tree.into_iter().map(complete).collect()
}

fn each<'t>(
    nodes: Vec<TreeNode<'t>>,
    key: &str,
    find: impl Fn(&str) -> Option<Entries<'static>>,
) -> Vec<TreeNode<'t>> {
    let complete = |TreeNode { spot, value }: TreeNode<'t>| {
        let Value::Table(said) = value else { return TreeNode { spot, value } };
        let stored = named(&said, key).and_then(&find);
        let said = match stored {
            Some(stored) => merge(stored, said, &spot),
            None => said,
        };
        TreeNode { spot, value: Value::Table(said) }
    };
    nodes.into_iter().map(complete).collect()
}

fn named<'e>(entries: &'e Entries<'_>, key: &str) -> Option<&'e str> {
    match &entries.iter().find(|(found, _)| found == key)?.1.value {
        Value::Text(name) => Some(name),
        _ => None,
    }
}

/// What is said counts, and what is not said is as it was. [`NOTHING`] takes a key away.
pub fn merge<'t>(was: Entries<'t>, said: Entries<'t>, spot: &Spot) -> Entries<'t> {
    let mut merged = placed(was, spot);
    for (key, node) in said {
        let place = merged.iter().position(|(found, _)| *found == key);
        if node.value == Value::Other(NOTHING) {
            place.map(|place| merged.remove(place));
            continue;
        }
        let Some((_, old)) = place.and_then(|place| merged.get_mut(place)) else {
            merged.push((key, node));
            continue;
        };
        let was = std::mem::replace(&mut old.value, Value::Flag(false));
        *old = TreeNode { value: both(&key, was, node.value, &node.spot), spot: node.spot };
    }
    merged
}

fn both<'t>(key: &str, was: Value<'t>, said: Value<'t>, spot: &Spot) -> Value<'t> {
    match (was, said) {
        (Value::Table(was), Value::Table(said))
            if !stands_for_another(&was) && !stands_for_another(&said) =>
        {
            Value::Table(merge(was, said, spot))
        }
        (Value::List(was), Value::List(said)) => match NAMED.iter().find(|(list, _)| *list == key) {
            Some((_, name)) => Value::List(by_name(was, said, name)),
            None => Value::List(said),
        },
        (_, said) => said,
    }
}

/// Whether a table is another value: `{ env = "NAME" }`, `{ file = "path" }`, `{ kept = true }`.
fn stands_for_another(entries: &Entries<'_>) -> bool {
    matches!(entries.as_slice(), [(key, _)] if ["env", "file", KEPT].contains(&key.as_ref()))
}

fn by_name<'t>(was: Vec<TreeNode<'t>>, said: Vec<TreeNode<'t>>, key: &str) -> Vec<TreeNode<'t>> {
    let mut all = was;
    for node in said {
        let name = |node: &TreeNode<'t>| match &node.value {
            Value::Table(entries) => named(entries, key).map(str::to_owned),
            _ => None,
        };
        let same = name(&node)
            .and_then(|name_of_it| all.iter_mut().find(|old| name(old) == Some(name_of_it.clone())));
        match same {
            Some(old) => {
                let was = std::mem::replace(&mut old.value, Value::Flag(false));
                *old = TreeNode { value: both(key, was, node.value, &node.spot), spot: node.spot };
            }
            None => all.push(node),
        }
    }
    all
}

/// What was there, as if it stood where it is completed: a mistake is told there.
fn placed<'t>(entries: Entries<'t>, spot: &Spot) -> Entries<'t> {
    let place = |(key, node): (Cow<'t, str>, TreeNode<'t>)| (key, placed_node(node, spot));
    entries.into_iter().map(place).collect()
}

fn placed_node<'t>(node: TreeNode<'t>, spot: &Spot) -> TreeNode<'t> {
    let value = match node.value {
        Value::Table(entries) => Value::Table(placed(entries, spot)),
        Value::List(nodes) => Value::List(nodes.into_iter().map(|node| placed_node(node, spot)).collect()),
        value => value,
    };
    TreeNode { spot: spot.clone(), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(value: Value<'static>) -> TreeNode<'static> {
        TreeNode { spot: Spot::Line(7), value }
    }

    fn text(value: &'static str) -> Value<'static> {
        Value::Text(value.into())
    }

    fn table(entries: Vec<(&'static str, Value<'static>)>) -> Value<'static> {
        Value::Table(entries.into_iter().map(|(key, value)| (key.into(), node(value))).collect())
    }

    fn list(values: Vec<Value<'static>>) -> Value<'static> {
        Value::List(values.into_iter().map(node).collect())
    }

    #[test]
    fn what_is_left_out_stays() {
        let kept = || table(vec![("kept", Value::Flag(true))]);
        let was = table(vec![
            ("vaspid", kept()),
            ("allowed_ips", list(vec![text("10.0.0.0/8")])),
            ("callbacks", table(vec![("report_url", kept()), ("window", Value::Number(16))])),
            (
                "service",
                list(vec![
                    table(vec![
                        ("vasid", text("1")),
                        ("senders", list(vec![text("a")])),
                        ("default", Value::Flag(true)),
                    ]),
                    table(vec![("vasid", text("2"))]),
                ]),
            ),
            ("basic_auth", table(vec![("username", text("u")), ("password", kept())])),
        ]);
        let said = table(vec![
            ("allowed_ips", list(vec![text("127.0.0.1")])),
            ("callbacks", table(vec![("report_url", text("http://h/"))])),
            (
                "service",
                list(vec![
                    table(vec![("vasid", text("1")), ("senders", list(vec![text("b")]))]),
                    table(vec![("vasid", text("3"))]),
                ]),
            ),
            ("basic_auth", Value::Other(NOTHING)),
            ("mm7", Value::Flag(false)),
        ]);
        let expected = table(vec![
            ("vaspid", kept()),
            ("allowed_ips", list(vec![text("127.0.0.1")])),
            ("callbacks", table(vec![("report_url", text("http://h/")), ("window", Value::Number(16))])),
            (
                "service",
                list(vec![
                    table(vec![
                        ("vasid", text("1")),
                        ("senders", list(vec![text("b")])),
                        ("default", Value::Flag(true)),
                    ]),
                    table(vec![("vasid", text("2"))]),
                    table(vec![("vasid", text("3"))]),
                ]),
            ),
            ("mm7", Value::Flag(false)),
        ]);
        assert_eq!(both("account", was, said, &Spot::Line(7)), expected);
    }

    #[test]
    fn what_stands_for_another_value_is_replaced_whole() {
        let env = || table(vec![("env", text("KEY"))]);
        let was = table(vec![("password", table(vec![("kept", Value::Flag(true))]))]);
        let said = table(vec![("password", env())]);
        assert_eq!(both("basic_auth", was, said, &Spot::Line(7)), table(vec![("password", env())]));
    }
}
