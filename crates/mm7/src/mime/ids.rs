//! Identifiers of parts, and the references to them (RFC 2392).

use super::content_type::percent_decode;

/// An identifier as it is compared: without blanks around it, angle brackets, or the scheme `cid:` in any case, which
/// peers put or leave out everywhere.
pub(crate) fn bare_id(text: &str) -> &str {
    let text = without_brackets(text);
    without_brackets(without_scheme(text).unwrap_or(text))
}

/// Whether a bare identifier is that of a part, whose Content-ID may itself hold a scheme.
pub(crate) fn identifies(id: &str, content_id: &str) -> bool {
    names(id, content_id) || names(id, bare_id(content_id))
}

/// What follows `cid:`, in any case; `None` where the scheme is another or missing.
pub(crate) fn without_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(4)?;
    scheme.eq_ignore_ascii_case("cid:").then_some(rest)
}

pub(super) fn without_brackets(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    inside.unwrap_or(text).trim()
}

/// Whether a reference names a thing: as it stands, or with its percent-encoding undone (RFC 2392 clause 2).
pub(crate) fn names(reference: &str, name: &str) -> bool {
    reference == name || (reference.contains('%') && percent_decode(reference) == name.as_bytes())
}

/// The URL of a Content-ID (RFC 2392 clause 2): what a URL may not hold is percent-encoded.
pub(crate) fn cid(id: &str) -> String {
    let mut url = String::from("cid:");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}
