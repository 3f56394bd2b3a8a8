//! What is wrong with something that people wrote, and what puts it right: two sentences that nobody has to take apart.

use std::fmt;

/// One thing that is wrong, and its remedy.
///
/// ```
/// use posthouse_core::mistake::Mistake;
///
/// let mistake = Mistake::from(("is no time", "write one such as 30m"));
/// assert_eq!(mistake.at("\"soon\"").to_string(), "\"soon\" is no time; write one such as 30m");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub problem: String,
    /// What to do about it; `None` where the problem says it.
    pub remedy: Option<String>,
}

impl Mistake {
    /// The same with what stands before the problem, such as the place where it is, or the value.
    #[must_use]
    pub fn at(self, before: impl fmt::Display) -> Self {
        Self { problem: format!("{before} {}", self.problem), remedy: self.remedy }
    }
}

impl fmt::Display for Mistake {
    /// One sentence, as commands and logs tell it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl From<&str> for Mistake {
    fn from(problem: &str) -> Self {
        Self { problem: problem.to_owned(), remedy: None }
    }
}

impl From<String> for Mistake {
    fn from(problem: String) -> Self {
        Self { problem, remedy: None }
    }
}

impl<P: Into<String>, R: Into<String>> From<(P, R)> for Mistake {
    fn from((problem, remedy): (P, R)) -> Self {
        Self { problem: problem.into(), remedy: Some(remedy.into()) }
    }
}
