//! A TCP stream that knows when the system received what was read from it: a sleeping processor takes 0.05 ms and more to wake up, a busy
//! worker gets round to its sockets later still, and neither is time that the server took.
//!
//! On Linux the kernel stamps packets (`SO_TIMESTAMPNS`, socket(7)) by the wall clock; elsewhere, and where it doesn't, bytes are as old as
//! their read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::runner::clock::Nanos;

/// Nothing waits longer in a socket than this without its connection being given up: what says it did is a wall clock that was set.
const AGE_MAX: Nanos = 60_000_000_000;

/// A TCP stream and the age of its bytes.
pub struct Arrivals {
    stream: TcpStream,
    age: Nanos,
    kernel: kernel::Stamps,
}

impl Arrivals {
    pub fn new(stream: TcpStream) -> Self {
        let kernel = kernel::Stamps::ask(&stream);
        Self { stream, age: 0, kernel }
    }

    /// How long before the end of the last read the newest of its bytes had come.
    pub fn age(&self) -> Nanos {
        self.age
    }
}

/// By two readings of the wall clock, which may have been set between them.
fn age(wall: i128, stamp: i128) -> Nanos {
    let age = Nanos::try_from(wall - stamp).unwrap_or(0);
    if age > AGE_MAX { 0 } else { age }
}

impl AsyncRead for Arrivals {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = buffer.initialize_unfilled();
        loop {
            ready!(this.stream.poll_read_ready(context))?;
            let mut read = None;
            let answer = this.stream.try_io(Interest::READABLE, || {
                let (bytes, stamp) = this.kernel.receive(&this.stream, room)?;
                read = Some((bytes, stamp));
                // All that was there has been read: asking again would be a system call for nothing.
                if bytes > 0 && bytes < room.len() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            let Some((bytes, stamp)) = read else {
                match answer {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    answer => return Poll::Ready(answer),
                }
            };
            this.age = stamp.map_or(0, |stamp| age(kernel::wall(), stamp));
            buffer.advance(bytes);
            return Poll::Ready(Ok(()));
        }
    }
}

impl AsyncWrite for Arrivals {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::cell::RefCell;
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd;

    use nix::sys::socket::sockopt::ReceiveTimestampns;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
    use rustix::time::{ClockId, clock_gettime};
    use tokio::net::TcpStream;

    thread_local! {
        /// Where the kernel writes a stamp.
        static CONTROL: RefCell<Vec<u8>> = RefCell::new(nix::cmsg_space!(nix::sys::time::TimeSpec));
    }

    /// Whether the kernel stamps what a stream receives.
    pub struct Stamps(bool);

    impl Stamps {
        pub fn ask(stream: &TcpStream) -> Self {
            Self(setsockopt(stream, ReceiveTimestampns, &true).is_ok())
        }

        /// Reads, and answers when the newest of the bytes came, in ns of the wall clock, if the kernel says so.
        pub fn receive(&self, stream: &TcpStream, room: &mut [u8]) -> io::Result<(usize, Option<i128>)> {
            if !self.0 {
                return Ok((rustix::io::read(stream, room)?, None));
            }
            CONTROL.with_borrow_mut(|control| {
                let mut pieces = [IoSliceMut::new(room)];
                let message = recvmsg::<()>(stream.as_raw_fd(), &mut pieces, Some(control), MsgFlags::empty())?;
                let stamp = message.cmsgs()?.find_map(|control| match control {
                    ControlMessageOwned::ScmTimestampns(stamp) => Some(ns(stamp.tv_sec(), stamp.tv_nsec())),
                    _ => None,
                });
                Ok((message.bytes, stamp))
            })
        }
    }

    /// The wall clock, in ns.
    pub fn wall() -> i128 {
        let now = clock_gettime(ClockId::Realtime);
        ns(now.tv_sec, now.tv_nsec)
    }

    fn ns(seconds: i64, ns: i64) -> i128 {
        i128::from(seconds) * 1_000_000_000 + i128::from(ns)
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;

    use tokio::net::TcpStream;

    pub struct Stamps;

    impl Stamps {
        pub fn ask(_: &TcpStream) -> Self {
            Self
        }

        pub fn receive(&self, stream: &TcpStream, room: &mut [u8]) -> io::Result<(usize, Option<i128>)> {
            Ok((rustix::io::read(stream, room)?, None))
        }
    }

    pub fn wall() -> i128 {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_age_of_bytes() {
        for (wall, stamp, want, why) in [
            (1_000, 400, 600, "older than their read"),
            (400, 1_000, 0, "the wall clock was set back"),
            (i128::from(AGE_MAX) + 1_001, 1_000, 0, "it was set forward"),
        ] {
            assert_eq!(age(wall, stamp), want, "{why}");
        }
    }

    #[tokio::test]
    async fn how_long_bytes_have_waited() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut end, _) = listener.accept().await.unwrap();
        let mut stream = Arrivals::new(stream);
        // The system begins to stamp what comes a while after the first socket asks for it; until then it answers the time of the read.
        for _ in 0..200 {
            end.write_all(b"x").await.unwrap();
            let written = Instant::now();
            while written.elapsed() < Duration::from_millis(5) {}
            stream.read_exact(&mut [0]).await.unwrap();
            if stream.age() > 1_000_000 {
                break;
            }
        }
        for size in [1, 10, 200] {
            let before = Instant::now();
            end.write_all(&vec![b'x'; size]).await.unwrap();
            let written = Instant::now();
            // Nobody reads: a busy worker.
            while written.elapsed() < Duration::from_millis(5) {}
            let waited = u64::try_from(written.elapsed().as_nanos()).unwrap();
            let mut buffer = [0; 100];
            stream.read_exact(&mut buffer[..size.min(100)]).await.unwrap();
            let all = u64::try_from(before.elapsed().as_nanos()).unwrap();
            // The two clocks may drift apart by what ntp corrects.
            let range = waited - waited / 100..=all + all / 100;
            assert!(!cfg!(target_os = "linux") || range.contains(&stream.age()), "{} of {range:?}", stream.age());
            if size > 100 {
                // The rest of it came with the first.
                stream.read_exact(&mut buffer).await.unwrap();
                assert!(!cfg!(target_os = "linux") || stream.age() >= waited - waited / 100);
            }
        }
        drop(end);
        assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0, "its end");
    }
}
