//! All parts of a test.

use std::cell::Cell;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use super::child::Child;
use super::parts::{Part, Stage};
use super::{Error, LOOK};
use crate::console::screen::Screen;

/// Once the test is over: how long runners may take for their last messages (they have 5 s themselves) before they are told to end.
const RUNNERS_MAX: Duration = Duration::from_secs(10);
/// How long those of one stage may drain. Each has bounds of its own below this; what is over it is ended.
const DRAIN_MAX: Duration = Duration::from_secs(15);

/// The number of the signal by which a part is told.
const TERM: i32 = Signal::TERM.as_raw();

/// A part that has ended and was not to, or not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    name: String,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Code(i32),
    Signal(i32),
    /// It didn't end by itself.
    TooLate,
    /// There was no time to drain.
    CutOff,
}

impl Ended {
    fn new(child: &Child, status: ExitStatus) -> Self {
        let how = status.code().map_or_else(|| How::Signal(status.signal().unwrap_or_default()), How::Code);
        Self { name: child.name.clone(), how }
    }

    /// An address or directory that can't be used.
    pub fn is_of_bad_input(&self) -> bool {
        self.how == How::Code(104)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.how {
            How::Code(code) => write!(f, "{name} has ended with exit code {code}"),
            How::Signal(signal) => write!(f, "{name} was ended by signal {signal}"),
            How::TooLate => write!(f, "{name} had to be ended, it took longer than {} s", DRAIN_MAX.as_secs()),
            How::CutOff => write!(f, "{name} was ended before it had drained, what it had is lost"),
        }
    }
}

/// Those that run. All end when this is dropped.
#[derive(Debug)]
pub struct Set {
    children: Vec<Child>,
}

impl Set {
    /// Starts them; none is left running if one can't be.
    pub fn start(parts: &[Part], options: &[String], screen: &Screen) -> Result<Self, Error> {
        let start = |part: &Part| {
            Child::start(part, options, screen).map_err(|source| Error::Start { name: part.name.clone(), source })
        };
        Ok(Self { children: parts.iter().map(start).collect::<Result<_, _>>()? })
    }

    /// While the test runs: one that has ended since the last look. A runner may, with 0: it was told to, or the test is over.
    pub fn look(&mut self) -> std::io::Result<Option<Ended>> {
        for child in self.children.iter_mut().filter(|child| child.status.is_none()) {
            child.has_ended()?;
            if let Some(status) = child.status
                && !(child.stage == Stage::Runners && status.success())
            {
                return Ok(Some(Ended::new(child, status)));
            }
        }
        Ok(None)
    }

    /// The test is over: each stage drains when the one before has. `was_run`: runners know of it and end by themselves.
    /// Whatever has not by `until`, which may be set meanwhile, is ended. Answers the first that didn't end well.
    pub async fn drain(&mut self, was_run: bool, until: &Cell<Option<Instant>>) -> std::io::Result<Option<Ended>> {
        let going: Vec<bool> = self.children.iter().map(|child| child.status.is_none()).collect();
        if was_run {
            self.wait(Stage::Runners, RUNNERS_MAX, until).await?;
        }
        let mut first = None;
        for stage in Stage::ALL {
            self.children.iter().filter(|child| child.stage == stage).for_each(|child| child.tell(Signal::TERM));
            self.wait(stage, DRAIN_MAX, until).await?;
            // Those that ended earlier have been spoken of.
            let here = self.children.iter().zip(&going).filter(|(child, going)| child.stage == stage && **going);
            for (child, _) in here {
                let ended = match child.status {
                    // One that is told before it can hear is ended by the signal.
                    Some(status) if status.success() || status.signal() == Some(TERM) => continue,
                    Some(status) => Ended::new(child, status),
                    None => {
                        let how = if until.get().is_some() { How::CutOff } else { How::TooLate };
                        Ended { name: child.name.clone(), how }
                    }
                };
                child.tell(Signal::KILL);
                tracing::error!("{ended}");
                first.get_or_insert(ended);
            }
        }
        Ok(first)
    }

    /// Until all of a stage have ended, or so long.
    async fn wait(&mut self, stage: Stage, most: Duration, until: &Cell<Option<Instant>>) -> std::io::Result<()> {
        let end = Instant::now() + most;
        loop {
            let mut all = true;
            for child in self.children.iter_mut().filter(|child| child.stage == stage) {
                all &= child.has_ended()?;
            }
            if all || Instant::now() >= until.get().map_or(end, |until| until.min(end)) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
