//! Pictures that move, by the headers of their files.

/// Whether a file has more than one picture to show: a GIF or WebP that moves.
///
/// ```
/// use mm7::sniff::is_animated;
/// assert!(is_animated(b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x02"));
/// assert!(!is_animated(b"\x89PNG\r\n\x1a\n"));
/// ```
pub fn is_animated(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"GIF8") {
        return gif_pictures(bytes).is_some_and(|pictures| pictures > 1);
    }
    // The flags of an extended WebP (RFC 9649 clause 2.7).
    bytes.get(8..16) == Some(b"WEBPVP8X") && bytes.get(20).is_some_and(|flags| flags & 0x02 != 0)
}

/// How many pictures a GIF has, up to two; `None` where it breaks off before that (GIF89a clauses 18 to 26).
fn gif_pictures(bytes: &[u8]) -> Option<usize> {
    let mut blocks = GifBlocks { bytes, at: 10 };
    let flags = blocks.next()?;
    blocks.at += 2;
    blocks.skip_table(flags);
    let mut pictures = 0;
    while pictures < 2 {
        match blocks.next()? {
            0x2c => {
                blocks.at += 8;
                let flags = blocks.next()?;
                blocks.skip_table(flags);
                blocks.at += 1;
                pictures += 1;
            }
            0x21 => blocks.at += 1,
            _ => break,
        }
        blocks.skip_blocks()?;
    }
    Some(pictures)
}

struct GifBlocks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl GifBlocks<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    /// A table of colours, if these flags say that there is one.
    const fn skip_table(&mut self, flags: u8) {
        if flags & 0x80 != 0 {
            self.at += 3 << ((flags & 0x07) + 1);
        }
    }

    fn skip_blocks(&mut self) -> Option<()> {
        loop {
            match self.next()? {
                0 => return Some(()),
                length => self.at += usize::from(length),
            }
        }
    }
}
