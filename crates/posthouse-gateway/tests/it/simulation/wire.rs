//! HTTP as badly behaved peers need it: by hand, one exchange a connection.

use bytes::Bytes;
use mm7::{
    Decoded, Framing, Limits, Message,
    mime::{ContentType, unpack},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Reads a request or an answer up to its end; `None` when the peer hung up before.
pub async fn read(stream: &mut TcpStream) -> Option<(String, Bytes)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length: usize =
                header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some((head, Bytes::copy_from_slice(&bytes[end + 4..end + 4 + length])));
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The MM7 in a body.
pub fn decode(head: &str, body: Bytes) -> Option<Decoded> {
    let content_type = ContentType::parse(header(head, "content-type")?).ok()?;
    let root = unpack(&content_type, body, &Limits::default()).root?;
    mm7::decode(&root.bytes().ok()?, None, &Limits::default()).ok()
}

/// An answer that closes the connection.
pub fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/xml; charset=utf-8\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A message as an answer.
pub fn mm7_answer(message: &Message, framing: &Framing) -> Vec<u8> {
    answer("200 OK", &mm7::encode(message, framing))
}

/// Posts a body and reads the answer: its HTTP status and its MM7.
pub async fn post(url: &str, content_type: &str, body: &[u8]) -> Option<(u16, Option<Decoded>)> {
    let (authority, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut stream = TcpStream::connect(authority).await.ok()?;
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: {content_type}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()?;
    let (head, body) = read(&mut stream).await?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, decode(&head, body)))
}
