//! What changes when a running process reads its settings again.

use std::collections::BTreeMap;

use super::Settings;

/// The keys that count as soon as they are read again; a section with all of its keys ends in a dot.
const AT_ONCE: [&str; 3] = ["retention.", "shutdown.", "log."];

/// The keys that differ and only count after a restart, such as `mm7.listen`.
pub fn need_restart(before: &Settings, after: &Settings) -> Vec<String> {
    let (before, after) = (before.print(), after.print());
    let (before, after) = (keys(&before), keys(&after));
    let all = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    let differ = all.filter(|key| before.get(*key) != after.get(*key));
    let late = differ.filter(|key| !AT_ONCE.iter().any(|section| key.starts_with(section)));
    late.cloned().collect()
}

/// Each key with its section before it, and its value as it is printed.
fn keys(printed: &str) -> BTreeMap<String, &str> {
    let mut section = "";
    let mut keys = BTreeMap::new();
    for line in printed.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.insert(format!("{section}.{key}"), value);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_counts_at_once_needs_no_restart() {
        let before = Settings::default();
        let mut after = Settings::default();
        after.retention.media = Duration::from_secs(60);
        after.shutdown.grace = Duration::ZERO;
        after.log.level = "debug".to_owned();
        assert_eq!(need_restart(&before, &after), Vec::<String>::new());
        after.mm7.listen = ([127, 0, 0, 1], 9).into();
        after.store.path = "elsewhere.db".into();
        assert_eq!(need_restart(&before, &after), ["mm7.listen", "store.url"]);
    }
}
