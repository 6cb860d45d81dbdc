//! SIGUSR1: the next messages, decoded, on standard output.

use std::io::Write as _;
use std::sync::mpsc::{SyncSender, sync_channel};

use crate::wire::json;
use crate::wire::socket::Parcel;
use crate::wire::value::Raw;

/// How many, unless [`COUNT`] or the file that [`FILE`] names say otherwise.
const DEFAULT: u64 = 100;
const COUNT: &str = "MITE_DEBUG_MESSAGES_TO_DUMP";
/// Read at each signal, so that the number can be changed while it runs.
const FILE: &str = "MITE_DEBUG_MESSAGES_TO_DUMP_FILE";
/// Messages that wait to be printed. Who reads standard output too slowly misses some; messages never wait for it.
const QUEUE: usize = 1_024;

/// What is still to be shown.
#[derive(Default)]
pub struct Debug {
    left: u64,
    printer: Option<SyncSender<Vec<u8>>>,
}

impl Debug {
    /// Somebody wants to see messages.
    pub fn ask(&mut self) {
        let file = std::env::var_os(FILE).map(|path| {
            let text = std::fs::read_to_string(&path);
            (format!("{FILE}={}", path.display()), text.map_err(|error| error.to_string()))
        });
        let count = std::env::var(COUNT).ok().map(|text| (COUNT.to_owned(), Ok(text)));
        self.left = match file.or(count) {
            None => DEFAULT,
            Some((name, text)) => number(&text).unwrap_or_else(|why| {
                tracing::warn!("{name}: {why}; showing {DEFAULT} messages");
                DEFAULT
            }),
        };
        tracing::info!("showing the next {} messages", self.left);
        self.printer.get_or_insert_with(print);
    }

    /// Shows what is wanted of these. Costs nothing if nothing is.
    pub fn show(&mut self, parcel: &Parcel) {
        if self.left == 0 {
            return;
        }
        for record in parcel.records() {
            if self.left > 0 && self.printer.as_ref().is_some_and(|printer| printer.try_send(line(record)).is_ok()) {
                self.left -= 1;
            }
        }
    }
}

fn number(text: &Result<String, String>) -> Result<u64, String> {
    let text = text.as_ref().map_err(Clone::clone)?.trim();
    text.parse().map_err(|_| format!("`{}` is not a number of messages", text.escape_debug()))
}

fn line(record: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(2 * record.len());
    match Raw::whole(record) {
        Ok(value) => json::write(&mut line, value),
        Err(why) => line.extend_from_slice(format!("({} bytes that are no message: {why})", record.len()).as_bytes()),
    }
    line.push(b'\n');
    line
}

/// A thread that prints, since standard output may be stuck.
fn print() -> SyncSender<Vec<u8>> {
    let (printer, lines) = sync_channel::<Vec<u8>>(QUEUE);
    std::thread::spawn(move || {
        for line in lines {
            let mut out = std::io::stdout().lock();
            // Nobody reads it: then there is nobody to tell either.
            if out.write_all(&line).and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    });
    printer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_and_no_more() {
        let (printer, lines) = sync_channel(3);
        let mut debug = Debug { left: 2, printer: Some(printer) };
        let parcel = Parcel::message(&[b"\x81\xa4type\xa1a", b"\xc1", b"\x80", b"\x80"]);
        debug.show(&parcel);
        drop(debug);
        let lines: Vec<_> = lines.iter().map(|line| String::from_utf8(line).unwrap()).collect();
        let want =
            ["{\"type\": \"a\"}\n", "(1 bytes that are no message: it has the byte 0xc1, which msgpack never uses)\n"];
        assert_eq!(lines, want);
    }

    #[test]
    fn a_slow_reader_misses_some() {
        let (printer, lines) = sync_channel(1);
        let mut debug = Debug { left: 2, printer: Some(printer) };
        debug.show(&Parcel::message(&[b"\x01", b"\x02", b"\x03"]));
        assert_eq!((debug.left, lines.recv().unwrap()), (1, b"1\n".to_vec()));
        debug.show(&Parcel::message(&[b"\x04", b"\x05"]));
        assert_eq!((debug.left, lines.recv().unwrap()), (0, b"4\n".to_vec()));
    }

    #[test]
    fn numbers() {
        for (text, want) in [(Ok(" 7\n"), Some(7)), (Ok("x"), None), (Ok("-1"), None), (Err("no file"), None)] {
            let text = text.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(number(&text).ok(), want, "{text:?}");
        }
    }
}
