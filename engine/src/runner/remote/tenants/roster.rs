//! What a new file of tenants changes.

use std::collections::BTreeMap;

use crate::policy::Tenant;

/// What becomes of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is new, or its sockets are others.
    Begin(Tenant),
    /// It may have more or less than before, from now on.
    Limit(Tenant),
    /// It isn't in the file any more, or its sockets are others: what it runs comes to its end.
    End(String),
}

/// What has to be done about those who are served to serve these.
pub fn changes(served: &BTreeMap<String, Tenant>, wanted: &[Tenant]) -> Vec<Change> {
    let is_wanted = |name: &String| wanted.iter().any(|tenant| tenant.name == *name);
    let mut changes: Vec<_> =
        served.keys().filter(|name| !is_wanted(name)).map(|name| Change::End(name.clone())).collect();
    for tenant in wanted {
        match served.get(&tenant.name) {
            None => changes.push(Change::Begin(tenant.clone())),
            Some(before) if before == tenant => {}
            Some(before)
                if (&before.controller_socket, &before.message_socket)
                    == (&tenant.controller_socket, &tenant.message_socket) =>
            {
                changes.push(Change::Limit(tenant.clone()));
            }
            Some(_) => changes.extend([Change::End(tenant.name.clone()), Change::Begin(tenant.clone())]),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::policy::Tenants;

    fn tenants(lines: &[&str]) -> Vec<Tenant> {
        let text: String = lines.iter().map(|line| format!("[[tenant]]\n{line}\n")).collect();
        let text = format!("[defaults]\ncontroller_socket = \"tcp://c:1\"\nmessage_socket = \"tcp://m:1\"\n{text}");
        Tenants::parse(&text, Path::new("x")).expect("a file").tenants
    }

    #[test]
    fn what_changes() {
        let before = tenants(&["name = 'a'", "name = 'b'\njourneys = 5"]);
        let served: BTreeMap<_, _> = before.iter().map(|tenant| (tenant.name.clone(), tenant.clone())).collect();
        for (lines, want, why) in [
            (&["name = 'b'\njourneys = 5", "name = 'a'"][..], &[][..], "nothing, in another order"),
            (&["name = 'a'", "name = 'b'\njourneys = 6"], &["limit b"], "a limit"),
            (&["name = 'a'", "name = 'b'\njourneys = 5\nweight = 2"], &["limit b"], "a weight"),
            (&["name = 'a'", "name = 'b'\njourneys = 5\ntargets = ['loopback']"], &["limit b"], "a target"),
            (&["name = 'a'"], &["end b"], "one less"),
            (&["name = 'a'", "name = 'b'\njourneys = 5", "name = 'c'"], &["begin c"], "one more"),
            (
                &["name = 'a'\ncontroller_socket = 'tcp://c:2'", "name = 'b'\njourneys = 5"],
                &["end a", "begin a"],
                "another controller",
            ),
            (
                &["name = 'a'", "name = 'b'\njourneys = 5\nmessage_socket = ['tcp://m:1', 'tcp://m:2']"],
                &["end b", "begin b"],
                "other sockets for messages",
            ),
            (&["name = 'c'"], &["end a", "end b", "begin c"], "all others"),
        ] {
            let words = |change: &Change| match change {
                Change::Begin(tenant) => format!("begin {}", tenant.name),
                Change::Limit(tenant) => format!("limit {}", tenant.name),
                Change::End(name) => format!("end {name}"),
            };
            let found: Vec<_> = changes(&served, &tenants(lines)).iter().map(words).collect();
            assert_eq!(found, want, "{why}");
        }
    }
}
