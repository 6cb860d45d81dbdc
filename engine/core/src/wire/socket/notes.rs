//! Notes of a socket: what it tells its peers of ours, and what they have told.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wire::zmtp::command::Command;
use crate::wire::zmtp::mite::{NOTE_BYTES_MAX, Word};
use crate::wire::zmtp::peer::Peer;

/// Keys of notes: one more is refused.
pub const NOTES_MAX: usize = 4_096;
/// Bytes of notes that were told and not taken yet; one more is left out, until some are taken.
const TOLD_BYTES_MAX: usize = 4 << 20;

/// A note (key and body) is larger than [`NOTE_BYTES_MAX`], its key is longer than 255 bytes, or there are too many keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a note has at most {NOTE_BYTES_MAX} bytes, its key at most 255, and a socket at most {NOTES_MAX} of them")]
pub struct NoteTooLarge;

/// What a socket tells its peers: the newest under each key.
#[derive(Debug, Default)]
pub struct Notes {
    notes: BTreeMap<Vec<u8>, Note>,
    /// Of the newest note; grows.
    version: u64,
}

#[derive(Debug)]
struct Note {
    version: u64,
    /// The kinds of peers that are told; none: all.
    kinds: &'static [&'static str],
    body: Vec<u8>,
}

impl Notes {
    /// Takes a note for peers of these kinds (none: all) in; the one before under this key is forgotten.
    pub fn put(&mut self, kinds: &'static [&'static str], key: &[u8], body: &[u8]) -> Result<(), NoteTooLarge> {
        let full = self.notes.len() >= NOTES_MAX && !self.notes.contains_key(key);
        if full || key.len() > usize::from(u8::MAX) || key.len() + body.len() > NOTE_BYTES_MAX {
            return Err(NoteTooLarge);
        }
        self.version += 1;
        let note = Note { version: self.version, kinds, body: body.to_owned() };
        self.notes.insert(key.to_owned(), note);
        Ok(())
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    /// Writes those that a peer of this kind, who knows all up to the version `known`, lacks.
    pub fn tell(&self, kind: &str, known: &mut u64, out: &mut Vec<u8>) {
        if *known >= self.version {
            return;
        }
        let lacks = |note: &Note| note.version > *known && (note.kinds.is_empty() || note.kinds.contains(&kind));
        for (key, note) in self.notes.iter().filter(|(_, note)| lacks(note)) {
            Command::Mite(Word::Note { key: key.clone(), body: note.body.clone() }).put(out);
        }
        *known = self.version;
    }
}

/// What a peer of ours has told.
#[derive(Clone, Debug)]
pub struct Told {
    pub peer: Arc<Peer>,
    pub key: Vec<u8>,
    pub body: Vec<u8>,
}

/// What peers have told and nobody has taken yet: the newest under each key. There are [`NOTES_MAX`] keys and some 4 MiB at most;
/// what goes over is left out, which whoever tells totals again and again makes good.
#[derive(Debug, Default)]
pub struct Heard {
    told: BTreeMap<Vec<u8>, (Arc<Peer>, Vec<u8>)>,
    bytes: usize,
}

impl Heard {
    pub fn put(&mut self, peer: &Arc<Peer>, key: Vec<u8>, body: Vec<u8>) {
        let before = self.told.get(&key).map_or(0, |(_, body)| key.len() + body.len());
        let bytes = self.bytes - before + key.len() + body.len();
        if bytes > TOLD_BYTES_MAX || (self.told.len() >= NOTES_MAX && !self.told.contains_key(&key)) {
            return;
        }
        self.bytes = bytes;
        self.told.insert(key, (peer.clone(), body));
    }

    pub fn pop(&mut self) -> Option<Told> {
        let (key, (peer, body)) = self.told.pop_first()?;
        self.bytes -= key.len() + body.len();
        Some(Told { peer, key, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Arc<Peer> {
        Arc::new(Peer {
            minor: 1,
            socket_type: "PULL".to_owned(),
            identity: Vec::new(),
            name: None,
            address: String::new(),
            connection: 1,
        })
    }

    /// What a peer that knows so much is told.
    fn told(notes: &Notes, kind: &str, known: &mut u64) -> usize {
        let mut out = Vec::new();
        notes.tell(kind, known, &mut out);
        out.windows(4).filter(|window| window == b"MITE").count()
    }

    #[test]
    fn each_peer_is_told_what_it_lacks() {
        let mut notes = Notes::default();
        let (mut early, mut late) = (0, 0);
        notes.put(&[], b"a", b"1").unwrap();
        assert_eq!(told(&notes, "stats", &mut early), 1);
        notes.put(&[], b"a", b"2").unwrap();
        notes.put(&["controller"], b"b", b"").unwrap();
        assert_eq!(told(&notes, "stats", &mut early), 1, "the other is not for its kind");
        assert_eq!(told(&notes, "stats", &mut early), 0, "nothing new");
        assert_eq!(told(&notes, "controller", &mut late), 2, "the newest of each");
        assert_eq!((early, late), (3, 3));
    }

    #[test]
    fn what_is_told_is_bounded() {
        let (peer, mut heard) = (peer(), Heard::default());
        heard.put(&peer, b"a".to_vec(), b"old".to_vec());
        heard.put(&peer, b"a".to_vec(), b"new".to_vec());
        assert_eq!(heard.pop().map(|told| (told.key, told.body)), Some((b"a".to_vec(), b"new".to_vec())));
        assert!(heard.pop().is_none(), "once");
        for number in 0..2 * NOTES_MAX {
            heard.put(&peer, number.to_be_bytes().to_vec(), Vec::new());
        }
        assert_eq!(heard.told.len(), NOTES_MAX);
        while heard.pop().is_some() {}
        for number in 0..200_u64 {
            heard.put(&peer, number.to_be_bytes().to_vec(), vec![0; 60_000]);
        }
        assert!(heard.bytes <= TOLD_BYTES_MAX && heard.told.len() == 69, "{} {}", heard.bytes, heard.told.len());
        heard.put(&peer, 0_u64.to_be_bytes().to_vec(), Vec::new());
        assert_eq!(heard.told.len(), 69, "newer of a key still comes in");
        while heard.pop().is_some() {}
        assert_eq!(heard.bytes, 0);
    }
}
