//! The endpoints of a socket: each has a task that accepts or connects for as long as the socket lives.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::backoff::chance;
use super::connection::{Connection, End};
use super::crowd::Crowd;
use super::endpoint::{Endpoint, WrongEndpoint};
use super::options::Options;
use super::stream::{Listener, Stream};
use crate::wire::zmtp::decoder::Decoder;
use crate::wire::zmtp::handshake::Handshake;
use crate::wire::zmtp::kind::SocketType;
use crate::wire::zmtp::mite::Name;
use crate::wire::zmtp::peer::Peer;

/// After a connection couldn't be accepted, mostly for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a socket can't be bound or connected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Endpoint(#[from] WrongEndpoint),
    #[error("can't listen on {endpoint}: {source}")]
    Listen { endpoint: Endpoint, source: std::io::Error },
}

/// What a socket does with a connection.
pub trait Serve: Send + Sync + 'static {
    const TYPE: SocketType;

    fn options(&self) -> &Options;

    /// Works until the connection has ended and nothing of it is left.
    fn serve(self: Arc<Self>, connection: Connection<Stream>, peer: Arc<Peer>) -> impl Future<Output = End> + Send;
}

/// All endpoints of a socket. Dropping this ends their tasks, and these end those of their connections.
pub struct Endpoints<S> {
    pub core: Arc<S>,
    name: Name,
    crowd: Arc<Crowd>,
    tasks: JoinSet<()>,
}

impl<S: Serve> Endpoints<S> {
    pub fn new(core: S) -> Self {
        let name = name(core.options().kind);
        Self { core: Arc::new(core), name, crowd: Arc::default(), tasks: JoinSet::new() }
    }

    /// Binds; answers where it is bound really.
    pub async fn bind(&mut self, endpoint: &str) -> Result<Endpoint, Error> {
        let endpoint: Endpoint = endpoint.parse()?;
        let (listener, bound) = Listener::bind(&endpoint).await.map_err(|source| Error::Listen { endpoint, source })?;
        let host = Host { core: self.core.clone(), name: self.name.clone(), crowd: self.crowd.clone() };
        self.tasks.spawn(accept(listener, host));
        Ok(bound)
    }

    /// Connects in the background, for ever.
    pub fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        let endpoint: Endpoint = endpoint.parse()?;
        endpoint.to_connect()?;
        self.tasks.spawn(pursue(endpoint, self.core.clone(), self.name.clone()));
        Ok(())
    }
}

/// Who this process is to peers of ours: 16 hex digits, random.
pub fn process_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| format!("{:016x}", chance()))
}

/// Who a new socket of this process is.
fn name(kind: &str) -> Name {
    static SOCKETS: AtomicU64 = AtomicU64::new(0);
    let id = process_id().to_owned();
    Name { kind: kind.to_owned(), id, socket: SOCKETS.fetch_add(1, Ordering::Relaxed) }
}

/// A number for each connection of this process.
fn number() -> u64 {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
    CONNECTIONS.fetch_add(1, Ordering::Relaxed)
}

/// What the connections that are accepted share.
struct Host<S> {
    core: Arc<S>,
    name: Name,
    crowd: Arc<Crowd>,
}

async fn accept<S: Serve>(listener: Listener, host: Host<S>) {
    let host = Arc::new(host);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let options = host.core.options();
        match accepted {
            Ok((_, address)) if !host.crowd.enter(options.connections_max) => {
                let max = options.connections_max;
                tracing::debug!(address, "refused");
                host.crowd.complain(format!("refusing connections: there are {max}, as many as there may be"));
            }
            Ok((stream, address)) => {
                let connection = number();
                let task = connections.spawn(admit(host.clone(), stream, address, connection));
                host.crowd.greet(connection, task, options.handshakes_max);
            }
            Err(error) => {
                host.crowd.complain(format!("can't accept a connection: {}", End::Io(error)));
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Greets a peer that came and serves it.
async fn admit<S: Serve>(host: Arc<Host<S>>, mut stream: Stream, address: String, connection: u64) {
    let seat = host.crowd.seat(connection);
    let options = host.core.options();
    let greeted = timeout(options.handshake, greet::<S>(&mut stream, &host.name, options)).await;
    seat.greeted();
    let end = match greeted.unwrap_or(Err(End::Silent)) {
        Ok((decoder, peer)) => {
            serve(&host.core, stream, decoder, Peer { address: address.clone(), connection, ..peer }).await
        }
        Err(end) => end,
    };
    match end {
        End::Closed | End::Finished | End::Ours => tracing::debug!("{address} is gone: {end}"),
        end => {
            host.crowd.complain(format!("disconnected {}: {end}", host_of(&address)));
        }
    }
}

/// An address without its port, which differs for each connection.
fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

/// Connects again and again.
async fn pursue<S: Serve>(endpoint: Endpoint, core: Arc<S>, name: Name) {
    let mut backoff = core.options().backoff;
    let mut said = String::new();
    loop {
        let end = match timeout(core.options().attempt, reach::<S>(&endpoint, &name, core.options())).await {
            Ok(Ok((stream, decoder, peer))) => {
                tracing::info!("connected to {endpoint}: {peer}");
                (backoff, said) = (core.options().backoff, String::new());
                serve(&core, stream, decoder, peer).await
            }
            Ok(Err(end)) => end,
            // It has waited long enough.
            Err(_) => End::NoAnswer,
        };
        let pauses = !matches!(end, End::NoAnswer);
        // The same is said once, however often it is tried.
        let saying = format!("no connection to {endpoint}: {end}");
        match end {
            End::Finished => tracing::debug!("{saying}"),
            End::Ours => {
                tracing::debug!("{saying}");
                continue;
            }
            _ if saying != said => tracing::warn!("{saying}; trying again"),
            _ => {}
        }
        said = saying;
        if pauses {
            sleep(backoff.pause(chance())).await;
        }
    }
}

async fn reach<S: Serve>(endpoint: &Endpoint, name: &Name, options: &Options) -> Result<(Stream, Decoder, Peer), End> {
    let (mut stream, address) = Stream::connect(endpoint).await?;
    let (decoder, peer) = greet::<S>(&mut stream, name, options).await?;
    Ok((stream, decoder, Peer { address, connection: number(), ..peer }))
}

async fn serve<S: Serve>(core: &Arc<S>, stream: Stream, decoder: Decoder, peer: Peer) -> End {
    let connection = Connection::new(stream, decoder, &peer, core.options().pace);
    core.clone().serve(connection, Arc::new(peer)).await
}

/// Gets to know a peer.
async fn greet<S: Serve>(stream: &mut Stream, name: &Name, options: &Options) -> Result<(Decoder, Peer), End> {
    let mut handshake = Handshake::new(S::TYPE, name, options.limits);
    loop {
        let known = handshake.proceed();
        // Also tells the peer what is wrong with it, if something is.
        stream.write_all(&handshake.output()).await?;
        if let Some(peer) = known? {
            return Ok((handshake.into_decoder(), peer));
        }
        if stream.read_buf(handshake.decoder().buffer()).await? == 0 {
            return Err(End::Closed);
        }
    }
}
