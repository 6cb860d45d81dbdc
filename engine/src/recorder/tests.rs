use rmpv::Value;

use super::*;

fn message(fields: &[(&str, Value)]) -> Vec<u8> {
    let pairs = fields.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect();
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &Value::Map(pairs)).unwrap();
    bytes
}

fn created(name: impl Into<Value>, data: i64) -> Vec<u8> {
    message(&[("name", name.into()), ("data", Value::from(data)), ("type", Value::from("data_created"))])
}

fn purge(name: &str) -> Vec<u8> {
    message(&[("name", Value::from(name)), ("type", Value::from("purge_data"))])
}

fn take(recorder: &mut Recorder, messages: &[Vec<u8>]) {
    let mut batch = Batch::default();
    messages.iter().for_each(|message| batch.push(message));
    recorder.take(&batch).unwrap();
}

fn read(directory: &Path, name: &str) -> Vec<u8> {
    fs::read(directory.join(name)).unwrap()
}

#[test]
fn data_is_appended_and_purged() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(directory.path()).unwrap();
    take(&mut recorder, &[created("users", 1), created("orders", 7), created("users", 2)]);
    recorder.tick().unwrap();
    assert_eq!(
        (read(directory.path(), "users.msgpack"), read(directory.path(), "orders.msgpack")),
        (vec![1, 2], vec![7])
    );
    take(&mut recorder, &[created("users", 3), purge("users"), purge("nothing"), created("users", 4)]);
    recorder.close().unwrap();
    assert_eq!(read(directory.path(), "users.msgpack"), [4], "what came after the purge");
    assert_eq!(recorder.counts(), Counts { messages: 7, recorded: 5, purged: 1, refused: 0, lost: 0 });
    drop(recorder);
    let mut again = Recorder::open(directory.path()).unwrap();
    take(&mut again, &[created("orders", 8)]);
    again.close().unwrap();
    assert_eq!(read(directory.path(), "orders.msgpack"), [7, 8], "it goes on behind what was there");
}

#[test]
fn what_is_not_for_it_and_what_it_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(directory.path()).unwrap();
    take(
        &mut recorder,
        &[
            message(&[("type", Value::from("txn")), ("name", Value::from("users"))]),
            created(Value::Nil, 1),
            message(&[("type", Value::from("data_created"))]),
            b"\xc1".to_vec(),
            b"\x90".to_vec(),
        ],
    );
    assert_eq!(recorder.counts(), Counts { messages: 5, ..Counts::default() }, "passed over, as Python does");
    let no_data = message(&[("type", Value::from("data_created")), ("name", Value::from("users"))]);
    take(&mut recorder, &[created("../users", 1), created("/etc/x", 1), created(7, 1), no_data, purge("../x")]);
    recorder.tick().unwrap();
    assert_eq!(recorder.counts(), Counts { messages: 10, refused: 5, ..Counts::default() });
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, [LOCK]);
}

#[test]
fn golden_messages_of_python() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire");
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(directory.path()).unwrap();
    let golden = |name: &str| fs::read(format!("{folder}/bus.{name}.bin")).unwrap();
    take(&mut recorder, &["data_created.1", "data_created.2", "txn.1"].map(golden));
    recorder.tick().unwrap();
    assert_eq!(recorder.counts(), Counts { messages: 3, recorded: 2, ..Counts::default() });
    take(&mut recorder, &[golden("purge_data.1")]);
    assert_eq!((recorder.counts().messages, recorder.counts().refused), (4, 0));
}

#[test]
fn many_files_and_a_torn_one() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("n0.msgpack"), b"\x01\xa5ab").unwrap();
    let mut recorder = Recorder::open(directory.path()).unwrap();
    for round in 0..2 {
        let messages: Vec<_> = (0..3 * recorder.open_max).map(|number| created(format!("n{number}"), round)).collect();
        take(&mut recorder, &messages);
        assert!(recorder.open.len() <= recorder.open_max);
    }
    recorder.close().unwrap();
    assert_eq!(read(directory.path(), "n0.msgpack"), [1, 0, 1], "the torn item is gone");
    assert_eq!(read(directory.path(), "n100.msgpack"), [0, 1]);
}

#[test]
fn a_full_disk_is_borne_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(directory.path()).unwrap();
    take(&mut recorder, &[created("users", 1)]);
    recorder.tick().unwrap();
    let name: Name = "users".parse().unwrap();
    let good = std::mem::replace(
        &mut recorder.open.get_mut(&name).unwrap().file,
        Append::open(Path::new("/dev/full")).unwrap(),
    );
    take(&mut recorder, &[created("users", 2)]);
    recorder.tick().unwrap();
    take(&mut recorder, &[created("users", 3), created("others", 1)]);
    assert_eq!(recorder.counts(), Counts { messages: 4, recorded: 3, lost: 1, ..Counts::default() });
    recorder.close().unwrap_err();
    let held = std::mem::replace(&mut recorder.open.get_mut(&name).unwrap().file, good).buffer().clone();
    recorder.open.get_mut(&name).unwrap().file.buffer().extend_from_slice(&held);
    recorder.tick().unwrap();
    assert_eq!(read(directory.path(), "users.msgpack"), [1, 2, 3]);
}

#[test]
fn a_second_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _first = Recorder::open(directory.path()).unwrap();
    let Err(error) = Recorder::open(directory.path()) else { panic!("two at once") };
    assert!(error.to_string().contains("--recorder-dir"), "{error}");
}
