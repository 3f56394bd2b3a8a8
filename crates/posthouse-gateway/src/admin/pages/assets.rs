//! What pages load: styles, scripts and the icon, compiled into the program. Nothing comes from another host.

use std::sync::LazyLock;

use axum::{body::Body, extract::Path, response::Response};
use http::{HeaderValue, StatusCode as HttpStatus, header};

/// What their paths begin with.
pub(super) const BASE: &str = "/assets/";

/// A file: its name, its media type, its bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

/// Every file.
const ASSETS: &[Asset] = &[
    ("posthouse.css", "text/css; charset=utf-8", include_bytes!("assets/posthouse.css")),
    ("posthouse.js", "text/javascript; charset=utf-8", include_bytes!("assets/posthouse.js")),
    ("posthouse.svg", "image/svg+xml", include_bytes!("assets/posthouse.svg")),
];

/// The beginning of a hash over all files: pages name it behind a file's path, so that what has changed is loaded anew.
pub(super) fn revision() -> &'static str {
    static REVISION: LazyLock<String> = LazyLock::new(|| {
        let mut hash = blake3::Hasher::new();
        for (_, _, bytes) in ASSETS {
            hash.update(bytes);
        }
        hash.finalize().to_hex().chars().take(12).collect()
    });
    &REVISION
}

pub(super) async fn handle(Path(name): Path<String>) -> Response {
    let Some((_, content_type, bytes)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        let mut answer = Response::new(Body::from("there is no such file\n"));
        *answer.status_mut() = HttpStatus::NOT_FOUND;
        return answer;
    };
    let mut answer = Response::new(Body::from(*bytes));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Pages name the revision behind the path.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    answer
}
