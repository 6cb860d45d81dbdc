//! Listeners, workers, connections and their end. What is served is in `routes`.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::Error;
use super::counts::Connections;
use super::routes::{World, router};
use crate::web;

/// Open connections a worker has at most. Further ones wait in the kernel's backlog until one ends.
const CONNECTIONS_MAX: u32 = 65_536;

/// Connections the kernel may hold for us; it has its own, often lower, limit and refuses or ignores beyond it.
const BACKLOG: u32 = 4096;

/// How long requests in flight may take to end after the shutdown; then their connections are cut.
const GRACE: Duration = Duration::from_secs(1);

/// A playground that listens but does not serve yet.
pub(super) struct Playground {
    address: SocketAddr,
    listeners: Vec<std::net::TcpListener>,
    world: Arc<World>,
}

impl Playground {
    pub(super) async fn bind(address: &str, workers: NonZeroUsize, shop_delay: Duration) -> Result<Playground, Error> {
        let unusable = |source| Error::Address { address: address.to_owned(), source };
        let mut resolved = tokio::net::lookup_host(address).await.map_err(unusable)?;
        let wanted = resolved.next().ok_or_else(|| unusable(io::Error::other("the name has no address")))?;
        let (address, listeners) = listeners(wanted, workers.get()).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => Error::InUse { address: address.to_owned() },
            _ => Error::Listen { address: address.to_owned(), source },
        })?;
        Ok(Playground { address, listeners, world: Arc::new(World::new(workers.get(), shop_delay)) })
    }

    /// The address that is really listened on: with port 0 the kernel chose.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn serve(self, shutdown: CancellationToken) -> Result<(), Error> {
        // If starting the third worker fails, the first two must not go on alone.
        let stop = shutdown.child_token();
        let mut workers = Vec::with_capacity(self.listeners.len());
        let mut failure = None;
        for (worker, listener) in self.listeners.into_iter().enumerate() {
            match start(worker, listener, Arc::clone(&self.world), stop.child_token()) {
                Ok(ended) => workers.push(ended),
                Err(source) => {
                    failure = Some(Error::Worker { worker, source });
                    stop.cancel();
                    break;
                }
            }
        }
        for ended in workers {
            // An error here means that the thread is gone too: nothing is left to wait for.
            let _ = ended.await;
        }
        failure.map_or(Ok(()), Err)
    }
}

/// One listener a worker. Several need `SO_REUSEPORT`, which would also let a second playground in on the same port
/// without a word and take half of the requests: so it is first tried whether the port is free for one alone.
fn listeners(wanted: SocketAddr, workers: usize) -> io::Result<(SocketAddr, Vec<std::net::TcpListener>)> {
    if workers > 1 && wanted.port() != 0 {
        drop(listen(wanted, false)?);
    }
    let first = listen(wanted, workers > 1)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(listen(address, true)?);
    }
    Ok((address, listeners))
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of an earlier run that still linger in TIME_WAIT must not keep the port.
    socket.set_reuseaddr(true)?;
    if shared {
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    // A listener belongs to the runtime it was made in; as a plain one it can move to its worker.
    socket.listen(BACKLOG)?.into_std()
}

/// Starts a worker's thread; the receiver resolves when it has ended.
fn start(
    worker: usize,
    listener: std::net::TcpListener,
    world: Arc<World>,
    stop: CancellationToken,
) -> io::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let (alive, ended) = oneshot::channel();
    std::thread::Builder::new().name(format!("playground-{worker}")).spawn(move || {
        runtime.block_on(work(worker, listener, world, stop));
        // Cuts the connections that outlived the grace, before anybody hears that we are done.
        drop(runtime);
        drop(alive);
    })?;
    Ok(ended)
}

async fn work(worker: usize, listener: TcpListener, world: Arc<World>, stop: CancellationToken) {
    let service = TowerToHyperService::new(router(&world, worker));
    let connections = world.connections(worker);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    while let Some((stream, place)) = accept(&listener, &room, &stop).await {
        tokio::spawn(converse(stream, place, service.clone(), Arc::clone(&connections), stop.clone()));
    }
    drop(listener);
    // All places free again: every connection has ended.
    let _ = tokio::time::timeout(GRACE, room.acquire_many(CONNECTIONS_MAX)).await;
}

/// The next connection and its place, or `None` once it is time to stop.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let next = async {
        let place = Arc::clone(room).acquire_owned().await.ok()?;
        Some((web::accept(listener).await.0, place))
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        accepted = next => accepted,
    }
}

/// Serves one connection until either side ends it.
async fn converse(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    service: TowerToHyperService<axum::Router>,
    connections: Arc<Connections>,
    stop: CancellationToken,
) {
    let _open = connections.open();
    // Without it a small answer could wait for the client's delayed acknowledgement. It fails only if the client
    // has already gone, which reading will notice.
    let _ = stream.set_nodelay(true);
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients leave in the middle all the time: that is what tests do.
        tracing::trace!(%error, "a connection of the playground ended early");
    }
    drop(place);
}
