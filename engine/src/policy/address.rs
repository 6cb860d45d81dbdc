//! What kind of network an address leads into, however it is written.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kinds of addresses that rules tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anywhere on the internet.
    Public,
    /// Somebody's own network: RFC 1918, RFC 6598 (carriers), RFC 4193, and networks for benchmarks (RFC 2544).
    Private,
    /// This machine.
    Loopback,
    /// `0.0.0.0` and the rest of its network, `::`: on Linux, this machine as well.
    Unspecified,
    /// Of this very cable, and where clouds keep services for a machine.
    LinkLocal,
    /// Answers whoever asks with what only this machine should know: keys of the cloud.
    Metadata,
    Multicast,
    Broadcast,
    /// Nobody has it: documentation, the future.
    Reserved,
}

impl Kind {
    pub fn of(address: IpAddr) -> Self {
        match within(address) {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// As it stands in a sentence: "a private address".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::Unspecified => "unspecified",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Reserved => "reserved",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where clouds answer with a machine's own keys. AWS (machines, containers, pods), Azure, Alibaba, Google, Oracle, and what
/// OpenStack serves by IPv6.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

/// The IPv4 address that an IPv6 address leads to, where it does: mapped (`::ffff:0:0/96`), compatible (`::/96`), NAT64
/// (`64:ff9b::/96`), 6to4 (`2002::/16`), Teredo (`2001::/32`). Any other address is itself.
pub fn within(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let from = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match v6.segments() {
        // `::` and `::1` are IPv6's own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => from(high, low),
        [0x2002, high, low, ..] => from(high, low),
        // The client's address stands in it inverted; its server's does as well, and matters if it is not anybody's.
        [0x2001, 0, server_high, server_low, .., high, low] => {
            let (server, client) = (from(server_high, server_low), from(!high, !low));
            if Kind::of(server) == Kind::Public { client } else { server }
        }
        _ => address,
    }
}

fn of_v4(address: Ipv4Addr) -> Kind {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        _ if METADATA_V4.contains(&address) => Kind::Metadata,
        _ if address.is_broadcast() => Kind::Broadcast,
        (0, ..) => Kind::Unspecified,
        (127, ..) => Kind::Loopback,
        (169, 254, _) => Kind::LinkLocal,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) | (198, 18 | 19, _) => Kind::Private,
        (224..=239, ..) => Kind::Multicast,
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113) | (240.., ..) => Kind::Reserved,
        _ => Kind::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        _ if METADATA_V6.contains(&address) => Kind::Metadata,
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        [0xfe80..=0xfebf, ..] => Kind::LinkLocal,
        [0xff00..=0xffff, ..] => Kind::Multicast,
        // Local networks, those of old (RFC 3879) and NAT64 of somebody's own (RFC 8215).
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Kind::Private,
        // Documentation, benchmarks, ORCHID.
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x2001, 0..=0x1ff, ..] => Kind::Reserved,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Reserved,
    }
}

#[cfg(test)]
mod tests;
