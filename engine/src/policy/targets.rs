//! What requests may reach.

use std::fmt;
use std::net::IpAddr;

use super::address::Kind;
use super::rule::{Goal, Host, Rule};

/// Rules of one who may say something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layer {
    said_by: SaidBy,
    /// None: everything but link-local and metadata addresses.
    allow: Option<Vec<Rule>>,
    deny: Vec<Rule>,
}

/// Who has made rules, so that a refusal can say what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SaidBy {
    /// `--allow` and `--deny`.
    Options,
    /// The entry of this tenant in the file of tenants.
    Tenant(String),
    /// The entry of a secret in it.
    Secret(String),
}

/// What requests may reach: only what everybody allows who has a say in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    layers: Vec<Layer>,
}

/// Why a request may not go where it would. The text names the target, the rule, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied(pub String);

impl std::error::Error for Denied {}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Targets {
    /// What the local user may reach: everything that `allow` names and `deny` doesn't. No `allow`: everything but
    /// link-local and metadata addresses.
    pub fn of_options(allow: &[Rule], deny: &[Rule]) -> Self {
        let allow = Some(allow.to_vec()).filter(|allow| !allow.is_empty());
        Self { layers: vec![Layer { said_by: SaidBy::Options, allow, deny: deny.to_vec() }] }
    }

    /// What a tenant may reach: what `allow` names and `deny` doesn't; with no `allow`, nothing.
    pub fn of_tenant(name: &str, allow: &[Rule], deny: &[Rule]) -> Self {
        let said_by = SaidBy::Tenant(name.to_owned());
        Self { layers: vec![Layer { said_by, allow: Some(allow.to_vec()), deny: deny.to_vec() }] }
    }

    /// Where a secret may go.
    pub fn of_secret(name: &str, allow: &[Rule]) -> Self {
        let said_by = SaidBy::Secret(name.to_owned());
        Self { layers: vec![Layer { said_by, allow: Some(allow.to_vec()), deny: Vec::new() }] }
    }

    /// Whether anybody has made a rule.
    pub fn has_rules(&self) -> bool {
        self.layers.iter().any(|layer| layer.allow.is_some() || !layer.deny.is_empty())
    }

    /// Only what both allow.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.layers.extend(other.layers);
        self
    }

    /// Before a name is looked up: whether any address that it may have could be reached. A name that is looked up is told to
    /// servers of names.
    pub fn check_name(&self, goal: &Goal<'_>) -> Result<(), Denied> {
        self.layers.iter().try_for_each(|layer| layer.check_name(goal))
    }

    /// Those of a goal's addresses that may be connected to, in their order. Some of them: the others are passed over.
    pub fn filter(&self, goal: &Goal<'_>, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, Denied> {
        let mut denied = None;
        let mut open = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.layers.iter().try_for_each(|layer| layer.check(goal, *address)) {
                Ok(()) => open.push(*address),
                Err(why) => denied = denied.or(Some(why)),
            }
        }
        match denied {
            Some(denied) if open.is_empty() => Err(denied),
            _ => Ok(open),
        }
    }
}

impl Layer {
    fn check_name(&self, goal: &Goal<'_>) -> Result<(), Denied> {
        if let Some(rule) = self.deny.iter().find(|rule| rule.closes_name(goal)) {
            return Err(self.denied(goal, &format!("the rule `{rule}` closes it")));
        }
        match &self.allow {
            Some(allow) if !allow.iter().any(|rule| rule.may_open(goal)) => Err(self.denied(goal, "no rule allows it")),
            _ => Ok(()),
        }
    }

    fn check(&self, goal: &Goal<'_>, address: IpAddr) -> Result<(), Denied> {
        let kind = Kind::of(address);
        let shown = match goal.host {
            Host::Name(_) => format!("it has the {kind} address {address}"),
            Host::Address(_) => format!("it is a {kind} address"),
        };
        if let Some(rule) = self.deny.iter().find(|rule| rule.closes(goal, address)) {
            return Err(self.denied(goal, &format!("{shown}, and the rule `{rule}` closes it")));
        }
        match &self.allow {
            None if matches!(kind, Kind::LinkLocal | Kind::Metadata) => {
                Err(self.denied(goal, &format!("{shown}, which no journey reaches unless a rule names it")))
            }
            Some(allow) if !allow.iter().any(|rule| rule.opens(goal, address)) => {
                Err(self.denied(goal, &format!("{shown}, which no rule allows")))
            }
            _ => Ok(()),
        }
    }

    fn denied(&self, goal: &Goal<'_>, why: &str) -> Denied {
        let way_out = match &self.said_by {
            SaidBy::Options => "see --allow and --deny in docs/policy.md".to_owned(),
            SaidBy::Tenant(name) => format!("the operator of this runner keeps the targets of tenant `{name}`"),
            SaidBy::Secret(name) => format!("the operator of this runner keeps the targets of secret `{name}`"),
        };
        Denied(format!("{goal}: {why}; {way_out}"))
    }
}

impl fmt::Display for Goal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        match self.host {
            Host::Name(name) => write!(f, "{scheme}://{name}:{}", self.port),
            Host::Address(IpAddr::V4(address)) => write!(f, "{scheme}://{address}:{}", self.port),
            Host::Address(IpAddr::V6(address)) => write!(f, "{scheme}://[{address}]:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests;
