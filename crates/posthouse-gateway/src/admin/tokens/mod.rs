//! Tokens of principals: what is sent as `Authorization: Bearer`, and how it is known.
//!
//! A token is `ph_`, 256 random bits and a checksum. The checksum tells a token that was cut or mistyped from one that is wrong, and
//! programs that look for secrets which texts are tokens.

pub mod add;
pub mod list;
pub mod revoke;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use posthouse_api::TokenView;
use posthouse_core::token::TokenRecord;

/// What each begins with.
const PREFIX: &str = "ph_";
/// How many bytes of chance.
const SECRET: usize = 32;
/// How many bytes of checksum.
const CHECKSUM: usize = 4;

/// The token of these random bytes.
fn text_of(secret: &[u8; SECRET]) -> String {
    let bytes = [&secret[..], &checksum(secret)].concat();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a text is a token, of whichever store.
pub(super) fn is_token(text: &str) -> bool {
    let Some(encoded) = text.strip_prefix(PREFIX) else { return false };
    let decoded = URL_SAFE_NO_PAD.decode(encoded).unwrap_or_default();
    decoded.len() == SECRET + CHECKSUM
        && decoded.split_last_chunk::<CHECKSUM>().is_some_and(|(secret, sum)| checksum(secret) == *sum)
}

fn checksum(secret: &[u8]) -> [u8; CHECKSUM] {
    let digest = blake3::hash(secret);
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// As it is shown.
fn view(token: TokenRecord) -> TokenView {
    TokenView {
        id: token.id,
        name: token.name,
        role: token.role.to_string(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used: token.last_used,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_checksum() {
        let token = text_of(&[7; 32]);
        assert!(token.starts_with("ph_BwcHBwcH") && token.len() == 51, "{token}");
        assert!(is_token(&token));
        for wrong in
            ["", "ph_", "hush", &token[3..], &token[..50], &token.replace('B', "C"), &format!("{token}A")]
        {
            assert!(!is_token(wrong), "{wrong}");
        }
    }
}
