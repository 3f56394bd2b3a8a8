//! Who is behind a proxy that is ours: X-Forwarded-For and X-Forwarded-Proto, believed of such proxies alone.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The networks of our proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies(pub Vec<IpNet>);

/// Who asks, as far as our proxies tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// Its address; an IPv4 one is never in the form of IPv6.
    pub address: IpAddr,
    /// Whether it speaks TLS to us, or to our proxy.
    pub tls: bool,
}

impl Proxies {
    /// Who asks, when a peer at this address, over TLS or not, sent these headers.
    pub fn requester(&self, headers: &HeaderMap, peer: SocketAddr, tls: bool) -> Requester {
        let address = peer.ip().to_canonical();
        if !self.is_ours(address) {
            return Requester { address, tls };
        }
        Requester {
            address: self.forwarded_for(headers, address),
            tls: forwarded_over_tls(headers).unwrap_or(tls),
        }
    }

    /// Whether an address is one of theirs.
    pub fn is_ours(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The last address of X-Forwarded-For that is not one of our proxies: those before it, anyone could have written.
    fn forwarded_for(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let lines: Vec<_> =
            headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        let mut nearest = peer;
        for hop in hops {
            let Some(address) = hop_address(hop.trim()) else { break };
            nearest = address;
            if !self.is_ours(address) {
                break;
            }
        }
        nearest
    }
}

/// The address of a hop, which some proxies write with a port, or in brackets.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
    let in_brackets = || hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop).parse();
    in_brackets().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

/// Whether the last scheme of X-Forwarded-Proto, which our proxy wrote, is https; `None` where there is none.
fn forwarded_over_tls(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all("x-forwarded-proto").iter().next_back()?;
    let scheme = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
    Some(scheme.trim_ascii().eq_ignore_ascii_case(b"https"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn requester(peer: &str, lines: &[(&'static str, &'static str)]) -> (String, bool) {
        let networks = ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        let Requester { address, tls } = Proxies(networks.to_vec()).requester(&headers, peer, false);
        (address.to_string(), tls)
    }

    #[test]
    fn the_rightmost_address_that_is_not_a_proxy_of_ours_asks() {
        for (peer, forwarded, expected) in [
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("::ffff:192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("fd00::1", "2001:db8::7", "2001:db8::7"),
            ("127.0.0.1", "1.1.1.1, 198.51.100.7, 10.2.3.4", "198.51.100.7"),
            ("127.0.0.1", "1.1.1.1,198.51.100.7,::ffff:10.2.3.4", "198.51.100.7"),
            ("127.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
            ("127.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
            ("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
            ("127.0.0.1", "[2001:db8::7]", "2001:db8::7"),
            ("127.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
            ("127.0.0.1", "198.51.100.7, unknown", "127.0.0.1"),
            ("127.0.0.1", "198.51.100.7, unknown, 10.2.2.2", "10.2.2.2"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", ",,,", "127.0.0.1"),
            ("127.0.0.1", "198.51.100.7 , ", "127.0.0.1"),
            ("127.0.0.1", "1.2.3, 300.1.1.1", "127.0.0.1"),
        ] {
            assert_eq!(requester(peer, &[("x-forwarded-for", forwarded)]).0, expected, "{peer} {forwarded}");
        }
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7, 10.1.1.1")];
        assert_eq!(requester("127.0.0.1", &lines).0, "198.51.100.7");
    }

    #[test]
    fn the_last_scheme_counts_and_only_of_our_proxies() {
        for (peer, lines, tls) in [
            ("192.0.2.1", &["https"][..], false),
            ("127.0.0.1", &["https"], true),
            ("127.0.0.1", &["HTTPS"], true),
            ("127.0.0.1", &["http, https"], true),
            ("127.0.0.1", &["https, http"], false),
            ("127.0.0.1", &["https", "http"], false),
            ("127.0.0.1", &["ftp"], false),
            ("127.0.0.1", &[], false),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-proto", *line)).collect();
            assert_eq!(requester(peer, &lines).1, tls, "{peer} {lines:?}");
        }
    }
}
