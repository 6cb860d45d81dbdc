//! Components that stand elsewhere.

use std::time::Duration;

use super::Error;
use super::cache::sha256;
use super::spec::Remote;

/// How long the connection, and then each next piece, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long all of it may take, however steadily it drips: the largest component needs 1 MB/s or so then.
const WHOLE: Duration = Duration::from_secs(300);

/// Fetches a component and compares its digest. One that has more bytes than this, or takes longer than five minutes, is
/// given up.
pub async fn fetch(remote: &Remote, most: u64) -> Result<Vec<u8>, Error> {
    fetch_with(client().https_only(true), remote, most).await
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE)
}

async fn fetch_with(client: reqwest::ClientBuilder, remote: &Remote, most: u64) -> Result<Vec<u8>, Error> {
    let too_long = || format!("it was not there after {} s", WHOLE.as_secs());
    let late = |_| Err(Error::Fetch { url: remote.url.to_string(), reason: too_long() });
    tokio::time::timeout(WHOLE, download(client, remote, most)).await.unwrap_or_else(late)
}

async fn download(client: reqwest::ClientBuilder, remote: &Remote, most: u64) -> Result<Vec<u8>, Error> {
    let url = || remote.url.to_string();
    let failed = |error: reqwest::Error| Error::Fetch { url: url(), reason: innermost(&error) };
    let client = client.build().map_err(failed)?;
    let answer = client.get(remote.url.clone()).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > most {
            let reason = format!("a component may have {} MiB: see --component-size", most >> 20);
            return Err(Error::Fetch { url: url(), reason });
        }
    }
    let found = sha256(&bytes);
    if found != remote.sha256 {
        return Err(Error::Digest { url: url(), found, wanted: remote.sha256.clone() });
    }
    Ok(bytes)
}

/// What is wrong stands innermost: the rest says which part of reqwest found it.
fn innermost(error: &reqwest::Error) -> String {
    if let Some(status) = error.status() {
        return format!("the server answered {status}");
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with so many bytes, one after the other.
    async fn drip(listener: TcpListener, bytes: usize, every: Duration) {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        assert!(peer.read(&mut request).await.unwrap() > 0);
        peer.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n").as_bytes()).await.unwrap();
        for _ in 0..bytes {
            tokio::time::sleep(every).await;
            // Whoever has given up doesn't read any more.
            if peer.write_all(b"x").await.is_err() {
                return;
            }
        }
    }

    /// Time is not waited for: it passes when nothing else happens.
    #[tokio::test(start_paused = true)]
    async fn what_drips_is_not_waited_for_for_ever() {
        for (bytes, every, want, why) in [
            (20, 10, Ok(20), "slow, and in time"),
            (90, 10, Err("it was not there after 300 s"), "never too long for the next byte, and for all of it"),
            (101, 0, Err("a component may have 0 MiB: see --component-size"), "more than it may have"),
            (2, 40, Err("timed out"), "too long for the next byte"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/journeys.wasm", listener.local_addr().unwrap()).parse().unwrap();
            let server = tokio::spawn(drip(listener, bytes, Duration::from_secs(every)));
            let remote = Remote { url, sha256: sha256(&vec![b'x'; bytes]) };
            let fetched = fetch_with(client(), &remote, 100).await.map(|bytes| bytes.len());
            match (fetched, want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
                (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{why}: {error}"),
                (got, _) => panic!("{why}: {got:?}"),
            }
            server.abort();
        }
    }
}
