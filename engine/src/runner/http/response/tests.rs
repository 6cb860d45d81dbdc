use proptest::prelude::*;

use super::chunks::CHUNK_NOISE_MAX;
use super::*;

/// All that came on a connection that was closed after it.
fn read(bytes: &[u8], bodiless: bool) -> Result<Response, Malformed> {
    let mut reader = Reader::new(bodiless, false, Kept::default());
    let used = reader.take(bytes)?;
    if !reader.is_done() {
        assert_eq!(used, bytes.len());
        reader.end()?;
    }
    Ok(reader.finish())
}

/// The same, a few bytes at a time; answers what is left over too.
fn read_in_pieces(bytes: &[u8], piece: usize) -> Result<(Response, usize), Malformed> {
    let mut reader = Reader::new(false, false, Kept::default());
    let mut used = 0;
    for piece in bytes.chunks(piece) {
        used += reader.take(piece)?;
    }
    reader.end()?;
    Ok((reader.finish(), used))
}

#[test]
fn where_a_body_ends() {
    for (head, rest, bodiless, body, persistent, why) in [
        ("content-length: 3", "abc", false, "abc", true, "its length"),
        ("Content-Length: 0", "", false, "", true, "a length of nothing"),
        ("content-length: 3, 3", "abc", false, "abc", true, "the same length twice"),
        ("content-length: 3\r\ncontent-length: 3", "abc", false, "abc", true, "the same in two headers"),
        ("transfer-encoding: chunked", "3\r\nabc\r\n0\r\n\r\n", false, "abc", true, "chunks"),
        ("Transfer-Encoding: Chunked", "A;x=y\r\n0123456789\r\n0\r\n\r\n", false, "0123456789", true, "extensions"),
        (
            "transfer-encoding: chunked",
            "1\r\na\r\n02\r\nbc\r\n000\r\nt: v\r\nu: w\r\n\r\n",
            false,
            "abc",
            true,
            "trailers",
        ),
        ("transfer-encoding: identity\r\ncontent-length: 1", "a", false, "a", true, "identity is none"),
        ("transfer-encoding: chunked\r\ncontent-length: 9", "0\r\n\r\n", false, "", false, "chunks win, and end it"),
        ("x: y", "to the end", false, "to the end", false, "the end of the connection"),
        ("x: y", "", false, "", false, "nothing to the end"),
        ("content-length: 3\r\nconnection: close", "abc", false, "abc", false, "the server will close"),
        ("content-length: 3\r\nconnection: x, Close", "abc", false, "abc", false, "one option of some"),
        ("content-length: 3\r\nconnection: keep-alive", "abc", false, "abc", true, "said, though usual"),
        ("content-length: 77", "", true, "", true, "HEAD: no body"),
        ("transfer-encoding: chunked", "", true, "", true, "HEAD: none, chunked or not"),
    ] {
        let response = read(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{rest}").as_bytes(), bodiless).expect(why);
        assert_eq!((response.status, response.body.as_ref()), (200, body.as_bytes()), "{why}");
        assert_eq!((response.body_size, response.persistent), (body.len() as u64, persistent), "{why}");
    }
}

#[test]
fn statuses() {
    for (line, status, persistent, why) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, true, "no body and no length"),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: 55\r\n\r\n", 304, true, "no body, whatever its length"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, true, "after an interim one"),
        ("HTTP/1.1 103 E\r\na: b\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\n", 204, true, "after two"),
        ("HTTP/1.0 204 No Content\r\n\r\n", 204, false, "1.0 closes"),
        ("HTTP/1.0 204 No Content\r\nconnection: keep-alive\r\n\r\n", 204, true, "unless it says otherwise"),
        ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", 200, true, "no reason"),
        ("HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n", 999, true, "a number that nobody knows"),
        ("HTTP/1.1 200 OK\ncontent-length: 0\n\n", 200, true, "LF alone in a head"),
    ] {
        let response = read(line.as_bytes(), false).expect(why);
        assert_eq!((response.status, response.persistent, response.body_size), (status, persistent, 0), "{why}");
        for piece in [1, 2, 3, 7] {
            assert_eq!(read_in_pieces(line.as_bytes(), piece), Ok((read(line.as_bytes(), false).unwrap(), line.len())));
        }
    }
}

#[test]
fn what_is_no_response() {
    let ok = |head: &str, rest: &str| format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{rest}");
    let many = "a: b\r\n".repeat(101);
    for (bytes, reason, why) in [
        (String::new(), "closed before a response came", "nothing"),
        ("HTTP/1.1 200 OK\r\na".to_owned(), "closed within the head", "half a head"),
        ("HTTP/1.1 100 C\r\n\r\n".to_owned(), "closed within the head", "an interim response alone"),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), "no HTTP/1.1 response", "another protocol"),
        ("HTTP/2 200 OK\r\n\r\n".to_owned(), "no HTTP/1.1 response", "another version"),
        ("HTTP/1.1 2x0 OK\r\n\r\n".to_owned(), "no HTTP/1.1 response", "no number"),
        ("HTTP/1.1 101 S\r\n\r\n".to_owned(), "nobody asked for", "another protocol from now on"),
        (ok("a b: c", ""), "no HTTP/1.1 response", "a space in a name"),
        (ok(": c", ""), "no HTTP/1.1 response", "no name"),
        (ok("a: b\r\n c", ""), "no HTTP/1.1 response", "a folded line"),
        (ok(&many, ""), "more than 100 headers", "too many headers"),
        (
            ok(&format!("a: {}", "x".repeat(HEAD_BYTES_MAX)), ""),
            "head of the response has more than",
            "too long a head",
        ),
        ("HTTP/1.1 102 P\r\n\r\n".repeat(4_000), "head of the response has more than", "interim ones without end"),
        (ok("content-length: 4", "abc"), "before the end of the body", "too short"),
        (ok("content-length: x", ""), "`x` is not a content-length", "no number"),
        (ok("content-length: -1", ""), "is not a content-length", "less than nothing"),
        (ok("content-length: +1", ""), "is not a content-length", "a sign"),
        (ok("content-length: 1 2", ""), "is not a content-length", "two numbers"),
        (ok("content-length:", ""), "is not a content-length", "none"),
        (ok("content-length: 99999999999999999999", ""), "is not a content-length", "more than there is"),
        (ok("content-length: 1\r\ncontent-length: 2", "a"), "two different", "two lengths"),
        (ok("content-length: 67108865", ""), "ask to discard it", "more than is kept"),
        (ok("transfer-encoding: gzip", ""), "`gzip` was not asked for", "a coding"),
        (ok("transfer-encoding: chunked, gzip", ""), "`gzip` was not asked for", "a coding behind it"),
        (ok("transfer-encoding: chunked, chunked", ""), "was not asked for", "twice"),
        (ok("transfer-encoding: chunked", ""), "before the end of the body", "no chunk"),
        (ok("transfer-encoding: chunked", "\r\n"), "has no size", "no size"),
        (ok("transfer-encoding: chunked", "g\r\n"), "has no size", "no number"),
        (ok("transfer-encoding: chunked", "-1\r\n"), "has no size", "a sign"),
        (ok("transfer-encoding: chunked", "1000000000000000\r\n"), "has no size", "too many digits"),
        (ok("transfer-encoding: chunked", "1\na"), "has no size", "LF alone"),
        (ok("transfer-encoding: chunked", "1;x\na"), "LF alone", "LF alone after an extension"),
        (ok("transfer-encoding: chunked", "1\r\nab"), "end where it should", "longer than it says"),
        (ok("transfer-encoding: chunked", "0\r\nx"), "before the end of the body", "half a trailer"),
        (ok("transfer-encoding: chunked", &format!("1;{}", "x".repeat(CHUNK_NOISE_MAX + 1))), "more than", "noise"),
        (ok("transfer-encoding: chunked", &format!("0\r\n{}", "a: b\r\n".repeat(4_000))), "more than", "trailers"),
        (ok("transfer-encoding: chunked", &"1;xxx\r\na\r\n".repeat(8_000)), "more than", "a little noise, often"),
    ] {
        let error = read(bytes.as_bytes(), false).expect_err(why).to_string();
        assert!(error.contains(reason), "{why}: {error}");
        let error = read_in_pieces(bytes.as_bytes(), 5).expect_err(why).to_string();
        assert!(error.contains(reason), "{why}, in pieces: {error}");
    }
    let error = read(b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", false).unwrap_err();
    assert!(error.to_string().contains("can't be chunked"), "1.0 has no chunks: {error}");
}

#[test]
fn what_comes_after_is_left() {
    for (bytes, used) in [
        ("HTTP/1.1 204 N\r\n\r\nmore", 18),
        ("HTTP/1.1 200 O\r\ncontent-length: 2\r\n\r\nabmore", 39),
        ("HTTP/1.1 200 O\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nmore", 57),
    ] {
        let mut reader = Reader::new(false, false, Kept::default());
        assert_eq!((reader.take(bytes.as_bytes()), reader.is_done()), (Ok(used), true), "{bytes}");
        assert_eq!(reader.take(b"more"), Ok(0), "a reader that is done takes nothing");
    }
}

#[test]
fn a_discarded_body_is_counted() {
    let mut reader = Reader::new(false, true, Kept::default());
    reader.take(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").unwrap();
    for _ in 0..100 {
        assert_eq!(reader.take(&vec![1; 1_000_000]), Ok(1_000_000));
    }
    assert!(reader.is_done());
    let response = reader.finish();
    assert_eq!((response.body_size, response.body.len()), (100_000_000, 0));
}

/// A limit of whoever runs it: found as soon as it can be, whether the body is kept or not.
#[test]
fn a_body_over_a_limit() {
    for (head, body, taken, why) in [
        ("content-length: 5", "abcde", true, "the limit itself"),
        ("content-length: 6", "", false, "announced"),
        ("transfer-encoding: chunked", "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", true, "in chunks"),
        ("transfer-encoding: chunked", "2\r\nab\r\n4\r\ncdef", false, "in chunks, one too many"),
        ("a: b", "abcde", true, "until it is closed"),
        ("a: b", "abcdef", false, "until it is closed, one too many"),
    ] {
        for discard in [false, true] {
            let mut reader = Reader::new(false, discard, Kept::default()).at_most(Some(5));
            let read = reader.take(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").as_bytes());
            assert_eq!(read.map(drop), if taken { Ok(()) } else { Err(Malformed::OverLimit(5)) }, "{why}");
        }
    }
    let mut reader = Reader::new(true, false, Kept::default()).at_most(Some(5));
    assert!(reader.take(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n").is_ok(), "there is no body");
}

/// What a journey holds already leaves less room for what comes.
#[test]
fn a_body_takes_of_the_journeys_room() {
    let total = std::sync::Arc::new(crate::component::limits::Total::default());
    total.set(Some(10));
    let mut first = Reader::new(false, false, Kept::of(total.clone()));
    first.take(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n12345678").unwrap();
    let first = first.finish();
    let mut second = Reader::new(false, false, first.kept.another());
    second.take(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n12").unwrap();
    let full = second.take(b"3").unwrap_err().to_string();
    assert!(full.contains("holds would have more than 10 bytes"), "{full}");
    drop((first, second));
    assert_eq!(total.used(), 0, "given back");
    let mut discarding = Reader::new(false, true, Kept::of(total.clone()));
    discarding.take(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n01234567890123456789").unwrap();
    assert!(discarding.is_done() && total.used() == 0, "what is discarded takes none");
}

#[test]
fn what_is_announced_takes_no_room_before_it_comes() {
    let mut reader = Reader::new(false, false, Kept::default());
    reader.take(b"HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\n").unwrap();
    assert!(reader.body.capacity() <= FIRST_ROOM_MAX);
}

/// Responses of every kind, whole.
fn responses() -> impl Strategy<Value = Vec<u8>> {
    let head = prop::collection::vec(("[a-z-]{1,10}", "[ -~]{0,20}"), 0..6).prop_map(|pairs| {
        pairs.iter().fold("HTTP/1.1 200 OK\r\n".to_owned(), |all, (name, value)| format!("{all}x{name}: {value}\r\n"))
    });
    let chunks = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..5);
    (head, chunks, any::<bool>()).prop_map(|(head, chunks, chunked)| {
        let mut bytes = head.into_bytes();
        if chunked {
            bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in &chunks {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            let body = chunks.concat();
            bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(&body);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn pieces_make_no_difference(bytes in responses(), piece in 1_usize..40) {
        let whole = read(&bytes, false).unwrap();
        prop_assert_eq!(read_in_pieces(&bytes, piece), Ok((whole, bytes.len())));
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..40) {
        drop(read_in_pieces(&bytes, piece));
    }

    #[test]
    fn no_change_panics(bytes in responses(), at: prop::sample::Index, to: u8, piece in 1_usize..40) {
        let mut bytes = bytes;
        let at = at.index(bytes.len());
        bytes[at] = to;
        drop(read_in_pieces(&bytes, piece));
    }
}
