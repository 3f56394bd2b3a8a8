//! How states and times read on a page.

use jiff::Timestamp;
use posthouse_api::TimelineLine;

/// Whether a state or a line of a timeline is good, bad or to be watched: the class that colours it. The word itself always stands beside.
pub(super) fn tone(word: &str) -> &'static str {
    match word {
        "Retrieved" | "Delivered" | "Reported" => "good",
        "Rejected" | "Expired" | "Indeterminate" | "Unrecognized" | "Unreachable" | "NotSupported"
        | "ReportFailed" => "bad",
        "Parked" | "Deferred" | "Retrying" => "warn",
        _ => "",
    }
}

/// The same of a line of a timeline: of one that ends the message, how it ended.
pub(super) fn line_tone(line: &TimelineLine) -> &'static str {
    match line.kind.as_str() {
        "Ended" => tone(line.detail.split(':').next().unwrap_or_default()),
        kind => tone(kind),
    }
}

/// A time to the second, for lists.
pub(super) fn short(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time to the millisecond, for timelines.
pub(super) fn precise(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// Bytes, for people.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{}.{} KB", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_bytes_read_as_people_write_them() {
        let at: Timestamp = "2026-11-29T02:03:04.0567Z".parse().unwrap();
        assert_eq!(short(&at), "2026-11-29 02:03:04");
        assert_eq!(precise(&at), "2026-11-29 02:03:04.056");
        assert_eq!([999, 1_000, 2_345_678].map(bytes), ["999 bytes", "1.0 KB", "2.3 MB"]);
    }
}
