//! HTTP through the daemon.

use std::time::Duration;

use padgate_plugin_abi::http::{PadgateHeader, PadgateHttpRequest};
use serde_json::Value;

use crate::Error;
use crate::raw::{self, Received};

use super::{Host, ended, milliseconds};

/// A request, to be made by [`Host::http`].
///
/// ```
/// use padgate_plugin::HttpRequest;
/// let request = HttpRequest::post("http://localhost:8080/scene").json(&padgate_plugin::json::json!({ "number": 2 }));
/// assert_eq!(request.body, br#"{"number":2}"#);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpRequest {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The URL, `http` or `https`.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, up to 48 KiB.
    pub body: Vec<u8>,
    /// The longest that it may take; `None`: as long as the call may.
    pub timeout: Option<Duration>,
}

impl HttpRequest {
    /// A request without headers and body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> HttpRequest {
        HttpRequest {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
        }
    }

    /// A `GET`.
    pub fn get(url: impl Into<String>) -> HttpRequest {
        HttpRequest::new("GET", url)
    }

    /// A `POST`.
    pub fn post(url: impl Into<String>) -> HttpRequest {
        HttpRequest::new("POST", url)
    }

    /// A `PUT`.
    pub fn put(url: impl Into<String>) -> HttpRequest {
        HttpRequest::new("PUT", url)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> HttpRequest {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> HttpRequest {
        self.body = body.into();
        self
    }

    /// With this body, and the header that says that it is JSON unless there is a `Content-Type` already.
    #[must_use]
    pub fn json(self, body: &Value) -> HttpRequest {
        let body = body.to_string();
        let typed = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let request = if typed { self } else { self.header("Content-Type", "application/json") };
        request.body(body)
    }

    /// That may take so long at most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> HttpRequest {
        self.timeout = Some(timeout);
        self
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body, up to 48 KiB.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// An answer, for a test.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
        HttpResponse { status, body: body.into() }
    }

    /// Whether the status is one of success, 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text; what is not UTF-8 in it is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, which is JSON.
    ///
    /// # Errors
    ///
    /// If it is not, or not that.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::from(error).of("the answer"))
    }
}

impl Host {
    /// Makes a request, through the daemon, and waits for the answer. Needs the capability `network` for the URL's host
    /// and port. An answer with a status of 400 or more is an answer, not an error.
    ///
    /// # Errors
    ///
    /// If there was no answer.
    pub fn http(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        self.with(
            padgate_plugin_abi::http::NAME,
            |tables| tables.http?.request,
            |make, context| {
                let headers: Vec<PadgateHeader> = request
                    .headers
                    .iter()
                    .map(|(name, value)| PadgateHeader { name: raw::text(name), value: raw::text(value) })
                    .collect();
                let asked = PadgateHttpRequest {
                    size: size_of::<PadgateHttpRequest>() as u32,
                    timeout_ms: request.timeout.map_or(0, milliseconds),
                    method: raw::text(&request.method),
                    url: raw::text(&request.url),
                    headers: headers.as_ptr(),
                    header_count: headers.len(),
                    body: raw::bytes(&request.body),
                };
                let (mut status, mut body) = (0_u16, Received::new());
                let (code, place) = (&raw mut status, body.place());
                // SAFETY: Called as the ABI says, while the tables live; what the request points to lives longer.
                let how = unsafe { make(context, &raw const asked, code, place) };
                ended(how, &body)?;
                Ok(HttpResponse { status, body: body.bytes().to_vec() })
            },
        )
    }
}
