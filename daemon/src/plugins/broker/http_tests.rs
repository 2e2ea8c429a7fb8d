//! HTTP requests against servers on this machine: good ones, slow ones, broken ones, and ones that send elsewhere.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use padgate_plugin_abi::{
    PADGATE_FAILED, PADGATE_INVALID, PADGATE_LIMIT, PADGATE_REFUSED, PADGATE_TIMEOUT, PADGATE_UNAVAILABLE,
};

use url::Url;

use super::http::{Fetch, Http, REDIRECTS_MAX};
use super::resolve::Resolver;
use super::tests_kit::{DEADLINE, all_rights, gate, target, web};
use super::{Answered, BODY_BYTES_MAX, Trouble};
use crate::lock::lock;
use crate::plugins::gate::Target;
use crate::plugins::part::PluginId;

/// One request as a server got it: its first line and headers, and its body.
type Got = (Vec<String>, Vec<u8>);

/// A server that answers each connection with what `answer` writes, and tells what it was asked.
struct Server {
    port: u16,
    got: Receiver<Got>,
}

impl Server {
    fn start(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, got) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&stream) else { continue };
                let path = request.0[0].split(' ').nth(1).unwrap_or_default().to_owned();
                let _ = sender.send(request);
                answer(&path, &mut stream);
            }
        });
        Server { port, got }
    }

    /// One that answers so, and closes.
    fn saying(text: impl Into<String>) -> Server {
        let text = text.into();
        Server::start(move |_, stream| {
            let _ = stream.write_all(text.as_bytes());
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn got(&self) -> Got {
        self.got.recv_timeout(DEADLINE).expect("a request in time")
    }
}

fn read_request(stream: &TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length =
        head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn to(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

fn http() -> Http {
    Http::new(Arc::new(Resolver::default()))
}

fn soon() -> Instant {
    Instant::now() + DEADLINE
}

fn read(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Fetch, Trouble> {
    let (url, target) = web(&gate(&all_rights()), method, url).map_err(Trouble::invalid)?;
    Fetch::read(method, url, target, headers, body)
}

fn follow(method: &str, url: &str) -> Result<(Url, Target), String> {
    web(&gate(&all_rights()), method, url)
}

fn fetch(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answered, Trouble> {
    http().fetch(PluginId(1), read(method, url, headers, body)?, soon(), &follow)
}

fn has(got: &Got, line: &str) -> bool {
    got.0.iter().any(|header| header.eq_ignore_ascii_case(line))
}

fn names(got: &Got, header: &str) -> usize {
    let wanted = format!("{}:", header.to_lowercase());
    got.0.iter().filter(|line| line.to_lowercase().starts_with(&wanted)).count()
}

#[test]
fn a_request_arrives_as_it_was_asked_for() {
    let server = Server::saying("HTTP/1.1 404 No\r\nContent-Length: 4\r\nSet-Cookie: a=b\r\n\r\ngone");
    let answered =
        fetch("POST", &server.url("/a?b=c#d"), &[("X-One", "1"), ("X-One", "2")], b"{\"a\":1}").unwrap();
    assert_eq!((answered.code, answered.body.as_slice()), (404, &b"gone"[..]));
    let got = server.got();
    assert_eq!(got.0[0], "POST /a?b=c HTTP/1.1");
    assert!(has(&got, &format!("host: 127.0.0.1:{}", server.port)), "{got:?}");
    assert!(has(&got, "x-one: 1") && has(&got, "x-one: 2") && has(&got, "content-length: 7"), "{got:?}");
    assert_eq!((names(&got, "host"), names(&got, "user-agent")), (1, 1));
    assert_eq!(got.1, b"{\"a\":1}");
    fetch("GET", &server.url("/"), &[("User-Agent", "mine")], b"").unwrap();
    let got = server.got();
    assert!(has(&got, "user-agent: mine"), "{got:?}");
    assert_eq!((names(&got, "cookie"), names(&got, "content-length")), (0, 0), "{got:?}");
    fetch("PUT", &server.url("/"), &[], b"").unwrap();
    assert!(has(&server.got(), "content-length: 0"));
}

#[test]
fn what_can_not_be_asked_is_said() {
    let bad = |method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]| {
        let trouble = read(method, url, headers, body).unwrap_err();
        assert_eq!(trouble.status, PADGATE_INVALID, "{}", trouble.why);
    };
    for method in ["CONNECT", "TRACE", "get", "", "GET / HTTP/1.1\r\nX: y"] {
        bad(method, "http://localhost/", &[], b"");
    }
    for url in ["", "localhost", "ftp://localhost/", "file:///etc/passwd", "http://", "unix:/x"] {
        bad("GET", url, &[], b"");
    }
    let headers =
        [("Host", "other"), ("content-length", "0"), ("Transfer-Encoding", "chunked"), ("Upgrade", "x")];
    let broken = [("A", "b\r\nC: d"), ("A\r\nB", "c"), ("A B", "c"), ("", "c"), ("A", "b\0")];
    for header in headers.into_iter().chain(broken) {
        bad("GET", "http://localhost/", &[header], b"");
    }
    bad("HEAD", "http://localhost/", &[], b"x");
}

#[test]
fn what_is_connected_to_is_what_the_gate_looked_at() {
    // What two readers of a URL could understand differently.
    for url in ["http://granted.invalid\\@127.0.0.1/", "http://granted.invalid#@127.0.0.1/"] {
        let trouble = fetch("GET", url, &[], b"").unwrap_err();
        assert!(trouble.why.contains("no host granted.invalid"), "{url}: {}", trouble.why);
    }
    // A URL and a target that do not belong together are no permit.
    let url = Url::parse("http://127.0.0.1:1/").unwrap();
    for target in [target("127.0.0.1", 2), target("localhost", 1)] {
        let trouble = Fetch::read("GET", url.clone(), target, &[], b"").unwrap_err();
        assert_eq!(trouble.status, PADGATE_INVALID);
    }
    let server = Server::saying(ok("six"));
    let answered = fetch("GET", &format!("http://localhost:{}/", server.port), &[], b"").unwrap();
    assert_eq!(answered.body, b"six");
    assert!(has(&server.got(), &format!("host: localhost:{}", server.port)));
}

#[test]
fn a_long_answer_is_cut_off() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        // For ever, as far as a client is concerned.
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let answered = fetch("GET", &server.url("/"), &[], b"").unwrap();
    assert_eq!(answered.body, vec![b'x'; BODY_BYTES_MAX]);
}

#[test]
fn servers_that_hang_or_drip_cost_no_more_than_their_time() {
    let silent = Server::start(|_, stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let drip = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    // One that takes the connection and never answers at all.
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    let never = format!("http://{}/", full.local_addr().unwrap());
    for url in [silent.url("/"), drip.url("/"), never] {
        let fetch = read("GET", &url, &[], b"").unwrap();
        let until = Instant::now() + Duration::from_millis(150);
        let trouble = http().fetch(PluginId(1), fetch, until, &follow).unwrap_err();
        assert_eq!(trouble.status, PADGATE_TIMEOUT, "{}", trouble.why);
        assert!(trouble.why.contains("does not answer in time"), "{}", trouble.why);
    }
}

#[test]
fn broken_servers_are_said() {
    let trouble = |server: Server| fetch("GET", &server.url("/"), &[], b"").unwrap_err();
    let garbage = trouble(Server::saying("\0\u{1}garbage\r\n\r\n"));
    assert_eq!(garbage.status, PADGATE_FAILED, "{}", garbage.why);
    let short = trouble(Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
    assert_eq!(short.status, PADGATE_FAILED);
    assert!(short.why.contains("in the middle"), "{}", short.why);
    assert_eq!(trouble(Server::saying("")).status, PADGATE_FAILED);
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert_eq!(trouble(Server::saying(large)).status, PADGATE_LIMIT);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = fetch("GET", &format!("http://{closed}/"), &[], b"").unwrap_err();
    assert_eq!(refused.status, PADGATE_UNAVAILABLE);
    let expected = format!("can't connect to {closed}: connection refused: is the server running?");
    assert_eq!(refused.why, expected);
    let unknown = fetch("GET", "http://no-such-host.invalid/", &[], b"").unwrap_err();
    assert_eq!(unknown.status, PADGATE_UNAVAILABLE);
    assert!(unknown.why.contains("no-such-host.invalid"), "{}", unknown.why);
    let plain = Server::saying(ok("no TLS here"));
    let url = plain.url("/").replace("http:", "https:");
    let trouble = fetch("GET", &url, &[], b"").unwrap_err();
    assert_eq!(trouble.status, PADGATE_FAILED, "{}", trouble.why);
}

#[test]
fn redirects_ask_again_and_leave_credentials_behind() {
    let there = Server::saying(ok("there"));
    let there_url = there.url("/end");
    let here = Server::start(move |path, stream| {
        let answer = match path {
            "/303" => to(303, "/next"),
            "/307" => to(307, "next"),
            "/next" => ok("next"),
            _ => to(302, &there_url),
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let asked = Mutex::new(Vec::new());
    let go = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        let fetch = read(method, &here.url(path), headers, body).unwrap();
        let may_follow = |method: &str, url: &str| {
            lock(&asked).push(format!("{method} {url}"));
            follow(method, url)
        };
        String::from_utf8(http().fetch(PluginId(1), fetch, soon(), &may_follow).unwrap().body).unwrap()
    };
    let secret =
        [("Authorization", "Bearer x"), ("Cookie", "a=b"), ("Content-Type", "text/plain"), ("X", "y")];
    assert_eq!(go("POST", "/303", &secret, b"body"), "next");
    here.got();
    let second = here.got();
    assert_eq!((second.0[0].as_str(), second.1.as_slice()), ("GET /next HTTP/1.1", &b""[..]));
    assert!(has(&second, "authorization: Bearer x") && names(&second, "content-type") == 0, "{second:?}");
    assert_eq!(go("POST", "/307", &secret, b"body"), "next");
    here.got();
    assert_eq!(here.got().1, b"body");
    assert_eq!(go("GET", "/away", &secret, b""), "there");
    let third = there.got();
    assert_eq!((names(&third, "authorization"), names(&third, "cookie")), (0, 0), "{third:?}");
    assert!(has(&third, "x: y"), "{third:?}");
    let (next, end) = (here.url("/next"), there.url("/end"));
    assert_eq!(*lock(&asked), [format!("GET {next}"), format!("POST {next}"), format!("GET {end}")]);
}

#[test]
fn redirects_that_may_not_be_are_not_followed() {
    let secret = Server::saying(ok("secret"));
    let hop = Server::saying(to(302, &secret.url("/")));
    let fetched = read("GET", &hop.url("/"), &[], b"").unwrap();
    let refuse = |_: &str, _: &str| Err("the plugin may not reach that host".to_owned());
    let trouble = http().fetch(PluginId(1), fetched, soon(), &refuse).unwrap_err();
    assert_eq!(trouble.status, PADGATE_REFUSED);
    assert!(trouble.why.contains(&secret.port.to_string()), "{}", trouble.why);
    assert!(secret.got.try_recv().is_err(), "nothing reached it");
    let endless = Server::saying(to(301, "/again"));
    let trouble = fetch("GET", &endless.url("/"), &[], b"").unwrap_err();
    assert_eq!(trouble.status, PADGATE_FAILED);
    assert_eq!(endless.got.try_iter().count(), REDIRECTS_MAX + 1);
    for location in ["file:///etc/passwd", "http://", "gopher://x"] {
        let trouble = fetch("GET", &Server::saying(to(302, location)).url("/"), &[], b"").unwrap_err();
        assert_eq!(trouble.status, PADGATE_FAILED, "{}", trouble.why);
    }
    let answered = fetch("GET", &Server::saying("HTTP/1.1 304 Same\r\n\r\n").url("/"), &[], b"").unwrap();
    assert_eq!(answered.code, 304, "what leads nowhere is an answer");
}
