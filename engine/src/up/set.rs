//! All parts of a test.

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
    /// Answers the first that didn't end well.
    pub async fn drain(&mut self, was_run: bool) -> std::io::Result<Option<Ended>> {
        let going: Vec<bool> = self.children.iter().map(|child| child.status.is_none()).collect();
        if was_run {
            self.wait(Stage::Runners, RUNNERS_MAX).await?;
        }
        let mut first = None;
        for stage in Stage::ALL {
            self.children.iter().filter(|child| child.stage == stage).for_each(|child| child.tell(Signal::TERM));
            self.wait(stage, DRAIN_MAX).await?;
            // Those that ended earlier have been spoken of.
            let here = self.children.iter().zip(&going).filter(|(child, going)| child.stage == stage && **going);
            for (child, _) in here {
                let ended = match child.status {
                    Some(status) if status.success() => continue,
                    Some(status) => Ended::new(child, status),
                    None => Ended { name: child.name.clone(), how: How::TooLate },
                };
                child.tell(Signal::KILL);
                tracing::error!("{ended}");
                first.get_or_insert(ended);
            }
        }
        Ok(first)
    }

    /// Until all of a stage have ended, or so long.
    async fn wait(&mut self, stage: Stage, most: Duration) -> std::io::Result<()> {
        let end = Instant::now() + most;
        loop {
            let mut all = true;
            for child in self.children.iter_mut().filter(|child| child.stage == stage) {
                all &= child.has_ended()?;
            }
            if all || Instant::now() >= end {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
