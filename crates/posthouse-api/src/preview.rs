//! What a handset would show of a message.

use serde::{Deserialize, Serialize};

/// The slides of a message, and what none of them shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewView {
    /// Subject.
    pub subject: Option<String>,
    /// The slides, in order.
    pub slides: Vec<SlideView>,
    /// The parts that no slide shows.
    pub others: Vec<PreviewPart>,
    /// What a slide names and the message does not have.
    pub missing: Vec<String>,
}

/// What is shown together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlideView {
    /// The parts, in order.
    pub shows: Vec<PreviewPart>,
}

/// A part, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewPart {
    /// Its number, from 1: `/parts/{number}` has its bytes.
    pub number: u32,
    /// `picture`, `text`, `sound`, `video` or `other`.
    pub kind: String,
    /// Its type, by its bytes.
    pub content_type: String,
    /// What it is called, if it is.
    pub name: Option<String>,
    /// How many bytes it has.
    pub bytes: u64,
    /// Its text, of a text, as far as it is shown.
    pub text: Option<String>,
    /// Whether its text goes on.
    pub cut: bool,
}
