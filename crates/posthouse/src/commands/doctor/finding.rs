//! What `posthouse doctor` finds out about one thing.

use std::fmt;

use serde_json::{Value, json};

/// How it is with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// Nothing is broken, but an operator should know.
    Note,
    Mend,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Mend => "mend",
        }
    }
}

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DoctorFinding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    pub(super) said: String,
}

impl DoctorFinding {
    pub(super) fn fine(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fine, said: said.into() }
    }

    pub(super) fn note(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Note, said: said.into() }
    }

    pub(super) fn mend(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Mend, said: said.into() }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"check": self.check, "verdict": self.verdict.as_str(), "said": self.said})
    }
}

impl fmt::Display for DoctorFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<5} {:<8} {}", self.verdict.as_str(), self.check, self.said)
    }
}
