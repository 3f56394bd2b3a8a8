//! A request, judged before it is sent: what would be answered, what is wrong, where, and what to do.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, header};
use mm7::{
    Limits,
    mime::{ContentType, unpack},
};
use posthouse_api::LintView;

use super::{
    super::body,
    PageState,
    ask::query,
    frame::{Frame, html, ok},
    sessions::SignedIn,
    sign_in::field,
    words,
};

/// The longest request that is shown again in the form, in bytes.
const SHOWN: usize = 64 << 10;

#[derive(Template)]
#[template(path = "lint.html")]
struct LintPage {
    frame: Frame,
    /// Whose provisioning it is judged by, for a visitor who sees one account alone.
    own: Option<String>,
    account: String,
    text: String,
    view: Option<LintView>,
    fault: Option<String>,
}

pub(super) async fn form(by: SignedIn) -> Response {
    ok(&page(&by, String::new(), String::new()))
}

fn page(by: &SignedIn, account: String, text: String) -> LintPage {
    LintPage {
        frame: Frame::of(&by.visitor, "/lint"),
        own: by.actor.account().map(|account| account.0.clone()),
        account,
        text,
        view: None,
        fault: None,
    }
}

pub(super) async fn judge(State(pages): State<Arc<PageState>>, by: SignedIn, request: Request) -> Response {
    let (head, whole) = request.into_parts();
    let whole = body::bytes(whole).await;
    let Given { file, account, text } = given(&head.headers, whole);
    let mut page = page(&by, account, text);
    if file.is_empty() {
        page.fault = Some(words::NOTHING_TO_JUDGE.to_owned());
        return html(http::StatusCode::BAD_REQUEST, &page);
    }
    let path = match page.account.as_str() {
        "" => "/lint".to_owned(),
        account => format!("/lint?{}", query([("account", account)])),
    };
    match pages.api.post_bytes::<LintView>(&by.actor, &path, file).await {
        Ok(view) => page.view = Some(view),
        Err(problem) if problem.status == 400 => {
            page.fault = Some(problem.to_string());
            return html(http::StatusCode::BAD_REQUEST, &page);
        }
        Err(problem) => return page.frame.trouble(&problem),
    }
    ok(&page)
}

/// What the form holds.
struct Given {
    file: Bytes,
    account: String,
    /// What was pasted, to be shown again.
    text: String,
}

/// A form as browsers send it: with a file as multipart/form-data (RFC 7578), else urlencoded.
fn given(headers: &HeaderMap, whole: Bytes) -> Given {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.and_then(|text| ContentType::parse(text).ok());
    let Some(content_type) = content_type.filter(ContentType::is_multipart) else {
        let text = field(&whole, "text").unwrap_or_default();
        let account = field(&whole, "account").unwrap_or_default();
        return Given { file: text.clone().into_bytes().into(), account, text: shown(text) };
    };
    let package = unpack(&content_type, whole, &Limits::default());
    let mut parts = package.root.iter().chain(&package.attachments);
    // The fields of the form come in its order: account, text, file; the account is there for operators only.
    let value = |part: Option<&mm7::mime::Part>| part.and_then(|part| part.bytes().ok()).unwrap_or_default();
    let account = value(parts.next());
    let text = value(parts.next());
    let file = value(parts.next());
    let text_of = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    Given {
        account: text_of(&account).trim().to_owned(),
        text: shown(text_of(&text)),
        file: if file.is_empty() { text } else { file },
    }
}

fn shown(text: String) -> String {
    if text.len() > SHOWN { String::new() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_a_file_and_without() {
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"account\"\r\n\r\nacme\r\n\
                         --x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n\r\n\
                         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"r.http\"\r\n\
                         Content-Type: application/octet-stream\r\n\r\nPOST / HTTP/1.1\r\n\r\n<a/>\r\n--x--\r\n";
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(header::CONTENT_TYPE, http::HeaderValue::from_static(value))])
        };
        let read = given(&headers("multipart/form-data; boundary=x"), multipart.into());
        assert_eq!((read.account.as_str(), &read.file[..]), ("acme", &b"POST / HTTP/1.1\r\n\r\n<a/>"[..]));
        let read = given(&headers("application/x-www-form-urlencoded"), "account=&text=%3Ca%2F%3E".into());
        assert_eq!((read.account.as_str(), &read.file[..], read.text.as_str()), ("", &b"<a/>"[..], "<a/>"));
    }
}
