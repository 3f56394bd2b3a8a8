//! Answers as they came, read without any help of the gateway's HTTP.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use mm7::{
    Decoded, Limits, Message,
    message::{Fault, Status},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// The HTTP status.
    pub http_status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as long as Content-Length says.
    pub body: Vec<u8>,
    /// The MM7 in it, if there is any.
    pub decoded: Option<Decoded>,
}

/// Sends bytes over a connection of their own and reads the answer.
pub async fn exchange(server: SocketAddr, request: &[u8]) -> RawAnswer {
    let mut stream = TcpStream::connect(server).await.expect("the door is open");
    exchange_on(&mut stream, request).await
}

/// The same over a connection that is there already, and stays open.
pub async fn exchange_on<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> RawAnswer {
    let exchanging = async {
        // A peer may answer, and hang up, before it has read everything.
        let _ = stream.write_all(request).await;
        read(stream).await
    };
    timeout(DEADLINE, exchanging).await.expect("an answer in time")
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> RawAnswer {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        fill(stream, &mut bytes).await;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).expect("an answer's head is ASCII");
    let (http_status, headers) = parse_head(&head);
    let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        fill(stream, &mut body).await;
    }
    assert_eq!(
        body.len(),
        length,
        "nothing comes behind the answer: {head} {}",
        String::from_utf8_lossy(&body)
    );
    let decoded = mm7::decode(&body, None, &Limits::default()).ok();
    RawAnswer { http_status, headers, body, decoded }
}

async fn fill<S: AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) {
    let read = stream.read_buf(bytes).await.expect("the connection holds till the answer is here");
    assert_ne!(read, 0, "hung up after {:?}", String::from_utf8_lossy(bytes));
}

fn parse_head(head: &str) -> (u16, HeaderMap) {
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap();
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.trim()).unwrap())
    });
    (status.parse().unwrap(), headers.collect())
}

impl RawAnswer {
    fn message(&self) -> Option<&Message> {
        self.decoded.as_ref()?.message.as_ref()
    }

    fn status(&self) -> Option<&Status> {
        self.message()?.status()
    }

    /// StatusCode.
    pub fn code(&self) -> Option<u32> {
        Some(self.status()?.code)
    }

    /// StatusText.
    pub fn text(&self) -> Option<&str> {
        Some(&self.status()?.text)
    }

    /// Details.
    pub fn details(&self) -> Option<&str> {
        self.status()?.details.as_deref()
    }

    /// TransactionID.
    pub fn transaction_id(&self) -> Option<&str> {
        Some(self.decoded.as_ref()?.transaction_id.as_ref()?.as_str())
    }

    /// The name of the element in the Body: `SubmitRsp`, `Fault`.
    pub fn operation(&self) -> Option<&str> {
        self.decoded.as_ref()?.operation.as_deref()
    }

    /// The MM7 namespace.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.decoded.as_ref()?.namespace.uri())
    }

    /// MM7Version.
    pub fn version(&self) -> Option<String> {
        Some(self.decoded.as_ref()?.version?.to_string())
    }

    /// The Fault, if it is one.
    pub fn fault(&self) -> Option<&Fault> {
        match self.message()? {
            Message::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// faultstring.
    pub fn faultstring(&self) -> Option<&str> {
        Some(&self.fault()?.string)
    }

    /// MessageID of a SubmitRsp.
    pub fn message_id(&self) -> Option<&str> {
        match self.message()? {
            Message::SubmitRsp(rsp) => Some(rsp.message_id.as_ref()?.as_str()),
            _ => None,
        }
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("an answer's headers are ASCII"))
    }

    /// The body as text.
    pub fn xml(&self) -> &str {
        std::str::from_utf8(&self.body).expect("an answer is UTF-8")
    }
}
