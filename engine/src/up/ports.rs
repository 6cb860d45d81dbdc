//! Where the parts of a test meet: the ports that people know where they are free, else others like them.

use std::net::TcpListener;

/// Ports that are tried for each: so many steps of [`STEP`] above the one that people know.
const TRIES: u16 = 400;
/// Keeps the last digit, by which a port is known, and two of them from ever being the same.
const STEP: u16 = 10;

/// Ports of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    controller: u16,
    messages: u16,
    files: u16,
    stats_in: u16,
    stats_out: u16,
    web: u16,
}

/// None is free.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("port {0} of this machine is taken, and so are {TRIES} others: end what listens there")]
pub struct Taken(u16);

impl Ports {
    /// Chooses; what isn't the port that people know is told. `web_is_given`: nothing is to be chosen for metrics.
    pub fn free(web_is_given: bool, is_free: impl Fn(u16) -> bool) -> Result<Self, Taken> {
        let choose = |known: u16, what: &str| {
            let mut tried = (0..TRIES).map(|step| known + step * STEP);
            let port = tried.find(|port| is_free(*port)).ok_or(Taken(known))?;
            if port != known {
                tracing::warn!("port {known} is taken: {what} at {port}");
            }
            Ok(port)
        };
        Ok(Self {
            controller: choose(14_301, "the controller is")?,
            messages: choose(14_302, "messages come in")?,
            files: choose(14_303, "collector and recorder get them")?,
            stats_in: choose(14_304, "stats gets them")?,
            stats_out: choose(14_305, "the exporter gets figures")?,
            web: if web_is_given { 0 } else { choose(9_301, "metrics are")? },
        })
    }

    pub fn controller(&self) -> String {
        endpoint(self.controller)
    }

    pub fn messages(&self) -> String {
        endpoint(self.messages)
    }

    /// For collector and recorder.
    pub fn files(&self) -> String {
        endpoint(self.files)
    }

    pub fn stats_in(&self) -> String {
        endpoint(self.stats_in)
    }

    pub fn stats_out(&self) -> String {
        endpoint(self.stats_out)
    }

    /// Where metrics are if nobody has said where.
    pub fn web(&self) -> String {
        format!("127.0.0.1:{}", self.web)
    }
}

fn endpoint(port: u16) -> String {
    format!("tcp://127.0.0.1:{port}")
}

/// Whether a port can be listened on now. Somebody else may be faster; then the part that is to listen there says so, and ends.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ports_or_the_next() {
        let known = Ports {
            controller: 14_301,
            messages: 14_302,
            files: 14_303,
            stats_in: 14_304,
            stats_out: 14_305,
            web: 9_301,
        };
        for (taken, web_is_given, want) in [
            (&[][..], false, Ok(known)),
            (&[14_302], false, Ok(Ports { messages: 14_312, ..known })),
            (&[14_301, 14_311, 14_321], false, Ok(Ports { controller: 14_331, ..known })),
            (&[9_301], false, Ok(Ports { web: 9_311, ..known })),
            (&[9_301], true, Ok(Ports { web: 0, ..known })),
        ] {
            assert_eq!(Ports::free(web_is_given, |port| !taken.contains(&port)), want, "{taken:?}");
        }
        assert_eq!(Ports::free(false, |port| port % 10 != 4), Err(Taken(14_304)));
    }

    #[test]
    fn a_port_that_is_listened_on_is_not_free() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        assert!(!is_free(listener.local_addr().expect("bound").port()));
    }
}
