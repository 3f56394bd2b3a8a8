//! Trees as TOML and as JSON: what the readers read back.

use std::fmt::Write as _;

use posthouse_core::provisioning::tree::{Entries, NOTHING, Spot, TreeNode, Value};
use serde_json::{Map, Number, Value as Json};

/// Tables that have a section of their own; all others stand in one line.
const SECTIONS: [&str; 4] = ["callbacks", "status_map", "code_map", "lookup"];

/// A tree as TOML, as `posthouse apply` reads it.
pub fn toml(tree: &Entries<'_>) -> String {
    let mut written = String::new();
    section(&mut written, "", tree);
    written
}

/// The values of a table, then its sections.
fn section(to: &mut String, path: &str, entries: &Entries<'_>) {
    for (key, TreeNode { value, .. }) in entries {
        if !is_section(key, value) {
            let _ = writeln!(to, "{} = {}", toml_key(key), inline(value));
        }
    }
    for (key, TreeNode { value, .. }) in entries {
        let place = if path.is_empty() { toml_key(key) } else { format!("{path}.{}", toml_key(key)) };
        match value {
            Value::Table(entries) if is_section(key, value) => {
                let _ = writeln!(to, "[{place}]");
                section(to, &place, entries);
            }
            Value::List(nodes) if is_section(key, value) => {
                for node in nodes {
                    let Value::Table(entries) = &node.value else { continue };
                    let gap = if path.is_empty() && !to.is_empty() { "\n" } else { "" };
                    let _ = writeln!(to, "{gap}[[{place}]]");
                    section(to, &place, entries);
                }
            }
            _ => {}
        }
    }
}

fn is_section(key: &str, value: &Value<'_>) -> bool {
    match value {
        Value::Table(_) => SECTIONS.contains(&key),
        Value::List(nodes) => matches!(nodes.first(), Some(TreeNode { value: Value::Table(_), .. })),
        _ => false,
    }
}

fn inline(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => toml_text(text),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(nodes) => {
            let values: Vec<_> = nodes.iter().map(|node| inline(&node.value)).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Table(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, node)| format!("{} = {}", toml_key(key), inline(&node.value)))
                .collect();
            match entries.is_empty() {
                true => "{}".to_owned(),
                false => format!("{{ {} }}", entries.join(", ")),
            }
        }
        // No tree that is written has one.
        Value::Other(what) => toml_text(what),
    }
}

fn toml_key(key: &str) -> String {
    let is_bare =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { key.to_owned() } else { toml_text(key) }
}

/// A basic string: in one line, whatever is in it.
fn toml_text(text: &str) -> String {
    let mut written = String::from('"');
    for character in text.chars() {
        match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            '\r' => written.push_str("\\r"),
            other if other.is_control() => {
                let _ = write!(written, "\\u{:04X}", u32::from(other));
            }
            other => written.push(other),
        }
    }
    written.push('"');
    written
}

/// A table of a tree as JSON.
pub fn json(entries: &Entries<'_>) -> Json {
    let members = entries.iter().map(|(key, node)| (key.to_string(), json_value(&node.value)));
    Json::Object(members.collect::<Map<_, _>>())
}

fn json_value(value: &Value<'_>) -> Json {
    match value {
        Value::Text(text) => Json::String(text.to_string()),
        Value::Number(number) => Json::Number(Number::from(*number)),
        Value::Flag(flag) => Json::Bool(*flag),
        Value::List(nodes) => Json::Array(nodes.iter().map(|node| json_value(&node.value)).collect()),
        Value::Table(entries) => json(entries),
        Value::Other(_) => Json::Null,
    }
}

/// A member of JSON as a node of a tree, each with its pointer.
pub fn tree(value: Json, pointer: &str) -> TreeNode<'static> {
    let value = match value {
        Json::Null => Value::Other(NOTHING),
        Json::Bool(flag) => Value::Flag(flag),
        Json::Number(number) => {
            number.as_u64().map_or(Value::Other("a number below 0, a fraction, or too large"), Value::Number)
        }
        Json::String(text) => Value::Text(text.into()),
        Json::Array(values) => {
            let nodes = values.into_iter().enumerate();
            Value::List(nodes.map(|(index, value)| tree(value, &format!("{pointer}/{index}"))).collect())
        }
        Json::Object(members) => Value::Table(
            members
                .into_iter()
                .map(|(key, value)| {
                    let place = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                    (key.into(), tree(value, &place))
                })
                .collect(),
        ),
    };
    TreeNode { spot: Spot::Pointer(pointer.into()), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_so_that_they_are_read_back() {
        for text in
            ["plain", "a \"b\" \\c", "two\nlines\r\t", "bell \u{7} del \u{7f} c1 \u{85}", "Зустрінуто", ""]
        {
            let document = format!("a = {}\n{} = 1\n", toml_text(text), toml_key(text));
            let read: toml::Table = document.parse().unwrap_or_else(|error| panic!("{document}: {error}"));
            assert_eq!(read.get("a").and_then(|value| value.as_str()), Some(text));
            assert!(read.contains_key(text), "{document}");
        }
    }

    #[test]
    fn a_tree_is_written_in_sections_and_json_has_pointers() {
        let read = serde_json::json!({
            "account": [{"name": "a", "vaspid": {"kept": true}, "callbacks": {"window": 3}, "service": [{"vasid": "1", "senders": ["7", "8"]}]}],
            "lookup": {"provider": "ranges"},
        });
        let TreeNode { value: Value::Table(entries), .. } = tree(read.clone(), "") else {
            panic!("no table")
        };
        assert_eq!(json(&entries), read);
        assert_eq!(
            toml(&entries),
            "[[account]]\nname = \"a\"\nvaspid = { kept = true }\n[account.callbacks]\nwindow = 3\n\
             [[account.service]]\nsenders = [\"7\", \"8\"]\nvasid = \"1\"\n[lookup]\nprovider = \"ranges\"\n"
        );
        let TreeNode { spot, .. } = tree(serde_json::json!(null), "/a~1b/0");
        assert_eq!(spot, Spot::Pointer("/a~1b/0".into()));
    }
}
