//! Addresses that no journey should reach, in all their spellings.

use std::net::Ipv4Addr;

/// An IPv4 address as it could be written as the host of a URL.
pub fn spellings(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let number = address.to_bits();
    let (high, low) = (number >> 16, number & 0xffff);
    let (rest, escaped): (u32, String) = (number & 0xff_ffff, format!("%{:02x}", a.to_string().as_bytes()[0]));
    let wide: String = address
        .to_string()
        .chars()
        .map(|digit| match digit.to_digit(10) {
            Some(digit) => char::from_u32(0xff10 + digit).expect("a wide digit"),
            None => '.',
        })
        .collect();
    let dotted = |dot: &str| format!("{a}{dot}{b}{dot}{c}{dot}{d}");
    vec![
        address.to_string(),
        format!("{address}."),
        number.to_string(),
        format!("0x{number:x}"),
        format!("0X{number:X}"),
        format!("0{number:o}"),
        format!("{a}.{rest}"),
        format!("{a}.{b}.{low}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("0{a:o}.{b}.0x{c:x}.{d}"),
        format!("0x{a:x}.{rest}"),
        format!("000000{a:o}.{b}.{c}.{d}"),
        escaped + &address.to_string()[1..],
        dotted("%2e"),
        dotted("\u{3002}"),
        dotted("\u{ff0e}"),
        dotted("\u{ff61}"),
        wide,
        format!("user:password@{address}"),
        format!("example.com@{address}"),
        format!("[::ffff:{address}]"),
        format!("[::FFFF:{high:x}:{low:x}]"),
        format!("[0:0:0:0:0:ffff:{high:x}:{low:x}]"),
        format!("[::{address}]"),
        format!("[64:ff9b::{address}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:808:808::{:x}:{:x}]", !high & 0xffff, !low & 0xffff),
    ]
}

/// Spellings that URLs don't have at all, or that stand for a name.
pub fn others() -> [&'static str; 9] {
    [
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::1%25lo]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "256.0.0.1",
    ]
}
