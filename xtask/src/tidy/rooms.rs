//! Which rooms of a crate, its modules at the top, may use which others: a table, so that an arrow that turns round is seen.

use std::collections::{BTreeMap, BTreeSet};

use super::workspace::{Crate, Edge};

/// A room, and the rooms that it may use.
pub(super) type Room = (&'static str, &'static [&'static str]);

/// The rooms of each crate whose rooms are held to a table. It stands from the ground up: a row names rooms of earlier rows alone, so that
/// rooms cannot use each other in a circle. An edge that is not needed any more is taken out.
pub(super) const ROOMS: &[(&str, &[Room])] = &[
    (
        "posthouse-gateway",
        &[
            // The ground: these know nothing of the house.
            ("bell", &[]),
            ("breaker", &[]),
            ("clock", &[]),
            ("drain", &[]),
            ("failure_log", &[]),
            ("handoff", &["bell"]),
            ("ids", &[]),
            ("node", &["clock", "ids"]),
            ("lanes", &[]),
            ("patience", &[]),
            ("random", &[]),
            ("refusals", &[]),
            ("secrets", &[]),
            ("shares", &[]),
            ("snapshot", &["failure_log"]),
            ("spawn", &[]),
            ("store_retry", &[]),
            ("telemetry", &[]),
            // The network.
            ("resolver", &["shares"]),
            ("tls", &["telemetry"]),
            ("http", &["patience", "resolver", "shares", "spawn", "telemetry", "tls"]),
            ("mm7_http", &["http"]),
            (
                "lookup",
                &["breaker", "http", "patience", "random", "resolver", "snapshot", "spawn", "telemetry"],
            ),
            // Settings and provisioning, as files say them.
            ("config", &["secrets", "tls"]),
            ("auth", &["http", "secrets", "shares"]),
            ("fetch", &["config", "http", "patience", "resolver", "shares", "tls"]),
            // The ways in and out.
            (
                "intake",
                &[
                    "bell",
                    "drain",
                    "fetch",
                    "handoff",
                    "ids",
                    "lookup",
                    "node",
                    "patience",
                    "shares",
                    "telemetry",
                ],
            ),
            (
                "doors",
                &["auth", "http", "intake", "mm7_http", "refusals", "secrets", "snapshot", "telemetry"],
            ),
            (
                "carrier",
                &[
                    "auth",
                    "breaker",
                    "handoff",
                    "http",
                    "ids",
                    "mm7_http",
                    "resolver",
                    "snapshot",
                    "spawn",
                    "telemetry",
                ],
            ),
            (
                "queue",
                &[
                    "bell",
                    "breaker",
                    "carrier",
                    "handoff",
                    "lanes",
                    "lookup",
                    "node",
                    "random",
                    "snapshot",
                    "store_retry",
                    "telemetry",
                ],
            ),
            (
                "callbacks",
                &["bell", "handoff", "http", "lanes", "mm7_http", "snapshot", "store_retry", "telemetry"],
            ),
            ("cdr", &["node", "random", "telemetry"]),
            ("otlp", &["http", "telemetry"]),
            ("due", &["bell", "callbacks", "failure_log", "node", "queue"]),
            ("divided", &["callbacks", "carrier", "intake", "node", "queue"]),
            (
                "admin",
                &[
                    "auth",
                    "bell",
                    "callbacks",
                    "carrier",
                    "config",
                    "doors",
                    "drain",
                    "handoff",
                    "http",
                    "ids",
                    "lookup",
                    "node",
                    "random",
                    "secrets",
                    "snapshot",
                    "spawn",
                    "telemetry",
                    "tls",
                ],
            ),
            // All of it, put together.
            (
                "app",
                &[
                    "admin",
                    "auth",
                    "bell",
                    "callbacks",
                    "carrier",
                    "cdr",
                    "clock",
                    "config",
                    "divided",
                    "doors",
                    "drain",
                    "due",
                    "fetch",
                    "handoff",
                    "http",
                    "intake",
                    "lookup",
                    "node",
                    "otlp",
                    "queue",
                    "random",
                    "refusals",
                    "secrets",
                    "snapshot",
                    "spawn",
                    "telemetry",
                    "tls",
                ],
            ),
        ],
    ),
    (
        "mm7",
        &[
            // The ground: words, numbers and bounds.
            ("http1", &[]),
            ("limits", &[]),
            ("status", &[]),
            ("text", &[]),
            ("types", &[]),
            ("error", &["status", "text"]),
            ("namespace", &["types"]),
            ("time", &["types"]),
            // The two forms that bytes have.
            ("xml", &["error", "limits", "text"]),
            ("mime", &["error", "limits", "text", "types", "xml"]),
            // What they say.
            ("message", &["error", "namespace", "status", "text", "time", "types", "xml"]),
            ("smil", &["error", "limits", "mime", "text", "xml"]),
            ("sniff", &["limits", "mime", "smil"]),
            ("soap", &["error", "limits", "message", "namespace", "text", "types", "xml"]),
            // Who says it in which way, and what is wrong with it.
            ("dialect", &["error", "message", "mime", "namespace", "soap", "status", "types"]),
            (
                "lint",
                &[
                    "error",
                    "http1",
                    "limits",
                    "message",
                    "mime",
                    "namespace",
                    "smil",
                    "sniff",
                    "soap",
                    "text",
                    "types",
                    "xml",
                ],
            ),
        ],
    ),
    (
        "posthouse-core",
        &[
            // The ground: words, names, bounds and arithmetic, which know nothing of messages.
            ("bounds", &[]),
            ("counted", &[]),
            ("distribution", &[]),
            ("duration", &[]),
            ("id", &[]),
            ("idempotency", &[]),
            ("lease", &[]),
            ("lock", &[]),
            ("mistake", &[]),
            ("names", &[]),
            ("pace", &[]),
            ("share", &[]),
            ("shown", &[]),
            // Rules say why they refuse something in the words of the store, which asks them.
            ("store_error", &[]),
            ("time", &[]),
            ("url", &["mistake"]),
            ("words", &[]),
            ("address", &["shown"]),
            ("capture", &["bounds", "id", "shown"]),
            ("expiry", &["counted", "words"]),
            ("moment", &["duration", "mistake"]),
            ("preview", &["bounds"]),
            ("steady", &["time"]),
            // Nodes, and what they share.
            ("cluster", &["lease", "time"]),
            ("slots", &["id", "names"]),
            ("division", &["cluster", "time"]),
            ("divisions", &["division", "time"]),
            // Who asks, and what is provisioned.
            ("actor", &["bounds", "names", "words"]),
            ("token", &["actor"]),
            ("user", &["actor"]),
            (
                "provisioning",
                &[
                    "actor", "address", "bounds", "duration", "mistake", "names", "shown", "time", "url",
                    "words",
                ],
            ),
            ("overrides", &["names", "provisioning", "words"]),
            // A message, what becomes of it, and what it has to be to be taken.
            ("message", &["address", "bounds", "id", "lease", "names"]),
            ("unreadable", &["message", "names"]),
            (
                "life",
                &[
                    "address",
                    "bounds",
                    "distribution",
                    "id",
                    "lease",
                    "message",
                    "names",
                    "provisioning",
                    "store_error",
                    "time",
                ],
            ),
            ("submit", &["address", "id", "message", "provisioning", "time", "url"]),
            ("codes", &["life", "message", "submit"]),
            ("lint", &["address", "message", "provisioning", "submit"]),
            ("refusal", &["bounds", "lint", "names", "shown", "submit"]),
            // What operators do.
            ("operation", &["actor", "id", "lease", "life", "names", "store_error", "words"]),
            (
                "audit",
                &[
                    "actor",
                    "bounds",
                    "id",
                    "life",
                    "message",
                    "names",
                    "overrides",
                    "provisioning",
                    "shown",
                    "token",
                    "user",
                    "words",
                ],
            ),
            // The contract of a store speaks of all of it; no rule knows the store.
            (
                "store",
                &[
                    "actor",
                    "address",
                    "audit",
                    "bounds",
                    "cluster",
                    "distribution",
                    "divisions",
                    "id",
                    "idempotency",
                    "lease",
                    "life",
                    "message",
                    "names",
                    "operation",
                    "overrides",
                    "provisioning",
                    "refusal",
                    "slots",
                    "steady",
                    "store_error",
                    "time",
                    "token",
                    "unreadable",
                    "user",
                ],
            ),
            ("cdr", &["address", "message", "store"]),
        ],
    ),
    (
        "posthouse-store",
        &[
            ("fault", &[]),
            ("media", &["fault"]),
            ("error", &["fault", "media"]),
            ("status", &[]),
            ("stored", &[]),
            ("sqlite", &["error", "fault", "media", "status", "stored"]),
            ("postgres", &["error", "media", "sqlite", "status", "stored"]),
            ("url", &["postgres"]),
            ("backup", &["error", "media", "sqlite", "status", "url"]),
            ("open", &["error", "media", "postgres", "sqlite", "status", "url"]),
            ("transfer", &["error", "media", "postgres", "sqlite", "url"]),
            ("suite", &["media", "postgres"]),
        ],
    ),
];

/// What is wrong in a crate: edges that the table does not allow, and rows and edges of the table that nothing needs.
pub(super) fn findings(one: &Crate, rooms: &[Room]) -> Vec<String> {
    let mut needed: BTreeMap<&str, BTreeSet<&str>> =
        one.files.iter().map(|file| (room(&file.module), BTreeSet::new())).collect();
    let mut findings = Vec::new();
    for edge in one.edges() {
        let (from, to) = (room(&edge.from.module), room(&edge.to.module));
        if from.is_empty() || from == to {
            continue;
        }
        let is_new = needed.entry(from).or_default().insert(to);
        let may = rooms.iter().find(|(name, _)| *name == from).map_or(&[][..], |(_, may)| may);
        if is_new && !may.contains(&to) {
            findings.push(wrong(&edge, from, to, may));
        }
    }
    let without_row =
        needed.keys().filter(|name| !name.is_empty() && !rooms.iter().any(|(room, _)| room == *name));
    findings.extend(without_row.map(|name| {
        format!(
            "{} has a room {name} without a row: say in ROOMS in xtask/src/tidy/rooms.rs what it may use",
            one.name
        )
    }));
    findings.extend(upward(one, rooms));
    for (name, may) in rooms {
        match needed.get(name) {
            None => findings.push(format!("{} has no room {name}: take its row out of ROOMS in xtask/src/tidy/rooms.rs", one.name)),
            Some(used) => findings.extend(may.iter().filter(|to| !used.contains(*to)).map(|to| {
                format!("{name} of {} does not use {to} any more: take it out of its row in ROOMS in xtask/src/tidy/rooms.rs", one.name)
            })),
        }
    }
    findings
}

/// Edges of the table to rooms of later rows, which could close a circle.
fn upward(one: &Crate, rooms: &[Room]) -> Vec<String> {
    let mut findings = Vec::new();
    for (row, (name, may)) in rooms.iter().enumerate() {
        let later = rooms.iter().skip(row).map(|(later, _)| later);
        findings.extend(later.filter(|later| may.contains(later)).map(|later| {
            format!(
                "{name} of {} may use {later}, whose row comes later: move its row behind that one in ROOMS in \
                 xtask/src/tidy/rooms.rs, or break the circle",
                one.name
            )
        }));
    }
    findings
}

fn room(module: &[String]) -> &str {
    module.first().map_or("", String::as_str)
}

fn wrong(edge: &Edge<'_>, from: &str, to: &str, may: &[&str]) -> String {
    let may = if may.is_empty() { "no other room".to_owned() } else { may.join(", ") };
    format!(
        "{}: {from} uses {to}, but may use {may}: move what it needs to a lower room, or have the upper one hand it in; \
         where the edge is right, add it to ROOMS in xtask/src/tidy/rooms.rs",
        edge.place()
    )
}

#[cfg(test)]
mod tests {
    use super::super::workspace::house;
    use super::*;

    fn three_rooms() -> Crate {
        house(&[
            ("lib.rs", "pub mod app;\npub use net::Door;\nfn f() { crate::app::g() }\n"),
            ("app.rs", "use crate::net::Door;\nuse crate::Door as Same;\nuse crate::queue::Queue;\n"),
            ("net/mod.rs", "pub struct Door;\nmod deep;\nfn f() { deep::g() }\n"),
            ("net/deep.rs", "\nuse crate::app::App;\n"),
            ("queue.rs", ""),
        ])
    }

    fn two_rooms() -> Crate {
        house(&[
            ("lib.rs", "pub mod app;\npub mod queue;\n"),
            ("app.rs", "use crate::queue::Queue;\n"),
            ("queue.rs", "pub struct Queue;\n"),
        ])
    }

    #[test]
    fn rooms_use_what_the_table_allows() {
        assert_eq!(findings(&two_rooms(), &[("queue", &[]), ("app", &["queue"])]), [""; 0]);
    }

    #[test]
    fn rooms_that_use_each_other_have_no_order() {
        let rooms: &[Room] = &[("app", &["net", "queue"]), ("net", &["app"]), ("queue", &[])];
        let later = |room: &str| {
            format!(
                "app of house may use {room}, whose row comes later: move its row behind that one in ROOMS in \
                 xtask/src/tidy/rooms.rs, or break the circle"
            )
        };
        assert_eq!(findings(&three_rooms(), rooms), [later("net"), later("queue")]);
        let net_first: &[Room] = &[("queue", &[]), ("net", &["app"]), ("app", &["net", "queue"])];
        assert_eq!(findings(&three_rooms(), net_first).len(), 1, "a circle has no order at all");
    }

    #[test]
    fn an_arrow_that_runs_back_is_found_where_it_stands() {
        assert_eq!(
            findings(&three_rooms(), &[("net", &[]), ("queue", &[]), ("app", &["net", "queue"])]),
            [
                "crates/house/src/net/deep.rs:2: net uses app, but may use no other room: move what it needs to a lower \
              room, or have the upper one hand it in; where the edge is right, add it to ROOMS in \
              xtask/src/tidy/rooms.rs"
            ]
        );
    }

    #[test]
    fn the_table_names_every_room_and_nothing_that_is_gone() {
        let rooms: &[Room] = &[("attic", &[]), ("net", &[]), ("app", &["net", "queue"])];
        let one = house(&[
            ("lib.rs", "pub mod app;\n"),
            ("app.rs", "use crate::queue::Queue;\n"),
            ("net.rs", ""),
            ("queue.rs", "pub struct Queue;\n"),
        ]);
        assert_eq!(
            findings(&one, rooms),
            [
                "house has a room queue without a row: say in ROOMS in xtask/src/tidy/rooms.rs what it may use",
                "house has no room attic: take its row out of ROOMS in xtask/src/tidy/rooms.rs",
                "app of house does not use net any more: take it out of its row in ROOMS in xtask/src/tidy/rooms.rs",
            ]
        );
    }
}
