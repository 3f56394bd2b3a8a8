//! What a carrier gets of content: types, order, a SMIL, and pictures that fit, over real HTTP.

use image::ImageFormat;
use mm7::{Limits, mime::Media, smil};
use posthouse_core::{Id, message::EventKind};
use posthouse_testing::{
    picture::{photo, shown},
    provisioning::range,
    request::{RawPart, RawRequest},
    town::{Town, eventually},
};

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
const NUMBER: &str = "16175550100";

/// A town whose carrier is set up like this.
async fn town(carrier: &str) -> Town {
    let town = Town::found().await;
    let account = town.account("acme", "");
    town.provision(&[&account, &town.carrier("31003", carrier), &*range("1617", "31003")].concat()).await;
    town
}

fn with(parts: &[RawPart]) -> RawRequest {
    let mut request = RawRequest::to(NUMBER);
    request.attachments = parts.to_vec();
    request
}

fn untouchable(mut request: RawRequest) -> RawRequest {
    request.raw_element("Content", "<Content href=\"cid:payload\" allowAdaptations=\"false\"/>");
    request
}

/// Sends it; what the carrier got, and what was noted.
async fn sent(town: &Town, request: &RawRequest) -> (Vec<Media>, Vec<String>) {
    let id: Id = town.submit(request).await;
    town.ended(id).await;
    let carrier = &town.carriers["31003"];
    let message = eventually("the carrier gets it", async || carrier.messages().last().cloned()).await;
    assert_eq!(message.finding, None);
    (message.media.clone(), town.events(id, EventKind::Noted).await)
}

/// Type and Content-ID of each part.
fn heads(media: &[Media]) -> Vec<(String, &str)> {
    media
        .iter()
        .map(|part| (part.content_type.to_string(), part.content_id.as_deref().unwrap_or_default()))
        .collect()
}

fn head<'a>(content_type: &str, id: &'a str) -> (String, &'a str) {
    (content_type.to_owned(), id)
}

#[tokio::test]
async fn a_smil_is_made_where_there_is_none() {
    let town = town("").await;
    let text = RawPart::new("text/plain; charset=utf-8", "text", "Hello");
    let nameless = RawPart { head: "Content-Type: image/gif\r\n".to_owned(), body: GIF.to_vec() };
    let (media, notes) = sent(&town, &with(&[nameless, text.clone()])).await;
    assert_eq!(
        heads(&media),
        [
            head("application/smil", "mms.smil"),
            head("image/gif", "image.gif"),
            head("text/plain; charset=utf-8", "text")
        ]
    );
    assert_eq!((&media[1].bytes[..], &media[2].bytes[..]), (GIF, &b"Hello"[..]));
    let shown = smil::references(&media[0].bytes, &Limits::default()).unwrap();
    let shown: Vec<_> = shown.iter().map(|reference| reference.src.as_str()).collect();
    assert_eq!(shown, ["cid:image.gif", "cid:text"]);
    assert_eq!(notes, ["a SMIL was made, since there was none"]);

    // A text alone is shown anyway.
    let (media, notes) = sent(&town, &with(std::slice::from_ref(&text))).await;
    assert_eq!(heads(&media), [head("text/plain; charset=utf-8", "text")]);
    assert_eq!(notes, [""; 0]);
    town.close().await;
}

#[tokio::test]
async fn no_smil_is_made_that_the_carrier_would_not_take() {
    let gif = RawPart::new("image/gif", "photo", GIF);
    for (carrier, expected) in [
        (
            "max_message_bytes = 100\n".to_owned(),
            &["no SMIL was made: the carrier's limit leaves no room for one".to_owned()][..],
        ),
        ("content_types = [\"image/*\"]\n".to_owned(), &[]),
    ] {
        let town = town(&carrier).await;
        let (media, notes) = sent(&town, &with(std::slice::from_ref(&gif))).await;
        assert_eq!(heads(&media), [head("image/gif", "photo")]);
        assert_eq!(notes, expected);
        town.close().await;
    }
}

#[tokio::test]
async fn parts_go_out_in_the_order_in_which_they_are_shown() {
    let town = town("").await;
    let request = with(&[
        RawPart::new("text/x-vcard", "card", "BEGIN:VCARD"),
        RawPart::new("text/plain", "last", "b"),
        RawPart::new("text/plain", "first", "a"),
        RawPart::new(
            "application/smil",
            "show",
            "<smil><text src='cid:first'/><text src='last'/><text src='first'/></smil>",
        ),
    ]);
    let town_takes_cards = "content_types = [\"text/*\", \"application/smil\"]\n";
    town.provision(&town.carrier("31003", town_takes_cards)).await;
    let (media, notes) = sent(&town, &request).await;
    let ids: Vec<_> = media.iter().filter_map(|part| part.content_id.as_deref()).collect();
    assert_eq!(ids, ["show", "first", "last", "card"]);
    assert_eq!(notes, ["the parts were put in the order in which the SMIL shows them"]);

    let (media, notes) = sent(&town, &untouchable(request)).await;
    let ids: Vec<_> = media.iter().filter_map(|part| part.content_id.as_deref()).collect();
    assert_eq!(ids, ["card", "last", "first", "show"]);
    assert_eq!(notes, [""; 0]);
    town.close().await;
}

#[tokio::test]
async fn carriers_are_asked_for_what_content_is_and_not_for_its_label() {
    let town = town("content_types = [\"image/png\", \"text/plain\", \"application/smil\"]\n").await;
    let smil = RawPart::new("application/smil", "smil", "<smil><img src='cid:photo'/></smil>");
    let labelled = |label: &str, bytes: &[u8]| with(&[smil.clone(), RawPart::new(label, "photo", bytes)]);
    for (label, bytes) in [
        ("image/png", GIF),
        ("image/png", b"<!DOCTYPE html><html>not found"),
        ("image/png", b"\x7fELF\x02\x01\x01\0"),
        ("image/jpg", b"\xff\xd8\xff\xe0"),
    ] {
        let request = labelled(label, bytes);
        assert_eq!(
            town.post(&untouchable(request)).await.code(),
            Some(2004),
            "{label} {}",
            bytes.escape_ascii()
        );
    }
    let (media, _) = sent(&town, &labelled("image/png", b"nobody can tell")).await;
    assert_eq!(heads(&media)[1], head("image/png", "photo"));
    let (media, notes) = sent(&town, &labelled("image/jpeg; name=a.jpg", PNG)).await;
    assert_eq!(heads(&media), [head("application/smil", "smil"), head("image/png", "photo")]);
    assert_eq!((&media[1].bytes[..], media[1].name.as_deref()), (PNG, Some("a.jpg")));
    assert_eq!(notes, ["a.jpg is image/png and was declared as image/jpeg"]);

    // What may not be adapted keeps its label too, and is taken for what it is.
    let (media, notes) = sent(&town, &untouchable(labelled("image/jpeg; name=a.jpg", PNG))).await;
    assert_eq!(heads(&media)[1], head("image/jpeg; name=a.jpg", "photo"));
    assert_eq!(notes, [""; 0]);
    town.close().await;
}

#[tokio::test]
async fn a_picture_is_made_to_fit_the_carrier() {
    let limit = 30_000;
    let town = town(&format!("max_message_bytes = {limit}\n")).await;
    let photo = photo(ImageFormat::Jpeg);
    assert!(photo.len() > limit);
    let request = shown("image/jpeg; name=photo.jpeg", photo);
    let (media, notes) = sent(&town, &request).await;
    assert_eq!(
        heads(&media),
        [
            head("application/smil", "smil"),
            head("image/jpeg; name=photo.jpeg", "photo"),
            head("text/plain", "text")
        ]
    );
    assert_eq!(media[0].bytes, request.attachments[0].body);
    assert_eq!(&media[2].bytes[..], b"Hello");
    assert!(media.iter().map(|part| part.bytes.len()).sum::<usize>() <= limit);
    let picture = image::load_from_memory(&media[1].bytes).unwrap();
    assert!(picture.width() <= 500 && picture.width() > picture.height());
    assert_eq!(notes.len(), 1);
    assert!(notes[0].starts_with("adapted photo.jpeg: ") && notes[0].contains("500×400 → "), "{}", notes[0]);

    // Said again, it is the same message.
    assert_eq!(town.submit(&request).await, town.submit(&request).await);
    let mut request = untouchable(request);
    request.transaction_id("untouchable");
    assert_eq!(town.post(&request).await.code(), Some(2004));
    town.close().await;
}

#[tokio::test]
async fn a_picture_becomes_one_of_a_type_that_the_carrier_takes() {
    let town = town("content_types = [\"image/jpeg\", \"text/plain\", \"application/smil\"]\n").await;
    for format in [ImageFormat::WebP, ImageFormat::Png, ImageFormat::Gif] {
        // Whatever it is labelled as.
        let (media, notes) = sent(&town, &shown("image/png; name=photo.png", photo(format))).await;
        assert_eq!(heads(&media)[1], head("image/jpeg", "photo"));
        assert_eq!(media[1].name.as_deref(), Some("photo.jpg"));
        let picture = image::load_from_memory_with_format(&media[1].bytes, ImageFormat::Jpeg).unwrap();
        assert_eq!((picture.width(), picture.height()), (500, 400));
        assert_eq!(notes.len(), 1, "{notes:?}");
    }
    town.close().await;
}

#[tokio::test]
async fn what_cannot_be_made_to_fit_is_2004() {
    let limit = 30_000;
    let town = town(&format!("max_message_bytes = {limit}\n")).await;
    let good = photo(ImageFormat::Jpeg);
    let broken = [&good[..300], &vec![0xff; 2 * limit][..]].concat();
    // A head that says 65,535 × 65,535 pixels.
    let mut bomb = photo(ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let mut long_text = shown("image/jpeg", good.clone());
    long_text.attachments[2].body = vec![b'x'; limit - 1000];
    for (what, request) in [
        ("broken", shown("image/jpeg", broken)),
        ("a bomb", shown("image/png", bomb)),
        ("no picture", shown("image/jpeg", vec![7; 2 * limit])),
        ("a sound", shown("audio/amr", vec![7; 2 * limit])),
        ("a long text beside it", long_text),
    ] {
        assert_eq!(town.post(&request).await.code(), Some(2004), "{what}");
    }
    sent(&town, &shown("image/jpeg", good)).await;
    assert_eq!(town.carriers["31003"].received(), 1);
    town.close().await;
}

/// A request of these parts, to be sent as it stands: heads and bodies.
fn with_heads(parts: &[(&str, &[u8])]) -> RawRequest {
    let part = |(head, body): &(&str, &[u8])| RawPart { head: (*head).to_owned(), body: body.to_vec() };
    with(&parts.iter().map(part).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_smil_by_its_registered_name_goes_out_as_handsets_know_it() {
    let smil: &[u8] = b"<smil><body><text src=\"cid:t\"/></body></smil>";
    let request = with_heads(&[
        ("Content-Type: application/smil+xml; charset=utf-8\r\nContent-ID: <s>\r\n", smil),
        ("Content-Type: text/plain\r\nContent-ID: <t>\r\n", b"Hello"),
    ]);
    for (types, expected) in [
        ("", "application/smil"),
        ("content_types = [\"*/*\"]\n", "application/smil"),
        (
            "content_types = [\"text/plain\", \"application/smil+xml\"]\n",
            "application/smil+xml; charset=utf-8",
        ),
    ] {
        let town = town(types).await;
        let (media, _) = sent(&town, &request).await;
        assert_eq!(heads(&media), [head(expected, "s"), head("text/plain", "t")]);
        assert_eq!(media[0].bytes, smil);
        town.close().await;
    }
}

#[tokio::test]
async fn labels_that_say_nothing_are_not_asked() {
    let town = town("").await;
    for label in ["binary/octet-stream", "application/octet-stream", "application/force-download"] {
        let (media, _) = sent(&town, &with(&[RawPart::new(label, "photo", GIF)])).await;
        assert_eq!(heads(&media)[1], head("image/gif", "photo"), "{label}");
    }
    town.close().await;
}

#[tokio::test]
async fn business_cards_and_dates_are_taken_by_a_carrier_that_says_nothing() {
    let town = town("").await;
    for (label, bytes) in [
        (
            "text/x-vcard; charset=UTF-8; name=\"CAF\u{c9}/A.vcf\"",
            "BEGIN:VCARD\r\nN:M\u{fc}ller\r\nEND:VCARD\r\n",
        ),
        ("text/vcard", "BEGIN:VCARD\r\nEND:VCARD\r\n"),
        ("text/x-vcalendar", "BEGIN:VCALENDAR\r\nVERSION:1.0\r\nEND:VCALENDAR\r\n"),
    ] {
        let (media, _) = sent(&town, &with(&[RawPart::new(label, "card", bytes)])).await;
        assert_eq!(heads(&media), [head(label, "card")]);
        assert_eq!(media[0].bytes, bytes);
    }
    let other = town.post(&with(&[RawPart::new("text/css", "style", "a {}")])).await;
    assert_eq!(other.code(), Some(2004));
    town.close().await;
}

#[tokio::test]
async fn what_a_smil_shows_by_file_name_can_be_found() {
    let town = town("").await;
    let smil: &[u8] =
        "<smil><body><img src=\"one.gif\"/><img src=\"two.gif\"/><img src=\"d\u{e9}j\u{e0}.gif\"/></body></smil>".as_bytes();
    let request = with_heads(&[
        ("Content-Type: application/smil\r\nContent-ID: <s>\r\n", smil),
        ("Content-Type: image/gif; name=one.gif\r\n", GIF),
        (
            "Content-Type: image/gif\r\nContent-ID: <2@host>\r\nContent-Disposition: attachment; filename=\"two.gif\"\r\n",
            GIF,
        ),
        ("Content-Type: image/gif; name=\"d\u{e9}j\u{e0}.gif\"\r\n", GIF),
    ]);
    let (media, notes) = sent(&town, &request).await;
    let names: Vec<_> = media[1..]
        .iter()
        .map(|part| (part.content_id.as_deref(), part.content_location.as_deref()))
        .collect();
    assert_eq!(names, [(None, Some("one.gif")), (Some("2@host"), Some("two.gif")), (Some("d_j_.gif"), None)]);
    let shown = smil::references(&media[0].bytes, &Limits::default()).unwrap();
    let shown: Vec<_> = shown.iter().map(|reference| reference.src.as_str()).collect();
    assert_eq!(shown, ["one.gif", "two.gif", "cid:d_j_.gif"]);
    assert_eq!(notes.len(), 3, "{notes:?}");

    // What may not be adapted goes out as it came.
    let (media, notes) = sent(&town, &untouchable(request)).await;
    assert_eq!((&media[0].bytes[..], &media[1].content_location), (smil, &None));
    assert_eq!(notes, [""; 0]);
    town.close().await;
}

#[tokio::test]
async fn content_ids_go_out_as_every_library_reads_them() {
    let town = town("").await;
    let smil: &[u8] =
        "<smil><body><img src=\"cid:Fair(1).gif\"/><text src=\"cid:\u{43e}\u{442} 1.txt\"/></body></smil>"
            .as_bytes();
    let request = with_heads(&[
        ("Content-Type: application/smil\r\nContent-ID: <s>\r\n", smil),
        ("Content-Type: image/gif\r\nContent-ID: <Fair(1).gif>\r\n", GIF),
        ("Content-Type: text/plain\r\nContent-ID: <\u{43e}\u{442} 1.txt>\r\n", b"Hello"),
    ]);
    for request in [request.clone(), untouchable(request)] {
        let (media, notes) = sent(&town, &request).await;
        let ids: Vec<_> = heads(&media).into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids, ["s", "Fair_1_.gif", "___1.txt"]);
        let shown = smil::references(&media[0].bytes, &Limits::default()).unwrap();
        let shown: Vec<_> = shown.iter().map(|reference| reference.src.as_str()).collect();
        assert_eq!(shown, ["cid:Fair_1_.gif", "cid:___1.txt"]);
        assert_eq!(notes.len(), 2, "{notes:?}");
    }
    // One part alone, which Content names itself.
    let mut alone = RawRequest::to(NUMBER);
    alone.raw_element("Content", "<Content href=\"cid:a%20b.txt\"/>");
    alone.attachments = Vec::new();
    let envelope = alone.envelope();
    alone.body = Some(
        format!(
            "--=_outer\r\nContent-Type: text/xml\r\nContent-ID: <mm7>\r\n\r\n{envelope}\r\n--=_outer\r\n\
             Content-Type: text/plain\r\nContent-ID: <a b.txt>\r\n\r\nHello\r\n--=_outer--\r\n"
        )
        .into_bytes(),
    );
    let (media, _) = sent(&town, &alone).await;
    assert_eq!(heads(&media), [head("text/plain", "a_b.txt")]);
    let body = town.carriers["31003"].messages().last().unwrap().body.clone();
    assert!(String::from_utf8_lossy(&body).contains("<Content href=\"cid:a_b.txt\""));
    town.close().await;
}

#[tokio::test]
async fn who_is_shown_only_is_noted() {
    let town = town("").await;
    let mut request = RawRequest::to(NUMBER);
    request.element(
        "Recipients",
        "<To><Number>16175550100</Number><RFC2822Address displayOnly=\"yes\">someone@mmsc.example</RFC2822Address></To>",
    );
    let (_, notes) = sent(&town, &request).await;
    assert_eq!(notes[0], "displayOnly: 1 recipient(s) are for display only and were dropped", "{notes:?}");
    let body = town.carriers["31003"].messages().last().unwrap().body.clone();
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(body.contains("<Recipients><To><Number>16175550100</Number></To></Recipients>"), "{body}");
    town.close().await;
}
