//! Refusals: `application/problem+json` (RFC 9457) with a stable code, and with a place and a remedy for each mistake.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// Why a request was refused: a word that programs may rely on, its HTTP status and its title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode { $($(#[$doc])* $name,)* }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in `code`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The HTTP status that it comes with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The sentence in `title`, which is the same each time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problem_codes! {
    /// The request cannot be read: its head, its length or its JSON.
    Malformed = "malformed", 400, "The request cannot be read";
    /// The query or the body has a member that does not exist, or one whose value cannot be read.
    InvalidParameter = "invalid_parameter", 400, "A parameter is wrong";
    /// A filter names an account or a carrier that is not provisioned.
    NotProvisioned = "not_provisioned", 400, "This is not provisioned";
    /// A request that changes messages does not say which.
    NothingSelected = "nothing_selected", 400, "Nothing says which are meant";
    /// The token is missing or wrong.
    Unauthorized = "unauthorized", 401, "The admin token is needed";
    /// The door asks for a client certificate, and none was shown.
    CertificateRequired = "certificate_required", 403, "A client certificate is needed";
    /// Whoever asks has not the right that it needs; `right` names it.
    Forbidden = "forbidden", 403, "This is not allowed";
    /// There is nothing at this path, or no such message.
    NotFound = "not_found", 404, "There is no such thing";
    /// The path has no such method; `Allow` lists those that it has.
    MethodNotAllowed = "method_not_allowed", 405, "This method is not allowed here";
    /// The body did not come in time.
    TooSlow = "too_slow", 408, "The request took too long";
    /// The message is in a state in which this cannot be done; `detail` says which.
    LeftAlone = "left_alone", 409, "The message was left alone";
    /// It would end credentials, callbacks, connections or more, on which somebody may depend; nothing was changed.
    Removes = "removes", 409, "This would end what somebody may depend on";
    /// A request under this Idempotency-Key was carried out, is under way, or broke off; `detail` says which. Nothing was done now.
    UnderWay = "under_way", 409, "This was asked for before";
    /// A body without a length that is no chunked one.
    LengthRequired = "length_required", 411, "The length of the body is needed";
    /// Provisioning is at another revision than was expected; nothing was changed.
    RevisionMoved = "revision_moved", 412, "Provisioning is at another revision";
    /// The body is longer than is taken.
    TooLarge = "too_large", 413, "The body is too long";
    /// The body is in a format that is not read here.
    UnsupportedMediaType = "unsupported_media_type", 415, "The body has another format than is read here";
    /// A provisioning document has mistakes; `errors` lists all of them.
    InvalidDocument = "invalid_document", 422, "The document has mistakes";
    /// The Idempotency-Key is another request's.
    KeyReused = "key_reused", 422, "The Idempotency-Key is another request's";
    /// Something of the gateway's own broke.
    Internal = "internal", 500, "Something broke";
    /// The store is short of space, overloaded or late: try again later.
    Unavailable = "unavailable", 503, "The store cannot do it now";
    /// A search took longer than one may; a narrower one is answered.
    WindowTooWide = "window_too_wide", 503, "The search is too wide";
}

impl ProblemCode {
    /// What puts it right where nothing is known but the kind; `None`: that depends on what is wrong.
    const fn usual_remedy(self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some("send a token: `posthouse tokens add` makes one, or sign in again"),
            Self::Internal => Some("ask again; if it is the same, the log of the gateway says what broke"),
            Self::Unavailable => Some("ask again in a few seconds; `posthouse doctor` says what is short"),
            Self::WindowTooWide => Some("ask for a shorter time with since and until"),
            _ => None,
        }
    }
}

/// A refusal (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemDetails {
    /// A URI that names the kind of problem: `urn:posthouse:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// The kind of problem in words.
    pub title: Box<str>,
    /// The HTTP status.
    pub status: u16,
    /// The word of [`ProblemCode`].
    pub code: Box<str>,
    /// What is wrong this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<str>>,
    /// What puts it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Box<str>>,
    /// The right that is missing, where that is what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Box<str>>,
    /// Every mistake, where there may be several.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<ProblemError>))]
    pub errors: Box<[ProblemError]>,
}

/// One mistake: where it is, what it is, and the remedy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemError {
    /// The query parameter that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The member of a JSON body that is wrong (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line of a document that is wrong, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub detail: String,
    /// What puts it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl ProblemDetails {
    /// A problem of this kind, with what usually puts that right.
    pub fn new(code: ProblemCode) -> Self {
        Self {
            kind: format!("urn:posthouse:problem:{}", code.as_str()).into(),
            title: code.title().into(),
            status: code.status(),
            code: code.as_str().into(),
            detail: None,
            remedy: code.usual_remedy().map(Into::into),
            right: None,
            errors: Box::default(),
        }
    }

    /// The same with what is wrong this time.
    #[must_use]
    pub fn detail(self, detail: impl Into<Box<str>>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The same with what puts it right.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<Box<str>>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// The same with the right that is missing.
    #[must_use]
    pub fn right(self, right: impl Into<Box<str>>) -> Self {
        Self { right: Some(right.into()), ..self }
    }

    /// The same with one more mistake.
    #[must_use]
    pub fn error(self, error: ProblemError) -> Self {
        let mut errors = self.errors.into_vec();
        errors.push(error);
        Self { errors: errors.into(), ..self }
    }

    /// The same with these mistakes.
    #[must_use]
    pub fn with_errors(self, errors: Vec<ProblemError>) -> Self {
        Self { errors: errors.into(), ..self }
    }

    /// Whether it is of this kind.
    pub fn is(&self, code: ProblemCode) -> bool {
        *self.code == *code.as_str()
    }
}

impl ProblemError {
    /// A mistake in a query parameter.
    pub fn in_parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.to_owned()), detail: detail.into(), ..Self::default() }
    }

    /// A mistake in a member of the body.
    pub fn at_pointer(pointer: &str, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.to_owned()), detail: detail.into(), ..Self::default() }
    }

    /// The same with what puts it right.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

impl fmt::Display for ProblemError {
    /// One sentence, as commands tell it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ProblemDetails {
    /// One sentence: what is wrong, each mistake, and the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => f.write_str(detail)?,
            None => f.write_str(&self.title.to_lowercase())?,
        }
        for error in &self.errors {
            match (&error.parameter, &error.pointer) {
                (Some(place), _) | (None, Some(place)) => write!(f, "; {place}: {error}")?,
                (None, None) => write!(f, "; {error}")?,
            }
        }
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ProblemDetails {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever writes no remedy leaves nobody without one.
    #[test]
    fn what_broke_or_needs_a_token_has_a_remedy() {
        for code in [ProblemCode::Unauthorized, ProblemCode::Internal, ProblemCode::Unavailable] {
            assert!(ProblemDetails::new(code).remedy.is_some(), "{}", code.as_str());
        }
        let own = ProblemDetails::new(ProblemCode::Internal).remedy("give it more memory");
        assert_eq!(own.remedy.as_deref(), Some("give it more memory"));
        assert_eq!(ProblemDetails::new(ProblemCode::NotFound).remedy, None);
    }

    #[test]
    fn a_problem_is_what_rfc_9457_says() {
        let error =
            ProblemError::in_parameter("acount", "there is no such filter").with_remedy("write account");
        let problem =
            ProblemDetails::new(ProblemCode::InvalidParameter).detail("one filter is unknown").error(error);
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"type":"urn:posthouse:problem:invalid_parameter","title":"A parameter is wrong","status":400,"code":"invalid_parameter","detail":"one filter is unknown","errors":[{"parameter":"acount","detail":"there is no such filter","remedy":"write account"}]}"#
        );
        assert_eq!(
            problem.to_string(),
            "one filter is unknown; acount: there is no such filter; write account"
        );
    }

    #[test]
    fn each_code_has_a_word_of_its_own() {
        let mut words: Vec<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ProblemCode::ALL.len());
        assert!(ProblemCode::ALL.iter().all(|code| (400..600).contains(&code.status())));
    }
}
