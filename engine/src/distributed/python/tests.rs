use super::*;

fn journeys() -> BTreeMap<u32, Journey> {
    let journey = |with_data, recycled| Journey { spec: "a:j".into(), recycled, with_data };
    BTreeMap::from([(1, journey(false, false)), (2, journey(true, true)), (3, journey(true, false))])
}

/// Asks with so many running of scenarios 1 to 3 and what has ended; answers the report and the (scenario, item) of the runs to begin.
struct Asked {
    report: scenario::Report,
    runs: Vec<(i64, Option<i64>)>,
    stop: bool,
}

fn ask(runner: &mut Runner, running: [i64; 3], ended: &[(i64, &'static [u8])], max_work: Option<i64>) -> Asked {
    let current = (1..).zip(running).filter(|(_, running)| *running > 0).collect();
    let completed = ended.iter().map(|(scenario, id)| (*scenario, Raw::whole(id).unwrap())).collect();
    let Event::Report(_, report) = runner.asks(&Work { runner: 1, current, completed, max_work }, &journeys()) else {
        panic!("a report")
    };
    let bytes = runner.reply(&journeys(), &Config::default());
    let reply = WorkReply::decode(&bytes).unwrap();
    let id = |item: &WorkItem<'_>| match item.data_id.map(Raw::view) {
        Some(Ok(View::Int(id))) => Some(id),
        _ => None,
    };
    Asked { report, runs: reply.work.iter().map(|item| (item.scenario, id(item))).collect(), stop: reply.stop }
}

fn order(runner: &mut Runner, scenario: u32, journeys: u32, runs: Option<u64>, number: u64) {
    runner.carry_out(Effect::Order { runner: 0, scenario, journeys, runs, number });
}

fn items(runner: &mut Runner, scenario: u32, ids: &[i64]) {
    let items = ids.iter().map(|id| Item { id: *id, data: vec![0x91, 0x07].into() }).collect();
    runner.carry_out(Effect::Items { runner: 0, scenario, items });
}

#[test]
fn as_many_as_ordered() {
    let mut runner = Runner::new(1, 0);
    order(&mut runner, 1, 3, None, 5);
    for (journeys, running, begun, why) in [
        (3, 0, 3, "all at once"),
        (3, 3, 0, "they run"),
        (3, 1, 2, "two have ended"),
        (1, 3, 0, "fewer are wanted: what runs goes on"),
        (1, 1, 0, "as many as are wanted"),
        (1, 0, 1, "and again"),
    ] {
        order(&mut runner, 1, journeys, None, 6);
        let asked = ask(&mut runner, [running, 0, 0], &[], None);
        assert_eq!(asked.runs.len(), begun, "{why}");
        assert_eq!(
            (asked.report.seen, asked.report.running.get(&1).copied()),
            (6, u32::try_from(running).ok().filter(|r| *r > 0))
        );
    }
    assert_eq!(ask(&mut runner, [0, 0, 0], &[], Some(0)).runs, [], "it wants none");
    assert_eq!(ask(&mut runner, [0, 0, 0], &[], None).report.ended[&1], 6);
    runner.carry_out(Effect::Drain { number: 9 });
    let asked = ask(&mut runner, [0, 0, 0], &[], None);
    assert_eq!((asked.runs.len(), asked.stop, asked.report.seen), (0, true, 9), "it is over");
}

#[test]
fn a_single_run_is_begun_once() {
    let mut runner = Runner::new(1, 0);
    order(&mut runner, 1, 1, Some(1), 1);
    assert_eq!(ask(&mut runner, [0; 3], &[], None).runs, [(1, None)]);
    assert_eq!(ask(&mut runner, [0; 3], &[], None).runs, [], "never again");
}

#[test]
fn recycled_data_is_with_one_run_at_a_time() {
    let mut runner = Runner::new(1, 0);
    order(&mut runner, 2, 3, None, 1);
    items(&mut runner, 2, &[10, 11]);
    assert_eq!(ask(&mut runner, [0; 3], &[], None).runs, [(2, Some(10)), (2, Some(11))], "as many as there are items");
    let asked = ask(&mut runner, [0, 1, 0], &[(2, b"\x0b"), (2, b"\x63"), (2, b"\xa1x")], None);
    assert_eq!(asked.runs, [(2, Some(11))], "what it never had is passed over");
    assert_eq!((asked.report.completed.len(), asked.report.unused.len()), (0, 0), "its own to use again");
    runner.carry_out(Effect::Recall { runner: 0, scenario: 2, items: 1 });
    assert_eq!(ask(&mut runner, [0, 2, 0], &[], None).report.unused, [], "all are in use");
    let asked = ask(&mut runner, [0, 1, 0], &[(2, b"\x0a")], None);
    assert_eq!((asked.report.unused, asked.runs.len()), (vec![(2, 10)], 0), "free, and given back");
}

#[test]
fn data_that_serves_once_is_completed_and_wanted() {
    let mut runner = Runner::new(1, 0);
    order(&mut runner, 3, 2, None, 1);
    let asked = ask(&mut runner, [0; 3], &[], None);
    assert_eq!((asked.runs.len(), asked.report.wants[&3]), (0, 4), "two for each");
    items(&mut runner, 3, &[1, 2, 3, 4]);
    assert_eq!(ask(&mut runner, [0; 3], &[], None).runs, [(3, Some(1)), (3, Some(2))]);
    let asked = ask(&mut runner, [0, 0, 1], &[(3, b"\x01"), (3, b"\x01")], None);
    assert_eq!((asked.report.completed, asked.runs), (vec![(3, 1)], vec![(3, Some(3))]), "once");
}

#[test]
fn who_has_nothing_to_do() {
    let mut runner = Runner::new(1, 0);
    ask(&mut runner, [0, 0, 0], &[], None);
    assert!(runner.is_idle(), "no order yet");
    order(&mut runner, 1, 2, None, 1);
    assert!(!runner.is_idle(), "an order to answer with");
    assert_eq!(ask(&mut runner, [0, 0, 0], &[], None).runs.len(), 2);
    assert!(!runner.is_idle(), "it runs what it was given");
    order(&mut runner, 1, 0, None, 2);
    ask(&mut runner, [0, 0, 0], &[], None);
    assert!(runner.is_idle(), "all has ended and nothing is wanted");
    ask(&mut runner, [0, 0, 0], &[], Some(0));
    assert!(!runner.is_idle(), "it wants nothing itself");
    ask(&mut runner, [0, 0, 0], &[], None);
    runner.carry_out(Effect::Drain { number: 3 });
    assert!(!runner.is_idle(), "it has to be told that the test is over");
}
