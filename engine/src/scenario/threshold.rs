//! Whether a test held what was asked of it.

use std::fmt;
use std::str::FromStr;

/// What a test must hold. A figure equal to its limit holds; a limit of 0 (or none) asks for nothing, except for errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// More errors than this cross it. By default any error does.
    pub max_errors: u64,
    pub max_response_ms: Option<f64>,
    pub mean_response_ms: Option<f64>,
    pub standard_deviation_response_ms: Option<f64>,
    /// Of the requests in each second of the test.
    pub standard_deviation_req_sec: Option<f64>,
    pub percentiles: Percentiles,
}

/// Percentiles of the response time to show, each with its limit in milliseconds (0: shown only). Written
/// `50:0,90:250,99.9:1000`. Limit: 100 of them; more are refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Percentiles(pub Vec<(f64, f64)>);

const PERCENTILES_MAX: usize = 100;

impl FromStr for Percentiles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pairs: Vec<&str> = text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).collect();
        if pairs.len() > PERCENTILES_MAX {
            return Err(format!("{} percentiles, the limit is {PERCENTILES_MAX}", pairs.len()));
        }
        pairs.into_iter().map(percentile).collect::<Result<_, _>>().map(Self)
    }
}

fn percentile(pair: &str) -> Result<(f64, f64), String> {
    let (percentile, limit) = pair.split_once(':').ok_or_else(|| {
        format!("`{pair}` is not of the form percentile:milliseconds, for example 99:250 (99:0: no limit)")
    })?;
    match percentile.trim().parse::<f64>() {
        Ok(percentile) if percentile > 0.0 && percentile <= 100.0 => match limit.trim().parse::<f64>() {
            Ok(limit) if limit.is_finite() && limit >= 0.0 => Ok((percentile, limit)),
            _ => Err(format!("`{limit}` in `{pair}` is not a number of milliseconds from 0 (no limit) on")),
        },
        _ => Err(format!("`{percentile}` in `{pair}` is not a percentile: a number over 0, up to 100")),
    }
}

/// What a test came to. None: nothing to compute it from.
#[derive(Clone, Copy, Debug)]
pub struct Figures<P: Fn(f64) -> Option<f64>> {
    pub errors: u64,
    /// None: there was no response at all.
    pub max_ms: Option<f64>,
    pub mean_ms: Option<f64>,
    pub standard_deviation_ms: Option<f64>,
    pub standard_deviation_req_sec: Option<f64>,
    /// The response time in milliseconds at this percentile (0 to 100).
    pub percentile: P,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
    PerSecond,
}

/// A threshold and what became of it. Its text is for people: `p99 response time 512 ms, limit 250 ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub name: String,
    pub limit: f64,
    /// None: no responses. A test that asked for fast responses and got none has not passed.
    pub found: Option<f64>,
    pub unit: Unit,
    pub held: bool,
}

impl Thresholds {
    /// Every threshold that was asked for, in the order of the fields; the one on errors always is. Without a response no
    /// response threshold holds. A deviation that can't be computed from what responses there were (of one alone) holds.
    pub fn judge<P: Fn(f64) -> Option<f64>>(&self, figures: &Figures<P>) -> Vec<Judged> {
        use Unit::{Milliseconds, PerSecond};
        let mut judged = vec![Judged {
            name: "failures".into(),
            limit: self.max_errors as f64,
            found: Some(figures.errors as f64),
            unit: Unit::Count,
            held: figures.errors <= self.max_errors,
        }];
        let responses = figures.max_ms.is_some();
        let mut check = |name: String, limit: Option<f64>, found: Option<f64>, unit, deviation: bool| {
            let Some(limit) = limit.filter(|limit| *limit > 0.0) else { return };
            let held = found.map_or(responses && deviation, |found| found <= limit);
            judged.push(Judged { name, limit, found, unit, held });
        };
        check("longest response time".into(), self.max_response_ms, figures.max_ms, Milliseconds, false);
        check("mean response time".into(), self.mean_response_ms, figures.mean_ms, Milliseconds, false);
        let (limit, found) = (self.standard_deviation_response_ms, figures.standard_deviation_ms);
        check("standard deviation of response times".into(), limit, found, Milliseconds, true);
        let (limit, found) = (self.standard_deviation_req_sec, figures.standard_deviation_req_sec);
        check("standard deviation of the request rate".into(), limit, found, PerSecond, true);
        for (percentile, limit) in &self.percentiles.0 {
            let found = (figures.percentile)(*percentile);
            check(format!("p{percentile} response time"), Some(*limit), found, Milliseconds, false);
        }
        judged
    }
}

impl Judged {
    /// What was asked for: `p99 response time <= 250 ms`.
    pub fn asked(&self) -> String {
        format!("{} <= {}{}", self.name, number(self.limit), self.unit.after())
    }

    /// What was found: `512 ms`.
    pub fn actual(&self) -> String {
        self.found.map_or_else(|| "no responses".into(), |found| format!("{}{}", number(found), self.unit.after()))
    }
}

impl Unit {
    fn after(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Milliseconds => " ms",
            Self::PerSecond => " req/s",
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, limit) = (self.unit.after(), number(self.limit));
        match self.found {
            Some(found) => write!(f, "{} {}{unit}, limit {limit}{unit}", self.name, number(found)),
            None => write!(f, "{}: no responses, limit {limit}{unit}", self.name),
        }
    }
}

/// Three decimals at most: microseconds, in milliseconds.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Thresholds {
        Thresholds {
            max_errors: 2,
            max_response_ms: Some(1000.0),
            mean_response_ms: Some(100.0),
            standard_deviation_response_ms: Some(20.0),
            standard_deviation_req_sec: Some(5.0),
            percentiles: "50:0,99:250".parse().unwrap(),
        }
    }

    type Row = (Thresholds, u64, [Option<f64>; 5], &'static [&'static str], &'static str);

    #[test]
    fn texts() {
        let none = Thresholds::default;
        let rows: [Row; 8] = [
            (none(), 0, [None; 5], &[], "nothing asked, nothing crossed, even without a response"),
            (none(), 1, [Some(1.0); 5], &["failures 1, limit 0"], "any error, by default"),
            (asked(), 2, [1000.0, 100.0, 20.0, 5.0, 250.0].map(Some), &[], "equal to the limit holds"),
            (
                asked(),
                3,
                [1000.5, 100.000_9, 20.1, 5.1, 512.0].map(Some),
                &[
                    "failures 3, limit 2",
                    "longest response time 1000.5 ms, limit 1000 ms",
                    "mean response time 100.001 ms, limit 100 ms",
                    "standard deviation of response times 20.1 ms, limit 20 ms",
                    "standard deviation of the request rate 5.1 req/s, limit 5 req/s",
                    "p99 response time 512 ms, limit 250 ms",
                ],
                "all of them, each with what was found",
            ),
            (
                asked(),
                0,
                [None; 5],
                &[
                    "longest response time: no responses, limit 1000 ms",
                    "mean response time: no responses, limit 100 ms",
                    "standard deviation of response times: no responses, limit 20 ms",
                    "standard deviation of the request rate: no responses, limit 5 req/s",
                    "p99 response time: no responses, limit 250 ms",
                ],
                "a test without a response does not pass",
            ),
            (asked(), 0, [Some(1.0), Some(1.0), None, None, Some(1.0)], &[], "one response has no deviation"),
            (Thresholds { max_response_ms: Some(0.0), ..none() }, 0, [None; 5], &[], "0 asks for nothing"),
            (
                Thresholds { max_response_ms: Some(1.0), ..none() },
                0,
                [Some(f64::NAN); 5],
                &["longest response time NaN ms, limit 1 ms"],
                "no number does not hold",
            ),
        ];
        for (thresholds, errors, [max_ms, mean_ms, deviation, rate, p], texts, why) in rows {
            let figures = Figures {
                errors,
                max_ms,
                mean_ms,
                standard_deviation_ms: deviation,
                standard_deviation_req_sec: rate,
                percentile: |_| p,
            };
            let judged = thresholds.judge(&figures);
            let crossed: Vec<_> = judged.iter().filter(|one| !one.held).map(ToString::to_string).collect();
            assert_eq!(crossed, texts, "{why}");
        }
    }

    #[test]
    fn percentiles() {
        for (text, expected) in [
            ("50:0,90:250", Ok(vec![(50.0, 0.0), (90.0, 250.0)])),
            (" 99.9 : 1.5 ,", Ok(vec![(99.9, 1.5)])),
            ("", Ok(vec![])),
            ("90", Err("`90` is not of the form percentile:milliseconds, for example 99:250 (99:0: no limit)")),
            ("0:1", Err("`0` in `0:1` is not a percentile: a number over 0, up to 100")),
            ("p99:1", Err("`p99` in `p99:1` is not a percentile: a number over 0, up to 100")),
            ("NaN:1", Err("`NaN` in `NaN:1` is not a percentile: a number over 0, up to 100")),
            ("99:-1", Err("`-1` in `99:-1` is not a number of milliseconds from 0 (no limit) on")),
            ("99:inf", Err("`inf` in `99:inf` is not a number of milliseconds from 0 (no limit) on")),
        ] {
            assert_eq!(text.parse(), expected.map(Percentiles).map_err(str::to_owned), "{text}");
        }
        assert_eq!("1:0,".repeat(101).parse::<Percentiles>(), Err("101 percentiles, the limit is 100".into()));
    }
}
