//! Names that lead where they may not, and names that lead somewhere else each time: in a network of the test's own, with a server of
//! names and a canary at each address.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::program::Running;
use tests::raw::answer;
use tests::trial::Trial;

/// Set for the test that is run again in a network of its own.
const INSIDE: &str = "MITE_TEST_NAMES";
const PORT: u16 = 8080;
/// One that is public, and others.
const PUBLIC: &str = "9.9.9.9";
const OTHERS: [&str; 3] = ["10.0.0.1", "127.0.0.1", "169.254.169.254"];

type Seen = Arc<Mutex<BTreeMap<String, u64>>>;

/// Runs the test again where it may give itself addresses and be asked for names.
fn elsewhere(test: &str) {
    let this = std::env::current_exe().expect("a program").display().to_string();
    let directory = tempfile::tempdir().expect("a directory");
    let names = directory.path().join("resolv.conf");
    std::fs::write(&names, "nameserver 127.0.0.1\n").expect("a file");
    let addresses = [PUBLIC, OTHERS[0], OTHERS[2]].map(|address| format!("ip addr add {address}/32 dev lo; ")).concat();
    let script = format!("ip link set lo up; {addresses} mount --bind \"$0\" /etc/resolv.conf; exec \"$@\"");
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "--mount"]);
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    unshare.args(["bash", "-euc", &script]).arg(&names).args([&this, "--exact", test, "--nocapture"]).env(INSIDE, "1");
    let ended = Running::start(&mut unshare).wait();
    let (out, err) = (&ended.stdout, &ended.stderr);
    assert!(
        ended.status.success() && out.contains("test result: ok. 1 passed"),
        "in a network of its own (which `unshare --net --mount` has to be allowed to make):\n{out}\n{err}"
    );
}

/// Counts who connects, and answers.
fn canary(address: &'static str, seen: &Seen) {
    let (listener, seen) = (TcpListener::bind((address, PORT)).expect("it is ours"), seen.clone());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            *seen.lock().expect("no panics").entry(address.to_owned()).or_default() += 1;
            drop(stream.read(&mut [0; 2_000]));
            drop(stream.write_all(&answer("200 OK\r\nconnection: close", b"")));
        }
    });
}

/// The addresses of a name; those of `rebind...` change with each question.
fn addresses(name: &str, asked: usize) -> Vec<IpAddr> {
    let texts: &[&str] = match name {
        "both" => &[OTHERS[0], PUBLIC, OTHERS[1]],
        "private" => &[OTHERS[0]],
        "metadata" => &[OTHERS[2]],
        "mapped" => &["::ffff:10.0.0.1"],
        "translated" => &["64:ff9b::10.0.0.1"],
        "good" => &[PUBLIC],
        _ => [&[PUBLIC][..], &[OTHERS[1]], &[OTHERS[0]]][asked % 3],
    };
    texts.iter().map(|text| text.parse().expect("an address")).collect()
}

/// A server of names whose answers hold for no time at all.
fn serve_names() {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("it is ours");
    std::thread::spawn(move || {
        let mut question = [0; 2_000];
        for asked in 0.. {
            let Ok((length, from)) = socket.recv_from(&mut question) else { continue };
            let first = usize::from(question[12]);
            let name = String::from_utf8_lossy(&question[13..13 + first]).to_lowercase();
            let mut end = 12;
            while question[end] != 0 {
                end += 1 + usize::from(question[end]);
            }
            let kind = question[end + 2];
            let fits = |address: &IpAddr| kind == if address.is_ipv4() { 1 } else { 28 };
            let found: Vec<_> = addresses(&name, asked).into_iter().filter(fits).collect();
            let count = u8::try_from(found.len()).expect("few");
            let mut reply = [&question[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]].concat();
            reply.extend_from_slice(&question[12..(end + 5).min(length)]);
            for address in found {
                let bytes = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                let size = u8::try_from(bytes.len()).expect("few");
                reply.extend_from_slice(&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, size]);
                reply.extend_from_slice(&bytes);
            }
            drop(socket.send_to(&reply, from));
        }
    });
}

fn visit(names: &[String], option: &str) -> Vec<Value> {
    let steps: Vec<_> = names.iter().map(|name| json!({ "url": format!("http://{name}.test:{PORT}/") })).collect();
    Trial::visit(&json!(steps)).option("--connections=never").option(option).run().expect(0).seen()
}

#[test]
fn names_lead_only_where_they_may() {
    if std::env::var_os(INSIDE).is_none() {
        return elsewhere("names_lead_only_where_they_may");
    }
    let seen = Seen::default();
    [PUBLIC].into_iter().chain(OTHERS).for_each(|address| canary(address, &seen));
    serve_names();
    let counted = || std::mem::take(&mut *seen.lock().expect("no panics"));
    let named = ["both", "good", "private", "metadata", "mapped", "translated"].map(str::to_owned);
    let rebound: Vec<String> = (0..60).map(|number| format!("rebind{}", number % 30)).collect();
    let answers = visit(&[&named[..], &rebound].concat(), "--allow=*");
    for (name, seen) in named.iter().zip(&answers) {
        match name.as_str() {
            "both" | "good" => assert_eq!((&seen["status"], &seen["ip"]), (&json!(200), &json!(PUBLIC)), "{name}"),
            _ => assert_eq!(seen["error"], "Denied", "{name}: {seen}"),
        }
    }
    let through = answers.iter().filter(|seen| seen["status"] == 200).count() as u64;
    assert!(
        through > 10 && answers.iter().all(|seen| seen["status"] == 200 || seen["error"] == "Denied"),
        "{answers:?}"
    );
    assert_eq!(counted(), BTreeMap::from([(PUBLIC.to_owned(), through)]), "nobody else was asked anything");
    // The canaries live: without a rule all but the metadata address are reached.
    visit(&[&named[..4], &rebound].concat(), "--deny=nobody.example");
    let counted = counted();
    assert!(OTHERS[..2].iter().all(|address| counted.contains_key(*address)), "{counted:?}");
    assert!(!counted.contains_key(OTHERS[2]), "{counted:?}");
}
