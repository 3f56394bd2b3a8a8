//! The process, under the names that every Prometheus client library gives it. Where there is no /proc, there are none of these.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

/// The process at the moment of a scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProcessSample {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    threads: Option<u64>,
    start_time: Option<f64>,
    open_files: Option<u64>,
    most_files: Option<u64>,
}

impl ProcessSample {
    /// As it is now.
    pub(crate) fn take() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let open_files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
        let most_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        Self { open_files, most_files, ..Self::read(&stat, boot_time()) }
    }

    /// The line of proc(5); numbers are counted from behind the name, which may hold anything.
    fn read(stat: &str, booted: Option<f64>) -> Self {
        let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
        let number = |field: usize| fields.get(field.checked_sub(3)?)?.parse::<u64>().ok();
        let ticks = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100));
        let seconds = |field| {
            number(field).and_then(|ticks| u32::try_from(ticks).ok()).map(f64::from).map(|n| n / ticks)
        };
        let pages = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        Self {
            cpu_seconds: seconds(14).zip(seconds(15)).map(|(user, system)| user + system),
            threads: number(20),
            start_time: seconds(22).zip(booted).map(|(after, booted)| booted + after),
            virtual_bytes: number(23),
            resident_bytes: number(24).map(|resident| resident.saturating_mul(pages)),
            open_files: None,
            most_files: None,
        }
    }
}

/// When the machine was started, in Unix time.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

impl Collector for ProcessSample {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(cpu) = self.cpu_seconds {
            let help = "CPU time that the process has used, user and system";
            let metric =
                encoder.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), MetricType::Counter)?;
            ConstCounter::new(cpu).encode(metric)?;
        }
        let bytes = Some(&Unit::Bytes);
        for (name, help, unit, value) in [
            ("process_resident_memory", "Memory of the process that is resident", bytes, self.resident_bytes),
            ("process_virtual_memory", "Address space of the process", bytes, self.virtual_bytes),
            ("process_threads", "Threads of the process", None, self.threads),
            ("process_open_fds", "Files and sockets that the process has open", None, self.open_files),
            ("process_max_fds", "Files and sockets that the process may have open", None, self.most_files),
        ] {
            if let Some(value) = value {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(encoder.encode_descriptor(
                    name,
                    help,
                    unit,
                    MetricType::Gauge,
                )?)?;
            }
        }
        if let Some(start) = self.start_time {
            let help = "When the process was started, in Unix time";
            let metric = encoder.encode_descriptor(
                "process_start_time",
                help,
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?;
            ConstGauge::new(start).encode(metric)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_from_behind_the_name() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194304 900 0 0 0 250 150 0 0 20 0 7 0 5000 104857600 2560 18446744073709551615";
        let sample = ProcessSample::read(stat, Some(1000.0));
        assert_eq!(
            (sample.cpu_seconds, sample.threads, sample.start_time),
            (Some(4.0), Some(7), Some(1050.0))
        );
        assert_eq!((sample.virtual_bytes, sample.resident_bytes), (Some(104_857_600), Some(10_485_760)));
        assert_eq!(ProcessSample::read("", None), ProcessSample::default());
    }

    #[test]
    fn this_process_has_all_of_them() {
        let now = ProcessSample::take();
        assert!(now.cpu_seconds.is_some() && now.open_files.is_some_and(|files| files > 0), "{now:?}");
        assert!(
            now.start_time.is_some() && now.resident_bytes.is_some_and(|bytes| bytes > 1 << 20),
            "{now:?}"
        );
    }
}
