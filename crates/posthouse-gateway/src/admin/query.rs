//! The parameters of a query: each is taken by its name, and what is left over is a mistake.

use axum::{extract::FromRequestParts, response::Response};
use http::{Uri, request::Parts};
use jiff::Timestamp;
use posthouse_api::{DEFAULT_PAGE, MAX_PAGE, PageOf, ProblemCode, ProblemDetails, ProblemError};
use posthouse_core::{mistake::Mistake, moment::in_order};
use serde::Serialize;

use super::{
    answer::{self, ProblemAnswer},
    listed,
};

/// How many mistakes are told at a time.
const TOLD: usize = 100;

/// A time of a query.
///
/// # Errors
/// It is none, or says not which.
pub(super) fn time(text: &str) -> Result<Timestamp, Mistake> {
    text.parse()
        .map_err(|_| (format!("{text:?} is no time"), "write one such as 2026-11-29T02:00:00Z").into())
}

/// What is wrong with a cursor, and what puts it right.
pub(super) const NO_CURSOR: (&str, &str) =
    ("it is no `next` of a page before", "write the `next` of that page, or leave it out to begin anew");

/// That there is no status code of this number.
pub(super) fn unknown_code(code: u32) -> Mistake {
    (format!("there is no code {code}"), listed("codes", "codes")).into()
}

/// A mistake in a query parameter.
pub(super) fn in_parameter(name: &str, what: impl Into<Mistake>) -> ProblemError {
    let Mistake { problem, remedy } = what.into();
    ProblemError { remedy, ..ProblemError::in_parameter(name, problem) }
}

/// A mistake in a member of a body.
pub(super) fn at_pointer(pointer: &str, what: impl Into<Mistake>) -> ProblemError {
    let Mistake { problem, remedy } = what.into();
    ProblemError { remedy, ..ProblemError::at_pointer(pointer, problem) }
}

/// The parameters of a query that were not taken yet, and the mistakes found so far.
pub(super) struct Parameters {
    left: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<ProblemError>,
}

impl Parameters {
    /// Those of a request.
    pub fn of(uri: &Uri) -> Self {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self { left: pairs.into_owned().collect(), known: Vec::new(), errors: Vec::new() }
    }

    /// All values of a parameter.
    pub fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        self.left.extract_if(.., |(left, _)| left == name).map(|(_, value)| value).collect()
    }

    /// The value of a parameter that may be given once.
    pub fn one(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.wrong(name, ("it is given more than once", "give it once"));
        }
        values.pop()
    }

    /// The same, understood. `read` says what is wrong with it.
    pub fn read<T, M: Into<Mistake>>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, M>,
    ) -> Option<T> {
        let value = self.one(name)?;
        read(&value).map_err(|what| self.wrong(name, what)).ok()
    }

    /// Whether a parameter is `true`.
    pub fn flag(&mut self, name: &'static str) -> bool {
        let read = |value: &str| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err((format!("{other:?} is neither true nor false"), "write one of them")),
        };
        self.read(name, read).unwrap_or(false)
    }

    /// How many things the page may have.
    pub fn limit(&mut self) -> usize {
        let read = |value: &str| {
            let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
            limit.ok_or_else(|| {
                (format!("{value:?} is out of range"), format!("write a number from 1 to {MAX_PAGE}"))
            })
        };
        usize::from(self.read("limit", read).unwrap_or(DEFAULT_PAGE))
    }

    /// The window of time that `since` and `until` say.
    pub fn window(&mut self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (since, until) = (self.read("since", time), self.read("until", time));
        if let Err(what) = in_order(since, until) {
            self.wrong("until", what);
        }
        (since, until)
    }

    /// Notes what is wrong with a parameter.
    pub fn wrong(&mut self, name: &str, what: impl Into<Mistake>) {
        self.errors.push(in_parameter(name, what));
    }

    /// Notes mistakes.
    pub fn add(&mut self, errors: Vec<ProblemError>) {
        self.errors.extend(errors);
    }

    /// Nothing is left, and nothing was wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn finish(self) -> Result<(), ProblemDetails> {
        let Self { left, known, mut errors } = self;
        let remedy = match known.as_slice() {
            [] => "leave it out: there are none here".to_owned(),
            known => format!("write one of {}", known.join(", ")),
        };
        errors.extend(left.iter().map(|(name, _)| {
            ProblemError::in_parameter(name, "there is no such parameter here").with_remedy(&*remedy)
        }));
        errors.truncate(TOLD);
        match errors.is_empty() {
            true => Ok(()),
            false => Err(ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(errors)),
        }
    }
}

/// A request for a page of a list, which has no parameters but where it begins and how long it may be.
pub(super) struct PageAsked {
    /// The text behind which it begins.
    pub after: Option<String>,
    pub limit: usize,
    uri: Uri,
}

impl PageAsked {
    /// The answer: the page that was asked for, with the way to the next.
    pub fn answer<T: Serialize>(&self, page: PageOf<T>) -> Response {
        answer::page(page, &self.uri)
    }
}

impl<S: Sync> FromRequestParts<S> for PageAsked {
    type Rejection = ProblemAnswer;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, ProblemAnswer> {
        let mut given = Parameters::of(&head.uri);
        let (after, limit) = (given.one("cursor"), given.limit());
        given.finish()?;
        Ok(Self { after, limit, uri: head.uri.clone() })
    }
}
