//! A lookup service over real HTTP that does as told, and a DNS server with one answer.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::watch,
};

/// What the service does with a question.
#[derive(Clone, Debug)]
pub enum Reply {
    Http(u16, String),
    HangUp,
}

impl Reply {
    pub fn carrier(name: &str) -> Self {
        Self::Http(200, format!("{{\"carrier\":\"{name}\"}}"))
    }
}

#[derive(Default)]
struct Script {
    replies: HashMap<String, Reply>,
    asked: Vec<String>,
}

/// The service. While its gate is shut it reads questions and keeps quiet.
pub struct LookupService {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    gate: watch::Sender<bool>,
}

impl LookupService {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (gate, open) = watch::channel(true);
        let script = Arc::<Mutex<Script>>::default();
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared), open.clone()));
            }
        });
        Self { address, script, gate }
    }

    /// TOML that has the gateway ask here; more lines may follow.
    pub fn toml(&self, timeout: &str, cache: &str) -> String {
        format!(
            "[lookup]\nprovider = \"http\"\nurl = \"http://{}/lookup/{{msisdn}}?key=k3y\"\ntimeout = {timeout:?}\ncache = {cache:?}\n",
            self.address
        )
    }

    /// What is replied when this number is asked for; else 404.
    pub fn set(&self, number: &str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(number.to_owned(), reply);
    }

    pub fn shut(&self) {
        self.gate.send_replace(false);
    }

    pub fn open(&self) {
        self.gate.send_replace(true);
    }

    /// The paths that were asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }
}

/// Answers the questions of a connection one after the other.
async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>, mut open: watch::Receiver<bool>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        let head = String::from_utf8(bytes.drain(..end + 4).collect()).expect("a head is ASCII");
        let path = head.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).expect("a GET");
        let number = path.trim_start_matches("/lookup/").split('?').next().unwrap_or_default();
        script.lock().unwrap().asked.push(path.to_owned());
        if open.wait_for(|open| *open).await.is_err() {
            return;
        }
        let reply = script.lock().unwrap().replies.get(number).cloned();
        let (status, body) = match reply.unwrap_or(Reply::Http(404, String::new())) {
            Reply::Http(status, body) => (status, body),
            Reply::HangUp => return,
        };
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A DNS server that gives every name this record, and says which names were asked for.
pub async fn dns_server(
    flags: &'static str,
    services: &'static str,
    regexp: &'static str,
) -> (SocketAddr, watch::Receiver<Vec<u8>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("an address");
    let (asked, last) = watch::channel(Vec::new());
    tokio::spawn(async move {
        let mut bytes = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut bytes).await {
            let question = &bytes[..length];
            asked.send_replace(question[12..length - 4].to_vec());
            let mut data = vec![0, 10, 0, 10];
            for text in [flags, services, regexp] {
                data.push(u8::try_from(text.len()).unwrap());
                data.extend_from_slice(text.as_bytes());
            }
            data.push(0);
            // A reply with one answer: a pointer to the question's name, NAPTR, IN, an hour.
            let mut reply = question.to_vec();
            reply[2] |= 0x80;
            reply[7] = 1;
            reply.extend_from_slice(&[0xc0, 12, 0, 35, 0, 1, 0, 0, 14, 16]);
            reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
            reply.extend_from_slice(&data);
            socket.send_to(&reply, peer).await.unwrap();
        }
    });
    (address, last)
}
