//! Parameters that several verbs take, as the API's document says them.

use utoipa::IntoParams;

/// How many things a page has.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct Limit {
    /// How many at most; 50 when it does not say.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
}

/// Where a page begins.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct Cursor {
    /// `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// Whether numbers are whole.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is a parameter's documentation")]
pub(super) struct Reveal {
    /// Show whole numbers; needs the right `reveal`.
    reveal: Option<bool>,
}
