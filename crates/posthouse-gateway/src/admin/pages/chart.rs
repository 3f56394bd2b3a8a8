//! Charts: SVG, drawn here, with a table of the same numbers beside each.

use jiff::{SignedDuration, Timestamp};
use posthouse_api::SeriesView;

/// Where the lines of a chart are drawn, in units of its own, which are as wide and as high as there is room: its labels stand beside it.
const LEFT: f64 = 0.0;
const RIGHT: f64 = 600.0;
const TOP: f64 = 0.0;
const BOTTOM: f64 = 120.0;
/// How far back a chart goes, in seconds, and in words: as far as it takes to show all there is.
const SPANS: [(u32, &str); 3] = [(900, "15 minutes"), (3_600, "hour"), (21_600, "6 hours")];
/// How many values a line has at most.
const POINTS: u32 = 180;
/// How many rows the table has.
const ROWS: u32 = 15;
/// How lines are told apart: by colour and by their strokes.
const CLASSES: [&str; 4] = ["l0", "l1", "l2", "l3"];

/// A line of a chart.
pub(super) struct ChartLine {
    pub name: String,
    pub class: &'static str,
    /// The `d` of its path.
    pub path: String,
    /// Its newest value.
    pub now: String,
}

/// A chart.
pub(super) struct Chart {
    pub title: String,
    pub lines: Vec<ChartLine>,
    /// What stands at the top of its scale, and in the middle.
    pub ticks: [String; 2],
    /// The times of its ends.
    pub ends: [String; 2],
    /// Times, and the value of each line then.
    pub rows: Vec<(String, Vec<String>)>,
    /// The same in a sentence, for people who do not see it.
    pub says: String,
}

impl Chart {
    /// Of these series, each with its name. `None` before there is anything to see.
    pub fn of(title: impl Into<String>, series: &[(String, SeriesView)]) -> Option<Self> {
        let title = title.into();
        let series = series.get(..series.len().min(CLASSES.len()))?;
        let until = series.iter().find_map(|(_, one)| one.until)?;
        let values = series.iter().flat_map(|(_, one)| one.values.iter().flatten());
        let highest = values.copied().fold(0.0, f64::max);
        if series.iter().all(|(_, one)| one.values.iter().flatten().next().is_none()) {
            return None;
        }
        let top = round_up(highest);
        let longest = series.iter().map(|(_, one)| length(one)).max().unwrap_or_default();
        let [.., whole] = SPANS;
        let (span, words) = SPANS.into_iter().find(|(span, _)| *span >= longest).unwrap_or(whole);
        let lines: Vec<ChartLine> = series
            .iter()
            .zip(CLASSES)
            .map(|((name, one), class)| ChartLine {
                name: name.clone(),
                class,
                path: path(one, span, top),
                now: one.values.iter().rev().flatten().next().copied().map_or_else(dash, number),
            })
            .collect();
        let now: Vec<String> = lines.iter().map(|line| format!("{} {}", line.name, line.now)).collect();
        let says =
            format!("{title}: now {}; at most {} in the last {words}", now.join(", "), number(highest));
        Some(Self {
            lines,
            ticks: ticks(top),
            ends: [clock(until, span), clock(until, 0)],
            rows: rows(series, span, until),
            says,
            title,
        })
    }
}

fn dash() -> String {
    "–".to_owned()
}

fn clock(until: Timestamp, ago: u32) -> String {
    let at = until.checked_sub(SignedDuration::from_secs(ago.into())).unwrap_or(until);
    at.strftime("%H:%M").to_string()
}

/// A number, as precise as it is read.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 1.0 => format!("{value:.2}"),
        value if value < 10.0 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        value => format!("{value:.0}"),
    }
}

/// What stands at the top of a scale and in its middle, as precise as it takes to tell them apart.
fn ticks(top: f64) -> [String; 2] {
    let rounded = [number(top), number(top / 2.0)];
    if rounded[0] != rounded[1] {
        return rounded;
    }
    (1..=6)
        .map(|digits| [top, top / 2.0].map(|value| format!("{value:.digits$}")))
        .find(|ticks| ticks[0] != ticks[1])
        .unwrap_or(rounded)
}

/// The next of 0.1, 0.2, 0.5, 1, 2, 5, 10 and so on.
fn round_up(highest: f64) -> f64 {
    let mut top = 0.1;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle().take(60) {
        if top >= highest {
            break;
        }
        top *= factor;
    }
    top
}

/// How many seconds a series is about.
fn length(one: &SeriesView) -> u32 {
    u32::try_from(one.values.len()).unwrap_or(u32::MAX).saturating_mul(one.step_seconds)
}

/// The means of so many seconds each, the newest first; as many as there are in a span.
fn means(one: &SeriesView, seconds: u32, span: u32) -> Vec<Option<f64>> {
    let newest_first: Vec<Option<f64>> = one.values.iter().rev().copied().collect();
    let steps = usize::try_from((seconds / one.step_seconds.max(1)).max(1)).unwrap_or(1);
    let most = usize::try_from(span / seconds.max(1)).unwrap_or(usize::MAX);
    let mean = |values: &[Option<f64>]| {
        let (sum, count) =
            values.iter().flatten().fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    };
    newest_first.chunks(steps).take(most).map(mean).collect()
}

/// The newest value is at the right; a hole is a gap.
fn path(one: &SeriesView, span: u32, top: f64) -> String {
    let seconds = (span / POINTS).max(one.step_seconds);
    let points = f64::from((span / seconds.max(1)).max(2) - 1);
    let mut path = String::new();
    let mut is_drawn = false;
    for (ago, value) in (0u32..).zip(means(one, seconds, span)) {
        let Some(value) = value else {
            is_drawn = false;
            continue;
        };
        let x = RIGHT - f64::from(ago) * (RIGHT - LEFT) / points;
        let y = BOTTOM - (value / top).clamp(0.0, 1.0) * (BOTTOM - TOP);
        path.push_str(&format!("{}{x:.1} {y:.1}", if is_drawn { "L" } else { "M" }));
        // A value that stands alone is a dot.
        if !is_drawn {
            path.push_str("h.1");
        }
        is_drawn = true;
    }
    path
}

fn rows(series: &[(String, SeriesView)], span: u32, until: Timestamp) -> Vec<(String, Vec<String>)> {
    let seconds = span / ROWS;
    let columns: Vec<Vec<Option<f64>>> = series.iter().map(|(_, one)| means(one, seconds, span)).collect();
    let row = |row: u32| {
        let at = usize::try_from(row).ok()?;
        let values: Vec<Option<f64>> =
            columns.iter().map(|column| column.get(at).copied().flatten()).collect();
        let is_known = values.iter().any(Option::is_some);
        let time = format!("{}–{}", clock(until, (row + 1) * seconds), clock(until, row * seconds));
        is_known.then(|| (time, values.into_iter().map(|value| value.map_or_else(dash, number)).collect()))
    };
    (0..ROWS).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[Option<f64>]) -> (String, SeriesView) {
        let view = SeriesView {
            name: "accepted".to_owned(),
            carrier: None,
            connection: None,
            step_seconds: 60,
            until: Some("2026-11-29T12:00:00Z".parse().unwrap()),
            values: values.to_vec(),
        };
        ("accepted".to_owned(), view)
    }

    #[test]
    fn the_newest_is_at_the_right_a_hole_is_a_gap_and_the_table_says_the_same() {
        let chart = Chart::of("A second", &[series(&[Some(4.0), None, Some(1.0), Some(3.0)])]).unwrap();
        assert_eq!(chart.lines[0].path, "M600.0 48.0h.1L557.1 96.0M471.4 24.0h.1");
        assert_eq!(chart.ticks, ["5", "2.5"]);
        assert_eq!(chart.ends, ["11:45", "12:00"]);
        let row = |time: &str, value: &str| (time.to_owned(), vec![value.to_owned()]);
        assert_eq!(chart.rows, [row("11:59–12:00", "3"), row("11:58–11:59", "1"), row("11:56–11:57", "4")]);
        assert_eq!(chart.says, "A second: now accepted 3; at most 4 in the last 15 minutes");
        assert!(Chart::of("A second", &[series(&[None, None])]).is_none());
        assert!(Chart::of("A second", &[]).is_none());
    }

    #[test]
    fn a_chart_goes_back_as_far_as_there_is_something_to_see() {
        let ends = |values: usize| Chart::of("A second", &[series(&vec![Some(1.0); values])]).unwrap().ends;
        assert_eq!(ends(15), ["11:45", "12:00"]);
        assert_eq!(ends(16), ["11:00", "12:00"]);
        assert_eq!(ends(61), ["06:00", "12:00"]);
        let whole = Chart::of("A second", &[series(&[Some(2.0); 400])]).unwrap();
        assert_eq!((whole.rows.len(), &*whole.rows[14].0), (15, "06:00–06:24"));
        assert!(whole.lines[0].path.ends_with("L0.0 0.0"), "{}", whole.lines[0].path);
    }

    #[test]
    fn the_labels_of_a_scale_differ() {
        for (top, labels) in [
            (0.1, ["0.10", "0.05"]),
            (0.01, ["0.010", "0.005"]),
            (0.2, ["0.20", "0.10"]),
            (1.0, ["1", "0.50"]),
            (1000.0, ["1000", "500"]),
        ] {
            assert_eq!(ticks(top), labels, "{top}");
        }
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (highest, top) in
            [(0.0, "0.10"), (0.03, "0.10"), (0.2, "0.20"), (3.0, "5"), (17.0, "20"), (640.0, "1000")]
        {
            assert_eq!(number(round_up(highest)), top, "{highest}");
        }
    }
}
