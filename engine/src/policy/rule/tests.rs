use super::*;

fn goal(url: &str) -> (url::Url, u16) {
    let url = url::Url::parse(url).expect("a URL");
    let port = url.port_or_known_default().expect("a port");
    (url, port)
}

fn with<R>(url: &str, see: impl FnOnce(&Goal<'_>) -> R) -> R {
    let (url, port) = goal(url);
    let host = match url.host().expect("a host") {
        url::Host::Domain(name) => Host::Name(name),
        url::Host::Ipv4(address) => Host::Address(address.into()),
        url::Host::Ipv6(address) => Host::Address(address.into()),
    };
    see(&Goal { https: url.scheme() == "https", host, port })
}

/// The rule, the URL, the address that its host has, whether it is open, why.
const OPENS: &[(&str, &str, &str, bool, &str)] = &[
    ("https://api.example.com", "https://api.example.com/", "9.9.9.9", true, "the name itself"),
    ("https://api.example.com", "https://API.Example.com./x", "9.9.9.9", true, "in any spelling"),
    ("https://API.example.COM.", "https://api.example.com/", "9.9.9.9", true, "of the rule's as well"),
    ("https://bücher.example", "https://xn--bcher-kva.example/", "9.9.9.9", true, "in Punycode"),
    ("https://api.example.com", "http://api.example.com/", "9.9.9.9", false, "another scheme"),
    ("https://api.example.com", "https://api.example.com:8443/", "9.9.9.9", false, "another port"),
    ("https://api.example.com:*", "https://api.example.com:8443/", "9.9.9.9", true, "any port"),
    ("api.example.com", "http://api.example.com:8443/", "9.9.9.9", true, "any scheme and port"),
    ("api.example.com:80", "http://api.example.com/", "9.9.9.9", true, "the scheme's port"),
    ("api.example.com:8000-8099", "http://api.example.com:8050/", "9.9.9.9", true, "one of its ports"),
    ("api.example.com:8000-8099", "http://api.example.com:8100/", "9.9.9.9", false, "not one of them"),
    ("api.example.com", "http://api.example.com.evil.org/", "9.9.9.9", false, "a name that begins so"),
    ("api.example.com", "http://evilapi.example.com/", "9.9.9.9", false, "a name that ends so"),
    ("api.example.com", "http://api.example.com/", "10.0.0.1", false, "a name that leads to a private address"),
    ("api.example.com", "http://api.example.com/", "127.0.0.1", false, "to this machine"),
    ("api.example.com", "http://api.example.com/", "::ffff:169.254.169.254", false, "to metadata"),
    ("*.example.com", "http://a.example.com/", "9.9.9.9", true, "below it"),
    ("*.example.com", "http://a.b.example.com/", "9.9.9.9", true, "at any depth"),
    ("*.example.com", "http://example.com/", "9.9.9.9", false, "not itself"),
    ("*.example.com", "http://evilexample.com/", "9.9.9.9", false, "a dot is a dot"),
    ("*.example.com", "http://9.9.9.9/", "9.9.9.9", false, "an address has no name"),
    ("*", "http://9.9.9.9:81/", "9.9.9.9", true, "anything on the internet"),
    ("*", "http://x.org/", "192.168.1.1", false, "which a private address isn't"),
    ("https://*:443", "https://x.org/", "9.9.9.9", true, "by https"),
    ("https://*:443", "http://x.org/", "9.9.9.9", false, "only"),
    ("private", "http://x.org/", "192.168.1.1", true, "private addresses whatever their name"),
    ("private", "http://x.org/", "9.9.9.9", false, "no others"),
    ("private", "http://127.0.0.1/", "127.0.0.1", false, "nor this machine"),
    ("loopback", "http://x.org/", "127.8.8.8", true, "this machine"),
    ("loopback:8080", "http://[::1]:8080/", "::1", true, "by IPv6"),
    ("loopback:8080", "http://[::1]:8081/", "::1", false, "not at another port"),
    ("http://localhost:8080", "http://localhost:8080/", "127.0.0.1", true, "by its name"),
    ("10.1.0.0/16", "http://10.1.255.9:81/", "10.1.255.9", true, "a block"),
    ("10.1.0.0/16", "http://db.example.com/", "10.1.2.3", true, "whatever the name"),
    ("10.1.0.0/16", "http://10.2.0.0/", "10.2.0.0", false, "beside it"),
    ("10.1.0.0/16:443", "https://10.1.0.1/", "10.1.0.1", true, "at its port"),
    ("10.1.0.0/16:443", "http://10.1.0.1/", "10.1.0.1", false, "not at another"),
    ("10.1.0.0/16", "http://[::ffff:10.1.0.1]/", "::ffff:10.1.0.1", true, "in another dress"),
    ("10.1.2.3", "http://10.1.2.3/", "10.1.2.3", true, "one address"),
    ("10.1.2.3", "http://10.1.2.4/", "10.1.2.4", false, "not its neighbour"),
    ("[fd00::]/8:8080", "http://[fd12::1]:8080/", "fd12::1", true, "IPv6 with a port"),
    ("fd00::/8", "http://[fd12::1]:8080/", "fd12::1", true, "and without"),
    ("https://[fd12::1]", "https://[fd12::1]/", "fd12::1", true, "one of them"),
    ("0.0.0.0/0", "http://9.9.9.9/", "9.9.9.9", true, "the internet"),
    ("0.0.0.0/0", "http://10.1.0.1/", "10.1.0.1", false, "is not anybody's own network"),
    ("0.0.0.0/0", "http://127.0.0.1/", "127.0.0.1", false, "nor this machine"),
    ("::/0", "http://[2600::1]/", "2600::1", true, "the other internet"),
    ("::/0", "http://[fd00::1]/", "fd00::1", false, "nor there"),
    ("169.254.0.0/16", "http://169.254.1.1/", "169.254.1.1", true, "a cable may be named"),
    ("169.254.0.0/16", "http://169.254.169.254/", "169.254.169.254", false, "metadata isn't meant by it"),
    ("100.64.0.0/10", "http://100.100.100.200/", "100.100.100.200", false, "wherever it lies"),
    ("169.254.169.254", "http://169.254.169.254/", "169.254.169.254", true, "but by its own address"),
    ("64:ff9b::/96", "http://[64:ff9b::a00:1]/", "64:ff9b::a00:1", false, "NAT64 leads to private networks"),
    ("64:ff9b::/96", "http://[64:ff9b::909:909]/", "64:ff9b::909:909", true, "or to others"),
];

#[test]
fn what_a_rule_opens() {
    for (rule, url, address, open, why) in OPENS {
        let parsed: Rule = rule.parse().expect(rule);
        let address = address.parse().expect("an address");
        assert_eq!(with(url, |goal| parsed.opens(goal, address)), *open, "{rule} {url} {address}: {why}");
    }
}

#[test]
fn what_a_rule_closes() {
    for (rule, url, address, closed, by_name, why) in [
        ("api.example.com", "https://api.example.com/", "9.9.9.9", true, true, "a name"),
        ("*.example.com", "https://api.example.com/", "10.0.0.1", true, true, "whatever its address"),
        ("https://api.example.com", "http://api.example.com/", "9.9.9.9", false, false, "but by http"),
        ("*:25", "http://a.example.com:25/", "9.9.9.9", true, true, "a port"),
        ("*:25", "http://10.0.0.1:25/", "10.0.0.1", true, true, "everywhere"),
        ("0.0.0.0/0", "http://10.0.0.1/", "10.0.0.1", true, false, "a block is all of it"),
        ("10.0.0.0/8", "http://x.org/", "10.9.9.9", true, false, "whatever the name"),
        ("10.0.0.0/8", "http://x.org/", "64:ff9b::a09:909", true, false, "and the dress"),
        ("10.0.0.0/8", "http://x.org/", "11.0.0.0", false, false, "beside it"),
        ("private", "http://x.org/", "fd00::1", true, false, "private networks"),
        ("loopback", "http://x.org/", "0.0.0.0", true, false, "0.0.0.0 is this machine"),
        ("loopback", "http://x.org/", "9.9.9.9", false, false, "others aren't"),
    ] {
        let parsed: Rule = rule.parse().expect(rule);
        let address = address.parse().expect("an address");
        let found = with(url, |goal| (parsed.closes(goal, address), parsed.closes_name(goal)));
        assert_eq!(found, (closed, by_name), "{rule} {url} {address}: {why}");
    }
}

#[test]
fn what_is_no_rule() {
    for (text, why) in [
        ("", "it names no host"),
        (":80", "it names no host"),
        ("ftp://x.org", "the scheme is http or https"),
        ("https://", "it names no host"),
        ("x.org:0", "`0` is not a port"),
        ("x.org:65536", "`65536` is not a port"),
        ("x.org:+80", "`+80` is not a port"),
        ("x.org:", "`` is not a port"),
        ("x.org:90-80", "`90-80` ends before it begins"),
        ("x.org/24", "`x.org` is not an address"),
        ("x.org/path", "`x.org` is not an address"),
        ("https://x.org/", "`x.org` is not an address"),
        ("user@x.org", "`user@x.org` is not the name of a host"),
        ("a b", "`a b` is not the name of a host"),
        ("*.*.org", "`*.org` is not the name of a host"),
        ("a.*.org", "`a.*.org` is not the name of a host"),
        ("a..org", "`a..org` is not the name of a host"),
        ("0x7f.1", "`0x7f.1` is an address: write it as `127.0.0.1`"),
        ("2130706433", "`2130706433` is an address: write it as `127.0.0.1`"),
        ("10.0.0.1/8", "10.0.0.1 is not where a block of /8 begins"),
        ("10.0.0.0/33", "`/33` is not a length of 0 to 32 bits"),
        ("[fd00::]/129", "`/129` is not a length of 0 to 128 bits"),
        ("[fd00::1%eth0]", "is not the name of a host"),
        (&"x".repeat(400), "it has 400 bytes, the limit is 300"),
        ("a\n2026 ERROR b", "`a\\n2026 ERROR b` is not the name of a host"),
    ] {
        let error = text.parse::<Rule>().expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
