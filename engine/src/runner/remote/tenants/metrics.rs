//! What the runner shows of its tenants: what each has, what it may have, and what held it back.
//!
//! There are as many series as tenants and limits in the file, and no others: no name that a test makes stands here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::proto::{Metric, MetricFamily, MetricType};

use crate::runner::quota::{Brakes, Kind, Quota};
use crate::runner::remote::account::Account;
use crate::runner::share::Share;
use crate::web::{counter, family, gauge, pair};

/// What is looked at of a tenant.
#[derive(Clone)]
pub struct View {
    pub quota: Arc<Quota>,
    pub account: Arc<Account>,
    pub share: Arc<Share>,
}

/// All tenants that are served.
#[derive(Default)]
pub struct Views {
    pub tenants: Mutex<BTreeMap<String, View>>,
    pub brakes: Arc<Brakes>,
}

/// One figure: its labels' texts, and its value.
type Figure = (Vec<String>, f64);

fn made(name: &str, help: &str, kind: MetricType, labels: &[&str], figures: Vec<Figure>) -> Option<MetricFamily> {
    let metric = |(texts, value): Figure| {
        let mut metric = Metric::from_label(labels.iter().zip(&texts).map(|(label, text)| pair(label, text)).collect());
        match kind {
            MetricType::COUNTER => metric.set_counter(counter(value)),
            _ => metric.set_gauge(gauge(value)),
        }
        metric
    };
    let metrics: Vec<_> = figures.into_iter().map(metric).collect();
    (!metrics.is_empty()).then(|| family(name, help, kind, metrics))
}

const TENANT: &[&str] = &["tenant"];
const LIMIT: &[&str] = &["tenant", "limit"];
const TARGET: &[&str] = &["target", "limit"];

/// All figures there are now.
pub fn families(views: &Views) -> Vec<MetricFamily> {
    let tenants = views.tenants.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let number = tenants.len() as f64;
    let all = made("mite_tenants", "Tenants that are served.", MetricType::GAUGE, &[], vec![(Vec::new(), number)]);
    all.into_iter().chain(of_tests(&tenants)).chain(of_limits(&tenants)).chain(of_targets(&views.brakes)).collect()
}

/// What each tenant's tests came to.
fn of_tests(tenants: &BTreeMap<String, View>) -> Vec<MetricFamily> {
    type Read = fn(&View) -> u64;
    let counts: [(&str, &str, Read); 6] = [
        ("mite_tenant_tests_total", "Tests begun.", |view| read(&view.account.tests)),
        ("mite_tenant_tests_refused_total", "Tests that can't be run.", |view| read(&view.account.refused)),
        ("mite_tenant_runs_total", "Runs of journeys begun.", |view| read(&view.account.runs)),
        ("mite_tenant_requests_total", "Requests made.", |view| read(&view.account.requests)),
        ("mite_tenant_request_errors_total", "Requests without a response.", |view| read(&view.account.errors)),
        ("mite_tenant_messages_total", "Messages made.", |view| read(&view.account.messages)),
    ];
    let each = |figure: &dyn Fn(&View) -> f64| -> Vec<Figure> {
        tenants.iter().map(|(name, view)| (vec![name.clone()], figure(view))).collect()
    };
    let counts = counts.into_iter().map(|(name, help, of)| (name, help, each(&|view| of(view) as f64)));
    let cpu = each(&|view| view.share.used() as f64 / 1e9);
    let cpu = ("mite_tenant_cpu_seconds_total", "CPU used by workers.", cpu);
    counts
        .chain([cpu])
        .filter_map(|(name, help, figures)| made(name, help, MetricType::COUNTER, TENANT, figures))
        .collect()
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// What each tenant may have, has, and was held back by.
fn of_limits(tenants: &BTreeMap<String, View>) -> Vec<MetricFamily> {
    use MetricType::{COUNTER, GAUGE};
    type Look = fn(&Quota, Kind) -> Option<f64>;
    let looks: [(&str, &str, MetricType, Look); 4] = [
        ("mite_tenant_limit", "What a tenant may have.", GAUGE, Quota::limit),
        ("mite_tenant_used", "What a tenant has.", GAUGE, Quota::used),
        ("mite_tenant_held_back_total", "How often a limit let something wait.", COUNTER, |quota, kind| {
            Some(quota.held(kind).0 as f64)
        }),
        ("mite_tenant_held_back_seconds_total", "How long all that waited.", COUNTER, |quota, kind| {
            Some(quota.held(kind).1 as f64 / 1e9)
        }),
    ];
    let figures = |look: Look| -> Vec<Figure> {
        let of = |(name, view): (&String, &View)| {
            let figures = Kind::ALL.into_iter().filter_map(|kind| Some((kind, look(&view.quota, kind)?)));
            figures.map(|(kind, value)| (vec![name.clone(), kind.as_str().to_owned()], value)).collect::<Vec<_>>()
        };
        tenants.iter().flat_map(of).collect()
    };
    looks.into_iter().filter_map(|(name, help, kind, look)| made(name, help, kind, LIMIT, figures(look))).collect()
}

/// The brakes over all tenants.
fn of_targets(brakes: &Brakes) -> Vec<MetricFamily> {
    let (mut limits, mut used) = (Vec::new(), Vec::new());
    for (target, brake) in brakes.all() {
        let labels = |kind: Kind| vec![target.clone(), kind.as_str().to_owned()];
        limits.extend(brake.requests.limit().map(|limit| (labels(Kind::Requests), limit)));
        limits.extend(brake.connections.limit().map(|limit| (labels(Kind::Connections), limit as f64)));
        used.push((labels(Kind::Connections), brake.connections.used() as f64));
    }
    let of = |name, help, figures| made(name, help, MetricType::GAUGE, TARGET, figures);
    let limits = of("mite_target_limit", "What all tenants together may ask of a target.", limits);
    limits.into_iter().chain(of("mite_target_used", "What all tenants together have open to a target.", used)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Limits;
    use crate::runner::share::Shares;
    use crate::web::text;

    #[test]
    fn figures_of_tenants_and_targets() {
        let views = Views::default();
        assert_eq!(
            text(&families(&views)),
            "# HELP mite_tenants Tenants that are served.\n# TYPE mite_tenants gauge\nmite_tenants 0\n"
        );
        let brake = crate::policy::Brake { requests_per_second: Some(9.0), connections: None };
        views.brakes.set(&BTreeMap::from([("a:1".to_owned(), brake)]));
        let limits = Limits { requests_per_second: Some(5.0), connections: Some(7), ..Limits::default() };
        let quota = Arc::new(Quota::new(&limits, views.brakes.clone()));
        quota.hold(Kind::Requests, 1_500_000_000);
        quota.connections.try_take(2);
        let (account, share) = (Arc::new(Account::default()), Shares::default().add(1));
        account.requests.store(11, Ordering::Relaxed);
        views.tenants.lock().unwrap().insert("shop".into(), View { quota, account, share });
        let text = text(&families(&views));
        for line in [
            "mite_tenants 1",
            "mite_tenant_requests_total{tenant=\"shop\"} 11",
            "mite_tenant_limit{tenant=\"shop\",limit=\"requests_per_second\"} 5",
            "mite_tenant_limit{tenant=\"shop\",limit=\"connections\"} 7",
            "mite_tenant_used{tenant=\"shop\",limit=\"connections\"} 2",
            "mite_tenant_held_back_total{tenant=\"shop\",limit=\"requests_per_second\"} 1",
            "mite_tenant_held_back_seconds_total{tenant=\"shop\",limit=\"requests_per_second\"} 1.5",
            "mite_target_limit{target=\"a:1\",limit=\"requests_per_second\"} 9",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("limit=\"memory\"} 0\nmite_tenant_limit"), "no limit where there is none");
    }
}
