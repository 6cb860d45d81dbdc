use std::io::Write;

use proptest::prelude::*;

use super::*;

fn content(headers: &[(&str, &[u8])], body: &[u8]) -> Content {
    Content {
        kept: Default::default(),
        headers: Headers::of(headers),
        body: Bytes::copy_from_slice(body),
        history: Vec::new(),
        primary_ip: "::1".into(),
    }
}

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::fast();
    match coding {
        "gzip" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
            gzip.write_all(body).unwrap();
            gzip.finish().unwrap()
        }
        "deflate" => {
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
            zlib.write_all(body).unwrap();
            zlib.finish().unwrap()
        }
        "bare deflate" => {
            let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), level);
            deflate.write_all(body).unwrap();
            deflate.finish().unwrap()
        }
        "br" => {
            let mut br = Vec::new();
            brotli::CompressorWriter::new(&mut br, 4096, 1, 22).write_all(body).unwrap();
            br
        }
        "zstd" => zstd::encode_all(body, 1).unwrap(),
        other => panic!("{other}"),
    }
}

/// What a server would say of each.
const CODINGS: [(&str, &str); 5] =
    [("gzip", "gzip"), ("deflate", "deflate"), ("deflate", "bare deflate"), ("br", "br"), ("zstd", "zstd")];

fn text() -> Vec<u8> {
    "Lorem ipsum dolor sit amet. ".repeat(500).into_bytes()
}

#[test]
fn codings_are_undone() {
    for (said, is) in CODINGS {
        for body in [text(), b"x".to_vec(), Vec::new(), (0..=255).collect()] {
            let content = content(&[("content-encoding", said.as_bytes())], &encoded(is, &body));
            assert_eq!(content.decoded(None), Ok(body), "{is}");
        }
    }
}

#[test]
fn what_headers_may_say_of_codings() {
    let text = text();
    let [gzip, br, zstd] = ["gzip", "br", "zstd"].map(|coding| encoded(coding, &text));
    let gzip_in_br = encoded("br", &gzip);
    let all = encoded("zstd", &encoded("deflate", &gzip_in_br));
    let members = [gzip.as_slice(), &encoded("gzip", b"and more")].concat();
    let frames = [zstd.as_slice(), &encoded("zstd", b"and more")].concat();
    let and_more = [text.as_slice(), b"and more"].concat();
    type Case<'a> = (&'a [&'a str], &'a [u8], &'a [u8], &'a str);
    let rows: [Case<'_>; 15] = [
        (&[], &text, &text, "none"),
        (&[""], &text, &text, "nothing"),
        (&["identity"], &text, &text, "as it is"),
        (&["GZip"], &gzip, &text, "in any case"),
        (&["x-gzip"], &gzip, &text, "the old name"),
        (&[" br "], &br, &text, "white space"),
        (&["gzip, br"], &gzip_in_br, &text, "the last one first"),
        (&["gzip", "br"], &gzip_in_br, &text, "the last header first"),
        (&["gzip,identity,,br,"], &gzip_in_br, &text, "some that are none"),
        (&["gzip, br", "deflate,zstd"], &all, &text, "four"),
        (&["gzip"], &members, &and_more, "several gzip members"),
        (&["zstd"], &frames, &and_more, "several zstd frames"),
        (&["gzip"], b"", b"", "an empty body is not encoded, as after HEAD"),
        (&["nonsense"], b"", b"", "nor in a way we don't know"),
        (&["gzip"], &encoded("gzip", b""), b"", "nothing, encoded"),
    ];
    for (said, body, want, why) in rows {
        let headers: Vec<_> = said.iter().map(|value| ("content-encoding", value.as_bytes())).collect();
        assert!(content(&headers, body).decoded(None).as_deref() == Ok(want), "{why}");
    }
}

#[test]
fn broken_bodies_say_so() {
    let text = text();
    for (said, is) in CODINGS {
        let whole = encoded(is, &text);
        for (body, why) in [
            (whole[..whole.len() / 2].to_vec(), "cut in half"),
            (whole[..whole.len() - 1].to_vec(), "without its last byte"),
            (whole[..1].to_vec(), "its first byte"),
            (vec![0xff; 100], "something else"),
            (text.clone(), "not encoded at all"),
        ] {
            let error =
                content(&[("content-encoding", said.as_bytes())], &body).decoded(None).expect_err(why).to_string();
            assert!(error.starts_with(&format!("the {said} body is broken: ")), "{is}, {why}: {error}");
        }
    }
    let mut flipped = encoded("gzip", &text);
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    for (said, body, reason) in [
        ("gzip", flipped.as_slice(), "the gzip body is broken: "),
        ("br, gzip", &encoded("gzip", &text), "the br body is broken: "),
        ("compress", &text, "the content coding `compress`, which mite doesn't know"),
        ("x\u{1b}", &text, "`x\\u{1b}`"),
        ("gzip, gzip, gzip, gzip, gzip, identity", &text, "the gzip body is broken: "),
        ("gzip, gzip, gzip, gzip, gzip, gzip", &text, "the body has 6 content codings, and 5 are undone at most"),
    ] {
        let error = content(&[("content-encoding", said.as_bytes())], body).decoded(None).unwrap_err().to_string();
        assert!(error.contains(reason), "{said}: {error}");
    }
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; BODY_BYTES_MAX + 1];
    for (said, is) in CODINGS {
        let bomb = encoded(is, &zeros);
        assert!(bomb.len() < 1 << 20, "{is}: it is small");
        let error = content(&[("content-encoding", said.as_bytes())], &bomb).decoded(None).expect_err(is).to_string();
        assert_eq!(error, format!("the {said} body has more than 67108864 bytes"), "{is}");
        let fits = encoded(is, &zeros[1..]);
        let decoded = content(&[("content-encoding", said.as_bytes())], &fits).decoded(None);
        assert_eq!(decoded.map(|body| body.len()), Ok(BODY_BYTES_MAX), "{is}: the limit itself");
        let small = content(&[("content-encoding", said.as_bytes())], &encoded(is, &zeros[..1_000]));
        assert_eq!(small.decoded(Some(1_000)).map(|body| body.len()), Ok(1_000), "{is}: a limit of whoever runs it");
        let error = small.text(Some(999)).expect_err(is).to_string();
        assert_eq!(
            error,
            format!("the {said} body has more than 999 bytes, the most that a response may have here (response_size)")
        );
    }
    let twice = encoded("gzip", &encoded("gzip", &zeros));
    assert!(content(&[("content-encoding", b"gzip, gzip")], &twice).decoded(None).is_err(), "one in another");
}

#[test]
fn texts() {
    for (content_type, body, want, why) in [
        ("", "é€".as_bytes(), "é€", "UTF-8 unless it says otherwise"),
        ("text/plain; charset=utf-8", "é€".as_bytes(), "é€", "UTF-8"),
        ("text/plain", b"a\xffb\xc3", "a\u{fffd}b\u{fffd}", "what isn't"),
        ("text/plain; charset=iso-8859-1", b"caf\xe9 \xff", "café ÿ", "Latin-1"),
        ("text/plain; charset=ISO-8859-1", "é".as_bytes(), "Ã©", "Latin-1, whatever it looks like"),
        ("text/plain;charset=\"latin1\"", b"\xe9", "é", "quoted"),
        ("text/html; x=y; Charset=Latin-1 ; z", b"\xe9", "é", "among others"),
        ("text/plain; charset=windows-1252", b"\xe9", "é", "nearly the same"),
        ("text/plain; notcharset=latin1", b"\xe9", "\u{fffd}", "another parameter"),
        ("text/plain; charset=koi8-r", b"\xe9", "\u{fffd}", "one we don't know is read as UTF-8"),
        ("text/plain; charset=iso-8859-1", b"abc", "abc", "ASCII"),
        ("\u{e9}; charset=iso-8859-1", b"\xe9", "é", "beside what isn't ASCII"),
    ] {
        let headers: &[_] = &[("content-type", content_type.as_bytes())];
        assert_eq!(content(headers, body).text(None).as_deref(), Ok(want), "{why}");
    }
    let headers: &[(&str, &[u8])] = &[("content-type", b"x; charset=latin1"), ("content-encoding", b"gzip")];
    assert_eq!(content(headers, &encoded("gzip", b"\xe9")).text(None).as_deref(), Ok("é"), "undone first");
    assert!(content(&[("content-encoding", b"gzip")], b"x").text(None).is_err());
}

#[test]
fn headers_as_text() {
    let headers: &[(&str, &[u8])] =
        &[("X-A", b"1"), ("b", b"caf\xe9"), ("x-a", b"2"), ("c", "é".as_bytes()), ("d", b"")];
    let content = content(headers, b"");
    for (name, want, why) in [
        ("x-a", Some("1, 2"), "all of them"),
        ("X-A", Some("1, 2"), "in any case"),
        ("b", Some("café"), "Latin-1"),
        ("c", Some("Ã©"), "never UTF-8"),
        ("d", Some(""), "an empty one is there"),
        ("e", None, "not there"),
        ("no name", None, "can't be there"),
    ] {
        assert_eq!(content.header(name).as_deref(), want, "{why}");
    }
    let mut all = content.headers();
    all.sort();
    let want = [("b", "café"), ("c", "Ã©"), ("d", ""), ("x-a", "1"), ("x-a", "2")];
    assert!(all.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(want));
}

proptest! {
    #[test]
    fn no_body_panics(coding in prop::sample::select(vec!["gzip", "deflate", "br", "zstd"]), body: Vec<u8>) {
        drop(decode(coding, &body, None));
    }

    #[test]
    fn no_change_of_a_body_panics(of in 0_usize..5, at: prop::sample::Index, to: u8, body: Vec<u8>) {
        let (said, is) = CODINGS[of];
        let mut encoded = encoded(is, &body);
        let at = at.index(encoded.len());
        encoded[at] = to;
        drop(decode(said, &encoded, None));
    }
}
