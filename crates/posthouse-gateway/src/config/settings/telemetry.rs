//! `[telemetry]`: what goes to collectors.

use http::Uri;
use posthouse_core::{
    provisioning::reading::{Table, Unfit},
    url::PeerUrl,
};

use super::quote;

/// What `[telemetry] otlp` says of a program that cannot do it.
const NOT_BUILT: (&str, &str) = (
    "is for a program that was built with `--features otlp`, and this one was not",
    "`posthouse --version` says which it is",
);

/// `[telemetry]`
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetrySection {
    /// The collector of traces; `None`: no traces are sent.
    pub otlp: Option<String>,
    /// Of how large a part of all messages traces are sent, from 0 to 1. What failed is sent in any case.
    pub ratio: f64,
}

impl Eq for TelemetrySection {}

impl Default for TelemetrySection {
    fn default() -> Self {
        Self { otlp: None, ratio: 0.01 }
    }
}

fn collector(url: String) -> Result<String, Unfit> {
    if !cfg!(feature = "otlp") {
        return Err(NOT_BUILT.into());
    }
    match PeerUrl::parse(url.clone()) {
        Ok(_) => Ok(url),
        Err(error) => Err(Unfit::Alone(error.mistake())),
    }
}

impl TelemetrySection {
    /// Where spans are posted to.
    pub fn traces(&self) -> Option<Uri> {
        let base = self.otlp.as_ref()?.trim_end_matches('/');
        format!("{base}/v1/traces").parse().ok()
    }

    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let default = Self::default();
        let ratio = table.parsed("ratio", |text: String| {
            let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            ratio.ok_or_else(|| {
                Unfit::from(("is no part", "write a text from \"0\" to \"1\", such as \"0.01\""))
            })
        });
        Self { otlp: table.parsed("otlp", collector), ratio: ratio.unwrap_or(default.ratio) }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        let otlp = match &self.otlp {
            Some(url) => format!("otlp = {}", quote(url)),
            None => "# otlp = \"http://127.0.0.1:4318\"".to_owned(),
        };
        format!(
            "[telemetry]
# The collector that traces are sent to, by OTLP over HTTP; for programs that were built with `--features otlp`.
{otlp}
# Of how large a part of all messages; what failed is sent in any case.
ratio = {}
",
            quote(&self.ratio.to_string())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_mistakes;

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[(
            "[telemetry]\nratio = \"1.5\"",
            "posthouse.toml:2: telemetry.ratio: \"1.5\" is no part; write a text from \"0\" to \"1\", such as \"0.01\"",
        )]);
    }

    #[cfg(not(feature = "otlp"))]
    #[test]
    fn a_program_that_cannot_send_traces_says_so() {
        assert_mistakes(&[(
            "[telemetry]\notlp = \"http://127.0.0.1:4318\"",
            "posthouse.toml:2: telemetry.otlp: \"http://127.0.0.1:4318\" is for a program that was built with `--features otlp`, and this one was not; `posthouse --version` says which it is",
        )]);
    }

    #[cfg(feature = "otlp")]
    #[test]
    fn spans_go_to_the_collectors_path() {
        let settings =
            super::super::tests::parse("[telemetry]\notlp = \"http://127.0.0.1:4318/\"\nratio = \"0.5\"")
                .unwrap();
        assert_eq!(settings.telemetry.traces().unwrap().to_string(), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(super::super::tests::parse(&settings.print()), Ok(settings));
    }
}
