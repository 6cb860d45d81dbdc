//! When to ask a peer whether it is there, and when to believe that it is not.
//!
//! Any byte of a peer is a sign of life. Who says nothing for [`Pace::silence`] is dead, with two exceptions. *We* don't read, since our own
//! buffer is full: then we can't know. And a peer that isn't ours has been sent messages since it was last heard: libzmq stops reading a
//! connection when its queue is full, PING included, so a slow consumer looks as a dead one does; it has
//! [`Pace::stall`]. Ours sends its own PINGs even while it doesn't read, so it needs no such favour.
//!
//! A peer that isn't ours may have closed its socket while what it sent last waits in its system for us to read. Whatever we wrote then,
//! its system would answer with a reset and throw away the rest. So it is only asked once we read and it was silent for an interval:
//! then nothing is on its way. Ours keeps its socket open until all was read.

use std::time::Duration;

/// Since the connection was made.
pub type Moment = Duration;

/// How often, how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From one PING to the next.
    pub interval: Duration,
    /// A peer that was silent for so long is dead.
    pub silence: Duration,
    /// The same for one that isn't ours while it has messages to read.
    pub stall: Duration,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    Rest,
    Ping,
    Dead,
}

/// The heart of a connection.
#[derive(Debug)]
pub struct Heartbeat {
    pace: Pace,
    /// Whether the peer knows PING; one that doesn't is never asked, and never found dead.
    pings: bool,
    ours: bool,
    heard: Moment,
    pinged: Moment,
    /// Messages were written since the peer was heard.
    wrote: bool,
    /// We read what it says.
    reads: bool,
}

impl Heartbeat {
    pub fn new(pace: Pace, pings: bool, ours: bool) -> Self {
        Self { pace, pings, ours, heard: Moment::ZERO, pinged: Moment::ZERO, wrote: false, reads: true }
    }

    /// The peer said something.
    pub fn heard(&mut self, now: Moment) {
        (self.heard, self.wrote) = (now, false);
    }

    /// Messages were written.
    pub fn wrote(&mut self) {
        self.wrote = true;
    }

    /// Whether we read what the peer says. It gets its whole time once we do so again.
    pub fn reads(&mut self, reads: bool, now: Moment) {
        if reads && !self.reads {
            self.heard = now;
        }
        self.reads = reads;
    }

    /// What to do now.
    pub fn beat(&mut self, now: Moment) -> Beat {
        if self.pings && self.reads && now >= self.heard + self.patience() {
            return Beat::Dead;
        }
        if now >= self.pinged + self.pace.interval {
            self.pinged = now;
            return if self.may_ask(now) { Beat::Ping } else { Beat::Rest };
        }
        Beat::Rest
    }

    /// When to ask again what to do.
    pub fn next(&self) -> Moment {
        let ping = self.pinged + self.pace.interval;
        if self.pings && self.reads { ping.min(self.heard + self.patience()) } else { ping }
    }

    fn may_ask(&self, now: Moment) -> bool {
        self.pings && (self.ours || self.reads && now >= self.heard + self.pace.interval)
    }

    fn patience(&self) -> Duration {
        if self.wrote && !self.ours { self.pace.stall } else { self.pace.silence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { interval: Duration::from_secs(1), silence: Duration::from_secs(5), stall: Duration::from_secs(60) };

    fn s(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    /// Lives in steps of a second, `act`ing at each; answers how often it asked, and when it found its peer dead.
    fn live(pings: bool, ours: bool, act: impl Fn(u64, &mut Heartbeat)) -> (u64, Option<u64>) {
        let mut heart = Heartbeat::new(PACE, pings, ours);
        let mut asked = 0;
        for second in 1..=100 {
            act(second, &mut heart);
            match heart.beat(s(second)) {
                Beat::Dead => return (asked, Some(second)),
                Beat::Ping => asked += 1,
                Beat::Rest => {}
            }
        }
        (asked, None)
    }

    type Act = fn(u64, &mut Heartbeat);

    #[test]
    fn who_is_dead() {
        const NOTHING: Act = |_, _| {};
        const ANSWERS: Act = |second, heart| heart.heard(s(second));
        const ONCE: Act = |second, heart| {
            if second == 3 {
                heart.heard(s(3));
            }
        };
        const FULL: Act = |second, heart| {
            if second == 3 {
                heart.wrote();
            }
        };
        const BUSY: Act = |second, heart| {
            heart.wrote();
            if second < 50 {
                heart.heard(s(second));
            }
            heart.wrote();
        };
        const UNREAD: Act = |second, heart| heart.reads(second > 90, s(second));
        const PAUSED: Act = |second, heart| heart.reads(second > 20, s(second));
        for (pings, ours, act, want, why) in [
            (true, false, NOTHING, (4, Some(5)), "silent from the beginning"),
            (true, true, NOTHING, (4, Some(5)), "one of ours"),
            (false, false, NOTHING, (0, None), "3.0 can't be asked"),
            (true, true, ANSWERS, (100, None), "it answers"),
            (true, false, ANSWERS, (0, None), "it speaks: nothing needs to be asked, and something may be on its way"),
            (true, false, ONCE, (6, Some(8)), "five seconds after its last word"),
            (true, false, FULL, (59, Some(60)), "messages it may be too slow for"),
            (true, true, FULL, (4, Some(5)), "ours speaks even if it doesn't read"),
            (true, false, BUSY, (50, None), "not yet sixty seconds after its last word"),
            (true, true, BUSY, (53, Some(54)), "ours fell silent at work"),
            (true, false, UNREAD, (4, Some(96)), "we didn't read for long: from then it has its time"),
            (true, false, PAUSED, (4, Some(26)), "we didn't read for a while"),
        ] {
            let got = live(pings, ours, act);
            assert_eq!(got.1, want.1, "{why}");
            assert!(got.0.abs_diff(want.0) <= 1, "asked {} times: {why}", got.0);
        }
    }

    #[test]
    fn when_to_look_again() {
        let mut heart = Heartbeat::new(PACE, true, true);
        assert_eq!((heart.next(), heart.beat(Duration::from_millis(999))), (s(1), Beat::Rest));
        assert_eq!((heart.beat(s(1)), heart.next()), (Beat::Ping, s(2)), "once a second");
        assert_eq!((heart.beat(s(4)), heart.next()), (Beat::Ping, s(5)), "late: no two at once, and death comes first");
        assert_eq!(heart.beat(s(5)), Beat::Dead);
        let mut heart = Heartbeat::new(PACE, false, false);
        assert_eq!((heart.beat(s(9)), heart.next()), (Beat::Rest, s(10)), "never in the past");
    }
}
