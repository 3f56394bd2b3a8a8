//! Forms as browsers send them: urlencoded, or as multipart/form-data (RFC 7578) where a file may come along.

use axum::extract::{FromRequest as _, Multipart, Request};
use bytes::Bytes;
use posthouse_api::{ProblemCode, ProblemDetails};

use super::super::body;

/// The most fields of a form.
const MOST: usize = 64;

/// A form that was sent.
#[derive(Debug, Default)]
pub(super) struct SentForm(Vec<FormField>);

/// A field of it.
#[derive(Debug)]
pub(super) struct FormField {
    name: String,
    /// Of a file: its name.
    pub file_name: Option<String>,
    /// Of a file: what the browser takes it for.
    pub content_type: Option<String>,
    /// What it holds.
    pub bytes: Bytes,
}

impl SentForm {
    /// Reads a form; its body is in memory.
    ///
    /// # Errors
    /// It cannot be read, or has more fields than any form here.
    pub async fn read(request: Request) -> Result<Self, ProblemDetails> {
        match body::is_of_type(request.headers(), "multipart/form-data") {
            true => Self::of_multipart(request).await,
            false => {
                let body = body::bytes(request.into_body()).await;
                let fields = form_urlencoded::parse(&body).take(MOST).map(|(name, value)| FormField {
                    name: name.into_owned(),
                    file_name: None,
                    content_type: None,
                    bytes: value.into_owned().into_bytes().into(),
                });
                Ok(Self(fields.collect()))
            }
        }
    }

    async fn of_multipart(request: Request) -> Result<Self, ProblemDetails> {
        let unreadable = |error: String| ProblemDetails::new(ProblemCode::Malformed).detail(error);
        let mut parts =
            Multipart::from_request(request, &()).await.map_err(|error| unreadable(error.to_string()))?;
        let mut fields = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|error| unreadable(error.to_string()))? {
            if fields.len() == MOST {
                return Err(unreadable(format!("the form has more than {MOST} fields")));
            }
            fields.push(FormField {
                name: part.name().unwrap_or_default().to_owned(),
                file_name: part.file_name().map(str::to_owned),
                content_type: part.content_type().map(str::to_owned),
                bytes: part.bytes().await.map_err(|error| unreadable(error.to_string()))?,
            });
        }
        Ok(Self(fields))
    }

    /// The text of a field; nothing where it is not there.
    pub fn text(&self, name: &str) -> String {
        let field = self.0.iter().find(|field| field.name == name);
        field.map(|field| String::from_utf8_lossy(&field.bytes).into_owned()).unwrap_or_default()
    }

    /// The same, where it says anything.
    pub fn filled(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A file that was chosen.
    pub fn file(&self, name: &str) -> Option<&FormField> {
        let is_chosen = |field: &&FormField| field.name == name && !field.bytes.is_empty();
        self.0.iter().find(is_chosen).filter(|field| field.file_name.is_some())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn read(content_type: &str, body: &str) -> Result<SentForm, ProblemDetails> {
        let request = Request::builder().header("content-type", content_type);
        SentForm::read(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    #[tokio::test]
    async fn a_form_is_read_with_a_file_and_without() {
        let form = "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nHi\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\u{1}\u{2}\r\n--x--\r\n";
        let form = read("multipart/form-data; boundary=x", form).await.unwrap();
        let file = form.file("file").unwrap();
        assert_eq!((form.text("text").as_str(), &file.bytes[..]), ("Hi", &[1, 2][..]));
        assert_eq!(
            (file.file_name.as_deref(), file.content_type.as_deref()),
            (Some("a.png"), Some("image/png"))
        );
        let form = read("application/x-www-form-urlencoded", "text=+a%26b+&empty=").await.unwrap();
        assert_eq!((form.filled("text").as_deref(), form.filled("empty")), (Some("a&b"), None));
        assert!(form.file("text").is_none());
        let broken = read("multipart/form-data; boundary=x", "--x\r\nnothing").await;
        assert_eq!(broken.unwrap_err().status, 400);
        let many = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(MOST + 1);
        let refused = read("multipart/form-data; boundary=x", &format!("{many}--x--\r\n")).await.unwrap_err();
        assert_eq!(refused.detail.as_deref(), Some("the form has more than 64 fields"));
    }
}
