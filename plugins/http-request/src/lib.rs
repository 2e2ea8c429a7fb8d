//! Makes an HTTP request when a control is used.
//!
//! The request is made by the daemon, which checks its host against what the user granted; nothing here touches the
//! network.

#![forbid(unsafe_code)]

mod request;

use padgate_plugin::template::Escape;
use padgate_plugin::{ActionPlugin, Context, Error, Host, HttpRequest, HttpResponse, Phase};

use request::{Body, Request};

/// How long before the call's deadline a request is given up, so that the user reads that the server was slow and not
/// that the plugin was stopped.
const MARGIN: std::time::Duration = std::time::Duration::from_millis(50);
/// How much of an answer is shown when it was not what was expected, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// The plugin. It keeps nothing between calls.
#[derive(Debug, Default)]
pub struct HttpRequests;

impl ActionPlugin for HttpRequests {
    type Params = Request;

    fn execute(&mut self, params: &Request, context: &Context, host: &Host) -> Result<(), Error> {
        // A request belongs to the press, also if the mapping says `hold = true`.
        if context.phase() == Phase::Release {
            return Ok(());
        }
        let mut request = HttpRequest::new(params.method.as_str(), params.url.fill(context, Escape::Url)?);
        for (name, value) in &params.headers {
            request = request.header(name.as_str(), value.fill(context, Escape::None)?);
        }
        request = match &params.body {
            Body::None => request,
            Body::Json(json) => request.json(&json.fill(context)?),
            Body::Text(text) => request.body(text.fill(context, Escape::None)?),
        };
        let left = context.deadline().since(host.now()).saturating_sub(MARGIN);
        let request = request.timeout(params.timeout.min(left));
        let answer = host.http(&request).map_err(|error| error.of(shown(&request)))?;
        if params.expects(answer.status) { Ok(()) } else { Err(unexpected(&request, &answer).into()) }
    }
}

/// The request as it is shown: without what stands behind `?` or before `@`, which may be secret.
fn shown(request: &HttpRequest) -> String {
    let url = request.url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{} {scheme}://{host}{path}", request.method)
}

fn unexpected(request: &HttpRequest, answer: &HttpResponse) -> String {
    let text = answer.text();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect();
    match line.as_str() {
        "" => format!("{} was answered with {}", shown(request), answer.status),
        line => format!("{} was answered with {}: {line}", shown(request), answer.status),
    }
}

padgate_plugin::export!(HttpRequests);
