//! The least HTTP/1.1 that a measurement needs: one message at a time over a connection that stays open.
//!
//! Both sides share the machine with what is measured, so nothing here is parsed that is not looked at.

use std::{io, net::SocketAddr, time::Duration};

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// The longest message that is read, in bytes.
const MAX_BYTES: usize = 16 << 20;
/// How long a message may take once it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is reserved before a message comes.
const RESERVE: usize = 4 << 10;

/// A connection.
pub struct BenchConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A message that was read.
pub struct WireMessage<'a> {
    /// Request or status line, and headers.
    pub head: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

impl BenchConnection {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::new(timeout(PATIENCE, TcpStream::connect(address)).await??)
    }

    /// Takes over a connection.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(RESERVE) })
    }

    /// Writes a message.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(message)).await?
    }

    /// Reads the next message. A connection that ends between two is an error like any other.
    pub async fn receive(&mut self) -> io::Result<WireMessage<'_>> {
        self.buffer.clear();
        let (head, whole) = timeout(PATIENCE, self.fill()).await??;
        self.received(head, whole)
    }

    /// Waits for the next message as long as it takes; `None`: the peer hung up.
    pub async fn next(&mut self) -> io::Result<Option<WireMessage<'_>>> {
        self.buffer.clear();
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Ok(None);
        }
        let (head, whole) = timeout(PATIENCE, self.fill()).await??;
        self.received(head, whole).map(Some)
    }

    fn received(&self, head: usize, whole: usize) -> io::Result<WireMessage<'_>> {
        let (head, rest) = self.buffer.split_at_checked(head).ok_or_else(broken)?;
        let body = rest.get(..whole.saturating_sub(head.len())).ok_or_else(broken)?;
        Ok(WireMessage { head, body })
    }

    /// Reads till a message is whole: the length of its head, and of all of it.
    async fn fill(&mut self) -> io::Result<(usize, usize)> {
        let head = loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await?;
        };
        let length = content_length(self.buffer.get(..head).unwrap_or_default())?;
        let whole = head + length;
        self.buffer.reserve(whole.saturating_sub(self.buffer.len()));
        while self.buffer.len() < whole {
            self.read_more().await?;
        }
        Ok((head, whole))
    }

    async fn read_more(&mut self) -> io::Result<()> {
        if self.buffer.len() > MAX_BYTES {
            return Err(broken());
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not the HTTP that is spoken here")
}

/// The length that a head announces; no body without one.
fn content_length(head: &[u8]) -> io::Result<usize> {
    const NAME: &[u8] = b"content-length:";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)));
    let Some(line) = line else { return Ok(0) };
    let digits = std::str::from_utf8(line.get(NAME.len()..).unwrap_or_default()).map_err(|_| broken())?;
    digits.trim().parse().ok().filter(|length| *length <= MAX_BYTES).ok_or_else(broken)
}

/// The text of the first element with this local name, as it stands.
pub fn element<'a>(body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = body;
    loop {
        let found = memmem::find(rest, name.as_bytes())?;
        let (before, after) = rest.split_at_checked(found)?;
        let (_, after) = after.split_at_checked(name.len())?;
        rest = after;
        // `<Name>` or `<prefix:Name attribute="…">`, but not `<OtherName>` and not an attribute.
        let opens = matches!(before.last(), Some(b'<' | b':'));
        let ends = matches!(after.first(), Some(b'>' | b' '));
        if opens && ends {
            let start = memchr::memchr(b'>', after)? + 1;
            let text = after.get(start..)?;
            return text.get(..memchr::memchr(b'<', text)?);
        }
    }
}

/// A number in digits.
pub fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn elements_are_found_by_their_local_name() {
        let body =
            br#"<e:Body><m:SubmitRsp xmlns:m="x"><m:MessageID>12</m:MessageID><MessageIDs>1</MessageIDs>"#;
        assert_eq!(element(body, "MessageID"), Some(&b"12"[..]));
        assert_eq!(element(body, "Body"), Some(&b""[..]));
        assert_eq!(
            element(br#"<TransactionID xmlns="u" a="1">t</TransactionID>"#, "TransactionID"),
            Some(&b"t"[..])
        );
        assert_eq!(element(body, "StatusCode"), None);
        assert_eq!(number(b"12"), Some(12));
        assert_eq!(number(b"x"), None);
    }

    #[test]
    fn a_length_is_announced_or_nothing_comes() {
        assert_eq!(content_length(b"HTTP/1.1 200 OK\r\nCONTENT-length:  7\r\n\r\n").unwrap(), 7);
        assert_eq!(content_length(b"HTTP/1.1 200 OK\r\n\r\n").unwrap(), 0);
        assert!(content_length(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").is_err());
        assert!(content_length(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn messages_come_one_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut there = BenchConnection::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut here = BenchConnection::new(listener.accept().await.unwrap().0).unwrap();
        for body in ["one", "and two"] {
            let message = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            there.send(message.as_bytes()).await.unwrap();
            let received = here.next().await.unwrap().unwrap();
            assert_eq!(received.body, body.as_bytes());
            assert!(received.head.starts_with(b"POST / HTTP/1.1\r\n"));
        }
        drop(there);
        assert!(here.next().await.unwrap().is_none());
    }
}
