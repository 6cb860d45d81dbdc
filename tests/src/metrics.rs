//! What Prometheus is shown.

use std::process::Command;

use crate::files;
use crate::program::{Running, eventually};
use crate::servers::free_port;

/// A text of metrics, as at `/metrics`.
#[derive(Debug)]
pub struct Metrics(String);

impl Metrics {
    /// What there is now; none if nobody answers (yet).
    pub fn scrape(address: &str) -> Option<Self> {
        let answer = reqwest::blocking::get(format!("http://{address}/metrics")).ok()?;
        assert_eq!(answer.status(), 200);
        answer.text().ok().map(Self)
    }

    /// The sum of all series of a name whose labels have all of these texts in them.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let series = self.0.lines().filter(|line| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ']));
            rest.is_some_and(|rest| labels.iter().all(|label| rest.contains(label)))
        });
        series.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).expect("a value")).sum()
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A real Prometheus that scrapes one address.
#[derive(Debug)]
pub struct Prometheus {
    _running: Running,
    _directory: tempfile::TempDir,
    url: String,
}

impl Prometheus {
    pub fn scraping(address: &str) -> Self {
        const PROGRAM: &str = "/usr/bin/prometheus";
        assert!(
            std::path::Path::new(PROGRAM).is_file(),
            "prometheus is missing: apt-get install --no-install-recommends prometheus"
        );
        let directory = files::directory();
        let config = format!(
            "global: {{ scrape_interval: 250ms, scrape_timeout: 250ms }}\n\
             scrape_configs: [ {{ job_name: mite, static_configs: [ {{ targets: ['{address}'] }} ] }} ]\n"
        );
        let path = directory.path().join("prometheus.yml");
        std::fs::write(&path, config).expect("a file");
        let listen = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(PROGRAM);
        command.arg(format!("--config.file={}", path.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()));
        command.arg(format!("--web.listen-address={listen}")).arg("--log.level=error");
        let running = Running::start(&mut command);
        let url = format!("http://{listen}");
        eventually("Prometheus is ready", || {
            reqwest::blocking::get(format!("{url}/-/ready")).ok()?.error_for_status().ok()
        });
        Self { _running: running, _directory: directory, url }
    }

    /// The value of a query that has one, if there is any yet.
    pub fn value(&self, query: &str) -> Option<f64> {
        let url = format!("{}/api/v1/query?query={}", self.url, encoded(query));
        let answer: serde_json::Value = reqwest::blocking::get(url).ok()?.json().ok()?;
        answer.pointer("/data/result/0/value/1")?.as_str()?.parse().ok()
    }
}

fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
