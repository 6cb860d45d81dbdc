//! How late a worker sees what has happened: now and then a byte is written to a pipe and the time noted; the worker sees it the way
//! it sees responses.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::pipe::PipeFlags;
use tokio::net::unix::pipe::Receiver;

use super::clock::{Clock, Nanos};
use super::crowd::Pace;
use super::tally::record;
use super::worker;

/// So often on average; in a crowd up to a hundred times less often.
const OFTEN: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_secs(1);

/// The worker's end, in its thread.
pub struct Probed {
    pipe: Receiver,
    sent: Arc<AtomicU64>,
    clock: Clock,
}

/// The end that is written to.
pub struct Probe {
    pipe: OwnedFd,
    sent: Arc<AtomicU64>,
}

/// Makes a probe and the other end of it, which has to be driven by the worker.
pub fn pipe(clock: Clock) -> std::io::Result<(Probe, ProbedEnd)> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
    let sent = Arc::new(AtomicU64::new(0));
    Ok((Probe { pipe: writer, sent: sent.clone() }, ProbedEnd { pipe: reader, sent, clock }))
}

/// The worker's end, on its way to the worker's thread.
pub struct ProbedEnd {
    pipe: OwnedFd,
    sent: Arc<AtomicU64>,
    clock: Clock,
}

impl ProbedEnd {
    pub fn open(self) -> std::io::Result<Probed> {
        Ok(Probed { pipe: Receiver::from_owned_fd(self.pipe)?, sent: self.sent, clock: self.clock })
    }
}

/// Called once a millisecond: probes each worker at random, once in ten milliseconds on average (less often in a crowd), so that what it
/// sees is what any event would (arrivals at random see time averages).
pub fn now_and_then(probes: Vec<Probe>, clock: Clock, pace: Pace) -> impl FnMut() + Send {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut probes: Vec<_> = probes.into_iter().map(|probe| (probe, random.ticks(&pace))).collect();
    move || {
        for (probe, left) in &mut probes {
            *left -= 1;
            if *left > 0 {
                continue;
            }
            *left = random.ticks(&pace);
            if probe.sent.load(Ordering::Relaxed) == 0 {
                probe.sent.store(clock.now().max(1), Ordering::Relaxed);
                // There is never more than this one byte in it.
                let _ = rustix::io::write(&probe.pipe, &[0]);
            }
        }
    }
}

/// Marsaglia's xorshift: when there is a probe needs to be no secret.
struct Random(u64);

impl Random {
    /// Ticks until the next probe, one at the least: what lies between events that come at random is distributed exponentially.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some seconds"
    )]
    fn ticks(&mut self, pace: &Pace) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let uniform = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        let mean = pace.every(OFTEN, SELDOM).as_secs_f64() * 1e3;
        ((1.0 - uniform).ln() * -mean).ceil().max(1.0) as u32
    }
}

impl Probed {
    pub async fn drive(self) {
        let mut byte = [0; 1];
        loop {
            if self.pipe.readable().await.is_err() {
                return;
            }
            let seen: Nanos = self.clock.now();
            match self.pipe.try_read(&mut byte) {
                // Nobody probes any more. The pipe stays readable then, so whoever went on would never let others.
                Ok(0) => return,
                Ok(_) => {
                    let sent = self.sent.swap(0, Ordering::Relaxed);
                    worker::with(|worker| record(&mut worker.tally.borrow_mut().health.lag, seen.saturating_sub(sent)));
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_come_at_random() {
        let mut random = Random(7);
        let ticks: Vec<_> = (0..100_000).map(|_| f64::from(random.ticks(&Pace::default()))).collect();
        let mean = ticks.iter().sum::<f64>() / ticks.len() as f64;
        assert!((mean - 10.5).abs() < 0.2, "{mean}: rounded up, ten milliseconds are half a tick more");
        let at_once = ticks.iter().filter(|ticks| **ticks <= 1.0).count();
        assert!((9_000..10_000).contains(&at_once), "{at_once} of 100,000 are the very next tick: 1 - exp(-1 / 10)");
    }

    /// In a thread, since one that goes on would not even let a deadline pass.
    #[test]
    fn who_is_not_probed_any_more_ends() {
        let (sender, ended) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (probe, other_end) = pipe(Clock::start()).expect("a pipe");
                drop(probe);
                other_end.open().expect("it is a pipe").drive().await;
            });
            sender.send(()).expect("the test waits");
        });
        assert!(ended.recv_timeout(Duration::from_secs(10)).is_ok(), "it goes on");
    }
}
