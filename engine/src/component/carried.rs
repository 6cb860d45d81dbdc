//! Compiled code that is part of the program, so that what every machine needs is compiled on none.
//!
//! An entry is good for one component, and one version and settings of wasmtime on one kind of processor: elsewhere it is passed
//! over, and the component compiled as any other.

/// Machine code of one component.
pub struct Carried {
    /// The SHA-256 of the component, without its script, in hexadecimal digits.
    pub component: &'static str,
    /// What it was compiled with: see [`super::cache`].
    pub settings: [u8; 32],
    pub code: &'static [u8],
}

/// All that the program carries.
pub const ALL: &[Carried] = &[];

/// The code of a component for these settings. Its digest is asked for only where it can matter.
pub fn find(all: &[Carried], settings: &[u8; 32], component: impl FnOnce() -> String) -> Option<&'static [u8]> {
    let mut fitting = all.iter().filter(|one| one.settings == *settings).peekable();
    fitting.peek()?;
    let component = component();
    fitting.find(|one| one.component == component).map(|one| one.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_is_found() {
        let all = [
            Carried { component: "a", settings: [1; 32], code: b"a1" },
            Carried { component: "b", settings: [1; 32], code: b"b1" },
            Carried { component: "a", settings: [2; 32], code: b"a2" },
        ];
        for (settings, component, want, why) in [
            ([1; 32], "a", Some(&b"a1"[..]), "the first"),
            ([1; 32], "b", Some(b"b1"), "another component"),
            ([2; 32], "a", Some(b"a2"), "another processor"),
            ([2; 32], "b", None, "not for this one"),
            ([1; 32], "c", None, "a component of somebody"),
        ] {
            assert_eq!(find(&all, &settings, || component.to_owned()), want, "{why}");
        }
        assert_eq!(find(&all, &[3; 32], || panic!("nothing fits, so it need not be asked")), None);
    }
}
