//! Where to listen.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The port of those who name none.
pub const PORT: u16 = 9301;

/// `host:port`, `host`, `[v6]:port`, `[v6]` or a plain IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    /// 0 is any free one.
    pub port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = if let Some(inside) = text.strip_prefix('[') {
            let (host, port) = inside.split_once(']').ok_or_else(|| format!("`{text}` lacks a `]`"))?;
            if host.parse::<Ipv6Addr>().is_err() {
                return Err(format!("`{host}` in `{text}` is not an IPv6 address"));
            }
            match port.strip_prefix(':') {
                None if !port.is_empty() => return Err(format!("`{port}` in `{text}` is not `:` and a port")),
                port => (host, port),
            }
        } else if text.parse::<Ipv6Addr>().is_ok() {
            (text, None)
        } else {
            text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
        };
        if host.is_empty() {
            return Err(format!("`{text}` has no host: write 0.0.0.0 to listen on all addresses of this machine"));
        }
        let port = match port {
            Some(port) => {
                port.parse().map_err(|_| format!("`{port}` in `{text}` is not a port: those go up to 65535"))?
            }
            None => PORT,
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_forms() {
        for (text, expected) in [
            ("127.0.0.1:9301", Ok("127.0.0.1:9301")),
            ("127.0.0.1", Ok("127.0.0.1:9301")),
            ("localhost:0", Ok("localhost:0")),
            ("localhost", Ok("localhost:9301")),
            ("[::1]:80", Ok("[::1]:80")),
            ("[::1]", Ok("[::1]:9301")),
            ("::1", Ok("[::1]:9301")),
            ("", Err("has no host")),
            (":9301", Err("write 0.0.0.0")),
            ("a:b:c", Err("not a port")),
            ("a:65536", Err("not a port")),
            ("a:", Err("not a port")),
            ("[::1", Err("lacks a `]`")),
            ("[::1]80", Err("not `:` and a port")),
            ("[a]:80", Err("not an IPv6 address")),
        ] {
            match (text.parse::<Address>(), expected) {
                (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (got, expected) => panic!("{text}: {got:?}, not {expected:?}"),
            }
        }
    }
}
