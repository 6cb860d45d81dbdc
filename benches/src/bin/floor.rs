//! What HTTP requests cost at least: a minimal loop around `hyper::client::conn::http1`, as mite uses it, with nothing
//! around it. `bench-floor http://127.0.0.1:PORT/ CONNECTIONS SECONDS [latencies]` on one thread; prints the number of
//! requests and, if asked, the p50 and p99 of their latencies in ms.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Problem = Box<dyn std::error::Error>;

#[derive(Default)]
struct Seen {
    requests: Cell<u64>,
    /// In ms, if they are wanted.
    latencies: Option<RefCell<Vec<f64>>>,
}

fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, connections, seconds, more @ ..] = arguments.as_slice() else {
        return Err("usage: bench-floor URL CONNECTIONS SECONDS [latencies]".into());
    };
    let (url, connections): (Uri, u32) = (url.parse()?, connections.parse()?);
    let end = Instant::now() + Duration::from_secs_f64(seconds.parse()?);
    let latencies = more.contains(&"latencies".to_owned()).then(RefCell::default);
    let seen = Rc::new(Seen { requests: Cell::default(), latencies });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, run(url, connections, end, &seen))?;
    println!("{}", seen.requests.get());
    if let Some(latencies) = &seen.latencies {
        let mut latencies = latencies.take();
        latencies.sort_by(f64::total_cmp);
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).ok_or("no answer");
        println!("{:.3} {:.3}", at(50)?, at(99)?);
    }
    Ok(())
}

async fn run(url: Uri, connections: u32, end: Instant, seen: &Rc<Seen>) -> Result<(), Problem> {
    let users: Vec<_> = (0..connections)
        .map(|_| {
            let (url, seen) = (url.clone(), Rc::clone(seen));
            tokio::task::spawn_local(async move { user(url, end, &seen).await.map_err(|error| error.to_string()) })
        })
        .collect();
    for user in users {
        user.await??;
    }
    Ok(())
}

/// One request after the other on a connection of its own.
async fn user(url: Uri, end: Instant, seen: &Seen) -> Result<(), Problem> {
    let authority = url.authority().ok_or("the URL has no host")?;
    let host = HeaderValue::from_str(authority.as_str())?;
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its end is seen by the sender.
    tokio::task::spawn_local(async move { drop(connection.await) });
    let path: Uri = url.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    while Instant::now() < end {
        let start = seen.latencies.is_some().then(Instant::now);
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = path.clone();
        request.headers_mut().insert(HOST, host.clone());
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answered {}", answer.status()).into());
        }
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        seen.requests.set(seen.requests.get() + 1);
        if let (Some(latencies), Some(start)) = (&seen.latencies, start) {
            latencies.borrow_mut().push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(())
}
