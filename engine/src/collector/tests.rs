use super::files::{LOCK, START_TIME};
use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mite-collector-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != LOCK)
            .collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Folder, roll: u64) -> Collector {
    Collector::with_clock(Settings::new(&folder.0, roll), || 1_000).unwrap()
}

fn batch(text: &str) -> Batch {
    let mut batch = Batch::default();
    text.split(' ').for_each(|message| batch.push(message.as_bytes()));
    batch
}

#[test]
fn files_roll_after_so_many_messages_wherever_a_batch_ends() {
    let folder = Folder::new("roll");
    let mut collector = open(&folder, 3);
    for text in ["a", "b cc", "d e f g h i jjj", "k"] {
        collector.take(&batch(text)).unwrap();
    }
    collector.tick().unwrap();
    assert_eq!(folder.files(), ["1000_1000_0", "1000_1000_1", "1000_1000_2", CURRENT, START_TIME]);
    let contents: Vec<_> = folder.files().iter().map(|name| folder.read(name)).collect();
    assert_eq!(contents, ["abcc", "def", "ghi", "jjjk", "1000"]);
    assert_eq!(collector.messages(), 11);
}

#[test]
fn the_tail_is_on_disk_after_a_tick_and_after_the_end() {
    let folder = Folder::new("tail");
    let mut collector = open(&folder, 100);
    collector.take(&batch("a b")).unwrap();
    collector.tick().unwrap();
    assert_eq!(folder.read(CURRENT), "ab");
    collector.take(&batch("c")).unwrap();
    collector.close().unwrap();
    assert_eq!(folder.read(CURRENT), "abc");
}

#[test]
fn what_was_left_is_kept_and_nothing_is_written_over() {
    let folder = Folder::new("left");
    for (left, start, expected, why) in [
        ("one", Some("900"), "900_1000_0", "as its start time says"),
        ("two", Some("900"), "900_1000_1", "the name before is taken"),
        ("three", Some("../../900"), "_1000_0", "a start time that is none"),
        ("four", None, "_1000_1", "no start time: Python dies of it"),
    ] {
        fs::create_dir_all(&folder.0).unwrap();
        fs::write(folder.0.join(CURRENT), left).unwrap();
        let _ = fs::remove_file(folder.0.join(START_TIME));
        start.iter().for_each(|start| fs::write(folder.0.join(START_TIME), start).unwrap());
        drop(open(&folder, 10));
        let kept: Vec<_> = folder.files().into_iter().filter(|name| folder.read(name) == left).collect();
        assert_eq!(kept.len(), 1, "{why}");
        assert!(kept[0].contains("_1000_") && (start != Some("900") || kept[0] == expected), "{why}: {kept:?}");
    }
    assert_eq!(folder.read("900_1000_0"), "one");
    let before = folder.files();
    drop(open(&folder, 10));
    assert_eq!(folder.files(), before, "an empty one leaves nothing");
}

#[test]
fn a_second_one_in_the_same_directory_is_refused() {
    let folder = Folder::new("second");
    let first = open(&folder, 10);
    let error = Collector::open(&folder.0, 10).unwrap_err().to_string();
    assert!(error.starts_with("another collector writes to ") && error.contains("--collector-dir"), "{error}");
    drop(first);
    open(&folder, 10);
    assert!(matches!(Collector::open(&folder.0, 0), Err(Error::Roll)));
}

#[test]
fn errors_of_the_disk_name_the_path() {
    let folder = Folder::new("errors");
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.0.join("file"), "").unwrap();
    let error = Collector::open(&folder.0.join("file/inside"), 10).unwrap_err().to_string();
    assert!(error.contains("mite-collector-") && error.contains("file/inside"), "{error}");
    let mut collector = open(&folder, 1);
    fs::remove_file(folder.0.join(CURRENT)).unwrap();
    let error = collector.take(&batch("a")).unwrap_err();
    assert!(matches!(&error, Error::Disk { path, .. } if path.ends_with("1000_1000_0")), "{error}");
}

/// A collector whose file is a device that is always full, and its folder.
fn full(name: &str, patient: bool) -> (Collector, Folder) {
    let folder = Folder::new(name);
    let mut settings = Settings::new(&folder.0, 4);
    settings.patient = patient;
    let mut collector = Collector::with_clock(settings, || 1_000).unwrap();
    collector.current = Append::open(Path::new("/dev/full")).unwrap();
    (collector, folder)
}

#[test]
fn a_full_disk_is_an_error() {
    let (mut collector, _folder) = full("full", false);
    let error = collector.take(&batch("a")).and_then(|()| collector.tick()).unwrap_err();
    assert!(matches!(&error, Error::Disk { path, .. } if path.ends_with(CURRENT)), "{error}");
}

#[test]
fn a_patient_one_goes_on_when_there_is_room() {
    let (mut collector, folder) = full("patient", true);
    let large = "x".repeat(1 << 20);
    for text in ["a", "b", "c", "d", "e"] {
        collector.take(&batch(text)).unwrap();
        collector.tick().unwrap();
    }
    assert!(collector.is_in_trouble());
    (0..20).for_each(|_| collector.take(&batch(&large)).unwrap());
    let Counts { messages, lost, .. } = collector.counts();
    assert_eq!((messages + lost, lost), (25, 5), "what there is no room for is counted");
    collector.close().unwrap_err();
    let mut held = std::mem::take(collector.current.buffer());
    collector.current = Append::open(&folder.0.join(CURRENT)).unwrap();
    collector.current.buffer().append(&mut held);
    collector.tick().unwrap();
    assert!(!collector.is_in_trouble());
    let written = fs::metadata(folder.0.join("1000_1000_0")).unwrap().len();
    assert_eq!(written, 5 + (15 << 20), "nothing of what was held is lost, in one file");
    collector.take(&batch("f")).unwrap();
    collector.close().unwrap();
    assert_eq!(folder.read(CURRENT), "f");
}

#[test]
fn a_torn_tail_is_cut_off() {
    let folder = Folder::new("torn");
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.0.join(CURRENT), b"\x81\xa4type\xa1a\x81\xa4ty").unwrap();
    fs::write(folder.0.join(START_TIME), "900").unwrap();
    drop(open(&folder, 10));
    assert_eq!(fs::read(folder.0.join("900_1000_0")).unwrap(), b"\x81\xa4type\xa1a");
}

#[test]
fn only_types_that_are_wanted_and_as_lines() {
    let folder = Folder::new("filter");
    let mut settings = Settings::new(&folder.0, 10);
    settings.types = vec!["txn".to_owned(), "error".to_owned()];
    settings.json = true;
    let mut collector = Collector::with_clock(settings, || 1_000).unwrap();
    let mut batch = Batch::default();
    for message in [
        &b"\x81\xa4type\xa3txn"[..],
        b"\x81\xa4type\xa4txns",
        b"\x82\xa1m\xc4\x03GET\xa4type\xa5error",
        b"\xc1",
        b"\x80",
    ] {
        batch.push(message);
    }
    collector.take(&batch).unwrap();
    collector.close().unwrap();
    assert_eq!(folder.read(CURRENT), "{\"type\": \"txn\"}\n{\"m\": {\"$bytes\": \"GET\"}, \"type\": \"error\"}\n");
    assert_eq!(collector.counts(), Counts { messages: 5, unwanted: 3, lost: 0 });
    drop(collector);
    let mut settings = Settings::new(&folder.0, 10);
    settings.json = true;
    let mut collector = Collector::with_clock(settings, || 1_001).unwrap();
    collector
        .take(&{
            let mut batch = Batch::default();
            batch.push(b"\xc1");
            batch
        })
        .unwrap();
    collector.close().unwrap();
    assert_eq!(folder.read(CURRENT), "{\"$base64\": \"wQ==\"}\n", "what is no message is kept too");
}
