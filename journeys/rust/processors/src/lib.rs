//! Processors for `mite receiver`: figures to another program, files of its own, and lines.

use mite_processor::prelude::*;

/// Figures of all messages, for whoever connects to this endpoint: grant it with `--grant-socket`.
struct StatsProcessor {
    stats: Stats,
}

#[processor]
impl StatsProcessor {
    fn new() -> Result<Self> {
        let sender = Sender::bind("tcp://127.0.0.1:14310")?;
        Ok(Self { stats: Stats::new(&sender)? })
    }

    fn process_raw_message(&mut self, message: &[u8]) {
        self.stats.take(message);
    }
}

/// All messages, in files of the directory `mine`.
struct CollectorProcessor {
    collector: Collector,
}

#[processor]
impl CollectorProcessor {
    fn new() -> Result<Self> {
        Ok(Self { collector: Collector::open("mine")? })
    }

    fn process_raw_message(&mut self, message: &[u8]) -> Result {
        self.collector.write(message)
    }
}

/// All messages, a line each.
#[derive(Default)]
struct PrintProcessor;

#[processor]
impl PrintProcessor {
    fn process_message(&mut self, message: &Message) {
        print(message);
    }
}
