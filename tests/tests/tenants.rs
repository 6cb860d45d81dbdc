//! One runner for many: none notices the others, each has what it may, and its report says what that kept from it.

use rustix::process::Signal;
use serde_json::Value;
use tests::fleet::{Fleet, Tenant, count};
use tests::program::{Ended, eventually, patiently};
use tests::python;
use tests::servers::Playground;

/// Ten requests a second from three journeys at once, of eight.
#[track_caller]
fn held_back(ended: &Ended) -> &Ended {
    assert!(ended.stdout.contains("HELD BACK BY QUOTA: journeys 3 (wanted 8), requests/s 10"), "{}", ended.stdout);
    ended
}

/// What the summary and the runner's metrics say of it.
fn shop_is_shown(fleet: &Fleet, shopped: &Value) {
    let (requests, seconds) = (count(shopped, "/requests"), shopped["duration_s"].as_f64().expect("seconds"));
    let most = 10.0 * seconds * 1.05 + 5.0;
    assert!(requests > 5 && (requests as f64) < most, "{requests} requests in {seconds} s, at most {most} may be");
    assert_eq!(shopped["held_back"]["journeys"]["wanted"].as_f64(), Some(8.0), "{:#}", shopped["held_back"]);
    assert!(count(shopped, "/held_back/requests_per_second/times") > 3);
    // Three at once and ten a second: each waits for nearly 300 ms, which is in its transaction and not in its latency.
    let p50 =
        |path: &str| shopped.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {shopped:#}"));
    let waits = p50("/by_transaction/__root__ :: get/latency_ms/p50") - p50("/latency_ms/p50");
    assert!(waits > 100.0, "{waits} ms: a quota is no slow server");
    let metrics = fleet.metrics();
    let of = |name: &str, labels: &[&str]| metrics.sum(name, labels);
    assert_eq!(of("mite_tenant_limit", &["shop", "requests_per_second"]), 10.0);
    assert_eq!(of("mite_tenant_requests_total", &["shop"]), requests as f64);
    assert!(of("mite_tenant_held_back_total", &["shop", "requests_per_second"]) > 3.0);
    assert_eq!((of("mite_tenant_tests_total", &["shop"]), of("mite_tenants", &[])), (1.0, 3.0));
}

/// A tenant with limits, one without and one with endless loops run their tests at the same time; each is told what concerns it, the server
/// has counted what they have, and the file is read again meanwhile.
#[test]
fn tenants_share_a_runner() {
    let (fleet, playground) = (Fleet::new(), Playground::start());
    let shop = Tenant::new("shop", "requests_per_second = 10\njourneys = 3");
    let search = Tenant::new("search", "");
    let rogue = Tenant::new("rogue", "component_size = \"16MiB\"");
    let late = Tenant::new("late", "journeys_per_second = 5\nconnections = 1\ncomponent_size = 1000000");
    fleet.write(&[&shop, &search, &rogue], "");
    let runner = fleet.runner(&[]);
    let sinks = [&shop, &search, &rogue, &late].map(|tenant| python::start(python::SINK, &[&tenant.messages]));
    let url = format!("url:{}/json", playground.url);
    let looping = fleet.controller(&rogue, "hostile:beside", &["harm:loops", "seconds:6", &url]);
    let searching = fleet.controller(&search, "load:load", &["volume:4", "seconds:6", &url]);
    let shopping = fleet.controller(&shop, "load:load", &["volume:8", "seconds:3", &url]);

    let shopped = fleet.summary(&shop, held_back(&shopping.wait().expect(0)));
    shop_is_shown(&fleet, &shopped);
    let before = playground.requests();
    eventually("the others go on", || (playground.requests() > before + 10).then_some(()));
    fleet.write(&[&shop, &search], "[[tenant]]\nname = \"x\"\n");
    runner.signal(Signal::HUP);
    eventually("a bad file is refused", || fleet.said("nothing is changed"));
    fleet.write(&[&shop, &search, &rogue, &late], "");
    runner.signal(Signal::HUP);
    eventually("a good one is taken", || fleet.said("read again, serving 4 tenants"));
    let arriving = fleet.controller(&late, "load:load", &["volume:5", "seconds:2", &url]);

    let ended = searching.wait().expect(0);
    let searched = fleet.summary(&search, &ended);
    assert!(searched.get("held_back").is_none(), "it has no limits: {searched:#}");
    assert_eq!(count(&searched, "/runners"), 1);
    // Its loops trap after a second of the CPU, if they get that much.
    let ended = looping.wait();
    assert!(matches!(ended.code(), 0 | 99), "{ended:?}");
    let looped = fleet.summary(&rogue, &ended);
    let arrived = fleet.summary(&late, &arriving.wait().expect(0));
    assert!(count(&arrived, "/held_back/journeys_per_second/times") > 2, "{:#}", arrived["held_back"]);
    let most = 5.0 * arrived["duration_s"].as_f64().expect("seconds") * 1.05 + 3.0;
    assert!((count(&arrived, "/requests") as f64) < most, "five a second: {arrived:#}");
    let all = [&shopped, &searched, &looped, &arrived].map(|summary| count(summary, "/requests"));
    assert_eq!(playground.requests(), all.iter().sum::<u64>(), "what the server counted is what they have: {all:?}");
    assert!(all[1] > all[0] * 2, "the healthy one beside an endless loop has its rate: {all:?}");

    runner.signal(Signal::TERM);
    let ended = runner.wait().expect(0);
    drop(ended);
    for (sink, summary) in sinks.into_iter().zip([&shopped, &searched, &looped, &arrived]) {
        let counts = python::counts(sink);
        let all: u64 = counts.as_object().expect("types").values().filter_map(Value::as_u64).sum();
        assert_eq!(all, count(summary, "/messages/made"), "every message that was made has arrived: {counts}");
        assert_eq!(counts.get("held_back").is_some(), summary.get("held_back").is_some(), "{counts}");
    }
}

/// What can't be run for one tenant ends neither the runner nor the others, and its controller is told why.
#[test]
fn one_that_is_refused() {
    let (fleet, playground) = (Fleet::new(), Playground::start());
    let small = Tenant::new("small", "component_size = 1000");
    let braked = Tenant::new("braked", "");
    let target = playground.url.strip_prefix("http://").expect("an address");
    fleet.write(&[&small, &braked], &format!("[targets.\"{target}\"]\nrequests_per_second = 10\nconnections = 2\n"));
    let runner = fleet.runner(&[]);
    let url = format!("url:{}/json", playground.url);
    let sink = python::start(python::SINK, &[&braked.messages]);
    let refused = fleet.controller(&small, "load:load", &["volume:1", "seconds:1", &url]);
    eventually("it is refused", || fleet.said("takes no more than 1000 (`component_size`)"));
    let before = playground.requests();
    let braking = fleet.controller(&braked, "load:load", &["volume:6", "seconds:2", &url]);
    eventually("some requests", || (playground.requests() > before + 5).then_some(()));
    // One of them is that which asks.
    let open = playground.stats()["open_connections"].as_u64().expect("a count");
    assert!(open <= 3, "{open} connections are open");
    let ended = braking.wait().expect(0);
    let summary = fleet.summary(&braked, &ended);
    let requests = count(&summary, "/requests");
    let most = 10.0 * summary["duration_s"].as_f64().expect("seconds") * 1.05 + 3.0;
    assert!((requests as f64) < most, "ten a second for all tenants: {requests}, at most {most}");
    assert!(count(&summary, "/held_back/targets.requests_per_second/times") > 3, "{:#}", summary["held_back"]);
    assert_eq!(
        fleet.metrics().sum("mite_tenant_tests_refused_total", &["small"]),
        1.0,
        "asked once, not again and again"
    );
    refused.signal(Signal::TERM);
    let ended = refused.wait().expect(105);
    assert!(ended.stderr.contains("runner 1 leaves: can't get load"), "{}", ended.stderr);
    drop((runner, sink));
}

/// Where two want the whole of one core, it is divided as their weights say.
#[test]
fn the_cpu_is_divided_by_weight() {
    let (fleet, playground) = (Fleet::new(), Playground::start());
    let (heavy, light) = (Tenant::new("heavy", "weight = 3"), Tenant::new("light", ""));
    fleet.write(&[&heavy, &light], "");
    // On one core, so that there is a shortage on every machine.
    let runner = fleet.runner(&["taskset", "--cpu-list", &first_core()]);
    let url = format!("url:{}/json", playground.url);
    let config = ["harm:loops", "seconds:60", &url];
    let tests = [&heavy, &light].map(|tenant| fleet.controller(tenant, "hostile:beside", &config));
    let used = || {
        let metrics = fleet.metrics();
        [&heavy, &light].map(|tenant| metrics.sum("mite_tenant_cpu_seconds_total", &[tenant.name]))
    };
    let begun = patiently("both compute", || Some(used()).filter(|used| used.iter().all(|used| *used > 0.3)));
    let share = patiently("a share", || {
        let used = used();
        let [heavy, light] = [used[0] - begun[0], used[1] - begun[1]];
        (heavy + light > 2.0).then_some(heavy / (heavy + light))
    });
    assert!((0.68..0.82).contains(&share), "three of four parts, not {share}");
    drop((runner, tests));
}

/// The first core that this process may use.
fn first_core() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list");
    list.trim().split([',', '-']).next().expect("a core").to_owned()
}

/// What is wrong with a file is said at once, and names the place.
#[test]
fn bad_files() {
    let fleet = Fleet::new();
    let path = fleet.path("tenants.toml").display().to_string();
    let option = format!("--tenants={path}");
    let (good, bad) = (Tenant::new("a", ""), Tenant { control: "udp://x".to_owned(), ..Tenant::new("b", "") });
    for (text, words, code, says) in [
        (None, &["runner", &option][..], 104, "tenants.toml: No such file"),
        (Some(String::new()), &["runner", &option], 104, "it has no tenant"),
        (Some(good.section() + "\nspeed = 3"), &["runner", &option], 104, "tenants.toml:"),
        (Some(good.section() + &bad.section()), &["runner", &option], 104, "tenant `b`: controller_socket: "),
        (Some(good.section()), &["runner", &option, "--web-address=nonsense:x"], 104, "not a port"),
        (None, &["runner", &option, "--controller-socket=tcp://127.0.0.1:1"], 2, "cannot be used with"),
        (None, &["runner", "--web-address=127.0.0.1:0"], 2, "--tenants"),
    ] {
        if let Some(text) = text {
            std::fs::write(fleet.path("tenants.toml"), text).expect("a file");
        }
        let ended = tests::program::run(words).expect(code);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
}
