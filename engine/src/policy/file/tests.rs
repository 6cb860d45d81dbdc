use super::*;

const WHOLE: &str = r#"
[defaults]
message_socket = "tcp://127.0.0.1:14302"
journeys = 100
clock = "1us"
deny = ["private"]

[[tenant]]
name = "shop"
controller_socket = "tcp://127.0.0.1:14301"
message_socket = ["tcp://10.0.0.1:14302", "tcp://10.0.0.2:14302"]
weight = 3
targets = ["https://*.staging.example.com:443", "10.1.0.0/16"]
deny = ["https://admin.staging.example.com"]
journeys = 50
journeys_per_second = 20
requests_per_second = 1500.5
connections = 200
bytes_per_second = "10MiB"
journey_memory = "64MiB"
memory = "2GiB"
journey_time = "5m"
component_size = 1000000
response_size = "8MiB"
messages_per_second = 100
labels = 50
secrets = { token = "secrets/token", key = { file = "/run/key", targets = ["https://pay.example.com"] } }

[[tenant]]
name = "b2"
controller_socket = "tcp://127.0.0.1:15301"

[targets."API.example.com:443"]
requests_per_second = 1000
connections = 200
"#;

fn read(text: &str) -> Result<Tenants, String> {
    Tenants::parse(text, Path::new("/etc/mite/tenants.toml")).map_err(|error| error.to_string())
}

#[test]
fn everything_that_can_stand_in_it() {
    let read = read(WHOLE).expect("it is right");
    let [shop, other] = &read.tenants[..] else { panic!("two tenants") };
    assert_eq!((shop.name.as_str(), shop.weight, shop.message_socket.len()), ("shop", 3, 2));
    let limits = &shop.policy.limits;
    let expected = Limits {
        journeys: Some(50),
        journeys_per_second: Some(20.0),
        requests_per_second: Some(1500.5),
        connections: Some(200),
        bytes_per_second: Some(10 << 20),
        journey_memory: Some(64 << 20),
        memory: Some(2 << 30),
        journey_time: Some(std::time::Duration::from_secs(300)),
        component_size: Some(1_000_000),
        response_size: Some(8 << 20),
        messages_per_second: Some(100.0),
        labels: Some(50),
        clock: Some(std::time::Duration::from_micros(1)),
    };
    assert_eq!(limits, &expected);
    assert_eq!(shop.policy.secrets["token"].file, Path::new("/etc/mite/secrets/token"), "beside the file");
    assert_eq!(shop.policy.secrets["key"].file, Path::new("/run/key"));
    assert!(shop.policy.secrets["key"].targets.is_some() && shop.policy.secrets["token"].targets.is_none());
    let defaults = Limits { journeys: Some(100), clock: limits.clock, ..Limits::default() };
    assert_eq!((other.weight, &other.policy.limits), (1, &defaults));
    assert_eq!(other.message_socket, ["tcp://127.0.0.1:14302"]);
    let brake = Brake { requests_per_second: Some(1000.0), connections: Some(200) };
    assert_eq!(read.brakes, BTreeMap::from([("api.example.com:443".to_owned(), brake)]));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let tenant = "[[tenant]]\nname = \"a\"\ncontroller_socket = \"tcp://h:1\"\nmessage_socket = \"tcp://h:2\"\n";
    assert!(read(tenant).is_ok());
    for (text, line, what) in [
        (String::new(), 1, "it has no tenant"),
        ("[[tenant]".to_owned(), 1, ""),
        (format!("{tenant}jorneys = 5\n"), 5, "unknown field `jorneys`"),
        (format!("[default]\n{tenant}"), 1, "unknown field `default`"),
        (format!("[defaults]\nname = \"x\"\n{tenant}"), 2, "`name` is a tenant's"),
        (format!("{tenant}\n{tenant}"), 6, "there is a tenant `a` already"),
        (tenant.replace("\"a\"", "\"A\""), 2, "`A` is not a tenant's name"),
        (tenant.replace("\"a\"", "\"../a\""), 2, "`../a` is not a tenant's name"),
        (tenant.replace("\"a\"", "\"\""), 2, "`` is not a tenant's name"),
        (tenant.replace("\"a\"", "\"a\\nb\""), 2, "`a\\nb` is not a tenant's name"),
        (tenant.replace("name = \"a\"\n", ""), 1, "this tenant has no `name`"),
        (tenant.replace("message_socket = \"tcp://h:2\"\n", ""), 1, "tenant `a` has no `message_socket`"),
        (tenant.replace("\"tcp://h:2\"", "[]"), 1, "tenant `a` has no `message_socket`"),
        (tenant.replace("controller_socket = \"tcp://h:1\"\n", ""), 1, "tenant `a` has no `controller_socket`"),
        (format!("{tenant}weight = 0\n"), 5, "a weight is a number from 1 to 1000"),
        (format!("{tenant}journeys = 0\n"), 5, "0 is not a number from 1"),
        (format!("{tenant}journeys = -1\n"), 5, "-1 is not a number from 1"),
        (format!("{tenant}requests_per_second = 0\n"), 5, "0 is not a rate"),
        (format!("{tenant}requests_per_second = inf\n"), 5, "inf is not a rate"),
        (format!("{tenant}requests_per_second = nan\n"), 5, "NaN is not a rate"),
        (format!("{tenant}memory = \"64MB\"\n"), 5, "`64MB` is not a number of bytes"),
        (format!("{tenant}journey_time = 5\n"), 5, "`5` is not a duration"),
        (format!("{tenant}targets = [\"ftp://x\"]\n"), 5, "`ftp://x` is not a rule: the scheme is http or https"),
        (format!("{tenant}deny = [\"10.1.0.0/8\"]\n"), 5, "10.1.0.0 is not where a block of /8 begins"),
        (format!("{tenant}secrets = {{ \"a b\" = \"f\" }}\n"), 5, "`a b` is not a secret's name"),
        (format!("{tenant}secrets = {{ a = {{ file = \"f\", x = 1 }} }}\n"), 5, "a file's path, or"),
        (format!("{tenant}[targets.\"example.com\"]\nconnections = 1\n"), 5, "is not of the form host:port"),
        (format!("{tenant}[targets.\"example.com:443\"]\n"), 5, "neither `requests_per_second` nor `connections`"),
    ] {
        let error = read(&text).expect_err(&text);
        assert!(error.starts_with(&format!("/etc/mite/tenants.toml:{line}: ")), "{text}\n{error}");
        assert!(error.contains(what), "{text}\n{error}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    let error = Tenants::read(Path::new("/nowhere/tenants.toml")).expect_err("it is not there");
    assert!(error.to_string().starts_with("/nowhere/tenants.toml: "), "{error}");
}
