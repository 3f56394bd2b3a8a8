//! What there is to know of each status code and delivery status: what it means, what raises it, what to do, whether a
//! retry helps, and a request that raises it.
//!
//! Words are in one table; causes are not written down: they follow from [`causes`], from
//! [`classify`](crate::life::classify::classify), and from [`State::after`](crate::life::state::State::after), so that they cannot say anything else than what happens.

mod example;
mod origin;
mod table;

use mm7::{Dialect, MmStatus, StatusCode};

use crate::submit::{Cause, Reject, causes};

pub use example::{Difference, MODEL, edited};
use origin::{answers_meaning, consequences, origins};
pub use table::{PAGES, STATUS_PAGES};

/// What there is to say of a status code.
#[derive(Debug)]
pub struct Page {
    /// The code.
    pub code: StatusCode,
    /// What it means.
    pub meaning: &'static str,
    /// What the VASP's developer does.
    pub developer: &'static str,
    /// What the gateway's operator does.
    pub operator: &'static str,
    /// Whether to send the request again.
    pub retry: Retry,
    /// A request that raises it.
    pub example: Example,
}

/// What there is to say of a delivery status.
#[derive(Debug)]
pub struct StatusPage {
    /// The status.
    pub status: MmStatus,
    /// What it means.
    pub meaning: &'static str,
    /// What the VASP's developer does.
    pub developer: &'static str,
    /// What the gateway's operator does.
    pub operator: &'static str,
    /// Whether to send the message again.
    pub retry: Retry,
    /// A number that `posthouse simulate` ends so for.
    pub number: &'static str,
}

/// Whether to send a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// There is no need.
    Unneeded,
    /// The same request would be refused again.
    Changed,
    /// The same request will do once provisioning is put right.
    Provisioned,
    /// The same request, later.
    Later,
    /// It may have been delivered.
    Perhaps,
    /// Not at all.
    Never,
}

impl Retry {
    /// The answer to "shall I retry?", in one sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unneeded => "No need.",
            Self::Changed => "Not as it is: change the message first, or it is refused again.",
            Self::Provisioned => "Not by itself: the same request will do once provisioning is put right.",
            Self::Later => "Yes: the same message, after a wait.",
            Self::Perhaps => "Only if a second copy does no harm: the first may have been delivered.",
            Self::Never => "No.",
        }
    }

    /// The same in a few words, for tables.
    pub const fn brief(self) -> &'static str {
        match self {
            Self::Unneeded => "no need",
            Self::Changed => "when changed",
            Self::Provisioned => "when provisioned",
            Self::Later => "later",
            Self::Perhaps => "if a copy does no harm",
            Self::Never => "no",
        }
    }

    /// One word for it, for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unneeded => "unneeded",
            Self::Changed => "changed",
            Self::Provisioned => "provisioned",
            Self::Later => "later",
            Self::Perhaps => "perhaps",
            Self::Never => "never",
        }
    }
}

/// A request that raises a code: the [`MODEL`], changed, sent to a gateway that is provisioned as
/// docs/examples/first.toml says, changed.
#[derive(Debug)]
pub struct Example {
    /// What is changed in the model: each text, and what stands there instead.
    pub edits: &'static [(&'static str, &'static str)],
    /// What else it takes.
    pub setup: Setup,
}

/// What an example takes beside docs/examples/first.toml.
#[derive(Debug)]
pub struct Setup {
    /// In words; empty where it takes nothing.
    pub words: &'static str,
    /// What is changed in the file.
    pub edits: &'static [(&'static str, &'static str)],
}

impl Page {
    /// The page of a code. Every code has one.
    pub fn of(code: StatusCode) -> Option<&'static Self> {
        PAGES.iter().find(|page| page.code == code)
    }

    /// The reasons for which the gateway itself answers the code.
    pub fn causes(&self) -> Vec<Cause> {
        causes().into_iter().filter(|cause| cause.status() == self.code).collect()
    }

    /// What carriers answer that becomes this code, in words: `2001, 2008, 4001, HTTP 401`.
    pub fn carrier_answers(&self) -> Vec<String> {
        answers_meaning(self.code)
    }

    /// What becomes of a message that a carrier answers so, in words; each ends a sentence.
    pub fn consequences(&self) -> Vec<&'static str> {
        consequences(self.code)
    }

    /// The dialects that answer something else in its place, and what.
    pub fn mapped(&self) -> Vec<(&'static Dialect, u32)> {
        let own = u32::from(self.code.code());
        let answers = Dialect::ALL.into_iter().map(|dialect| (dialect, dialect.status(self.code).code));
        answers.filter(|(_, code)| *code != own).collect()
    }
}

impl StatusPage {
    /// The page of a delivery status. Every one has a page.
    pub fn of(status: MmStatus) -> Option<&'static Self> {
        STATUS_PAGES.iter().find(|page| page.status == status)
    }

    /// What brings a message there.
    pub fn origins(&self) -> Vec<String> {
        origins(self.status)
    }
}

/// Reasons that one check finds, for the same dialects.
#[derive(Clone, Debug)]
pub struct Group {
    /// The row of contract 4.1.
    pub row: u8,
    /// The check; `None` for what shows only after the checks.
    pub check: Option<&'static str>,
    /// The dialects that refuse for it, where not all do.
    pub only_in: Option<Vec<&'static str>>,
    /// The reasons, each a sentence.
    pub meanings: Vec<&'static str>,
}

impl Page {
    /// [`Page::causes`], those of one check together.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for cause in self.causes() {
            let (check, only_in) = (cause.checks.first().copied(), refused_by(&cause));
            match groups.last_mut().filter(|last| last.check == check && last.only_in == only_in) {
                Some(last) => last.meanings.push(cause.meaning),
                None => groups.push(Group { row: cause.row, check, only_in, meanings: vec![cause.meaning] }),
            }
        }
        groups
    }
}

impl Group {
    /// `Row 9 (schema), 3gpp only`.
    pub fn title(&self) -> String {
        let check = self.check.map(|check| format!(" ({check})")).unwrap_or_default();
        let only = self.only_in.as_ref().map(|names| format!(", {} only", names.join(", ")));
        format!("Row {}{check}{}", self.row, only.unwrap_or_default())
    }
}

/// The dialects that refuse for a cause, where not all do.
fn refused_by(cause: &Cause) -> Option<Vec<&'static str>> {
    let Reject::Decode(rule) = cause.reject else { return None };
    let refusing: Vec<_> = Dialect::ALL.iter().filter(|dialect| dialect.refuses(rule)).collect();
    (refusing.len() < Dialect::ALL.len()).then(|| refusing.iter().map(|dialect| dialect.name).collect())
}
