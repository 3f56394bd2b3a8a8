//! Any bytes as a body with parts.

use mm7::mime::{ContentType, Inner, Media, Package, Part, PartBody, pack, unpack};
use mm7::{Limits, Rule, smil};

use super::input::{Input, check_error};

/// Takes the body apart as what its head says; where that is no multipart, at whatever delimiter it begins with.
pub fn check(data: &[u8]) {
    let input = Input::read(data);
    let content_type = input.content_type.unwrap_or_else(|| guessed_type(&input.body));
    check_content_type(&content_type);
    let limits = Limits::default();
    let package = unpack(&content_type, input.body.clone(), &limits);
    check_package(&package, input.body.len(), &limits);
    let tight = Limits { max_parts: 3, max_levels: 2, max_part_header: 64, ..Limits::default() };
    check_package(&unpack(&content_type, input.body.clone(), &tight), input.body.len(), &tight);
    if let Ok(media) = package.media() {
        check_media(&media);
    }
}

fn guessed_type(body: &[u8]) -> ContentType {
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let boundary = String::from_utf8_lossy(line.strip_prefix(b"--").unwrap_or(line));
    ContentType::new("multipart/related").with_param("boundary", boundary.trim())
}

/// What is written is read as the same again.
fn check_content_type(content_type: &ContentType) {
    let written = content_type.to_string();
    assert!(!written.chars().any(char::is_control), "{written:?}");
    assert_eq!(ContentType::parse(&written).as_ref(), Ok(content_type), "{written:?}");
}

fn check_package(package: &Package, length: usize, limits: &Limits) {
    package.errors.iter().for_each(|error| check_error(error, length));
    assert!(package.errors.is_sorted_by_key(|error| error.offset), "{:?}", package.errors);
    let has_root_error = package.errors.iter().any(|error| error.rule == Rule::RootContentType);
    assert!(package.root.is_some() || has_root_error, "no root and no word of it");
    let parts = package.parts();
    assert!(parts.len() + usize::from(package.root.is_some()) <= limits.max_parts.max(1));
    assert!(depth(&package.attachments) < limits.max_levels.max(1));
    parts.into_iter().chain(&package.root).for_each(|part| check_part(package, part, length));
}

fn depth(parts: &[Part]) -> usize {
    let inside = |part: &Part| match &part.body {
        PartBody::Multipart(parts) => 1 + depth(parts),
        PartBody::Leaf => 0,
    };
    parts.iter().map(inside).max().unwrap_or(0)
}

fn check_part(package: &Package, part: &Part, length: usize) {
    assert!(part.offset <= part.body_offset && part.body_offset <= length);
    part.content_type.iter().for_each(check_content_type);
    match part.bytes() {
        Ok(bytes) => assert!(bytes.len() <= length - part.body_offset, "decoding made more of it"),
        Err(error) => check_error(&error, length),
    }
    if let Some(error) = part.media_type().err() {
        check_error(&error, length);
    }
    let is_attachment = package.parts().iter().any(|other| std::ptr::eq(*other, part));
    if let Some(id) = part.content_id.as_deref().filter(|_| is_attachment) {
        let found = package.resolve(&format!("cid:{}", escaped(id)));
        assert!(found.is_some(), "nothing has the id {id:?}");
    }
}

fn escaped(id: &str) -> String {
    id.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What is packed is unpacked as the same; and presentations are read and written.
fn check_media(media: &[Media]) {
    for part in media.iter().filter(|part| smil::is_smil(&part.content_type)) {
        match smil::references(&part.bytes, &Limits::default()) {
            Ok(found) => assert!(found.iter().all(|reference| !reference.src.is_empty())),
            Err(error) => check_error(&error, usize::MAX),
        }
    }
    let written = smil::generate(media);
    let references = smil::references(written.as_bytes(), &Limits::default());
    assert!(references.is_ok(), "{written:?}: {references:?}");
    check_packed(media, Inner::Related);
    check_packed(media, Inner::Mixed);
}

/// Packs, unpacks, and compares.
pub fn check_packed(media: &[Media], inner: Inner) {
    let root = b"<root/>";
    let packed = pack(root.to_vec(), media, inner);
    let content_type = ContentType::parse(&packed.content_type);
    assert!(content_type.is_ok(), "{:?}", packed.content_type);
    let Ok(content_type) = content_type else { return };
    let limits = Limits { max_parts: media.len() + 2, ..Limits::default() };
    let package = unpack(&content_type, packed.into_bytes(), &limits);
    assert_eq!(package.errors, [], "of our own");
    let again = package.root.as_ref().map(Part::bytes);
    assert!(again.is_some_and(|again| again.is_ok_and(|again| again[..] == root[..])), "the root is another");
    let again = package.media();
    assert_eq!(again.as_deref(), Ok(&normalised(media)[..]));
}

/// What packing changes by its contract: values that would break out of a header, or are empty.
fn normalised(media: &[Media]) -> Vec<Media> {
    let written = |value: &Option<String>| {
        let value = value.as_deref()?.replace(char::is_control, " ");
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let normal = |part: &Media| Media {
        content_id: written(&part.content_id),
        content_location: written(&part.content_location),
        ..part.clone()
    };
    media.iter().map(normal).collect()
}
