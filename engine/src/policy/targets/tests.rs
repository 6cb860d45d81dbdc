use super::*;

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| text.parse().expect(text)).collect()
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().expect(text)).collect()
}

const SHOP: Goal<'_> = Goal { https: true, host: Host::Name("shop.example.com"), port: 443 };

/// Those that are left, or why there are none.
fn left(targets: &Targets, of: &[&str]) -> Result<Vec<String>, String> {
    targets.check_name(&SHOP).map_err(|denied| denied.0)?;
    let left = targets.filter(&SHOP, &addresses(of)).map_err(|denied| denied.0)?;
    Ok(left.iter().map(IpAddr::to_string).collect())
}

#[track_caller]
fn expect(targets: &Targets, of: &[&str], expected: Result<usize, &str>, why: &str) {
    match (left(targets, of), expected) {
        (Ok(left), Ok(count)) => assert_eq!(left.len(), count, "{why}: {left:?}"),
        (Err(denied), Err(text)) => assert!(denied.contains(text), "{why}: {denied}"),
        (found, expected) => panic!("{why}: {found:?} instead of {expected:?}"),
    }
}

#[test]
fn of_several_addresses_those_that_are_open_are_left() {
    let local = Targets::of_options(&[], &[]);
    let tenant = |allow: &[&str], deny: &[&str]| Targets::of_tenant("b2", &rules(allow), &rules(deny));
    for (targets, of, expected, why) in [
        (&local, &["9.9.9.9", "10.0.0.1", "127.0.0.1", "0.0.0.0"][..], Ok(4), "the local user reaches everything"),
        (&local, &["169.254.169.254", "10.0.0.1", "fe80::1"], Ok(1), "but what is of the cable"),
        (
            &local,
            &["::ffff:169.254.169.254"],
            Err("it has the metadata address ::ffff:169.254.169.254, which no journey reaches"),
            "",
        ),
        (&Targets::of_options(&[], &rules(&["private"])), &["10.0.0.1", "9.9.9.9"], Ok(1), "less what is closed"),
        (
            &Targets::of_options(&[], &rules(&["*.example.com"])),
            &["9.9.9.9"],
            Err("the rule `*.example.com` closes it; see --allow and --deny"),
            "by its name",
        ),
        (
            &tenant(&[], &[]),
            &["9.9.9.9"],
            Err("https://shop.example.com:443: no rule allows it; the operator"),
            "nothing by default",
        ),
        (&tenant(&["*.example.com"], &[]), &["9.9.9.9", "10.0.0.1"], Ok(1), "a name is public"),
        (
            &tenant(&["*.example.com"], &[]),
            &["10.0.0.1"],
            Err("it has the private address 10.0.0.1, which no rule allows"),
            "",
        ),
        (&tenant(&["*.example.com", "10.0.0.0/8"], &[]), &["9.9.9.9", "10.0.0.1"], Ok(2), "unless a rule says more"),
        (
            &tenant(&["*.example.com"], &["9.9.9.0/24"]),
            &["9.9.9.9"],
            Err("the rule `9.9.9.0/24` closes it"),
            "closed wins",
        ),
    ] {
        expect(targets, of, expected, why);
    }
}

#[test]
fn everybody_has_to_allow() {
    let tenant = |allow: &[&str], deny: &[&str]| Targets::of_tenant("b2", &rules(allow), &rules(deny));
    for (targets, of, expected, why) in [
        (
            &tenant(&["*"], &[]).and(Targets::of_options(&[], &rules(&["*:443"]))),
            &["9.9.9.9"][..],
            Err("`*:443` closes"),
            "for all",
        ),
        (
            &tenant(&["*"], &[]).and(Targets::of_options(&rules(&["*:80"]), &[])),
            &["9.9.9.9"],
            Err("no rule allows"),
            "both must",
        ),
        (
            &tenant(&["*:80"], &[]).and(Targets::of_options(&rules(&["*"]), &[])),
            &["9.9.9.9"],
            Err("tenant `b2`"),
            "allow",
        ),
        (
            &tenant(&["*"], &[]).and(Targets::of_options(&rules(&["private"]), &[])),
            &["9.9.9.9"],
            Err("which no rule allows"),
            "its address as well",
        ),
        (&tenant(&["*"], &[]).and(Targets::of_options(&rules(&["*"]), &[])), &["9.9.9.9"], Ok(1), "and then may"),
    ] {
        expect(targets, of, expected, why);
    }
}

#[test]
fn the_name_is_looked_at_first() {
    let names_only = Targets::of_tenant("b2", &rules(&["https://api.example.com"]), &[]);
    assert!(names_only.check_name(&SHOP).is_err(), "no address would help: it is not looked up");
    let a_block = Targets::of_tenant("b2", &rules(&["10.0.0.0/8"]), &[]);
    assert!(a_block.check_name(&SHOP).is_ok(), "its address may");
    let another_port = Targets::of_tenant("b2", &rules(&["10.0.0.0/8:80"]), &[]);
    assert!(another_port.check_name(&SHOP).is_err(), "not at that port");
}
