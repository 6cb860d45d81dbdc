//! One rule about targets, as people write it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::address::{Kind, within};

/// Longer rules are refused: a name has at most 253 bytes.
const RULE_BYTES_MAX: usize = 300;

/// `[SCHEME://]HOST[:PORT]`, where `HOST` is a name (`api.example.com`), all names below one (`*.example.com`), an address
/// (`10.1.2.3`, `[fd00::1]`), a block of them (`10.1.0.0/16`, `[fd00::]/8`), or one of the words `*` (anything on the
/// internet), `private` and `loopback`. `PORT` is a number, two with a `-` between them, or `*`.
///
/// Without a scheme it is about both. Without a port it is about the scheme's, or, if there is no scheme either, about all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As it was written.
    text: String,
    https: Option<bool>,
    place: Place,
    ports: (u16, u16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In lower case, without a dot at its end.
    Name(String),
    /// What stands behind the `*`, with its dot.
    Below(String),
    Block(Block),
    Private,
    Loopback,
    Anything,
}

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    first: IpAddr,
    bits: u32,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    pub https: bool,
    pub host: Host<'a>,
    pub port: u16,
}

/// Who a URL names. A name may have one dot at its end, and is in lower case, as URLs have it.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

impl Rule {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it says anything about such requests, whatever address they go to: scheme and port are its, and so is the name, if it is
    /// about names.
    pub fn may_open(&self, goal: &Goal<'_>) -> bool {
        let (lowest, highest) = self.ports;
        self.https.is_none_or(|https| https == goal.https)
            && (lowest..=highest).contains(&goal.port)
            && match &self.place {
                Place::Name(_) | Place::Below(_) => self.names(goal),
                Place::Block(_) | Place::Private | Place::Loopback | Place::Anything => true,
            }
    }

    /// Whether it lets such a request go to this address. A name leads to public addresses only: whoever has the name could let it mean
    /// any machine of ours. A block opens what lies in it and is public or of the kind that the block begins with, so that
    /// `0.0.0.0/0` is the internet and not this machine; a metadata address has to be named itself.
    pub fn opens(&self, goal: &Goal<'_>, address: IpAddr) -> bool {
        let kind = Kind::of(address);
        self.may_open(goal)
            && match &self.place {
                Place::Name(_) | Place::Below(_) | Place::Anything => kind == Kind::Public,
                Place::Private => kind == Kind::Private,
                Place::Loopback => kind == Kind::Loopback,
                Place::Block(block) => {
                    block.contains(address) && (kind == Kind::Public || kind == Kind::of(block.first))
                }
            }
    }

    /// Whether it closes such a request's way before any address is known.
    pub fn closes_name(&self, goal: &Goal<'_>) -> bool {
        self.may_open(goal) && (self.names(goal) || self.place == Place::Anything)
    }

    /// Whether it closes such a request's way to this address. Blocks close all that lies in them.
    pub fn closes(&self, goal: &Goal<'_>, address: IpAddr) -> bool {
        let kind = Kind::of(address);
        self.closes_name(goal)
            || self.may_open(goal)
                && match &self.place {
                    Place::Block(block) => block.contains(address),
                    Place::Private => kind == Kind::Private,
                    Place::Loopback => matches!(kind, Kind::Loopback | Kind::Unspecified),
                    _ => false,
                }
    }

    fn names(&self, goal: &Goal<'_>) -> bool {
        let Host::Name(name) = goal.host else { return false };
        let name = name.strip_suffix('.').unwrap_or(name);
        match &self.place {
            Place::Name(own) => own == name,
            Place::Below(own) => name.len() > own.len() && name.ends_with(own.as_str()),
            _ => false,
        }
    }
}

impl Block {
    /// As it is, or what an IPv6 address leads to.
    fn contains(&self, address: IpAddr) -> bool {
        self.has(address) || self.has(within(address))
    }

    fn has(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                same(first.to_bits().into(), address.to_bits().into(), 32 - self.bits)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => same(first.to_bits(), address.to_bits(), 128 - self.bits),
            _ => false,
        }
    }
}

/// Whether two numbers are the same but for the last bits.
fn same(one: u128, other: u128, but: u32) -> bool {
    (one ^ other).checked_shr(but).unwrap_or(0) == 0
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).map_err(|why| {
            let shown: String = text.chars().take(80).collect();
            format!(
                "`{}` is not a rule: {why}; rules are like `https://*.example.com:443`, `10.1.0.0/16:8080`, `loopback` (docs/policy.md)",
                shown.escape_debug()
            )
        })
    }
}

fn parse(text: &str) -> Result<Rule, String> {
    if text.len() > RULE_BYTES_MAX {
        return Err(format!("it has {} bytes, the limit is {RULE_BYTES_MAX}", text.len()));
    }
    let (https, rest) = match text.split_once("://") {
        Some(("http", rest)) => (Some(false), rest),
        Some(("https", rest)) => (Some(true), rest),
        Some(_) => return Err("the scheme is http or https".to_owned()),
        None => (None, text),
    };
    let (host, port) = split(rest)?;
    let ports = match (port, https) {
        (Some(port), _) => ports(port)?,
        (None, Some(true)) => (443, 443),
        (None, Some(false)) => (80, 80),
        (None, None) => (1, u16::MAX),
    };
    Ok(Rule { text: text.to_owned(), https, place: place(host)?, ports })
}

/// Host and port. An IPv6 address has colons too: with a port it stands in brackets.
fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    let after = match (text.rfind(']'), text.matches(':').count()) {
        (Some(end), _) => end,
        (None, 0 | 1) => 0,
        (None, _) => return Ok((text, None)),
    };
    let colon = text[after..].find(':').map(|at| after + at);
    Ok(colon.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..]))))
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(format!(
            "`{}` is not a port: a number from 1 to 65535, two as in `8000-8099`, or `*`",
            text.escape_debug()
        )),
    };
    match text.split_once('-') {
        _ if text == "*" => Ok((1, u16::MAX)),
        None => port(text).map(|port| (port, port)),
        Some((lowest, highest)) => match (port(lowest)?, port(highest)?) {
            (lowest, highest) if lowest <= highest => Ok((lowest, highest)),
            _ => Err(format!("`{text}` ends before it begins")),
        },
    }
}

fn place(host: &str) -> Result<Place, String> {
    match host {
        "" => return Err("it names no host".to_owned()),
        "*" => return Ok(Place::Anything),
        "private" => return Ok(Place::Private),
        "loopback" | "localhost" => return Ok(Place::Loopback),
        _ => {}
    }
    let (address, bits) = host.split_once('/').map_or((host, None), |(address, bits)| (address, Some(bits)));
    let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return block(address, bits).map(Place::Block);
    }
    if bits.is_some() {
        return Err(format!("`{}` is not an address", address.escape_debug()));
    }
    match host.strip_prefix("*.") {
        Some(rest) => Ok(Place::Below(format!(".{}", name(rest)?))),
        None => Ok(Place::Name(name(host)?)),
    }
}

fn block(first: IpAddr, bits: Option<&str>) -> Result<Block, String> {
    let most = if first.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => most,
        Some(text) => match text.parse::<u32>() {
            Ok(bits) if bits <= most => bits,
            _ => return Err(format!("`/{}` is not a length of 0 to {most} bits", text.escape_debug())),
        },
    };
    let rest = match first {
        IpAddr::V4(first) => u128::from(first.to_bits()),
        IpAddr::V6(first) => first.to_bits(),
    };
    if rest.checked_shl(128 - (most - bits)).unwrap_or(0) != 0 {
        return Err(format!("{first} is not where a block of /{bits} begins"));
    }
    Ok(Block { first, bits })
}

/// As URLs have it, in lower case and in Punycode, so that both are compared byte by byte.
fn name(text: &str) -> Result<String, String> {
    let wrong = || format!("`{}` is not the name of a host", text.escape_debug());
    match url::Host::parse(text) {
        Ok(url::Host::Domain(name)) if !name.contains('*') => {
            let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
            if name.is_empty() || name.split('.').any(str::is_empty) { Err(wrong()) } else { Ok(name) }
        }
        Ok(url::Host::Ipv4(address)) => {
            Err(format!("`{}` is an address: write it as `{address}`", text.escape_debug()))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests;
