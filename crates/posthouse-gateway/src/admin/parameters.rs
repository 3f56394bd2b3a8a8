//! Parameters that several verbs take, as the API's document says them.

/// How many things a page has.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct Limit {
    /// How many at most; 50 when it does not say.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    limit: Option<u16>,
}

/// Where a page begins.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct Cursor {
    /// `next` of the page before.
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-9]{1,18}$"))]
    cursor: Option<String>,
}

/// Whether numbers are whole.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct Reveal {
    /// Show whole numbers; needs the right `reveal`.
    reveal: Option<bool>,
}

/// Where a page begins, of a list that is in the order of names or other texts.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct TextCursor {
    /// `next` of the page before
    cursor: Option<String>,
}

/// The revision at which provisioning has to be.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Header))]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct IfMatch {
    /// The revision that is expected
    #[cfg_attr(feature = "openapi", param(rename = "if-match", pattern = "^\"?[0-9]{1,18}\"?$"))]
    if_match: Option<String>,
}
