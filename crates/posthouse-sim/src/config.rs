//! `sim.toml`: which carriers to simulate.

use std::{fmt, net::SocketAddr, ops::Range, time::Duration};

use http::Uri;
use mm7::{Namespace, Version};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;

use crate::{CarrierOptions, Credentials};

/// A `sim.toml` with every key; the values are the defaults but for `reports`, `expects` and `shows`, which have none.
pub const EXAMPLE: &str = r#"[[carrier]]
id = "31003"                      # MessageIDs begin with it
listen = "127.0.0.1:9101"         # port 0 takes a free one
path = "/mm7"
reports = "http://127.0.0.1:8008/carriers/31003/mm7"   # left out: no reports
report_delay = "50ms"             # after the answer, and from one report to the next
latency = "0ms"                   # before each answer
error_rate = 0.0                  # share answered 4006 whatever the recipient
seed = 1                          # which requests these are
expects = { username = "posthouse", password = "p" }   # left out: no credentials
shows = { username = "vzw", password = "p" }           # left out: no credentials
namespace = "REL-6-MM7-1-4"       # of its own requests; answers are in the caller's
version = "6.8.0"
keep_messages = 10000             # for GET /sim/messages
keep_bytes = 268435456
"#;

/// The delay that a carrier has unless it is told otherwise: reports are seen to come after the answer.
const REPORT_DELAY: Duration = Duration::from_millis(50);

/// The longest time that is taken.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

/// One thing that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimMistake {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for SimMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// The carrier that is simulated without a file: 31003 on 127.0.0.1:9101, which reports to a gateway on its usual port.
pub fn usual_carrier() -> CarrierOptions {
    CarrierOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 9101)),
        reports: Some("http://127.0.0.1:8008/carriers/31003/mm7".to_owned()),
        report_delay: REPORT_DELAY,
        ..CarrierOptions::new("31003")
    }
}

/// Reads the text of a `sim.toml`.
///
/// # Errors
/// What is wrong, by line. A key that is unknown or a value of the wrong type ends the reading; everything else is told
/// at once.
///
/// ```
/// let carriers = posthouse_sim::config::parse("[[carrier]]\nid = \"31002\"\nlisten = \"127.0.0.1:9102\"\n")?;
/// assert_eq!(carriers[0].path, "/mm7");
/// let wrong = posthouse_sim::config::parse("[[carrier]]\nid = \"31002\"\nport = 9102\n").unwrap_err();
/// assert_eq!(wrong[0].line, 3);
/// # Ok::<(), Vec<posthouse_sim::config::SimMistake>>(())
/// ```
pub fn parse(text: &str) -> Result<Vec<CarrierOptions>, Vec<SimMistake>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(text.len(), |span| span.start);
        vec![SimMistake { line: line_of(text, start), what: error.message().replace('\n', ", ") }]
    })?;
    let mut mistakes = Mistakes { text, found: Vec::new() };
    if file.carrier.is_empty() {
        mistakes.add(0..0, "there is no carrier; write at least one [[carrier]]");
    }
    mistakes.check_listens(&file.carrier);
    let carriers = file.carrier.into_iter().map(|carrier| carrier.into_options(&mut mistakes)).collect();
    mistakes.finish(carriers)
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    carrier: Vec<Carrier>,
}

/// One carrier as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Carrier {
    id: Spanned<String>,
    listen: Spanned<SocketAddr>,
    path: Option<Spanned<String>>,
    reports: Option<Spanned<String>>,
    report_delay: Option<Time>,
    latency: Option<Time>,
    error_rate: Option<Spanned<f64>>,
    seed: Option<u64>,
    expects: Option<Basic>,
    shows: Option<Basic>,
    namespace: Option<Spanned<String>>,
    version: Option<Spanned<String>>,
    keep_messages: Option<usize>,
    keep_bytes: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Basic {
    username: String,
    password: String,
}

impl From<Basic> for Credentials {
    fn from(basic: Basic) -> Self {
        Self::new(basic.username, basic.password)
    }
}

/// A time as it is written.
struct Time(Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

impl Carrier {
    fn into_options(self, mistakes: &mut Mistakes<'_>) -> CarrierOptions {
        let usual = CarrierOptions::new(mistakes.read(Some(self.id), id).unwrap_or_default());
        CarrierOptions {
            listen: *self.listen.get_ref(),
            path: mistakes.read(self.path, path).unwrap_or(usual.path),
            reports: mistakes.read(self.reports, http_url),
            report_delay: self.report_delay.map_or(REPORT_DELAY, |time| time.0),
            latency: self.latency.map_or(usual.latency, |time| time.0),
            error_rate: mistakes.read(self.error_rate, share).unwrap_or(usual.error_rate),
            seed: self.seed.unwrap_or(usual.seed),
            expects: self.expects.map(Credentials::from),
            shows: self.shows.map(Credentials::from),
            namespace: mistakes.read(self.namespace, namespace).unwrap_or(usual.namespace),
            version: mistakes.read(self.version, version).unwrap_or(usual.version),
            keep_messages: self.keep_messages.unwrap_or(usual.keep_messages),
            keep_bytes: self.keep_bytes.unwrap_or(usual.keep_bytes),
            carrier_id: usual.carrier_id,
        }
    }
}

/// What was found wrong so far.
struct Mistakes<'a> {
    text: &'a str,
    found: Vec<SimMistake>,
}

impl Mistakes<'_> {
    fn add(&mut self, span: Range<usize>, what: impl Into<String>) {
        self.found.push(SimMistake { line: line_of(self.text, span.start), what: what.into() });
    }

    /// The value as it is meant; what is wrong with it is noted, and reads as absent.
    fn read<T, U>(
        &mut self,
        value: Option<Spanned<T>>,
        read: impl FnOnce(T) -> Result<U, &'static str>,
    ) -> Option<U> {
        let value = value?;
        let span = value.span();
        read(value.into_inner()).map_err(|what| self.add(span, what)).ok()
    }

    /// Two carriers cannot have one address, but any number may take a free port.
    fn check_listens(&mut self, carriers: &[Carrier]) {
        for (index, carrier) in carriers.iter().enumerate() {
            let address = carrier.listen.get_ref();
            let is_taken = |other: &Carrier| other.listen.get_ref() == address;
            if address.port() != 0 && carriers.iter().take(index).any(is_taken) {
                self.add(
                    carrier.listen.span(),
                    format!("{address} is another carrier's; give each its own port"),
                );
            }
        }
    }

    fn finish<T>(mut self, value: T) -> Result<T, Vec<SimMistake>> {
        self.found.sort_by_key(|mistake| mistake.line);
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }
}

fn id(id: String) -> Result<String, &'static str> {
    let is_usable = !id.trim().is_empty() && id.len() <= 256;
    if is_usable { Ok(id) } else { Err("the id of a carrier has 1 to 256 bytes and is not blank") }
}

fn path(path: String) -> Result<String, &'static str> {
    let is_usable = path.starts_with('/') && !path.contains(['?', '#', ' ']) && !path.starts_with("/sim/");
    if is_usable { Ok(path) } else { Err("a path begins with / and is not below /sim/, like \"/mm7\"") }
}

fn http_url(url: String) -> Result<String, &'static str> {
    let uri: Option<Uri> = url.parse().ok();
    let is_usable = uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
    if is_usable { Ok(url) } else { Err("reports go to a URL of the form http://host:port/path") }
}

fn share(share: f64) -> Result<f64, &'static str> {
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("error_rate is a share from 0.0 to 1.0") }
}

fn namespace(name: String) -> Result<Namespace, &'static str> {
    parse_namespace(&name)
}

/// Reads an MM7 namespace, by its whole name or by what stands behind the last slash.
///
/// # Errors
/// A sentence that says which there are.
///
/// ```
/// assert_eq!(posthouse_sim::config::parse_namespace("REL-5-MM7-1-2"), Ok(mm7::Namespace::Rel5(2)));
/// ```
pub fn parse_namespace(name: &str) -> Result<Namespace, &'static str> {
    let is_named = |namespace: &Namespace| namespace.uri().rsplit('/').next() == Some(name);
    let found = Namespace::all().find(|namespace| is_named(namespace) || namespace.uri() == name);
    found.ok_or("this is no MM7 namespace; there are REL-5-MM7-1-0 to REL-5-MM7-1-5 and REL-6-MM7-1-0 to REL-6-MM7-1-4")
}

fn version(text: String) -> Result<Version, &'static str> {
    Version::parse(&text).map_err(|_| "a version is of the form x.y.z, like \"6.8.0\"")
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Reads a time as people write it: a whole number with `ms`, `s`, `m`, `h` or `d`; at most 3650 days.
///
/// # Errors
/// A sentence that says what a time looks like.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(posthouse_sim::config::parse_duration("250ms"), Ok(Duration::from_millis(250)));
/// assert!(posthouse_sim::config::parse_duration("250").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    match total.map(Duration::from_millis) {
        Some(time) if milliseconds > 0 && time <= LONGEST => Ok(time),
        _ => Err(format!("{text:?} is no time; write it like \"250ms\", \"10s\", \"5m\" or \"72h\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        parse(text).unwrap_err().iter().map(SimMistake::to_string).collect()
    }

    #[test]
    fn the_example_is_the_defaults_with_credentials() {
        let carriers = parse(EXAMPLE).unwrap();
        let [carrier] = carriers.as_slice() else { panic!("{} carriers", carriers.len()) };
        let mut expected = usual_carrier();
        expected.expects = Some(Credentials::new("posthouse", "p"));
        expected.shows = Some(Credentials::new("vzw", "p"));
        assert_eq!(format!("{carrier:?}"), format!("{expected:?}"));
    }

    #[test]
    fn values_are_read() {
        let text = r#"
            [[carrier]]
            id = "0001890"
            listen = "127.0.0.1:0"
            report_delay = "2s"
            error_rate = 0.25
            namespace = "REL-5-MM7-1-2"
            version = "5.3.0"
            [[carrier]]
            id = "31002"
            listen = "127.0.0.1:0"
        "#;
        let carriers = parse(text).unwrap();
        assert_eq!(carriers.len(), 2);
        assert_eq!(carriers[0].carrier_id, "0001890");
        assert_eq!(carriers[0].report_delay, Duration::from_secs(2));
        assert_eq!(carriers[0].error_rate, 0.25);
        assert_eq!(carriers[0].namespace, Namespace::Rel5(2));
        assert_eq!(carriers[0].version, Version::V5_3_0);
        assert_eq!(carriers[1].reports, None);
        assert_eq!(carriers[1].report_delay, Duration::from_millis(50));
    }

    #[test]
    fn mistakes_are_told_at_once_with_their_lines() {
        let text = concat!(
            "[[carrier]]\nid = \" \"\nlisten = \"127.0.0.1:9101\"\npath = \"mm7\"\nreports = \"ftp://x/\"\n",
            "[[carrier]]\nid = \"2\"\nlisten = \"127.0.0.1:9101\"\nerror_rate = 1.5\nnamespace = \"REL-7\"\n",
            "version = \"6.8\"\n",
        );
        assert_eq!(
            mistakes(text),
            [
                "line 2: the id of a carrier has 1 to 256 bytes and is not blank",
                "line 4: a path begins with / and is not below /sim/, like \"/mm7\"",
                "line 5: reports go to a URL of the form http://host:port/path",
                "line 8: 127.0.0.1:9101 is another carrier's; give each its own port",
                "line 9: error_rate is a share from 0.0 to 1.0",
                "line 10: this is no MM7 namespace; there are REL-5-MM7-1-0 to REL-5-MM7-1-5 and REL-6-MM7-1-0 to \
                 REL-6-MM7-1-4",
                "line 11: a version is of the form x.y.z, like \"6.8.0\"",
            ]
        );
    }

    #[test]
    fn what_is_no_sim_toml_is_refused() {
        assert_eq!(mistakes(""), ["line 1: there is no carrier; write at least one [[carrier]]"]);
        for (text, line, word) in [
            ("[[carrier]]\nid = \"1\"\nlisten = \"nowhere\"\n", 3, "socket address"),
            ("[[carrier]]\nid = \"1\"\nlisten = \"127.0.0.1:1\"\nlatency = \"soon\"\n", 4, "soon"),
            ("[[carrier]]\nid = \"1\"\nlisten = \"127.0.0.1:1\"\nlatencies = \"1s\"\n", 4, "latencies"),
            ("[[carrier]]\nid = \"1\"\n", 1, "listen"),
            ("[[carrier]\n", 1, ""),
        ] {
            let found = parse(text).unwrap_err();
            assert_eq!((found.len(), found[0].line), (1, line), "{text}: {found:?}");
            assert!(found[0].what.contains(word), "{found:?}");
        }
    }

    #[test]
    fn times_have_a_unit_and_an_end() {
        for (text, milliseconds) in [("0ms", 0), ("11s", 11_000), ("5m", 300_000), ("72h", 259_200_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in
            ["", "s", "10", "-1s", "1.5s", "1 s", "3651d", "99999999999999999999s", "9999999999999999999d"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
