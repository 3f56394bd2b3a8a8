//! What a process has used, as /proc tells it: CPU, memory, bytes written.

use std::{fs, path::Path, time::Duration};

/// What a process used so far. `None`: this system does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// The most memory that was resident, in bytes.
    pub peak_memory: Option<u64>,
    /// Bytes that it had the disk write.
    pub written: Option<u64>,
    /// User and system time of all its threads, in steps of 10 ms.
    pub cpu: Option<Duration>,
}

/// What one of many equal things cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// CPU time, in microseconds.
    pub cpu_us: Option<f64>,
    /// Bytes written to disk.
    pub written: Option<f64>,
}

impl Used {
    /// What this process used so far.
    pub fn of(process: u32) -> Self {
        let folder = Path::new("/proc").join(process.to_string());
        Self {
            peak_memory: field(&folder.join("status"), "VmHWM:").map(|kib| kib * 1024),
            written: field(&folder.join("io"), "write_bytes:"),
            cpu: fs::read_to_string(folder.join("stat")).ok().and_then(|stat| cpu(&stat)),
        }
    }

    /// The same, with what was known before where this says nothing: a process that has ended tells nothing any more.
    #[must_use]
    pub fn or(self, before: Self) -> Self {
        Self {
            peak_memory: self.peak_memory.or(before.peak_memory),
            written: self.written.or(before.written),
            cpu: self.cpu.or(before.cpu),
        }
    }

    /// What each of `count` cost, when they are all that was done since `before`.
    pub fn cost_since(self, before: Self, count: usize) -> Cost {
        let each = |total: f64| (count > 0).then(|| total / count as f64);
        let cpu = self.cpu.zip(before.cpu).map(|(now, before)| now.saturating_sub(before));
        let written = self.written.zip(before.written).map(|(now, before)| now.saturating_sub(before));
        Cost {
            cpu_us: cpu.and_then(|cpu| each(cpu.as_secs_f64() * 1e6)),
            written: written.and_then(|written| each(written as f64)),
        }
    }
}

/// User and system time in a line of /proc/PID/stat (proc_pid_stat(5), fields 14 and 15). The name before them may hold blanks
/// and brackets, so they are counted from its end.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let ticks = fields.next()?.ok()? + fields.next()?.ok()?;
    Some(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// A number from a file of /proc.
fn field(file: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let ticks = rustix::param::clock_ticks_per_second();
        let stat =
            format!("7 (a) b (c)) S 1 7 7 0 -1 4194560 26 0 1 0 {} {} 5 6 20 0 1 0", 2 * ticks, ticks / 2);
        assert_eq!(cpu(&stat), Some(Duration::from_millis(2500)));
        assert_eq!(cpu("7 (a) S 1"), None);
        assert_eq!(cpu(""), None);
    }

    #[test]
    fn this_process_has_used_something() {
        if !Path::new("/proc/self/stat").exists() {
            return;
        }
        let used = Used::of(std::process::id());
        assert!(used.peak_memory.is_some_and(|bytes| bytes > 1 << 20), "{used:?}");
        assert!(used.cpu.is_some() && used.written.is_some(), "{used:?}");
        assert!(Used::of(u32::MAX).cpu.is_none());
    }

    #[test]
    fn the_cost_of_one_is_what_all_cost_divided() {
        let used = |millis, written| Used {
            peak_memory: None,
            written: Some(written),
            cpu: Some(Duration::from_millis(millis)),
        };
        let cost = used(1500, 9_000).cost_since(used(500, 1_000), 2_000);
        assert_eq!((cost.cpu_us, cost.written), (Some(500.0), Some(4.0)));
        let nothing = used(1500, 9_000).cost_since(used(500, 1_000), 0);
        assert_eq!((nothing.cpu_us, nothing.written), (None, None));
        let unknown = used(1500, 9_000).cost_since(Used::default(), 5);
        assert_eq!((unknown.cpu_us, unknown.written), (None, None));
    }
}
