//! HTTP requests for plugins: one exchange at a time, with nothing that the plugin did not say and the gate did not
//! permit.
//!
//! No cookies are kept and no proxy of the environment is used. A host's addresses are looked up once for a request, by
//! the daemon, and those that the gate lets its name stand for are connected to, and no others. Each request has a connection of its own: one that was kept for the next could be closed by the
//! server just then, and a request that is not safe to repeat would be lost on stage. Redirects are followed here, by hand: each target goes through the gate like the first, never
//! from https to http, and never with the credentials of another host.

use std::collections::HashMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_LIMIT, PADGATE_REFUSED, PADGATE_TIMEOUT};
use ureq::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use ureq::http::{Method, Request, Response, Uri};
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, SendBody};
use url::Url;

use super::connect::refusal;
use super::resolve::Resolver;
use super::{Answered, BODY_BYTES_MAX, Trouble, answered};
use crate::lock::lock;
use crate::plugins::gate::Target;
use crate::plugins::part::PluginId;

/// How many redirects are followed.
pub const REDIRECTS_MAX: usize = 5;
/// The most that a server's headers can take, in bytes.
const HEADERS_BYTES_MAX: usize = 32 * 1024;
/// The longest that looking up the name may take.
const RESOLVE_MAX: Duration = Duration::from_secs(10);
/// The longest that connecting may take, with TLS.
const CONNECT_MAX: Duration = Duration::from_secs(20);
/// What can be asked of a server.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
/// What only the daemon says: how the message is framed, whom it is for, and what becomes of the connection.
const OWN_HEADERS: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "expect",
];

/// Asks whether a redirect may be followed: method and URL.
pub(super) type MayFollow<'a> = dyn Fn(&str, &str) -> Result<(Url, Target), String> + 'a;

/// Makes requests.
pub(super) struct Http {
    names: Arc<Resolver>,
    /// What is under way, so that it ends with its plugin.
    under_way: Mutex<HashMap<u64, (PluginId, Agent)>>,
    last: AtomicU64,
}

/// A request, looked at.
#[derive(Debug)]
pub(super) struct Fetch {
    method: Method,
    url: Url,
    target: Target,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Fetch {
    /// Reads what a plugin asks for. The gate has looked at `url` and `target`.
    pub(super) fn read(
        method: &str,
        url: Url,
        target: Target,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Fetch, Trouble> {
        let Some(method) = METHODS.into_iter().find(|known| known.as_str() == method) else {
            let known: Vec<&str> = METHODS.iter().map(Method::as_str).collect();
            return Err(Trouble::invalid(format!("no method {method:?}; there are {}", known.join(", "))));
        };
        if method == Method::HEAD && !body.is_empty() {
            return Err(Trouble::invalid("a HEAD request has no body"));
        }
        let url = checked(url, &target).map_err(Trouble::invalid)?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let parsed = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Trouble::invalid(format!("{name:?} is no name of a header")))?;
            if OWN_HEADERS.contains(&parsed.as_str()) {
                let why = format!("the header {name} is Padgate's own: leave it out");
                return Err(Trouble::invalid(why));
            }
            // Line breaks, with which a value could become a header of its own, are refused by this.
            let value = HeaderValue::from_str(value)
                .map_err(|_| Trouble::invalid(format!("the header {name} can't have that value")))?;
            map.append(parsed, value);
        }
        Ok(Fetch { method, url, target, headers: map, body: body.to_owned() })
    }

    /// Turns it into what a redirect asks for.
    fn redirect(&mut self, status: u16, to: &Url) {
        let other_method = match status {
            303 => self.method != Method::HEAD,
            // As every browser does it, whatever the standard once said.
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if other_method {
            self.method = Method::GET;
            self.body.clear();
            self.headers.remove(CONTENT_TYPE);
        }
        if self.url.origin() != to.origin() {
            self.headers.remove(AUTHORIZATION);
            self.headers.remove(COOKIE);
        }
    }
}

/// A URL that can be fetched, without its fragment.
fn checked(mut url: Url, target: &Target) -> Result<Url, String> {
    url.set_fragment(None);
    let uri: Uri = url.as_str().parse().map_err(|error| format!("{url} can't be fetched: {error}"))?;
    // Two parsers read it, one for the gate and one for the wire: they must agree on whom it is for.
    let host = target.host.to_string();
    let port = uri.port_u16().or(url.port_or_known_default());
    if uri.host() != Some(&*host) || port != Some(target.port) {
        return Err(format!("{url} can't be fetched: its host is not clear"));
    }
    Ok(url)
}

impl Http {
    pub(super) fn new(names: Arc<Resolver>) -> Http {
        Http { names, under_way: Mutex::default(), last: AtomicU64::new(0) }
    }

    /// Ends the plugin's requests: nobody waits for them any more.
    pub(super) fn forget(&self, plugin: PluginId) {
        let agents: Vec<Agent> = lock(&self.under_way)
            .values()
            .filter(|(owner, _)| *owner == plugin)
            .map(|(_, agent)| agent.clone())
            .collect();
        for agent in agents {
            agent.shutdown();
        }
    }

    /// Makes the request, and follows where it leads.
    pub(super) fn fetch(
        &self,
        plugin: PluginId,
        mut fetch: Fetch,
        until: Instant,
        may_follow: &MayFollow<'_>,
    ) -> Result<Answered, Trouble> {
        for _ in 0..=REDIRECTS_MAX {
            let addresses = self.names.reach(&fetch.target, until.min(Instant::now() + RESOLVE_MAX))?;
            let agent = agent(addresses);
            let _under_way = self.enter(plugin, &agent);
            let response = exchange(&agent, &fetch, until)?;
            let status = response.status().as_u16();
            let Some(to) = redirection(&fetch.url, &response) else {
                return Ok(answered(i32::from(status), read(response, &fetch.url)?));
            };
            let from = named(&fetch.url);
            let to = to.map_err(|why| {
                Trouble::new(PADGATE_FAILED, format!("{from} redirects to what can't be followed: {why}"))
            })?;
            if fetch.url.scheme() == "https" && to.scheme() == "http" {
                let why = format!("{from} redirects from https to http, which is not followed");
                return Err(Trouble::new(PADGATE_REFUSED, why));
            }
            fetch.redirect(status, &to);
            let (url, target) = may_follow(fetch.method.as_str(), to.as_str()).map_err(|why| {
                Trouble::new(PADGATE_REFUSED, format!("{from} redirects to {}, and {why}", named(&to)))
            })?;
            fetch.url = checked(url, &target).map_err(|why| Trouble::new(PADGATE_FAILED, why))?;
            fetch.target = target;
        }
        let why = format!("more than {REDIRECTS_MAX} redirects, the last from {}", named(&fetch.url));
        Err(Trouble::new(PADGATE_FAILED, why))
    }

    fn enter(&self, plugin: PluginId, agent: &Agent) -> UnderWay<'_> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        lock(&self.under_way).insert(number, (plugin, agent.clone()));
        UnderWay { http: self, number }
    }
}

/// Keeps a request among those that are under way.
struct UnderWay<'a> {
    http: &'a Http,
    number: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        lock(&self.http.under_way).remove(&self.number);
    }
}

/// An agent for one exchange, which connects to these addresses and no others.
fn agent(addresses: Vec<SocketAddr>) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .no_delay(true)
        .user_agent(concat!("padgate/", env!("CARGO_PKG_VERSION")))
        .max_response_header_size(HEADERS_BYTES_MAX)
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Pinned(addresses))
}

/// What the name stands for, found before.
#[derive(Debug)]
struct Pinned(Vec<SocketAddr>);

impl ureq::unversioned::resolver::Resolver for Pinned {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        for address in &self.0 {
            addresses.push(*address);
        }
        Ok(addresses)
    }
}

/// One request and the beginning of its answer.
fn exchange(agent: &Agent, fetch: &Fetch, until: Instant) -> Result<Response<Body>, Trouble> {
    let left = until.saturating_duration_since(Instant::now());
    if left == Duration::ZERO {
        return Err(too_slow(&fetch.url));
    }
    let mut request = Request::builder().method(fetch.method.clone()).uri(fetch.url.as_str());
    if let Some(headers) = request.headers_mut() {
        headers.clone_from(&fetch.headers);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // A POST without a body says so; a GET says nothing.
    let says_length = matches!(fetch.method, Method::POST | Method::PUT | Method::PATCH);
    let result = if says_length || !fetch.body.is_empty() {
        run(agent, request.body(fetch.body.as_slice()), left)
    } else {
        run(agent, request.body(SendBody::none()), left)
    };
    result.map_err(|error| trouble(&fetch.url, error))
}

fn run(
    agent: &Agent,
    request: Result<Request<impl ureq::AsSendBody>, ureq::http::Error>,
    left: Duration,
) -> Result<Response<Body>, ureq::Error> {
    let request = agent
        .configure_request(request?)
        .timeout_global(Some(left))
        .timeout_connect(Some(left.min(CONNECT_MAX)))
        .build();
    agent.run(request)
}

/// Where the answer sends to, if it does.
fn redirection(from: &Url, response: &Response<Body>) -> Option<Result<Url, String>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
    Some(from.join(&location).map_err(|error| format!("{location:?}: {error}")).and_then(|to| {
        match to.scheme() {
            "http" | "https" => Ok(to),
            other => Err(format!("only http and https can be fetched, not {other}")),
        }
    }))
}

/// The beginning of the body.
fn read(response: Response<Body>, url: &Url) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let mut reader = response.into_body().into_reader().take(BODY_BYTES_MAX as u64);
    reader.read_to_end(&mut body).map_err(|error| trouble(url, ureq::Error::from(error)))?;
    Ok(body)
}

fn too_slow(url: &Url) -> Trouble {
    Trouble::new(PADGATE_TIMEOUT, format!("{} does not answer in time: is it busy, or far away?", named(url)))
}

/// What went wrong, in words.
fn trouble(url: &Url, error: ureq::Error) -> Trouble {
    use std::io::ErrorKind;
    let at = named(url);
    let failed = |why: String| Trouble::new(PADGATE_FAILED, why);
    match error {
        ureq::Error::Timeout(_) => too_slow(url),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                failed(format!("{at} closed the connection in the middle of its answer"))
            }
            ErrorKind::NotConnected => failed(format!("the connection to {at} was ended")),
            ErrorKind::InvalidData => failed(format!("no secure connection to {at}: {error}")),
            _ => refusal(url.host_str().unwrap_or_default(), port(url), &error),
        },
        ureq::Error::LargeResponseHeader(..) => {
            Trouble::new(PADGATE_LIMIT, format!("{at} sends headers of more than {HEADERS_BYTES_MAX} bytes"))
        }
        ureq::Error::Protocol(error) => failed(format!("{at} does not speak HTTP as it should: {error}")),
        ureq::Error::Rustls(error) => failed(format!("no secure connection to {at}: {error}")),
        ureq::Error::Tls(error) => failed(format!("no secure connection to {at}: {error}")),
        ureq::Error::Http(error) => Trouble::invalid(format!("that can't be sent to {at}: {error}")),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
            Trouble::unavailable(format!("can't connect to {at}"))
        }
        other => failed(format!("{at}: {other}")),
    }
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// Host and port, for a sentence.
fn named(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), port(url))
}
