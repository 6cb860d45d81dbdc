//! Routes that tell the client what it sent: body, headers, cookies, credentials.

use axum::Json;
use axum::extract::{Path, Query, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::answers::{Refusal, cookies, read_body, refuse};

/// Largest body that is echoed; more answers 413.
const ECHO_BYTES_MAX: usize = 16 << 20;

/// Cookies set by one request; more answers 400.
const COOKIES_MAX: usize = 20;

pub(super) async fn small() -> Json<Value> {
    Json(json!({
        "name": "playground",
        "numbers": [1, 2, 3],
        "nested": { "ok": true, "nothing": null, "text": "grüße" },
    }))
}

/// A name that comes twice has a list of its values.
fn collect<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> Map<String, Value> {
    let mut collected = Map::new();
    for (name, value) in pairs {
        match collected.get_mut(name) {
            None => {
                collected.insert(name.to_owned(), Value::String(value));
            }
            Some(Value::Array(values)) => values.push(Value::String(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    collected
}

pub(super) async fn echo(Query(query): Query<Vec<(String, String)>>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let body = read_body(body, ECHO_BYTES_MAX).await?;
    let lossy = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let answer = json!({
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "query": collect(query.iter().map(|(name, value)| (name.as_str(), value.clone()))),
        "headers": collect(head.headers.iter().map(|(name, value)| (name.as_str(), lossy(value)))),
        "body": String::from_utf8_lossy(&body),
        "body_bytes": body.len(),
    });
    Ok(Json(answer).into_response())
}

pub(super) async fn show_cookies(headers: HeaderMap) -> Json<Value> {
    Json(json!({ "cookies": collect(cookies(&headers).map(|(name, value)| (name, value.to_owned()))) }))
}

/// What may stand in a cookie's name or value without quoting (RFC 6265, a little stricter).
fn is_cookie_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\=".contains(&byte))
}

pub(super) async fn set_cookies(Query(pairs): Query<Vec<(String, String)>>) -> Result<Response, Refusal> {
    if pairs.is_empty() || pairs.len() > COOKIES_MAX {
        let error = format!("give 1 to {COOKIES_MAX} cookies, as in /cookies/set?name=value");
        return Err(refuse(StatusCode::BAD_REQUEST, error));
    }
    let mut response = (StatusCode::FOUND, [(header::LOCATION, "/cookies")]).into_response();
    for (name, value) in &pairs {
        let unfit = || refuse(StatusCode::BAD_REQUEST, format!("`{name}={value}` cannot be a cookie"));
        if name.is_empty() || !is_cookie_text(name) || !is_cookie_text(value) {
            return Err(unfit());
        }
        let cookie = HeaderValue::try_from(format!("{name}={value}; Path=/")).map_err(|_| unfit())?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(super) async fn basic_auth(Path((user, password)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let expected = base64(format!("{user}:{password}").as_bytes());
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    match given {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("basic") && token.trim() == expected => {
            Json(json!({ "authenticated": true, "user": user })).into_response()
        }
        _ => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"playground\", charset=\"UTF-8\"")];
            (challenge, refuse(StatusCode::UNAUTHORIZED, "wrong or missing credentials")).into_response()
        }
    }
}

/// Encoding what is expected is all that comparing needs: not worth a dependency.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= three.len() { char::from(DIGITS[index as usize]) } else { '=' });
        }
    }
    text
}
