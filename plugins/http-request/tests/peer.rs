//! Requests of the plugin, made by a real client to a real server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use http_request::HttpRequests;
use padgate_plugin::json::{Value, json};
use padgate_plugin::test::{Asked, Kit, Service, Touch};
use padgate_plugin::{Error, ErrorKind, HttpRequest, HttpResponse};

const MANIFEST: &str = include_str!("../plugin.toml");
const PAGE: &str = include_str!("../../../docs/src/plugins/http-request.md");
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server received.
#[derive(Debug)]
struct Got {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A server that gives each connection one answer, in order, and tells what it got.
fn server(answers: &[&'static str]) -> (SocketAddr, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (sender, receiver) = sync_channel(answers.len());
    let answers = answers.to_vec();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().expect("a client comes");
            let mut reader = BufReader::new(&stream);
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line comes");
                match line.trim_end() {
                    "" => break,
                    line => lines.push(line.to_owned()),
                }
            }
            let headers: Vec<(String, String)> = lines[1..]
                .iter()
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let mut body =
                vec![0; length.map_or(0, |(_, value)| value.parse().expect("a length is a number"))];
            reader.read_exact(&mut body).expect("the body comes");
            let body = String::from_utf8(body).expect("the body is text");
            sender.send(Got { line: lines[0].clone(), headers, body }).expect("the test waits");
            (&stream).write_all(answer.as_bytes()).expect("the client waits");
        }
    });
    (address, receiver)
}

/// Makes a request as the daemon does.
fn really(request: &HttpRequest) -> Result<HttpResponse, Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let mut made = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
    for (name, value) in &request.headers {
        made = made.header(name, value);
    }
    let failed = |error: ureq::Error| Error::unavailable(error.to_string());
    let answer = if request.body.is_empty() {
        agent.run(made.body(()).expect("a good request"))
    } else {
        agent.run(made.body(request.body.clone()).expect("a good request"))
    };
    let mut answer = answer.map_err(failed)?;
    Ok(HttpResponse::new(answer.status().as_u16(), answer.body_mut().read_to_vec().map_err(failed)?))
}

fn kit() -> Kit<HttpRequests> {
    let mut kit = Kit::new();
    kit.answer_http(really);
    kit
}

fn pad() -> Touch {
    Touch::note(36, 64).channel(9)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

#[test]
fn a_press_arrives_at_the_server_with_its_values() {
    let (address, got) = server(&[OK]);
    let mut kit = kit();
    let parameters = json!({
        "method": "POST",
        "url": format!("http://{address}/scene/{{note}}?level={{value}}"),
        "headers": { "X-Velocity": "v{velocity}", "Authorization": "Bearer a b" },
        "json": { "pad": "{note}", "text": "{note} on {channel}", "fixed": [true, null, 1.5], "raw": "{raw}" },
        "timeout": "4s",
    });
    let request = kit.prepare("request", parameters).unwrap();
    kit.tap(request, pad()).unwrap();
    let got = got.recv_timeout(PATIENCE).unwrap();
    assert_eq!(got.line, "POST /scene/36?level=0.5039 HTTP/1.1");
    assert_eq!(got.header("x-velocity"), Some("v64"));
    assert_eq!(got.header("authorization"), Some("Bearer a b"));
    assert_eq!(got.header("content-type"), Some("application/json"));
    let body: Value = padgate_plugin::json::from_str(&got.body).unwrap();
    assert_eq!(body, json!({ "pad": 36, "text": "36 on 10", "fixed": [true, null, 1.5], "raw": 64 }));
}

#[test]
fn a_text_is_sent_as_it_is_and_a_get_without_a_body() {
    let (address, got) = server(&[OK, OK]);
    let mut kit = kit();
    let url = format!("http://{address}/");
    let parameters = json!({ "method": "PUT", "url": url, "body": "{percent} % {{}}", "timeout": "4s" });
    let put = kit.prepare("request", parameters).unwrap();
    kit.change(put, Touch::controller(7, 127)).unwrap();
    let arrived = got.recv_timeout(PATIENCE).unwrap();
    assert_eq!((arrived.line.as_str(), arrived.body.as_str()), ("PUT / HTTP/1.1", "100 % {}"));

    let get = kit.prepare("request", json!({ "url": url })).unwrap();
    kit.tap(get, pad()).unwrap();
    let arrived = got.recv_timeout(PATIENCE).unwrap();
    assert_eq!((arrived.line.as_str(), arrived.body.as_str()), ("GET / HTTP/1.1", ""));
}

#[test]
fn an_unexpected_status_fails_with_the_first_line_of_the_answer_and_without_secrets() {
    const NO: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 24\r\nConnection: close\r\n\r\n\n  no such\u{7} lamp\nat all\n";
    let (address, _got) = server(&[NO, NO, OK]);
    let mut kit = kit();
    let url = format!("http://{address}/lamp?token=secret");
    let strict = kit.prepare("request", json!({ "url": url })).unwrap();
    let wrong = kit.tap(strict, pad()).unwrap_err();
    assert_eq!(wrong.text(), format!("GET http://{address}/lamp was answered with 404: no such lamp"));
    let relaxed = kit.prepare("request", json!({ "url": url, "expect": [404, 410] })).unwrap();
    kit.tap(relaxed, pad()).unwrap();
    let wrong = kit.tap(relaxed, pad()).unwrap_err();
    assert_eq!(wrong.text(), format!("GET http://{address}/lamp was answered with 200: ok"));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    // Bound and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut kit = kit();
    let get = kit.prepare("request", json!({ "url": format!("http://u:p@{address}/x?y") })).unwrap();
    let wrong = kit.tap(get, pad()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Unavailable);
    assert!(wrong.text().starts_with(&format!("GET http://{address}/x: ")), "{wrong}");
}

#[test]
fn the_timeout_ends_before_the_deadline_and_a_refusal_keeps_its_kind() {
    let mut kit = Kit::<HttpRequests>::new();
    kit.answer_http(|_| Ok(HttpResponse::new(200, "")));
    let long = kit.prepare("request", json!({ "url": "http://h/", "timeout": "4.5s" })).unwrap();
    let short = kit.prepare("request", json!({ "url": "http://h/", "timeout": "20ms" })).unwrap();
    kit.tap(long, pad()).unwrap();
    kit.tap(short, pad()).unwrap();
    let millis = Duration::from_millis;
    let get = HttpRequest::get("http://h/");
    let expected = [Asked::Http(get.clone().timeout(millis(4500))), Asked::Http(get.timeout(millis(20)))];
    assert_eq!(kit.asked(), expected);
    kit.refuse(Service::Http);
    assert_eq!(kit.tap(short, pad()).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn a_release_makes_no_request() {
    let mut kit = Kit::<HttpRequests>::new();
    kit.answer_http(|_| Ok(HttpResponse::new(204, "")));
    let get = kit.prepare("request", json!({ "url": "http://h/" })).unwrap();
    kit.press(get, pad()).unwrap();
    kit.release(get).unwrap();
    assert_eq!(kit.asked().len(), 1);
}

#[test]
fn mistakes_are_found_when_the_configuration_is_loaded() {
    let mut kit = Kit::<HttpRequests>::new();
    for (parameters, said) in [
        (json!({}), "missing field `url`"),
        (json!({ "url": "localhost/x" }), "it must begin with http://"),
        (json!({ "url": "http:///x" }), "the host must be there"),
        (json!({ "url": "http://{note}/" }), "the host must be there"),
        (json!({ "url": "http://h/{nte}" }), "\"url\": there is no {nte}"),
        (json!({ "url": "http://h/", "method": "get" }), "\"get\" is none of GET, HEAD"),
        (json!({ "url": "http://h/", "header": {} }), "unknown field `header`"),
        (json!({ "url": "http://h/", "headers": { "a b": "" } }), "\"a b\" is not the name of a header"),
        (json!({ "url": "http://h/", "headers": { "a": "b\r\nc: d" } }), "the value of a has a line break"),
        (json!({ "url": "http://h/", "headers": { "a": "{x}" } }), "\"headers\": a: there is no {x}"),
        (json!({ "url": "http://h/", "json": ["{x}"], "method": "POST" }), "\"json\": there is no {x}"),
        (json!({ "url": "http://h/", "json": 1, "body": "" }), "a request has one body"),
        (json!({ "url": "http://h/", "body": "x" }), "a GET has no body"),
        (json!({ "url": "http://h/", "expect": [99] }), "99 is no HTTP status"),
        (json!({ "url": "http://h/", "timeout": "5s" }), "at most 4.5s"),
        (json!({ "url": "http://h/", "timeout": "2" }), "\"timeout\": \"2\" is not a duration"),
    ] {
        let wrong = kit.prepare("request", parameters.clone()).expect_err(&parameters.to_string());
        assert!(wrong.text().contains(said), "{parameters}: {wrong}");
    }
}

#[test]
fn a_press_that_lacks_what_is_wanted_says_so() {
    let mut kit = Kit::<HttpRequests>::new();
    let get = kit.prepare("request", json!({ "url": "http://h/{controller}" })).unwrap();
    let wrong = kit.tap(get, pad()).unwrap_err();
    assert!(wrong.text().contains("has no controller"), "{wrong}");
    assert_eq!(kit.asked(), [], "nothing was asked for");
}

#[test]
fn the_manifest_and_the_page_fit_the_plugin() {
    assert!(Kit::<HttpRequests>::new().prepare_page(MANIFEST, PAGE).unwrap().len() >= 3);
}
