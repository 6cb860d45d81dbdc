//! Where a socket binds or connects: `tcp://host:port` or `ipc://path`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A parsed endpoint; it writes itself as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A name or an address, which is bare even if it is of IPv6; `*` is every address of IPv4, to bind only.
    Tcp {
        host: String,
        port: u16,
    },
    Ipc {
        path: PathBuf,
    },
}

/// The longest path of an ipc endpoint, in bytes: the system has no room for a longer one.
const PATH_BYTES_MAX: usize = 107;
/// Every address of IPv4, as `*` and in full.
const ANY: [&str; 2] = ["*", "0.0.0.0"];

/// What is wrong with an endpoint.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no endpoint: {reason}; write `tcp://127.0.0.1:14301`, `tcp://[::1]:14301` or `ipc:///tmp/mite.socket`"
)]
pub struct WrongEndpoint {
    text: String,
    reason: &'static str,
}

impl Endpoint {
    /// Whether one can connect to it; else what is wrong.
    pub fn to_connect(&self) -> Result<(), WrongEndpoint> {
        let reason = match self {
            Self::Tcp { host, .. } if host == "*" => "`*` can be bound, not connected to",
            Self::Tcp { port: 0, .. } => "port 0 can be bound, not connected to",
            _ => return Ok(()),
        };
        Err(WrongEndpoint { text: self.to_string(), reason })
    }

    /// The name to look up when binding.
    pub(super) fn bind_host(host: &str) -> &str {
        if host == ANY[0] { ANY[1] } else { host }
    }
}

impl FromStr for Endpoint {
    type Err = WrongEndpoint;

    fn from_str(text: &str) -> Result<Self, WrongEndpoint> {
        let parsed = match text.split_once("://") {
            Some(("tcp", rest)) => tcp(rest),
            Some(("ipc", rest)) => ipc(rest),
            Some(_) => Err("there is only tcp and ipc"),
            None => Err("it doesn't begin with `tcp://` or `ipc://`"),
        };
        parsed.map_err(|reason| WrongEndpoint { text: text.to_owned(), reason })
    }
}

fn tcp(rest: &str) -> Result<Endpoint, &'static str> {
    let (host, port) = rest.rsplit_once(':').ok_or("it has no port")?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').ok_or("a `[` isn't closed")?,
        None if host.contains(':') => return Err("an address of IPv6 stands in brackets"),
        None => host,
    };
    let port = if port == "*" {
        Some(0)
    } else {
        Some(port).filter(|port| !port.starts_with('+')).and_then(|port| port.parse().ok())
    };
    match (host, port) {
        ("", _) => Err("it has no host"),
        (host, _) if host.contains(|c: char| c.is_whitespace() || "/[];,@".contains(c)) => Err("its host is no name"),
        (host, Some(port)) => Ok(Endpoint::Tcp { host: host.to_owned(), port }),
        (_, None) => Err("its port is no number up to 65535"),
    }
}

fn ipc(path: &str) -> Result<Endpoint, &'static str> {
    match path {
        "" => Err("it has no path"),
        _ if path.starts_with('@') => Err("names without a file aren't supported"),
        _ if path.len() > PATH_BYTES_MAX => Err("its path is longer than 107 bytes"),
        _ if path.contains('\0') => Err("its path has a zero in it"),
        _ => Ok(Endpoint::Ipc { path: path.into() }),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ipc { path } => write!(f, "ipc://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let tcp = |host: &str, port| Ok(Endpoint::Tcp { host: host.to_owned(), port });
        for (text, want) in [
            ("tcp://127.0.0.1:14301", tcp("127.0.0.1", 14_301)),
            ("tcp://localhost:1", tcp("localhost", 1)),
            ("tcp://*:14302", tcp("*", 14_302)),
            ("tcp://127.0.0.1:0", tcp("127.0.0.1", 0)),
            ("tcp://*:*", tcp("*", 0)),
            ("tcp://[::1]:5", tcp("::1", 5)),
            ("tcp://[fe80::1%eth0]:5", tcp("fe80::1%eth0", 5)),
            ("ipc:///tmp/x", Ok(Endpoint::Ipc { path: "/tmp/x".into() })),
            ("ipc://x y", Ok(Endpoint::Ipc { path: "x y".into() })),
            ("", Err("it doesn't begin with `tcp://` or `ipc://`")),
            ("127.0.0.1:14301", Err("it doesn't begin with `tcp://` or `ipc://`")),
            ("udp://127.0.0.1:1", Err("there is only tcp and ipc")),
            ("tcp://127.0.0.1", Err("it has no port")),
            ("tcp://:5", Err("it has no host")),
            ("tcp://a:", Err("its port is no number up to 65535")),
            ("tcp://a:65536", Err("its port is no number up to 65535")),
            ("tcp://a:+5", Err("its port is no number up to 65535")),
            ("tcp://::1:5", Err("an address of IPv6 stands in brackets")),
            ("tcp://[::1:5", Err("a `[` isn't closed")),
            ("tcp://a/b:5", Err("its host is no name")),
            ("tcp://eth0;a:5", Err("its host is no name")),
            ("ipc://", Err("it has no path")),
            ("ipc://@name", Err("names without a file aren't supported")),
            ("ipc://a\0b", Err("its path has a zero in it")),
        ] {
            let got = text.parse::<Endpoint>();
            assert_eq!(got.as_ref().map_err(|error| error.reason), want.as_ref().map_err(|reason| *reason), "{text}");
            match got {
                Ok(endpoint) => assert_eq!(endpoint.to_string().parse(), Ok(endpoint)),
                Err(error) => assert!(error.to_string().contains(&format!("`{text}`")), "{error}"),
            }
        }
        assert!(format!("ipc:///{}", "x".repeat(106)).parse::<Endpoint>().is_ok());
        assert!(format!("ipc:///{}", "x".repeat(107)).parse::<Endpoint>().is_err());
    }

    #[test]
    fn what_can_be_connected_to() {
        for (text, can) in [("tcp://a:1", true), ("tcp://*:1", false), ("tcp://a:0", false), ("ipc://x", true)] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_connect().is_ok(), can, "{text}");
        }
    }
}
