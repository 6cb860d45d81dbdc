use proptest::prelude::*;

use super::*;

/// The registries of special addresses (RFC 6890 and what came after), as blocks: the longest that an address lies in says its kind.
const BLOCKS: &[(&str, u32, Kind)] = &[
    ("0.0.0.0", 0, Kind::Public),
    ("0.0.0.0", 8, Kind::Unspecified),
    ("10.0.0.0", 8, Kind::Private),
    ("100.64.0.0", 10, Kind::Private),
    ("127.0.0.0", 8, Kind::Loopback),
    ("169.254.0.0", 16, Kind::LinkLocal),
    ("172.16.0.0", 12, Kind::Private),
    ("192.0.0.0", 24, Kind::Reserved),
    ("192.0.2.0", 24, Kind::Reserved),
    ("192.88.99.0", 24, Kind::Reserved),
    ("192.168.0.0", 16, Kind::Private),
    ("198.18.0.0", 15, Kind::Private),
    ("198.51.100.0", 24, Kind::Reserved),
    ("203.0.113.0", 24, Kind::Reserved),
    ("224.0.0.0", 4, Kind::Multicast),
    ("240.0.0.0", 4, Kind::Reserved),
    ("255.255.255.255", 32, Kind::Broadcast),
    ("169.254.169.254", 32, Kind::Metadata),
    ("169.254.170.2", 32, Kind::Metadata),
    ("169.254.170.23", 32, Kind::Metadata),
    ("168.63.129.16", 32, Kind::Metadata),
    ("100.100.100.200", 32, Kind::Metadata),
    ("192.0.0.192", 32, Kind::Metadata),
    ("::", 0, Kind::Reserved),
    ("::", 128, Kind::Unspecified),
    ("::1", 128, Kind::Loopback),
    ("64:ff9b:1::", 48, Kind::Private),
    ("2000::", 3, Kind::Public),
    ("2001::", 23, Kind::Reserved),
    ("2001:db8::", 32, Kind::Reserved),
    ("3fff::", 20, Kind::Reserved),
    ("fc00::", 7, Kind::Private),
    ("fe80::", 10, Kind::LinkLocal),
    ("fec0::", 10, Kind::Private),
    ("ff00::", 8, Kind::Multicast),
    ("fd00:ec2::254", 128, Kind::Metadata),
    ("fd00:ec2::23", 128, Kind::Metadata),
    ("fd20:ce::254", 128, Kind::Metadata),
    ("fe80::a9fe:a9fe", 128, Kind::Metadata),
];

fn bits(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (true, u128::from(address.to_bits()) << 96),
        IpAddr::V6(address) => (false, address.to_bits()),
    }
}

fn reference(address: IpAddr) -> Kind {
    let (is_v4, number) = bits(address);
    let lies_in = |(first, length, _): &&(&str, u32, Kind)| {
        let (first_is_v4, first) = bits(first.parse().expect("an address"));
        is_v4 == first_is_v4 && (0..*length).all(|bit| (first ^ number) >> (127 - bit) & 1 == 0)
    };
    let longest = BLOCKS.iter().filter(lies_in).max_by_key(|(_, length, _)| *length);
    longest.expect("a block of length 0 has them all").2
}

/// Addresses in and around the blocks, since those at random are nearly all public.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    let firsts: Vec<Ipv4Addr> = BLOCKS.iter().filter_map(|(first, ..)| first.parse().ok()).collect();
    let near = (prop::sample::select(firsts), 0u32..=32, any::<u32>())
        .prop_map(|(first, keep, noise)| Ipv4Addr::from(first.to_bits() ^ noise.checked_shr(keep).unwrap_or(0)));
    prop_oneof![any::<u32>().prop_map(Ipv4Addr::from), near]
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    let firsts: Vec<Ipv6Addr> = BLOCKS.iter().filter_map(|(first, ..)| first.parse().ok()).collect();
    let near = (prop::sample::select(firsts), 0u32..=128, any::<u128>())
        .prop_map(|(first, keep, noise)| Ipv6Addr::from(first.to_bits() ^ noise.checked_shr(keep).unwrap_or(0)));
    prop_oneof![any::<u128>().prop_map(Ipv6Addr::from), near]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn an_ipv4_address_is_of_its_kind_in_every_dress(address in v4()) {
        let expected = reference(address.into());
        prop_assert_eq!(Kind::of(address.into()), expected);
        let [a, b] = [(address.to_bits() >> 16) as u16, address.to_bits() as u16];
        for (dress, v6) in [
            ("mapped", address.to_ipv6_mapped()),
            ("compatible", Ipv6Addr::new(0, 0, 0, 0, 0, 0, a, b)),
            ("NAT64", Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b)),
            ("6to4", Ipv6Addr::new(0x2002, a, b, 1, 2, 3, 4, 5)),
            ("Teredo client", Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !a, !b)),
        ] {
            // `::` and `::1` are IPv6's own, and say as much.
            if dress == "compatible" && address.to_bits() <= 1 {
                continue;
            }
            prop_assert_eq!(Kind::of(v6.into()), expected, "{} {}", dress, v6);
        }
        let behind = Ipv6Addr::new(0x2001, 0, a, b, 0, 0, !0x808, !0x808);
        prop_assert_eq!(Kind::of(behind.into()), expected, "a Teredo server {}", behind);
    }

    #[test]
    fn an_ipv6_address_is_of_its_kind(address in v6()) {
        let address = IpAddr::from(address);
        prop_assume!(within(address) == address);
        prop_assert_eq!(Kind::of(address), reference(address));
    }
}
