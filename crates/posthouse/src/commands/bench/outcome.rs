//! What a bench tells: for people, and as JSON.

use std::{fmt, io, time::Duration};

use serde_json::{Value, json};

use super::{disk::DiskCeiling, groups::Groups, usage::Cost};
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
    pub accept: Option<Accept>,
    /// A bare HTTP server.
    pub ceiling: Ceiling,
    /// The disk alone, in the folder of the store.
    pub disk: Option<DiskCeiling>,
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
    /// What accepting a message cost.
    pub cost: Cost,
    /// How the store committed meanwhile.
    pub groups: Option<Groups>,
}

/// What a bare HTTP server can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ceiling {
    /// Answers per second.
    pub per_second: f64,
    /// Its CPU time for one exchange, in microseconds.
    pub cpu_us: Option<f64>,
}

impl Ceiling {
    /// Between this one and another.
    #[must_use]
    pub fn mean(self, other: Self) -> Self {
        Self {
            per_second: f64::midpoint(self.per_second, other.per_second),
            cpu_us: self.cpu_us.zip(other.cpu_us).map(|(one, other)| f64::midpoint(one, other)),
        }
    }
}

/// From the SubmitReq to the terminal report at the VASP.
#[derive(Clone, Debug, Default)]
pub struct EndToEnd {
    /// Messages that ended per second, from the first SubmitReq to the last report.
    pub per_second: f64,
    /// How many were accepted per second while everything else went on beside it.
    pub accepted_per_second: f64,
    /// What a whole life cost the gateway.
    pub cost: Cost,
}

impl Accept {
    /// Reads latencies, in microseconds.
    pub fn new(per_second: f64, mut latencies: Vec<u32>, errors: u64, first_error: Option<String>) -> Self {
        latencies.sort_unstable();
        let at = |share: usize| {
            let index = (latencies.len() * share / 1000).min(latencies.len().saturating_sub(1));
            latencies.get(index).map_or(0.0, |microseconds| f64::from(*microseconds) / 1000.0)
        };
        let (p50_ms, p99_ms, p999_ms) = (at(500), at(990), at(999));
        Self { per_second, p50_ms, p99_ms, p999_ms, errors, first_error, ..Self::default() }
    }

    /// How long commits took meanwhile, in the metric's steps: of half of them, of 99 in a hundred, of 999 in a thousand. It is what
    /// the slowest answers waited for, as far as these are no longer.
    fn commits(&self) -> [Option<f64>; 3] {
        [500.0, 990.0, 999.0].map(|share| self.groups.as_ref().and_then(|groups| groups.within_ms(share)))
    }
}

impl Accept {
    fn to_json(&self) -> Value {
        let [p50, p99, p999] = self.commits();
        json!({
            "per_second": rounded(self.per_second, 1),
            "p50_ms": rounded(self.p50_ms, 3),
            "p99_ms": rounded(self.p99_ms, 3),
            "p999_ms": rounded(self.p999_ms, 3),
            "errors": self.errors,
            "cpu_us": round(self.cost.cpu_us, 1),
            "written_bytes": round(self.cost.written, 0),
            "commits": {
                "messages": round(self.groups.as_ref().and_then(Groups::mean), 1),
                "p50_ms": p50, "p99_ms": p99, "p999_ms": p999,
            },
        })
    }

    fn print(&self, out: &mut Printer) -> io::Result<()> {
        let Self { p50_ms, p99_ms, p999_ms, errors, .. } = self;
        let latencies =
            format!("p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms, p99.9 {p999_ms:.1} ms, {errors} errors");
        row(out, "accepted", rate(self.per_second), &latencies)?;
        let Some(mean) = self.groups.as_ref().and_then(Groups::mean) else { return Ok(()) };
        let bound = |bound: Option<f64>| bound.map_or("more".to_owned(), |bound| format!("≤ {bound} ms"));
        let [p50, p99, p999] = self.commits().map(bound);
        let told = format!("messages; it took p50 {p50}, p99 {p99}, p99.9 {p999}");
        row(out, "a commit", format!("{mean:.1}"), &told)
    }
}

impl Measured {
    fn ratio(&self, per_second: f64) -> f64 {
        if self.ceiling.per_second > 0.0 { per_second / self.ceiling.per_second } else { 0.0 }
    }

    /// What was accepted, in bytes, to what the disk can take.
    fn disk_ratio(&self) -> Option<f64> {
        let best = self.disk.map(|disk| disk.best()).filter(|best| *best > 0.0)?;
        Some(self.accept.as_ref()?.per_second * self.size as f64 / best)
    }

    /// Bytes written over a whole life, to those of the message.
    fn write_amplification(&self) -> Option<f64> {
        let written = self.end_to_end.as_ref()?.cost.written?;
        (self.size > 0).then(|| written / self.size as f64)
    }

    /// The object of `--json` (contract section 7): what was not measured is null.
    pub fn to_json(&self) -> Value {
        let end_to_end = self.end_to_end.as_ref();
        let per_second = end_to_end.map(|measured| rounded(measured.per_second, 1));
        let ratio = end_to_end.map(|measured| rounded(self.ratio(measured.per_second), 4));
        let accepted = end_to_end.map(|measured| rounded(measured.accepted_per_second, 1));
        let life = end_to_end.map(|measured| measured.cost).unwrap_or_default();
        json!({
            "size": self.size,
            "mix": self.mix,
            "connections": self.connections,
            "duration_s": self.duration.as_secs_f64(),
            "backlog": self.backlog,
            "accept": self.accept.as_ref().map(Accept::to_json),
            "ceiling": {
                "per_second": rounded(self.ceiling.per_second, 1),
                "cpu_us": round(self.ceiling.cpu_us, 1),
            },
            "disk": self.disk.map(|disk| json!({
                "piece_bytes": disk.piece,
                "fresh_mb_per_second": rounded(disk.fresh / 1e6, 1),
                "recycled_mb_per_second": rounded(disk.recycled / 1e6, 1),
            })),
            "disk_ratio": round(self.disk_ratio(), 4),
            "write_amplification": round(self.write_amplification(), 3),
            "cpu_per_life_us": round(life.cpu_us, 1),
            "written_per_life_bytes": round(life.written, 0),
            "ratio": self.accept.as_ref().map(|accept| rounded(self.ratio(accept.per_second), 4)),
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
        if let Some(accept) = &self.accept {
            accept.print(out)?;
        }
        let exchange =
            self.ceiling.cpu_us.map(|cpu| format!(", {cpu:.0} µs of CPU each")).unwrap_or_default();
        let told = format!("a bare HTTP server here that reads and answers as many bytes{exchange}");
        row(out, "ceiling", rate(self.ceiling.per_second), &told)?;
        if let Some(accept) = &self.accept {
            row(out, "ratio", format!("{:.3}", self.ratio(accept.per_second)), "")?;
        }
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
        self.print_costs(out)?;
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

    /// What a message cost, and what the disk can do.
    fn print_costs(&self, out: &mut Printer) -> io::Result<()> {
        let life = self.end_to_end.as_ref().map(|measured| measured.cost);
        for (name, cost) in [("accepting", self.accept.as_ref().map(|accept| accept.cost)), ("a life", life)]
        {
            let Some(Cost { cpu_us: Some(cpu), written }) = cost else { continue };
            let written =
                written.map(|bytes| format!("{} bytes written", grouped(bytes))).unwrap_or_default();
            row(out, name, format!("{cpu:.0} µs"), &format!("of CPU a message; {written}"))?;
        }
        if let Some(disk) = self.disk {
            let accepted = self
                .disk_ratio()
                .map_or_else(String::new, |ratio| format!("; {ratio:.2} of the better is accepted"));
            let told = format!(
                "fresh, {:.0} MB/s recycled, {} bytes a sync{accepted}",
                disk.recycled / 1e6,
                grouped(disk.piece as f64),
            );
            row(out, "disk", format!("{:.0} MB/s", disk.fresh / 1e6), &told)?;
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

fn round(number: Option<f64>, decimals: i32) -> Option<f64> {
    number.map(|number| rounded(number, decimals))
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
            accept: Some(Accept {
                per_second: 5000.04,
                p50_ms: 12.0,
                p99_ms: 20.5,
                p999_ms: 31.25,
                errors: 1,
                cost: Cost { cpu_us: Some(90.04), written: Some(4_800.4) },
                ..Accept::default()
            }),
            ceiling: Ceiling { per_second: 50_000.0, cpu_us: Some(14.0) },
            disk: Some(DiskCeiling { piece: 30_720, fresh: 20e6, recycled: 40.96e6 }),
            end_to_end: Some(EndToEnd {
                per_second: 1500.0,
                accepted_per_second: 4000.0,
                cost: Cost { cpu_us: Some(400.0), written: Some(20_480.0) },
            }),
            lost: Some(0),
            messages: 70_000,
            start: Some(Duration::from_micros(12_340)),
            peak_memory: Some(61_440_000),
            written: Some(1_000_000_000),
            ..Measured::default()
        };
        assert_eq!(
            measured.to_json().to_string(),
            r#"{"accept":{"commits":{"messages":null,"p50_ms":null,"p999_ms":null,"p99_ms":null},"cpu_us":90.0,"errors":1,"p50_ms":12.0,"p999_ms":31.25,"p99_ms":20.5,"per_second":5000.0,"written_bytes":4800.0},"backlog":0,"ceiling":{"cpu_us":14.0,"per_second":50000.0},"connections":64,"cpu_per_life_us":400.0,"disk":{"fresh_mb_per_second":20.0,"piece_bytes":30720,"recycled_mb_per_second":41.0},"disk_ratio":0.25,"duration_s":10.0,"end_to_end":{"accepted_per_second":4000.0,"lost":0,"messages":70000,"per_second":1500.0,"ratio":0.03},"mix":false,"peak_memory_mb":61.4,"ratio":0.1,"size":2048,"start_ms":12.3,"write_amplification":10.0,"written_mb":1000.0,"written_per_life_bytes":20480.0}"#
        );
        let elsewhere = Measured {
            accept: Some(Accept::default()),
            disk: None,
            end_to_end: None,
            lost: None,
            start: None,
            peak_memory: None,
            written: None,
            ..measured
        };
        let json = elsewhere.to_json();
        for path in [
            "/accept/cpu_us",
            "/accept/commits/p999_ms",
            "/disk",
            "/disk_ratio",
            "/write_amplification",
            "/cpu_per_life_us",
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
