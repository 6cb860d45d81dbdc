//! The file of tenants, as an operator writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::limits::{Bytes, Count, Rate, Time};
use super::{Limits, Policy, Rule, SecretSource, Targets, check_secret_name};

/// A larger file is refused.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// More tenants are refused.
const TENANTS_MAX: usize = 10_000;
/// More entries of a list or table are refused.
const ENTRIES_MAX: usize = 1_000;
const WEIGHT_MAX: u32 = 1_000;

/// Whom a runner serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenants {
    /// In the order of the file; their names are all different. There is at least one.
    pub tenants: Vec<Tenant>,
    /// The operator's brakes over all tenants, by `host:port` in lower case.
    pub brakes: BTreeMap<String, Brake>,
}

/// One whose tests a runner runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// `[a-z0-9][a-z0-9-]{0,62}`
    pub name: String,
    /// Where its controller is.
    pub controller_socket: String,
    /// Where its messages go: at least one address.
    pub message_socket: Vec<String>,
    /// Its share of the CPU where there isn't enough for all, 1 to 1,000; 1 unless given.
    pub weight: u32,
    pub policy: Arc<Policy>,
}

/// How much one target may be asked, by all tenants together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brake {
    pub requests_per_second: Option<f64>,
    pub connections: Option<u32>,
}

/// What is wrong with a file of tenants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{}:{line}: {what}", path.display())]
    Wrong { path: PathBuf, line: usize, what: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    defaults: Section,
    #[serde(default)]
    tenant: Vec<Spanned<Section>>,
    #[serde(default)]
    targets: BTreeMap<Spanned<String>, BrakeSection>,
}

/// `[defaults]` or a `[[tenant]]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    name: Option<Spanned<String>>,
    controller_socket: Option<Spanned<String>>,
    message_socket: Option<Spanned<OneOrMore>>,
    weight: Option<Spanned<u32>>,
    targets: Option<Vec<TextRule>>,
    deny: Option<Vec<TextRule>>,
    #[serde(default)]
    secrets: BTreeMap<Spanned<String>, SecretSection>,
    journeys: Option<Count>,
    journeys_per_second: Option<Rate>,
    requests_per_second: Option<Rate>,
    connections: Option<Count>,
    bytes_per_second: Option<Bytes>,
    journey_memory: Option<Bytes>,
    memory: Option<Bytes>,
    journey_time: Option<Time>,
    component_size: Option<Bytes>,
    response_size: Option<Bytes>,
    messages_per_second: Option<Rate>,
    labels: Option<Count>,
    clock: Option<Time>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "an address, or a list of addresses")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
struct TextRule(Rule);

impl TryFrom<String> for TextRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a file's path, or `{ file = \"path\", targets = [\"rule\"] }`")]
enum SecretSection {
    File(PathBuf),
    Bound(BoundSecret),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundSecret {
    file: PathBuf,
    targets: Vec<TextRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrakeSection {
    requests_per_second: Option<Rate>,
    connections: Option<Count>,
}

/// Something wrong, and where it begins in the text.
struct Wrong(usize, String);

impl Tenants {
    /// Reads a file whole. Paths in it that don't begin with `/` are below its directory.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |reason: String| Error::Unreadable { path: path.to_owned(), reason };
        let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(unreadable(format!("it has {size} bytes; the limit is {FILE_BYTES_MAX}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(&text, path)
    }

    /// Reads a file's text; `path` is where it is from.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let wrong = |at: usize, what: String| {
            let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
            Error::Wrong { path: path.to_owned(), line, what }
        };
        let file: File = toml::from_str(text)
            .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        made(file, base).map_err(|Wrong(at, what)| wrong(at, what))
    }
}

fn made(file: File, base: &Path) -> Result<Tenants, Wrong> {
    let File { defaults, tenant: sections, targets } = file;
    if let Some(name) = &defaults.name {
        return Err(Wrong(name.span().start, "`name` is a tenant's; defaults have none".to_owned()));
    }
    if sections.is_empty() {
        return Err(Wrong(
            0,
            "it has no tenant: write `[[tenant]]` with a name, `controller_socket` and `message_socket`".to_owned(),
        ));
    }
    if sections.len() > TENANTS_MAX {
        return Err(Wrong(0, format!("it has {} tenants; the limit is {TENANTS_MAX}", sections.len())));
    }
    let mut names = BTreeSet::new();
    let mut tenants = Vec::with_capacity(sections.len());
    for section in sections {
        let at = section.span().start;
        let tenant = tenant(section.into_inner(), at, &defaults, base)?;
        if !names.insert(tenant.name.clone()) {
            return Err(Wrong(at, format!("there is a tenant `{}` already", tenant.name)));
        }
        tenants.push(tenant);
    }
    let brakes = targets.into_iter().map(|(name, section)| brake(&name, &section)).collect::<Result<_, _>>()?;
    Ok(Tenants { tenants, brakes })
}

fn tenant(section: Section, at: usize, defaults: &Section, base: &Path) -> Result<Tenant, Wrong> {
    let Some(name) = &section.name else {
        return Err(Wrong(at, "this tenant has no `name`".to_owned()));
    };
    check_name(name.get_ref()).map_err(|what| Wrong(name.span().start, what))?;
    let lacks = |what: &str| Wrong(at, format!("tenant `{}` has no `{what}`, nor have the defaults", name.get_ref()));
    let controller_socket = section.controller_socket.as_ref().or(defaults.controller_socket.as_ref());
    let message_socket = section.message_socket.as_ref().or(defaults.message_socket.as_ref());
    let message_socket = match message_socket.map(Spanned::get_ref) {
        Some(OneOrMore::One(address)) => vec![address.clone()],
        Some(OneOrMore::More(addresses)) if (1..=ENTRIES_MAX).contains(&addresses.len()) => addresses.clone(),
        _ => return Err(lacks("message_socket")),
    };
    let weight = section.weight.as_ref().or(defaults.weight.as_ref());
    if let Some(weight) = weight.filter(|weight| !(1..=WEIGHT_MAX).contains(weight.get_ref())) {
        return Err(Wrong(weight.span().start, format!("a weight is a number from 1 to {WEIGHT_MAX}")));
    }
    let mut secrets = secrets(&defaults.secrets, base)?;
    secrets.extend(self::secrets(&section.secrets, base)?);
    let rules = |own: &Option<Vec<TextRule>>, default: &Option<Vec<TextRule>>| {
        let rules = own.as_ref().or(default.as_ref()).map_or(&[][..], Vec::as_slice);
        if rules.len() > ENTRIES_MAX {
            return Err(Wrong(at, format!("{} rules in a list; the limit is {ENTRIES_MAX}", rules.len())));
        }
        Ok(rules.iter().map(|rule| rule.0.clone()).collect::<Vec<_>>())
    };
    let allow = rules(&section.targets, &defaults.targets)?;
    // What is closed for all stays closed for each.
    let deny = [rules(&None, &defaults.deny)?, rules(&section.deny, &None)?].concat();
    let targets = Targets::of_tenant(name.get_ref(), &allow, &deny);
    let limits = section.limits().or(&defaults.limits());
    Ok(Tenant {
        name: name.get_ref().clone(),
        controller_socket: controller_socket.ok_or_else(|| lacks("controller_socket"))?.get_ref().clone(),
        message_socket,
        weight: weight.map_or(1, |weight| *weight.get_ref()),
        policy: Arc::new(Policy { targets, limits, secrets }),
    })
}

fn secrets(
    given: &BTreeMap<Spanned<String>, SecretSection>,
    base: &Path,
) -> Result<BTreeMap<String, SecretSource>, Wrong> {
    let mut secrets = BTreeMap::new();
    for (name, section) in given {
        check_secret_name(name.get_ref()).map_err(|what| Wrong(name.span().start, what))?;
        let (file, targets) = match section {
            SecretSection::File(file) => (file, None),
            SecretSection::Bound(BoundSecret { file, targets }) => {
                let rules: Vec<_> = targets.iter().map(|rule| rule.0.clone()).collect();
                (file, Some(Targets::of_secret(name.get_ref(), &rules)))
            }
        };
        secrets.insert(name.get_ref().clone(), SecretSource { file: base.join(file), targets });
    }
    if secrets.len() > ENTRIES_MAX {
        return Err(Wrong(0, format!("{} secrets; the limit is {ENTRIES_MAX}", secrets.len())));
    }
    Ok(secrets)
}

fn brake(name: &Spanned<String>, section: &BrakeSection) -> Result<(String, Brake), Wrong> {
    let wrong = |what: String| Wrong(name.span().start, what);
    let target = name.get_ref().to_lowercase();
    let port = target.rsplit_once(':').and_then(|(host, port)| port.parse::<u16>().ok().filter(|_| !host.is_empty()));
    if port.is_none_or(|port| port == 0) {
        return Err(wrong(format!(
            "`{}` is not of the form host:port, as in `api.example.com:443`",
            name.get_ref().escape_debug()
        )));
    }
    let requests_per_second = section.requests_per_second.map(|rate| rate.0);
    let connections = section.connections.map(|count| count.0);
    if requests_per_second.is_none() && connections.is_none() {
        return Err(wrong(format!("`{target}` has neither `requests_per_second` nor `connections`")));
    }
    Ok((target, Brake { requests_per_second, connections }))
}

/// Names of tenants stand in file names, labels and logs.
fn check_name(name: &str) -> Result<(), String> {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=63).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(inside) {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(format!("`{}` is not a tenant's name: 1 to 63 of `a-z 0-9 -`, not beginning with `-`", shown.escape_debug()))
}

impl Section {
    fn limits(&self) -> Limits {
        let count = |limit: Option<Count>| limit.map(|limit| limit.0);
        let rate = |limit: Option<Rate>| limit.map(|limit| limit.0);
        let bytes = |limit: Option<Bytes>| limit.map(|limit| limit.0);
        let time = |limit: Option<Time>| limit.map(|limit| limit.0);
        Limits {
            journeys: count(self.journeys),
            journeys_per_second: rate(self.journeys_per_second),
            requests_per_second: rate(self.requests_per_second),
            connections: count(self.connections),
            bytes_per_second: bytes(self.bytes_per_second),
            journey_memory: bytes(self.journey_memory),
            memory: bytes(self.memory),
            journey_time: time(self.journey_time),
            component_size: bytes(self.component_size),
            response_size: bytes(self.response_size),
            messages_per_second: rate(self.messages_per_second),
            labels: count(self.labels),
            clock: time(self.clock),
        }
    }
}

#[cfg(test)]
mod tests;
