//! The server over a real socket, with a daemon that has no devices.

#[path = "server_fake.rs"]
mod fake;

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use padgate_ipc::event::{Event, Topic};
use padgate_ipc::method::{
    Audit, DisablePlugin, Empty, EnablePlugin, ExplainParams, GetPlugin, GetStatus, GrantPlugin, LoadPlugin,
    Play, PlayParams, PluginLogs, Press, PressParams, ReloadPlugin, UnloadPlugin,
};
use padgate_ipc::plugin::{AuditParams, GrantParams, LOG_LINES_MAX, LogsParams, PluginParams, Tie};
use padgate_ipc::{Client, ClientError, ErrorCode};
use serde_json::json;

use super::CLIENTS_MAX;
use crate::ipc::socket::Claim;
use fake::{PATIENCE, Raw, Running};

const HELLO: &str =
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"hello\",\"params\":{\"protocol\":{\"major\":1}}}\n";

#[test]
fn calls_are_answered_and_errors_are_told() {
    let server = Running::start();
    let mut client = server.client();
    assert_eq!(client.hello().pid, std::process::id());
    let status = client.call::<GetStatus>(&Empty {}).unwrap();
    assert_eq!((status.version.as_str(), status.clients), ("fake", 1));
    let error = client.call::<padgate_ipc::method::Explain>(&ExplainParams::default()).unwrap_err();
    assert!(matches!(&error, ClientError::Refused(error) if error.kind() == ErrorCode::NotFound), "{error}");
    let error = client.call::<padgate_ipc::method::GetDevices>(&Empty {}).unwrap_err();
    assert!(matches!(&error, ClientError::Refused(error) if error.kind() == ErrorCode::Internal), "{error}");
    let played = client.call::<Play>(&PlayParams { path: "/a.mid".into(), ..PlayParams::default() }).unwrap();
    assert_eq!(played.played, 2);
    assert_eq!(client.next_event(Some(PATIENCE)).unwrap(), Some(Event::Play { played: 1, total: 2 }));
}

#[test]
fn every_method_of_the_protocol_is_known() {
    let server = Running::start();
    let mut raw = Raw::connect(&server.path);
    raw.say(HELLO);
    raw.hear();
    for method in padgate_ipc::method::NAMES.iter().filter(|method| **method != "hello") {
        raw.say(&(json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string() + "\n"));
        let answer = raw.hear();
        assert_ne!(answer["error"]["code"], json!(ErrorCode::MethodNotFound.number()), "{method}: {answer}");
    }
}

#[test]
fn garbage_is_answered_and_does_no_harm() {
    let server = Running::start();
    let mut raw = Raw::connect(&server.path);
    raw.say("\n\r\n  \nhello?\n\0\0\n");
    assert_eq!(raw.error(), ErrorCode::Parse);
    assert_eq!(raw.error(), ErrorCode::Parse);
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n");
    assert_eq!(raw.error(), ErrorCode::HelloRequired);
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"protocol\":{\"major\":2}}}\n");
    assert_eq!(raw.error(), ErrorCode::ProtocolVersion);
    raw.say(HELLO);
    assert_eq!(raw.hear()["result"]["protocol"]["major"], json!(1));
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"statu");
    raw.say("s\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"plugin.dance\"}\n");
    assert_eq!(raw.hear()["result"]["version"], json!("fake"), "a line may come in pieces");
    assert_eq!(raw.error(), ErrorCode::MethodNotFound);
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"press\",\"params\":{}}\n");
    assert_eq!(raw.error(), ErrorCode::InvalidParams);
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"subscribe\",\"params\":{\"topics\":[\"dreams\"]}}\n");
    assert_eq!(raw.error(), ErrorCode::InvalidParams);
    raw.say("{\"jsonrpc\":\"2.0\",\"method\":\"status\"}\n{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"status\"}\n");
    assert_eq!(raw.hear()["id"], json!("x"), "what has no id gets no answer");
}

#[test]
fn plugins_are_asked_for_by_name_and_answers_fit_into_a_line() {
    let server = Running::start();
    let mut client = server.client();
    assert!(client.hello().features.iter().any(|feature| feature == "plugins"));
    let obs = PluginParams { plugin: "obs".into() };
    client.call::<EnablePlugin>(&obs).unwrap();
    client.call::<DisablePlugin>(&obs).unwrap();
    client.call::<LoadPlugin>(&obs).unwrap();
    client.call::<UnloadPlugin>(&obs).unwrap();
    client.call::<ReloadPlugin>(&obs).unwrap();
    for expected in ["enable obs", "disable obs", "load obs", "unload obs", "reload obs"] {
        assert_eq!(server.heard(), expected);
    }
    let error = client.call::<GetPlugin>(&obs).unwrap_err();
    assert!(matches!(&error, ClientError::Refused(error) if error.kind() == ErrorCode::NotFound), "{error}");
    let asked = LogsParams { plugin: "obs".into(), lines: u32::MAX };
    let lines = client.call::<PluginLogs>(&asked).unwrap().lines;
    assert_eq!(lines.last().unwrap().sequence, u64::from(LOG_LINES_MAX), "the newest is there");
    assert!((100..LOG_LINES_MAX as usize).contains(&lines.len()), "the oldest are not: {}", lines.len());
    let entries = client.call::<Audit>(&AuditParams { plugin: None, entries: 3 }).unwrap().entries;
    assert_eq!(entries.len(), 3);
}

#[test]
fn nothing_is_granted_that_nobody_was_shown() {
    let server = Running::start();
    let mut client = server.client();
    let mut refused = |params: &GrantParams| match client.call::<GrantPlugin>(params) {
        Err(ClientError::Refused(error)) => error.kind(),
        other => panic!("{other:?}"),
    };
    let blind = GrantParams { plugin: "obs".into(), ..GrantParams::default() };
    assert_eq!(refused(&blind), ErrorCode::InvalidParams, "no confirmation");
    let odd = GrantParams { tie: Tie::Unknown, dry_run: true, ..blind.clone() };
    assert_eq!(refused(&odd), ErrorCode::InvalidParams, "a tie that is not known");
    let nothing = GrantParams { rights: Some(Vec::new()), dry_run: true, ..blind.clone() };
    assert_eq!(refused(&nothing), ErrorCode::InvalidParams, "no rights");
    assert!(server.log.try_recv().is_err(), "the daemon was not even asked");
    let dry = client.call::<GrantPlugin>(&GrantParams { dry_run: true, ..blind.clone() }).unwrap();
    let seen = GrantParams { confirm: Some(dry.confirm), ..blind };
    assert!(!dry.done && client.call::<GrantPlugin>(&seen).unwrap().done);
    assert_eq!(server.heard(), "grant obs None dry true");
    assert_eq!(server.heard(), "grant obs Some(\"\") dry false");
}

#[test]
fn half_a_line_at_the_end_is_not_carried_out() {
    let server = Running::start();
    let mut raw = Raw::connect(&server.path);
    raw.say(HELLO);
    raw.hear();
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"press\",\"params\":{\"control\":\"C1\"}}");
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(raw.is_closed());
    server.client().call::<GetStatus>(&Empty {}).unwrap();
    assert!(server.log.try_recv().is_err(), "nothing was pressed");
}

#[test]
fn a_hundred_megabytes_in_one_line_are_refused() {
    let server = Running::start();
    let mut raw = Raw::connect(&server.path);
    raw.say(HELLO);
    raw.hear();
    let mut writer = raw.stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        let piece = vec![b'x'; 1 << 20];
        (0..100).take_while(|_| writer.write_all(&piece).is_ok()).count()
    });
    assert_eq!(raw.error(), ErrorCode::LineTooLong);
    assert!(raw.is_closed());
    assert!(writing.join().unwrap() < 100, "most of it is not even read");
    server.client().call::<GetStatus>(&Empty {}).expect("the others are served as before");
}

#[test]
fn who_says_nothing_is_disconnected_and_who_said_hello_is_not() {
    let server = Running::start();
    let mut greeted = server.client();
    let mut silent = Raw::connect(&server.path);
    let mut half = Raw::connect(&server.path);
    half.say("{\"jsonrpc\":");
    assert_eq!(silent.error(), ErrorCode::HelloTimeout);
    assert!(silent.is_closed());
    assert_eq!(half.error(), ErrorCode::HelloTimeout, "half a line is not enough");
    greeted.call::<GetStatus>(&Empty {}).expect("idling is allowed");
}

#[test]
fn a_thousand_clients_are_too_many() {
    let server = Running::start();
    let admitted: Vec<Client> = (0..CLIENTS_MAX).map(|_| server.client()).collect();
    for _ in CLIENTS_MAX..1000 {
        let mut raw = Raw::connect(&server.path);
        assert_eq!(raw.error(), ErrorCode::TooManyClients);
        assert!(raw.is_closed());
    }
    let error = Client::connect_to(&server.path, "late").unwrap_err();
    assert!(
        matches!(&error, ClientError::Refused(error) if error.kind() == ErrorCode::TooManyClients),
        "{error}"
    );
    drop(admitted);
    let deadline = Instant::now() + PATIENCE;
    while Client::connect_to(&server.path, "later").is_err() {
        assert!(Instant::now() < deadline, "the places become free");
        std::thread::yield_now();
    }
}

#[test]
fn a_subscriber_hears_and_a_slow_one_is_disconnected() {
    let server = Running::start();
    let mut client = server.client();
    client.subscribe(&[Topic::Events]).unwrap();
    assert_eq!(server.heard(), "Events true");
    let mut slow = Raw::connect(&server.path);
    slow.say(HELLO);
    slow.hear();
    slow.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":{\"topics\":[\"input\"]}}\n");
    slow.hear();
    assert_eq!(server.heard(), "Input true");
    server.hub.publish(Topic::Events, &Event::Missed { count: 7 });
    assert_eq!(client.next_event(Some(PATIENCE)).unwrap(), Some(Event::Missed { count: 7 }));
    let deadline = Instant::now() + PATIENCE;
    while server.hub.wants(Topic::Input) {
        assert!(Instant::now() < deadline, "it is disconnected");
        server.hub.publish(Topic::Input, &Event::Missed { count: 1 });
    }
    assert_eq!(server.heard(), "Input false");
    client.call::<GetStatus>(&Empty {}).expect("the others are served as before");
    drop(client);
    assert_eq!(server.heard(), "Events false", "who leaves has no subscriptions");
}

#[test]
fn leaving_ends_a_press_that_is_held() {
    let server = Running::start();
    let mut raw = Raw::connect(&server.path);
    raw.say(HELLO);
    raw.hear();
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"press\",\"params\":{\"control\":\"C1\",\"hold_ms\":60000}}\n");
    assert_eq!(server.heard(), "down");
    drop(raw);
    assert_eq!(server.heard(), "up early");
    let held = PressParams { control: Some("C1".parse().unwrap()), hold_ms: 1, ..PressParams::default() };
    server.client().call::<Press>(&held).unwrap();
    assert_eq!((server.heard().as_str(), server.heard().as_str()), ("down", "up"));
}

#[test]
fn the_end_of_the_server_ends_a_press_that_is_held() {
    let mut server = Running::start();
    let mut raw = Raw::connect(&server.path);
    raw.say(HELLO);
    raw.hear();
    raw.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"press\",\"params\":{\"control\":\"C1\",\"hold_ms\":60000}}\n");
    assert_eq!(server.heard(), "down");
    drop(server.stop.take());
    assert_eq!(server.heard(), "up early");
}

#[test]
fn the_socket_is_private_and_a_stale_one_is_replaced() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = Running::start();
    let mode = std::fs::metadata(&server.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ctl.sock");
    // A listener that is dropped leaves its file behind, as a killed daemon does.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(matches!(Client::connect_to(&path, "test"), Err(ClientError::NotRunning)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Claim::take(&path).unwrap().listen().unwrap() });
}

#[test]
fn another_user_is_refused() {
    if padgate_ipc::address::user() != 0 {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    let Some(python) = ["/usr/bin/python3", "/usr/bin/perl"].iter().find(|path| Path::new(path).exists())
    else {
        eprintln!("skipped: neither python3 nor perl is here to connect as another user");
        return;
    };
    let server = Running::start();
    open_up(&server.path);
    let script = if python.ends_with("perl") {
        "use Socket; socket(S,AF_UNIX,SOCK_STREAM,0); connect(S,sockaddr_un($ARGV[0])) or die; print scalar <S>"
    } else {
        "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.makefile().readline())"
    };
    let flag = if python.ends_with("perl") { "-e" } else { "-c" };
    let output = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", python, flag, script])
        .arg(&server.path)
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: setpriv is not here to act as another user");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&ErrorCode::Forbidden.number().to_string()), "{said} {output:?}");
}

/// Lets everybody reach the socket, so that only the check of who it is stands between.
fn open_up(socket: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    for folder in socket.ancestors().skip(1).take(2) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
