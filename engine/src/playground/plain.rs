//! Routes whose address says how they answer: late, wrongly, in pieces, somewhere else or never.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answers::{Refusal, refuse};
use super::bodies;
use super::routes::World;

/// Longest delay; more answers 400.
const DELAY_MS_MAX: u64 = 600_000;

/// Largest generated body; more answers 400.
const BODY_BYTES_MAX: u64 = 1 << 30;

/// Longest chain of redirects; more answers 400. Clients give up long before.
const REDIRECTS_MAX: u32 = 1000;

/// How long a stalled answer keeps its connection.
const STALL: Duration = Duration::from_mins(10);

pub(super) async fn index(State(world): State<Arc<World>>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], world.index()).into_response()
}

pub(super) async fn delay(Path(ms): Path<u64>) -> Result<Response, Refusal> {
    if ms > DELAY_MS_MAX {
        return Err(refuse(StatusCode::BAD_REQUEST, format!("a delay is 0 to {DELAY_MS_MAX} ms")));
    }
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    Ok(Json(json!({ "delay_ms": ms })).into_response())
}

pub(super) async fn status(Path(code): Path<u16>) -> Result<Response, Refusal> {
    let status = StatusCode::from_u16(code).ok().filter(|_| (200..=599).contains(&code));
    let status = status.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "a status is 200 to 599"))?;
    if matches!(code, 204 | 205 | 304) {
        return Ok(status.into_response());
    }
    Ok((status, Json(json!({ "status": code }))).into_response())
}

fn length(bytes: u64) -> Result<u64, Refusal> {
    if bytes > BODY_BYTES_MAX {
        return Err(refuse(StatusCode::BAD_REQUEST, format!("a body is 0 to {BODY_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

const OCTETS: (header::HeaderName, HeaderValue) =
    (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));

pub(super) async fn bytes(Path(bytes): Path<u64>) -> Result<Response, Refusal> {
    Ok(([OCTETS], bodies::sized(length(bytes)?)).into_response())
}

pub(super) async fn chunked(Path(bytes): Path<u64>) -> Result<Response, Refusal> {
    Ok(([OCTETS], bodies::chunked(length(bytes)?)).into_response())
}

pub(super) async fn gzip(Path(bytes): Path<u64>) -> Result<Response, Refusal> {
    let body = bodies::gzip(length(bytes)?)
        .map_err(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot compress: {error}")))?;
    let headers = [(header::CONTENT_TYPE, "text/plain"), (header::CONTENT_ENCODING, "gzip")];
    Ok((headers, body).into_response())
}

pub(super) async fn redirect(Path(left): Path<u32>) -> Result<Response, Refusal> {
    match left.checked_sub(1) {
        None => Ok(Json(json!({ "redirects_left": 0 })).into_response()),
        Some(_) if left > REDIRECTS_MAX => {
            Err(refuse(StatusCode::BAD_REQUEST, format!("a chain has at most {REDIRECTS_MAX} redirects")))
        }
        Some(next) => Ok((StatusCode::FOUND, [(header::LOCATION, format!("/redirect/{next}"))]).into_response()),
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Target {
    url: String,
    status: Option<u16>,
}

pub(super) async fn redirect_to(Query(target): Query<Target>) -> Result<Response, Refusal> {
    let status = target.status.unwrap_or(302);
    let status = StatusCode::from_u16(status).ok().filter(StatusCode::is_redirection);
    let status = status.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "a redirect's status is 300 to 399"))?;
    let location = HeaderValue::from_str(&target.url)
        .map_err(|_| refuse(StatusCode::BAD_REQUEST, "the url cannot be sent in a header"))?;
    Ok((status, [(header::LOCATION, location)]).into_response())
}

pub(super) async fn stall() -> Response {
    ([(header::CONTENT_LENGTH, "10")], bodies::stalled(b"abc", STALL)).into_response()
}

/// Ends when the client leaves (hyper then drops us) or the playground does.
pub(super) async fn hang() -> Response {
    std::future::pending().await
}

pub(super) async fn close() -> Response {
    bodies::broken().into_response()
}

/// The requests so far, one counter a percentage, so that each share holds exactly whatever else is asked for.
pub(super) struct Failures([AtomicU64; 101]);

impl Failures {
    pub(super) fn new() -> Failures {
        Failures(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Whether the next request fails: of any hundred in a row `percent` do, spread evenly. `None` over 100.
    pub(super) fn next(&self, percent: u8) -> Option<bool> {
        let before = self.0.get(usize::from(percent))?.fetch_add(1, Ordering::Relaxed);
        let share = u64::from(percent);
        // Only the place within the hundred matters, which also keeps the products small for ever.
        let place = before % 100;
        Some((place + 1) * share / 100 > place * share / 100)
    }

    pub(super) fn reset(&self) {
        for counter in &self.0 {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

pub(super) async fn fail(State(world): State<Arc<World>>, Path(percent): Path<u8>) -> Result<Response, Refusal> {
    match world.failures.next(percent) {
        None => Err(refuse(StatusCode::BAD_REQUEST, "a share is 0 to 100 percent")),
        Some(true) => Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, "failed as asked")),
        Some(false) => Ok(Json(json!({ "fail_percent": percent })).into_response()),
    }
}
