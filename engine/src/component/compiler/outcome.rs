//! What the end of the process that compiles means, in words: the end of a sentence that begins with the component.

use rustix::process::Signal;

use super::bounds::Allowed;
use super::inside::REFUSED;
use crate::component::output::escape;

/// Longer reasons are cut here: a component's own names stand in them.
const REASON_CHARS_MAX: usize = 500;
/// What is said when memory could not be had: by the allocator, by the system, and by the library of threads.
const NO_MEMORY: [&str; 3] = ["memory allocation of", "annot allocate memory", "ThreadPoolBuildError"];

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Code(i32),
    Signal(i32),
    /// It was ended because its time was over.
    Late,
    /// It was ended because it answered with more bytes than this.
    TooMuch(u64),
}

/// None: it has compiled it. `said` is what it wrote to its standard error.
pub fn reason(end: End, said: &[u8], allowed: &Allowed) -> Option<String> {
    let said = plain(said);
    let gib = allowed.memory as f64 / f64::from(1 << 30);
    Some(match end {
        End::Code(0) => return None,
        End::TooMuch(bytes) => format!("its machine code has more than {} MiB", bytes >> 20),
        End::Late => format!("it has not been compiled after {} s (--compile-timeout)", allowed.time.as_secs()),
        End::Signal(signal) if signal == Signal::XCPU.as_raw() => {
            format!("it takes more than {} s of CPU (--compile-timeout)", allowed.cpu_seconds)
        }
        _ if NO_MEMORY.iter().any(|words| said.contains(words)) => format!("it takes more than {gib:.1} GiB of memory"),
        _ if said.contains("has overflowed its stack") => "it is nested too deeply".to_owned(),
        End::Code(code) if code == i32::from(REFUSED) => said,
        End::Code(code) => format!("the compiler ended with {code}: {said}; please report it"),
        End::Signal(signal) if signal == Signal::KILL.as_raw() => {
            "the compiler was killed from outside: is there too little memory?".to_owned()
        }
        End::Signal(signal) => format!("the compiler was ended by signal {signal}: {said}; please report it"),
    })
}

/// One line that can be shown.
fn plain(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let one_line = said.trim().chars().map(|character| if character == '\n' { ' ' } else { character });
    one_line.flat_map(escape).take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_end_has_its_words() {
        let allowed = Allowed { cpu_seconds: 30, time: Duration::from_secs(300), memory: 5 << 29 };
        let signal = |signal: Signal| End::Signal(signal.as_raw());
        for (end, said, want, why) in [
            (End::Late, "", "it has not been compiled after 300 s (--compile-timeout)", "its time is over"),
            (End::Late, "memory allocation of 8 bytes failed", "not been compiled after 300 s", "whatever it said"),
            (
                signal(Signal::XCPU),
                "",
                "it takes more than 30 s of CPU (--compile-timeout)",
                "the time of all cores is",
            ),
            (signal(Signal::ABORT), "memory allocation of 8 bytes failed\n", "more than 2.5 GiB of memory", "abort"),
            (End::Code(104), "Cannot allocate memory (os error 12)", "more than 2.5 GiB of memory", "an error"),
            (signal(Signal::ABORT), "thread 'main' has overflowed its stack", "nested too deeply", "a deep one"),
            (End::Code(104), "unknown type 7 (at offset 0x9)\n", "unknown type 7 (at offset 0x9)", "it is not valid"),
            (End::Code(104), "bad name `\x1b[2J\n`", "bad name `\\u{1b}[2J `", "what would change a terminal"),
            (
                End::Code(101),
                "thread 'main' panicked at x.rs:1\nno",
                "ended with 101: thread 'main' panicked",
                "a panic",
            ),
            (signal(Signal::KILL), "", "is there too little memory?", "the system's last means"),
            (signal(Signal::SEGV), "", "ended by signal 11", "our mistake"),
            (End::TooMuch(512 << 20), "", "more than 512 MiB", "too much of it"),
        ] {
            let reason = reason(end, said.as_bytes(), &allowed).unwrap();
            assert!(reason.contains(want) && !reason.contains('\n'), "{why}: {reason}");
        }
        assert_eq!(reason(End::Code(0), b"a warning", &allowed), None);
        let long = "x".repeat(REASON_CHARS_MAX + 1);
        assert_eq!(reason(End::Code(104), long.as_bytes(), &allowed).unwrap().len(), REASON_CHARS_MAX);
    }
}
