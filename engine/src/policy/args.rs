//! The options that say what journeys may reach, for whoever runs them by hand.

use std::ffi::OsString;
use std::path::PathBuf;

use super::limits::{Bytes, Count, Time};
use super::{Limits, Policy, Rule, SecretSource, Targets, check_secret_name};

/// What journeys may reach, and the secrets they may send.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What journeys may reach")]
pub struct Args {
    /// Only what such rules name, as in `--allow='https://*.example.com' --allow=10.1.0.0/16:8080 --allow=loopback` [default: everything but
    /// link-local and metadata addresses]
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Rule>,
    /// Nothing that such rules name, whatever else allows it
    #[arg(long, value_name = "RULE")]
    pub deny: Vec<Rule>,
    /// A secret that journeys may send and not read, as in `--secret=token=/run/secrets/token`
    #[arg(long = "secret", value_name = "NAME=FILE", value_parser = secret)]
    pub secrets: Vec<(String, PathBuf)>,
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// How much journeys may have, beside what a test asks for them. What is named as in the file of tenants is the same.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What journeys may have")]
pub struct LimitArgs {
    /// Largest body of a response, as it comes and decompressed, as in `--response-size=8MiB`; a larger one is an error [default: 64MiB, and
    /// what is discarded as large as it likes]
    #[arg(long, value_name = "BYTES")]
    pub response_size: Option<Bytes>,
    /// Names of requests, of transactions, and types of messages, so many of each; those over it are called `other` [default: no limit; 200
    /// in the summary]
    #[arg(long, value_name = "N")]
    pub labels: Option<Count>,
    /// Smallest step of the clocks that journeys see, as in `--clock=1ms`; requests are timed as exactly as ever [default: as fine as the
    /// machine's]
    #[arg(long, value_name = "STEP")]
    pub clock: Option<Time>,
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        Limits {
            response_size: self.response_size.map(|bytes| bytes.0),
            labels: self.labels.map(|count| count.0),
            clock: self.clock.map(|time| time.0),
            ..Limits::default()
        }
    }

    /// As they are given to another process.
    fn words(&self) -> impl Iterator<Item = OsString> {
        let bytes = self.response_size.map(|bytes| format!("--response-size={}", bytes.0));
        let labels = self.labels.map(|count| format!("--labels={}", count.0));
        let clock = self.clock.map(|time| format!("--clock={}ns", time.0.as_nanos()));
        [bytes, labels, clock].into_iter().flatten().map(OsString::from)
    }
}

fn secret(text: &str) -> Result<(String, PathBuf), String> {
    let Some((name, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        return Err(
            "it is not of the form NAME=FILE: the value is read from a file, so that it stands on no command line"
                .to_owned(),
        );
    };
    check_secret_name(name)?;
    Ok((name.to_owned(), file.into()))
}

impl Args {
    /// The local user's policy.
    pub fn policy(&self) -> Policy {
        let source = |file: &PathBuf| SecretSource { file: file.clone(), targets: None };
        Policy {
            targets: Targets::of_options(&self.allow, &self.deny),
            limits: self.limits.limits(),
            secrets: self.secrets.iter().map(|(name, file)| (name.clone(), source(file))).collect(),
        }
    }

    /// As they are given to another process.
    pub fn words(&self) -> Vec<OsString> {
        let rule = |option: &str, rule: &Rule| OsString::from(format!("{option}={rule}"));
        let secret = |(name, file): &(String, PathBuf)| {
            let mut word = OsString::from(format!("--secret={name}="));
            word.push(file);
            word
        };
        let rules =
            self.allow.iter().map(|it| rule("--allow", it)).chain(self.deny.iter().map(|it| rule("--deny", it)));
        rules.chain(self.secrets.iter().map(secret)).chain(self.limits.words()).collect()
    }

    /// A tenant's policy where these options were given as well: both have to allow, and the stricter limit holds.
    #[must_use]
    pub fn narrow(&self, mut policy: Policy) -> Policy {
        if !(self.allow.is_empty() && self.deny.is_empty()) {
            policy.targets = policy.targets.and(Targets::of_options(&self.allow, &self.deny));
        }
        policy.limits = policy.limits.and(&self.limits.limits());
        policy
    }
}
