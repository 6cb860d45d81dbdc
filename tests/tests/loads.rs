//! Components at random, and real ones with something changed, are loaded one after the other: each is a component or it is refused.
//! `MITE_LOADS` says how many, `MITE_LOADS_FROM` with which the numbers begin: the same number is the same component, as long as
//! `MITE_LOADS_MODULES`, how many random modules they are made of when this is built (1,000), is the same.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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

const KINDS: [&str; 6] = [
    "random module in a component",
    "the same, changed",
    "random component in one",
    "the same, changed",
    "random bytes",
    "real component, changed",
];

/// Component number so and so, and which of the kinds it is.
fn made(number: u64, parts: &Parts) -> (Vec<u8>, usize) {
    let mut random = Random(number);
    let (of, kind, id) = match random.below(40) {
        0..25 => (&parts.modules, 0, bombs::MODULE),
        25..38 => (&parts.components, 2, bombs::COMPONENT),
        38 => return (random.bytes(4_096), 4),
        // Few: one that is still good takes the compiler a hundred times what the others do.
        _ => return (changed(parts.real[random.below(parts.real.len())].clone(), &mut random), 5),
    };
    let inside = of[random.below(of.len())];
    match random.below(6) {
        0..3 => (bombs::around(id, inside), kind),
        // Inside, so that what is around it is still in order.
        3..5 => (bombs::around(id, &changed(inside.to_vec(), &mut random)), kind + 1),
        _ => (changed(bombs::around(id, inside), &mut random), kind + 1),
    }
}

/// What became of those of a kind.
#[derive(Clone, Copy, Default)]
struct Became {
    compiled: u64,
    refused: u64,
    slowest: Duration,
}

/// Changes some bytes, or, more rarely, doubles or leaves out a piece or the end.
fn changed(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(3) {
        let (at, length) = (random.below(bytes.len()), random.below(64));
        let end = (at + length).min(bytes.len());
        match random.below(16) {
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

/// The number that is loaded, said where that fails, however it does.
struct Under(u64);

impl Drop for Under {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("MITE_LOADS=1 MITE_LOADS_FROM={} loads it again", self.0);
        }
    }
}

/// Loads one as far as it goes: checks, compiles, makes an instance and asks it what it has.
fn load(number: u64, bytes: Vec<u8>, what: &str, directory: &Path) -> Ended {
    let path = directory.join(format!("{number}.wasm"));
    std::fs::write(&path, bytes).expect("a file");
    let _under = Under(number);
    let mut command = command(&["inspect", &path.display().to_string()]);
    let ended = Running::start(command.env("MITE_CACHE_DIR", directory.join("cache"))).wait();
    let expected = ended.status.code().is_some_and(|code| [0, 104, 107].contains(&code));
    // What a component says of its own panic stands behind its name, and may: its code is a changed one.
    let panicked = ended.stderr.lines().any(|line| line.starts_with("thread '") && line.contains("panicked"));
    let broken = ["please report", "it takes more than", "killed"];
    let is_broken = panicked || broken.iter().any(|word| ended.stderr.contains(word));
    assert!(expected && !is_broken, "{what}: {ended:?}");
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
    let (next, became) = (AtomicU64::new(from), Mutex::new([Became::default(); KINDS.len()]));
    let one = |number| {
        let (bytes, kind) = made(number, &parts);
        let start = Instant::now();
        let ended = load(number, bytes, KINDS[kind], directory.path());
        let mut all = became.lock().expect("no panics");
        all[kind].slowest = all[kind].slowest.max(start.elapsed());
        // A random module has no journeys, which is seen when there is machine code of it.
        let compiled = ended.code() != 104 || ended.stderr.contains("does not have export");
        *(if compiled { &mut all[kind].compiled } else { &mut all[kind].refused }) += 1;
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            scope.spawn(move || numbers.take_while(|number| *number < from + count).for_each(one));
        }
    });
    let became = became.into_inner().expect("no panics");
    for (kind, Became { compiled, refused, slowest }) in KINDS.iter().zip(became) {
        println!("{kind}: {compiled} compiled, {refused} refused before, the slowest {slowest:.1?}");
    }
    let compiled: u64 = became.iter().map(|became| became.compiled).sum();
    // Else nothing has come as far as the compiler's end.
    assert!(count < LOADS || compiled >= count / 10, "{compiled} of {count}");
}
