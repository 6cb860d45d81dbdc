//! Which processes there are, and with which options.

use std::ffi::OsString;
use std::path::Path;

use super::Args;
use super::ports::Ports;
use crate::runner::worker_count;

/// When a part is told to drain: in this order, which is the data's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// They end by themselves with the test.
    Runners,
    Duplicator,
    Consumers,
    Exporter,
}

impl Stage {
    pub const ALL: [Self; 4] = [Self::Runners, Self::Duplicator, Self::Consumers, Self::Exporter];
}

/// A process to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As its lines of the log begin.
    pub name: String,
    pub stage: Stage,
    pub words: Vec<OsString>,
}

impl Part {
    fn new(name: &str, stage: Stage) -> Self {
        Self { name: name.to_owned(), stage, words: vec![name.into()] }
    }

    fn word(mut self, word: &str) -> Self {
        self.words.push(word.into());
        self
    }

    fn option(self, name: &str, value: &str) -> Self {
        self.word(&format!("{name}={value}"))
    }

    /// A path may be no text.
    fn path(mut self, name: &str, path: &Path) -> Self {
        let mut word = OsString::from(format!("{name}="));
        word.push(path);
        self.words.push(word);
        self
    }
}

/// All parts but the controller. Who is started first doesn't matter.
pub fn parts(args: &Args, ports: &Ports) -> Vec<Part> {
    let web = args.web_address.clone().unwrap_or_else(|| ports.web());
    let duplicator = Part::new("duplicator", Stage::Duplicator).option("--message-socket", &ports.messages());
    let stats = Part::new("stats", Stage::Consumers).option("--stats-in-socket", &ports.stats_in());
    let exporter = Part::new("prometheus_exporter", Stage::Exporter).option("--stats-out-socket", &ports.stats_out());
    let collector = Part::new("collector", Stage::Consumers).option("--collector-socket", &ports.files());
    let recorder = Part::new("recorder", Stage::Consumers).option("--recorder-socket", &ports.files());
    let mut parts = vec![
        duplicator.word(&ports.files()).word(&ports.stats_in()),
        stats.option("--stats-out-socket", &ports.stats_out()),
        exporter.option("--web-address", &web),
        collector
            .path("--collector-dir", &args.collector_dir)
            .option("--collector-roll", &args.collector_roll.to_string()),
        recorder.path("--recorder-dir", &args.recorder_dir),
    ];
    let workers = args.workers.map_or_else(|| worker_count(None).div_ceil(args.runners), std::num::NonZeroU32::get);
    for number in 1..=args.runners {
        let runner = Part::new("runner", Stage::Runners)
            .option("--controller-socket", &ports.controller())
            .option("--message-socket", &ports.messages())
            .option("--workers", &workers.to_string());
        let bounds = args.test.components.options();
        let mut runner = bounds.iter().fold(runner, |runner, (option, value)| runner.option(option, value));
        runner.words.extend(args.policy.words());
        let name = if args.runners == 1 { runner.name.clone() } else { format!("runner {number}") };
        parts.push(Part { name, ..runner });
    }
    parts
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn lines(words: &[&str]) -> Vec<String> {
        let line = Line::try_parse_from(["up"].iter().chain(words)).expect("options");
        let web_is_given = line.args.web_address.is_some();
        let (ports, ()) = Ports::free(web_is_given, |_| Some(()), |port| port != 14_303).expect("all but one are free");
        let text = |part: Part| {
            let words: Vec<_> = part.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            format!("{}: {}", part.name, words.join(" "))
        };
        parts(&line.args, &ports).into_iter().map(text).collect()
    }

    #[test]
    fn what_is_started() {
        let pipeline = [
            "duplicator: duplicator --message-socket=tcp://127.0.0.1:14312 tcp://127.0.0.1:14313 tcp://127.0.0.1:14314",
            "stats: stats --stats-in-socket=tcp://127.0.0.1:14314 --stats-out-socket=tcp://127.0.0.1:14315",
            "prometheus_exporter: prometheus_exporter --stats-out-socket=tcp://127.0.0.1:14315 --web-address=127.0.0.1:9311",
            "collector: collector --collector-socket=tcp://127.0.0.1:14313 --collector-dir=collector_data --collector-roll=10000",
            "recorder: recorder --recorder-socket=tcp://127.0.0.1:14313 --recorder-dir=recorder_data",
        ];
        let runner = "runner --controller-socket=tcp://127.0.0.1:14311 --message-socket=tcp://127.0.0.1:14312";
        let got = lines(&["--workers=3"]);
        assert_eq!(got[..5], pipeline);
        assert_eq!(got[5..], [format!("runner: {runner} --workers=3")]);
        let got = lines(&["--workers=3", "--allow=loopback", "--deny=*:25", "--secret=a=b/c"]);
        assert_eq!(got[5..], [format!("runner: {runner} --workers=3 --allow=loopback --deny=*:25 --secret=a=b/c")]);
        let got = lines(&["--workers=3", "--response-size=1KiB", "--labels=9", "--clock=1us"]);
        assert_eq!(got[5..], [format!("runner: {runner} --workers=3 --response-size=1024 --labels=9 --clock=1000ns")]);
        let got =
            lines(&["--runners=2", "--workers=1", "--web-address=[::1]:80", "--collector-dir=a", "--recorder-dir=b"]);
        assert!(got[2].ends_with("--web-address=[::1]:80"), "{}", got[2]);
        assert!(got[3].contains("--collector-dir=a ") && got[4].ends_with("--recorder-dir=b"), "{got:?}");
        assert_eq!(got[5..], [format!("runner 1: {runner} --workers=1"), format!("runner 2: {runner} --workers=1")]);
    }

    /// What a component may be is the same for all who compile it.
    #[test]
    fn bounds_are_those_of_all() {
        let got = lines(&["--workers=1", "--component-size=7", "--compile-timeout=9"]);
        assert!(got[5].ends_with("--workers=1 --component-size=7 --compile-timeout=9"), "{}", got[5]);
    }

    /// However many runners share the cores, each has a worker.
    #[test]
    fn cores_are_shared_out() {
        for runners in [1, 2, 256] {
            let got = lines(&[&format!("--runners={runners}")]);
            let each = worker_count(None).div_ceil(runners);
            assert!(each >= 1 && got[5].ends_with(&format!("--workers={each}")), "{}", got[5]);
        }
    }
}
