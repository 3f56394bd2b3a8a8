use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::net::TcpListener;

use super::*;
use crate::lookup::enum_zone::tests::{naptr, number, reply};

const TIMEOUT: Duration = Duration::from_secs(6);

/// A DNS server that answers each datagram with what `respond` makes of it, and TCP with `whole`.
struct Server {
    port: u16,
    datagrams: Arc<AtomicUsize>,
}

impl Server {
    async fn start(
        respond: impl Fn(usize, &[u8]) -> Vec<Vec<u8>> + Send + 'static,
        whole: fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        let stream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = stream.local_addr().unwrap().port();
        let socket = UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
        let datagrams = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&datagrams);
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut bytes).await {
                let nth = count.fetch_add(1, Ordering::Relaxed);
                for datagram in respond(nth, &bytes[..length]) {
                    socket.send_to(&datagram, peer).await.unwrap();
                }
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = stream.accept().await {
                let length = stream.read_u16().await.unwrap();
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await.unwrap();
                let reply = whole(&question);
                stream.write_u16(u16::try_from(reply.len()).unwrap()).await.unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        });
        Self { port, datagrams }
    }

    async fn ask(&self, time: Duration) -> Result<KnownCarrier, ProviderError> {
        let url = format!("dns://127.0.0.1:{}/e164.arpa", self.port);
        EnumServer::new(&Zone::parse(&url).unwrap(), time).ask(&number()).await
    }
}

fn named(question: &[u8]) -> Vec<u8> {
    reply(question, 0, &[naptr(10, 10, "u", "E2U+pstn:tel", "!^.*$!tel:+16175550100;spn=31003!")])
}

#[tokio::test]
async fn a_server_is_asked_over_udp() {
    let server = Server::start(|_, question| vec![named(question)], |_| Vec::new()).await;
    assert_eq!(server.ask(TIMEOUT).await, Ok(Some("31003".into())));
    assert_eq!(server.datagrams.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_does_not_fit_comes_over_tcp() {
    let server = Server::start(|_, question| vec![reply(question, 0x0200, &[])], named).await;
    assert_eq!(server.ask(TIMEOUT).await, Ok(Some("31003".into())));
    assert_eq!(server.datagrams.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_lost_datagram_goes_out_again() {
    let respond = |nth, question: &[u8]| if nth == 0 { vec![] } else { vec![named(question)] };
    let server = Server::start(respond, |_| Vec::new()).await;
    assert_eq!(server.ask(Duration::from_millis(300)).await, Ok(Some("31003".into())));
    assert!(server.datagrams.load(Ordering::Relaxed) >= 2);
}

#[tokio::test]
async fn replies_to_other_questions_are_passed_over() {
    let respond = |_, question: &[u8]| {
        let mut other = named(question);
        other[0] ^= 1;
        vec![b"rubbish".to_vec(), other, question.to_vec(), reply(question, 3, &[])]
    };
    let server = Server::start(respond, |_| Vec::new()).await;
    assert_eq!(server.ask(TIMEOUT).await, Ok(None));
}

#[tokio::test]
async fn a_server_that_is_silent_or_not_there_is_no_answer() {
    let server = Server::start(|_, _| vec![], |_| Vec::new()).await;
    let silent = Err(ProviderError("no reply to 3 datagrams".to_owned()));
    assert_eq!(server.ask(Duration::from_millis(30)).await, silent);
    assert_eq!(server.datagrams.load(Ordering::Relaxed), 3);
    let free = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = Server { port: free, datagrams: Arc::default() };
    assert_eq!(nobody.ask(TIMEOUT).await.unwrap_err().0, "Connection refused (os error 111)");
}
