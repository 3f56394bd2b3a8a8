//! Checks of single values. Each gives what is wrong and the remedy, to stand after the value.

use std::net::IpAddr;

use crate::{
    address::Msisdn,
    mistake::Mistake,
    provisioning::{
        DialectName, NumberUrl, Prefix, Zone,
        carrier::SANDBOX,
        certificate::CertificateRule,
        reading::{CodeText, Unfit, nearest},
        words::OneOfWords,
    },
    url::PeerUrl,
    vocabulary::COUNTS_AS,
};
use ipnet::{IpNet, Ipv4Net};
use jiff::Timestamp;
use mm7::{Dialect, MmStatus, Namespace, StatusCode, Version, dialect::Statuses};

/// The largest body, message or content that may be allowed: 256 MiB.
pub const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// The longest name or id, in bytes.
const LONGEST_NAME: usize = 128;

/// A network (`10.0.0.0/8`), or a single address, which is a network of one.
///
/// # Errors
/// Why the text is no network.
pub fn network(text: String) -> Result<IpNet, Unfit> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(canonical(network)),
        Ok(network) => {
            let (address, whole) = (network.addr(), network.trunc());
            Err(("has an address inside its network", format!("write \"{whole}\" or \"{address}\"")).into())
        }
        Err(_) => Err(("is no network", "write one such as \"10.0.0.0/8\" or \"192.0.2.7\"").into()),
    }
}

/// A network of IPv4 that is written as one of IPv6, as what it is: so are the addresses that it is compared with.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(written) = network else { return network };
    let mapped = written.addr().to_ipv4_mapped().zip(written.prefix_len().checked_sub(96));
    mapped.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}

/// A point in time.
pub(super) fn timestamp(text: String) -> Result<Timestamp, Unfit> {
    text.parse().map_err(|_| ("is no time", "write one such as \"2026-11-29T02:00:00Z\"").into())
}

/// A name for people or an id of a service: any text that shows what it is.
pub(super) fn name(text: String) -> Result<String, Unfit> {
    if text.is_empty() {
        return Err(("is empty", "write a name").into());
    }
    if text.trim() != text || text.chars().any(char::is_control) || text.len() > LONGEST_NAME {
        return Err((
            "is no name",
            format!("write at most {LONGEST_NAME} bytes, without spaces around them or control characters"),
        )
            .into());
    }
    Ok(text)
}

/// The id of a carrier: it travels in HTTP headers and is a segment of a path.
pub(super) fn carrier_id(text: String) -> Result<String, Unfit> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"/?#%{}".contains(&byte);
    if text == SANDBOX {
        return Err(("is the id of the carrier inside of the gateway", "write another").into());
    }
    match !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(fits) {
        true => Ok(text),
        false => {
            Err(("is no carrier id", "write visible ASCII characters without / ? # % { }, such as \"31003\"")
                .into())
        }
    }
}

/// A SenderAddress: a short code, a number or a mail address, without spaces.
pub(super) fn sender(text: String) -> Result<String, Unfit> {
    let fits = |character: char| !character.is_whitespace() && !character.is_control();
    match !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(fits) {
        true => Ok(text),
        false => Err(("is no sender address", "write a short code or a number, such as \"111122\"").into()),
    }
}

/// The user name of basic authentication, which ends at the first colon (RFC 7617 clause 2).
pub(super) fn username(text: String) -> Result<String, Unfit> {
    match !text.is_empty() && !text.contains(':') && !text.chars().any(char::is_control) {
        true => Ok(text),
        false => Err(("is no user name", "write one without colons and control characters").into()),
    }
}

/// The name of a dialect.
pub(super) fn dialect(text: String) -> Result<DialectName, Unfit> {
    let names = Dialect::ALL.map(|dialect| (dialect.name, DialectName::new(dialect)));
    one_of(&names)(text)
}

/// One of the words of an enum.
pub(super) fn word<W: OneOfWords>(text: String) -> Result<W, Unfit> {
    let words: Vec<_> = W::ALL.iter().map(|value| (value.word(), *value)).collect();
    one_of(&words)(text)
}

/// The words that an account's reports may use.
pub(super) fn statuses(text: String) -> Result<Statuses, Unfit> {
    one_of(&Statuses::ALL.map(|statuses| (statuses.name(), statuses)))(text)
}

/// The name of an MM7 namespace, without what all have in common.
pub(super) fn namespace(text: String) -> Result<Namespace, Unfit> {
    Namespace::by_name(&text).ok_or_else(|| {
        ("is no namespace", "write REL-5-MM7-1-0 to REL-5-MM7-1-5 or REL-6-MM7-1-0 to REL-6-MM7-1-4").into()
    })
}

/// An MM7Version that the schema of a namespace lists.
pub(super) fn version(text: String, namespace: Namespace) -> Result<Version, Unfit> {
    match Version::parse(&text) {
        Ok(version) if namespace.knows(version) => Ok(version),
        Ok(_) => {
            let (name, usual) = (namespace.name(), namespace.default_version());
            Err((
                format!("is not listed by the schema of {name}"),
                format!("write \"{usual}\", or leave it out"),
            )
                .into())
        }
        Err(_) => Err(("is no version", "write one such as \"6.8.0\"").into()),
    }
}

/// Which client certificates are meant.
pub(super) fn certificate_rule(text: String) -> Result<CertificateRule, Unfit> {
    text.parse().map_err(|_| {
        (
            "means no certificate",
            "write \"sha256:…\" with its fingerprint, \"dns:mms.acme.example\" or \"cn:Acme Ltd\"",
        )
            .into()
    })
}

/// A word of a carrier's own in MMStatus. The problem stands after it.
pub(super) fn status_word(word: &str) -> Result<(), Mistake> {
    match !word.is_empty() && word.len() <= LONGEST_NAME && !word.chars().any(char::is_control) {
        true => Ok(()),
        false => {
            Err(("is no MMStatus", "write the carrier's word, at most 128 bytes, such as \"DELIVRD\"").into())
        }
    }
}

/// The name of a delivery status of our table.
pub(super) fn mm_status(text: String) -> Result<MmStatus, Unfit> {
    let names: Vec<_> = MmStatus::ALL.iter().map(|status| (status.as_str(), *status)).collect();
    one_of(&names)(text)
}

/// A StatusCode of a carrier's own. The problem stands after it.
pub(super) fn carrier_code(key: &str) -> Result<u32, Mistake> {
    let digits = key.trim();
    let is_code = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let code = if is_code { digits.parse().ok() } else { None };
    code.ok_or_else(|| {
        ("is no StatusCode", "write the carrier's number, at most 9 digits, such as \"4030\"").into()
    })
}

/// A code of our table that an answer of a carrier can count as.
pub(super) fn meant_code(CodeText(text): CodeText) -> Result<StatusCode, Unfit> {
    let code = text.trim().parse().ok().and_then(StatusCode::from_code);
    code.filter(|code| COUNTS_AS.contains(code)).ok_or_else(|| {
        let codes: Vec<_> = COUNTS_AS.iter().map(|code| code.code().to_string()).collect();
        ("is nothing that a carrier's answer can count as", format!("write one of {}", codes.join(", ")))
            .into()
    })
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(choices: &[(&'static str, T)]) -> impl FnOnce(String) -> Result<T, Unfit> {
    |text| {
        let chosen = choices.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, meant)| *meant).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let remedy = match nearest(&text, &words) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("write one of \"{}\"", words.join("\", \"")),
            };
            ("is not known", remedy).into()
        })
    }
}

/// A URL that requests are posted to. Never quoted: it may hold a key.
pub(super) fn peer_url(text: String) -> Result<PeerUrl, Unfit> {
    PeerUrl::parse(text).map_err(|error| Unfit::Alone(error.mistake()))
}

/// A URL in which `{msisdn}` stands for a number. Never quoted: it may hold a key.
pub(super) fn number_url(text: String) -> Result<NumberUrl, Unfit> {
    NumberUrl::parse(text).map_err(|error| Unfit::Alone(error.mistake()))
}

/// A server of the DNS and a zone of numbers.
pub(super) fn zone(text: String) -> Result<Zone, Unfit> {
    Zone::parse(&text).ok_or_else(|| {
        ("names no server and zone", "write dns://server/zone, such as \"dns://127.0.0.1:53/e164.arpa\"")
            .into()
    })
}

/// A media type, or a pattern of them (`image/*`), in lower case.
pub(super) fn media_type(text: String) -> Result<String, Unfit> {
    let token = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !part.is_empty() && part.bytes().all(fits)
    };
    let taken = match text.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, subtype)) => token(kind) && (subtype == "*" || token(subtype)),
        None => false,
    };
    match taken {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(("is no media type", "write one such as \"image/jpeg\" or \"image/*\"").into()),
    }
}

/// The leading digits of numbers.
pub(super) fn prefix(text: String) -> Result<Prefix, Unfit> {
    Prefix::parse(&text).ok_or_else(|| {
        ("is no prefix", "write 1 to 15 digits that do not begin with 0, such as \"1617\"").into()
    })
}

/// An international number, with a `+` before it or not.
pub(super) fn number(text: String) -> Result<Msisdn, Unfit> {
    Msisdn::parse(&text, true)
        .ok_or_else(|| ("is no international number", "write 7 to 15 digits that do not begin with 0").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv4_is_one_however_it_is_written() {
        for (written, read) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
        ] {
            let network = network(written.to_owned()).map(|network| network.to_string());
            assert_eq!(network.ok().as_deref(), Some(read), "{written}");
        }
    }
}
