//! Components at random, and real ones with something changed, are loaded one after the other: each is a component or it is refused.
//! `MITE_LOADS` says how many, `MITE_LOADS_FROM` with which the numbers begin: the same number is the same component.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use tests::program::{Ended, Running, command, component};
use tests::{bombs, files};

/// How many in CI.
const LOADS: u64 = 60;

/// What wasm-smith has made when these tests were built: the length of each in four bytes, then the bytes.
static MODULES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/modules"));
static COMPONENTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/components"));

fn random_ones(mut packed: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<4>() {
        let (one, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        all.push(one);
        packed = rest;
    }
    all
}

/// What components are made of.
struct Parts {
    modules: Vec<&'static [u8]>,
    components: Vec<&'static [u8]>,
    real: Vec<Vec<u8>>,
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // Vigna's splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).expect("it is smaller than a usize")
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }
}

/// Component number so and so, and what it is.
fn made(number: u64, parts: &Parts) -> (Vec<u8>, &'static str) {
    let mut random = Random(number);
    let kind = random.below(20);
    let module = parts.modules[random.below(parts.modules.len())];
    let (bytes, what) = match kind {
        0..12 => (bombs::around(&[module]), "random module in a component"),
        12..15 => (parts.components[random.below(parts.components.len())].to_vec(), "random component"),
        15 => return (random.bytes(4_096), "random bytes"),
        _ => {
            return (
                changed(parts.real[random.below(parts.real.len())].clone(), &mut random),
                "real component, changed",
            );
        }
    };
    if random.below(2) == 0 { (changed(bytes, &mut random), what) } else { (bytes, what) }
}

/// Changes some bytes, or moves, doubles or leaves out a piece.
fn changed(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        let (at, length) = (random.below(bytes.len()), random.below(64));
        let end = (at + length).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.next().to_le_bytes()[0];
                }
            }
        }
    }
    bytes
}

/// Loads one as far as it goes: checks, compiles, makes an instance and asks it what it has.
fn load(number: u64, parts: &Parts, directory: &Path) -> Ended {
    let (bytes, what) = made(number, parts);
    let path = directory.join(format!("{number}.wasm"));
    std::fs::write(&path, bytes).expect("a file");
    let mut command = command(&["inspect", &path.display().to_string()]);
    let ended = Running::start(command.env("MITE_CACHE_DIR", directory.join("cache"))).wait();
    let expected = ended.status.code().is_some_and(|code| [0, 104, 107].contains(&code));
    let broken = ["panicked", "please report", "it takes more than", "killed"];
    let kept = format!("MITE_LOADS=1 MITE_LOADS_FROM={number} loads it again");
    assert!(expected && !broken.iter().any(|word| ended.stderr.contains(word)), "{what}: {ended:?}; {kept}");
    std::fs::remove_file(path).expect("it is ours");
    ended
}

#[test]
fn random_and_changed_components_are_loaded_or_refused() {
    let setting = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (count, from) = (setting("MITE_LOADS").unwrap_or(LOADS), setting("MITE_LOADS_FROM").unwrap_or(0));
    let read = |name: &str| std::fs::read(component(name)).expect("a component");
    let real = vec![read("load.wasm"), read("processors.wasm"), read("mite/example.wasm")];
    let parts = Parts { modules: random_ones(MODULES), components: random_ones(COMPONENTS), real };
    let directory = files::directory();
    let (next, counts) = (AtomicU64::new(from), [const { AtomicU64::new(0) }; 2]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= from + count {
                        return;
                    }
                    let ended = load(number, &parts, directory.path());
                    // A random module has no journeys, which is seen when there is machine code of it.
                    let compiled = ended.code() != 104 || ended.stderr.contains("does not have export");
                    counts[usize::from(compiled)].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let [refused, compiled] = counts.map(AtomicU64::into_inner);
    println!("{count} components: {compiled} compiled, {refused} refused before");
    // Else nothing has come as far as the compiler's end.
    assert!(count < LOADS || compiled >= count / 10, "{compiled} of {count}");
}
