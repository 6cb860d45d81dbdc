//! What a processor would not do either.

use crate::bindings::exports::mite::journey::journeys::Ending;
use crate::support::{expect, failure, wrong};
use crate::{Ended, Journey};

pub const JOURNEYS: &[Journey] = &[
    ("read_outside", read_outside),
    ("write_outside", write_outside),
    ("jump_nowhere", jump_nowhere),
    ("jump_to_another_kind", jump_to_another_kind),
    ("overflow_the_stack", overflow_the_stack),
    ("panic_while_panicking", panic_while_panicking),
    ("grow_to_the_end", grow_to_the_end),
    ("exit_well", || std::process::exit(0)),
    ("abort", || std::process::abort()),
    ("read_files", read_files),
    ("connect_by_itself", connect_by_itself),
    ("look_around", look_around),
];

#[expect(unsafe_code, reason = "this is what it is for")]
fn read_outside() -> Ended {
    // SAFETY: none: the host's to stop.
    wrong(format!("{}", unsafe { std::ptr::without_provenance::<u8>(0xffff_fff0).read_volatile() }))
}

#[expect(unsafe_code, reason = "this is what it is for")]
fn write_outside() -> Ended {
    // SAFETY: none: the host's to stop.
    unsafe { std::ptr::without_provenance_mut::<u64>(0xffff_fff0).write_volatile(1) };
    wrong("it could be written")
}

#[expect(unsafe_code, reason = "this is what it is for")]
fn jump(to: usize) -> Ended {
    // SAFETY: none: the host's to stop.
    let function: fn(u64, f64) -> f32 = unsafe { std::mem::transmute::<usize, fn(u64, f64) -> f32>(to) };
    wrong(format!("{}", std::hint::black_box(function)(1, 1.0)))
}

fn jump_nowhere() -> Ended {
    jump(std::hint::black_box(100_000_000))
}

fn jump_to_another_kind() -> Ended {
    jump(std::hint::black_box(jump_nowhere as fn() -> Ended as usize))
}

fn overflow_the_stack() -> Ended {
    wrong(format!("{}", deeper(1)))
}

#[expect(unconditional_recursion, reason = "this is what it is for")]
fn deeper(n: u64) -> u64 {
    let here = std::hint::black_box([n; 64]);
    deeper(n + 1) + here[3]
}

struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("and once more");
    }
}

fn panic_while_panicking() -> Ended {
    let _panics = Panics;
    panic!("so it is");
}

/// Asks for more until there is none: that is no harm as long as it isn't needed.
fn grow_to_the_end() -> Ended {
    #[cfg(target_arch = "wasm32")]
    while std::arch::wasm32::memory_grow::<0>(16) != usize::MAX {}
    Ok(())
}

fn read_files() -> Ended {
    for path in ["/etc/passwd", "/proc/self/environ", ".", "/", "../../etc/passwd", "Cargo.toml"] {
        expect(std::fs::read(path).is_err() && std::fs::read_dir(path).is_err(), path)?;
    }
    expect(std::fs::write("/tmp/hostile", "x").is_err(), "a file was written")
}

fn connect_by_itself() -> Ended {
    let url = crate::support::setting("url");
    let address = url.trim_start_matches("http://");
    expect(std::net::TcpStream::connect(address).is_err(), "it connected")?;
    expect(std::net::TcpListener::bind("127.0.0.1:0").is_err(), "it listens")?;
    expect(std::net::UdpSocket::bind("127.0.0.1:0").is_err(), "it has a socket")?;
    let found = std::net::ToSocketAddrs::to_socket_addrs("localhost:80").is_ok_and(|mut all| all.next().is_some());
    expect(!found, "it has looked a name up")
}

fn look_around() -> Ended {
    let variables: Vec<_> = std::env::vars().collect();
    if !variables.is_empty() {
        return Err(Ending::Failed(failure(format!("{variables:?}"))));
    }
    expect(std::env::args().count() <= 1, "it has arguments")?;
    let thread = std::thread::Builder::new().spawn(|| ());
    expect(thread.is_err(), "it has a thread")?;
    expect(std::process::Command::new("sh").spawn().is_err(), "it has a process")?;
    let mut line = String::new();
    expect(std::io::stdin().read_line(&mut line).map_or(true, |read| read == 0), "it has an input")
}
