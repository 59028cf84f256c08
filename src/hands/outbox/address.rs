//! Where an address leads: to the world, to a private network, to this machine, or nowhere a webhook belongs.
//!
//! A receiver's name is resolved when a message leaves, so a name may come to lead to a place inside that its owner may reach
//! through us only. Hence only addresses of the kind that was asked for are spoken to.
//! Must never: take an address for public because it is written in another form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To the world.
    Public,
    /// To a private network: RFC 1918, carriers' NAT (RFC 6598), unique local IPv6 (RFC 4193).
    Private,
    /// To this machine.
    Loopback,
    /// To neighbours on the link, which is where clouds keep their metadata; to a group; or nowhere at all.
    Nowhere,
}

/// Where an address leads, by the registries of special-purpose addresses (RFC 6890).
#[must_use]
pub fn kind(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V4(ip) => kind_v4(ip),
        IpAddr::V6(ip) => embedded(ip).map_or_else(|| kind_v6(ip), kind_v4),
    }
}

fn kind_v4(ip: Ipv4Addr) -> Kind {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (127, ..) => Kind::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Kind::Private,
        // This network, link-local, protocol assignments, documentation, benchmarks, groups, the future, everybody.
        (0, ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113)
        | (224..=255, ..) => Kind::Nowhere,
        _ => Kind::Public,
    }
}

fn kind_v6(ip: Ipv6Addr) -> Kind {
    let [a, b, ..] = ip.segments();
    match (a, b) {
        _ if ip.is_loopback() => Kind::Loopback,
        (0xfc00..=0xfdff, _) => Kind::Private,
        (0x2001, 0x0db8 | 0x0000..=0x01ff) => Kind::Nowhere,
        // Global unicast is all that is given out.
        (0x2000..=0x3fff, _) => Kind::Public,
        _ => Kind::Nowhere,
    }
}

/// The IPv4 address inside an IPv6 address that stands for it: mapped, NAT64, 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_leads_where_the_registries_say() {
        for (kind_expected, addresses) in [
            (
                Kind::Public,
                "8.8.8.8 1.1.1.1 172.15.0.1 172.32.0.1 100.128.0.1 192.169.0.1 2606:4700::1111 ::ffff:8.8.8.8",
            ),
            (
                Kind::Private,
                "10.0.0.1 172.16.0.1 172.31.255.1 192.168.1.1 100.64.0.1 fd00::1 ::ffff:10.1.2.3 64:ff9b::a00:1",
            ),
            (Kind::Loopback, "127.0.0.1 127.9.9.9 ::1 ::ffff:127.0.0.1"),
            (
                Kind::Nowhere,
                "0.0.0.0 169.254.169.254 192.0.0.8 192.0.2.1 198.18.0.1 203.0.113.9 224.0.0.1 255.255.255.255 :: fe80::1 \
                 fec0::1 ff02::1 2001:db8::1 2001::1 ::ffff:169.254.169.254 2002:a9fe:a9fe::1 100::1",
            ),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(kind(address.parse().unwrap()), kind_expected, "{address}");
            }
        }
        assert_eq!(kind("2002:7f00:1::1".parse().unwrap()), Kind::Loopback, "6to4 of 127.0.0.1");
    }
}
