//! Connections and listeners of the system: TCP and Unix.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

use super::endpoint::Endpoint;

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: u32 = 1_024;

/// A connection.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Connects; answers the peer's address too.
    pub async fn connect(endpoint: &Endpoint) -> io::Result<(Self, String)> {
        match endpoint {
            Endpoint::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                refuse_itself(&stream)?;
                stream.set_nodelay(true)?;
                let address = stream.peer_addr()?.to_string();
                Ok((Self::Tcp(stream), address))
            }
            Endpoint::Ipc { path } => Ok((Self::Unix(UnixStream::connect(path).await?), path.display().to_string())),
        }
    }
}

/// Who connects again and again to a port of this machine where nobody listens is once given that very port to connect from, and is
/// then connected to itself; whoever wants to listen there can't.
fn refuse_itself(stream: &TcpStream) -> io::Result<()> {
    match stream.local_addr()? == stream.peer_addr()? {
        true => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens there")),
        false => Ok(()),
    }
}

/// A bound endpoint.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl Listener {
    /// Binds; answers where it is bound really, which matters for port 0.
    pub async fn bind(endpoint: &Endpoint) -> io::Result<(Self, Endpoint)> {
        match endpoint {
            Endpoint::Tcp { host, port } => bind_tcp(host, *port).await,
            Endpoint::Ipc { path } => {
                clear(path).await?;
                let listener = UnixListener::bind(path)?;
                Ok((Self::Unix(listener, SocketFile::new(path)?), endpoint.clone()))
            }
        }
    }

    /// The next connection and its address.
    pub async fn accept(&self) -> io::Result<(Stream, String)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), address.to_string()))
            }
            Self::Unix(listener, file) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), file.path.display().to_string()))
            }
        }
    }
}

async fn bind_tcp(host: &str, port: u16) -> io::Result<(Listener, Endpoint)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in tokio::net::lookup_host((Endpoint::bind_host(host), port)).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => {
                let port = listener.local_addr()?.port();
                return Ok((Listener::Tcp(listener), Endpoint::Tcp { host: host.to_owned(), port }));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Removes a socket's file that nobody listens on any more.
async fn clear(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        // Connected, or its backlog is full: somebody is there.
        _ => Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody listens there")),
    }
}

/// The file of a listening socket; removed with it, unless another has taken its place.
pub struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), inode: inode(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|there| there == self.inode) {
            // Gone is gone: nobody is left to be told.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, to),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, to),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, from),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, from),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, from),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, from),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_is_connected_to_himself() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let itself = socket.connect(address).await.unwrap();
        assert_eq!(refuse_itself(&itself).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(refuse_itself(&other).is_ok());
    }

    #[tokio::test]
    async fn an_ipc_file_is_taken_over_only_when_nobody_listens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let endpoint = Endpoint::Ipc { path: path.clone() };
        let kind = |result: io::Result<(Listener, Endpoint)>| result.map(drop).map_err(|error| error.kind());

        let (first, _) = Listener::bind(&endpoint).await.unwrap();
        assert_eq!(kind(Listener::bind(&endpoint).await), Err(io::ErrorKind::AddrInUse), "somebody listens");
        drop(first);
        assert!(!path.exists(), "removed with its listener");

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "left by one that was killed");
        let (second, bound) = Listener::bind(&endpoint).await.unwrap();
        assert_eq!(bound, endpoint);
        std::fs::remove_file(&path).unwrap();
        let third = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(second);
        assert!(path.exists(), "that of another is left alone");
        drop(third);

        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "data").unwrap();
        assert_eq!(kind(Listener::bind(&endpoint).await), Err(io::ErrorKind::AlreadyExists), "never a file with data");
        assert_eq!(std::fs::read(&path).unwrap(), b"data");
    }
}
