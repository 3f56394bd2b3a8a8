//! What operators decide about single connections for a while, beside what is provisioned: that one is suspended, or limited.

use jiff::Timestamp;

use crate::{
    carrier::{CarrierId, Connection},
    provisioning::words::words,
};

/// The longest reason that is kept, in characters.
pub const MAX_REASON: usize = 500;

words! {
    /// What kind of override. A connection has at most one of each.
    pub enum OverrideKind {
        /// It is not used.
        Suspend = "suspend",
        /// It is used less than is provisioned.
        Limit = "limit",
    }
}

/// What is used in place of what is provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverrideSetting {
    /// Nothing goes out over it.
    Suspended,
    /// At most so much does; a limit above what is provisioned changes nothing.
    Limited {
        /// Requests in flight.
        window: Option<u32>,
        /// Requests a second.
        per_second: Option<u32>,
    },
}

/// One override of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionOverride {
    /// The carrier.
    pub carrier: CarrierId,
    /// The connection's name.
    pub connection: String,
    /// What is used.
    pub setting: OverrideSetting,
    /// Since when.
    pub since: Timestamp,
    /// From when on it counts no more; `None`: till it is lifted.
    pub until: Option<Timestamp>,
    /// Who wanted it.
    pub by: String,
    /// Why, in the words of the operator who wanted it; empty: not said.
    pub reason: String,
}

/// Why something is no override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOverride {
    /// It would be over before it began.
    #[error("this time has passed")]
    Over,
    /// It limits nothing.
    #[error("a limit needs a window, a rate, or both")]
    NoLimit,
    /// It would let nothing through.
    #[error("a limit of 0 lets nothing through")]
    Zero,
    /// It limits nothing that happens, and is more than an `int32` of the API's document.
    #[error("a limit is at most {MOST}")]
    TooMuch,
}

/// The most that a limit may be, in requests or requests a second: the largest `int32` of OpenAPI.
const MOST: u32 = 0x7fff_ffff;

impl OverrideSetting {
    /// Its kind.
    pub const fn kind(self) -> OverrideKind {
        match self {
            Self::Suspended => OverrideKind::Suspend,
            Self::Limited { .. } => OverrideKind::Limit,
        }
    }
}

impl ConnectionOverride {
    /// Whether it counts.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it is about this connection.
    pub fn is_of(&self, carrier: &CarrierId, connection: &str) -> bool {
        self.carrier == *carrier && self.connection == connection
    }

    /// Whether it may be made.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, now: Timestamp) -> Result<(), NoOverride> {
        match self.setting {
            _ if !self.is_in_force(now) => Err(NoOverride::Over),
            OverrideSetting::Limited { window: None, per_second: None } => Err(NoOverride::NoLimit),
            OverrideSetting::Limited { window: Some(0), .. }
            | OverrideSetting::Limited { per_second: Some(0), .. } => Err(NoOverride::Zero),
            OverrideSetting::Limited { window, per_second } if window.max(per_second) > Some(MOST) => {
                Err(NoOverride::TooMuch)
            }
            _ => Ok(()),
        }
    }

    /// What it does, in a few words.
    pub fn words(&self) -> String {
        let what = match self.setting {
            OverrideSetting::Suspended => "suspended".to_owned(),
            OverrideSetting::Limited { window, per_second } => {
                let window = window.map(|window| format!("window {window}"));
                let rate = per_second.map(|rate| format!("{rate} a second"));
                let limits: Vec<_> = window.into_iter().chain(rate).collect();
                format!("limited to {}", limits.join(", "))
            }
        };
        let until = self.until.map(|until| format!(" until {}", until.strftime("%Y-%m-%dT%H:%M:%SZ")));
        format!("{what}{}", until.unwrap_or_default())
    }
}

/// What is in force of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverridesInForce {
    /// That it is suspended.
    pub suspended: Option<ConnectionOverride>,
    /// That it is limited.
    pub limited: Option<ConnectionOverride>,
}

impl OverridesInForce {
    /// What is, of all there are.
    pub fn of(all: &[ConnectionOverride], (carrier, connection): (&CarrierId, &str), now: Timestamp) -> Self {
        let found = |kind| {
            let mut its = all.iter().filter(|one| one.is_of(carrier, connection) && one.is_in_force(now));
            its.find(|one| one.setting.kind() == kind).cloned()
        };
        Self { suspended: found(OverrideKind::Suspend), limited: found(OverrideKind::Limit) }
    }

    /// How many requests may be in flight, and go out in a second.
    pub fn bounds(&self, connection: &Connection) -> (u32, Option<u32>) {
        let Connection { window, per_second, .. } = *connection;
        let Some(ConnectionOverride {
            setting: OverrideSetting::Limited { window: narrow, per_second: slow },
            ..
        }) = &self.limited
        else {
            return (window, per_second);
        };
        let lower = |limit: &u32| per_second.map_or(*limit, |provisioned| provisioned.min(*limit));
        (narrow.map_or(window, |limit| window.min(limit)), slow.as_ref().map(lower).or(per_second))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mm7::Dialect;

    use super::*;
    use crate::{provisioning::DialectName, url::PeerUrl};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn of(setting: OverrideSetting, until: Option<i64>) -> ConnectionOverride {
        ConnectionOverride {
            carrier: CarrierId("31003".to_owned()),
            connection: "vzw-1".to_owned(),
            setting,
            since: at(1),
            until: until.map(at),
            by: "ann".to_owned(),
            reason: String::new(),
        }
    }

    const fn limit(window: Option<u32>, per_second: Option<u32>) -> OverrideSetting {
        OverrideSetting::Limited { window, per_second }
    }

    #[test]
    fn it_counts_till_its_time_and_no_longer() {
        let (forever, hour) = (of(OverrideSetting::Suspended, None), of(limit(Some(1), None), Some(3600)));
        let all = [forever.clone(), hour.clone()];
        let id = CarrierId("31003".to_owned());
        let in_force = |connection, second| OverridesInForce::of(&all, (&id, connection), at(second));
        let both = OverridesInForce { suspended: Some(forever.clone()), limited: Some(hour) };
        assert_eq!(in_force("vzw-1", 3599), both);
        assert_eq!(in_force("vzw-1", 3600), OverridesInForce { suspended: Some(forever), limited: None });
        assert_eq!(in_force("vzw-2", 10), OverridesInForce::default());
    }

    #[test]
    fn what_means_nothing_is_none() {
        for (setting, until, expected) in [
            (OverrideSetting::Suspended, None, Ok(())),
            (OverrideSetting::Suspended, Some(11), Ok(())),
            (OverrideSetting::Suspended, Some(10), Err(NoOverride::Over)),
            (limit(Some(1), None), None, Ok(())),
            (limit(None, None), None, Err(NoOverride::NoLimit)),
            (limit(Some(0), None), None, Err(NoOverride::Zero)),
            (limit(Some(2), Some(0)), None, Err(NoOverride::Zero)),
            (limit(Some(2), Some(0x7fff_ffff)), None, Ok(())),
            (limit(Some(2), Some(0x8000_0000)), None, Err(NoOverride::TooMuch)),
            (limit(Some(u32::MAX), None), None, Err(NoOverride::TooMuch)),
        ] {
            assert_eq!(of(setting, until).check(at(10)), expected, "{setting:?} {until:?}");
        }
    }

    #[test]
    fn a_limit_only_ever_lowers() {
        let connection = |window, per_second| Connection {
            name: "vzw-1".to_owned(),
            url: PeerUrl::parse("http://127.0.0.1:9/mm7".to_owned()).unwrap(),
            vaspid: None,
            vasid: None,
            basic_auth: None,
            dialect: DialectName::new(Dialect::THREE_GPP),
            timeout: Duration::from_secs(10),
            per_second,
            window,
            priority: 1,
            weight: 1,
            namespace: None,
            version: None,
            tls: None,
        };
        for (setting, provisioned, expected) in [
            (limit(Some(2), None), (16, Some(50)), (2, Some(50))),
            (limit(Some(32), Some(80)), (16, Some(50)), (16, Some(50))),
            (limit(None, Some(5)), (16, Some(50)), (16, Some(5))),
            (limit(None, Some(5)), (16, None), (16, Some(5))),
            (limit(Some(1), None), (16, None), (1, None)),
        ] {
            let in_force = OverridesInForce { suspended: None, limited: Some(of(setting, None)) };
            assert_eq!(in_force.bounds(&connection(provisioned.0, provisioned.1)), expected, "{setting:?}");
        }
        assert_eq!(OverridesInForce::default().bounds(&connection(16, None)), (16, None));
    }

    #[test]
    fn it_is_told_in_a_few_words() {
        assert_eq!(of(OverrideSetting::Suspended, None).words(), "suspended");
        assert_eq!(
            of(limit(Some(2), Some(5)), Some(3600)).words(),
            "limited to window 2, 5 a second until 1970-01-01T01:00:00Z"
        );
    }
}
