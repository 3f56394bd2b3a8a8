//! An event as one line of JSON.

use std::fmt;

use jiff::Timestamp;
use posthouse_core::shown::in_json;
use serde_json::Value;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    registry::LookupSpan,
};

use super::fields::LogFields;

/// Writes an object with `timestamp`, `level`, the event's fields (its sentence is `message`), the `spans` that it happened in if there
/// are any, and `target`.
pub(super) struct Object;

impl<S, N> FormatEvent<S, N> for Object
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = LogFields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let timestamp = format!("{:.6}", Timestamp::now());
        let first = [("timestamp", timestamp.into()), ("level", metadata.level().as_str().into())];
        let given = fields.0.into_iter().map(|seen| (seen.name, seen.value));
        let spans = spans(context);
        let spans = (!spans.is_empty()).then_some(("spans", spans.into()));
        let last = [("target", metadata.target().into())];
        let members: Vec<String> =
            first.into_iter().chain(given).chain(spans).chain(last).map(member).collect();
        writeln!(writer, "{}", in_json(&format!("{{{}}}", members.join(","))))
    }
}

/// What the event happened in, from the outermost: a request, an attempt. They are there at level `debug` only.
fn spans<S, N>(context: &FmtContext<'_, S, N>) -> Vec<String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let scope = context.event_scope().into_iter().flat_map(|scope| scope.from_root());
    scope
        .map(|span| {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.fields.as_str());
            format!("{} {fields}", span.name()).trim_end().to_owned()
        })
        .collect()
}

fn member((name, value): (&str, Value)) -> String {
    format!("{}:{value}", Value::from(name))
}

#[cfg(test)]
mod tests {
    use std::io;

    use posthouse_core::lock::Mutex;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{super::fields::ForPeople, *};

    static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    struct Keep;

    impl io::Write for Keep {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            WRITTEN.lock().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_names_the_spans_that_it_happened_in() {
        let layer = tracing_subscriber::fmt::layer().with_writer(|| Keep).with_ansi(false);
        let layer = layer.fmt_fields(ForPeople).event_format(Object);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!("alone");
            let request = tracing::debug_span!("submit", id = tracing::field::Empty, account = "acme");
            request.record("id", 7_u64);
            let _request = request.entered();
            let _attempt = tracing::debug_span!("attempt", said = "no 16175550100\u{1b}[31m").entered();
            tracing::warn!(carrier = "31003", "refused");
        });
        let written = String::from_utf8(std::mem::take(&mut WRITTEN.lock())).unwrap();
        let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [alone, refused] = lines.as_slice() else { panic!("{written}") };
        assert_eq!((&alone["message"], alone.get("spans")), (&"alone".into(), None));
        assert_eq!((&refused["message"], &refused["carrier"]), (&"refused".into(), &"31003".into()));
        let spans: Vec<_> =
            refused["spans"].as_array().unwrap().iter().map(|span| span.as_str().unwrap()).collect();
        assert_eq!(spans, ["submit account=\"acme\" id=7", "attempt said=\"no +1617•••0100\\u{1b}[31m\""]);
    }
}
