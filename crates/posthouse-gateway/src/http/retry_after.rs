//! `Retry-After`: how long a peer asks to be left alone (RFC 9110 clause 10.2.3).

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};
use jiff::{Timestamp, fmt::rfc2822};

/// As long as a peer is left alone at most, whatever it asks for.
const LONGEST: Duration = Duration::from_secs(300);

/// Reads it: a number of seconds, or a date, which counts from the answer's own `Date`. At most 5 minutes; `None` without
/// the header, or where it cannot be understood.
pub fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let time = date(headers, header::RETRY_AFTER)?.duration_since(date(headers, header::DATE)?);
            Duration::try_from(time).unwrap_or(Duration::ZERO)
        }
    };
    Some(asked.min(LONGEST))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn seconds_and_dates_within_bounds() {
        const DATE: &str = "Wed, 21 Oct 2015 07:28:00 GMT";
        for (date, text, expected) in [
            (None, "7", Some(7)),
            (None, " 0 ", Some(0)),
            (None, "86400", Some(300)),
            (Some(DATE), "Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
            (Some(DATE), "Wed, 21 Oct 2015 07:27:30 GMT", Some(0)),
            (Some(DATE), "Thu, 22 Oct 2015 07:28:00 GMT", Some(300)),
            (None, "Wed, 21 Oct 2015 07:28:30 GMT", None),
            (Some(DATE), "soon", None),
            (None, "-1", None),
            (None, "1.5", None),
            (None, "99999999999999999999999", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(text));
            if let Some(date) = date {
                headers.insert(header::DATE, HeaderValue::from_static(date));
            }
            assert_eq!(read(&headers), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(read(&HeaderMap::new()), None);
    }
}
