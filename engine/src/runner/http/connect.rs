//! From a name to an open connection, each step with its time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use hickory_resolver::TokioResolver;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::arrival::Arrivals;
use super::connection::Connection;
use super::exchange::{Failed, Progress, Step};
use super::socket::{Socket, Stream};
use super::target::{Origin, OriginHost};
use crate::policy::Denied;
use crate::runner::descriptors::{self, Claim};
use crate::runner::worker;
use crate::wire::totals::ErrorClass;

/// Looks names up, with a cache of its own that keeps answers for as long as they say.
#[derive(Default)]
pub struct Resolver(OnceLock<Result<TokioResolver, String>>);

impl Resolver {
    fn get(&self) -> Result<TokioResolver, String> {
        self.0
            .get_or_init(|| {
                let builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
                builder.build().map_err(|error| error.to_string())
            })
            .clone()
    }
}

impl From<Denied> for Failed {
    fn from(denied: Denied) -> Self {
        Self::new(ErrorClass::Denied, denied.0)
    }
}

/// Opens a connection, to an address that the policy lets it go to: the name is never looked up a second time.
pub async fn connect(
    origin: &Origin,
    identity: Option<u32>,
    insecure: bool,
    progress: &mut Progress,
) -> Result<Connection, Failed> {
    progress.step = Step::Dns;
    let (reachable, goal) = (worker::with(|worker| worker.http.reachable.clone()), origin.goal());
    reachable.check_name(&goal)?;
    let addresses = reachable.filter(&goal, &resolve(origin).await?)?;
    if matches!(origin.host, OriginHost::Name(_)) {
        progress.dns = progress.since_start();
    }
    progress.step = Step::Connect;
    let claim = place()?;
    let stream = open(&addresses, origin.port).await?;
    progress.connect = progress.since_start();
    let primary_ip: Arc<str> =
        stream.peer_addr().map_or_else(|_| "".into(), |peer| peer.ip().to_canonical().to_string().into());
    let stream = if origin.https {
        progress.step = Step::Tls;
        let stream = Box::pin(secure(stream, origin, identity, insecure)).await?;
        progress.tls = progress.since_start();
        stream
    } else {
        Stream::Plain(Arrivals::new(stream))
    };
    let clock = worker::with(|worker| worker.clock);
    let mut connection = Connection::new(Socket::new(stream, clock), primary_ip);
    connection.claim = Some(claim);
    Ok(connection)
}

/// A place among the open files; where none is left, that of a connection of this worker which nobody uses.
fn place() -> Result<Claim<'static>, Failed> {
    let another = || worker::with(|worker| worker.http.close_one(None)).then(descriptors::claim).flatten();
    let place = descriptors::claim().or_else(another);
    place.ok_or_else(|| Failed::new(ErrorClass::Connect, descriptors::refusal()))
}

async fn resolve(origin: &Origin) -> Result<Vec<IpAddr>, Failed> {
    let name = match &origin.host {
        OriginHost::Address(address) => return Ok(vec![*address]),
        OriginHost::Name(name) => name,
    };
    let failed = |reason: String| Failed::new(ErrorClass::Dns, format!("{name}: {reason}"));
    let resolver = worker::with(|worker| worker.http.resolver.get()).map_err(failed)?;
    // Boxed, as TLS is: connections to an address without TLS have no room for them.
    let found = Box::pin(resolver.lookup_ip(&**name)).await.map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<_> = found.iter().collect();
    if addresses.is_empty() { Err(failed("it has no address".to_owned())) } else { Ok(addresses) }
}

/// Connects to the first address that answers.
async fn open(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Failed> {
    let mut last = io::Error::other("no address");
    for address in addresses {
        let peer = SocketAddr::new(*address, port);
        match TcpStream::connect(peer).await.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = io::Error::new(error.kind(), format!("{peer}: {error}")),
        }
    }
    Err(Failed::new(ErrorClass::Connect, last.to_string()))
}

async fn secure(stream: TcpStream, origin: &Origin, identity: Option<u32>, insecure: bool) -> Result<Stream, Failed> {
    let failed = |reason: String| Failed::new(ErrorClass::Tls, reason);
    let config =
        worker::with(|worker| worker.http.identities.borrow_mut().config(identity, insecure)).map_err(failed)?;
    let name = match &origin.host {
        OriginHost::Address(address) => ServerName::from(*address),
        OriginHost::Name(name) => {
            ServerName::try_from(name.to_string()).map_err(|error| failed(format!("{name}: {error}")))?
        }
    };
    let stream = TlsConnector::from(config)
        .connect(name, Arrivals::new(stream))
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(Stream::Tls(Box::new(stream)))
}
