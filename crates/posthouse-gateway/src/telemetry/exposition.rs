//! The two formats that metrics are served in: OpenMetrics 1.0 where it is asked for, and Prometheus' text format 0.0.4 for everybody else.

/// A format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// `text/plain; version=0.0.4`.
    Text,
    /// `application/openmetrics-text; version=1.0.0`.
    OpenMetrics,
}

impl Exposition {
    /// The one that is asked for by `Accept`: OpenMetrics where it is named and not refused, whatever else is.
    pub(crate) fn asked_for(accept: Option<&str>) -> Self {
        let is_named = accept.unwrap_or_default().split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_it =
                parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/openmetrics-text"));
            let is_refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            is_it && !is_refused
        });
        if is_named { Self::OpenMetrics } else { Self::Text }
    }

    /// Its media type.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What was written in OpenMetrics, in this format.
    pub(crate) fn of(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Text => in_text(&open_metrics),
        }
    }
}

/// In the text format a counter's family has the name that its samples have; there are no units, and no end.
fn in_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            text.extend([line, "\n"]);
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (Some(keyword), Some(name), rest) =
            (words.next(), words.next(), words.next().unwrap_or_default())
        else {
            continue;
        };
        match keyword {
            "HELP" => help = Some((name, rest)),
            "TYPE" => {
                let (ending, kind) = match rest {
                    "counter" => ("_total", "counter"),
                    "unknown" => ("", "untyped"),
                    kind => ("", kind),
                };
                if let Some((_, words)) = help.take().filter(|(of, _)| *of == name) {
                    text.push_str(&format!("# HELP {name}{ending} {words}\n"));
                }
                text.push_str(&format!("# TYPE {name}{ending} {kind}\n"));
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_is_written_where_it_is_asked_for() {
        for (accept, expected) in [
            (None, Exposition::Text),
            (Some("*/*"), Exposition::Text),
            (Some("text/plain;version=0.0.4"), Exposition::Text),
            (Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), Exposition::OpenMetrics),
            (Some("text/plain, Application/OpenMetrics-Text"), Exposition::OpenMetrics),
            (Some("application/openmetrics-text;q=0, */*"), Exposition::Text),
        ] {
            assert_eq!(Exposition::asked_for(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn the_text_format_names_counters_as_their_samples() {
        let open_metrics = "# HELP a_attempts Attempts.\n# TYPE a_attempts counter\na_attempts_total{code=\"1000\"} 2\n\
            # HELP a_time_seconds Time.\n# TYPE a_time_seconds histogram\n# UNIT a_time_seconds seconds\na_time_seconds_sum 0.5\n# EOF\n";
        let text = "# HELP a_attempts_total Attempts.\n# TYPE a_attempts_total counter\na_attempts_total{code=\"1000\"} 2\n\
            # HELP a_time_seconds Time.\n# TYPE a_time_seconds histogram\na_time_seconds_sum 0.5\n";
        assert_eq!(Exposition::Text.of(open_metrics.to_owned()), text);
        assert_eq!(Exposition::OpenMetrics.of(open_metrics.to_owned()), open_metrics);
    }
}
