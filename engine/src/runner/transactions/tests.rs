use super::*;

struct Run {
    names: Names,
    tally: Tally,
    open: Transactions,
}

impl Run {
    fn begun() -> Self {
        let mut tally = Tally::default();
        let names = Names::new(&mut tally);
        let mut open = Transactions::default();
        open.begin_run(names.root(), 5);
        Self { names, tally, open }
    }

    fn begin(&mut self, name: &str, parent: u32) -> Result<u32, Refused> {
        self.open.begin(name, parent, 7, &mut self.names, &mut self.tally)
    }

    fn name(&self, id: u32) -> &str {
        &self.open.get(id).name.full
    }
}

fn ids(ended: &[Open]) -> Vec<u32> {
    ended.iter().map(|open| open.id).collect()
}

#[test]
fn names_say_what_they_are_inside_of() {
    let mut run = Run::begun();
    for (name, parent, full, why) in [
        ("a", ROOT_ID, "__root__ :: a", "in the root (2)"),
        ("b", 2, "__root__ :: a :: b", "in another (3)"),
        ("c", 3, "__root__ :: a :: b :: c", "in one in another (4)"),
        ("b", ROOT_ID, "__root__ :: b", "the same name elsewhere is another"),
        ("a", ROOT_ID, "__root__ :: a", "twice beside itself"),
        ("", ROOT_ID, "__root__ :: ", "no name"),
        ("x :: y", ROOT_ID, "__root__ :: x :: y", "what looks like nesting is a name"),
        ("in\"ner\\x\nl", 2, "__root__ :: a :: in\"ner\\x\nl", "as it is, as Python does"),
        ("d", 77, "__root__ :: d", "a parent that isn't there: in the root"),
        ("e", 0, "__root__ :: e", "0 is none"),
    ] {
        let id = run.begin(name, parent).unwrap();
        assert_eq!(run.name(id), full, "{why}");
    }
    assert_eq!(run.name(99), ROOT, "what isn't open is the root");
    assert_eq!(run.open.get(2).start, 7);
    assert_eq!(run.open.get(ROOT_ID).start, 5);
}

#[test]
fn a_name_is_one_number() {
    let mut run = Run::begun();
    let numbers: Vec<_> = [("a", ROOT_ID), ("a", ROOT_ID), ("a", 2), ("b", ROOT_ID)]
        .into_iter()
        .map(|(name, parent)| {
            let id = run.begin(name, parent).unwrap();
            run.open.get(id).name.number
        })
        .collect();
    assert_eq!(numbers, [1, 1, 2, 3], "the root has 0; the same full name has the same number");
}

#[test]
fn ends() {
    // 2 a, 3 a::b, 4 a::b::c, 5 d, 6 a::e
    type Case = (&'static [u32], &'static [&'static [u32]], &'static [u32], &'static str);
    let rows: [Case; 8] = [
        (&[6, 4], &[&[6], &[4]], &[1, 2, 3, 5], "innermost ones by themselves"),
        (&[3], &[&[4, 3]], &[1, 2, 5, 6], "an outer one ends those in it before it"),
        (&[2], &[&[6, 4, 3, 2]], &[1, 5], "all that is in it, the newest first, and not what is beside it"),
        (&[5], &[&[5]], &[1, 2, 3, 4, 6], "one begun before others, not around them"),
        (&[1], &[&[6, 5, 4, 3, 2, 1]], &[], "the root ends all"),
        (&[9], &[&[]], &[1, 2, 3, 4, 5, 6], "one that isn't there"),
        (&[4, 4], &[&[4], &[]], &[1, 2, 3, 5, 6], "twice"),
        (&[2, 3, 1], &[&[6, 4, 3, 2], &[], &[5, 1]], &[], "one that ended with another"),
    ];
    for (ends, want, left, why) in rows {
        let mut run = Run::begun();
        for (name, parent) in [("a", 1), ("b", 2), ("c", 3), ("d", 1), ("e", 2)] {
            run.begin(name, parent).unwrap();
        }
        let ended: Vec<_> = ends.iter().map(|id| ids(&run.open.end(*id).collect::<Vec<_>>())).collect();
        assert_eq!(ended, want, "{why}");
        assert_eq!(ids(&run.open.open), left, "{why}");
        assert_eq!(run.open.are_open(), !left.is_empty(), "{why}");
        assert!((1..9).all(|id| run.open.is_open(id) == left.contains(&id)), "{why}");
    }
}

#[test]
fn a_new_run_begins_empty() {
    let mut run = Run::begun();
    run.begin("a", 1).unwrap();
    run.open.begin_run(run.names.root(), 9);
    assert_eq!(ids(&run.open.open), [ROOT_ID]);
    assert_eq!(run.open.get(ROOT_ID).start, 9);
    assert_eq!(run.begin("b", 1).unwrap(), 2, "numbers begin anew");
    assert_eq!(run.name(2), "__root__ :: b");
    assert!(!Transactions::default().are_open(), "none before the first");
}

#[test]
fn depth_is_bounded() {
    let mut run = Run::begun();
    let mut parent = ROOT_ID;
    for _ in 0..DEPTH_MAX {
        parent = run.begin("x", parent).unwrap();
    }
    assert!(matches!(run.begin("x", parent), Err(Refused::TooDeep)));
    assert_eq!(run.name(parent).matches(" :: ").count(), 32);
    assert!(run.begin("x", ROOT_ID).is_ok(), "elsewhere there is room");
    drop(run.open.end(parent));
    assert!(run.begin("x", parent - 1).is_ok(), "as deep as that again");
}

#[test]
fn open_ones_are_bounded() {
    let mut run = Run::begun();
    for _ in 1..OPEN_MAX {
        run.begin("x", ROOT_ID).unwrap();
    }
    assert_eq!(run.open.open.len(), 1_000, "the root is one of them");
    assert!(matches!(run.begin("x", ROOT_ID), Err(Refused::TooMany)));
    assert_eq!(ids(&run.open.end(500).collect::<Vec<_>>()), [500]);
    assert_eq!(run.begin("x", ROOT_ID).unwrap(), 1_001, "numbers are not used twice in a run");
    assert!(run.begin("x", ROOT_ID).is_err());
}

#[test]
fn names_are_cut() {
    let mut run = Run::begun();
    let id = run.begin(&"é".repeat(200), ROOT_ID).unwrap();
    assert_eq!(run.name(id), format!("__root__ :: {}", "é".repeat(128)));
    let id = run.begin(&format!("a{}", "é".repeat(200)), ROOT_ID).unwrap();
    assert_eq!(run.name(id).len(), "__root__ :: ".len() + 255, "255 bytes: 256 would cut a character");
}

#[test]
fn more_names_than_are_kept() {
    let mut run = Run::begun();
    let kept = u32::try_from(NAMES_MAX).unwrap() + 50;
    for number in 0..kept {
        let id = run.begin(&number.to_string(), ROOT_ID).unwrap();
        let inner = run.begin("in", id).unwrap();
        assert_eq!(run.name(inner), format!("__root__ :: {number} :: in"));
        drop(run.open.end(id));
    }
    assert!(run.names.known.len() < NAMES_MAX);
    let id = run.begin("0", ROOT_ID).unwrap();
    assert_eq!(run.open.get(id).name.number, 1, "the first is known still");
}
