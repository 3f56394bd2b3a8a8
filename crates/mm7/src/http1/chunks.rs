//! Chunked bodies (RFC 9112 clause 7.1), counted: only the lines between the chunks are looked at.

use memchr::memchr2;

/// The most bytes of chunk extensions in a body.
const MAX_EXTENSIONS: usize = 16 << 10;
/// The most bytes of trailer lines behind a body.
const MAX_TRAILERS: usize = 16 << 10;

/// The framing of a chunked body is broken: where the body ends cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the framing of a chunked body is broken")]
pub struct BadChunk;

/// What is to be done with bytes of a chunked body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many bytes are passed on unchanged.
    pub pass: usize,
    /// How many of the bytes after them are trailers, which are dropped.
    pub skip: usize,
    /// Where the bytes of a chunk stand among those that go on; empty where these are only framing.
    pub data: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The first digit of a size.
    Start,
    /// A further one.
    Size,
    Blanks,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a trailer line, or of the empty line at the end.
    Line,
    Trailer,
    LastLf,
    End,
}

/// Counts a chunked body, however it is cut into pieces.
///
/// ```
/// use mm7::http1::Chunks;
/// let (mut chunks, mut body) = (Chunks::default(), Vec::new());
/// let bytes = b"2\r\nok\r\n0\r\n\r\nGET";
/// let mut at = 0;
/// while !chunks.is_over() {
///     let taken = chunks.take(&bytes[at..])?;
///     body.extend_from_slice(&bytes[at..at + taken.data]);
///     at += taken.pass + taken.skip;
/// }
/// assert_eq!((body.as_slice(), &bytes[at..]), (&b"ok"[..], &b"GET"[..]));
/// # Ok::<(), mm7::http1::BadChunk>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chunks {
    at: At,
    /// The size that is being read, then what is left of the chunk.
    left: u64,
    extensions: usize,
    trailers: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { at: At::Start, left: 0, extensions: 0, trailers: 0 }
    }
}

impl Chunks {
    /// Whether the body is over: what comes now is the next request.
    pub fn is_over(&self) -> bool {
        self.at == At::End
    }

    /// How many bytes of the chunk are still to come, which need not be looked at; 0 elsewhere.
    pub fn left(&self) -> u64 {
        if self.at == At::Data { self.left } else { 0 }
    }

    /// Takes the next bytes: at least one, if there is one and the body is not over.
    ///
    /// # Errors
    /// [`BadChunk`]; nothing is taken then.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Taken, BadChunk> {
        match self.at {
            At::End => Ok(Taken::default()),
            At::Data => Ok(self.take_data(bytes)),
            At::Trailer => self.take_trailer(bytes),
            _ => match self.take_framing(bytes)? {
                Taken { pass: 0, .. } if self.at == At::Trailer => self.take_trailer(bytes),
                taken => Ok(taken),
            },
        }
    }

    fn take_data(&mut self, bytes: &[u8]) -> Taken {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let data = bytes.len().min(left);
        self.left -= data as u64;
        if self.left == 0 {
            self.at = At::DataCr;
        }
        Taken { pass: data, skip: 0, data }
    }

    fn take_trailer(&mut self, bytes: &[u8]) -> Result<Taken, BadChunk> {
        let skip = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
        self.trailers = within(self.trailers + skip, MAX_TRAILERS)?;
        if skip > 0 && bytes.get(skip - 1) == Some(&b'\n') {
            self.at = At::Line;
        }
        Ok(Taken { skip, ..Taken::default() })
    }

    /// Takes what stands between the chunks, up to the next one, or to the trailers.
    fn take_framing(&mut self, bytes: &[u8]) -> Result<Taken, BadChunk> {
        let mut pass = 0;
        while let Some(byte) = bytes.get(pass) {
            match (self.at, byte) {
                (At::Data | At::Trailer | At::End, _) => break,
                (At::Extension, _) => pass += self.extension(bytes.get(pass..).unwrap_or_default())?,
                _ => {
                    self.at = self.after(*byte)?;
                    pass += usize::from(self.at != At::Trailer);
                }
            }
        }
        Ok(Taken { pass, ..Taken::default() })
    }

    /// Where a byte between the chunks leads.
    fn after(&mut self, byte: u8) -> Result<At, BadChunk> {
        match (self.at, byte) {
            (At::Start | At::Size, digit) if digit.is_ascii_hexdigit() => {
                let digit = char::from(digit).to_digit(16).ok_or(BadChunk)?;
                let size = self.left.checked_mul(16).and_then(|size| size.checked_add(digit.into()));
                self.left = size.ok_or(BadChunk)?;
                Ok(At::Size)
            }
            (At::Size | At::Blanks, b' ' | b'\t') => Ok(At::Blanks),
            (At::Size | At::Blanks, b';') => Ok(At::Extension),
            (At::Size | At::Blanks, b'\r') => Ok(At::SizeLf),
            (At::SizeLf, b'\n') if self.left == 0 => Ok(At::Line),
            (At::SizeLf, b'\n') => Ok(At::Data),
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(At::Start),
            (At::Line, b'\r') => Ok(At::LastLf),
            (At::Line, b'\n') => Err(BadChunk),
            (At::Line, _) => Ok(At::Trailer),
            (At::LastLf, b'\n') => Ok(At::End),
            _ => Err(BadChunk),
        }
    }

    /// An extension ends with CR LF; with LF alone readers differ.
    fn extension(&mut self, bytes: &[u8]) -> Result<usize, BadChunk> {
        let length = memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
        self.extensions = within(self.extensions + length, MAX_EXTENSIONS)?;
        match bytes.get(length) {
            None => Ok(length),
            Some(b'\r') => {
                self.at = At::SizeLf;
                Ok(length + 1)
            }
            Some(_) => Err(BadChunk),
        }
    }
}

const fn within(count: usize, limit: usize) -> Result<usize, BadChunk> {
    if count < limit { Ok(count) } else { Err(BadChunk) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, what goes on, and what comes behind; `Err` with what went on before the break.
    type Read = Result<(Vec<u8>, Vec<u8>, Vec<u8>), Vec<u8>>;

    fn read(bytes: &[u8], piece: usize) -> Read {
        let (mut chunks, mut body, mut passed) = (Chunks::default(), Vec::new(), Vec::new());
        let mut behind = Vec::new();
        for mut piece in bytes.chunks(piece) {
            while !piece.is_empty() && !chunks.is_over() {
                let Ok(taken) = chunks.take(piece) else { return Err(passed) };
                assert!(taken.pass + taken.skip > 0);
                body.extend_from_slice(&piece[..taken.data]);
                passed.extend_from_slice(&piece[..taken.pass]);
                piece = &piece[taken.pass + taken.skip..];
            }
            behind.extend_from_slice(piece);
        }
        if chunks.is_over() { Ok((body, passed, behind)) } else { Err(passed) }
    }

    #[test]
    fn bodies_end_where_they_end_in_any_pieces() {
        for (bytes, body, passed) in [
            ("0\r\n\r\n", "", "0\r\n\r\n"),
            ("5\r\nhello\r\n0\r\n\r\n", "hello", "5\r\nhello\r\n0\r\n\r\n"),
            ("1\r\na\r\n00A \t\r\n0\r\n\r\n56789\r\n0\r\n\r\n", "a0\r\n\r\n56789", ""),
            ("2;name=\"v\"\r\n\r\n\r\n000;x\r\n\r\n", "\r\n", ""),
            ("0\r\nTrailer: a\r\n folded\n\r\n", "", "0\r\n\r\n"),
            ("1\r\nx\r\n0\r\nContent-Length: 5\r\nno colon\r\n\r\n", "x", "1\r\nx\r\n0\r\n\r\n"),
        ] {
            for piece in [1, 2, 3, 7, 1000] {
                let whole = format!("{bytes}GET / HTTP/1.1\r\n");
                let (read_body, read_passed, behind) = read(whole.as_bytes(), piece).unwrap();
                assert_eq!(String::from_utf8(read_body).unwrap(), body, "{bytes:?} in pieces of {piece}");
                assert_eq!(behind, b"GET / HTTP/1.1\r\n", "{bytes:?} in pieces of {piece}");
                let expected = if passed.is_empty() { bytes } else { passed };
                assert_eq!(String::from_utf8(read_passed).unwrap(), expected);
            }
        }
    }

    #[test]
    fn what_readers_may_understand_differently_is_broken() {
        for bytes in [
            "\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5 5\r\nhello\r\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello!\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r\n\r\n0\r\n\r\n",
            "10000000000000000\r\nx",
            "0\r\n\n",
            "0\r\n\rx",
            "",
        ] {
            let broken: Vec<_> = [1, 2, 5, 1000].map(|piece| read(bytes.as_bytes(), piece).is_err()).to_vec();
            assert_eq!(broken, [true; 4], "{bytes:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_have_their_bounds() {
        let long = |count: usize| "x".repeat(count);
        for (bytes, holds) in [
            (format!("1;{}\r\nx\r\n0\r\n\r\n", long(MAX_EXTENSIONS - 1)), true),
            (format!("1;{}\r\nx\r\n0\r\n\r\n", long(MAX_EXTENSIONS)), false),
            (format!("0\r\n{}\r\n\r\n", long(MAX_TRAILERS - 3)), true),
            (format!("0\r\n{}\r\n\r\n", long(MAX_TRAILERS)), false),
            (format!("{}\r\n\r\n", "1;abc\r\nx\r\n".repeat(MAX_EXTENSIONS)), false),
        ] {
            for piece in [1, 100, 1 << 20] {
                assert_eq!(read(bytes.as_bytes(), piece).is_ok(), holds, "{} bytes", bytes.len());
            }
        }
    }
}
