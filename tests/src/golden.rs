//! Figures that Python's stats sent, as exporters show them.

use std::collections::BTreeMap;

use rmpv::Value;

use crate::files;

/// Whose text it is. Ours differs in what `docs/exporter.md` names: no space before `{`, text of binary, newlines escaped, short bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Python,
    Ours,
}

/// Series as they are shown, and their values: sums over the dumps.
pub fn series(dumps: &[Vec<u8>], style: Style) -> BTreeMap<String, f64> {
    let mut series = BTreeMap::new();
    for dump in dumps {
        for stats in files::decode(dump) {
            stats.as_array().expect("a list of stats").iter().for_each(|stat| add(&mut series, stat, style));
        }
    }
    series
}

fn add(series: &mut BTreeMap<String, f64>, stat: &Value, style: Style) {
    let name = files::text(stat, "name");
    let names: Vec<_> = list(stat, "labels").iter().map(|label| label.as_str().expect("text").to_owned()).collect();
    let space = if style == Style::Python { " " } else { "" };
    let mut put = |name: String, values: &Value, bin: Option<String>, number: f64| {
        let values = values.as_array().expect("a tuple").iter().map(|value| shown(value, style));
        let pairs = names.iter().cloned().zip(values).chain(bin.map(|bin| ("le".to_owned(), bin)));
        let pairs: Vec<_> = pairs.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        *series.entry(format!("{name}{{{}}}", pairs.join(","))).or_default() += number;
    };
    let map = |key: &str| files::field(stat, key).and_then(Value::as_map).cloned().unwrap_or_default();
    for (labels, number) in map("metrics") {
        put(format!("{name}{space}"), &labels, None, number.as_f64().expect("a number"));
    }
    for (labels, counts) in map("bin_counts") {
        for (bin, count) in list(stat, "bins").iter().zip(counts.as_array().expect("counts")) {
            let bin = bin.as_f64().expect("a number");
            let bin = if style == Style::Python { format!("{bin:.6}") } else { bin.to_string() };
            put(format!("{name}_bucket"), &labels, Some(bin), count.as_f64().expect("a number"));
        }
    }
    for (labels, sum) in map("sums") {
        put(format!("{name}_sum"), &labels, None, sum.as_f64().expect("a number"));
    }
    for (labels, count) in map("total_counts") {
        let count = count.as_f64().expect("a number");
        put(format!("{name}_bucket"), &labels, Some("+Inf".to_owned()), count);
        put(format!("{name}_count"), &labels, None, count);
    }
}

fn list<'a>(stat: &'a Value, key: &str) -> &'a [Value] {
    files::field(stat, key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn shown(value: &Value, style: Style) -> String {
    let text = match value {
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        Value::String(text) => text.as_str().expect("UTF-8").to_owned(),
        Value::Binary(bytes) if style == Style::Python => format!("b'{}'", String::from_utf8_lossy(bytes)),
        Value::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    };
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    if style == Style::Python { text } else { text.replace('\n', "\\n") }
}
