//! Whether what is committed lasts: a primary whose disk is lost takes with it what no standby has.

use tokio_postgres::Client;

use super::{schema, url::PostgresUrl};
use crate::error::OpenError;

const SETTINGS: &str = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)";

/// Refuses a server that may lose what it said is committed. `require_standbys`: whether one that has no synchronous standby is such.
///
/// # Errors
/// Which of its settings says so.
pub(super) async fn check(
    url: &PostgresUrl,
    client: &Client,
    require_standbys: bool,
) -> Result<(), OpenError> {
    let names = ["fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names"];
    let rows = client.query(SETTINGS, &[&&names[..]]).await.map_err(|error| schema::refused(url, &error))?;
    let setting = |name: &str| {
        let is_it = |row: &&tokio_postgres::Row| row.try_get::<_, &str>(0).is_ok_and(|found| found == name);
        rows.iter().find(is_it).and_then(|row| row.try_get::<_, &str>(1).ok()).unwrap_or_default()
    };
    verdict(&setting, require_standbys)
        .map_or(Ok(()), |what| Err(OpenError::MayLose { url: url.to_string(), what }))
}

/// What is wrong with these settings.
fn verdict<'a>(setting: &impl Fn(&str) -> &'a str, require_standbys: bool) -> Option<String> {
    for name in ["fsync", "full_page_writes"] {
        if setting(name) == "off" {
            return Some(format!(
                "{name} is off: a crash of its machine loses or spoils messages; set it to on"
            ));
        }
    }
    match setting("synchronous_commit") {
        "off" => {
            return Some(
                "synchronous_commit is off: a crash loses what was acknowledged; set it to on".to_owned(),
            );
        }
        "local" if require_standbys => {
            return Some(
                "synchronous_commit is local: commits do not wait for a standby; set it to on, or write \
                 require_standbys = 0 in [store] when losing this machine may lose acknowledged messages"
                    .to_owned(),
            );
        }
        _ => {}
    }
    (require_standbys && setting("synchronous_standby_names").trim().is_empty()).then(|| {
        "it has no synchronous standby: losing this machine loses acknowledged messages; set synchronous_standby_names, or \
         write require_standbys = 0 in [store] where that may be, or where its storage keeps copies by itself"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_lose_messages_is_refused() {
        let good = |name: &str| match name {
            "synchronous_standby_names" => "ANY 1 (s1, s2)",
            _ => "on",
        };
        assert_eq!(verdict(&good, true), None);
        for (bad, value, with, without) in [
            ("fsync", "off", true, true),
            ("full_page_writes", "off", true, true),
            ("synchronous_commit", "off", true, true),
            ("synchronous_commit", "local", true, false),
            ("synchronous_commit", "remote_apply", false, false),
            ("synchronous_standby_names", " ", true, false),
        ] {
            let settings = |name: &str| if name == bad { value } else { good(name) };
            let found = [true, false].map(|required| verdict(&settings, required).is_some());
            assert_eq!(found, [with, without], "{bad} = {value}");
        }
    }
}
