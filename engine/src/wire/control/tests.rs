use super::*;

fn golden(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wire").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn what_python_says_comes_out_as_it_came() {
    for name in ["hello.1", "hello.2", "request_work.1", "request_work.2", "request_work.3", "bye.1", "bye.2"] {
        let bytes = golden(&format!("ctl.req.{name}.bin"));
        assert_eq!(Request::decode(&bytes).map(|request| request.encode()), Ok(bytes), "{name}");
    }
    for name in ["hello.1", "hello.2"] {
        let bytes = golden(&format!("ctl.rep.{name}.bin"));
        assert_eq!(Hello::decode(&bytes).map(|hello| hello.encode()), Ok(bytes), "{name}");
    }
    for name in ["request_work.1", "request_work.2", "request_work.3"] {
        let bytes = golden(&format!("ctl.rep.{name}.bin"));
        assert_eq!(WorkReply::decode(&bytes).map(|reply| reply.encode()), Ok(bytes), "{name}");
    }
    for name in ["bye.1", "bye.2"] {
        assert_eq!(golden(&format!("ctl.rep.{name}.bin")), BYE_REPLY, "{name}");
    }
}

#[test]
fn what_stands_in_it() {
    let bytes = golden("ctl.req.request_work.3.bin");
    let Ok(Request::Work(work)) = Request::decode(&bytes) else { panic!("a request for work") };
    assert_eq!((work.runner, work.max_work), (1, None));
    assert_eq!(work.current, [(4, 1), (5, 2), (3, 1), (1, 3), (7, 1), (2, 1)]);
    assert_eq!(work.completed.iter().map(|(id, data)| (*id, data.bytes())).collect::<Vec<_>>(), [(6, &b"\x01"[..])]);
    let bytes = golden("ctl.rep.hello.1.bin");
    let hello = Hello::decode(&bytes).unwrap();
    assert_eq!((hello.runner, hello.test), (1, "wscen:scenario"));
    assert_eq!(hello.get("envk").and_then(Raw::text), Some("ev"));
    assert_eq!(hello.get(EXTENSION), None, "a Python controller");
    let bytes = golden("ctl.rep.request_work.1.bin");
    let reply = WorkReply::decode(&bytes).unwrap();
    assert_eq!((reply.work.len(), reply.stop), (10, false));
    let one = &reply.work[1];
    assert_eq!((one.scenario, one.journey), (5, "wscen:data_j"));
    assert_eq!((one.data_id.map(Raw::bytes), one.args.map(Raw::bytes)), (Some(&b"\x01"[..]), Some(&b"\x91\x00"[..])));
    assert_eq!((reply.work[0].data_id, reply.work[0].args), (None, None), "it has no data");
}

#[test]
fn three_elements_are_enough() {
    let without_max = b"\x92\x02\x93\x01\x80\x90";
    let Ok(Request::Work(work)) = Request::decode(without_max) else { panic!("a request for work") };
    assert_eq!((work.runner, work.max_work), (1, None));
}

#[test]
fn what_means_nothing_is_an_error() {
    for (bytes, why) in [
        (&b""[..], "nothing"),
        (b"\xc1", "a byte that msgpack never uses"),
        (b"\x92\x01", "cut off"),
        (b"\x91\x01", "no content"),
        (b"\x81\x01\xc0", "a map"),
        (b"\x92\xa1x\xc0", "a type that is text"),
        (b"\x92\x00\xc0", "type 0"),
        (b"\x92\x02\x90", "work without a runner"),
        (b"\x92\x02\x93\x01\x90\x90", "work with a list for a map"),
        (b"\x92\x02\x93\x01\x81\xa1x\x01\x90", "work with text for a scenario"),
        (b"\x92\x02\x93\x01\x80\x91\x01", "work with a number for a pair"),
        (b"\x92\x03\xc0", "the bye of nobody"),
        (b"\x92\x01\xc0\xc0", "bytes after its end"),
    ] {
        assert!(Request::decode(bytes).is_err(), "{why}");
    }
    for (kind, content, good) in [(4, &b"\x80"[..], false), (4, b"\xc0", false), (9, b"\x80", false)] {
        assert_eq!(ours::Ask::decode(kind, Raw::whole(content).unwrap()).is_ok(), good);
    }
    for name in ["ctl.req.request_work.3.bin", "ctl.rep.hello.1.bin", "ctl.rep.request_work.1.bin"] {
        let bytes = golden(name);
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            let errors = (Request::decode(cut).is_err(), Hello::decode(cut).is_err(), WorkReply::decode(cut).is_err());
            assert_eq!(errors, (true, true, true), "{name} cut at {end}");
        }
    }
}

#[test]
fn what_ours_say_comes_out_as_it_came() {
    use super::super::totals::Totals;
    use ours::*;
    let from = || Asker { runner: 7, run_id: "ab-1".into() };
    let reports = vec![WorkerReport {
        worker: 1,
        seen: 9,
        scenarios: vec![ScenarioReport { scenario: 1, completed: vec![1, -5, 1 << 40], ..Default::default() }],
        over: true,
        lost: false,
    }];
    let totals = Totals::default();
    for ask in [
        Ask::Join(Join { from: from(), protocol: PROTOCOL, version: "1".into(), workers: 3 }),
        Ask::Fetch(Fetch { from: from(), sha256: "00".into(), offset: 1 << 40 }),
        Ask::Exchange(Box::new(Exchange {
            from: from(),
            number: 1,
            ready: true,
            reports,
            totals: Some(totals.clone()),
        })),
        Ask::Leave(Box::new(Leave { from: from(), totals, reason: Some("told".into()) })),
    ] {
        let bytes = ask.encode();
        let Ok(Request::Ours(kind, content)) = Request::decode(&bytes) else { panic!("one of ours") };
        assert!(matches!(content.view(), Ok(View::Map(_))), "a named map, never positional");
        let read = Ask::decode(kind, content).unwrap();
        assert_eq!((read.encode(), read.from()), (bytes, &from()));
    }
    let commands = vec![
        Command::Order { worker: 0, scenario: 1, journeys: 5, runs: None, number: 3 },
        Command::Items { worker: 0, scenario: 1, items: vec![(4, Blob(vec![0x91, 0xc0]))] },
        Command::Recall { worker: 0, scenario: 1, items: 2 },
        Command::Drain { number: u64::MAX },
        Command::Cancel,
    ];
    for answer in [
        Answer::Here(Orders { config: vec![("k".into(), Blob(vec![0xc3]))], commands, more: true }),
        Answer::Gone,
        Answer::Over,
        Answer::Refused("x".into()),
    ] {
        assert_eq!(unpack::<Answer<Orders>>(&pack(&answer)), Ok(answer));
    }
    assert!(unpack::<Answer<Orders>>(BYE_REPLY).is_err(), "the reply to what means nothing");
}
