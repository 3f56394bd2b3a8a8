//! ENUM (RFC 6116): the question for a number, and the carrier in the NAPTR records (RFC 3403) that answer it. No I/O.
//!
//! Of DNS only what this needs: names are written and passed over, never expanded.

use posthouse_core::{address::Msisdn, provisioning::Zone};

use super::{answers::KnownCarrier, provider::ProviderError};

/// The longest carrier name that is taken, in bytes: no carrier has a longer one.
const LONGEST_NAME: usize = 128;
/// A DNS header (RFC 1035 clause 4.1.1).
const HEADER: usize = 12;
const TYPE_NAPTR: u16 = 35;
const CLASS_IN: u16 = 1;
const RECURSION_DESIRED: u16 = 0x0100;
const IS_REPLY: u16 = 0x8000;
const IS_TRUNCATED: u16 = 0x0200;
const RCODE: u16 = 0x000f;
const NXDOMAIN: u16 = 3;

/// The question for a number's NAPTR records.
pub(super) fn question_for(zone: &Zone, number: &Msisdn, id: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + 300);
    for word in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    for digit in number.as_str().bytes().rev() {
        bytes.extend_from_slice(&[1, digit]);
    }
    for label in zone.labels() {
        // A label has at most 63 bytes.
        bytes.push(u8::try_from(label.len()).unwrap_or_default());
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    for word in [TYPE_NAPTR, CLASS_IN] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes
}

/// Whether bytes are the reply to this question, and not to another or by a stranger.
pub(super) fn replies_to(reply: &[u8], question: &[u8]) -> bool {
    let flagged = reply.get(2..4).is_some_and(|flags| flags.first().is_some_and(|byte| byte & 0x80 != 0));
    // The records begin where the question ends: a reply repeats it.
    let same = |part: std::ops::Range<usize>| match (reply.get(part.clone()), question.get(part)) {
        (Some(reply), Some(question)) => reply.eq_ignore_ascii_case(question),
        _ => false,
    };
    flagged && same(0..2) && same(4..6) && same(HEADER..question.len())
}

/// Whether the reply did not fit: the whole of it is to be had over TCP.
pub(super) fn is_truncated(reply: &[u8]) -> bool {
    Bytes(reply.get(2..).unwrap_or_default()).u16().is_some_and(|flags| flags & IS_TRUNCATED != 0)
}

/// The carrier that a reply names.
pub(super) fn read(reply: &[u8], question: &[u8]) -> Result<KnownCarrier, ProviderError> {
    let malformed = || ProviderError("a malformed DNS reply".to_owned());
    let header = Bytes(reply.get(2..).unwrap_or_default());
    let (flags, _, answers) = { header }.three().ok_or_else(malformed)?;
    match flags & RCODE {
        _ if flags & IS_REPLY == 0 => return Err(malformed()),
        0 => {}
        NXDOMAIN => return Ok(None),
        rcode => return Err(ProviderError(format!("DNS response code {rcode}"))),
    }
    let mut records = Bytes(reply.get(question.len()..).ok_or_else(malformed)?);
    let mut best: Option<(u16, u16, String)> = None;
    for _ in 0..answers {
        let Some(naptr) = records.record().ok_or_else(malformed)? else { continue };
        let Some(name) = naptr.carrier() else { continue };
        let rank = (naptr.order, naptr.preference);
        if best.as_ref().is_none_or(|(order, preference, _)| rank < (*order, *preference)) {
            best = Some((rank.0, rank.1, name));
        }
    }
    Ok(best.map(|(_, _, name)| name.into()))
}

/// A NAPTR record.
struct Naptr<'a> {
    order: u16,
    preference: u16,
    flags: &'a [u8],
    services: &'a [u8],
    regexp: &'a [u8],
}

impl Naptr<'_> {
    /// The carrier that it names: the host of a `mailto:` URI, in lower case, or `spn` of a `tel:` URI.
    fn carrier(&self) -> Option<String> {
        let services = str::from_utf8(self.services).ok()?;
        if !self.flags.eq_ignore_ascii_case(b"u") || !is_carriers(services) {
            return None;
        }
        let uri = replacement(str::from_utf8(self.regexp).ok()?)?;
        let (scheme, rest) = uri.split_once(':')?;
        let name = match scheme.to_ascii_lowercase().as_str() {
            "mailto" => {
                let address = rest.split_once('?').map_or(rest, |(address, _)| address);
                address.rsplit_once('@')?.1.to_ascii_lowercase()
            }
            "tel" => {
                let named = |parameter: &str| {
                    let (key, value) = parameter.split_once('=')?;
                    key.eq_ignore_ascii_case("spn").then(|| value.to_owned())
                };
                rest.split(';').skip(1).find_map(named)?
            }
            _ => return None,
        };
        // A back-reference stands for digits of the number, and no digits of a number are a carrier.
        let usable = (1..=LONGEST_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        usable.then_some(name)
    }
}

/// Whether a service field is one of `E2U+mms…` (RFC 4355) and `E2U+pstn…` (RFC 4769), perhaps among others.
fn is_carriers(services: &str) -> bool {
    let mut services = services.split('+');
    let is = |text: &str, kind: &str| text.eq_ignore_ascii_case(kind);
    services.next().is_some_and(|first| is(first, "E2U"))
        && services.any(|service| {
            let kind = service.split(':').next().unwrap_or_default();
            is(kind, "mms") || is(kind, "pstn")
        })
}

/// What stands between the second and the third delimiter of `!^.*$!mailto:…!`. The expression before it is not applied: a
/// record that stands at a number's own name is about that number.
fn replacement(regexp: &str) -> Option<&str> {
    let delimiter = regexp.chars().next()?;
    let mut fields = regexp.get(delimiter.len_utf8()..)?.split(delimiter);
    let mut expression = fields.next()?;
    // A delimiter behind a backslash is none.
    while expression.ends_with('\\') {
        expression = fields.next()?;
    }
    let replacement = fields.next()?;
    fields.next()?;
    Some(replacement)
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn three(mut self) -> Option<(u16, u16, u16)> {
        Some((self.u16()?, self.u16()?, self.u16()?))
    }

    /// Passes over a name: labels, and perhaps a pointer, which ends it.
    fn name(&mut self) -> Option<()> {
        loop {
            match self.u8()? {
                0 => return Some(()),
                length @ 1..=63 => self.take(length.into())?,
                0xc0.. => return self.u8().map(drop),
                64..=0xbf => return None,
            };
        }
    }

    /// A character-string (RFC 1035 clause 3.3).
    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// Reads a record. `Some(None)`: it is no NAPTR. `None`: it is malformed.
    fn record(&mut self) -> Option<Option<Naptr<'a>>> {
        self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        self.take(4)?;
        let length = self.u16()?;
        let mut data = Bytes(self.take(length.into())?);
        if (kind, class) != (TYPE_NAPTR, CLASS_IN) {
            return Some(None);
        }
        Some(Some(Naptr {
            order: data.u16()?,
            preference: data.u16()?,
            flags: data.text()?,
            services: data.text()?,
            regexp: data.text()?,
        }))
    }
}

#[cfg(test)]
pub(super) mod tests;
