//! Telling somebody's log when a test begins and ends: `POST URL/start` and `POST URL/end`.
//!
//! A log that can't be reached is no reason not to test: that is a warning.

use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// An address of the command line.
pub fn url(text: &str) -> Result<reqwest::Url, String> {
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Err("it is not of the form http://host/path".to_owned()),
    }
}

/// A test that was told of, or would have been.
pub struct Webhook {
    url: String,
    client: reqwest::Client,
    /// What the log calls the test.
    id: Option<Value>,
}

impl Webhook {
    /// Says that a test begins.
    pub async fn begin(url: &reqwest::Url, test: &str) -> Self {
        let client = reqwest::Client::builder().timeout(ANSWER).build().unwrap_or_default();
        let mut webhook = Self { url: url.as_str().trim_end_matches('/').to_owned(), client, id: None };
        match webhook.post("start", &json!({ "testname": test })).await {
            Ok(answer) => match answer.json::<Value>().await.map(|answer| answer.get("newid").cloned()) {
                Ok(Some(id)) => webhook.id = Some(id),
                Ok(None) | Err(_) => {
                    tracing::warn!("the logging webhook has not said what it calls the test (`newid`)");
                }
            },
            Err(error) => tracing::warn!("the logging webhook was not told that the test begins: {error}"),
        }
        webhook
    }

    /// Says that it has ended.
    pub async fn end(self) {
        let Some(id) = &self.id else { return };
        if let Err(error) = self.post("end", &json!({ "id": id })).await {
            tracing::warn!("the logging webhook was not told that the test has ended: {error}");
        }
    }

    async fn post(&self, what: &str, body: &Value) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.client.post(format!("{}/{what}", self.url)).json(body);
        request.send().await?.error_for_status()
    }
}
