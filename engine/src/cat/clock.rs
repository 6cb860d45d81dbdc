//! Unix seconds as text.

/// As in `2026-11-22T07:51:12.500000Z`, to the microsecond; none: outside of the years 1970 to 9999.
pub fn utc(unix: f64) -> Option<String> {
    /// The end of 9999.
    const MAX: f64 = 253_402_300_799.0;
    if !(0.0..=MAX).contains(&unix) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds above it fits")]
    let micros = (unix * 1e6).round() as u64;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
}

/// The date so many days after 1970-01-01, in the Gregorian calendar. Years are counted from March on, so that the leap day is a
/// year's last, and in cycles of 400 years, which all have the same number of days.
fn date(days: u64) -> (u64, u64, u64) {
    // From 0000-03-01.
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let first = (153 * month + 2) / 5;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (400 * cycle + year + next_year, month, day - first + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (unix, want) in [
            (0.0, Some("1970-01-01T00:00:00.000000Z")),
            (951_782_399.0, Some("2000-02-28T23:59:59.000000Z")),
            (951_782_400.0, Some("2000-02-29T00:00:00.000000Z")),
            (951_868_800.0, Some("2000-03-01T00:00:00.000000Z")),
            (1_795_333_872.5, Some("2026-11-22T07:51:12.500000Z")),
            (4_107_542_400.0, Some("2100-03-01T00:00:00.000000Z")),
            (253_402_300_799.0, Some("9999-12-31T23:59:59.000000Z")),
            (-1.0, None),
            (1e300, None),
            (f64::NAN, None),
        ] {
            assert_eq!(utc(unix).as_deref(), want, "{unix}");
        }
    }
}
