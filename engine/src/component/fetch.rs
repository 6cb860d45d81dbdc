//! Components that stand elsewhere.

use std::time::Duration;

use super::Error;
use super::cache::sha256;
use super::compile::COMPONENT_BYTES_MAX;
use super::spec::Remote;

/// How long the connection, and then each next piece, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Fetches a component and compares its digest. Larger ones than a component may be are given up at that size.
pub async fn fetch(remote: &Remote) -> Result<Vec<u8>, Error> {
    let url = || remote.url.to_string();
    let failed = |error: reqwest::Error| Error::Fetch { url: url(), reason: innermost(&error) };
    let client = reqwest::Client::builder().https_only(true).connect_timeout(PATIENCE).read_timeout(PATIENCE);
    let client = client.build().map_err(failed)?;
    let answer = client.get(remote.url.clone()).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > COMPONENT_BYTES_MAX {
            let reason = format!("it has more than the limit of {COMPONENT_BYTES_MAX} bytes");
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
