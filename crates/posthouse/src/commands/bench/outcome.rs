//! What a bench tells: for people, and as JSON.

use std::{fmt, io, time::Duration};

use serde_json::{Value, json};

use crate::{print::Printer, progress::grouped};

/// Everything that was measured; what was not is `None`.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// How long the body of a request is, in bytes; the mean, when they differ.
    pub size: usize,
    /// Whether they differ.
    pub mix: bool,
    /// How many connections sent.
    pub connections: usize,
    /// How long each measurement took.
    pub duration: Duration,
    /// How many messages waited in the queue meanwhile, with the carrier down.
    pub backlog: u64,
    /// Accepting.
    pub accept: Accept,
    /// What a bare HTTP server answered per second.
    pub ceiling: f64,
    /// The whole way, through a gateway of our own.
    pub end_to_end: Option<EndToEnd>,
    /// Accepted messages that never got their terminal report, over the whole run.
    pub lost: Option<usize>,
    /// Messages accepted, over the whole run.
    pub messages: usize,
    /// From the gateway's start till it was ready, the last time it was started.
    pub start: Option<Duration>,
    /// The most memory that the gateway had, in bytes.
    pub peak_memory: Option<u64>,
    /// What the gateway wrote to disk, in bytes, over the whole run.
    pub written: Option<u64>,
}

/// Accepting, durably.
#[derive(Clone, Debug, Default)]
pub struct Accept {
    /// Answers with 1000 per second.
    pub per_second: f64,
    /// The median time of an answer, in milliseconds.
    pub p50_ms: f64,
    /// 99 of a hundred did.
    pub p99_ms: f64,
    /// 999 of a thousand did.
    pub p999_ms: f64,
    /// Other answers, and none.
    pub errors: u64,
    /// What the first of them was.
    pub first_error: Option<String>,
}

/// From the SubmitReq to the terminal report at the VASP.
#[derive(Clone, Debug, Default)]
pub struct EndToEnd {
    /// Messages that ended per second, from the first SubmitReq to the last report.
    pub per_second: f64,
    /// How many were accepted per second while everything else went on beside it.
    pub accepted_per_second: f64,
}

impl Accept {
    /// Reads latencies, in microseconds.
    pub fn new(per_second: f64, mut latencies: Vec<u32>, errors: u64, first_error: Option<String>) -> Self {
        latencies.sort_unstable();
        let at = |share: usize| {
            let index = (latencies.len() * share / 1000).min(latencies.len().saturating_sub(1));
            latencies.get(index).map_or(0.0, |microseconds| f64::from(*microseconds) / 1000.0)
        };
        Self { per_second, p50_ms: at(500), p99_ms: at(990), p999_ms: at(999), errors, first_error }
    }
}

impl Measured {
    fn ratio(&self, per_second: f64) -> f64 {
        if self.ceiling > 0.0 { per_second / self.ceiling } else { 0.0 }
    }

    /// The object of `--json` (contract section 7): what was not measured is null.
    pub fn to_json(&self) -> Value {
        let end_to_end = self.end_to_end.as_ref();
        let per_second = end_to_end.map(|measured| rounded(measured.per_second, 1));
        let ratio = end_to_end.map(|measured| rounded(self.ratio(measured.per_second), 4));
        let accepted = end_to_end.map(|measured| rounded(measured.accepted_per_second, 1));
        json!({
            "size": self.size,
            "mix": self.mix,
            "connections": self.connections,
            "duration_s": self.duration.as_secs_f64(),
            "backlog": self.backlog,
            "accept": {
                "per_second": rounded(self.accept.per_second, 1),
                "p50_ms": rounded(self.accept.p50_ms, 3),
                "p99_ms": rounded(self.accept.p99_ms, 3),
                "p999_ms": rounded(self.accept.p999_ms, 3),
                "errors": self.accept.errors,
            },
            "ceiling": { "per_second": rounded(self.ceiling, 1) },
            "ratio": rounded(self.ratio(self.accept.per_second), 4),
            "end_to_end": {
                "per_second": per_second,
                "ratio": ratio,
                "accepted_per_second": accepted,
                "messages": self.lost.map(|_| self.messages),
                "lost": self.lost,
            },
            "start_ms": self.start.map(|start| rounded(start.as_secs_f64() * 1000.0, 1)),
            "peak_memory_mb": self.peak_memory.map(megabytes),
            "written_mb": self.written.map(megabytes),
        })
    }

    /// The same for people.
    pub fn print(&self, out: &mut Printer) -> io::Result<()> {
        let each = if self.mix { "on average, as MMS are" } else { "each" };
        let backlog = if self.backlog > 0 {
            format!(", {} waiting", grouped(self.backlog as f64))
        } else {
            String::new()
        };
        writeln!(
            out,
            "{} bytes {each}, {} connections{backlog}",
            grouped(self.size as f64),
            self.connections
        )?;
        writeln!(out)?;
        let Accept { p50_ms, p99_ms, p999_ms, errors, .. } = self.accept;
        let latencies =
            format!("p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms, p99.9 {p999_ms:.1} ms, {errors} errors");
        row(out, "accepted", rate(self.accept.per_second), &latencies)?;
        row(
            out,
            "ceiling",
            rate(self.ceiling),
            "a bare HTTP server here that reads and answers as many bytes",
        )?;
        row(out, "ratio", format!("{:.3}", self.ratio(self.accept.per_second)), "")?;
        if let Some(measured) = &self.end_to_end {
            let ratio = self.ratio(measured.per_second);
            let beside = grouped(measured.accepted_per_second);
            row(
                out,
                "end to end",
                rate(measured.per_second),
                &format!("ratio {ratio:.3}; {beside}/s accepted meanwhile"),
            )?;
        }
        if let Some(lost) = self.lost {
            row(
                out,
                "lost",
                grouped(lost as f64),
                &format!("of {} messages accepted", grouped(self.messages as f64)),
            )?;
        }
        if let Some(start) = self.start {
            row(out, "start", format!("{} ms", grouped(start.as_secs_f64() * 1000.0)), "")?;
        }
        for (name, bytes) in [("peak memory", self.peak_memory), ("written", self.written)] {
            if let Some(bytes) = bytes {
                row(out, name, format!("{} MB", grouped(megabytes(bytes))), "")?;
            }
        }
        Ok(())
    }
}

fn row(out: &mut Printer, name: &str, value: impl fmt::Display, more: &str) -> io::Result<()> {
    writeln!(out, "{}", format!("  {name:<12}{value:>12}   {more}").trim_end())
}

fn rate(per_second: f64) -> String {
    format!("{}/s", grouped(per_second))
}

/// Megabytes of a million bytes, to one decimal.
fn megabytes(bytes: u64) -> f64 {
    rounded(bytes as f64 / 1e6, 1)
}

fn rounded(number: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (number * factor).round() / factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_read_in_order() {
        let accept = Accept::new(10.0, (1..=1000).rev().map(|index| index * 1000).collect(), 2, None);
        assert_eq!((accept.p50_ms, accept.p99_ms, accept.p999_ms), (501.0, 991.0, 1000.0));
        let none = Accept::new(0.0, Vec::new(), 0, None);
        assert_eq!((none.p50_ms, none.p999_ms), (0.0, 0.0));
    }

    #[test]
    fn the_json_is_the_contracts() {
        let measured = Measured {
            size: 2048,
            connections: 64,
            duration: Duration::from_secs(10),
            accept: Accept {
                per_second: 5000.04,
                p50_ms: 12.0,
                p99_ms: 20.5,
                p999_ms: 31.25,
                errors: 1,
                first_error: None,
            },
            ceiling: 50_000.0,
            end_to_end: Some(EndToEnd { per_second: 1500.0, accepted_per_second: 4000.0 }),
            lost: Some(0),
            messages: 70_000,
            start: Some(Duration::from_micros(12_340)),
            peak_memory: Some(61_440_000),
            written: Some(1_000_000_000),
            ..Measured::default()
        };
        assert_eq!(
            measured.to_json().to_string(),
            r#"{"accept":{"errors":1,"p50_ms":12.0,"p999_ms":31.25,"p99_ms":20.5,"per_second":5000.0},"backlog":0,"ceiling":{"per_second":50000.0},"connections":64,"duration_s":10.0,"end_to_end":{"accepted_per_second":4000.0,"lost":0,"messages":70000,"per_second":1500.0,"ratio":0.03},"mix":false,"peak_memory_mb":61.4,"ratio":0.1,"size":2048,"start_ms":12.3,"written_mb":1000.0}"#
        );
        let elsewhere = Measured {
            end_to_end: None,
            lost: None,
            start: None,
            peak_memory: None,
            written: None,
            ..measured
        };
        let json = elsewhere.to_json();
        for path in [
            "/end_to_end/per_second",
            "/end_to_end/messages",
            "/end_to_end/lost",
            "/start_ms",
            "/peak_memory_mb",
            "/written_mb",
        ] {
            assert_eq!(json.pointer(path), Some(&Value::Null), "{path}");
        }
    }
}
