use super::*;
use crate::wire::control::ours::{
    Answer, Ask, Asker, Blob, Command, Exchange, Fetch, Join, Journeys, Leave, Orders, PROTOCOL, Piece, WorkerReport,
    pack, unpack,
};
use crate::wire::control::{EXTENSION, Hello, Request, Work, WorkReply};
use crate::wire::value::Raw;

fn golden(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wire").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn members(journeys_max: Option<u32>) -> Members {
    let journeys = Journeys {
        connections: "runner".into(),
        fresh_instances: false,
        request_timeout: 1,
        journey_timeout: None,
        journey_memory: 1,
    };
    let test = Test { components: vec![], assignments: vec![], peak: None, workers: 0, journeys_max, journeys };
    let journey = |with_data| Journey { spec: "a:j".into(), recycled: true, with_data };
    let mut config = Config::default();
    config.set("k", vec![0x07]).unwrap();
    let about = About {
        name: "a:s".into(),
        run_id: "run".into(),
        config,
        test,
        journeys: BTreeMap::from([(1, journey(false)), (6, journey(true))]),
    };
    let mut shelf = Shelf::default();
    shelf.put("ab".into(), vec![1, 2, 3]);
    Members::new(about, shelf)
}

fn from(runner: u32) -> Asker {
    Asker { runner, run_id: "run".into() }
}

/// The reply at once, or the one that is due.
fn ask(members: &mut Members, body: &[u8]) -> (Vec<Event>, Vec<u8>) {
    let outcome = members.ask(body).unwrap();
    let reply = match outcome.reply {
        Reply::Now(bytes) => bytes,
        Reply::Later(id) => members.reply(id),
    };
    (outcome.events, reply)
}

fn join(members: &mut Members, workers: u32) -> (Vec<Event>, Answer<Test>) {
    let (_, reply) = ask(members, &Request::Hello.encode());
    let runner = u32::try_from(Hello::decode(&reply).unwrap().runner).unwrap();
    let join = Join { from: from(runner), protocol: PROTOCOL, version: "1".into(), workers };
    let (events, reply) = ask(members, &Ask::Join(join).encode());
    (events, unpack(&reply).unwrap())
}

fn exchange(runner: u32, number: u64, reports: Vec<WorkerReport>) -> Vec<u8> {
    let exchange = Exchange { from: from(runner), number, ready: true, reports, totals: None };
    Ask::Exchange(Box::new(exchange)).encode()
}

fn order(runner: u64, journeys: u32, number: u64) -> Effect {
    Effect::Order { runner, scenario: 1, journeys, runs: None, number }
}

/// What two Python runners once said to their controller.
#[test]
fn a_recorded_conversation() {
    let mut members = members(None);
    for (name, runner) in [("hello.1", 1), ("hello.2", 2)] {
        let (events, reply) = ask(&mut members, &golden(&format!("ctl.req.{name}.bin")));
        let hello = Hello::decode(&reply).unwrap();
        assert_eq!((events.len(), hello.runner, hello.test), (0, runner, "a:s"));
        assert_eq!(hello.config.len(), 2, "one entry more than a Python controller has");
        assert!(hello.get("k").is_some() && hello.get(EXTENSION).is_some());
    }
    for (name, events) in [("request_work.1", 2), ("request_work.2", 2), ("request_work.3", 1)] {
        let (told, reply) = ask(&mut members, &golden(&format!("ctl.req.{name}.bin")));
        assert_eq!(told.len(), events, "{name}: it joins, then it reports");
        assert_eq!(WorkReply::decode(&reply), Ok(WorkReply::default()), "{name}: nothing was ordered");
    }
    assert_eq!((members.ready(), members.figures.python), (2, 2));
    for name in ["bye.1", "bye.2", "bye.2"] {
        let (_, reply) = ask(&mut members, &golden(&format!("ctl.req.{name}.bin")));
        assert_eq!(reply, b"\xc0");
    }
    assert!(members.is_empty());
    assert_eq!(members.figures.lost, 0, "they said bye");
}

#[test]
fn python_runners_of_another_controller_come_to_their_end() {
    let mut members = members(None);
    let work = Request::Work(Work { runner: 3, ..Work::default() }).encode();
    let (events, reply) = ask(&mut members, &work);
    assert_eq!((events.len(), WorkReply::decode(&reply).unwrap().stop), (0, true), "nobody has greeted it");
}

#[test]
fn what_means_nothing_changes_nothing() {
    let mut members = members(None);
    for body in [&b""[..], b"hello", b"\x92\x02\xc0", b"\x92\x04\xc0", b"\x92\x63\x80"] {
        let wrong = members.ask(body).unwrap_err();
        assert_eq!(wrong.1, b"\xc0", "an answer, so that nobody waits for ever");
    }
    assert!(members.is_empty());
}

#[test]
fn asked_again_the_answer_is_the_same() {
    let mut members = members(None);
    join(&mut members, 1);
    let (events, _) = ask(&mut members, &exchange(1, 1, vec![]));
    let Some(Event::Joined(worker)) = events.first().cloned() else { panic!("it is ready: {events:?}") };
    members.carry_out(order(worker, 5, 1));
    members.carry_out(order(worker, 7, 2));
    let (_, reply) = ask(&mut members, &exchange(1, 2, vec![]));
    let orders = |reply: &[u8]| match unpack::<Answer<Orders>>(reply).unwrap() {
        Answer::Here(orders) => orders.commands,
        other => panic!("{other:?}"),
    };
    assert_eq!(orders(&reply), [Command::Order { worker: 0, scenario: 1, journeys: 7, runs: None, number: 2 }]);
    members.carry_out(order(worker, 9, 3));
    let (events, again) = ask(&mut members, &exchange(1, 2, vec![WorkerReport::default()]));
    assert_eq!((events.len(), again), (0, reply), "its answer was lost: nothing has happened twice");
    let (_, next) = ask(&mut members, &exchange(1, 3, vec![]));
    assert_eq!(orders(&next), [Command::Order { worker: 0, scenario: 1, journeys: 9, runs: None, number: 3 }]);
}

/// Of a change each runner is told with its next answer, once, and before any order that follows; whoever comes later too.
#[test]
fn the_config_changes() {
    let mut members = members(None);
    join(&mut members, 1);
    let python = |runner| Request::Work(Work { runner, ..Work::default() }).encode();
    ask(&mut members, &Request::Hello.encode());
    ask(&mut members, &python(2));
    let (events, reply) = ask(&mut members, &exchange(1, 1, vec![]));
    let Some(Event::Joined(worker)) = events.first().cloned() else { panic!("{events:?}") };
    let orders = |reply: &[u8]| match unpack::<Answer<Orders>>(reply).unwrap() {
        Answer::Here(orders) => orders,
        other => panic!("{other:?}"),
    };
    assert_eq!(orders(&reply).config, [], "its hello has told it all");
    let mut config = Config::default();
    for (key, value) in [("k", vec![0x07]), ("large", vec![0; 64 << 10]), ("k", vec![0x08])] {
        config.set(key, value).unwrap();
    }
    members.configure(config.clone());
    members.carry_out(order(worker, 5, 1));
    let (_, reply) = ask(&mut members, &exchange(1, 2, vec![]));
    let told: Vec<_> = orders(&reply).config.into_iter().map(|(key, value)| (key, value.0.len())).collect();
    assert_eq!(told, [("large".to_owned(), 64 << 10), ("k".to_owned(), 1)]);
    assert_eq!(orders(&reply).commands.len(), 1, "with the order that follows from it");
    assert_eq!(ask(&mut members, &exchange(1, 2, vec![])).1, reply, "asked again");
    assert_eq!(orders(&ask(&mut members, &exchange(1, 3, vec![])).1).config, [], "once");
    let (_, reply) = ask(&mut members, &python(2));
    let told: Vec<_> =
        WorkReply::decode(&reply).unwrap().config.iter().map(|(key, _)| *key).map(str::to_owned).collect();
    assert_eq!(told, ["k"], "what isn't msgpack is no value to Python");
    assert_eq!(WorkReply::decode(&ask(&mut members, &python(2)).1), Ok(WorkReply::default()), "once");
    let (_, reply) = ask(&mut members, &Request::Hello.encode());
    assert_eq!(Hello::decode(&reply).unwrap().get("k").map(Raw::bytes), Some(&b"\x08"[..]), "one that comes late");
    // More than goes into one answer: orders wait for the rest.
    for number in 0..40 {
        config.set(&format!("{number}"), vec![0; 64 << 10]).unwrap();
    }
    members.configure(config);
    members.carry_out(order(worker, 7, 2));
    let answers: Vec<_> = (4..7).map(|number| orders(&ask(&mut members, &exchange(1, number, vec![])).1)).collect();
    let sizes: Vec<_> = answers.iter().map(|one| (one.config.len(), one.commands.len(), one.more)).collect();
    assert_eq!(sizes, [(16, 0, true), (16, 0, true), (8, 1, false)]);
}

#[test]
fn much_data_comes_in_several_answers() {
    let mut members = members(None);
    join(&mut members, 1);
    let (events, _) = ask(&mut members, &exchange(1, 1, vec![]));
    let Some(Event::Joined(runner)) = events.first().cloned() else { panic!("{events:?}") };
    let item = |id| crate::scenario::Item { id, data: vec![0; 600_000].into() };
    members.carry_out(Effect::Items { runner, scenario: 6, items: (0..7).map(item).collect() });
    let mut sizes = Vec::new();
    for number in 2.. {
        let (_, reply) = ask(&mut members, &exchange(1, number, vec![]));
        let Answer::Here(orders) = unpack::<Answer<Orders>>(&reply).unwrap() else { panic!("orders") };
        sizes.push(orders.commands.len());
        if !orders.more {
            break;
        }
    }
    assert_eq!(sizes, [1, 1, 1, 1], "two items in each, and one in the last");
}

#[test]
fn who_is_silent_is_lost() {
    let mut members = members(None);
    join(&mut members, 2);
    ask(&mut members, &Request::Hello.encode());
    ask(&mut members, &exchange(1, 1, vec![]));
    ask(&mut members, &Request::Work(Work { runner: 2, ..Work::default() }).encode());
    assert_eq!(members.ready(), 2);
    let mut lost = |seconds: f64| (0..(seconds * 10.0) as u32).map(|_| members.tick(0.1).len()).sum::<usize>();
    for (seconds, events, why) in [
        (1.9, 0, "not yet"),
        (0.3, 2, "a runner of ours, with both workers"),
        (7.0, 0, "Python's has longer"),
        (1.0, 1, "and then not"),
    ] {
        assert_eq!(lost(seconds), events, "{why}");
    }
    assert_eq!((members.ready(), members.figures.lost, members.figures.took_part), (0, 2, 2));
    let (events, reply) = ask(&mut members, &exchange(1, 2, vec![]));
    assert_eq!((events.len(), unpack(&reply)), (0, Ok(Answer::<Orders>::Gone)), "it has to begin anew");
    let (events, _) = ask(&mut members, &Request::Work(Work { runner: 2, ..Work::default() }).encode());
    assert!(matches!(events[0], Event::Joined(_)), "Python's is taken again");
}

#[test]
fn a_controller_that_was_held_up_gives_nobody_up() {
    let mut members = members(None);
    join(&mut members, 1);
    ask(&mut members, &exchange(1, 1, vec![]));
    assert!(members.tick(60.0).is_empty(), "its own minute");
}

#[test]
fn ours_come_and_go() {
    let mut members = members(None);
    assert!(matches!(join(&mut members, 0).1, Answer::Refused(_)), "no workers");
    assert!(matches!(join(&mut members, 5_000).1, Answer::Refused(_)), "too many");
    assert!(matches!(join(&mut members, 2).1, Answer::Here(Test { workers: 2, .. })));
    let other = Ask::Join(Join { from: from(3), protocol: 99, version: "9".into(), workers: 1 }).encode();
    assert!(
        matches!(unpack(&ask(&mut members, &other).1), Ok(Answer::<Test>::Refused(text)) if text.contains("mite 9"))
    );
    let stranger =
        Ask::Fetch(Fetch { from: Asker { runner: 3, run_id: "old".into() }, sha256: "ab".into(), offset: 0 });
    assert_eq!(unpack(&ask(&mut members, &stranger.encode()).1), Ok(Answer::<Piece>::Gone), "of another test");
    let fetch = |sha256: &str| Ask::Fetch(Fetch { from: from(3), sha256: sha256.into(), offset: 1 }).encode();
    let piece = Answer::Here(Piece { bytes: Blob(vec![2, 3]) });
    assert_eq!(unpack(&ask(&mut members, &fetch("ab")).1), Ok(piece));
    assert!(matches!(unpack(&ask(&mut members, &fetch("cd")).1), Ok(Answer::<Piece>::Refused(_))));
    let (events, _) = ask(&mut members, &exchange(3, 1, vec![]));
    assert_eq!((events.len(), members.ready()), (2, 1));
    let over = |worker| WorkerReport { worker, over: true, ..Default::default() };
    let (events, _) = ask(&mut members, &exchange(3, 2, vec![over(0), over(9)]));
    assert_eq!(events.len(), 2, "a report and a farewell; worker 9 is none of its");
    let leave = Leave { from: from(3), totals: Totals::default(), reason: None };
    let leave = Ask::Leave(Box::new(leave)).encode();
    let (events, reply) = ask(&mut members, &leave);
    assert_eq!((events.len(), reply.as_slice()), (1, &b"\xc0"[..]), "its other worker goes with it");
    assert_eq!(ask(&mut members, &leave).1, b"\xc0", "again");
    assert_eq!((members.is_empty(), members.figures.lost), (true, 0));
    members.carry_out(Effect::Drain { number: 1 });
    assert_eq!(join(&mut members, 1).1, Answer::Over, "too late");
    assert_eq!(pack(&Answer::<Test>::Over), pack(&Answer::<Orders>::Over));
}

#[test]
fn never_more_on_a_runner_than_may_be() {
    for (most, offered, each, used, why) in [
        (10, 4, Some(3), 3, "three each, on three of four workers"),
        (10, 1, Some(10), 1, "all on one"),
        (2, 8, Some(1), 2, "no more workers than journeys"),
        (8, 4, Some(2), 4, "even"),
    ] {
        let mut members = members(Some(most));
        let (events, answer) = join(&mut members, offered);
        let told = events.iter().find_map(|event| if let Event::RunnerMax(each) = event { Some(*each) } else { None });
        assert_eq!(told, each, "{why}");
        let Answer::Here(test) = answer else { panic!("{why}") };
        assert_eq!(test.workers, used, "{why}");
        let (events, answer) = join(&mut members, 16);
        let Answer::Here(second) = answer else { panic!("{why}") };
        assert!(events.is_empty() && second.workers * each.unwrap() <= most, "{why}: another machine");
    }
}
