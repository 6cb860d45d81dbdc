//! What handlers share: refusals, bodies read within a limit, cookies.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use serde::de::DeserializeOwned;

/// An answer that says what the client did wrong, as `{"error": "..."}`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
}

pub(super) fn refuse(status: StatusCode, error: impl Into<String>) -> Refusal {
    Refusal { status, error: error.into() }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(serde_json::json!({ "error": self.error }))).into_response()
    }
}

/// The whole body. Beyond `bytes_max` it answers 413: at once if the length is announced, else when it is reached.
pub(super) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        let error = format!("the body is larger than {bytes_max} bytes");
        refuse(StatusCode::PAYLOAD_TOO_LARGE, error)
    };
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    // A body that broke off also ends here; then there is nobody left to read the answer.
    axum::body::to_bytes(body, bytes_max).await.map_err(|_| too_large())
}

/// A JSON body, whatever its content type says: 400 if it is no JSON, 422 if it is not of the right shape.
pub(super) async fn read_json<T: DeserializeOwned>(body: Body, bytes_max: usize) -> Result<T, Refusal> {
    let bytes = read_body(body, bytes_max).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let status = match error.classify() {
            serde_json::error::Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        refuse(status, format!("the body is not the JSON this needs: {error}"))
    })
}

/// Name and value of every cookie sent, in order. What is not of the form name=value is left out.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}
