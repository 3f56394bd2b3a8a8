//! How they are shown: bytes of strangers, of which nothing is obeyed.

use std::fmt::Write as _;

use posthouse_api::UnreadableRequest;
use posthouse_core::unreadable::KeptUnreadable;

/// One of them; its bytes beside it where they are asked for.
pub(super) fn request(kept: &KeptUnreadable, with_bytes: bool) -> UnreadableRequest {
    let KeptUnreadable { number, times, last_at, request } = kept;
    UnreadableRequest {
        number: *number,
        carrier: request.carrier.0.clone(),
        first_at: request.received_at,
        last_at: *last_at,
        times: *times,
        code: request.code.code(),
        why: escaped(request.why.as_bytes()),
        content_type: request.content_type.as_ref().map(|text| escaped(text.as_bytes())),
        length: request.length,
        body: escaped(&request.body),
        body_hex: with_bytes.then(|| hex(&request.body)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A String takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes of a stranger's as text that nothing obeys, and from which they can be told exactly.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\'' => text.push(c),
                c => text.extend(c.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            // A String takes everything.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_and_all_can_be_told() {
        let told = [
            (&b"<a b=\"1\">Tom & 'Jerry'</a>"[..], "<a b=\"1\">Tom & 'Jerry'</a>"),
            (b"caf\xc3\xa9 caf\xe9", "café caf\\xe9"),
            (b"\x1b[2J\r\n\t\\", "\\u{1b}[2J\\r\\n\\t\\\\"),
            ("a\u{202e}b\u{9b}c\u{feff}".as_bytes(), "a\\u{202e}b\\u{9b}c\\u{feff}"),
        ];
        for (bytes, expected) in told {
            assert_eq!(escaped(bytes), expected);
        }
    }
}
