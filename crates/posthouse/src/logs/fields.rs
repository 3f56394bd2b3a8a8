//! The fields of an event, as logs may show them: control characters escaped, numbers masked, long texts cut.

use std::{
    borrow::Cow,
    error::Error,
    fmt::{self, Debug},
};

use posthouse_core::shown::{Shown, masked, masked_id};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// The longest text of a field, in characters.
const LONGEST: usize = 1000;

/// Fields whose texts are our own or an operator's, and are not masked: MessageIDs, ids of carriers, names, paths. All others may hold
/// what peers said.
const OWN: [&str; 13] = [
    "id",
    "carrier_message_id",
    "carrier",
    "connection",
    "account",
    "section",
    "file",
    "path",
    "segment",
    "place",
    "thread",
    "address",
    "warning",
];

/// A peer's, which operators look for as it is logged.
const TRANSACTION_ID: &str = "transaction_id";

/// The field that is the event's sentence.
pub(super) const MESSAGE: &str = "message";

/// One field.
pub(super) struct LogField {
    pub(super) name: &'static str,
    pub(super) value: Value,
    /// Whether people see it in quotes: a text that was given as one.
    is_quoted: bool,
}

/// Collects fields.
#[derive(Default)]
pub(super) struct LogFields(pub(super) Vec<LogField>);

impl LogFields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push(LogField { name: field.name(), value: value.into(), is_quoted: false });
    }

    fn add_text(&mut self, field: &Field, text: &str, is_quoted: bool) {
        let name = field.name();
        let text = cut(text);
        let text = match name {
            _ if OWN.contains(&name) => text,
            TRANSACTION_ID => masked_id(&text).into_owned().into(),
            _ => masked(&text).into_owned().into(),
        };
        self.0.push(LogField { name, value: text.into(), is_quoted });
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

impl Visit for LogFields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field, value, true);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add_text(field, &value.to_string(), false);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add_text(field, &format!("{value:?}"), false);
    }
}

/// Writes fields for people: the sentence, then `name=value`.
pub(super) struct ForPeople;

impl<'w> FormatFields<'w> for ForPeople {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut seen = LogFields::default();
        fields.record(&mut seen);
        seen.0.sort_by_key(|one| one.name != MESSAGE);
        for (count, one) in seen.0.iter().enumerate() {
            if count > 0 {
                writer.write_char(' ')?;
            }
            if one.name != MESSAGE {
                write!(writer, "{}=", one.name)?;
            }
            match &one.value {
                Value::String(text) if one.is_quoted => write!(writer, "{}", Shown(&format!("{text:?}")))?,
                Value::String(text) => write!(writer, "{}", Shown(text))?,
                other => write!(writer, "{other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{super::json::Object, *};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    const FOREIGN: &str = "t\u{9b}2J\n\u{1b}]0;\u{202e} 16175550199";

    /// What is logged of an event with foreign text in every kind of field.
    fn logged(is_json: bool) -> String {
        let paper = Paper::default();
        let to = paper.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || to.clone()).with_ansi(false);
        let log = || {
            let (id, words, error) = ("191642196911325184", FOREIGN, FOREIGN);
            tracing::error!(%id, carrier = "0001890", words, %error, debug = ?FOREIGN, code = 2002, "said {FOREIGN}");
        };
        if is_json {
            let subscriber = tracing_subscriber::registry().with(layer.event_format(Object));
            tracing::subscriber::with_default(subscriber, log);
        } else {
            let subscriber = tracing_subscriber::registry().with(layer.fmt_fields(ForPeople));
            tracing::subscriber::with_default(subscriber, log);
        }
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_peers_said_is_shown_and_their_numbers_are_masked() {
        let line = logged(false);
        let told =
            r#"said t\u{9b}2J\n\u{1b}]0;\u{202e} +1617•••0199 id=191642196911325184 carrier="0001890" "#
                .to_owned()
                + r#"words="t\u{9b}2J\n\u{1b}]0;\u{202e} +1617•••0199" error=t\u{9b}2J\n\u{1b}]0;\u{202e} +1617•••0199 "#
                + r#"debug="t\u{9b}2J\n\u{1b}]0;\u{202e} +1617•••0199" code=2002"#;
        assert!(line.ends_with(&format!(": {told}\n")), "{line}");
        assert_eq!(line.matches(['\n', '\u{1b}', '\u{9b}', '\u{202e}']).count(), 1, "{line:?}");
    }

    #[test]
    fn json_says_the_same() {
        let line = logged(true);
        assert_eq!(line.matches(['\n', '\u{1b}', '\u{9b}', '\u{202e}']).count(), 1, "{line:?}");
        let event: Value = serde_json::from_str(&line).unwrap();
        let shown = FOREIGN.replace("16175550199", "+1617•••0199");
        assert_eq!((&event["words"], &event["error"]), (&shown.as_str().into(), &shown.as_str().into()));
        assert_eq!(event["message"], format!("said {shown}"));
        assert_eq!(event["id"], "191642196911325184");
        assert_eq!((&event["level"], &event["code"]), (&"ERROR".into(), &2002.into()));
        assert!(event["target"].as_str().unwrap().starts_with("posthouse::logs"), "{line}");
        assert!(event["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(cut(&"é".repeat(1000)), "é".repeat(1000));
        assert_eq!(cut(&"é".repeat(1001)), format!("{}…", "é".repeat(1000)));
    }

    #[test]
    fn an_id_of_a_peer_can_be_looked_for() {
        let paper = Paper::default();
        let to = paper.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || to.clone()).with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(layer.fmt_fields(ForPeople));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(transaction_id = "0281065b8caa1a23a53456c92ffd6e36", "refused");
            tracing::error!(transaction_id = "for-16175550199", "refused");
        });
        let said = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert!(said.contains("transaction_id=\"0281065b8caa1a23a53456c92ffd6e36\""), "{said}");
        assert!(said.contains("transaction_id=\"for-+1617•••0199\""), "{said}");
    }
}
