//! MIME bodies as peers send them: what is read, what is told to be wrong, and that writing and reading are inverse.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mm7::mime::{
    CONTENT_HREF, ContentType, Inner, Media, Package, Part, PartBody, content_href, pack, unpack,
};
use mm7::{Limits, Rule};
use proptest::prelude::*;

fn read(content_type: &str, body: impl Into<Bytes>) -> Package {
    unpack(&ContentType::parse(content_type).unwrap(), body.into(), &Limits::default())
}

/// Reads a `multipart/related` with the boundary `b`.
fn related(body: &str) -> Package {
    read("multipart/related; boundary=b; type=\"text/xml\"", body.to_owned())
}

/// An envelope and one attachment, whose headers and content are given, each line ending in CRLF.
fn with_attachment(part: &str) -> Package {
    related(&format!("--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b\r\n{part}\r\n--b--\r\n"))
}

fn rules(package: &Package) -> Vec<Rule> {
    package.errors.iter().map(|error| error.rule).collect()
}

fn text(part: &Part) -> String {
    String::from_utf8(part.bytes().unwrap().to_vec()).unwrap()
}

fn root(package: &Package) -> String {
    text(package.root.as_ref().unwrap())
}

fn ids(package: &Package) -> Vec<&str> {
    package.leaves().map(|part| part.content_id.as_deref().unwrap_or("-")).collect()
}

#[test]
fn a_bare_envelope_is_the_root_with_its_charset() {
    for content_type in
        ["text/xml; charset=GBK", "application/xml;charset=\"GBK\"", "application/soap+xml; Charset=GBK"]
    {
        let package = read(content_type, "<a/>");
        let part = package.root.as_ref().unwrap();
        assert_eq!(part.content_type.as_ref().unwrap().param("charset"), Some("GBK"));
        assert_eq!((text(part).as_str(), part.body_offset), ("<a/>", 0));
        assert!(package.attachments.is_empty() && package.errors.is_empty());
    }
    assert_eq!(rules(&read("text/html", "<a/>")), [Rule::RootContentType]);
    assert_eq!(root(&read("text/html", "<a/>")), "<a/>");
}

#[test]
fn start_names_the_root_however_it_is_spelled() {
    let body = "--b\r\nContent-Type: text/plain\r\nContent-ID: <one@x>\r\n\r\n1\r\n\
                --b\r\nContent-Type: text/xml\r\nContent-ID: <two@x>\r\n\r\n<a/>\r\n--b--";
    for start in ["\"<two@x>\"", "two@x", "\"< two@x >\"", "\"<cid:two@x>\"", "\"CID:two@x\"", "<two@x>"] {
        let package = read(&format!("multipart/related; start={start}; boundary=b"), body);
        assert_eq!(root(&package), "<a/>", "{start}");
        assert_eq!(ids(&package), ["one@x"], "{start}");
        assert!(package.errors.is_empty(), "{start}");
    }
}

#[test]
fn without_a_start_that_fits_the_first_part_is_the_root() {
    let body =
        "--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b\r\nContent-Type: text/xml\r\n\r\n<b/>\r\n--b--";
    for content_type in [
        "multipart/related; boundary=b",
        "multipart/related; boundary=b; start=\"<nobody>\"",
        "multipart/related; boundary=b; start=",
        "multipart/mixed; boundary=b",
    ] {
        let package = read(content_type, body);
        assert_eq!((root(&package).as_str(), package.attachments.len()), ("<a/>", 1), "{content_type}");
        assert!(package.errors.is_empty());
    }
}

#[test]
fn a_root_of_a_wrong_type_is_told_and_kept() {
    for (header, excerpt) in [
        ("Content-Type: text/html\r\n", "\"text/html\""),
        ("Content-Type: multipart/mixed; boundary=c\r\n", "\"multipart/mixed\""),
        ("Content-Type: xml\r\n", "cannot be read"),
        ("Content-Type:\r\n", "cannot be read"),
        ("", "no Content-Type"),
    ] {
        let package = related(&format!("--b\r\n{header}\r\n<a/>\r\n--b--"));
        let error = package.errors.first().unwrap();
        assert_eq!((error.rule, error.offset), (Rule::RootContentType, 5), "{header}");
        assert!(error.what.contains(excerpt), "{error}");
        assert_eq!(root(&package), "<a/>");
    }
}

#[test]
fn attachments_need_a_content_type_that_is_one() {
    for (header, rule) in [
        ("Content-ID: <c>", Rule::PartWithoutContentType),
        ("Content-Type: image", Rule::PartContentType),
        ("Content-Type: image/", Rule::PartContentType),
        ("Content-Type: /jpeg", Rule::PartContentType),
        ("Content-Type: image / jpeg", Rule::PartContentType),
        ("Content-Type: image/jpeg name=a", Rule::PartContentType),
        ("Content-Type: image/jpeg; name", Rule::PartContentType),
        ("Content-Type: image/\u{1}jpeg", Rule::PartContentType),
        ("Content-Type:", Rule::PartContentType),
    ] {
        let package = with_attachment(&format!("{header}\r\n\r\nx"));
        assert_eq!(rules(&package), [rule], "{header}");
        assert_eq!(package.errors.first().unwrap().offset, 42, "{header}");
        assert_eq!(package.media().unwrap_err().rule, rule, "{header}");
        assert_eq!(root(&package), "<a/>");
    }
    let inside = with_attachment("Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--");
    assert_eq!(rules(&inside), [Rule::PartWithoutContentType]);

    let later = with_attachment("Content-ID: <c>\r\nContent-Type: image\r\n\r\nx");
    assert_eq!(later.errors.first().unwrap().offset, 59);
}

#[test]
fn headers_of_parts_are_taken_as_peers_write_them() {
    let package = with_attachment(
        "content-type:IMAGE/Gif; \r\nContent-Id:  An image for you \r\nCONTENT-LOCATION: pics/a.gif\r\n\
         content-disposition: attachment;\r\n\tfilename=\"a b.gif\"\r\nX-Other: 1\r\n\r\nGIF",
    );
    let part = package.attachments.first().unwrap();
    assert_eq!(part.content_type.as_ref().unwrap().to_string(), "image/gif");
    assert_eq!(part.content_id.as_deref(), Some("An image for you"));
    assert_eq!(part.content_location.as_deref(), Some("pics/a.gif"));
    assert_eq!(part.name.as_deref(), Some("a b.gif"));
    assert_eq!(text(part), "GIF");
    assert!(package.errors.is_empty());
}

#[test]
fn names_come_from_the_disposition_else_from_the_type() {
    for (headers, name) in [
        ("Content-Type: a/b; name=x.gif", Some("x.gif")),
        ("Content-Type: a/b; name=x.gif\r\nContent-Disposition: inline", Some("x.gif")),
        ("Content-Type: a/b; name=x.gif\r\nContent-Disposition: inline; filename=y.gif", Some("y.gif")),
        ("Content-Type: a/b; name=x.gif\r\nContent-Disposition: inline; filename=\"", Some("x.gif")),
        (
            "Content-Type: a/b\r\nContent-Disposition: attachment; FileName*=utf-8''%e4%bd%a0.gif",
            Some("你.gif"),
        ),
        ("Content-Type: a/b; name=\"\"", None),
    ] {
        let package = with_attachment(&format!("{headers}\r\n\r\nx"));
        assert_eq!(package.attachments.first().unwrap().name.as_deref(), name, "{headers}");
    }
}

#[test]
fn ids_are_read_with_and_without_brackets() {
    for (header, id) in [
        ("Content-ID: <a@b>", Some("a@b")),
        ("Content-ID:<a@b>", Some("a@b")),
        ("Content-Id: a@b", Some("a@b")),
        ("Content-ID: < a@b >", Some("a@b")),
        ("Content-ID: </x-1/mm7-submit>", Some("/x-1/mm7-submit")),
        ("Content-ID: <>", None),
        ("Content-ID:", None),
    ] {
        let package = with_attachment(&format!("Content-Type: a/b\r\n{header}\r\n\r\nx"));
        assert_eq!(package.attachments.first().unwrap().content_id.as_deref(), id, "{header}");
    }
}

#[test]
fn bare_line_feeds_are_line_ends() {
    let package = read(
        "multipart/related; boundary=\"b c\"",
        "\n--b c \nContent-Type:text/xml\n\n<a/>\n--b c\nContent-Type: text/plain\nContent-ID: <t>\n\nhi\n\n--b c--\n",
    );
    assert_eq!(root(&package), "<a/>");
    assert_eq!(text(package.resolve("cid:t").unwrap()), "hi\n");
    assert!(package.errors.is_empty());
}

#[test]
fn a_missing_blank_line_is_told_and_the_part_read() {
    let package = related("--b\r\nContent-Type: text/xml\r\n<?xml version=\"1.0\"?><a/>\r\n--b--");
    assert_eq!(rules(&package), [Rule::PartHeaders]);
    assert_eq!(package.errors.first().unwrap().offset, 29);
    assert_eq!(root(&package), "<?xml version=\"1.0\"?><a/>");
}

#[test]
fn parts_inside_parts_are_read_and_found() {
    let package = with_attachment(
        "Content-Type: multipart/related; type=\"application/smil\";\r\n boundary=\"--in ner\"\r\nContent-ID: <all>\r\n\r\n\
         ----in ner\r\nContent-Type: application/smil\r\nContent-ID: <s.smil>\r\n\r\n<smil/>\r\n\
         ----in ner\r\nContent-Type: multipart/alternative; boundary=deep\r\n\r\n\
         --deep\r\nContent-Type: text/plain\r\nContent-Location: t.txt\r\n\r\nhi\r\n--deep--\r\n\
         ----in ner--",
    );
    assert!(package.errors.is_empty(), "{:?}", package.errors);
    assert_eq!(ids(&package), ["s.smil", "-"]);
    assert!(
        matches!(&package.resolve("cid:all").unwrap().body, PartBody::Multipart(inner) if inner.len() == 2)
    );
    assert_eq!(text(package.resolve("t.txt").unwrap()), "hi");
    assert!(package.resolve("cid:all").unwrap().bytes().unwrap().ends_with(b"----in ner--"));
    let types: Vec<_> = package.media().unwrap().iter().map(|media| media.content_type.to_string()).collect();
    assert_eq!(types, ["application/smil", "text/plain"]);
}

#[test]
fn references_find_their_part() {
    let package = related(
        "--b\r\nContent-Type: text/xml\r\nContent-ID: <root>\r\n\r\n<a/>\r\n\
         --b\r\nContent-Type: a/b\r\nContent-ID: <one@x>\r\n\r\n1\r\n\
         --b\r\nContent-Type: a/b\r\nContent-ID: a picture\r\n\r\n2\r\n\
         --b\r\nContent-Type: a/b\r\nContent-Location: http://x.example/3.gif\r\n\r\n3\r\n\
         --b\r\nContent-Type: a/b\r\nContent-ID: 50%25\r\nContent-Location: one@x\r\n\r\n4\r\n\
         --b\r\nContent-Type: a/b\r\nContent-ID: <cid:five>\r\n\r\n5\r\n--b--",
    );
    for (href, found) in [
        ("cid:one@x", Some("1")),
        ("CID:one@x", Some("1")),
        (" cid: one@x ", Some("1")),
        ("cid:<one@x>", Some("1")),
        ("<cid:one@x>", Some("1")),
        ("<one@x>", Some("1")),
        ("one@x", Some("1")),
        ("cid:one%40x", Some("1")),
        ("cid:a%20picture", Some("2")),
        ("cid:a picture", Some("2")),
        ("http://x.example/3.gif", Some("3")),
        ("cid:50%25", Some("4")),
        ("cid:50%2525", Some("4")),
        ("cid:five", Some("5")),
        ("cid:cid:five", Some("5")),
        ("cid:root", None),
        ("cid:ONE@x", None),
        ("cid:", None),
        ("", None),
        ("cid:<>", None),
        ("http://x.example/4.gif", None),
    ] {
        assert_eq!(package.resolve(href).map(text).as_deref(), found, "{href}");
    }
}

#[test]
fn transfer_encodings_are_undone() {
    for (headers, body, bytes) in [
        ("", "a=3Db", "a=3Db"),
        ("\r\nContent-Transfer-Encoding: 7bit", "a=3Db", "a=3Db"),
        ("\r\nContent-Transfer-Encoding: 8Bit", "a=3Db", "a=3Db"),
        ("\r\nContent-Transfer-Encoding: BINARY", "a=3Db", "a=3Db"),
        ("\r\nContent-Transfer-Encoding: BASE64", "aGVs\r\nbG8=\r\n", "hello"),
        ("\r\nContent-Transfer-Encoding: base64", " aGVs bG8", "hello"),
        ("\r\nContent-Transfer-Encoding: Quoted-Printable", "a=3db=\r\nc", "a=bc"),
    ] {
        let package = with_attachment(&format!("Content-Type: text/plain{headers}\r\n\r\n{body}"));
        assert!(package.errors.is_empty());
        assert_eq!(package.media().unwrap().first().unwrap().bytes, bytes, "{headers} {body}");
    }
}

#[test]
fn a_broken_encoding_is_told_where_it_breaks() {
    for (encoding, body, at) in
        [("base64", "aGVs!", 4), ("base64", "aGVsb", 5), ("quoted-printable", "ab=4G", 2)]
    {
        let package = with_attachment(&format!(
            "Content-Type: a/b\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
        ));
        let error = package.media().unwrap_err();
        let start = package.attachments.first().unwrap().body_offset;
        assert_eq!((error.rule, error.offset), (Rule::TransferEncoding, start + at), "{encoding} {body}");
        assert_eq!(root(&package), "<a/>");
    }
    let unknown = with_attachment("Content-Type: a/b\r\nContent-Transfer-Encoding: x-uue\r\n\r\nx");
    assert_eq!(rules(&unknown), [Rule::TransferEncoding]);
    assert_eq!(unknown.errors.first().unwrap().what, "the transfer encoding \"x-uue\" is not known");
    assert_eq!(unknown.media().unwrap_err().rule, Rule::TransferEncoding);
    let encoded = with_attachment(
        "Content-Type: multipart/mixed; boundary=c\r\nContent-Transfer-Encoding: base64\r\n\r\n--c\r\nContent-Type: a/b\r\n\r\n1\r\n--c--",
    );
    assert_eq!((rules(&encoded), encoded.leaves().count()), (vec![Rule::TransferEncoding], 1));
}

#[test]
fn what_is_not_encoded_is_a_slice_of_the_body() {
    let body = Bytes::from(
        b"--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x00--b\r\n--b--".to_vec(),
    );
    let package = read("multipart/related; boundary=b", body.clone());
    let media = package.media().unwrap();
    let bytes = &media.first().unwrap().bytes;
    assert_eq!(&bytes[..], b"\x89PNG\r\n\x00--b");
    let range = body.as_ptr_range();
    assert!(range.contains(&bytes.as_ptr()));
}

#[test]
fn what_is_wrong_with_a_boundary_is_told() {
    let part = "Content-Type: text/xml\r\n\r\n<a/>\r\n";
    for (content_type, body, expected, found) in [
        ("multipart/related", "--b\r\n{}--b--", &[Rule::RootContentType, Rule::Boundary][..], 0),
        ("multipart/related; boundary=", "--b\r\n{}--b--", &[Rule::RootContentType, Rule::Boundary], 0),
        ("multipart/related; boundary=x", "--b\r\n{}--b--", &[Rule::RootContentType, Rule::Boundary], 0),
        ("multipart/related; boundary=b", "", &[Rule::RootContentType, Rule::Boundary], 0),
        ("multipart/related; boundary=b", "--b--", &[Rule::RootContentType, Rule::Boundary], 0),
        ("multipart/related; boundary=b", "--b\r\n{}", &[Rule::Boundary], 1),
        ("multipart/related; boundary=b", "--b\r\n{}--b\r\n{}", &[Rule::Boundary], 2),
        ("multipart/related; boundary=b", "--b\r\n{}--b\r\n", &[Rule::Boundary], 1),
        ("multipart/related; boundary=b", "--b\r\n{}--b--", &[], 1),
        ("multipart/related; boundary=\"b  \"", "--b\r\n{}--b--", &[], 1),
    ] {
        let package = read(content_type, body.replace("{}", part));
        let mut rules = rules(&package);
        rules.sort_unstable();
        assert_eq!(rules, expected, "{content_type} {body:?}");
        assert_eq!(package.root.iter().count() + package.attachments.len(), found, "{content_type} {body:?}");
    }
    let long = |length| {
        let boundary = "x".repeat(length);
        rules(&read(
            &format!("multipart/related; boundary={boundary}"),
            format!("--{boundary}\n{part}--{boundary}--"),
        ))
    };
    assert_eq!(long(200), []);
    assert_eq!(long(201), [Rule::RootContentType, Rule::Boundary]);
}

#[test]
fn an_inner_multipart_that_is_broken_hides_nothing_else() {
    let package = related(
        "--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n\
         --b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: a/b\r\nContent-ID: 1\r\n\r\nx\r\n\
         --b\r\nContent-Type: a/b\r\nContent-ID: 2\r\n\r\ny\r\n--b--",
    );
    assert_eq!(rules(&package), [Rule::Boundary]);
    assert_eq!(ids(&package), ["1", "2"]);
    assert_eq!(root(&package), "<a/>");
}

#[test]
fn errors_come_by_offset() {
    let package = related(
        "--b\r\n\r\n<a/>\r\n--b\r\nContent-ID: 1\r\n\r\nx\r\n--b\r\nno header\r\n\r\n--b\r\nContent-Type: x\r\n\r\n",
    );
    let offsets: Vec<_> = package.errors.iter().map(|error| error.offset).collect();
    assert!(offsets.is_sorted(), "{:?}", package.errors);
    assert_eq!(
        rules(&package),
        [
            Rule::RootContentType,
            Rule::PartWithoutContentType,
            Rule::PartWithoutContentType,
            Rule::PartHeaders,
            Rule::PartContentType,
            Rule::Boundary
        ]
    );
}

#[test]
fn long_headers_are_refused_and_the_root_read() {
    let package = with_attachment(&format!("Content-Type: a/b; name={}\r\n\r\nx", "n".repeat(17_000)));
    assert_eq!(rules(&package), [Rule::PartWithoutContentType, Rule::PartHeaders]);
    assert_eq!(root(&package), "<a/>");
}

/// Multiparts nested so often, around one text.
fn nested(levels: usize) -> Package {
    let mut body = "Content-Type: text/plain\r\n\r\nx".to_owned();
    for level in (2..=levels).rev() {
        body = format!(
            "Content-Type: multipart/mixed; boundary=\"b{level}.\"\r\n\r\n--b{level}.\r\n{body}\r\n--b{level}.--"
        );
    }
    with_attachment(&body)
}

#[test]
fn levels_are_bounded() {
    let eight = nested(8);
    assert!(eight.errors.is_empty(), "{:?}", eight.errors);
    assert_eq!(eight.media().unwrap().first().unwrap().bytes, "x");
    let nine = nested(9);
    assert_eq!(rules(&nine), [Rule::PartsTooDeep]);
    assert_eq!(nine.media().unwrap_err().rule, Rule::PartsTooDeep, "what stays closed is no media");
    assert_eq!(root(&nine), "<a/>");
    let start = Instant::now();
    assert_eq!(rules(&nested(64)), [Rule::PartsTooDeep]);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn parts_are_bounded_over_all_levels() {
    let part = "Content-Type: a/b\r\n\r\nx\r\n--b\r\n";
    let flat =
        |count: usize| with_attachment(&format!("{}Content-Type: a/b\r\n\r\nx", part.repeat(count - 2)));
    assert_eq!((rules(&flat(256)), flat(256).attachments.len()), (vec![], 255));
    assert_eq!((rules(&flat(257)), flat(257).attachments.len()), (vec![Rule::TooManyParts], 255));
    let start = Instant::now();
    assert_eq!(rules(&flat(10_000)), [Rule::TooManyParts]);
    assert!(start.elapsed() < Duration::from_secs(1));

    let inner = format!(
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n{}--c--",
        "--c\r\nContent-Type: a/b\r\n\r\nx\r\n".repeat(200)
    );
    let twice = with_attachment(&format!("{inner}\r\n--b\r\n{inner}\r\n--b\r\n{inner}"));
    assert_eq!(rules(&twice), [Rule::TooManyParts]);
    assert_eq!((twice.parts().len(), root(&twice).as_str()), (255, "<a/>"));
}

fn media(content_type: &str, id: Option<&str>, bytes: &'static [u8]) -> Media {
    Media {
        content_type: ContentType::parse(content_type).unwrap(),
        content_id: id.map(str::to_owned),
        content_location: None,
        name: None,
        bytes: Bytes::from_static(bytes),
    }
}

fn packed(media: &[Media], inner: Inner) -> (String, String) {
    let packed = pack(b"<a/>".to_vec(), media, inner);
    let length = packed.len();
    let content_type = packed.content_type.clone();
    let body = packed.into_bytes();
    assert_eq!(body.len(), length);
    (content_type, String::from_utf8_lossy(&body).replace('\r', ""))
}

#[test]
fn an_envelope_without_media_is_bare() {
    assert_eq!(packed(&[], Inner::Related), ("text/xml; charset=utf-8".to_owned(), "<a/>".to_owned()));
    assert_eq!(content_href(&[]), None);
}

#[test]
fn one_media_is_the_payload_part() {
    let text = media("text/plain; charset=utf-8", None, b"hi");
    let round = pack(b"<a/>".to_vec(), std::slice::from_ref(&text), Inner::Related);
    let package = unpack(&round.content_type.parse().unwrap(), round.into_bytes(), &Limits::default());
    assert_eq!(package.resolve(CONTENT_HREF).unwrap().content_id.as_deref(), Some("mm7-content"));
    assert_eq!(package.media().unwrap().first(), Some(&text));
    assert_eq!(content_href(std::slice::from_ref(&text)).as_deref(), Some(CONTENT_HREF));
    let (content_type, body) = packed(&[text], Inner::Related);
    insta::assert_snapshot!(content_type, @r#"multipart/related; boundary="mm7-boundary-00000000-0"; type="text/xml"; start="<mm7-soap>""#);
    insta::assert_snapshot!(body, @r#"
    --mm7-boundary-00000000-0
    Content-Type: text/xml; charset=utf-8
    Content-Transfer-Encoding: 8bit
    Content-ID: <mm7-soap>

    <a/>
    --mm7-boundary-00000000-0
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: binary
    Content-ID: <mm7-content>

    hi
    --mm7-boundary-00000000-0--
    "#);
}

#[test]
fn one_media_with_an_id_keeps_it() {
    let text = media("text/plain", Some("a b@x"), b"hi");
    assert_eq!(content_href(std::slice::from_ref(&text)).as_deref(), Some("cid:a%20b@x"));
    let (_, body) = packed(&[text], Inner::Mixed);
    assert!(body.contains("\nContent-ID: <a b@x>\n"), "{body}");
    assert!(!body.contains("mm7-content"), "{body}");
}

#[test]
fn several_media_become_an_inner_multipart() {
    let mut picture = media("image/gif; name=a.gif", Some("a.gif"), b"GIF");
    picture.content_location = Some("pics/a.gif".to_owned());
    picture.name = Some("a.gif".to_owned());
    let mut text = media("text/plain", None, b"hi");
    text.name = Some("hi \"there\".txt".to_owned());
    let smil = media("application/smil", Some("s.smil"), b"<smil/>");
    let all = [picture, text, smil];
    assert_eq!(content_href(&all).as_deref(), Some(CONTENT_HREF));
    let (_, body) = packed(&all, Inner::Related);
    insta::assert_snapshot!(body, @r#"
    --mm7-boundary-00000000-0
    Content-Type: text/xml; charset=utf-8
    Content-Transfer-Encoding: 8bit
    Content-ID: <mm7-soap>

    <a/>
    --mm7-boundary-00000000-0
    Content-Type: multipart/related; boundary=mm7-boundary-00000000-1; type="application/smil"; start="<s.smil>"
    Content-ID: <mm7-content>

    --mm7-boundary-00000000-1
    Content-Type: image/gif; name=a.gif
    Content-Transfer-Encoding: binary
    Content-ID: <a.gif>
    Content-Location: pics/a.gif

    GIF
    --mm7-boundary-00000000-1
    Content-Type: text/plain
    Content-Transfer-Encoding: binary
    Content-Disposition: inline; filename="hi \"there\".txt"

    hi
    --mm7-boundary-00000000-1
    Content-Type: application/smil
    Content-Transfer-Encoding: binary
    Content-ID: <s.smil>

    <smil/>
    --mm7-boundary-00000000-1--
    --mm7-boundary-00000000-0--
    "#);
    let (_, body) = packed(&all, Inner::Mixed);
    assert!(body.contains("\nContent-Type: multipart/mixed; boundary=mm7-boundary-00000000-1\n"), "{body}");
}

#[test]
fn the_inner_root_is_the_smil_if_it_can_be_named() {
    let inner = |media: &[Media]| {
        let (_, body) = packed(media, Inner::Related);
        body.lines()
            .find_map(|line| line.strip_prefix("Content-Type: multipart/related; "))
            .unwrap()
            .to_owned()
    };
    let picture = media("image/gif", Some("a"), b"GIF");
    let smil = |id| media("application/smil", id, b"<smil/>");
    let boundary = "boundary=mm7-boundary-00000000-1";
    assert_eq!(
        inner(&[picture.clone(), smil(Some("s"))]),
        format!("{boundary}; type=\"application/smil\"; start=\"<s>\"")
    );
    assert_eq!(inner(&[smil(None), picture.clone()]), format!("{boundary}; type=\"application/smil\""));
    assert_eq!(
        inner(&[picture.clone(), smil(None)]),
        format!("{boundary}; type=\"image/gif\"; start=\"<a>\"")
    );
    assert_eq!(inner(&[picture.clone(), picture]), format!("{boundary}; type=\"image/gif\"; start=\"<a>\""));
}

#[test]
fn no_value_breaks_out_of_its_header() {
    let evil = "x\r\nX-Evil: 1\r\n\r\n--mm7-boundary-00000000-0--\r\n";
    let mut part = media("image/gif", Some(evil), b"GIF");
    part.content_type = ContentType::new("image/gif").with_param("name", evil);
    part.content_location = Some(evil.to_owned());
    part.name = Some(format!("{evil}2"));
    for media in [vec![part.clone()], vec![part.clone(), part]] {
        let packed = pack(b"<a/>".to_vec(), &media, Inner::Related);
        let content_type = ContentType::parse(&packed.content_type).unwrap();
        let body = packed.into_bytes();
        assert!(!String::from_utf8_lossy(&body).lines().any(|line| line.starts_with("X-Evil")));
        let package = unpack(&content_type, body, &Limits::default());
        assert!(package.errors.is_empty(), "{:?}", package.errors);
        assert_eq!(package.leaves().count(), media.len());
    }
}

#[test]
fn the_boundary_is_one_that_no_part_holds() {
    let next = |bytes: &'static [u8]| {
        let (content_type, _) = packed(&[media("a/b", None, bytes)], Inner::Mixed);
        ContentType::parse(&content_type).unwrap().param("boundary").unwrap().to_owned()
    };
    for (bytes, boundary) in [
        (&b""[..], "mm7-boundary-00000000-0"),
        (b"mm7-boundary-", "mm7-boundary-00000000-0"),
        (b"mm7-boundary-zzzzzzzz", "mm7-boundary-00000000-0"),
        (b"mm7-boundary-00000001", "mm7-boundary-00000000-0"),
        (b"mm7-boundary-00000000", "mm7-boundary-00000001-0"),
        (b"mm7-boundary-00000001 mm7-boundary-00000000-0\nmm7-boundary-00000000", "mm7-boundary-00000002-0"),
        (b"mm7-boundary-mm7-boundary-00000000", "mm7-boundary-00000001-0"),
    ] {
        assert_eq!(next(bytes), boundary, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_message_in_a_message_comes_back_whole() {
    let inner = pack(b"<a/>".to_vec(), &[media("text/plain", None, b"hi")], Inner::Mixed).into_bytes();
    let carried = Media { bytes: inner, ..media("application/octet-stream", None, b"") };
    let packed = pack(b"<b/>".to_vec(), std::slice::from_ref(&carried), Inner::Mixed);
    let package = unpack(&packed.content_type.parse().unwrap(), packed.into_bytes(), &Limits::default());
    assert_eq!(package.media().unwrap(), [carried]);
}

#[test]
fn media_are_shared_not_copied() {
    let part = Media { bytes: Bytes::from(vec![7; 100_000]), ..media("image/gif", None, b"") };
    let packed = pack(b"<a/>".to_vec(), &[part.clone(), part.clone()], Inner::Mixed);
    let shared = packed.chunks.iter().filter(|chunk| chunk.as_ptr() == part.bytes.as_ptr()).count();
    assert_eq!(shared, 2);
}

/// Text that is hard on headers and boundaries.
fn header_text() -> impl Strategy<Value = Option<String>> {
    let text = "[a-z<>\"\\\\;:=%'/@, .\u{e4}\u{4f60}-]{1,20}".prop_filter_map(
        "blanks at the ends are not kept",
        |text| {
            let kept = text.trim() == text && !text.is_empty();
            kept.then_some(text)
        },
    );
    // An id in brackets is read without them.
    proptest::option::of(text.prop_filter("brackets", |text| !(text.starts_with('<') && text.ends_with('>'))))
}

fn hard_bytes() -> impl Strategy<Value = Bytes> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"--".to_vec()),
        Just(b"--mm7-boundary-00000000-0".to_vec()),
        Just(b"\r\n--mm7-boundary-00000000-0--\r\n".to_vec()),
        Just(b"mm7-boundary-00000001-1\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into())
}

fn any_media() -> impl Strategy<Value = Media> {
    let essence =
        prop_oneof![Just("image/gif"), Just("text/plain"), Just("application/smil"), Just("video/3gpp")];
    let params = proptest::collection::vec(("[a-z]{1,6}", ".{0,12}"), 0..3);
    (essence, params, header_text(), header_text(), header_text(), hard_bytes()).prop_map(
        |(essence, params, content_id, content_location, name, bytes)| {
            let content_type = ContentType::new(essence);
            let content_type =
                params.into_iter().fold(content_type, |built, (name, value)| built.with_param(&name, &value));
            // A media without a name of its own has that of its type.
            let of_type = content_type.param("name").filter(|name| !name.is_empty()).map(str::to_owned);
            Media { content_type, content_id, content_location, name: name.or(of_type), bytes }
        },
    )
}

/// What bodies are made of, for putting together in any order.
const PIECES: &[&[u8]] = &[
    b"--b\r\n",
    b"\r\n--b--\r\n",
    b"\n--b\n",
    b"---",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b" \t",
    b": ",
    b"\x00\xff",
    b"Content-Type: a/b",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: multipart/mixed; boundary=b1\r\n\r\n--b1\r\n",
    b"\r\n--b1--",
    b"Content-ID: <b",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"=\r\n",
    b"QUJD==",
];

proptest! {
    #[test]
    fn reading_undoes_writing(
        root in "[<>a-z \r\n]{0,40}",
        media in proptest::collection::vec(any_media(), 0..5),
        mixed in any::<bool>(),
    ) {
        let inner = if mixed { Inner::Mixed } else { Inner::Related };
        let packed = pack(root.clone().into_bytes(), &media, inner);
        let content_type = ContentType::parse(&packed.content_type).unwrap();
        let package = unpack(&content_type, packed.into_bytes(), &Limits::default());
        prop_assert_eq!(&package.errors, &vec![]);
        prop_assert_eq!(package.root.as_ref().unwrap().bytes().unwrap(), root);
        prop_assert_eq!(package.media().unwrap(), media.clone());
        match content_href(&media) {
            Some(href) => prop_assert!(package.resolve(&href).is_some(), "{}", href),
            None => prop_assert!(package.attachments.is_empty()),
        }
    }

    #[test]
    fn any_bytes_are_read_within_bounds(
        content_type in prop_oneof![
            Just("multipart/related; boundary=b"), Just("multipart/mixed; boundary=\"- \""), Just("text/xml")
        ],
        pieces in proptest::collection::vec(
            proptest::sample::select(PIECES),
            0..60,
        ),
    ) {
        let limits = Limits { max_parts: 12, max_levels: 3, ..Limits::default() };
        let body = Bytes::from(pieces.concat());
        let package = unpack(&ContentType::parse(content_type).unwrap(), body.clone(), &limits);
        prop_assert!(package.parts().len() <= 12);
        prop_assert!(package.errors.iter().all(|error| error.offset <= body.len()));
        for part in package.parts() {
            prop_assert!(part.offset <= part.body_offset && part.body_offset <= body.len());
            let _ = part.bytes();
        }
        let _ = package.media();
    }

    #[test]
    fn any_text_is_a_content_type_or_none(text in ".{0,60}") {
        if let Ok(content_type) = ContentType::parse(&text) {
            prop_assert_eq!(ContentType::parse(&content_type.to_string()), Ok(content_type));
        }
    }

    #[test]
    fn lines_that_only_look_like_delimiters_stay_in_the_part(
        boundary in "[A-Za-z0-9'()+_,./:=? -]{0,68}[A-Za-z0-9'()+_,./:=?-]",
        before in prop_oneof![Just(""), Just("x"), Just(" "), Just("\r\nx"), Just("-")],
        after in prop_oneof![Just("x"), Just(" x"), Just("-x"), Just("--x"), Just("-- x"), Just("\u{0}"), Just("\rx")],
        closing in any::<bool>(),
    ) {
        let dashes = if closing { "--" } else { "" };
        // With nothing wrong on one side, the other side is.
        let look_alike = format!("{before}--{boundary}{dashes}{after}");
        let body = format!("--{boundary}\r\nContent-Type: text/xml\r\n\r\n{look_alike}\r\n--{boundary}--");
        let content_type = ContentType::new("multipart/related").with_param("boundary", &boundary);
        let package = unpack(&content_type, body.into(), &Limits::default());
        prop_assert_eq!(package.errors.len(), 0);
        prop_assert_eq!(root(&package), look_alike);
    }
}
