//! What pages load: styles, scripts and the icon, compiled into the program. Nothing comes from another host.

use axum::{body::Body, extract::Path, response::Response};
use http::{HeaderValue, StatusCode as HttpStatus, header};

/// A file: its name, its media type, its bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

/// Every file. htmx is the project's own release 4.0.1, unchanged (0BSD, <https://htmx.org>); a test holds its checksum.
const ASSETS: &[Asset] = &[
    ("posthouse.css", "text/css; charset=utf-8", include_bytes!("assets/posthouse.css")),
    ("posthouse.js", "text/javascript; charset=utf-8", include_bytes!("assets/posthouse.js")),
    ("posthouse.svg", "image/svg+xml", include_bytes!("assets/posthouse.svg")),
    ("htmx.js", "text/javascript; charset=utf-8", include_bytes!("assets/htmx-4.0.1.min.js")),
];

pub(super) async fn handle(Path(name): Path<String>) -> Response {
    let Some((_, content_type, bytes)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        let mut answer = Response::new(Body::from("there is no such file\n"));
        *answer.status_mut() = HttpStatus::NOT_FOUND;
        return answer;
    };
    let mut answer = Response::new(Body::from(*bytes));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Pages name the version behind the path, so that a new program's are loaded anew.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_the_one_that_was_released() {
        let (_, _, bytes) = ASSETS.iter().find(|(name, ..)| *name == "htmx.js").unwrap();
        let hash = blake3::hash(bytes).to_hex();
        assert_eq!(hash.as_str(), "2b78dc2b44f6117680c5863fb5dd9a261c2a769feace82c358a295fe735c83e4");
    }
}
