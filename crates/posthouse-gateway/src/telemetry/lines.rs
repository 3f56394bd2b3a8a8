//! Lines of the log on their way out: handed over without waiting, and written by a thread of their own.
//!
//! Whoever reads stderr may stop. A write to a full pipe then waits for ever, and with it whatever wrote: so nothing but this thread
//! does. What waits for it is bounded in lines and in bytes; what comes beyond that is dropped and counted, and the log says how much
//! it was as soon as somebody reads again.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, ErrorKind, Write},
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

/// How many lines may wait.
const MOST_LINES: usize = 16_384;
/// How many bytes may wait.
const MOST_BYTES: usize = 4 << 20;
/// How many bytes are written at a time, unless one line has more.
const CHUNK: usize = 32 << 10;
/// How long is waited where stderr neither takes bytes nor waits itself.
const PAUSE: Duration = Duration::from_millis(20);

/// How long the end of the process waits for the last lines.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);
static LOGGED: LazyLock<Family<Level, Counter>> = LazyLock::new(|| {
    let logged = Family::default();
    for level in LEVELS {
        drop(logged.get_or_create(&Level { level }));
    }
    logged
});
static OF_THIS_PROCESS: OnceLock<Lines> = OnceLock::new();

/// Counts the lines that this process dropped.
pub fn dropped() -> Counter {
    DROPPED.clone()
}

/// The levels that lines are counted by.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The level of a line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Level {
    level: &'static str,
}

/// Counts the lines that this process logged, by level.
pub(crate) fn logged() -> Family<Level, Counter> {
    LOGGED.clone()
}

/// Counts a line: of this severity, 0 for an error, and one more for each step down to 4 for a trace.
pub fn count(severity: usize) {
    if let Some(level) = LEVELS.get(severity) {
        LOGGED.get_or_create(&Level { level }).inc();
    }
}

/// The lines of this process's log, if one was started.
pub fn of_this_process() -> Option<&'static Lines> {
    OF_THIS_PROCESS.get()
}

/// Starts the log of this process, which is written to stderr. `lost` makes the line that says how many lines were dropped.
///
/// # Errors
/// No thread can be started, or a log was started before.
#[expect(clippy::disallowed_methods, reason = "this is how the log gets out")]
pub fn start(lost: fn(u64) -> String) -> io::Result<&'static Lines> {
    let lines = Lines::start(io::stderr(), Bounds::default(), lost, dropped())?;
    OF_THIS_PROCESS.set(lines).map_err(|_| io::Error::from(ErrorKind::AlreadyExists))?;
    of_this_process().ok_or_else(|| ErrorKind::NotFound.into())
}

/// Waits a moment till all that was logged is written: to be called before the process ends.
pub fn flush() {
    if let Some(lines) = of_this_process() {
        lines.flush(LAST_WORDS);
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    lines: usize,
    bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { lines: MOST_LINES, bytes: MOST_BYTES }
    }
}

/// Lines that wait to be written.
pub struct Lines {
    shared: Arc<Shared>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

struct Shared {
    bounds: Bounds,
    lost: fn(u64) -> String,
    dropped: Counter,
    waiting: Mutex<Waiting>,
    /// Rung when a line comes, and when a piece was written.
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Dropped, and not told yet.
    lost: u64,
    /// Whether some were taken and are not written yet.
    is_writing: bool,
}

impl Lines {
    fn start(
        to: impl Write + Send + 'static,
        bounds: Bounds,
        lost: fn(u64) -> String,
        dropped: Counter,
    ) -> io::Result<Self> {
        let (waiting, bell) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { bounds, lost, dropped, waiting, bell });
        let of_thread = Arc::clone(&shared);
        // It ends with the process: it may be waiting for somebody who never reads.
        thread::Builder::new().name("log".into()).spawn(move || of_thread.write_all(to))?;
        Ok(Self { shared })
    }

    /// Hands a line over, with its line end. Never waits.
    pub fn push(&self, line: &[u8]) {
        let mut waiting = self.shared.lock();
        self.shared.tell_lost(&mut waiting);
        if waiting.lost > 0 || !self.shared.add(&mut waiting, line.to_vec()) {
            waiting.lost += 1;
            self.shared.dropped.inc();
        }
        drop(waiting);
        self.shared.bell.notify_all();
    }

    /// Waits till all is written, at most this long; whether it is.
    pub fn flush(&self, within: Duration) -> bool {
        let waiting = self.shared.lock();
        let is_left = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        let waited = self.shared.bell.wait_timeout_while(waiting, within, is_left);
        let (_waiting, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line if there is room for it.
    fn add(&self, waiting: &mut Waiting, line: Vec<u8>) -> bool {
        let bytes = waiting.bytes + line.len();
        let has_room = waiting.lines.len() < self.bounds.lines && bytes <= self.bounds.bytes;
        if has_room {
            waiting.bytes = bytes;
            waiting.lines.push_back(line);
        }
        has_room
    }

    /// Says how many lines were dropped, in the place where they would have been, once half of the room is free: whoever reads slowly
    /// is not told of every few.
    fn tell_lost(&self, waiting: &mut Waiting) {
        let has_room = waiting.lines.len() <= self.bounds.lines / 2 && waiting.bytes <= self.bounds.bytes / 2;
        if waiting.lost > 0 && has_room && self.add(waiting, (self.lost)(waiting.lost).into_bytes()) {
            waiting.lost = 0;
        }
    }

    fn write_all(&self, mut to: impl Write) {
        loop {
            let (lines, chunk) = self.take();
            let written = write(&mut to, &chunk);
            let mut waiting = self.lock();
            waiting.is_writing = false;
            match written {
                Ok(()) if waiting.lines.is_empty() => self.tell_lost(&mut waiting),
                Ok(()) => {}
                Err(_) => {
                    waiting.lost += lines;
                    self.dropped.inc_by(lines);
                }
            }
            drop(waiting);
            self.bell.notify_all();
        }
    }

    /// Waits for lines; how many were taken, and they.
    fn take(&self) -> (u64, Vec<u8>) {
        let waiting = self.bell.wait_while(self.lock(), |waiting| waiting.lines.is_empty());
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let (mut lines, mut chunk) = (0, Vec::new());
        let fits = |chunk: &Vec<u8>, line: &Vec<u8>| chunk.is_empty() || chunk.len() + line.len() <= CHUNK;
        while waiting.lines.front().is_some_and(|line| fits(&chunk, line)) {
            let line = waiting.lines.pop_front().unwrap_or_default();
            waiting.bytes -= line.len();
            lines += 1;
            chunk.extend_from_slice(&line);
        }
        waiting.is_writing = true;
        (lines, chunk)
    }
}

/// Writes all of it, also where others have made stderr such that it does not wait.
#[expect(clippy::disallowed_methods, reason = "in the thread of the log, which may sleep")]
fn write(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, sync::mpsc};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn lost(lines: u64) -> String {
        format!("{lines} lost\n")
    }

    /// A pipe whose reader decides, and lines on their way into it. A write of this pipe waits till it is read.
    fn lines(bounds: Bounds) -> (Lines, mpsc::Receiver<Vec<u8>>, Counter) {
        let (pipe, read) = mpsc::sync_channel(0);
        let dropped = Counter::default();
        let lines = Lines::start(Pipe(pipe), bounds, lost, dropped.clone()).unwrap();
        (lines, read, dropped)
    }

    struct Pipe(mpsc::SyncSender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Hands lines over whose first is being written for as long as nobody reads.
    fn stall(lines: &Lines) {
        lines.push(b"first\n");
        let began = std::time::Instant::now();
        while !lines.shared.lock().is_writing {
            assert!(began.elapsed() < LONG);
            thread::yield_now();
        }
    }

    fn read_till(read: &mpsc::Receiver<Vec<u8>>, last: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(last) {
            text.push_str(&String::from_utf8(read.recv_timeout(LONG).unwrap()).unwrap());
        }
        text
    }

    #[test]
    fn what_nobody_reads_is_dropped_beyond_so_many_lines_and_told_in_its_place() {
        let (lines, read, dropped) = lines(Bounds { lines: 3, bytes: 1000 });
        stall(&lines);
        for line in ["a\n", "b\n", "c\n", "d\n", "e\n"] {
            lines.push(line.as_bytes());
        }
        assert_eq!(dropped.get(), 2);
        assert!(!lines.flush(Duration::from_millis(1)));
        assert_eq!(read_till(&read, "lost\n"), "first\na\nb\nc\n2 lost\n");
        lines.push(b"f\n");
        assert_eq!(read_till(&read, "f\n"), "f\n");
        assert!(lines.flush(LONG));
        assert_eq!(dropped.get(), 2);
    }

    #[test]
    fn what_nobody_reads_is_dropped_beyond_so_many_bytes() {
        let (lines, read, dropped) = lines(Bounds { lines: 1000, bytes: 10 });
        stall(&lines);
        lines.push(b"12345678\n");
        lines.push(b"12\n");
        // It would fit, and comes behind what was dropped: the log stays in order.
        lines.push(b"\n");
        assert_eq!(dropped.get(), 2);
        assert_eq!(read_till(&read, "lost\n"), "first\n12345678\n2 lost\n");
    }

    #[test]
    fn a_reader_that_is_gone_costs_its_lines_and_nothing_else() {
        let (lines, read, dropped) = lines(Bounds::default());
        drop(read);
        for count in 1..=3 {
            lines.push(b"a\n");
            assert!(lines.flush(LONG));
            assert!(dropped.get() >= count, "{}", dropped.get());
        }
    }

    #[test]
    fn a_real_pipe_that_nobody_reads_stops_no_one() {
        let (mut read, write) = io::pipe().unwrap();
        let dropped = Counter::default();
        let bounds = Bounds { lines: 1000, bytes: 100_000 };
        let lines = Lines::start(write, bounds, lost, dropped.clone()).unwrap();
        let line = [b"x".repeat(99), b"\n".to_vec()].concat();
        for _ in 0..5000 {
            lines.push(&line);
        }
        // 64 KiB are in the pipe, one chunk is being written, 100 KB wait.
        assert!(dropped.get() > 2000, "{}", dropped.get());
        let mut text = Vec::new();
        let mut piece = [0; 4096];
        // That lines were lost is said where they were, which need not be behind the last that was kept.
        let (whole, told) = (5000 - dropped.get(), |line: &[u8]| line.ends_with(b" lost"));
        let is_all = |text: &[u8]| {
            let lines = || text.split(|byte| *byte == b'\n');
            lines().any(told) && lines().filter(|line| line.len() == 99).count() as u64 == whole
        };
        while !is_all(&text) {
            let length = read.read(&mut piece).unwrap();
            assert!(length > 0, "{} bytes", text.len());
            text.extend_from_slice(&piece[..length]);
        }
    }
}
