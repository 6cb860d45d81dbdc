//! An allocator that turns on the host: it is called while the host hands something over.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::bindings::mite::journey::{config, timing};
use crate::support::wrong;
use crate::{Ended, Journey};

pub const JOURNEYS: &[Journey] = &[
    ("reenter", || handed_over(CALL)),
    ("hand_out_outside", || handed_over(OUTSIDE)),
    ("hand_out_crooked", || handed_over(CROOKED)),
    ("hand_out_nothing", || handed_over(NOTHING)),
    ("trap_while_handed", || handed_over(TRAP)),
    ("loop_while_handed", || handed_over(LOOP)),
];

const CALL: u32 = 1;
const OUTSIDE: u32 = 2;
const CROOKED: u32 = 3;
const NOTHING: u32 = 4;
const TRAP: u32 = 5;
const LOOP: u32 = 6;

static NEXT: AtomicU32 = AtomicU32::new(0);

fn handed_over(what: u32) -> Ended {
    NEXT.store(what, Ordering::Relaxed);
    let got = config::keys().len();
    NEXT.store(0, Ordering::Relaxed);
    wrong(format!("it got {got} keys"))
}

struct Turning;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: Turning = Turning;

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait; this one is meant to be wrong")]
// SAFETY: none where it is told to be wrong: that is what the host has to bear. Else the system's allocator answers.
unsafe impl GlobalAlloc for Turning {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match NEXT.swap(0, Ordering::Relaxed) {
            CALL => drop(std::hint::black_box(timing::now())),
            OUTSIDE => return std::ptr::without_provenance_mut(usize::MAX - 0xff),
            CROOKED => return std::ptr::without_provenance_mut(17),
            NOTHING => return std::ptr::null_mut(),
            #[cfg(target_arch = "wasm32")]
            TRAP => std::arch::wasm32::unreachable(),
            LOOP => loop {
                std::hint::black_box(());
            },
            _ => {}
        }
        // SAFETY: the caller keeps the trait's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
