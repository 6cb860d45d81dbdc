//! `held_back`: a quota of the runner's operator has held a test back.

use super::{float, text, uint};

/// What one limit held back since it was told before.
#[derive(Clone, Copy, Debug)]
pub struct HeldBack<'a> {
    /// As in the file of tenants: `requests_per_second`.
    pub limit: &'a str,
    /// The limit; none: there are several.
    pub allowed: Option<f64>,
    pub times: u64,
    /// How long they waited in all.
    pub seconds: f64,
}

/// It belongs to no run, so it has no more of the envelope than the test, the runner and the run id.
pub fn held_back(out: &mut Vec<u8>, held: &HeldBack<'_>, unix: f64, (test, runner, run_id): (&str, u32, &str)) {
    // A map of nine.
    out.push(0x89);
    text(out, "limit");
    text(out, held.limit);
    text(out, "allowed");
    match held.allowed {
        Some(allowed) => float(out, allowed),
        None => out.push(0xc0),
    }
    text(out, "times");
    uint(out, held.times);
    text(out, "seconds");
    float(out, held.seconds);
    text(out, "type");
    text(out, "held_back");
    text(out, "time");
    float(out, unix);
    text(out, "test");
    text(out, test);
    text(out, "runner_id");
    uint(out, u64::from(runner));
    text(out, "run_id");
    text(out, run_id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_there() {
        for allowed in [Some(100.0), None] {
            let mut out = Vec::new();
            let held = HeldBack { limit: "requests_per_second", allowed, times: 3, seconds: 0.5 };
            held_back(&mut out, &held, 12.25, ("a:b", 7, "r-1"));
            let mut rest = out.as_slice();
            let message = rmpv::decode::read_value(&mut rest).expect("a message");
            assert!(rest.is_empty(), "nothing behind it");
            let of =
                |key: &str| message.as_map().and_then(|map| map.iter().find(|(name, _)| name.as_str() == Some(key)));
            let number = |key: &str| of(key).and_then(|(_, value)| value.as_f64());
            let text = |key: &str| of(key).and_then(|(_, value)| value.as_str());
            assert_eq!(
                [text("type"), text("limit"), text("test"), text("run_id")],
                [Some("held_back"), Some("requests_per_second"), Some("a:b"), Some("r-1")]
            );
            assert_eq!(
                [number("times"), number("seconds"), number("time"), number("runner_id")],
                [Some(3.0), Some(0.5), Some(12.25), Some(7.0)]
            );
            assert_eq!(number("allowed"), allowed);
        }
    }
}
