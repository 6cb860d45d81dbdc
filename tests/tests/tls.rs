//! TLS with nginx: whom journeys trust, and who they are.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tests::files::number;
use tests::servers::{Nginx, free_port};
use tests::trial::{Tested, Trial};

/// An authority of a test's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = params(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Chain and key, PEM.
    fn signs(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

fn params(hosts: &[&str], name: &str) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// nginx that shows a certificate and tells who came.
struct Server {
    _nginx: Nginx,
    directory: tempfile::TempDir,
    port: u16,
}

impl Server {
    fn start((chain, key): &(String, String), clients: &Authority) -> Self {
        let directory = tests::files::directory();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let (chain, key, clients) =
            (write("chain.pem", chain), write("key.pem", key), write("clients.pem", &clients.pem));
        let port = free_port();
        let nginx = Nginx::start(&format!(
            "listen 127.0.0.1:{port} ssl; ssl_certificate {chain}; ssl_certificate_key {key};\n\
             ssl_client_certificate {clients}; ssl_verify_client optional;\n\
             location / {{ return 200 '$ssl_client_verify $ssl_client_s_dn'; }}"
        ));
        Self { _nginx: nginx, directory, port }
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/", self.port)
    }

    /// Makes requests with these authorities trusted and no others.
    fn visit(&self, steps: &Value, trusted: &[&Authority]) -> Tested {
        let all: String = trusted.iter().map(|authority| authority.pem.as_str()).collect();
        let file: &Path = &self.directory.path().join("trusted.pem");
        std::fs::write(file, all).expect("a file");
        let tested = Trial::visit(steps).environment("SSL_CERT_FILE", file.display()).run().expect(0);
        tested.conserved();
        tested
    }
}

#[test]
fn servers_are_verified() {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let mut expired = params(&["127.0.0.1"], "expired");
    expired.not_before = rcgen::date_time_ymd(2019, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let good = params(&["127.0.0.1"], "good");
    for (params, host, trusted, want, why) in [
        (&good, "127.0.0.1", &ours, None, "trusted, and of this name"),
        (&good, "localhost", &ours, Some("not valid for name"), "of another name"),
        (&good, "127.0.0.1", &others, Some("UnknownIssuer"), "of an authority that is not trusted"),
        (&expired, "127.0.0.1", &ours, Some("expired"), "expired"),
    ] {
        let server = Server::start(&ours.signs(params), &ours);
        let url = server.url(host);
        let tested =
            server.visit(&json!([{ "url": url }, { "url": url, "insecure": true }, { "url": url }]), &[trusted]);
        let seen = tested.seen();
        assert_eq!(seen[1]["status"], 200, "{why}: taken as it is when told so: {}", seen[1]);
        for seen in [&seen[0], &seen[2]] {
            match want {
                None => assert_eq!(seen["status"], 200, "{why}: {seen}"),
                Some(words) => {
                    assert_eq!(seen["error"], "Tls", "{why}: {seen}");
                    assert!(seen["text"].to_string().contains(words), "{why}: {seen}");
                }
            }
        }
        let failed = if want.is_some() { 2 } else { 0 };
        assert_eq!((tested.count("errors_by_class/tls"), tested.count("responses")), (failed, 3 - failed), "{why}");
    }
}

#[test]
fn the_handshake_is_timed() {
    let ours = Authority::new("ours");
    let server = Server::start(&ours.signs(&params(&["127.0.0.1"], "good")), &ours);
    let url = server.url("127.0.0.1");
    let tested = server.visit(&json!([{ "url": url }, { "url": url }]), &[&ours]);
    let (first, second) = (tested.of_type("http_metrics")[0], tested.of_type("http_metrics")[1]);
    let times: Vec<f64> = ["connect_time", "tls_time", "transfer_start_time", "first_byte_time", "total_time"]
        .map(|key| number(first, key))
        .to_vec();
    assert!(times.is_sorted() && times[0] > 0.0 && times[1] > times[0], "{first}");
    assert_eq!((number(second, "connect_time"), number(second, "tls_time")), (0.0, 0.0), "the connection was there");
}

/// A certificate of its own goes with the requests that ask for it, and with no others on the same connections.
#[test]
fn journeys_show_who_they_are() {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let server = Server::start(&ours.signs(&params(&["127.0.0.1"], "server")), &ours);
    let (ada, bob) = (ours.signs(&params(&[], "ada")), ours.signs(&params(&[], "bob")));
    let stranger = others.signs(&params(&[], "eve"));
    let url = server.url("127.0.0.1");
    let as_who = |who: Option<&(String, String)>| json!({ "url": url, "identity": who });
    let steps = json!([
        as_who(None),
        as_who(Some(&ada)),
        as_who(Some(&bob)),
        as_who(None),
        as_who(Some(&ada)),
        as_who(Some(&stranger))
    ]);
    let tested = server.visit(&steps, &[&ours]);
    let told: Vec<_> =
        tested.seen().iter().map(|seen| seen["text"].as_str().unwrap_or_default().trim().to_owned()).collect();
    assert_eq!(told[..5], ["NONE", "SUCCESS CN=ada", "SUCCESS CN=bob", "NONE", "SUCCESS CN=ada"]);
    assert!(!told[5].contains("SUCCESS"), "a stranger: {}", told[5]);
}

#[test]
fn a_certificate_that_is_none() {
    let trial = Trial::visit(&json!([{ "url": "https://127.0.0.1/", "identity": ["no chain", "no key"] }]));
    let tested = trial.run().expect(99);
    let told = tested.of_type("exception");
    assert!(told[0].to_string().contains("certificate"), "{told:?}");
    assert_eq!(tested.count("requests"), 0);
}

/// A component that stands elsewhere is fetched where its server is trusted, and run where it is the one that was meant.
#[test]
fn a_component_from_elsewhere() {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let directory = tests::files::directory();
    let (chain, key) = ours.signs(&params(&["127.0.0.1"], "good"));
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (chain, key) = (write("chain.pem", &chain), write("key.pem", &key));
    let (ours, others) = (write("ours.pem", &ours.pem), write("others.pem", &others.pem));
    let (port, here) = (free_port(), directory.path().display());
    std::fs::copy(tests::program::component("load.wasm"), directory.path().join("load.wasm")).expect("a file");
    let nginx = Nginx::start(&format!(
        "listen 127.0.0.1:{port} ssl; ssl_certificate {chain}; ssl_certificate_key {key}; root {here};"
    ));
    let (url, digest) = (format!("https://127.0.0.1:{port}/load.wasm"), digest(&directory.path().join("load.wasm")));
    let other = "ab".repeat(32);
    let gone = format!("https://127.0.0.1:{port}/gone.wasm@sha256:{digest}:load");
    for (spec, trusted, code, words) in [
        (format!("{url}@sha256:{digest}:load"), &ours, 0, "PASSED: load:load"),
        (format!("{url}@sha256:{other}:load"), &ours, 104, "is not what was asked for"),
        (format!("{url}@sha256:{digest}:load"), &others, 104, "can't fetch"),
        (gone, &ours, 104, "404"),
        (format!("{url}:load"), &ours, 104, "it has no digest"),
    ] {
        let trial = Trial::new(&["journey", "run", &spec]).config("url", format!("{}/load.wasm", nginx.url));
        let ended = trial.environment("SSL_CERT_FILE", trusted).run().expect(code).ended;
        assert!(ended.stdout.contains(words) || ended.stderr.contains(words), "{spec}: {}", ended.stderr);
    }
}

fn digest(file: &Path) -> String {
    let told = std::process::Command::new("sha256sum")
        .arg(file)
        .output()
        .expect("sha256sum is missing: apt-get install coreutils");
    String::from_utf8_lossy(&told.stdout).split(' ').next().expect("a digest").to_owned()
}
