//! Any bytes as what comes over a connection of a door: what our reading of requests gives to hyper is what hyper sees of it, and
//! where hyper takes the bytes as they are, it sees the same in them.
//!
//! Not among the modules of `lib.rs`: it needs the gateway, on whose floor its test stands.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mm7::http1::{BodyLength, Chunks, HeadEnd, judge, unfold};
use posthouse_gateway::http::requests::{Requests, UNUSABLE_CODING, UNUSABLE_HEAD, UNUSABLE_LENGTH};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Heads of at most so many bytes are taken: few enough for heads that are too long.
const MAX_HEAD: usize = 4 << 10;

/// A request as hyper gave it to a service. `None` for a body that broke.
#[derive(Debug, PartialEq)]
struct Seen {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Seen {
    /// Whether it is one that hyper is kept from.
    fn is_stood_in(&self) -> bool {
        [UNUSABLE_HEAD, UNUSABLE_LENGTH, UNUSABLE_CODING].iter().any(|name| self.headers.contains_key(name))
    }
}

/// Reads the bytes in pieces of several sizes, and compares what comes of it.
pub fn check(data: &[u8]) {
    let whole = over(data, usize::MAX, true);
    let mut sizes = vec![1, 2, 3, 13, 100];
    // What comes byte by byte costs a poll for each.
    sizes.retain(|size| data.len() / size <= 20_000);
    for size in sizes {
        assert_eq!(over(data, size, true), whole, "in pieces of {size}");
    }
    check_framing(data, &whole);
    check_hypers_own(data, &whole);
}

/// hyper sees as many requests as there are by the rules of `mm7::http1`, with the same lines and the same bodies.
fn check_framing(data: &[u8], seen: &[Seen]) {
    let (mut rest, mut count) = (data, 0);
    while let Some((head, body, behind)) = next(rest) {
        let seen = seen.get(count);
        assert!(seen.is_some(), "a request is lost: {}", head.escape_ascii());
        let Some(seen) = seen else { return };
        if seen.headers.contains_key("connection") || seen.version == Version::HTTP_10 {
            // It may be the last that is asked for.
            return;
        }
        check_lines(&head, &seen.headers);
        assert_eq!(seen.body.as_deref(), Some(body.as_slice()));
        (rest, count) = (behind, count + 1);
    }
    let further = seen.get(count..).unwrap_or_default();
    assert!(further.len() <= 1, "one request too many: {further:?}");
    let is_end = |seen: &Seen| {
        seen.is_stood_in() || seen.body.is_none() || !seen.headers.contains_key("content-length")
    };
    assert!(further.iter().all(is_end), "{further:?}");
}

/// The lines of a head that is whole and unfolded are the headers.
fn check_lines(head: &[u8], headers: &HeaderMap) {
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((line.get(..colon)?, line.get(colon + 1..)?))
    });
    for (name, value) in lines.filter(|(name, _)| name.iter().all(u8::is_ascii_alphanumeric)) {
        let name = std::str::from_utf8(name).unwrap_or_default();
        let is_it = |known: &http::HeaderValue| known.as_bytes() == blanks_trimmed(value);
        assert!(headers.get_all(name).iter().any(is_it), "{name} is lost");
    }
}

fn blanks_trimmed(value: &[u8]) -> &[u8] {
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = value.iter().take_while(is_blank).count();
    let behind = value.iter().rev().take_while(is_blank).count();
    value.get(before..value.len().saturating_sub(behind)).unwrap_or_default()
}

/// The next request that is whole and has an end: its head, unfolded, its body, and what is behind.
fn next(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>, &[u8])> {
    let length = HeadEnd::default().find(bytes).filter(|length| *length <= MAX_HEAD)?;
    let (head, rest) = bytes.split_at_checked(length)?;
    let head = unfold(head);
    let judged = judge(&head).ok()?;
    Uri::try_from(judged.target).ok()?;
    let (body, behind) = match judged.length {
        BodyLength::Bytes(length) => {
            let (body, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            (body.to_vec(), behind)
        }
        BodyLength::Chunked => dechunked(rest)?,
        BodyLength::Unsaid if judged.is_without_body() => (Vec::new(), rest),
        BodyLength::Unsaid | BodyLength::Unusable(_) => return None,
    };
    Some((head, body, behind))
}

fn dechunked(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut chunks, mut body) = (Chunks::default(), Vec::new());
    while !chunks.is_over() {
        let taken = chunks.take(bytes).ok().filter(|_| !bytes.is_empty())?;
        body.extend_from_slice(bytes.get(..taken.data)?);
        bytes = bytes.get(taken.pass + taken.skip..)?;
    }
    Some((body, bytes))
}

/// What hyper makes of the bytes without us is the same, as far as it takes them and they need nothing of us.
fn check_hypers_own(data: &[u8], seen: &[Seen]) {
    let folded = data.windows(2).any(|pair| matches!(pair, [b'\n', b' ' | b'\t']));
    let own = over(data, usize::MAX, false);
    for (seen, own) in seen.iter().zip(&own) {
        if folded || seen.is_stood_in() || own.body.is_none() || seen.body.is_none() {
            return;
        }
        assert_eq!(seen, own);
        if !seen.headers.contains_key("content-length") && seen.method != Method::GET {
            return;
        }
    }
}

/// What hyper sees of bytes that come in pieces of so many, with or without us in between.
fn over(data: &[u8], piece: usize, screened: bool) -> Vec<Seen> {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Arc::clone(&seen);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.ok().map(|body| body.to_bytes());
            let one = Seen {
                method: head.method,
                uri: head.uri,
                version: head.version,
                headers: head.headers,
                body,
            };
            if let Ok(mut seen) = seen.lock() {
                seen.push(one);
            }
            // What no door takes: a tunnel that is agreed to would be the end of HTTP on this connection.
            let mut answer = Response::new(Full::<Bytes>::default());
            *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            Ok::<_, Infallible>(answer)
        }
    });
    let pieces = Pieces { data: Bytes::copy_from_slice(data), piece };
    let mut builder = http1::Builder::new();
    builder.half_close(true).max_buf_size(64 << 10);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    // How the connection ends is no matter: bytes that are no HTTP end it in an error.
    let _ = runtime.block_on(async {
        if screened {
            builder.serve_connection(TokioIo::new(Requests::new(pieces, MAX_HEAD)), service).await
        } else {
            builder.serve_connection(TokioIo::new(pieces), service).await
        }
    });
    let seen = seen.lock().map(|mut seen| std::mem::take(&mut *seen));
    seen.unwrap_or_default()
}

/// A peer that sends this, piece by piece, and takes whatever it is answered.
struct Pieces {
    data: Bytes,
    piece: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.data.len().min(self.piece).min(buffer.remaining());
        buffer.put_slice(&self.data.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
