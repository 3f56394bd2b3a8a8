//! What commands say of what went wrong, and the exit code that they end with.

use std::{error::Error, fmt, process::ExitCode};

use jiff::Timestamp;
use posthouse_api::{ApiError, ProblemCode, ProblemDetails};
use posthouse_core::{
    mistake::Mistake,
    moment::{Moment, window},
};
use posthouse_gateway::config::ConfigErrors;
use posthouse_store::{BackupError, OpenError};

use crate::logs;

/// What was asked for; `None` where a filter names what is not provisioned, which is told.
pub(crate) fn provisioned<T>(asked: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.downcast_ref::<ProblemDetails>() {
            Some(problem) if problem.is(ProblemCode::NotProvisioned) => {
                complain(&error);
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

/// What a gateway told, where it refused something: other ways to it tell the same.
pub(crate) fn of_api(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<ApiError>() {
        Ok(ApiError::Refused(problem)) => (*problem).into(),
        Ok(error) => error.into(),
        Err(error) => error,
    }
}

/// Tells on stderr what went wrong: the error and its causes, in one line; the mistakes of a file, each in a line that
/// begins with file and line, as editors know to follow.
pub(crate) fn complain(error: &anyhow::Error) {
    logs::tell(&complaints(error));
}

/// The exit code of a command that failed: 2 where what it was told cannot be meant, as for arguments that cannot be understood; 3 where the
/// store is of an older version, which only `serve` and `store migrate` change.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let is_outdated =
        |cause: &(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(OpenError::Outdated { .. }));
    if error.chain().any(is_outdated) {
        return ExitCode::from(3);
    }
    let problem = problem_in(error);
    let is_unmeant = error.is::<Unmeant>();
    match is_unmeant || problem.is_some_and(|problem| problem.is(ProblemCode::NotProvisioned)) {
        true => ExitCode::from(2),
        false => ExitCode::FAILURE,
    }
}

fn complaints(error: &anyhow::Error) -> Vec<String> {
    if let Some(ConfigErrors { mistakes }) = error.downcast_ref() {
        return mistakes.iter().map(ToString::to_string).collect();
    }
    match error.downcast_ref() {
        Some(Several(mistakes)) => mistakes.clone(),
        None => vec![match remedy_on_the_way(error) {
            Some(remedy) => format!("posthouse: {error:#}; {remedy}"),
            None => format!("posthouse: {error:#}"),
        }],
    }
}

/// The problem that a gateway, or a verb on the store, told.
fn problem_in(error: &anyhow::Error) -> Option<&ProblemDetails> {
    let asked = || error.chain().find_map(|cause| cause.downcast_ref::<ApiError>());
    let told = error.chain().find_map(|cause| cause.downcast_ref::<ProblemDetails>());
    told.or_else(|| asked().and_then(ApiError::problem))
}

/// Whether it is that there is no store, which copying one tells as its own error.
fn is_no_store(cause: &(dyn Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(OpenError::Missing(_)))
        || matches!(cause.downcast_ref(), Some(BackupError::Open(OpenError::Missing(_))))
}

/// What puts right that a gateway cannot be asked or a store not found, in terms of the command line.
fn remedy_on_the_way(error: &anyhow::Error) -> Option<&'static str> {
    if problem_in(error).is_some_and(|problem| problem.is(ProblemCode::Unauthorized)) {
        return Some("a command shows the token of --token, or of $POSTHOUSE_ADMIN_TOKEN");
    }
    if error.chain().any(is_no_store) {
        return Some("-c says which configuration names it, and `posthouse serve` makes it");
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<ApiError>())? {
        ApiError::Connect { .. } => Some(
            "look whether a gateway runs there: the first line that it prints says where its admin door is",
        ),
        ApiError::Broken { url, .. } if url.starts_with("http://") => Some(
            "where that door speaks TLS, write https://, and name the configuration that it runs with by -c",
        ),
        _ => None,
    }
}

/// That a file cannot be read, for what the system says of it.
pub(crate) fn unreadable(file: impl fmt::Display, why: impl fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("{file} cannot be read: {why}; check the path and who may read it")
}

/// What a command was told and cannot be meant.
#[derive(Debug)]
pub(crate) struct Unmeant(pub(crate) Mistake);

impl fmt::Display for Unmeant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Unmeant {}

/// The window of time between two points of a command line, seen from now.
///
/// # Errors
/// It ends before it begins.
pub(crate) fn window_of(
    since: Option<Moment>,
    until: Option<Moment>,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Unmeant> {
    window(since, until, now).map_err(Unmeant)
}

/// The mistakes of a file, each a line that begins with file and line.
#[derive(Debug)]
pub(crate) struct Several(pub(crate) Vec<String>);

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Error for Several {}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_stands_in_the_way_of_a_gateway_has_a_remedy_of_the_command_line() {
        let source = || io::Error::other("it says").into();
        let broken = |url: &str| ApiError::Broken { url: url.to_owned(), source: source() };
        let refused = || ProblemDetails::new(ProblemCode::Unauthorized);
        for (error, expected) in [
            (
                ApiError::Connect { url: "u".into(), source: source() }.into(),
                Some("look whether a gateway runs"),
            ),
            (broken("http://g:1").into(), Some("write https://")),
            (broken("https://g:1").into(), None),
            (ApiError::Refused(Box::new(refused())).into(), Some("--token")),
            (anyhow::Error::from(refused()), Some("--token")),
            (anyhow::anyhow!("something else"), None),
        ] {
            let said = complaints(&error).remove(0);
            assert!(said.starts_with("posthouse: "), "{said}");
            match (expected, remedy_on_the_way(&error)) {
                (Some(expected), Some(remedy)) => {
                    assert!(remedy.contains(expected) && said.ends_with(remedy), "{said}")
                }
                (expected, remedy) => assert_eq!(expected, remedy, "{said}"),
            }
        }
    }
}
