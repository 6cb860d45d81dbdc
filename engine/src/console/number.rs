//! Numbers for people: three digits that count, thousands apart, the unit beside.

use std::time::Duration;

/// What stands where there is nothing to tell.
pub const NONE: &str = "-";

/// 577,440
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three digits (as many as the histograms hold): 0.412, 4.12, 41.2, 412, 4,120.
pub fn figure(value: f64) -> String {
    match value {
        v if !v.is_finite() || v < 0.0 => NONE.to_owned(),
        v if v < 0.000_5 => "0".to_owned(),
        v if v < 0.999_5 => format!("{v:.3}"),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => count(v.round() as u64),
    }
}

pub fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), figure)
}

/// 0.12 %; never 0 for some, never 100 for not all.
pub fn share(part: f64, whole: f64) -> String {
    let percent = part / whole * 100.0;
    match percent {
        p if !p.is_finite() => NONE.to_owned(),
        p if p <= 0.0 => "0 %".to_owned(),
        p if p < 0.01 => "<0.01 %".to_owned(),
        p if p < 9.995 => format!("{p:.2} %"),
        p if p < 99.95 => format!("{p:.1} %"),
        p if p < 100.0 => ">99.9 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

/// A share where hundredths say nothing: 34 %
pub fn percent(share: Option<f64>) -> String {
    share.filter(|share| share.is_finite()).map_or_else(|| NONE.to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// 1.23 GB, in powers of 1,000.
pub fn bytes(number: f64) -> String {
    let mut value = number;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        // 999.5 would be rounded to a 1,000 of this unit.
        if value < 999.5 {
            let text = if unit == "B" { format!("{value:.0}") } else { figure(value) };
            return format!("{text} {unit}");
        }
        value /= 1000.0;
    }
    format!("{} PB", figure(value))
}

/// 0:42, 1:02:03
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// 2026-01-02 03:04:05 UTC
pub fn utc(unix: f64) -> String {
    let seconds = unix as i64;
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's days_from_civil, backwards: years begin in March, so the day that comes and goes is the last one.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `1 runner`, `2 runners`
pub fn several(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (got, want) in [
            (count(0), "0"),
            (count(999), "999"),
            (count(1_000), "1,000"),
            (count(u64::MAX), "18,446,744,073,709,551,615"),
            (figure(0.0), "0"),
            (figure(0.031), "0.031"),
            (figure(0.9996), "1.00"),
            (figure(4.123), "4.12"),
            (figure(9.996), "10.0"),
            (figure(99.96), "100"),
            (figure(12_345.6), "12,346"),
            (figure(f64::NAN), "-"),
            (maybe(None), "-"),
            (share(0.0, 10.0), "0 %"),
            (share(1.0, 0.0), "-"),
            (share(1.0, 1e6), "<0.01 %"),
            (share(12.0, 10_000.0), "0.12 %"),
            (share(999_999.0, 1e6), ">99.9 %"),
            (share(5.0, 5.0), "100 %"),
            (percent(Some(0.339)), "34 %"),
            (percent(None), "-"),
            (bytes(0.0), "0 B"),
            (bytes(999.0), "999 B"),
            (bytes(999.7), "1.00 kB"),
            (bytes(1_234_567_890.0), "1.23 GB"),
            (bytes(5e18), "5,000 PB"),
            (clock(Duration::from_millis(42_900)), "0:42"),
            (clock(Duration::from_secs(3_723)), "1:02:03"),
            (utc(0.0), "1970-01-01 00:00:00 UTC"),
            (utc(951_782_400.5), "2000-02-29 00:00:00 UTC"),
            (utc(1_767_323_045.9), "2026-01-02 03:04:05 UTC"),
            (several(1, "runner", "runners"), "1 runner"),
        ] {
            assert_eq!(got, want);
        }
    }
}
