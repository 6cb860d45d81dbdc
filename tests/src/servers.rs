//! Servers to put load on.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::program::{Running, command, eventually};

/// The built-in practice server on a port of its own.
#[derive(Debug)]
pub struct Playground {
    _running: Running,
    /// `http://127.0.0.1:PORT`
    pub url: String,
}

impl Playground {
    pub fn start() -> Self {
        let running = Running::start(&mut command(&["playground", "--address", "127.0.0.1:0"]));
        let url = running.line("playground: listening on ");
        Self { _running: running, url }
    }

    /// What it has served: see `mite playground` in the manual.
    pub fn stats(&self) -> serde_json::Value {
        let answer = reqwest::blocking::get(format!("{}/stats", self.url)).expect("the playground answers");
        answer.json().expect("its stats are JSON")
    }

    pub fn requests(&self) -> u64 {
        self.stats()["requests"].as_u64().expect("a count")
    }
}

/// nginx with a configuration of its own, logging each request it has served.
#[derive(Debug)]
pub struct Nginx {
    running: Running,
    directory: tempfile::TempDir,
    pub url: String,
}

impl Nginx {
    /// Starts it; `locations` goes into its `server` block.
    pub fn start(locations: &str) -> Self {
        let program =
            ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| std::path::Path::new(path).is_file());
        let program = program.expect("nginx is missing: apt-get install --no-install-recommends nginx-light");
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let here = directory.path().display();
        let config = format!(
            "daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error.log;\n\
             events {{ worker_connections 10000; }}\n\
             http {{ access_log {here}/access.log; client_body_temp_path {here}/b; proxy_temp_path {here}/p;\n\
             fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;\n\
             server {{ listen 127.0.0.1:{port}; {locations} }} }}\n"
        );
        let path = directory.path().join("nginx.conf");
        std::fs::File::create(&path).and_then(|mut file| file.write_all(config.as_bytes())).expect("a file");
        let mut nginx = Command::new(program);
        let running = Running::start(nginx.arg("-c").arg(&path).stdin(Stdio::null()));
        eventually("nginx listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Self { running, directory, url: format!("http://127.0.0.1:{port}") }
    }

    /// Ends it, so that its log is whole, and answers the log's lines: one a request.
    pub fn stop(self) -> Vec<String> {
        let Self { running, directory, .. } = self;
        running.signal(rustix::process::Signal::QUIT);
        running.wait();
        let log: PathBuf = directory.path().join("access.log");
        std::fs::read_to_string(log).expect("nginx logs").lines().map(str::to_owned).collect()
    }
}

/// A port that nobody listens on now, and that no connection is given by the system meanwhile: those it gives are higher.
pub fn free_port() -> u16 {
    const FIRST: u32 = 16_000;
    const COUNT: u32 = 16_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Tests that run at the same time begin at different places.
    let start = std::process::id().wrapping_mul(7_919);
    for _ in 0..COUNT {
        let place = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + place % COUNT).expect("it is under 32,000");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
