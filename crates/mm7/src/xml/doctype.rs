//! Passes over a DOCTYPE (XML 1.0 clause 2.8): what it declares is not read, and so nothing is ever expanded.

use memchr::{memchr, memchr2, memmem};

/// Where a DOCTYPE ends that `bytes` begin with, behind its `>`; `None` where it never does.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let mut at = "<!DOCTYPE".len();
    let mut in_subset = false;
    loop {
        let rest = bytes.get(at..)?;
        let found = match in_subset {
            false => rest.iter().position(|byte| matches!(byte, b'\'' | b'"' | b'[' | b'>'))?,
            true => memchr2(b']', b'<', rest)?,
        };
        at += found + 1;
        let behind = rest.get(found + 1..)?;
        match rest.get(found)? {
            b'>' => return Some(at),
            b'[' => in_subset = true,
            b']' => return Some(at + memchr(b'>', behind)? + 1),
            b'<' => at += declaration(behind)?,
            quote => at += memchr(*quote, behind)? + 1,
        }
    }
}

/// The length of what stands in a DOCTYPE's brackets, behind its `<`: a comment, a processing instruction or a declaration.
fn declaration(bytes: &[u8]) -> Option<usize> {
    let end = |end: &[u8]| Some(memmem::find(bytes, end)? + end.len());
    if bytes.starts_with(b"!--") {
        return end(b"-->");
    }
    if bytes.starts_with(b"?") {
        return end(b"?>");
    }
    // Only these have values, in which a `>` may stand.
    let has_values =
        ["!ATTLIST", "!ENTITY", "!NOTATION"].iter().any(|word| bytes.starts_with(word.as_bytes()));
    if !has_values {
        return end(b">");
    }
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        let found = rest.iter().position(|byte| matches!(byte, b'\'' | b'"' | b'>'))?;
        at += found + 1;
        match rest.get(found)? {
            b'>' => return Some(at),
            quote => at += memchr(*quote, rest.get(found + 1..)?)? + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doctype_ends_behind_all_that_it_declares() {
        for doctype in [
            "<!DOCTYPE smil>",
            "<!doctype smil PUBLIC \"-//W3C//DTD SMIL 1.0//EN\" 'http://a/>'>",
            "<!DOCTYPE smil [<!ENTITY a \"]>\"><!-- ' ]> --><?p ' ]> ?><!ELEMENT smil (a|b)*> %x; ] >",
        ] {
            let text = format!("{doctype}<smil/>");
            assert_eq!(length(text.as_bytes()), Some(doctype.len()), "{doctype}");
        }
        for open in [
            "<!DOCTYPE",
            "<!DOCTYPE a [",
            "<!DOCTYPE a '>",
            "<!DOCTYPE a [<!ENTITY b '>]>",
            "<!DOCTYPE a [<!-- ]>",
        ] {
            assert_eq!(length(open.as_bytes()), None, "{open}");
        }
    }
}
