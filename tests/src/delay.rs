//! A long line between two ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Pieces on their way, at most; a sender waits beyond that.
const ON_THE_WAY: usize = 1_024;

/// Passes connections on to a port of this machine; what is sent takes `one_way` in each direction, without holding up what comes
/// behind it. Answers the port to connect to; it is there until the test's process ends.
pub fn delayed(to: u16, one_way: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // Nobody may listen there yet: who connects tries again.
            let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else { continue };
            for (from, into) in [(&near, &far), (&far, &near)] {
                into.set_nodelay(true).expect("a socket");
                let (from, into) = (from.try_clone().expect("a socket"), into.try_clone().expect("a socket"));
                let (sender, pieces) = sync_channel(ON_THE_WAY);
                std::thread::spawn(move || take(from, one_way, &sender));
                std::thread::spawn(move || give(into, &pieces));
            }
        }
    });
    port
}

fn take(mut from: TcpStream, one_way: Duration, sender: &SyncSender<(Instant, Vec<u8>)>) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if sender.send((Instant::now() + one_way, piece[..length].to_vec())).is_err() {
            break;
        }
    }
}

fn give(mut into: TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>) {
    for (due, piece) in pieces {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if into.write_all(&piece).is_err() {
            break;
        }
    }
    // The other end may have gone before.
    drop(into.shutdown(Shutdown::Both));
}
