//! What the doors show: files that can be used, and certificates that are still good for a while.

use jiff::Timestamp;
use posthouse_gateway::{
    config::{Settings, settings::Tls},
    tls::files,
};

use super::Finding;

/// So many days before its end somebody should see to a certificate.
const SOON: i64 = 30;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// The TLS files of each door that has some.
pub(super) fn of_doors(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let doors =
        [("mm7", &settings.mm7.tls), ("carriers", &settings.carriers.tls), ("admin", &settings.admin.tls)];
    doors.into_iter().filter_map(|(section, tls)| Some(of_door(section, tls.as_ref()?, now))).collect()
}

fn of_door(section: &str, tls: &Tls, now: Timestamp) -> Finding {
    match files::load(tls) {
        Ok((_, in_force)) => judge(&format!("{section}.tls.cert"), in_force.expires, now),
        Err(error) => Finding::mend("tls", format!("{section}.tls: {error}")),
    }
}

/// Judges a certificate by its end. `None`: it does not say when that is.
pub(super) fn judge(name: &str, expires: Option<Timestamp>, now: Timestamp) -> Finding {
    let Some(expires) = expires else {
        return Finding::note("tls", format!("{name} does not say until when it is good"));
    };
    let left = expires.as_second() - now.as_second();
    let days = left / SECONDS_A_DAY;
    match (left <= 0, days < SOON) {
        (true, _) => Finding::mend("tls", format!("{name} expired at {expires:.0}; put a new one there")),
        (false, true) => Finding::note(
            "tls",
            format!("{name} expires at {expires:.0}, in {days} days; have a new one made"),
        ),
        (false, false) => Finding::fine("tls", format!("{name} is good until {expires:.0}, {days} days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_judged_by_the_days_that_it_has_left() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let judged = |expires: &str| judge("mm7.tls.cert", Some(expires.parse().unwrap()), now);
        assert_eq!(
            judged("2026-03-31T12:00:00Z"),
            Finding::fine("tls", "mm7.tls.cert is good until 2026-03-31T12:00:00Z, 30 days")
        );
        assert_eq!(
            judged("2026-03-31T11:59:59Z"),
            Finding::note(
                "tls",
                "mm7.tls.cert expires at 2026-03-31T11:59:59Z, in 29 days; have a new one made"
            )
        );
        assert_eq!(
            judged("2026-03-01T12:00:00Z"),
            Finding::mend("tls", "mm7.tls.cert expired at 2026-03-01T12:00:00Z; put a new one there")
        );
    }
}
