//! Content by URL from the VASP's request to what the carrier gets, over real HTTP.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use mm7::{Limits, mime::Media, smil};
use posthouse_core::message::EventKind;
use posthouse_testing::{
    request::{RawPart, RawRequest},
    town::{Town, TownPlan, eventually},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
const AMR: &[u8] = b"#!AMR\n\x3c\x91\x17\x16\xbe\x66\x79\xe1\xe0\x01\xe7\xaf\xf0\0\0\0\x80";
const NUMBER: &str = "16175550100";

/// A server of media on loopback that notes what it is asked for.
#[derive(Clone)]
struct Library {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    closed: Arc<Mutex<bool>>,
}

impl Library {
    /// Path, a header and content of each.
    async fn open(shelf: Vec<(&'static str, &'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let library =
            Self { address: listener.local_addr().unwrap(), asked: Arc::default(), closed: Arc::default() };
        let (served, shelf) = (library.clone(), Arc::new(shelf));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (library, shelf) = (served.clone(), Arc::clone(&shelf));
                // A gateway that hangs up early is not the library's business.
                tokio::spawn(async move { library.serve(stream, &shelf).await });
            }
        });
        library
    }

    async fn serve(&self, mut stream: TcpStream, shelf: &[(&str, &str, Vec<u8>)]) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let path = String::from_utf8(head).ok()?.split(' ').nth(1)?.to_owned();
        self.asked.lock().unwrap().push(path.clone());
        if path == "/never" {
            return stream.read_u8().await.ok().map(drop);
        }
        let found =
            shelf.iter().find(|(known, _, _)| *known == path).filter(|_| !*self.closed.lock().unwrap());
        let answer = match found {
            Some((_, header, bytes)) => {
                let head = format!("HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: {}\r\n\r\n", bytes.len());
                [head.as_bytes(), bytes].concat()
            }
            None => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        };
        stream.write_all(&answer).await.ok()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

/// A town whose gateway may fetch from loopback.
async fn town(account: &str, carrier: &str) -> Town {
    let mut plan = TownPlan::default();
    plan.settings.fetch.allow_private = vec!["127.0.0.0/8".parse().unwrap()];
    plan.settings.fetch.max_bytes = 3000;
    plan.settings.fetch.timeout = Duration::from_secs(1);
    let town = Town::planned(plan).await;
    let range = "[[range]]\nprefix = \"1617\"\ncarrier = \"31003\"\n";
    town.provision(&[&town.account("acme", account), &town.carrier("31003", carrier), range].concat()).await;
    town
}

/// A request whose content is a URL.
fn by_url(url: &str) -> RawRequest {
    let mut request = RawRequest::to(NUMBER);
    request.attachments.clear();
    request.raw_element("Content", &format!("<Content href=\"{}\"/>", url.replace('&', "&amp;")));
    request
}

/// A request with this SMIL and a text.
fn with_smil(smil: &str) -> RawRequest {
    let mut request = RawRequest::to(NUMBER);
    request.attachments[0] = RawPart::new("application/smil", "smil", smil);
    request
}

/// The media that the carrier got with its newest message.
async fn delivered(town: &Town) -> Vec<Media> {
    let carrier = &town.carriers["31003"];
    eventually("the carrier gets it", async || carrier.messages().last().map(|message| message.media.clone()))
        .await
}

/// Type, Content-ID and bytes of each part.
fn facts(media: &[Media]) -> Vec<(String, Option<&str>, &[u8])> {
    media
        .iter()
        .map(|part| (part.content_type.to_string(), part.content_id.as_deref(), &part.bytes[..]))
        .collect()
}

#[tokio::test]
async fn content_that_is_a_url_goes_out_as_what_it_is() {
    let library = Library::open(vec![("/p/photo.php?id=1&x", "Content-Type: text/html", GIF.to_vec())]).await;
    let town = town("", "").await;
    let id = town.submit(&by_url(&library.url("/p/photo.php?id=1&x"))).await;
    town.ended(id).await;

    let media = delivered(&town).await;
    assert_eq!(facts(&media)[1..], [("image/gif".to_owned(), Some("photo.gif"), GIF)]);
    assert!(smil::is_smil(&media[0].content_type), "one was made");
    assert_eq!(town.carriers["31003"].messages()[0].finding, None);
    let note =
        format!("fetched photo.gif from 127.0.0.1: image/gif, {} bytes, declared as text/html", GIF.len());
    let made = "a SMIL was made, since there was none".to_owned();
    assert_eq!(town.events(id, EventKind::Noted).await, [note, made]);
    town.close().await;
}

#[tokio::test]
async fn a_presentation_finds_what_was_fetched_for_it() {
    let library = Library::open(vec![
        ("/a.gif", "Content-Type: image/gif", GIF.to_vec()),
        ("/b?c&d", "Content-Type: audio/amr", AMR.to_vec()),
        ("/e.txt", "Content-Type: text/plain; charset=iso-8859-1", b"caf\xe9".to_vec()),
    ])
    .await;
    let town = town("", "").await;
    let [a, b, e] = ["/a.gif", "/b?c&amp;d", "/e.txt"].map(|path| library.url(path));
    let smil = format!(
        "<smil><body><par><img src='{a}'/><audio src='{b}'/></par><par><img src='{a}'/><text src='{e}'/>\
         <text src='cid:text'/></par></body></smil>"
    );
    let id = town.submit(&with_smil(&smil)).await;
    town.ended(id).await;

    let media = delivered(&town).await;
    let expected = "<smil><body><par><img src=\"cid:a.gif\"/><audio src=\"cid:b.amr\"/></par><par><img src=\"cid:a.gif\"/>\
                    <text src=\"cid:e.txt\"/><text src='cid:text'/></par></body></smil>";
    assert_eq!(
        facts(&media),
        [
            ("application/smil".to_owned(), Some("smil"), expected.as_bytes()),
            ("image/gif".to_owned(), Some("a.gif"), GIF),
            ("audio/amr".to_owned(), Some("b.amr"), AMR),
            ("text/plain; charset=iso-8859-1".to_owned(), Some("e.txt"), b"caf\xe9"),
            ("text/plain; charset=utf-8".to_owned(), Some("text"), b"Hello"),
        ]
    );
    assert_eq!(library.asked(), ["/a.gif", "/b?c&d", "/e.txt"], "each once");
    town.close().await;
}

#[tokio::test]
async fn a_presentation_that_is_a_url_brings_its_own() {
    let smil = b"<?xml version=\"1.0\"?>\n<smil><body><par><img src=\"../a.gif\"/><audio src=\"b\"/></par></body></smil>";
    let library = Library::open(vec![
        ("/show/1/mms.smil", "Content-Type: application/xml", smil.to_vec()),
        ("/show/a.gif", "Content-Type: image/gif", GIF.to_vec()),
        ("/show/1/b", "Server: library", AMR.to_vec()),
    ])
    .await;
    let town = town("dialect = \"sinch\"\n", "").await;
    let id = town.submit(&by_url(&library.url("/show/1/mms.smil"))).await;
    town.ended(id).await;

    let media = delivered(&town).await;
    let ids: Vec<_> = media.iter().filter_map(|part| part.content_id.as_deref()).collect();
    assert_eq!(ids, ["mms.smil", "a.gif", "b.amr"]);
    for reference in smil::references(&media[0].bytes, &Limits::default()).unwrap() {
        assert!(smil::find(&media, &reference.src).is_some(), "{}", reference.src);
    }
    town.close().await;
}

#[tokio::test]
async fn what_cannot_be_fetched_is_3003_and_the_reason_stays_here() {
    let library = Library::open(vec![
        ("/long", "Content-Type: text/plain", vec![b'x'; 3001]),
        ("/gzip", "Content-Encoding: gzip", GIF.to_vec()),
        ("/empty", "Content-Type: image/gif", Vec::new()),
        ("/a.gif", "Content-Type: image/gif", GIF.to_vec()),
    ])
    .await;
    let town = town("", "").await;
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nobody = bound.local_addr().unwrap();
    drop(bound);
    let mut requests =
        ["/404", "/long", "/gzip", "/empty", "/never"].map(|path| by_url(&library.url(path))).to_vec();
    requests.push(by_url(&format!("http://{nobody}/a.gif")));
    requests.push(by_url("http://10.0.0.1/a.gif"));
    requests.push(by_url(&library.url("/a.gif").replace("127.0.0.1", "0x7f.1")));
    requests.push(by_url(&library.url("/a.gif").replace("//", "//user:secret@")));
    let [good, bad] = ["/a.gif", "/404"].map(|path| library.url(path));
    requests.push(with_smil(&format!(
        "<smil><img src='{good}'/><img src='{bad}'/><text src='cid:text'/></smil>"
    )));
    requests.push(with_smil("<smil><img src='//127.0.0.1/a.gif'/><text src='cid:text'/></smil>"));
    for request in &requests {
        let answer = town.post(request).await;
        let content = &request.elements.last().unwrap().1;
        assert_eq!(answer.code(), Some(3003), "{content}");
        assert_eq!(answer.text(), Some("Multimedia download failed"));
        let details = "Using URLs in the MM7 the fetch of content failed or took too long";
        assert_eq!(answer.details(), Some(details), "{content}");
        assert!(
            !answer.xml().contains("127.0.0.1") && !answer.xml().contains("10.0.0.1"),
            "{}",
            answer.xml()
        );
    }
    assert_eq!(town.carriers["31003"].received(), 0);
    town.close().await;
}

#[tokio::test]
async fn loopback_is_not_asked_unless_it_is_allowed() {
    let library = Library::open(vec![("/a.gif", "Content-Type: image/gif", GIF.to_vec())]).await;
    let town = Town::found().await;
    let port = library.address.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0", "[::]"] {
        let answer = town.post(&by_url(&format!("http://{host}:{port}/a.gif"))).await;
        assert_eq!(answer.code(), Some(3003), "{host}");
    }
    assert_eq!(library.asked(), [""; 0]);
    town.close().await;
}

#[tokio::test]
async fn the_carrier_is_asked_again_of_all_of_it() {
    let library = Library::open(vec![
        ("/page", "Content-Type: image/gif", b"<html>sign in</html>".to_vec()),
        ("/a.gif", "Content-Type: text/plain", GIF.to_vec()),
        ("/b.txt", "Content-Type: text/plain", vec![b'b'; 1000]),
        ("/c.txt", "Content-Type: text/plain", vec![b'c'; 1001]),
    ])
    .await;
    // The account's limit is one of the request; what is fetched may be longer.
    let carrier =
        "max_message_bytes = 2000\ncontent_types = [\"text/plain\", \"image/gif\", \"application/smil\"]\n";
    let town = town("max_message_bytes = 1900\n", carrier).await;
    let answer = async |paths: &[&str]| {
        let texts: String = paths.iter().map(|path| format!("<text src='{}'/>", library.url(path))).collect();
        let mut request = with_smil(&format!("<smil><text src='cid:text'/>{texts}</smil>"));
        request.attachments[1].body = vec![b'a'; 100];
        town.post(&request).await.code()
    };
    assert_eq!(answer(&["/page"]).await, Some(2004), "another type than it is declared as");
    assert_eq!(answer(&["/a.gif"]).await, Some(1000), "the same");
    assert_eq!(answer(&["/b.txt"]).await, Some(1000));
    assert_eq!(answer(&["/b.txt", "/c.txt"]).await, Some(2004), "each of them would fit");
    // What is refused as it came is not fetched for.
    let before = library.asked().len();
    let mut request =
        with_smil(&format!("<smil><text src='{}'/><text src='cid:text'/></smil>", library.url("/b.txt")));
    request.attachments[1] = RawPart::new("video/mp4", "text", "x");
    assert_eq!(town.post(&request).await.code(), Some(2004));
    assert_eq!(library.asked().len(), before);
    town.close().await;
}

#[tokio::test]
async fn what_came_and_cannot_be_read_is_2513() {
    let smil = "<smil><img src='cid:nothing'/></smil>";
    let library = Library::open(vec![
        ("/show", "Server: library", smil.as_bytes().to_vec()),
        ("/a.gif", "Server: library", GIF.to_vec()),
    ])
    .await;
    let town = town("dialect = \"sinch\"\n", "").await;
    assert_eq!(
        town.post(&by_url(&library.url("/show"))).await.code(),
        Some(2513),
        "names a part that is not there"
    );
    assert_eq!(
        town.post(&by_url(&library.url("/a.gif"))).await.code(),
        Some(2513),
        "no SMIL, which sinch requires"
    );
    town.close().await;
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer_though_the_content_is_gone() {
    let library = Library::open(vec![("/a.gif", "Server: library", GIF.to_vec())]).await;
    let town = town("", "").await;
    let request = by_url(&library.url("/a.gif"));
    let id = town.submit(&request).await;
    *library.closed.lock().unwrap() = true;
    assert_eq!(town.submit(&request).await, id);
    assert_eq!(library.asked(), ["/a.gif"], "fetched once");
    let mut another = request.clone();
    another.transaction_id("another");
    assert_eq!(town.post(&another).await.code(), Some(3003));
    town.ended(id).await;
    assert_eq!(town.carriers["31003"].received(), 1);
    town.close().await;
}

#[tokio::test]
async fn relay_mode_fetches_before_it_asks_the_carrier() {
    let library = Library::open(vec![("/a.gif", "Server: library", GIF.to_vec())]).await;
    let town = town("submit_mode = \"relay\"\n", "").await;
    assert_eq!(town.post(&by_url(&library.url("/404"))).await.code(), Some(3003));
    assert_eq!(town.carriers["31003"].received(), 0);
    let id = town.submit(&by_url(&library.url("/a.gif"))).await;
    assert_eq!(delivered(&town).await[1].bytes, GIF);
    town.ended(id).await;
    town.close().await;
}
