//! Where the parts of a test meet: the ports that people know where they are free, else others like them.

use std::fmt;
use std::net::TcpListener;

/// The port of a test's claim, one step for each test.
const CLAIMS: u16 = 14_299;
/// Steps that are tried.
const TRIES: u16 = 400;
/// All ports are so many steps above those that people know: it keeps the last digit, by which a port is known.
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

/// None are free.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "of the ports 14301 to 14305 and 9301 of this machine one is taken, and so it is in {TRIES} steps of {STEP} above: end what listens there"
)]
pub struct Taken;

/// A listener that nobody connects to: as long as it is there the ports of its step are this test's, also those that no part listens on
/// yet. Two tests that begin in the same moment would otherwise find the same ports free, and mix their messages.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "it is held, not used")] TcpListener);

impl Claim {
    /// None: another test has this step.
    pub fn new(step: u16) -> Option<Self> {
        TcpListener::bind(("127.0.0.1", CLAIMS + step * STEP)).ok().map(Self)
    }
}

impl Ports {
    /// Chooses the first step that can be claimed and whose ports are all free; other ports than those that people know are told.
    /// `web_is_given`: nothing is to be chosen for metrics.
    pub fn free<C>(
        web_is_given: bool,
        claim: impl Fn(u16) -> Option<C>,
        is_free: impl Fn(u16) -> bool,
    ) -> Result<(Self, C), Taken> {
        for step in 0..TRIES {
            let Some(claim) = claim(step) else { continue };
            let ports = Self::at(step, web_is_given);
            if ports.all().all(&is_free) {
                if step > 0 {
                    tracing::warn!("usual ports are taken: {ports}");
                }
                return Ok((ports, claim));
            }
        }
        Err(Taken)
    }

    fn at(step: u16, web_is_given: bool) -> Self {
        let above = step * STEP;
        Self {
            controller: 14_301 + above,
            messages: 14_302 + above,
            files: 14_303 + above,
            stats_in: 14_304 + above,
            stats_out: 14_305 + above,
            web: if web_is_given { 0 } else { 9_301 + above },
        }
    }

    fn all(&self) -> impl Iterator<Item = u16> {
        let all = [self.controller, self.messages, self.files, self.stats_in, self.stats_out, self.web];
        all.into_iter().filter(|port| *port > 0)
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

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the controller is at {}, messages come in at {}", self.controller, self.messages)?;
        if self.web > 0 { write!(f, ", metrics are at {}", self.web) } else { Ok(()) }
    }
}

fn endpoint(port: u16) -> String {
    format!("tcp://127.0.0.1:{port}")
}

/// Whether a port can be listened on now. What isn't a test may be faster; then the part that is to listen there says so, and ends.
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
        let moved = |above: u16| Ports {
            controller: 14_301 + above,
            messages: 14_302 + above,
            files: 14_303 + above,
            stats_in: 14_304 + above,
            stats_out: 14_305 + above,
            web: 9_301 + above,
        };
        for (taken, claimed, web_is_given, want, why) in [
            (&[][..], &[][..], false, Ok((known, 0)), "all are free"),
            (&[14_302], &[], false, Ok((moved(10), 1)), "one is taken: all move"),
            (&[14_301, 14_315, 9_321], &[], false, Ok((moved(30), 3)), "until none is taken"),
            (&[9_301], &[], true, Ok((Ports { web: 0, ..known }, 0)), "nobody needs it"),
            (&[], &[0, 1], false, Ok((moved(20), 2)), "others have begun that don't listen yet"),
        ] {
            let claim = |step| (!claimed.contains(&step)).then_some(step);
            assert_eq!(Ports::free(web_is_given, claim, |port| !taken.contains(&port)), want, "{why}");
        }
        assert_eq!(Ports::free(false, Some, |port| port % 10 != 4), Err(Taken));
    }

    #[test]
    fn a_step_is_claimed_once() {
        // Far above those that a test of a person would have.
        let claim = Claim::new(TRIES - 1).expect("nobody has it");
        assert!(Claim::new(TRIES - 1).is_none());
        drop(claim);
        assert!(Claim::new(TRIES - 1).is_some(), "it is given back");
    }

    #[test]
    fn a_port_that_is_listened_on_is_not_free() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        assert!(!is_free(listener.local_addr().expect("bound").port()));
    }
}
