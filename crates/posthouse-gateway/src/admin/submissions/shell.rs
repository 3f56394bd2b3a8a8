//! A request as commands of a POSIX shell that send it byte for byte.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, Uri, header};

use super::request::{Piece, written};

/// How long a line of base64 is.
const LINE: usize = 76;

/// The commands: what prints the body, and curl, which posts it. Texts stand in them as they are, so that the VASPID can be put in.
pub(super) fn curl(uri: &Uri, headers: &HeaderMap, pieces: &[Piece], username: Option<&str>) -> String {
    let mut script = String::from("{\n");
    for run in pieces.chunk_by(|one, other| one.binary.is_none() && other.binary.is_none()) {
        match run {
            [one] if one.binary.is_some() => script.push_str(&decoded(&one.bytes)),
            texts => {
                let bytes: Vec<u8> = texts.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
                script.push_str(&format!("printf -- '{}'\n", format_of(&bytes)));
            }
        }
    }
    script.push_str("} | curl --data-binary @- \\\n");
    for (name, value) in headers {
        // curl says these by itself.
        if *name == header::HOST || *name == header::CONTENT_LENGTH {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        script.push_str(&format!("  -H {} \\\n", quoted(&format!("{}: {value}", written(name)))));
    }
    if let Some(username) = username {
        script.push_str(&format!("  -u {} \\\n", quoted(&format!("{username}:YOUR-PASSWORD"))));
    }
    script.push_str(&format!("  {}\n", quoted(&uri.to_string())));
    script
}

/// A word that the shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Bytes as the format of printf between quotes.
fn format_of(bytes: &[u8]) -> String {
    let mut format = String::new();
    for &byte in bytes {
        match byte {
            b'\r' => format.push_str("\\r"),
            b'\n' => format.push('\n'),
            b'%' => format.push_str("%%"),
            b'\\' => format.push_str("\\\\"),
            b'\'' => format.push_str(r"'\''"),
            b' '..=b'~' => format.push(char::from(byte)),
            _ => format.push_str(&format!("\\{byte:03o}")),
        }
    }
    format
}

/// Bytes by base64.
fn decoded(bytes: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(bytes);
    let lines: Vec<_> =
        text.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("base64 -d <<'END'\n{}\nEND\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_shell_prints_the_bytes_as_they_are() {
        let text = Bytes::from_static("--a\r\n'50%' \\n é\u{202E}\n\n".as_bytes());
        let binary = Bytes::from((0..=255).cycle().take(700).collect::<Vec<u8>>());
        let piece = |bytes: &Bytes, binary: Option<&str>| Piece {
            bytes: bytes.clone(),
            binary: binary.map(str::to_owned),
        };
        let pieces =
            [piece(&text, None), piece(&text, None), piece(&binary, Some("image/png")), piece(&text, None)];
        let headers = HeaderMap::from_iter([
            (header::HOST, HeaderValue::from_static("gw.example")),
            (header::CONTENT_TYPE, HeaderValue::from_static("multipart/related; boundary=\"a'b\"")),
        ]);
        let uri = Uri::from_static("http://gw.example/mm7");
        let script = curl(&uri, &headers, &pieces, Some("ann"));
        assert!(script.ends_with(
            "} | curl --data-binary @- \\\n  -H 'Content-Type: multipart/related; boundary=\"a'\\''b\"' \\\n  \
             -u 'ann:YOUR-PASSWORD' \\\n  'http://gw.example/mm7'\n"
        ), "{script}");
        let printing = script.split_once("} | curl").unwrap().0;
        let printed = Command::new("sh").arg("-c").arg(format!("{printing}}}")).output().unwrap();
        let expected: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
        assert_eq!(printed.stdout, expected, "{}", String::from_utf8_lossy(&printed.stderr));
    }
}
