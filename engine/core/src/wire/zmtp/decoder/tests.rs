use proptest::prelude::*;

use super::*;
use crate::wire::zmtp::FRAMES_MAX;
use crate::wire::zmtp::frame::{COMMAND, MORE, put};

/// Gives a decoder bytes in pieces of these sizes, over and over; answers all that came out.
fn decode(bytes: &[u8], pieces: &[usize]) -> Result<Vec<Item>, Violation> {
    let mut decoder = Decoder::new(Limits::default());
    let mut items = Vec::new();
    let (mut rest, mut sizes) = (bytes, pieces.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| (*size).clamp(1, rest.len()));
        decoder.buffer().extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        while let Some(item) = decoder.decode()? {
            items.push(item);
        }
    }
    Ok(items)
}

/// Messages as lists of frames, and commands in between as they lay.
fn flat(items: &[Item]) -> (Vec<Vec<Vec<u8>>>, Vec<&Command>) {
    let messages = items.iter().filter_map(|item| match item {
        Item::Parcel(parcel) => Some(parcel),
        Item::Command(_) => None,
    });
    let frames = |message: crate::wire::zmtp::parcel::Message| message.frames().map(<[u8]>::to_vec).collect();
    let messages = messages.flat_map(Parcel::messages).map(frames).collect();
    let commands = items.iter().filter_map(|item| match item {
        Item::Command(command) => Some(command),
        Item::Parcel(_) => None,
    });
    (messages, commands.collect())
}

fn ping(context: &[u8]) -> Command {
    Command::Ping { ttl_ds: 0, context: context.to_vec() }
}

#[test]
fn captured_streams() {
    for (bytes, messages, first, last) in [
        (
            &include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/wire/zmtp.runner_to_controller.bin"))[..],
            13,
            &b"\x92\x01\xc0"[..],
            &b"\x92\x03\x01"[..],
        ),
        (
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/wire/zmtp.controller_to_runner.bin")),
            13,
            b"",
            b"\xc0",
        ),
    ] {
        let items = decode(&bytes[64..], &[]).unwrap();
        let (found, commands) = flat(&items);
        assert!(matches!(commands[..], [Command::Ready(_)]), "{commands:?}");
        assert_eq!(found.len(), messages);
        assert!(found.iter().all(|frames| frames.len() == 2 && frames[0].is_empty()), "delimiter and body");
        assert!(found[0][1].starts_with(first), "{:?}", found[0][1]);
        assert_eq!(found[messages - 1][1], last);
        for size in 1..40 {
            assert_eq!(flat(&decode(&bytes[64..], &[size]).unwrap()).0, found, "in pieces of {size}");
        }
    }
}

#[test]
fn whole_messages_come_together_and_are_not_copied() {
    let mut bytes = Vec::new();
    (0..1_000).for_each(|_| put(&mut bytes, 0, b"record"));
    let mut decoder = Decoder::new(Limits::default());
    decoder.buffer().extend_from_slice(&bytes[..7_999]);
    let start = decoder.bytes().as_ptr();
    let Ok(Some(Item::Parcel(parcel))) = decoder.decode() else { panic!("no parcel") };
    assert_eq!((parcel.len(), parcel.bytes().as_ptr()), (999, start));
    assert_eq!(decoder.decode(), Ok(None), "the last lacks a byte");
    decoder.buffer().extend_from_slice(&bytes[7_999..]);
    assert!(matches!(decoder.decode(), Ok(Some(Item::Parcel(parcel))) if parcel.len() == 1));
}

#[test]
fn a_command_may_stand_anywhere() {
    let mut bytes = Vec::new();
    put(&mut bytes, 0, b"one");
    ping(b"a").put(&mut bytes);
    put(&mut bytes, MORE, b"two");
    ping(b"b").put(&mut bytes);
    put(&mut bytes, MORE, b"three");
    ping(b"c").put(&mut bytes);
    put(&mut bytes, 0, b"four");
    ping(b"d").put(&mut bytes);
    for size in 1..bytes.len() {
        let items = decode(&bytes, &[size]).unwrap();
        let (messages, commands) = flat(&items);
        assert_eq!(messages, [vec![b"one".to_vec()], vec![b"two".to_vec(), b"three".to_vec(), b"four".to_vec()]]);
        assert_eq!(commands, [&ping(b"a"), &ping(b"b"), &ping(b"c"), &ping(b"d")], "in pieces of {size}");
    }
}

#[test]
fn limits() {
    let frames = |count: usize| {
        let mut bytes = Vec::new();
        (1..count).for_each(|_| put(&mut bytes, MORE, b""));
        put(&mut bytes, 0, b"");
        bytes
    };
    assert!(decode(&frames(FRAMES_MAX), &[]).is_ok(), "as many frames as there may be");
    let many = Err(Violation::TooManyFrames { limit: FRAMES_MAX });
    assert_eq!(decode(&frames(FRAMES_MAX + 1), &[]), many, "one more");
    let mut endless = Vec::new();
    (0..3).for_each(|_| put(&mut endless, MORE, &vec![0; 12 << 20]));
    let error = decode(&endless, &[1 << 20]).unwrap_err();
    assert!(matches!(error, Violation::TooLarge { what: "a message", .. }), "{error}");
}

#[test]
fn an_announced_size_takes_no_memory() {
    for header in [&b"\x02\0\0\0\0\x01\0\0\0"[..], b"\x06\0\0\0\0\0\0\xff\xff"] {
        let mut decoder = Decoder::new(Limits::default());
        decoder.buffer().extend_from_slice(header);
        assert_eq!(decoder.decode(), Ok(None));
        assert!(decoder.buffer().capacity() <= BUFFER_BYTES_MIN, "{}", decoder.buffer().capacity());
    }
    for header in [&b"\x02\0\0\x40\0\0\0\0\0"[..], b"\x06\0\0\x40\0\0\0\0\0"] {
        assert!(matches!(decode(header, &[]), Err(Violation::TooLarge { .. })), "2^46 bytes");
    }
}

#[test]
fn memory_follows_what_came() {
    let mut decoder = Decoder::new(Limits::default());
    let mut bytes = Vec::new();
    put(&mut bytes, 0, &vec![1; 4 << 20]);
    for piece in bytes.chunks(4_096) {
        decoder.buffer().extend_from_slice(piece);
        assert!(decoder.buffer.capacity() <= BUFFER_BYTES_MAX + 3 * decoder.buffer.len());
    }
    assert!(matches!(decoder.decode(), Ok(Some(Item::Parcel(parcel))) if parcel.len() == 1));
}

/// A stream: messages with commands before their frames here and there.
fn stream() -> impl Strategy<Value = Vec<(bool, Vec<Vec<u8>>)>> {
    let frame =
        prop_oneof![4 => prop::collection::vec(any::<u8>(), 0..20), 1 => prop::collection::vec(any::<u8>(), 250..600)];
    prop::collection::vec((any::<bool>(), prop::collection::vec(frame, 1..6)), 0..12)
}

proptest! {
    #[test]
    fn any_split_gives_the_same(messages in stream(), pieces in prop::collection::vec(1..400_usize, 1..20)) {
        let mut bytes = Vec::new();
        for (command, frames) in &messages {
            for (place, frame) in frames.iter().enumerate() {
                if *command && place % 2 == 1 {
                    ping(b"x").put(&mut bytes);
                }
                put(&mut bytes, if place + 1 < frames.len() { MORE } else { 0 }, frame);
            }
        }
        let want: Vec<_> = messages.into_iter().map(|(_, frames)| frames).collect();
        let items = decode(&bytes, &pieces).unwrap();
        prop_assert_eq!(&flat(&items).0, &want);
        let parcels = items.iter().filter_map(|item| if let Item::Parcel(parcel) = item { Some(parcel) } else { None });
        prop_assert_eq!(parcels.map(Parcel::len).sum::<usize>(), want.iter().map(Vec::len).sum::<usize>());
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, pieces in prop::collection::vec(1..40_usize, 1..5)) {
        let _ = decode(&bytes, &pieces);
    }

    #[test]
    fn no_frames_panic(frames: Vec<(u8, Vec<u8>)>, pieces in prop::collection::vec(1..40_usize, 1..5)) {
        let mut bytes = Vec::new();
        frames.iter().for_each(|(flags, body)| put(&mut bytes, flags & (MORE | COMMAND), body));
        let _ = decode(&bytes, &pieces);
    }
}
