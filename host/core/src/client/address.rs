//! Which addresses of the network are public. One table, and one answer: what is not a
//! globally routable unicast address is not public, in whatever notation it comes.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// Networks that are not public, and what they are.
const RESERVED: [(&str, &str); 38] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    (
        "100.64.0.0/10",
        "shared by carriers, and metadata of clouds",
    ),
    ("127.0.0.0/8", "this machine"),
    ("168.63.129.16/32", "metadata of a cloud"),
    ("169.254.0.0/16", "link-local, and metadata of clouds"),
    ("172.16.0.0/12", "private"),
    (
        "192.0.0.0/24",
        "reserved for protocols, and metadata of a cloud",
    ),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved, and broadcast"),
    ("::/128", "unspecified"),
    ("::1/128", "this machine"),
    ("::ffff:0:0/96", "IPv4 mapped into IPv6"),
    ("::ffff:0:0:0/96", "IPv4 translated into IPv6"),
    ("::/96", "IPv4 in IPv6"),
    ("64:ff9b::/96", "IPv4 behind NAT64"),
    ("64:ff9b:1::/48", "IPv4 behind a local NAT64"),
    ("100::/64", "discarded"),
    ("100:0:0:1::/64", "a dummy prefix"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "benchmarking"),
    ("2001:10::/28", "ORCHID"),
    ("2001:20::/28", "ORCHID"),
    ("2001::/23", "reserved for protocols"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private, and metadata of a cloud"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

static NETWORKS: LazyLock<Vec<(IpNet, &str)>> = LazyLock::new(|| {
    let parsed = RESERVED
        .iter()
        .map(|(network, what)| Some((network.parse().ok()?, *what)));
    parsed.flatten().collect()
});

/// Why an address is not public; `None` if it is.
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    let known = NETWORKS
        .iter()
        .find(|(network, _)| network.contains(&address));
    match (known, address) {
        (Some((_, what)), _) => Some(what),
        // Of IPv6 only 2000::/3 is given out.
        (None, IpAddr::V6(v6)) if v6.segments()[0] >> 13 != 1 => Some("reserved"),
        (None, _) => None,
    }
}

/// Why a host is not public, as far as its text tells: a number, or a name of this machine. What
/// other names stand for is seen when they are looked up.
pub fn host_not_public(host: &str) -> Option<&'static str> {
    if let Ok(address) = host.parse() {
        return not_public(address);
    }
    let is_here = host == "localhost" || host.ends_with(".localhost");
    is_here.then_some("this machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(NETWORKS.len(), RESERVED.len());
    }

    #[test]
    fn public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
        ] {
            assert_eq!(not_public(text.parse().expect(text)), None, "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:a9fe:a9fe",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "1::1",
        ] {
            assert!(not_public(text.parse().expect(text)).is_some(), "{text}");
        }
    }
}
