use serde_json::{Value, json};

use super::*;

/// All rows of a file of this name and content, as JSON; an error ends them.
fn rows(name: &str, content: &[u8]) -> (Vec<Value>, Option<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    let shown = |error: Error| error.to_string().replace(directory.path().to_str().unwrap(), "DIR");
    let mut rows = match Rows::of_user(&path) {
        Ok(rows) => rows,
        Err(error) => return (vec![], Some(shown(error))),
    };
    assert_eq!(rows.path(), path);
    let mut items = Vec::new();
    loop {
        match rows.next() {
            Ok(Some(item)) => items.push(rmp_serde::from_slice(&item).unwrap()),
            Ok(None) => return (items, None),
            Err(error) => return (items, Some(shown(error))),
        }
    }
}

#[test]
fn rows_of_files() {
    type Case = (&'static str, &'static [u8], Vec<Value>, &'static str);
    let csv: [Case; 9] = [
        ("a.csv", b"", vec![], "empty"),
        ("a.csv", b"name,age\n", vec![], "a header alone"),
        ("a.csv", b"name,age\nu,5\n", vec![json!([{"name": "u", "age": "5"}])], "texts by name"),
        ("a.csv", b"name\r\na\r\n\r\nb", vec![json!([{"name": "a"}]), json!([{"name": "b"}])], "Windows; no last end"),
        ("a.csv", b"n\n\"a,\"\"b\nc\"\n", vec![json!([{"n": "a,\"b\nc"}])], "quotes"),
        ("a.csv", "n\né\n".as_bytes(), vec![json!([{"n": "é"}])], "UTF-8"),
        ("a.csv", b"\xef\xbb\xbfn\na\n", vec![json!([{"n": "a"}])], "a byte order mark is no part of the name"),
        ("a.csv", b"n,\n,\n", vec![json!([{"n": "", "": ""}])], "empty texts"),
        ("a.csv", b"n\n a \n", vec![json!([{"n": " a "}])], "white space stays"),
    ];
    let json_lines: [Case; 8] = [
        ("a.jsonl", b"", vec![], "empty"),
        ("a.jsonl", b"\n \r\n\n", vec![], "only empty lines"),
        ("a.jsonl", b"{\"a\": 1}\n", vec![json!([{"a": 1}])], "one argument"),
        ("a.jsonl", b"[1, \"x\", null]\n", vec![json!([1, "x", null])], "several arguments"),
        ("a.jsonl", b"[]\n[[1]]", vec![json!([]), json!([[1]])], "none; an array; no last end"),
        ("a.ndjson", b"5\r\n\n\"x\"\n", vec![json!([5]), json!(["x"])], "the other name; empty lines between"),
        (
            "a.jsonl",
            b"[-1, 1.5, 18446744073709551615, true]\n",
            vec![json!([-1, 1.5, 18_446_744_073_709_551_615_u64, true])],
            "numbers",
        ),
        ("a.jsonl", "\"é\\u00e9\"".as_bytes(), vec![json!(["éé"])], "UTF-8 and escapes"),
    ];
    let msgpack: [Case; 5] = [
        ("a.msgpack", b"", vec![], "empty"),
        ("a.msgpack", b"\x05\xa1x", vec![json!([5]), json!(["x"])], "one argument each"),
        ("a.msgpack", b"\x92\x01\x02\x90", vec![json!([1, 2]), json!([])], "several arguments; none"),
        ("a.msgpack", b"\xdc\x00\x01\x05\xdd\x00\x00\x00\x01\x06", vec![json!([5]), json!([6])], "long arrays"),
        ("a.msgpack", b"\x81\xa1a\xc0", vec![json!([{"a": null}])], "a map"),
    ];
    for (name, content, want, why) in csv.into_iter().chain(json_lines).chain(msgpack) {
        assert_eq!(rows(name, content), (want, None), "{name}: {why}");
    }
}

#[test]
fn errors_name_file_and_row() {
    let large = |before: &str, after: &str| (before.to_owned() + &"x".repeat(ROW_BYTES_MAX + 1) + after).into_bytes();
    let wide = format!("{{\"a\": 1}}\n\"{}\"", "é".repeat(ROW_BYTES_MAX)).into_bytes();
    let bin = [b"\x01\xc6\x00\x10\x00\x01".as_slice(), &vec![7; ROW_BYTES_MAX + 1]].concat();
    for (name, content, good, text, why) in [
        ("a.csv", b"n,m\n1,2\n1\n".to_vec(), 1, "datapool DIR/a.csv row 2: CSV error", "a column is missing"),
        ("a.csv", b"n\n1\n1,2\n".to_vec(), 1, "datapool DIR/a.csv row 2: CSV error", "a column too many"),
        ("a.csv", b"n\n\xff\n".to_vec(), 0, "datapool DIR/a.csv row 1: CSV", "not UTF-8"),
        ("a.csv", b"\xff\n1\n".to_vec(), 0, "datapool DIR/a.csv row 1: CSV", "a header that is not UTF-8"),
        ("a.csv", large("n\n1\n", "\n2\n"), 1, "datapool DIR/a.csv row 2: it has more than 1048576 bytes", "too large"),
        ("a.jsonl", b"1\n2\n{\n".to_vec(), 2, "datapool DIR/a.jsonl row 3: it is not JSON: ", "broken"),
        ("a.jsonl", b"1 2\n".to_vec(), 0, "datapool DIR/a.jsonl row 1: it is not JSON: trailing", "two on a line"),
        ("a.jsonl", b"1\n\"\xff\"\n".to_vec(), 1, "datapool DIR/a.jsonl row 2: ", "not UTF-8"),
        (
            "a.jsonl",
            large("1\n\"", "\"\n"),
            1,
            "datapool DIR/a.jsonl row 2: it has more than 1048576 bytes",
            "too large",
        ),
        (
            "a.jsonl",
            wide,
            1,
            "datapool DIR/a.jsonl row 2: it has more than 1048576 bytes",
            "too large, cut in a character",
        ),
        (
            "a.msgpack",
            b"\x01\xc1".to_vec(),
            1,
            "datapool DIR/a.msgpack row 2: it is not msgpack: it has the byte 0xc1",
            "broken",
        ),
        ("a.msgpack", b"\x01\x92\x01".to_vec(), 1, "row 2: it is not msgpack: it ends in the middle", "cut off"),
        ("a.msgpack", bin, 1, "datapool DIR/a.msgpack row 2: it has more than 1048576 bytes", "too large"),
        ("a.txt", b"1".to_vec(), 0, "datapool DIR/a.txt has a name that doesn't say what it is", "unknown"),
        ("csv", b"1".to_vec(), 0, "datapool DIR/csv has a name that doesn't say", "no ending"),
        ("a.CSV", b"1".to_vec(), 0, "datapool DIR/a.CSV has a name that doesn't say", "as it is written"),
    ] {
        let (items, error) = rows(name, &content);
        assert_eq!(items.len(), good, "{name}: {why}: the rows before it");
        let error = error.expect(why);
        assert!(error.contains(text), "{name}: {why}: {error}");
    }
}

#[test]
fn files_that_are_not_there() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("dir.csv")).unwrap();
    for (name, why) in [("none.csv", "nothing"), ("dir.csv", "a directory"), ("dir.csv/x.csv", "below it")] {
        let error = Rows::of_user(&directory.path().join(name)).map(drop).expect_err(why).to_string();
        assert!(error.starts_with("can't read datapool ") && error.contains(name), "{why}: {error}");
    }
}

#[test]
fn components_name_files_below_the_working_directory() {
    let here = std::env::current_dir().unwrap();
    // Below the working directory, since that is what it is about; gone when the test is over.
    let inside = tempfile::Builder::new().prefix(".datapool").tempdir_in(&here).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let name = inside.path().file_name().unwrap().to_str().unwrap();
    std::fs::write(inside.path().join("a.csv"), "n\n1\n").unwrap();
    std::fs::write(outside.path().join("a.csv"), "n\n1\n").unwrap();
    std::os::unix::fs::symlink(outside.path(), inside.path().join("away")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("a.csv"), inside.path().join("link.csv")).unwrap();
    std::os::unix::fs::symlink("a.csv", inside.path().join("near.csv")).unwrap();
    let absolute = inside.path().join("a.csv");
    for (path, want, why) in [
        (format!("{name}/a.csv"), None, "below it"),
        (format!("./{name}/./a.csv"), None, "here is here"),
        (format!("{name}/near.csv"), None, "a link that stays inside"),
        (format!("{name}/../{name}/a.csv"), Some("is outside"), "no way up, even if it comes back"),
        ("../mite.csv".to_owned(), Some("is outside"), "up"),
        ("..".to_owned(), Some("is outside"), "up"),
        (absolute.to_str().unwrap().to_owned(), Some("is outside"), "from the root, even if it is inside"),
        ("/etc/passwd".to_owned(), Some("/etc/passwd is outside of the working directory"), "from the root"),
        (format!("{name}/link.csv"), Some("is outside"), "a link that leads away"),
        (format!("{name}/away/a.csv"), Some("is outside"), "a directory that leads away"),
        (format!("{name}/none.csv"), Some("can't read"), "not there"),
        (String::new(), Some("can't read"), "no name"),
    ] {
        let opened = Rows::of_component(&path, Format::Csv).map(drop).map_err(|error| error.to_string());
        match want {
            None => assert_eq!(opened, Ok(()), "{why}"),
            Some(text) => {
                let error = opened.expect_err(why);
                assert!(error.contains(text), "{why}: {error}");
            }
        }
    }
}
