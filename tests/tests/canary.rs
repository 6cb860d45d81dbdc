//! Forbidden addresses in a network where every connection is counted by the kernel: not one is begun.

use std::collections::HashMap;
use std::path::Path;

use serde_json::json;
use tests::forbidden::{others, spellings};
use tests::program::behind;
use tests::trial::{Tested, Trial};

/// In a network of its own, where everything has a way and one server a public address: counts what TCP has done there before and after.
const NETWORK: &str = r#"
ip link set lo up && ip address add 93.184.216.34/32 dev lo && ip route add default dev lo || exit 70
ip -6 route add default dev lo 2>/dev/null
"$0" playground --address 93.184.216.34:8080 >"$CANARY/server" & server=$!
until grep -q listening "$CANARY/server"; do kill -0 $server || exit 71; sleep 0.05; done
cat /proc/net/snmp >"$CANARY/before"
"$0" "$@"; code=$?
cat /proc/net/snmp >"$CANARY/after"
kill $server
exit $code"#;

/// How often each of these happened meanwhile.
fn counted(directory: &Path, protocol: &str) -> HashMap<String, i64> {
    let read = |name: &str| {
        let text = std::fs::read_to_string(directory.join(name))
            .expect("the network's counters: this test needs root, unshare and ip");
        let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(&format!("{protocol}: "))).collect();
        let numbers = lines[1].split(' ').map(|number| number.parse::<i64>().expect("a count"));
        lines[0].split(' ').map(str::to_owned).zip(numbers).collect::<HashMap<_, _>>()
    };
    let (before, after) = (read("before"), read("after"));
    after.into_iter().map(|(name, count)| (name.clone(), count - before[&name])).collect()
}

fn visited(steps: &serde_json::Value, options: &[&str]) -> (Tested, HashMap<String, i64>, HashMap<String, i64>) {
    let directory = tests::files::directory();
    let mut trial = Trial::visit(steps).within(|command| behind(&["unshare", "-n", "sh", "-c", NETWORK], command));
    trial = trial.environment("CANARY", directory.path().display());
    for option in options {
        trial = trial.option(option);
    }
    let tested = trial.run().expect(0);
    (tested, counted(directory.path(), "Tcp"), counted(directory.path(), "Udp"))
}

#[test]
fn no_packet_goes_to_a_forbidden_address() {
    let addresses =
        ["127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "0.0.0.0", "172.16.0.1"];
    let mut hosts: Vec<String> = others().map(str::to_owned).to_vec();
    hosts.extend(addresses.iter().flat_map(|address| spellings(address.parse().expect("an address"))));
    let url = |host: &str| format!("http://{host}/latest/meta-data/");
    let led = |host: &str| json!({ "url": format!("http://93.184.216.34:8080/redirect-to?url={}", url(host)), "timeout": 5.0 });
    let mut steps: Vec<_> = hosts.iter().map(|host| json!({ "url": url(host), "timeout": 5.0 })).collect();
    // A server that is allowed leads there as well; a few, since that is our own machinery again.
    steps.extend(addresses.map(led));
    assert!(hosts.len() >= 150, "{}", hosts.len());
    let (tested, tcp, udp) = visited(&json!(steps), &["--allow=*"]);
    let denied = tested.count("errors_by_class/denied");
    assert!(denied >= 150, "{denied}: {:?}", tested.seen());
    assert!(tested.seen().iter().all(|seen| seen["status"].is_null()), "{:?}", tested.seen());
    // What was begun has come to the one server that may be reached.
    assert_eq!((tcp["ActiveOpens"], tcp["AttemptFails"]), (tcp["PassiveOpens"], 0), "{tcp:?}");
    assert!(tcp["PassiveOpens"] >= 1, "the redirects were asked for: {tcp:?}");
    assert_eq!(udp["OutDatagrams"], 0, "nor was anybody asked for a name: {udp:?}");
    // The counters see what is let through.
    let through =
        json!([{ "url": url("169.254.169.254"), "timeout": 0.3 }, { "url": url("2130706433"), "timeout": 0.3 }]);
    let (tested, tcp, _) = visited(&through, &["--allow=169.254.169.254", "--allow=loopback"]);
    assert_eq!(tested.count("errors_by_class/denied"), 0, "{:?}", tested.seen());
    assert_eq!((tcp["ActiveOpens"], tcp["PassiveOpens"]), (2, 0), "{tcp:?}");
}
