//! Sends spans to a collector: OTLP over HTTP, as JSON. The encoding is some fifty lines of names, which the crates of OpenTelemetry would
//! bring along with four dozen others and a client of their own.
//!
//! A collector that is away, or slow, costs nothing: spans wait in a bounded queue (`telemetry::traces`), and what finds no room there, or
//! is not taken, is dropped and counted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    http::client::HttpClient,
    telemetry::traces::{Span, SpanSide, Traces, hex},
};

/// How many spans are sent at a time.
const BATCH: usize = 512;
/// How long the first of them waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// How long a collector may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long is sent what is left at a stop.
const AT_STOP: Duration = Duration::from_secs(2);

/// Sends what was taken till `stop`, and then what is left.
pub(crate) async fn export(
    traces: Arc<Traces>,
    mut taken: mpsc::Receiver<Span>,
    collector: Uri,
    stop: CancellationToken,
) {
    let client = HttpClient::new(ANSWER, 1, None);
    let mut is_away = false;
    loop {
        let first = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            first = taken.recv() => first,
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        let deadline = Instant::now() + GATHER;
        while batch.len() < BATCH && !stop.is_cancelled() {
            match timeout_at(deadline, taken.recv()).await {
                Ok(Some(span)) => batch.push(span),
                Ok(None) | Err(_) => break,
            }
        }
        send(&client, &collector, &traces, &batch, &mut is_away).await;
    }
    let mut left = Vec::new();
    while let Ok(span) = taken.try_recv() {
        left.push(span);
    }
    let sending = async {
        for batch in left.chunks(BATCH) {
            send(&client, &collector, &traces, batch, &mut is_away).await;
        }
    };
    // What is not sent in time is lost: the process ends.
    let _ = timeout_at(Instant::now() + AT_STOP, sending).await;
}

async fn send(client: &HttpClient, collector: &Uri, traces: &Traces, batch: &[Span], is_away: &mut bool) {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = vec![Bytes::from(document(batch).to_string())];
    let answer = client.post(collector, headers, body).await;
    let failed = match answer {
        Ok(answer) if answer.status.is_success() => None,
        Ok(answer) => Some(format!("HTTP {}", answer.status.as_u16())),
        Err(error) => Some(error.to_string()),
    };
    traces.told(batch.len(), failed.is_none());
    match (&failed, *is_away) {
        (Some(reason), false) => {
            tracing::warn!(reason, "spans are dropped: the collector of traces does not take them");
        }
        (None, true) => tracing::info!("the collector takes spans again"),
        _ => {}
    }
    *is_away = failed.is_some();
}

/// Spans as an ExportTraceServiceRequest.
fn document(spans: &[Span]) -> Value {
    let resource = json!({"attributes": [
        attribute("service.name", "posthouse"),
        attribute("service.version", env!("CARGO_PKG_VERSION")),
    ]});
    let spans: Vec<Value> = spans.iter().map(encode).collect();
    json!({"resourceSpans": [{
        "resource": resource,
        "scopeSpans": [{"scope": {"name": "posthouse"}, "spans": spans}],
    }]})
}

fn attribute(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

/// Nanoseconds since 1970, as a text: JSON has no numbers of this size.
fn nanoseconds(time: Timestamp) -> String {
    time.as_nanosecond().max(0).to_string()
}

fn encode(span: &Span) -> Value {
    let kind = match span.side {
        SpanSide::Internal => 1,
        SpanSide::Server => 2,
        SpanSide::Client => 3,
    };
    let attributes: Vec<Value> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    let links: Vec<Value> = span
        .link
        .iter()
        .map(|link| json!({"traceId": hex(&link.trace), "spanId": hex(&link.span)}))
        .collect();
    // 0: nothing is said; 2: it failed.
    let status = match &span.failed {
        None => json!({"code": 0}),
        Some(why) => json!({"code": 2, "message": why}),
    };
    json!({
        "traceId": hex(&span.context.trace),
        "spanId": hex(&span.context.span),
        "parentSpanId": span.parent.map(|parent| hex(&parent)).unwrap_or_default(),
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": nanoseconds(span.began),
        "endTimeUnixNano": nanoseconds(span.ended),
        "attributes": attributes,
        "links": links,
        "status": status,
    })
}

#[cfg(test)]
mod tests {
    use posthouse_core::Id;

    use super::*;
    use crate::telemetry::traces::SpanContext;

    #[test]
    fn a_span_is_encoded_as_the_protocol_says() {
        let id = Id::from_number(77).unwrap();
        let (root, peer) = (SpanContext::of_message(id), SpanContext { trace: [0xab; 16], span: [1; 8] });
        let ended = Timestamp::from_second(10).unwrap();
        let context = SpanContext { trace: root.trace, span: [2; 8] };
        let span = Span::new("attempt", SpanSide::Client, ended, Duration::from_millis(1500))
            .of(context, id)
            .called_by(Some(peer))
            .failed(Some("4007 Service denied"))
            .with("posthouse.carrier", "31003");
        assert_eq!(
            encode(&span),
            json!({
                "traceId": hex(&root.trace),
                "spanId": "0202020202020202",
                "parentSpanId": hex(&root.span),
                "name": "attempt",
                "kind": 3,
                "startTimeUnixNano": "8500000000",
                "endTimeUnixNano": "10000000000",
                "attributes": [
                    {"key": "posthouse.message_id", "value": {"stringValue": "77"}},
                    {"key": "posthouse.carrier", "value": {"stringValue": "31003"}},
                ],
                "links": [{"traceId": "abababababababababababababababab", "spanId": "0101010101010101"}],
                "status": {"code": 2, "message": "4007 Service denied"},
            })
        );
        let document = document(&[span]);
        let resource = &document["resourceSpans"][0];
        assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "posthouse");
        assert_eq!(resource["scopeSpans"][0]["spans"][0]["name"], "attempt");
    }
}
