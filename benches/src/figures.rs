//! Medians.

/// The median; of an even number of values the mean of the two in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// All of them, in few digits.
pub fn list(values: impl IntoIterator<Item = f64>) -> String {
    values.into_iter().map(crate::table::number).collect::<Vec<_>>().join(" ")
}
