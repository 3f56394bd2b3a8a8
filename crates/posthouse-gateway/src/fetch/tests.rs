//! What is fetched, and what is never even connected to.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use async_trait::async_trait;
use posthouse_core::lock::Mutex;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{RootCertStore, ServerConfig, crypto::ring};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Barrier,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";
/// An address of the public internet; what is connected to it ends at a server of the test's.
const PUBLIC: &str = "93.184.216.34";
const ACCOUNT: &str = "acme";
const PATIENCE: Duration = Duration::from_secs(20);

/// A network that notes what is connected to, and leads all of it to one server, or to nowhere.
#[derive(Clone, Default)]
struct Map {
    names: Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>,
    connected: Arc<Mutex<Vec<SocketAddr>>>,
    server: Option<SocketAddr>,
    dead: Vec<IpAddr>,
}

impl Map {
    fn to(server: SocketAddr) -> Self {
        Self { server: Some(server), ..Self::default() }
    }

    /// The answers that a name gets, one after the other; the last for ever.
    fn name(self, name: &str, answers: &[&[&str]]) -> Self {
        let parsed = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let answers = answers.iter().rev().map(parsed).collect();
        self.names.lock().insert(name.to_owned(), answers);
        self
    }

    fn connected(&self) -> Vec<String> {
        let connected = self.connected.lock();
        connected.iter().map(ToString::to_string).collect()
    }

    fn fetcher(&self, change: impl FnOnce(&mut settings::FetchSection)) -> Arc<Fetcher> {
        self.fetcher_in(RootCertStore::empty(), change)
    }

    fn fetcher_in(
        &self,
        roots: RootCertStore,
        change: impl FnOnce(&mut settings::FetchSection),
    ) -> Arc<Fetcher> {
        let mut settings = settings::Settings::default().fetch;
        settings.timeout = PATIENCE;
        change(&mut settings);
        Arc::new(Fetcher::new(settings, Box::new(self.clone()), Trust::in_roots(roots)))
    }
}

#[async_trait]
impl Network for Map {
    async fn resolve(&self, name: &str, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.names.lock();
        let answers = names.get_mut(name).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() })
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.connected.lock().push(to);
        match self.server {
            Some(server) if !self.dead.contains(&to.ip()) => TcpStream::connect(server).await,
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

async fn fetch(fetcher: &Arc<Fetcher>, urls: &[&str]) -> Result<Vec<Fetched>, FetchError> {
    let urls: Vec<_> = urls.iter().map(|url| (*url).to_owned()).collect();
    let fetched = timeout(PATIENCE, fetcher.fetch(&urls, ACCOUNT, fetcher.deadline())).await.unwrap();
    fetched.map(|haul| haul.fetched).map_err(|failure| failure.source)
}

async fn refused(map: &Map, url: &str) -> String {
    fetch(&map.fetcher(|_| {}), &[url]).await.unwrap_err().to_string()
}

/// A server that reads the head of each request and gives the connection to `serve`, with the path.
async fn server<F>(serve: impl Fn(String, TcpStream) -> F + Send + Sync + 'static) -> SocketAddr
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(path) = path(&mut stream).await else { continue };
            // A client that hangs up early is what some tests are about.
            let served = serve(path, stream);
            tokio::spawn(async move { drop(served.await) });
        }
    });
    address
}

async fn path(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        // Something else than HTTP: the hello of TLS.
        if !head.starts_with(b"G") {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    Some(head.split(' ').nth(1)?.to_owned())
}

/// A server that answers each path with these bytes and hangs up.
async fn scripted(script: &'static [(&'static str, &'static str)]) -> SocketAddr {
    server(move |path, mut stream| async move {
        let answer = script
            .iter()
            .find(|(known, _)| *known == path)
            .map_or("HTTP/1.1 404 Not Found\r\n\r\n", |(_, answer)| answer);
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    })
    .await
}

/// Hosts that mean an address in a form that only some readers know, several to a line.
const FORMS: &[&str] = &[
    // Decimal.
    "0 1 127 2130706433 2130706434 2852039166 3232235521 3232235777 167772161 2886729729 4294967295 \
     4294967296 017700000001 00000000127 18446744073709551615 99999999999999999999",
    // Octal.
    "0177.0.0.1 0177.00.00.01 00177.0.0.1 0000177.0000.0000.0001 012.0.0.1 0300.0250.0.1 \
     0251.0376.0251.0376 0254.020.0.1 010.0.0.1 127.0.0.01 127.00.0.1 0127.0.0.1 08.08.08.08 \
     00.00.00.00",
    // Hexadecimal.
    "0x7f000001 0X7F000001 0x7f.0x0.0x0.0x1 0x7f.0.0.0x1 127.0.0.0x1 0x7F.1 0xa.0.0.1 0x0a000001 \
     0xc0a80001 0xa9fea9fe 0xac100001 0x0 0x 0xffffffff 0x100000000 169.254.169.0xfe \
     0xA9.0xFE.0xA9.0xFE",
    // Fewer and more numbers than four, and numbers beyond a byte.
    "127.1 127.0.1 10.1 192.168.1 169.254.43518 127.0.0.1.1 1.2.3.4.5 256.0.0.1 127.0.0.256 \
     127.0.0.999 1.256.1.1 0.1 00 127.0.0.1.0x7f media.example.1 localhost.127 a.0x7f 1.1.1.1.0",
];

/// Addresses that are not public, as they are written, several to a line.
const PRIVATE: &[&str] = &[
    "0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 \
     100.127.255.255 127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.255 168.63.129.16 169.254.0.1 \
     169.254.169.254 169.254.170.2 169.254.255.255 172.16.0.1 172.17.0.1 172.31.255.255 192.0.0.1 \
     192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.1.1 192.168.255.255 198.18.0.1 \
     198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 224.0.0.251 239.255.255.250 240.0.0.1 \
     250.1.2.3 255.255.255.254 255.255.255.255 127.0.0.1. 10.0.0.1.",
    // IPv6: unspecified, loopback, IPv4-compatible.
    "[::] [0:0:0:0:0:0:0:0] [::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::2] \
     [::127.0.0.1] [::7f00:1] [::10.0.0.1] [::93.184.216.34] [::ffff]",
    // IPv4-mapped and -translated.
    "[::ffff:127.0.0.1] [::FFFF:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:0001] \
     [::ffff:10.0.0.1] [::ffff:a9fe:a9fe] [::ffff:169.254.169.254] [::ffff:192.168.0.1] \
     [::ffff:0.0.0.0] [::ffff:172.16.0.1] [::ffff:100.64.0.1] [::ffff:224.0.0.1] [::ffff:0:127.0.0.1] \
     [::ffff:0:5db8:d822]",
    // NAT64, its local prefix, 6to4, Teredo and the rest of the protocol assignments.
    "[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b::169.254.169.254] \
     [64:ff9b::93.184.216.34] [64:ff9b:1::1] [64:ff9b:1::10.0.0.1] [2002:7f00:1::] [2002:a00:1::1] \
     [2002:c0a8:1::1] [2002:a9fe:a9fe::] [2002:5db8:d822::1] [2001::1] \
     [2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001:0:7f00:1::] [2001:2::1] [2001:10::1] [2001:20::1] \
     [2001:1::1] [2001:1ff::1]",
    // Discard, documentation, segment routing, unique local, link-local, site-local, multicast, never given out.
    "[100::1] [100:0:0:1::1] [2001:db8::1] [2001:DB8::1] [3fff::1] [3fff:fff::1] [5f00::1] [fc00::1] \
     [fd00::1] [fd00:ec2::254] [fd12:3456:789a::1] [fdff:ffff::1] [fe80::1] [fe80::a9fe:a9fe] \
     [febf::1] [fec0::1] [feff::1] [ff02::1] [ff02::fb] [ff0e::1] [ff00::] [4000::1] [8000::1] \
     [c000::1] [e000::1] [1000::1]",
];

/// URLs that two readers may understand differently, or that are not for fetching at all.
const MALFORMED: &[&str] = &[
    "",
    "http",
    "http:",
    "http:/",
    "http://",
    "http:///",
    "http:////127.0.0.1/",
    "http:127.0.0.1",
    "http:/127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http:/\\127.0.0.1",
    "//127.0.0.1/",
    "//media.example/",
    "/etc/passwd",
    "media.example",
    "127.0.0.1",
    "localhost:80",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://media.example/a.jpg",
    "gopher://127.0.0.1:25/_HELO",
    "dict://127.0.0.1:11211/stat",
    "ldap://127.0.0.1/",
    "tftp://127.0.0.1/x",
    "data:image/gif;base64,R0lGODlh",
    "javascript:alert(1)",
    "jar:http://127.0.0.1!/",
    "ws://media.example/",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "view-source:http://127.0.0.1/",
    "mailto:a@media.example",
    "urn:x:y",
    "http://user@media.example/",
    "http://user:password@media.example/",
    "http://media.example@127.0.0.1/",
    "http://127.0.0.1@media.example/",
    "http://@127.0.0.1/",
    "http://media.example:80@127.0.0.1/",
    "http://a:b@[::1]/",
    "http://media.example\\@127.0.0.1/",
    "http://media.example&@127.0.0.1/",
    "http://127.0.0.1\\.media.example/",
    "http://127.0.0.1%2f.media.example/",
    "http://127.0.0.1%00.media.example/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://localhost%00/",
    "http://loc%61lhost/",
    "http://127.0.0.1\u{0}.media.example/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\r\nHost: media.example/",
    "http://media.example/\r\nX: 1",
    "http://media .example/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://ⓛocalhost/",
    "http://lоcalhost/",
    "http://[::1/",
    "http://::1/",
    "http://[::1]x/",
    "http://[::1%25lo]/",
    "http://[fe80::1%eth0]/",
    "http://[127.0.0.1]/",
    "http://[media.example]/",
    "http://[]/",
    "http://[::ffff:127.1]/",
    "http://[v1.x]/",
    "http://media.example:0/",
    "http://media.example:65536/",
    "http://media.example:x/",
    "http://media.example:/",
    "http://media.example:-80/",
    "http://media.example:80:25/",
    "http://media.example:0x50/",
    "http://.media.example/",
    "http://media..example/",
    "http://*/",
    "http://a,b/",
    "http://(127.0.0.1)/",
    "http://{127.0.0.1}/",
    "http://\"127.0.0.1\"/",
    "http://<127.0.0.1>/",
    "http://127.0.0.1;80/",
    "http://127.0.0.1,media.example/",
];

/// Names, and what they resolve to: at least one address is not public.
const NAMES: &[(&str, &[&str])] = &[
    ("localhost", &["127.0.0.1", "::1"]),
    ("localhost6", &["::1"]),
    ("ip6-localhost", &["::1"]),
    ("gateway", &["172.17.0.1"]),
    ("metadata", &["169.254.169.254"]),
    ("metadata.google.internal", &["169.254.169.254"]),
    ("instance-data.ec2.internal", &["fd00:ec2::254"]),
    ("db.internal", &["10.0.0.5"]),
    ("router.lan", &["192.168.1.1"]),
    ("nat.example", &["100.64.0.1"]),
    ("zero.example", &["0.0.0.0"]),
    ("any.example", &["::"]),
    ("mapped.example", &["::ffff:10.0.0.1"]),
    ("compatible.example", &["::7f00:1"]),
    ("nat64.example", &["64:ff9b::a00:1"]),
    ("6to4.example", &["2002:7f00:1::"]),
    ("teredo.example", &["2001:0:7f00:1::"]),
    ("local.example", &["fe80::1"]),
    ("unique.example", &["fd00::1"]),
    ("multicast.example", &["224.0.0.1"]),
    ("broadcast.example", &["255.255.255.255"]),
    ("127.0.0.1.nip.example", &["127.0.0.1"]),
    ("mixed.example", &[PUBLIC, "10.0.0.1"]),
    ("mixed6.example", &["2606:2800:220:1::5", "::1"]),
    ("second.example", &[PUBLIC, "93.184.216.35", "192.168.0.1"]),
    ("xn--lcalhost-x2a.example", &["127.0.0.1"]),
];

/// The single hosts of a table that has several to a line.
fn hosts(table: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    table.iter().flat_map(|line| line.split(' '))
}

fn leading(names: &[(&str, &[&str])]) -> Map {
    names.iter().fold(Map::default(), |map, (name, answer)| map.name(name, &[answer]))
}

#[tokio::test]
async fn what_must_be_refused_is_never_connected_to() {
    let map = leading(NAMES).name("media.example", &[&[PUBLIC]]);
    let mut urls: Vec<String> = MALFORMED.iter().map(|url| (*url).to_owned()).collect();
    urls.extend(hosts(FORMS).map(|host| format!("http://{host}/a.jpg")));
    urls.extend(hosts(PRIVATE).map(|host| format!("https://{host}/a.jpg")));
    urls.extend(NAMES.iter().flat_map(|(name, _)| {
        [format!("http://{name}/"), format!("HTTP://{}.:8080/x?y", name.to_uppercase())]
    }));
    urls.sort();
    urls.dedup();
    assert!(urls.len() >= 200, "{} URLs", urls.len());

    for url in &urls {
        let error = fetch(&map.fetcher(|_| {}), &[url]).await.unwrap_err();
        assert!(matches!(error, FetchError::Url(_) | FetchError::Address(_)), "{url}: {error}");
    }
    assert_eq!(map.connected(), [""; 0]);
    // So that what was refused above was not refused for want of anything else.
    let error = refused(&map, "http://media.example/").await;
    assert_eq!(
        (error.as_str(), map.connected()),
        ("no connection: connection refused", vec![format!("{PUBLIC}:80")])
    );
}

#[tokio::test]
async fn only_what_allow_private_names_is_let_through() {
    let map = leading(NAMES);
    let fetcher = map.fetcher(|fetch| {
        fetch.allow_private = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]
    });
    for (url, connected) in [
        ("http://10.0.0.1:81/", &["10.0.0.1:81"][..]),
        ("http://[::ffff:10.0.0.1]/", &["10.0.0.1:80"]),
        ("https://db.internal/", &["10.0.0.5:443"]),
        ("http://ip6-localhost/", &["[::1]:80"]),
        ("http://localhost/", &[]),
        ("http://192.168.0.1/", &[]),
        ("http://0xa.0.0.1/", &[]),
    ] {
        map.connected.lock().clear();
        fetch(&fetcher, &[url]).await.unwrap_err();
        assert_eq!(map.connected(), connected, "{url}");
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_what_was_vetted_is_connected_to() {
    let server = scripted(&[
        ("/", "HTTP/1.1 200 OK\r\n\r\nhi"),
        ("/again", "HTTP/1.1 302 Found\r\nLocation: http://rebinding.example/\r\n\r\n"),
    ])
    .await;
    let map = || Map::to(server).name("rebinding.example", &[&[PUBLIC], &["127.0.0.1"]]);
    let once = map();
    assert_eq!(fetch(&once.fetcher(|_| {}), &["http://rebinding.example/"]).await.unwrap()[0].bytes, "hi");
    assert_eq!(once.connected(), [format!("{PUBLIC}:80")]);

    // A redirect is resolved, and vetted, anew.
    let twice = map();
    assert_eq!(
        refused(&twice, "http://rebinding.example/again").await,
        "127.0.0.1 is not a public address; [fetch] allow_private may allow it"
    );
    assert_eq!(twice.connected(), [format!("{PUBLIC}:80")]);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_that_a_url_may_not() {
    let server = server(|path, mut stream| async move {
        let (_, location) = path.split_once("?to=").unwrap_or_default();
        let head =
            format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await
    })
    .await;
    let plain = |url: &&&str| {
        url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['"', '<', '>', '#', '\\', '{'])
    };
    let mut locations: Vec<String> = MALFORMED.iter().filter(plain).map(|url| (*url).to_owned()).collect();
    // These would be references to the same server.
    locations.retain(|location| location.contains(':') && !location.starts_with("localhost"));
    locations.extend(hosts(FORMS).chain(hosts(PRIVATE)).map(|host| format!("//{host}/")));
    locations.extend(NAMES.iter().map(|(name, _)| format!("https://{name}/")));
    for location in &locations {
        let map = Map { server: Some(server), ..leading(NAMES) };
        let error =
            fetch(&map.fetcher(|_| {}), &[&format!("http://{PUBLIC}/?to={location}")]).await.unwrap_err();
        assert!(matches!(error, FetchError::Url(_) | FetchError::Address(_)), "{location}: {error}");
        assert_eq!(map.connected(), [format!("{PUBLIC}:80")], "{location}");
    }
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_they_may() {
    let server = scripted(&[
        ("/1", "HTTP/1.1 301 Moved\r\nLocation: https://other.example:81/x/2\r\n\r\n"),
        ("/2/1", "HTTP/1.1 302 Found\r\nLocation: 2?a=b\r\n\r\n"),
        ("/2/2?a=b", "HTTP/1.1 303 See Other\r\nLocation: //other.example/3/3\r\n\r\n"),
        ("/3/3", "HTTP/1.1 308 Permanent Redirect\r\nLocation: /4\r\n\r\n"),
        ("/4", "HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\n\r\nGIF89a"),
        ("/4/4", "HTTP/1.1 302 Found\r\nLocation: /2/1\r\n\r\n"),
        ("/loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\n\r\n"),
        ("/nowhere", "HTTP/1.1 302 Found\r\n\r\n"),
    ])
    .await;
    let map = || Map::to(server).name("other.example", &[&["93.184.216.35"]]);
    let one = map();
    let fetched = fetch(&one.fetcher(|_| {}), &["http://93.184.216.34:8080/2/1#x"]).await.unwrap();
    assert_eq!(fetched[0].found_at.to_string(), "http://other.example/4");
    assert_eq!(
        (fetched[0].url.as_str(), &fetched[0].bytes[..]),
        ("http://93.184.216.34:8080/2/1#x", &b"GIF89a"[..])
    );
    let connected = ["93.184.216.34:8080", "93.184.216.34:8080", "93.184.216.35:80", "93.184.216.35:80"];
    assert_eq!(one.connected(), connected);

    for (path, error) in [
        ("/4/4", "more than 3 redirects"),
        ("/loop", "more than 3 redirects"),
        ("/nowhere", "a redirect that leads nowhere"),
    ] {
        assert_eq!(refused(&map(), &format!("http://{PUBLIC}{path}")).await, error, "{path}");
    }
    // To TLS, which this server does not speak.
    let to_tls = map();
    assert!(refused(&to_tls, &format!("http://{PUBLIC}/1")).await.starts_with("no TLS: "));
    assert_eq!(to_tls.connected()[1], "93.184.216.35:81");
}

#[tokio::test]
async fn answers_without_content_are_told_apart() {
    let server = scripted(&[
        ("/404", "HTTP/1.1 404 Not Found\r\nContent-Type: image/gif\r\n\r\nGIF89a"),
        ("/500", "HTTP/1.1 500 Oh\r\n\r\n"),
        ("/204", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("/206", "HTTP/1.1 206 Partial Content\r\n\r\nGIF89a"),
        ("/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("/gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f"),
        ("/identity", "HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\n\r\nGIF89a"),
        ("/multipart", "HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x"),
        ("/long", "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n"),
        ("/huge", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n"),
        ("/unannounced", "HTTP/1.1 200 OK\r\n\r\n01234567890123456"),
        ("/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n8\r\n01234567\r\n0\r\n\r\n"),
        ("/just", "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n0123456789012345"),
        ("/torn", "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n01234567"),
        ("/nothing", ""),
        ("/ssh", "SSH-2.0-OpenSSH_9.6\r\n"),
        ("/old", "GIF89a"),
    ])
    .await;
    let map = Map::to(server);
    let fetcher = map.fetcher(|fetch| fetch.max_bytes = 16);
    let too_long = "the content is longer than 16 bytes ([fetch] max_bytes)";
    for (path, expected) in [
        ("/404", "the answer is HTTP 404 Not Found"),
        ("/500", "the answer is HTTP 500 Internal Server Error"),
        ("/204", "the answer is HTTP 204 No Content"),
        ("/206", "the answer is HTTP 206 Partial Content"),
        ("/empty", "the content is empty"),
        ("/gzip", "the answer has a Content-Encoding, which was not asked for"),
        ("/identity", "6 bytes"),
        ("/multipart", "the answer is a multipart"),
        ("/long", too_long),
        ("/huge", too_long),
        ("/unannounced", too_long),
        ("/chunked", too_long),
        ("/just", "16 bytes"),
        ("/torn", "no answer that can be read"),
        ("/nothing", "no answer that can be read"),
        ("/ssh", "no answer that can be read"),
        ("/old", "no answer that can be read"),
    ] {
        let said = match fetch(&fetcher, &[&format!("http://{PUBLIC}{path}")]).await {
            Ok(fetched) => format!("{} bytes", fetched[0].bytes.len()),
            Err(error) => error.to_string(),
        };
        assert!(said.starts_with(expected), "{path}: {said}");
    }
    assert_eq!(fetcher.memory.free(), MEMORY);
}

#[tokio::test]
async fn a_head_is_bounded() {
    let server = server(|path, mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
        let line =
            if path == "/long" { format!("X: {}\r\n", "x".repeat(1000)) } else { "X: y\r\n".to_owned() };
        while stream.write_all(line.as_bytes()).await.is_ok() {}
        Ok(())
    })
    .await;
    for path in ["/long", "/many"] {
        let error = refused(&Map::to(server), &format!("http://{PUBLIC}{path}")).await;
        assert!(error.starts_with("no answer that can be read"), "{path}: {error}");
    }
}

#[tokio::test]
async fn slow_servers_are_not_waited_for() {
    let server = server(|path, mut stream| async move {
        if path != "/silent" {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
        }
        if path == "/body" {
            stream.write_all(b"\r\n").await?;
        }
        // One byte after the other, as long as the client stays.
        loop {
            sleep(Duration::from_millis(5)).await;
            if path != "/silent" {
                stream.write_all(b"x").await?;
            }
        }
    })
    .await;
    let map = Map::to(server);
    let fetcher = map.fetcher(|fetch| fetch.timeout = Duration::from_millis(150));
    for path in ["/silent", "/head", "/body"] {
        let began = Instant::now();
        let error = fetch(&fetcher, &[&format!("http://{PUBLIC}{path}")]).await.unwrap_err();
        assert!(matches!(error, FetchError::TooSlow), "{path}: {error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{path}");
    }
    assert_eq!(fetcher.memory.free(), MEMORY);
    assert_eq!(fetcher.turns.free(), AT_A_TIME);
}

#[tokio::test]
async fn urls_are_fetched_at_the_same_time_and_kept_in_order() {
    let all = Arc::new(Barrier::new(3));
    let server = server(move |path, mut stream| {
        let all = Arc::clone(&all);
        async move {
            // Answered once all three are there.
            all.wait().await;
            stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{path}").as_bytes()).await?;
            stream.shutdown().await
        }
    })
    .await;
    let urls = ["/3", "/1", "/2"].map(|path| format!("http://{PUBLIC}{path}"));
    let fetched =
        fetch(&Map::to(server).fetcher(|_| {}), &urls.each_ref().map(String::as_str)).await.unwrap();
    assert_eq!(fetched.iter().map(|one| &one.bytes[..]).collect::<Vec<_>>(), [b"/3", b"/1", b"/2"]);
}

#[tokio::test]
async fn the_first_failure_ends_the_others() {
    let server = server(|path, mut stream| async move {
        if path == "/404" {
            return stream.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").await;
        }
        // Till the client hangs up.
        stream.read_u8().await.map(drop)
    })
    .await;
    let fetcher = Map::to(server).fetcher(|fetch| fetch.timeout = 10 * PATIENCE);
    let urls = ["/1", "/404"].map(|path| format!("http://{PUBLIC}{path}"));
    let error = fetch(&fetcher, &urls.each_ref().map(String::as_str)).await.unwrap_err();
    assert!(matches!(error, FetchError::Status(StatusCode::NOT_FOUND)), "{error}");
}

#[tokio::test]
async fn other_addresses_of_a_name_are_tried() {
    let server = scripted(&[("/", "HTTP/1.1 200 OK\r\n\r\nhi")]).await;
    let mut map =
        Map::to(server).name("two.example", &[&[PUBLIC, "2606:2800:220:1::5"]]).name("none.example", &[&[]]);
    map.dead = vec![PUBLIC.parse().unwrap()];
    assert_eq!(fetch(&map.fetcher(|_| {}), &["http://two.example/"]).await.unwrap()[0].bytes, "hi");
    assert_eq!(map.connected(), [format!("{PUBLIC}:80"), "[2606:2800:220:1::5]:80".to_owned()]);
    assert_eq!(refused(&map, "http://none.example/").await, "the name has no addresses");
    assert_eq!(refused(&map, "http://unknown.example/").await, "the name cannot be resolved: no such name");
}

#[tokio::test]
async fn what_is_asked_says_no_more_than_it_must() {
    let heads = Arc::new(Mutex::new(String::new()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = listener.local_addr().unwrap();
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        *kept.lock() = String::from_utf8_lossy(&head[..length]).into_owned();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhi").await.unwrap();
    });
    let map = Map::to(server).name("media.example", &[&[PUBLIC]]);
    fetch(&map.fetcher(|_| {}), &["http://Media.example:8080/é?a=b&c#d"]).await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        *heads.lock(),
        format!(
            "GET /%C3%A9?a=b&c HTTP/1.1\r\nHost: media.example:8080\r\nUser-Agent: posthouse/{version}\r\nAccept: */*\r\n\
             Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
        )
    );
}

#[tokio::test]
async fn memory_and_urls_are_bounded() {
    let server = scripted(&[("/", "HTTP/1.1 200 OK\r\n\r\nhi")]).await;
    let fetcher = Map::to(server).fetcher(|_| {});
    let url = format!("http://{PUBLIC}/");
    let mut most = fetcher.memory.claim("another account".to_owned());
    assert!(most.grow_now(MEMORY - 3));
    let haul = fetcher.fetch(std::slice::from_ref(&url), ACCOUNT, fetcher.deadline()).await.unwrap();
    assert_eq!(fetcher.memory.free(), 1);
    let error = fetch(&fetcher, &[&url]).await.unwrap_err();
    assert!(matches!(error, FetchError::NoRoom), "{error}");
    drop((haul, most));
    assert_eq!(fetcher.memory.free(), MEMORY);

    let error = fetch(&fetcher, &[url.as_str(); MAX_URLS + 1]).await.unwrap_err();
    assert!(matches!(error, FetchError::TooManyUrls), "{error}");
    assert_eq!(fetch(&fetcher, &[url.as_str(); MAX_URLS]).await.unwrap().len(), MAX_URLS);
}

#[tokio::test]
async fn fetches_of_one_account_hold_up_nobody_elses() {
    let server = server(|path, mut stream| async move {
        if path == "/never" {
            std::future::pending::<()>().await;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhi").await?;
        stream.shutdown().await
    })
    .await;
    let fetcher = Map::to(server).fetcher(|_| {});
    let mut fetching = JoinSet::new();
    for _ in 0..2 * AT_A_TIME / MAX_URLS {
        let fetcher = Arc::clone(&fetcher);
        let urls = vec![format!("http://{PUBLIC}/never"); MAX_URLS];
        fetching
            .spawn(async move { fetcher.fetch(&urls, "another account", fetcher.deadline()).await.is_ok() });
    }
    let are_free = async |turns: usize| {
        while fetcher.turns.free() != turns {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, are_free(AT_A_TIME / 2)).await.unwrap();
    for _ in 0..20 {
        assert_eq!(fetch(&fetcher, &[&format!("http://{PUBLIC}/")]).await.unwrap()[0].bytes, "hi");
    }
    assert_eq!(fetcher.turns.free(), AT_A_TIME / 2);
    fetching.shutdown().await;
    timeout(PATIENCE, are_free(AT_A_TIME)).await.unwrap();
}

/// A server with a certificate for these names, and the certificate.
async fn tls_server(names: &[&str]) -> (SocketAddr, RootCertStore) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let key = signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            if path(&mut stream).await.is_some() {
                let answer = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], GIF].concat();
                stream.write_all(&answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
    });
    (address, roots)
}

#[tokio::test]
async fn https_is_fetched_from_whom_a_trusted_certificate_names() {
    let (server, roots) = tls_server(&["media.example", PUBLIC]).await;
    let map = Map::to(server).name("media.example", &[&[PUBLIC]]).name("other.example", &[&[PUBLIC]]);
    let trusting = map.fetcher_in(roots, |_| {});
    for url in ["https://media.example/".to_owned(), format!("https://{PUBLIC}/")] {
        assert_eq!(fetch(&trusting, &[&url]).await.unwrap()[0].bytes, GIF, "{url}");
    }
    for (fetcher, url) in
        [(&trusting, "https://other.example/"), (&map.fetcher(|_| {}), "https://media.example/")]
    {
        let error = fetch(fetcher, &[url]).await.unwrap_err();
        assert!(matches!(error, FetchError::Tls(_)), "{url}: {error}");
    }
}
