//! Who makes way for whom where there is less CPU than is wanted: shares by weight, as a function of what was used.
//!
//! Each tenant has a time of its own that runs as fast as it uses the CPU, and slower the more it weighs. Where these times are equal,
//! shares are as the weights. The system divides the CPU equally between threads; of those who got ahead by that some threads rest, those of whoever is
//! furthest ahead first, and never so many that a core would be left idle.

/// Nanoseconds of CPU.
type Cpu = f64;

/// A tenant may be ahead by so much: less, and tenants would take turns more often than a slice of a guest is long.
const LEAD: Cpu = 4e6;
/// And behind by no more than so much: nobody waits longer than that for one that was kept from its share by something else.
const DEBT: Cpu = 200e6;
/// Who has used nothing for so long comes back as one who is neither ahead nor behind: what it left to others is no claim on them. A little longer than
/// it is not seen computing between two slices.
const IDLE: Cpu = 5e6;

/// What a tenant has used, as it can be seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub weight: u32,
    /// Nanoseconds of CPU since it began.
    pub used: u64,
    /// Threads that want to compute now, those that rest too.
    pub busy: u32,
}

/// What is remembered of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    used: u64,
    /// Its own time.
    time: f64,
    idle: Cpu,
    /// So many of its threads make way for others.
    pub rest: u32,
}

/// After so many nanoseconds, on so many cores: who rests until the next time.
pub fn govern(seen: &mut [Seen], sights: &[Sight], elapsed: Cpu, cores: u32) {
    keep_time(seen, sights, elapsed);
    let busy = |(_, sight): &(&mut Seen, &Sight)| sight.busy > 0;
    let lowest = seen.iter().zip(sights).filter(|(_, sight)| sight.busy > 0).map(|(tenant, _)| tenant.time);
    let lowest = lowest.reduce(f64::min).unwrap_or(0.0);
    let mut over = sights.iter().map(|sight| sight.busy).fold(0, u32::saturating_add).saturating_sub(cores);
    seen.iter_mut().for_each(|tenant| tenant.rest = 0);
    if over == 0 {
        return;
    }
    let is_ahead = |(tenant, sight): &(&mut Seen, &Sight)| (tenant.time - lowest) * f64::from(sight.weight) > LEAD;
    let mut ahead: Vec<_> = seen.iter_mut().zip(sights).filter(busy).filter(is_ahead).collect();
    ahead.sort_by(|(one, _), (other, _)| other.time.total_cmp(&one.time));
    for (tenant, sight) in ahead {
        tenant.rest = sight.busy.min(over);
        over -= tenant.rest;
    }
}

/// Lets each tenant's time run by what it has used.
fn keep_time(seen: &mut [Seen], sights: &[Sight], elapsed: Cpu) {
    let mut back = Vec::new();
    for (at, (tenant, sight)) in seen.iter_mut().zip(sights).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "of a millisecond")]
        let used = sight.used.saturating_sub(tenant.used) as f64;
        tenant.used = sight.used;
        tenant.time += used / f64::from(sight.weight);
        if sight.busy == 0 && used <= 0.0 {
            tenant.idle += elapsed;
            continue;
        }
        if tenant.idle > IDLE {
            back.push(at);
        }
        tenant.idle = 0.0;
    }
    let there = |(tenant, _): &(&Seen, &Sight)| tenant.idle <= IDLE;
    let others = seen.iter().zip(sights).enumerate().filter(|(at, _)| !back.contains(at)).map(|(_, other)| other);
    let lowest = others.filter(there).map(|(tenant, _)| tenant.time).reduce(f64::min).unwrap_or(0.0);
    for at in back {
        seen[at].time = seen[at].time.max(lowest);
    }
    let highest = seen.iter().zip(sights).filter(there).map(|(tenant, _)| tenant.time).reduce(f64::max).unwrap_or(0.0);
    let lightest = seen.iter().zip(sights).filter(there).map(|(_, sight)| sight.weight).min().unwrap_or(1);
    let least = highest - DEBT / f64::from(lightest);
    seen.iter_mut().filter(|tenant| tenant.idle <= IDLE).for_each(|tenant| tenant.time = tenant.time.max(least));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: f64 = 1e6;

    /// A tenant of the simulated machine: its weight, its threads, and for how many of a hundred milliseconds they want to compute.
    type Wants = (u32, u32, u32);

    /// Milliseconds of CPU that each gets within so many, where the system divides the cores equally between the threads that may run.
    fn simulate(wants: &[Wants], cores: u32, from: u32, to: u32) -> Vec<f64> {
        let mut seen = vec![Seen::default(); wants.len()];
        let mut used = vec![0.0_f64; wants.len()];
        let mut at_from = used.clone();
        for now in 0..to {
            if now == from {
                at_from.clone_from(&used);
            }
            let is_busy = |(_, _, share): &Wants| now % 100 < *share;
            let runs = |at: usize| if is_busy(&wants[at]) { wants[at].1 - seen[at].rest } else { 0 };
            let threads: u32 = (0..wants.len()).map(runs).sum();
            let each = (f64::from(cores) / f64::from(threads.max(1))).min(1.0);
            for (at, used) in used.iter_mut().enumerate() {
                *used += each * f64::from(runs(at));
            }
            let sights = wants.iter().zip(&used).map(|(wants, used)| Sight {
                weight: wants.0,
                used: (used * MS) as u64,
                busy: if is_busy(wants) { wants.1 } else { 0 },
            });
            let sights: Vec<_> = sights.collect();
            govern(&mut seen, &sights, MS, cores);
        }
        used.iter().zip(at_from).map(|(used, from)| used - from).collect()
    }

    #[test]
    fn shares() {
        for (wants, cores, want, why) in [
            (&[(1, 1, 100), (1, 1, 100)][..], 1, &[0.5, 0.5][..], "equal weights"),
            (&[(3, 1, 100), (1, 1, 100)], 1, &[0.75, 0.25], "three to one"),
            (&[(100, 1, 100), (1, 1, 100)], 1, &[0.99, 0.01], "a hundred to one"),
            (&[(1, 8, 100), (1, 1, 100)], 1, &[0.5, 0.5], "threads don't count"),
            (&[(2, 2, 100), (1, 2, 100), (1, 2, 100)], 2, &[1.0, 0.5, 0.5], "three on two cores"),
            (&[(1, 2, 100), (7, 2, 100), (2, 2, 100)], 2, &[0.2, 1.4, 0.4], "seven of ten"),
            (&[(1, 1, 100), (50, 1, 100)], 2, &[1.0, 1.0], "a core for each: no weight matters"),
            (&[(10, 1, 100), (1, 1, 100), (1, 1, 100)], 2, &[1.0, 0.5, 0.5], "what one can't use the others do"),
            (&[(4, 3, 100), (11, 1, 100)], 2, &[1.0, 1.0], "however many threads they are"),
            (&[(1, 1, 60), (1, 1, 100)], 1, &[0.3, 0.7], "who rests two fifths of the time has no claim to them"),
            (&[(1, 2, 100), (9, 2, 0)], 2, &[2.0, 0.0], "all of it for who is alone"),
        ] {
            let got = simulate(wants, cores, 5_000, 25_000);
            for (got, want) in got.iter().zip(want) {
                let got = got / 20_000.0;
                assert!((got - want).abs() <= 0.02 * f64::from(cores), "{why}: {got}, not {want}");
            }
        }
    }

    #[test]
    fn nobody_saves_up() {
        let mut seen = vec![Seen::default(); 2];
        let sight = |used: f64, busy| Sight { weight: 1, used: (used * MS) as u64, busy };
        for now in 0..10_000 {
            govern(&mut seen, &[sight(f64::from(now), 1), sight(0.0, 0)], MS, 1);
            assert_eq!(seen[0].rest, 0, "there is nobody else");
        }
        // The other comes after ten seconds of rest: both get the half.
        let (mut one, mut other) = (10_000.0, 0.0);
        let mut rested = 0;
        for _ in 0..1_000 {
            let (first, second) = (seen[0].rest == 0, seen[1].rest == 0);
            let each = if first && second { 0.5 } else { 1.0 };
            one += if first { each } else { 0.0 };
            other += if second { each } else { 0.0 };
            govern(&mut seen, &[sight(one, 1), sight(other, 1)], MS, 1);
            rested += seen[0].rest;
        }
        assert!((other - 500.0).abs() < 20.0 && rested < 50, "{other} ms of 1,000, rested {rested}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Whatever the weights: who always wants gets its share or more, and the machine is never idle for a weight's sake.
        #[test]
        fn nobody_starves(
            wants in prop::collection::vec((1_u32..50, 1_u32..4, prop::sample::select(vec![100_u32, 100, 60])), 1..6),
            cores in 1_u32..4,
        ) {
            let got = simulate(&wants, cores, 2_000, 14_000);
            let weights: f64 = wants.iter().map(|wants| f64::from(wants.0)).sum();
            for ((weight, threads, share), got) in wants.iter().zip(&got) {
                let part = f64::from(*weight) / weights * f64::from(cores);
                let can = f64::from(*threads);
                if *share == 100 {
                    let least = part.min(can) * 12_000.0;
                    prop_assert!(*got >= least * 0.8, "{got} of {least} for weight {weight} of {weights}, {wants:?} on {cores}");
                }
            }
        }
    }
}
