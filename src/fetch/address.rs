//! Which addresses are part of the public internet, and which belong to the node's own surroundings or to nobody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The internet.
    Public,
    /// This machine or its surroundings: loopback, link-local, private networks, and what providers put there.
    Private,
    /// No single host: unspecified, multicast, reserved, documentation.
    Nowhere,
}

/// Networks of IPv4 that are not public, as address and length of the prefix.
const V4: [(Ipv4Addr, u32, Place); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, Place::Nowhere),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Place::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Place::Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Place::Private),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Place::Private),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Place::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Place::Private),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Place::Nowhere),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Place::Nowhere),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Place::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Place::Private),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Place::Nowhere),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Place::Nowhere),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Place::Nowhere),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Place::Nowhere),
    // The virtual machines' host of a large provider: its address looks public, but is found only from inside.
    (Ipv4Addr::new(168, 63, 129, 16), 32, Place::Private),
];

/// Networks of IPv6 that say by themselves where they lead. What is in none of them is public below `2000::/3` alone.
const V6: [(Ipv6Addr, u32, Place); 13] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 128, Place::Nowhere),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 1), 128, Place::Private),
    // Translation within one's own network.
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Place::Private),
    // Teredo and the identifiers of ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Place::Nowhere),
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, Place::Private),
    (Ipv6Addr::new(0x2001, 0x10, 0, 0, 0, 0, 0, 0), 28, Place::Nowhere),
    (Ipv6Addr::new(0x2001, 0x20, 0, 0, 0, 0, 0, 0), 28, Place::Nowhere),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Place::Nowhere),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Place::Nowhere),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Place::Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Place::Private),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Place::Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Place::Nowhere),
];

/// Networks of IPv6 that carry an address of IPv4, and the segment that it begins in.
const CARRIERS: [(Ipv6Addr, u32, usize); 5] = [
    // Compatible, mapped, translated.
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96, 6),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 6),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, 6),
    // NAT64 and 6to4.
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 6),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 1),
];

/// Where an address leads, whichever way it is written.
pub fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    let bits = address.to_bits();
    let holds = |(network, length, _): &&(Ipv4Addr, u32, Place)| (bits ^ network.to_bits()) >> (32 - length) == 0;
    V4.iter().find(holds).map_or(Place::Public, |(_, _, place)| *place)
}

fn place_v6(address: Ipv6Addr) -> Place {
    let within = |network: Ipv6Addr, length: u32| (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0;
    if let Some((_, _, place)) = V6.iter().find(|(network, length, _)| within(*network, *length)) {
        return *place;
    }
    if let Some((_, _, at)) = CARRIERS.iter().find(|(network, length, _)| within(*network, *length)) {
        let segments = address.segments();
        return place_v4(Ipv4Addr::from_bits(u32::from(segments[*at]) << 16 | u32::from(segments[at + 1])));
    }
    if within(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3) { Place::Public } else { Place::Nowhere }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(addresses: &[&str]) -> Vec<Place> {
        addresses.iter().map(|address| place(address.parse().expect(address))).collect()
    }

    #[test]
    fn the_internet_is_public() {
        let addresses = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ];
        for (address, place) in addresses.iter().zip(placed(&addresses)) {
            assert_eq!(place, Place::Public, "{address}");
        }
    }

    #[test]
    fn what_surrounds_the_node_is_private_in_every_guise() {
        let addresses = [
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "168.63.129.16",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "2001:2::1",
        ];
        for (address, place) in addresses.iter().zip(placed(&addresses)) {
            assert_eq!(place, Place::Private, "{address}");
        }
    }

    #[test]
    fn what_is_no_single_host_leads_nowhere() {
        let addresses = [
            "0.0.0.0",
            "0.1.2.3",
            "192.0.2.1",
            "192.88.99.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
            "64:ff9b::0.0.0.0",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:e000:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "ff02::1",
        ];
        for (address, place) in addresses.iter().zip(placed(&addresses)) {
            assert_eq!(place, Place::Nowhere, "{address}");
        }
    }
}
