//! What the configuration says of a request, checked when it is loaded.

use std::collections::BTreeMap;
use std::time::Duration;

use padgate_plugin::Error;
use padgate_plugin::json::Value;
use padgate_plugin::template::{JsonTemplate, Template};
use serde::Deserialize;

/// What can be asked of a server.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// The longest timeout: a bit less than the longest deadline of a call.
const TIMEOUT_MAX: Duration = Duration::from_millis(4500);

/// A request, as it was understood.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Request {
    pub(crate) method: String,
    pub(crate) url: Template,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) body: Body,
    pub(crate) timeout: Duration,
    /// Sorted; empty: 200 to 299.
    expect: Vec<u16>,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    None,
    Json(JsonTemplate),
    Text(Template),
}

/// A request, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: Template,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    json: Option<Value>,
    #[serde(default)]
    body: Option<Template>,
    #[serde(default)]
    expect: Vec<u16>,
    #[serde(default = "two_seconds", deserialize_with = "padgate_plugin::duration")]
    timeout: Duration,
}

fn get() -> String {
    "GET".to_owned()
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

impl Request {
    /// Whether this is a status that counts as success.
    pub(crate) fn expects(&self, status: u16) -> bool {
        if self.expect.is_empty() { (200..300).contains(&status) } else { self.expect.contains(&status) }
    }
}

impl TryFrom<Written> for Request {
    type Error = Error;

    fn try_from(written: Written) -> Result<Request, Error> {
        let Written { url, method, headers, json, body, mut expect, timeout } = written;
        let beginning = url.beginning();
        let host = beginning.strip_prefix("http://").or_else(|| beginning.strip_prefix("https://"));
        let host = host.ok_or_else(|| Error::invalid("\"url\": it must begin with http:// or https://"))?;
        if host.is_empty() || host.starts_with(['/', '?', '#']) {
            return Err(Error::invalid("\"url\": the host must be there, and can't be put in by a place"));
        }
        if !METHODS.contains(&method.as_str()) {
            let text = format!("\"method\": {method:?} is none of {}", METHODS.join(", "));
            return Err(Error::invalid(text));
        }
        let headers = headers.into_iter().map(header).collect::<Result<Vec<_>, _>>()?;
        let body = match (json, body) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "there is \"json\" and \"body\": a request has one body, leave one out",
                ));
            }
            (Some(json), None) => Body::Json(JsonTemplate::new(json).map_err(|error| error.of("\"json\""))?),
            (None, Some(text)) => Body::Text(text),
            (None, None) => Body::None,
        };
        if !matches!(body, Body::None) && matches!(method.as_str(), "GET" | "HEAD") {
            let text = format!("a {method} has no body: leave out the body, or write method = \"POST\"");
            return Err(Error::invalid(text));
        }
        if let Some(status) = expect.iter().find(|status| !(100..600).contains(*status)) {
            return Err(Error::invalid(format!(
                "\"expect\": {status} is no HTTP status; they are 100 to 599"
            )));
        }
        expect.sort_unstable();
        if timeout.is_zero() || timeout > TIMEOUT_MAX {
            return Err(Error::invalid(format!(
                "\"timeout\": it must be more than 0 and at most {TIMEOUT_MAX:?}"
            )));
        }
        Ok(Request { method, url, headers, body, timeout, expect })
    }
}

/// A header. What would end its line early, and thus begin another, is refused.
fn header((name, value): (String, String)) -> Result<(String, Template), Error> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Error::invalid(format!("\"headers\": {name:?} is not the name of a header")));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        let text = format!("\"headers\": the value of {name} has a line break or another control character");
        return Err(Error::invalid(text));
    }
    let value = value.parse().map_err(|error: Error| error.of(format!("\"headers\": {name}")))?;
    Ok((name, value))
}
