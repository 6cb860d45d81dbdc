//! Who gets how much: journeys over runners, over the workers of a runner, and items over runners.
//!
//! Fair: what two holders have of a row differs by at most 1, and so does what they have of all rows together (so that many
//! rows of 1 don't all land on the first holder). Stable: where it can be fair with fewer moves it is. Deterministic.

/// Something to divide: the journeys of a scenario, or the items of a datapool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub want: u32,
    /// What each holder has now, in the order of the holders; those beyond the end have nothing.
    pub now: Vec<u32>,
    /// The most that each holder can take; none: no limit. Those beyond the end can take nothing.
    pub most: Option<Vec<u32>>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// For each row what each holder gets.
    pub places: Vec<Vec<u32>>,
    /// For each row what found no place.
    pub unplaced: Vec<u32>,
}

/// Divides every row over so many holders, each of which takes at most `holder_max` of all rows together. Where `most`
/// or `holder_max` are in the way, the rest is as even as they allow; what can't be placed is reported. Where not all fits,
/// rows lose in proportion.
pub fn share(rows: &[Row], holders: usize, holder_max: Option<u32>) -> Shared {
    let wants: Vec<u32> = rows.iter().map(|row| row.want).collect();
    let room = holder_max.map_or(u64::MAX, |most| u64::from(most) * holders as u64);
    let mut lines: Vec<Line> =
        rows.iter().zip(fit(&wants, room)).map(|(row, want)| Line::new(row, want, holders)).collect();
    let mut totals = vec![0_u64; holders];
    for line in &lines {
        for (holder, total) in totals.iter_mut().enumerate() {
            *total += u64::from(line.place(holder));
        }
    }
    for line in &mut lines {
        line.settle(&mut totals);
    }
    balance(&mut lines, &mut totals);
    let mut places: Vec<Vec<u32>> =
        lines.iter().map(|line| (0..holders).map(|holder| line.place(holder)).collect()).collect();
    if let Some(most) = holder_max {
        cut(&mut places, &totals, most);
    }
    let sums = places.iter().map(|places| places.iter().sum::<u32>());
    let unplaced = wants.iter().zip(sums).map(|(want, sum)| want - sum).collect();
    Shared { places, unplaced }
}

/// Lowers the wants in proportion until together they are no more than `room`.
pub fn fit(wants: &[u32], room: u64) -> Vec<u32> {
    let total: u64 = wants.iter().copied().map(u64::from).sum();
    if total <= room {
        return wants.to_vec();
    }
    let part = |want: u32| u128::from(want) * u128::from(room);
    let mut fitted: Vec<u32> = wants.iter().map(|want| (part(*want) / u128::from(total)) as u32).collect();
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|row| std::cmp::Reverse(part(wants[*row]) % u128::from(total)));
    let left = room - fitted.iter().copied().map(u64::from).sum::<u64>();
    for row in order.into_iter().take(left as usize) {
        fitted[row] += 1;
    }
    fitted
}

/// Divides `total` evenly over holders that take at most so much each; the earlier ones get the remainder.
pub fn fill(total: u64, most: &[u32]) -> Vec<u32> {
    let (level, mut extra) = level(total, most);
    let mut filled: Vec<u32> = most.iter().map(|most| level.min(*most)).collect();
    for (filled, most) in filled.iter_mut().zip(most) {
        if extra > 0 && *most > level {
            *filled += 1;
            extra -= 1;
        }
    }
    filled
}

/// The height to which `total` fills holders that take at most so much each, and what then remains: fewer than could
/// take one more.
fn level(total: u64, most: &[u32]) -> (u32, u64) {
    let filled = |level: u32| most.iter().map(|most| u64::from(level.min(*most))).sum::<u64>();
    let top = most.iter().copied().max().unwrap_or(0);
    if filled(top) <= total {
        return (top, 0);
    }
    let (mut low, mut high) = (0, top);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if filled(middle) <= total { low = middle } else { high = middle }
    }
    (low, total - filled(low))
}

/// A row on its way: every holder has `level` (or its most, if that is less), some have one more.
struct Line {
    level: u32,
    /// How many have one more.
    extras: usize,
    most: Vec<u32>,
    extra: Vec<bool>,
}

impl Line {
    fn new(row: &Row, want: u32, holders: usize) -> Self {
        let mut most = row.most.clone().unwrap_or_else(|| vec![u32::MAX; holders]);
        most.resize(holders, 0);
        let (level, extras) = match &row.most {
            None if holders > 0 => (want / holders as u32, u64::from(want) % holders as u64),
            _ => level(u64::from(want), &most),
        };
        let now = row.now.iter().copied().chain(std::iter::repeat(0));
        let extra = most.iter().zip(now).map(|(most, now)| *most > level && now > level).collect();
        Self { level, extras: extras as usize, most, extra }
    }

    fn place(&self, holder: usize) -> u32 {
        self.level.min(self.most[holder]) + u32::from(self.extra[holder])
    }

    /// Whether this holder could have one more and has not.
    fn takes(&self, holder: usize) -> bool {
        !self.extra[holder] && self.most[holder] > self.level
    }

    /// Makes the number of extras right: away from who has most, to who has least.
    fn settle(&mut self, totals: &mut [u64]) {
        let count = self.extra.iter().filter(|extra| **extra).count();
        let surplus = count > self.extras;
        let mut order: Vec<usize> = (0..self.extra.len())
            .filter(|holder| if surplus { self.extra[*holder] } else { self.takes(*holder) })
            .collect();
        if surplus {
            order.sort_by_key(|holder| std::cmp::Reverse((totals[*holder], *holder)));
        } else {
            order.sort_by_key(|holder| (totals[*holder], *holder));
        }
        for holder in order.into_iter().take(count.abs_diff(self.extras)) {
            self.extra[holder] = !surplus;
            if surplus { totals[holder] -= 1 } else { totals[holder] += 1 }
        }
    }
}

/// Moves extras from who has most of all rows together to who has least, until they differ by 1 or no move helps. Each
/// move makes the sum of squares of the totals smaller, so it ends.
fn balance(lines: &mut [Line], totals: &mut [u64]) {
    let mut stuck = vec![false; totals.len()];
    loop {
        let least = totals.iter().copied().min().unwrap_or(0);
        let fullest = (0..totals.len())
            .filter(|holder| !stuck[*holder])
            .max_by_key(|holder| (totals[*holder], usize::MAX - holder));
        let Some(from) = fullest.filter(|from| totals[*from] > least + 1) else { return };
        match best_move(lines, totals, from) {
            Some((line, to)) => {
                lines[line].extra[from] = false;
                lines[line].extra[to] = true;
                totals[from] -= 1;
                totals[to] += 1;
            }
            None => stuck[from] = true,
        }
    }
}

/// The line and the emptiest holder that can take an extra of this one.
fn best_move(lines: &[Line], totals: &[u64], from: usize) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    for to in 0..totals.len() {
        let better = best.map_or(totals[to] + 2 <= totals[from], |(_, best)| totals[to] < totals[best]);
        if better && let Some(line) = lines.iter().position(|line| line.extra[from] && line.takes(to)) {
            best = Some((line, to));
        }
    }
    best
}

/// Where `most` made totals uneven a holder can be over its own limit: its greatest rows lose.
fn cut(places: &mut [Vec<u32>], totals: &[u64], most: u32) {
    for (holder, total) in totals.iter().enumerate() {
        let mut over = total.saturating_sub(u64::from(most));
        while over > 0 {
            let Some(row) = places.iter_mut().max_by_key(|row| row[holder]) else { return };
            let lost = u32::try_from(over).unwrap_or(u32::MAX).min(row[holder].div_ceil(2));
            row[holder] -= lost;
            over -= u64::from(lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(want: u32, now: &[u32]) -> Row {
        Row { want, now: now.to_vec(), most: None }
    }

    fn capped(want: u32, most: &[u32]) -> Row {
        Row { want, now: vec![], most: Some(most.to_vec()) }
    }

    type Case = (Vec<Row>, usize, Option<u32>, Vec<Vec<u32>>, Vec<u32>, &'static str);

    #[test]
    fn tables() {
        let rows: [Case; 14] = [
            (vec![row(7, &[])], 3, None, vec![vec![3, 2, 2]], vec![0], "the remainder to the first"),
            (
                vec![row(1, &[]); 3],
                3,
                None,
                vec![vec![1, 0, 0], vec![0, 1, 0], vec![0, 0, 1]],
                vec![0; 3],
                "many ones spread",
            ),
            (vec![row(7, &[2, 2, 3])], 3, None, vec![vec![2, 2, 3]], vec![0], "nothing moves without need"),
            (vec![row(8, &[2, 2, 3])], 3, None, vec![vec![3, 2, 3]], vec![0], "one more: one place changes"),
            (vec![row(6, &[2, 2, 3])], 3, None, vec![vec![2, 2, 2]], vec![0], "one less: one place changes"),
            (vec![row(8, &[4, 4])], 3, None, vec![vec![3, 3, 2]], vec![0], "a newcomer gets its share"),
            (
                vec![row(1, &[1]), row(1, &[1])],
                2,
                None,
                vec![vec![0, 1], vec![1, 0]],
                vec![0; 2],
                "moves for the sake of the total",
            ),
            (vec![row(5, &[])], 0, None, vec![vec![]], vec![5], "nobody there"),
            (vec![], 2, Some(1), vec![], vec![], "nothing to do"),
            (
                vec![row(30, &[]), row(10, &[])],
                2,
                Some(10),
                vec![vec![8, 7], vec![2, 3]],
                vec![15, 5],
                "full: in proportion",
            ),
            (vec![row(10, &[])], 2, Some(0), vec![vec![0, 0]], vec![10], "no room at all"),
            (vec![capped(10, &[1, 9, 3])], 3, None, vec![vec![1, 6, 3]], vec![0], "who can take more does"),
            (vec![capped(10, &[1, 2])], 3, None, vec![vec![1, 2, 0]], vec![7], "nobody can take more"),
            (
                vec![capped(1, &[1, 0]), capped(1, &[1, 0])],
                2,
                Some(1),
                vec![vec![1, 0], vec![0, 0]],
                vec![0, 1],
                "both only at one, which is full",
            ),
        ];
        for (rows, holders, most, places, unplaced, why) in rows {
            assert_eq!(share(&rows, holders, most), Shared { places, unplaced }, "{why}");
        }
    }

    #[test]
    fn fitting_and_filling() {
        for (wants, room, fitted, why) in [
            (vec![3, 4], 7, vec![3, 4], "fits"),
            (vec![10, 1], 5, vec![5, 0], "the greatest remainder gets what is left"),
            (vec![u32::MAX; 3], 3, vec![1, 1, 1], "large numbers"),
            (vec![5], 0, vec![0], "no room"),
        ] {
            assert_eq!(fit(&wants, room), fitted, "{why}");
        }
        for (total, most, filled, why) in [
            (10, vec![100; 3], vec![4, 3, 3], "evenly"),
            (10, vec![1, 100, 4], vec![1, 5, 4], "what one can't take goes to the others"),
            (10, vec![2, 3], vec![2, 3], "no more than they take"),
            (0, vec![2], vec![0], "nothing"),
            (3, vec![], vec![], "nobody"),
        ] {
            assert_eq!(fill(total, &most), filled, "{why}");
        }
    }

    fn spread(values: &[u64]) -> u64 {
        values.iter().max().unwrap_or(&0) - values.iter().min().unwrap_or(&0)
    }

    fn totals(places: &[Vec<u32>], holders: usize) -> Vec<u64> {
        (0..holders).map(|holder| places.iter().map(|row| u64::from(row[holder])).sum()).collect()
    }

    proptest! {
        #[test]
        fn fair_stable_and_nothing_gets_lost(
            wants in prop::collection::vec((0u32..60, prop::collection::vec(0u32..9, 0..12)), 0..9),
            holders in 1usize..12,
            most in prop::option::of(0u32..40),
        ) {
            let rows: Vec<Row> = wants.iter().map(|(want, now)| row(*want, now)).collect();
            let shared = share(&rows, holders, most);
            let totals = totals(&shared.places, holders);
            prop_assert!(spread(&totals) <= 1);
            for (position, places) in shared.places.iter().enumerate() {
                prop_assert!(spread(&places.iter().copied().map(u64::from).collect::<Vec<_>>()) <= 1);
                prop_assert_eq!(places.iter().sum::<u32>() + shared.unplaced[position], rows[position].want);
            }
            prop_assert!(totals.iter().all(|total| most.is_none_or(|most| *total <= u64::from(most))));
            let wanted: u64 = rows.iter().map(|row| u64::from(row.want)).sum();
            let room = most.map_or(u64::MAX, |most| u64::from(most) * holders as u64);
            prop_assert_eq!(totals.iter().sum::<u64>(), wanted.min(room), "nothing is left out without need");
            let again: Vec<Row> =
                rows.iter().zip(&shared.places).map(|(old, now)| row(old.want, now)).collect();
            prop_assert_eq!(share(&again, holders, most).places, shared.places, "stable");
        }

        #[test]
        fn limits_of_holders_hold(
            rows in prop::collection::vec((0u32..60, prop::option::of(prop::collection::vec(0u32..9, 6)), prop::collection::vec(0u32..9, 6)), 1..6),
            most in prop::option::of(0u32..40),
        ) {
            let rows: Vec<Row> = rows.into_iter().map(|(want, most, now)| Row { want, now, most }).collect();
            let shared = share(&rows, 6, most);
            for (places, row) in shared.places.iter().zip(&rows) {
                if let Some(limits) = &row.most {
                    prop_assert!(places.iter().zip(limits).all(|(place, limit)| place <= limit));
                }
            }
            prop_assert!(totals(&shared.places, 6).iter().all(|total| most.is_none_or(|most| *total <= u64::from(most))));
            for (position, row) in rows.iter().enumerate() {
                let room: u32 = row.most.as_ref().map_or(u32::MAX, |limits| limits.iter().sum());
                let placed: u32 = shared.places[position].iter().sum();
                prop_assert_eq!(placed + shared.unplaced[position], row.want);
                prop_assert!(most.is_some() || placed == row.want.min(room));
            }
        }
    }
}
