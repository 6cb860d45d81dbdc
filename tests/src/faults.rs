//! A proxy between two components that does to their connections what networks do.
//!
//! What happens by chance follows from a seed, and each connection has chances of its own: the same number of bytes in the same pieces meets
//! the same fate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

/// Read at once, at most.
const PIECE_BYTES: usize = 16 * 1024;

/// What happens to bytes in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They pass.
    Healthy,
    /// Each piece takes so long, and those behind it wait.
    Latency(Duration),
    /// The same by chance, up to so long.
    Jitter(Duration),
    /// So many bytes a second.
    Rate(u32),
    /// Connections end with a reset: those that are there now, later ones within so many bytes.
    Reset(usize),
    /// Connections end in the middle of a piece, as if their end had been reached: those that are there now, later ones within so many bytes.
    Truncate(usize),
    /// They are taken and go nowhere, and no end is told of the other's: the peer has vanished. Connections that were there then stay
    /// so for ever.
    HalfOpen,
}

/// See the module.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    fault: watch::Sender<Fault>,
    connections: Arc<AtomicU64>,
    /// Dropped when it should end.
    _end: oneshot::Sender<()>,
}

impl Proxy {
    /// Passes connections on to a port of this machine.
    pub fn to(port: u16, seed: u64) -> Self {
        let (sender, receiver) = watch::channel(Fault::Healthy);
        let (end, ended) = oneshot::channel::<()>();
        let (told, bound) = std::sync::mpsc::sync_channel(1);
        let connections = Arc::new(AtomicU64::new(0));
        let counted = connections.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                told.send(listener.local_addr().expect("it is bound").port()).expect("somebody waits");
                tokio::select! {
                    () = listen(&listener, port, seed, &receiver, &counted) => {}
                    // Either way it is over.
                    _ = ended => {}
                }
            });
        });
        Self { port: bound.recv().expect("it binds"), fault: sender, connections, _end: end }
    }

    /// `tcp://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// From now on this happens.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn listen(listener: &TcpListener, port: u16, seed: u64, fault: &watch::Receiver<Fault>, connections: &AtomicU64) {
    loop {
        let (near, _) = listener.accept().await.expect("it listens");
        let number = connections.fetch_add(1, Ordering::Relaxed);
        // Nobody may listen there yet: who connects tries again.
        let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
        near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).expect("sockets");
        tokio::spawn(connect(near, far, seed ^ number, fault.clone()));
    }
}

/// How a direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// No more bytes come: the other side is told, the other direction goes on.
    Closed,
    Reset,
    Truncated,
    /// It never will.
    Swallowed,
}

/// One connection, until both directions have ended, or one of them badly.
async fn connect(near: TcpStream, far: TcpStream, seed: u64, fault: watch::Receiver<Fault>) {
    // A reset is what a socket that closes with no time to linger sends; it is decided when all is closed.
    let ends = [&near, &far].map(|stream| rustix::io::dup(stream).expect("a descriptor"));
    let ((near_from, near_into), (far_from, far_into)) = (near.into_split(), far.into_split());
    let there = carry(near_from, far_into, Chance(seed), fault.clone());
    let back = carry(far_from, near_into, Chance(!seed), fault);
    let (mut there, mut back) = (std::pin::pin!(there), std::pin::pin!(back));
    let end = tokio::select! {
        end = &mut there => if end == End::Closed { back.await } else { end },
        end = &mut back => if end == End::Closed { there.await } else { end },
    };
    match end {
        End::Closed => {}
        End::Reset => ends.iter().for_each(|end| {
            rustix::net::sockopt::set_socket_linger(end, Some(Duration::ZERO)).expect("a socket");
        }),
        End::Truncated => ends.iter().for_each(|end| {
            // It may be gone already.
            let _ = rustix::net::shutdown(end, rustix::net::Shutdown::Both);
        }),
        // What is held is never closed: nobody learns anything.
        End::Swallowed => {
            let _held = ends;
            std::future::pending::<()>().await;
        }
    }
}

/// One direction.
async fn carry(
    mut from: OwnedReadHalf,
    mut into: OwnedWriteHalf,
    mut chance: Chance,
    mut fault: watch::Receiver<Fault>,
) -> End {
    let mut piece = vec![0; PIECE_BYTES];
    let mut carried = 0;
    let first = *fault.borrow_and_update();
    let mut left = first.bytes().map(|most| chance.below(most));
    loop {
        let now = *fault.borrow();
        let read = tokio::select! {
            biased;
            // A fault that begins meets a connection where it is.
            _ = fault.changed() => {
                let now = *fault.borrow_and_update();
                left = now.bytes().map(|_| 0);
                match now {
                    Fault::Reset(_) => return End::Reset,
                    Fault::HalfOpen => return swallow(from).await,
                    _ => continue,
                }
            }
            read = from.read(&mut piece[..now.piece()]) => read,
        };
        let length = match read {
            Ok(0) if now == Fault::HalfOpen => return End::Swallowed,
            Ok(0) | Err(_) => {
                // The other side may have gone before.
                drop(into.shutdown().await);
                return End::Closed;
            }
            Ok(length) => length,
        };
        match now {
            Fault::Healthy => {}
            Fault::Latency(time) => sleep(time).await,
            Fault::Jitter(most) => sleep(most.mul_f64(chance.below(1_000) as f64 / 1_000.0)).await,
            Fault::Rate(per_second) => sleep(Duration::from_secs_f64(length as f64 / f64::from(per_second))).await,
            Fault::HalfOpen => return swallow(from).await,
            Fault::Reset(_) | Fault::Truncate(_) if left.is_some_and(|left| carried + length > left) => {
                let whole = left.unwrap_or(0).saturating_sub(carried).max(length / 2);
                // Half of it arrives; what happens to it then is the fault.
                drop(into.write_all(&piece[..whole.min(length)]).await);
                return if matches!(now, Fault::Reset(_)) { End::Reset } else { End::Truncated };
            }
            Fault::Reset(_) | Fault::Truncate(_) => {}
        }
        if into.write_all(&piece[..length]).await.is_err() {
            return End::Closed;
        }
        carried += length;
    }
}

/// Takes what comes for as long as anything does, so that who sends notices nothing.
async fn swallow(mut from: OwnedReadHalf) -> End {
    let mut piece = vec![0; PIECE_BYTES];
    while from.read(&mut piece).await.is_ok_and(|length| length > 0) {}
    End::Swallowed
}

impl Fault {
    /// Bytes to read at once: what goes slowly goes in small pieces, so that it is soon over.
    fn piece(self) -> usize {
        match self {
            Self::Rate(per_second) => usize::try_from(per_second / 20).unwrap_or(PIECE_BYTES).clamp(1, PIECE_BYTES),
            _ => PIECE_BYTES,
        }
    }

    /// Bytes within which a connection ends.
    fn bytes(self) -> Option<usize> {
        match self {
            Self::Reset(most) | Self::Truncate(most) => Some(most),
            _ => None,
        }
    }
}

/// Vigna's splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % most.max(1) as u64).expect("it is smaller than a usize")
    }
}
