//! A peer that answers whatever it is told to, MM7 or not.

use std::{net::SocketAddr, sync::Arc};

use mm7::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannedReply {
    /// These bytes are sent.
    Bytes(Vec<u8>),
    /// The connection is closed.
    HangUp,
    /// Nothing, for as long as the other side waits.
    Silence,
}

impl CannedReply {
    /// An HTTP answer with this body.
    pub fn http(status: u16, content_type: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        );
        Self::Bytes((head + body).into_bytes())
    }
}

/// A request as it came.
pub struct SeenRequest {
    /// Its head.
    pub head: String,
    /// Its path.
    pub path: String,
    /// Its TransactionID.
    pub transaction_id: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// A server on a port of its own; dropping it ends it.
pub struct Canned {
    address: SocketAddr,
    server: AbortHandle,
}

impl Canned {
    /// Answers each request as `answer` says.
    pub async fn start(answer: impl Fn(&SeenRequest) -> CannedReply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let answer = Arc::new(answer);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move { serve(stream, &*answer).await });
            }
        });
        Self { address, server: server.abort_handle() }
    }

    /// A URL of it with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers one request and closes the connection.
async fn serve(mut stream: TcpStream, answer: &(impl Fn(&SeenRequest) -> CannedReply + Sync)) {
    let Some(seen) = read(&mut stream).await else { return };
    match answer(&seen) {
        CannedReply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        CannedReply::HangUp => {}
        CannedReply::Silence => {
            // Till the other side gives up.
            let _ = stream.read(&mut [0]).await;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<SeenRequest> {
    let mut bytes = Vec::new();
    let (head_end, length) = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
            let length = head.split_once("content-length:").and_then(|(_, rest)| rest.lines().next());
            break (at, length.map_or(Some(0), |length| length.trim().parse().ok())?);
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        (stream.read_buf(&mut body).await.ok()? > 0).then_some(())?;
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let path = head.split(' ').nth(1)?.to_owned();
    Some(SeenRequest { head, path, transaction_id: transaction_id(&body), body })
}

/// The TransactionID of an envelope, wherever in the body it is.
fn transaction_id(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let envelope = text.find("<?xml").and_then(|begin| {
        let end = text[begin..].find("Envelope>")? + begin + "Envelope>".len();
        mm7::decode(text[begin..end].as_bytes(), None, &Limits::default()).ok()
    });
    envelope.and_then(|envelope| envelope.transaction_id).map(|id| id.to_string()).unwrap_or_default()
}

/// What stands round the operation of a peer's answer.
fn envelope(transaction_id: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:m=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">\
         <e:Header><m:TransactionID e:mustUnderstand=\"1\">{transaction_id}</m:TransactionID></e:Header>\
         <e:Body>{body}</e:Body></e:Envelope>"
    )
}

/// A response of this operation (`SubmitRsp`, `DeliveryReportRsp`) with this code.
pub fn response(operation: &str, transaction_id: &str, code: u32) -> String {
    let message_id = if operation == "SubmitRsp" { "<m:MessageID>canned-1</m:MessageID>" } else { "" };
    let body = format!(
        "<m:{operation}><m:MM7Version>6.8.0</m:MM7Version><m:Status><m:StatusCode>{code}</m:StatusCode>\
         <m:StatusText>Said</m:StatusText></m:Status>{message_id}</m:{operation}>"
    );
    envelope(transaction_id, &body)
}

/// A Fault with RSErrorRsp and this code.
pub fn fault(transaction_id: &str, code: u32) -> String {
    let body = format!(
        "<e:Fault><faultcode>e:Server</faultcode><faultstring>Said</faultstring><detail><m:RSErrorRsp>\
         <m:MM7Version>6.8.0</m:MM7Version><m:Status><m:StatusCode>{code}</m:StatusCode>\
         <m:StatusText>Said</m:StatusText></m:Status></m:RSErrorRsp></detail></e:Fault>"
    );
    envelope(transaction_id, &body)
}
