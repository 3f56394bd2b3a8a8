//! Requests that are made to cost a gateway its memory or its time, and the row of the contract that refuses each.

use crate::request::{DeclaredLength, RawPart, RawRequest};

/// The gateway's `max_request_bytes` where nothing else is configured.
pub const MAX_REQUEST_BYTES: usize = 5 * 1024 * 1024;
/// What an account needs that is to get as far as the row that refuses.
pub const ACCOUNT: &str = "max_message_bytes = 5242880\n";

/// How much of a request is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBefore {
    /// Nothing that an answer could give back.
    Nothing,
    /// The TransactionID.
    Transaction,
    /// The TransactionID, and whose it is.
    Account,
}

/// One such request.
pub struct Hostile {
    /// What is wrong with it, for a failure to say.
    pub what: &'static str,
    /// The row of contract 4.1.
    pub row: u8,
    /// The StatusCode of that row.
    pub code: u32,
    /// How much of it is read before.
    pub seen: ReadBefore,
    /// Makes it of a good request.
    pub spoil: fn(&mut RawRequest),
}

const fn refused(
    row: u8,
    code: u32,
    seen: ReadBefore,
    what: &'static str,
    spoil: fn(&mut RawRequest),
) -> Hostile {
    Hostile { what, row, code, seen, spoil }
}

/// Every one of them.
pub const ALL: &[Hostile] = &[
    refused(1, 2500, ReadBefore::Nothing, "a body that says that it is compressed", |request| {
        request.header("Content-Encoding", "gzip");
        request.body = Some(compressed());
    }),
    refused(2, 2560, ReadBefore::Nothing, "chunks without end and without a length", |request| {
        request.content_length = DeclaredLength::Missing;
        request.chunked = true;
        request.body = Some(vec![b' '; 2 * MAX_REQUEST_BYTES]);
    }),
    refused(2, 2560, ReadBefore::Nothing, "1 GB is declared", |request| {
        request.content_length = DeclaredLength::Says("1073741824".to_owned());
        request.body = Some(vec![b' '; 100_000]);
    }),
    refused(2, 2560, ReadBefore::Nothing, "more is declared than any disk holds", |request| {
        request.content_length = DeclaredLength::Says(i64::MAX.to_string());
        request.body = Some(Vec::new());
    }),
    refused(2, 2560, ReadBefore::Nothing, "twice what is taken", |request| {
        request.body = Some(vec![b'-'; 2 * MAX_REQUEST_BYTES]);
    }),
    refused(3, 2515, ReadBefore::Nothing, "a compressed multipart", |request| {
        request.body = Some(compressed());
    }),
    refused(4, 2007, ReadBefore::Nothing, "a compressed envelope", |request| {
        request.content_type = Some("text/xml; charset=utf-8".to_owned());
        request.body = Some(compressed());
    }),
    refused(4, 2007, ReadBefore::Nothing, "a DOCTYPE that names a file", |request| {
        request.prolog += "<!DOCTYPE e SYSTEM \"file:///etc/passwd\">";
    }),
    refused(4, 2007, ReadBefore::Nothing, "entities in entities", |request| {
        let entity = |n: u32| format!("<!ENTITY e{} \"{}\">", n + 1, format!("&e{n};").repeat(10));
        let entities: String = (0..12).map(entity).collect();
        request.prolog += &format!("<!DOCTYPE e [<!ENTITY e0 \"lol\">{entities}]>");
        request.element("Subject", "&e12;");
    }),
    refused(4, 2007, ReadBefore::Nothing, "one long entity, named often", |request| {
        request.prolog += &format!("<!DOCTYPE e [<!ENTITY e \"{}\">]>", "x".repeat(60_000));
        request.element("Subject", &"&e;".repeat(60_000));
    }),
    refused(4, 2007, ReadBefore::Transaction, "100,000 attributes", |request| {
        let attributes: String = (0..100_000).map(|n| format!(" a{n}=\"\"")).collect();
        request.raw_element("Subject", &format!("<Subject{attributes}/>"));
    }),
    refused(4, 2007, ReadBefore::Transaction, "70,000 attributes on a thousand elements", |request| {
        let attributes: String = (0..70).map(|n| format!(" a{n}=\"\"")).collect();
        request.element("Subject", &format!("<b{attributes}/>").repeat(1000));
    }),
    refused(4, 2007, ReadBefore::Transaction, "10,000 namespaces", |request| {
        request.element("Subject", &(0..10_000).map(|n| format!("<b xmlns=\"u{n}\"/>")).collect::<String>());
    }),
    refused(4, 2007, ReadBefore::Transaction, "10,000 elements in each other", |request| {
        request.element("Subject", &("<b>".repeat(10_000) + &"</b>".repeat(10_000)));
    }),
    refused(4, 2007, ReadBefore::Transaction, "200,000 elements beside each other", |request| {
        request.element("Subject", &"<b/>".repeat(200_000));
    }),
    refused(4, 2007, ReadBefore::Transaction, "a text of nearly a megabyte", |request| {
        request.element("Subject", &"x".repeat(1_000_000));
    }),
    refused(4, 2007, ReadBefore::Transaction, "five megabytes of envelope", |request| {
        request.element("Subject", &"<b>&lt;</b>".repeat(MAX_REQUEST_BYTES / 12));
    }),
    refused(4, 2007, ReadBefore::Transaction, "a tag without an end", |request| {
        request.element("Subject", &format!("<b {}", " ".repeat(1_000_000)));
    }),
    refused(4, 2007, ReadBefore::Nothing, "a NUL", |request| request.prolog += "\0"),
    refused(4, 2007, ReadBefore::Transaction, "NULs", |request| {
        request.element("Subject", &"\0".repeat(500_000));
    }),
    refused(4, 2007, ReadBefore::Transaction, "references to lone surrogates", |request| {
        request.element("Subject", &"&#xD83D;".repeat(50_000));
    }),
    refused(4, 2007, ReadBefore::Nothing, "lone surrogates in UTF-8", |request| {
        bytes_in_subject(request, b"\xed\xa0\x80")
    }),
    refused(4, 2007, ReadBefore::Nothing, "lone surrogates in UTF-16", |request| {
        request.element("Subject", "@");
        request.root_head = request.root_head.replace("utf-8", "utf-16");
        request.prolog = String::new();
        let xml = request.envelope();
        let units = xml.encode_utf16().map(|unit| if unit == 0x40 { 0xd83d } else { unit });
        let xml: Vec<u8> = std::iter::once(0xfeff).chain(units).flat_map(u16::to_be_bytes).collect();
        request.body = Some(
            [b"--=_outer\r\n", request.root_head.as_bytes(), b"\r\n", &xml, b"\r\n--=_outer--"].concat(),
        );
    }),
    refused(4, 2007, ReadBefore::Nothing, "overlong UTF-8", |request| {
        bytes_in_subject(request, b"\xc0\xbc\xe0\x80\xbc")
    }),
    refused(18, 2503, ReadBefore::Account, "30,000 recipients", |request| {
        request.element("Recipients", &format!("<To>{}</To>", "<Number>16175550100</Number>".repeat(30_000)));
    }),
    refused(24, 2513, ReadBefore::Account, "10,000 parts", |request| {
        request.attachments.extend((0..10_000).map(|n| RawPart::new("text/plain", &format!("p{n}"), "x")));
    }),
    refused(23, 2514, ReadBefore::Account, "200,000 delimiters", |request| {
        let mut body = String::from_utf8(request.body()).unwrap();
        let at = body.find("--=_inner").unwrap();
        body.insert_str(at, &"--=_inner\r\n\r\n\r\n".repeat(200_000));
        request.body = Some(body.into_bytes());
    }),
    refused(24, 2513, ReadBefore::Account, "64 multiparts in each other", |request| {
        let nested = (0..64).fold("x".to_owned(), |inner, level| {
            format!(
                "--l{level}\r\nContent-Type: multipart/mixed; boundary=l{}\r\n\r\n{inner}\r\n--l{level}--",
                level - 1
            )
        });
        request.attachments.push(RawPart::new("multipart/mixed; boundary=l63", "deep", nested));
    }),
    refused(24, 2513, ReadBefore::Account, "a megabyte of headers in a part", |request| {
        let mut part = RawPart::new("image/jpeg", "photo", "x");
        part.head += &(0..50_000).map(|n| format!("X-{n}: {n}\r\n")).collect::<String>();
        request.attachments.push(part);
    }),
    refused(24, 2513, ReadBefore::Account, "four megabytes of base64 that end badly", |request| {
        let mut part = RawPart::new("image/jpeg", "photo", "QUJD".repeat(1_000_000) + "*");
        part.head += "Content-Transfer-Encoding: base64\r\n";
        request.attachments.push(part);
    }),
    refused(24, 2513, ReadBefore::Account, "a presentation that shows 50,000 parts", |request| {
        let shows: String = (0..50_000).map(|n| format!("<img src=\"cid:p{n}\"/>")).collect();
        request.attachments[0].body = format!("<smil><body><par>{shows}</par></body></smil>").into_bytes();
    }),
    refused(24, 2513, ReadBefore::Account, "a presentation of 4 MB of nesting", |request| {
        request.attachments[0].body = format!("<smil><body>{}", "<par>".repeat(800_000)).into_bytes();
    }),
];

/// A stream that would be 10 GB: the head of a gzip file, and zeros that stand for themselves.
fn compressed() -> Vec<u8> {
    let mut bytes = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec();
    bytes.resize(4_000_000, 0);
    bytes
}

fn bytes_in_subject(request: &mut RawRequest, bytes: &[u8]) {
    request.element("Subject", "@@@");
    let body = request.body();
    let at = body.windows(3).position(|window| window == b"@@@").unwrap();
    request.body = Some([&body[..at], bytes, &body[at + 3..]].concat());
}
