//! An event as one line of JSON.

use std::fmt;

use jiff::Timestamp;
use posthouse_core::shown::in_json;
use serde_json::Value;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::fields::LogFields;

/// Writes an object with `timestamp`, `level`, the event's fields (its sentence is `message`) and `target`.
pub(super) struct Object;

impl<S, N> FormatEvent<S, N> for Object
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = LogFields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let timestamp = format!("{:.6}", Timestamp::now());
        let first = [("timestamp", timestamp.into()), ("level", metadata.level().as_str().into())];
        let given = fields.0.into_iter().map(|seen| (seen.name, seen.value));
        let last = [("target", metadata.target().into())];
        let members: Vec<String> = first.into_iter().chain(given).chain(last).map(member).collect();
        writeln!(writer, "{}", in_json(&format!("{{{}}}", members.join(","))))
    }
}

fn member((name, value): (&str, Value)) -> String {
    format!("{}:{value}", Value::from(name))
}
