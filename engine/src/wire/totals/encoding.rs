//! Histograms on the wire: the buckets that have something in them, as (difference to the value before, count).
//!
//! A few hundred numbers for most, whatever they have counted, and exact: whoever reads them has the same histogram.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{LATENCY_MAX_US, Latency, OTHER, RequestTotals, Totals, TransactionTotals, latency};

/// Numbers in a list: more than all buckets up to [`LATENCY_MAX_US`] need.
const NUMBERS_MAX: usize = 100_000;

pub fn serialize<S: Serializer>(histogram: &Latency, serializer: S) -> Result<S::Ok, S::Error> {
    let mut numbers = Vec::new();
    let mut before = 0;
    for bucket in histogram.iter_recorded() {
        let value = bucket.value_iterated_to();
        numbers.extend([value - before, bucket.count_at_value()]);
        before = value;
    }
    numbers.serialize(serializer)
}

/// What is no histogram is an error; values over the limit count as that.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Latency, D::Error> {
    let numbers = Vec::<u64>::deserialize(deserializer)?;
    if numbers.len() > NUMBERS_MAX || numbers.len() % 2 != 0 {
        return Err(D::Error::custom("a histogram is pairs of numbers"));
    }
    let (mut histogram, mut value) = (latency(), 0_u64);
    for pair in numbers.chunks_exact(2) {
        value = value.saturating_add(pair[0]);
        let recorded = histogram.record_n(value.clamp(1, LATENCY_MAX_US), pair[1]);
        recorded.map_err(|error| D::Error::custom(error.to_string()))?;
    }
    Ok(histogram)
}

/// Totals that take no more than about so many bytes packed: where they would, most names count under [`OTHER`]. That is far from
/// usual: 200 names with latencies spread over every length there is.
pub fn fit(mut totals: Totals, bytes_max: usize) -> Totals {
    for names in [50, 10, 0] {
        let packed = rmp_serde::to_vec_named(&totals).map_or(0, |packed| packed.len());
        if packed <= bytes_max {
            break;
        }
        condense(&mut totals.requests, names, RequestTotals::add);
        condense(&mut totals.transactions, names, TransactionTotals::add);
    }
    totals
}

/// Keeps the figures of so many names; the others' are added up.
fn condense<T: Default>(figures: &mut BTreeMap<String, T>, names: usize, add: impl Fn(&mut T, &T)) {
    let Some(first) = figures.keys().nth(names).cloned() else { return };
    let rest = figures.split_off(&first);
    let other = figures.entry(OTHER.to_owned()).or_default();
    rest.values().for_each(|one| add(other, one));
}

/// A map of at most so many entries: each may take a thousand times the memory of its bytes, so more than a sender of ours has is an
/// error as soon as it is read.
pub fn bounded<'de, D, K, V, const MOST: usize>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    struct Bounded<K, V, const MOST: usize>(PhantomData<(K, V)>);

    impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, const MOST: usize> Visitor<'de> for Bounded<K, V, MOST> {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a map of at most {MOST} entries")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry()? {
                if map.len() >= MOST {
                    return Err(A::Error::custom(format!("there are more than {MOST}")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Bounded::<K, V, MOST>(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::super::{Latency, OTHER, RequestTotals, Totals, latency};
    use super::fit;

    fn there_and_back(totals: &Totals) -> Totals {
        let packed = rmp_serde::to_vec_named(totals).unwrap();
        rmp_serde::from_slice(&packed).unwrap()
    }

    #[test]
    fn a_histogram_comes_through_exactly() {
        for (values, why) in [
            (vec![], "none"),
            (vec![1], "the least"),
            (vec![1, 1, 2, 3, 2_047, 2_048, 2_049], "around the end of its first buckets"),
            (vec![999_999, 1_000_000, 60_000_000, 3_600_000_000], "up to the most"),
            ((1..50_000).map(|n| n * 37).collect(), "many"),
        ] {
            let mut histogram: Latency = latency();
            values.iter().for_each(|value| histogram.record(*value).unwrap());
            let mut totals = Totals::default();
            totals.requests.insert("a".into(), RequestTotals { latency: histogram.clone(), ..Default::default() });
            let back = there_and_back(&totals);
            let found = &back.requests["a"].latency;
            assert_eq!(found, &histogram, "{why}");
            assert_eq!((found.max(), found.min(), found.len()), (histogram.max(), histogram.min(), histogram.len()));
            assert!((found.mean() - histogram.mean()).abs() < 1e-9, "{why}");
        }
    }

    #[test]
    fn no_more_names_than_a_sender_has() {
        for (names, good, why) in [(201, true, "all of them, and the one of the others"), (202, false, "one more")] {
            let mut totals = Totals::default();
            totals.requests.extend((0..names).map(|name| (name.to_string(), RequestTotals::default())));
            let packed = rmp_serde::to_vec_named(&totals).unwrap();
            assert_eq!(rmp_serde::from_slice::<Totals>(&packed).is_ok(), good, "{why}");
        }
    }

    #[test]
    fn what_is_too_large_to_send_loses_names_and_nothing_else() {
        let mut wide: Latency = latency();
        (0..5_000_u64).for_each(|n| wide.record(1 + n * n).unwrap());
        let mut totals = Totals::default();
        for name in 0..200 {
            let figures = RequestTotals { received_bytes: 1, latency: wide.clone(), ..Default::default() };
            totals.requests.insert(format!("{name:03}"), figures);
        }
        for (bytes_max, names, why) in [
            (usize::MAX, 200, "there is room"),
            (2 << 20, 51, "fifty, and the rest together"),
            (400_000, 11, "ten"),
            (100_000, 1, "all together"),
        ] {
            let fitted = fit(totals.clone(), bytes_max);
            assert_eq!(fitted.requests.len(), names, "{why}");
            assert_eq!(fitted.requests.contains_key(OTHER), names != 200, "{why}");
            let all = fitted.all_requests();
            assert_eq!((all.received_bytes, all.latency.len()), (200, 1_000_000), "{why}");
            assert!(rmp_serde::to_vec_named(&fitted).unwrap().len() <= bytes_max, "{why}");
        }
    }

    #[test]
    fn what_is_no_histogram_is_an_error() {
        #[derive(serde::Deserialize)]
        struct One {
            #[serde(with = "super")]
            latency: Latency,
        }
        for (numbers, good, why) in [
            (vec![5, 1], true, "one value"),
            (vec![5], false, "half a pair"),
            (vec![u64::MAX, 1, u64::MAX, u64::MAX], true, "too large: counts as the largest"),
            (vec![0, 3], true, "too small: counts as the least"),
            (vec![1; 100_002], false, "more than there are buckets"),
        ] {
            let packed = rmp_serde::to_vec_named(&std::collections::BTreeMap::from([("latency", numbers)])).unwrap();
            let read: Result<One, _> = rmp_serde::from_slice(&packed);
            assert_eq!(read.is_ok(), good, "{why}");
            assert!(read.is_err() || read.is_ok_and(|one| one.latency.max() <= 3_700_000_000), "{why}");
        }
    }
}
