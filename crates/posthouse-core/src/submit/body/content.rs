//! What the content of a message is.

use mm7::{DecodeError, Dialect, Rule, mime::Media};

/// What the content is.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentFacts {
    /// The media that are here, decoded, in order.
    pub media: Vec<Media>,
    /// URLs of content that lies elsewhere, each once: Content/@href, and references in SMIL.
    pub urls: Vec<String>,
    /// What became of URLs and parts, for the timeline.
    pub notes: Vec<String>,
    /// Whether it may be changed on its way (Content/@allowAdaptations is not false).
    pub may_adapt: bool,
}

impl ContentFacts {
    /// Whether there is a presentation.
    pub(in crate::submit) fn has_smil(&self) -> bool {
        self.presentation().is_some()
    }

    /// The first presentation.
    pub(super) fn presentation(&self) -> Option<&Media> {
        self.media.iter().find(|media| media.content_type.is_smil())
    }

    /// Refuses content without a presentation where the dialect requires one.
    pub(super) fn require_smil(&self, dialect: &Dialect) -> Result<(), DecodeError> {
        if !dialect.smil_required || self.has_smil() {
            return Ok(());
        }
        Err(DecodeError::new(Rule::SmilForm, 0, "there is no SMIL part, which this dialect requires"))
    }
}
