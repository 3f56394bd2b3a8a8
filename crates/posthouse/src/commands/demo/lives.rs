//! The lives that the demo plays: what is sent, and how it has to end.

use mm7::{MmStatus, StatusCode};

/// One message's life.
pub struct Life {
    /// What happens, for people.
    pub title: &'static str,
    /// The recipient, whose last four digits tell the simulated carrier what to do.
    pub to: &'static str,
    /// Which VASPID it is sent under.
    pub vaspid: &'static str,
    /// Whether another message goes out under the VASPID just before.
    pub second_in_a_row: bool,
    /// The subject.
    pub subject: &'static str,
    /// How it has to end.
    pub end: End,
}

/// How a life has to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The SubmitReq is refused with this code.
    Refused(StatusCode),
    /// It is accepted, passes through these statuses in this order, and the last of them reaches the VASP, with this reason
    /// beside it.
    Through(&'static [MmStatus], Option<StatusCode>),
    /// As [`End::Through`], after exactly this many attempts.
    After {
        /// How many attempts the carrier saw.
        attempts: usize,
        /// The statuses.
        through: &'static [MmStatus],
    },
}

/// The account that may send as much as it likes.
pub const ACME: &str = "acme-api-key";
/// The account that may send one message a second, so that its second in a row is refused.
pub const SLOW: &str = "slow-api-key";

/// Every life of the demo.
pub fn lives() -> Vec<Life> {
    use MmStatus::{Deferred, Expired, Forwarded, Rejected, Retrieved, Unreachable};
    let life =
        |title, to, subject, end| Life { title, to, vaspid: ACME, second_in_a_row: false, subject, end };
    vec![
        life("A phone that is on", "16175550100", "Retrieved", End::Through(&[Forwarded, Retrieved], None)),
        life(
            "A phone that is off, then on",
            "16175559004",
            "Deferred, then Retrieved <&]]> \u{1f4ef}",
            End::Through(&[Forwarded, Deferred, Retrieved], None),
        ),
        life("A phone that stays off", "16175559002", "Expires", End::Through(&[Forwarded, Expired], None)),
        life(
            "A carrier that refuses the recipient",
            "16175554007",
            "Refused",
            End::Through(&[Rejected], Some(StatusCode::ServiceDenied)),
        ),
        life(
            "A blacklisted number",
            "16175550199",
            "Never sent",
            End::Refused(StatusCode::NumberBlacklisted),
        ),
        Life {
            title: "An account that sends too fast",
            to: "16175550101",
            vaspid: SLOW,
            second_in_a_row: true,
            subject: "Throttled",
            end: End::Refused(StatusCode::ThroughputExceeded),
        },
        life(
            "A carrier that is busy three times, then takes it",
            "16175559012",
            "Fourth time lucky",
            End::After { attempts: 4, through: &[Forwarded, Retrieved] },
        ),
        life(
            "A report that comes before the carrier's answer",
            "16175559010",
            "Overtaken",
            End::Through(&[Forwarded, Retrieved], None),
        ),
        life(
            "A carrier that answers HTTP 500 with nothing in it, once",
            "16175559013",
            "Second time lucky",
            End::After { attempts: 2, through: &[Forwarded, Retrieved] },
        ),
        life(
            "A subscriber that cannot be reached",
            "15085559007",
            "Unreachable",
            End::Through(&[Forwarded, Unreachable], None),
        ),
    ]
}
