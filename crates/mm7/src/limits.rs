//! How much of a stranger's message is taken before it is refused.

/// Bounds on one message. Each is a limit, not a size that is set aside beforehand.
///
/// ```
/// let limits = mm7::Limits::default();
/// assert_eq!(limits.max_depth, 64);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements nested in the envelope, the Envelope itself counted.
    pub max_depth: usize,
    /// Attributes of one element, namespace declarations counted.
    pub max_attributes: usize,
    /// Bytes (as UTF-8) of the text of one element, and of one attribute value.
    pub max_text: usize,
    /// Bytes of the whole envelope as it came.
    pub max_envelope: usize,
    /// Elements and texts of the envelope, counted together, and attributes in all of it.
    pub max_nodes: usize,
    /// MIME parts of one message, nested ones counted.
    pub max_parts: usize,
    /// Multiparts nested in each other, the outermost counted.
    pub max_levels: usize,
    /// Bytes of the headers of one MIME part.
    pub max_part_header: usize,
}

impl Default for Limits {
    /// 64 levels, 128 attributes, texts of 64 KiB, 1 MiB or 65,536 nodes in all; 256 parts on 8 levels with headers of 16 KiB.
    fn default() -> Self {
        Self {
            max_depth: 64,
            max_attributes: 128,
            max_text: 64 * 1024,
            max_envelope: 1024 * 1024,
            max_nodes: 65_536,
            max_parts: 256,
            max_levels: 8,
            max_part_header: 16 * 1024,
        }
    }
}
