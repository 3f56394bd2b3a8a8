//! Which addresses content may be fetched from: those of the public internet, and what `allow_private` names.
//!
//! A VASP chooses the URLs in its content, and must not reach through the gateway what it cannot reach itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(head: [u16; 4], length: u8) -> Ipv6Net {
    let [a, b, c, d] = head;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), length)
}

/// What of IPv4 is not the public internet (the registry of RFC 6890), and what clouds keep their own services at.
const REFUSED_V4: &[Ipv4Net] = &[
    // This network, 0.0.0.0 itself included, which many systems take for loopback.
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    // Shared by carrier-grade NAT; metadata of one cloud.
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // Link-local; metadata of most clouds.
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    // IETF protocol assignments; metadata of one cloud.
    v4(192, 0, 0, 0, 24),
    // Documentation, here and below.
    v4(192, 0, 2, 0, 24),
    // 6to4 relays.
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    // Benchmarks.
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // A public address at which one cloud serves its guests' host.
    v4(168, 63, 129, 16, 32),
    // Multicast; then reserved, with the broadcast address.
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// What of IPv6 is the public internet: everything else (loopback, unspecified, IPv4-compatible, NAT64, discard, unique local,
/// link-local, site-local, multicast) is refused.
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

/// What is refused within [`PUBLIC_V6`].
const REFUSED_V6: &[Ipv6Net] = &[
    // IETF protocol assignments, Teredo among them, which holds an IPv4 address.
    v6([0x2001, 0, 0, 0], 23),
    // Documentation.
    v6([0x2001, 0xdb8, 0, 0], 32),
    v6([0x3fff, 0, 0, 0], 20),
    // 6to4, which holds an IPv4 address.
    v6([0x2002, 0, 0, 0], 16),
];

/// NAT64 (RFC 6052), which holds an IPv4 address in its last 32 bits.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], 96);

/// The addresses that content may be fetched from.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    allowed: Vec<IpNet>,
}

impl AllowList {
    /// A list that lets through the public internet and these networks.
    pub const fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// The address to connect to, if that is let through: an IPv4 address that is mapped into IPv6 is judged, and connected to,
    /// as what it is.
    pub fn passed(&self, address: IpAddr) -> Option<IpAddr> {
        let address = address.to_canonical();
        self.is_passed(address).then_some(address)
    }

    fn is_passed(&self, address: IpAddr) -> bool {
        let is_allowed = self.allowed.iter().any(|network| network.contains(&address));
        match address {
            // Allowing the prefix allows the way and not every destination.
            IpAddr::V6(address) if NAT64.contains(&address) => {
                is_allowed && self.is_passed(embedded(address))
            }
            _ => is_allowed || is_public(address),
        }
    }
}

fn embedded(address: Ipv6Addr) -> IpAddr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d).into()
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !REFUSED_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            PUBLIC_V6.contains(&address) && !REFUSED_V6.iter().any(|network| network.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(allowed: &AllowList, address: &str) -> bool {
        allowed.passed(address.parse().unwrap()).is_some()
    }

    #[test]
    fn networks_are_refused_from_their_first_address_to_their_last() {
        let allowed = AllowList::default();
        for (before, first, last, after) in [
            ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("223.255.255.255", "224.0.0.0", "255.255.255.255", ""),
            ("", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"),
            ("2000:ffff::", "2001::", "2001:1ff:ffff:ffff::", "2001:200::"),
            ("2001:db7:ffff::", "2001:db8::", "2001:db8:ffff:ffff::", "2001:db9::"),
            ("2001:ffff::", "2002::", "2002:ffff:ffff::", "2003::"),
            ("3ffe:ffff::", "3fff::", "3fff:fff:ffff::", "3fff:1000::"),
            ("3fff:ffff::", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
        ] {
            for refused in [first, last] {
                assert!(!passes(&allowed, refused), "{refused}");
            }
            for passed in [before, after].into_iter().filter(|address| !address.is_empty()) {
                assert!(passes(&allowed, passed), "{passed}");
            }
        }
    }

    #[test]
    fn mapped_addresses_are_what_they_map() {
        let allowed = AllowList::new(vec!["10.1.0.0/16".parse().unwrap()]);
        let mapped =
            |address: &str| allowed.passed(address.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(mapped("::ffff:10.1.2.3").as_deref(), Some("10.1.2.3"));
        assert_eq!(mapped("::ffff:93.184.216.34").as_deref(), Some("93.184.216.34"));
        assert_eq!(mapped("::ffff:10.2.0.1"), None);
        assert_eq!(mapped("::10.1.2.3"), None);
    }

    #[test]
    fn nat64_is_a_way_and_no_destination() {
        let none = AllowList::default();
        let way = AllowList::new(vec!["64:ff9b::/96".parse().unwrap()]);
        let both = AllowList::new(vec!["64:ff9b::/96".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]);
        let (public, private) = ("64:ff9b::5db8:d822", "64:ff9b::a00:1");
        assert_eq!([&none, &way, &both].map(|allowed| passes(allowed, public)), [false, true, true]);
        assert_eq!([&none, &way, &both].map(|allowed| passes(allowed, private)), [false, false, true]);
    }
}
