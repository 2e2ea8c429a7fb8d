//! The plugin against a server that speaks obs-websocket 5 on a real socket: it checks what it is sent as OBS does, keeps
//! scenes and inputs, and answers requests.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use obs::Obs;
use padgate_plugin::test::{Kit, Touch};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

/// A stand-in for OBS.
struct Server {
    port: u16,
    /// Each request: its type and data.
    requests: Receiver<(String, Value)>,
    thread: JoinHandle<()>,
}

/// Serves `connections` connections one after the other; each ends after `each` requests.
fn serve(password: Option<&'static str>, connections: usize, each: usize) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests) = channel();
    let thread = std::thread::spawn(move || {
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            let mut socket = tungstenite::accept(stream).unwrap();
            if !identify(&mut socket, password) {
                continue;
            }
            for _ in 0..each {
                let Some(request) = receive(&mut socket) else { break };
                assert_eq!(request["op"], 6, "{request}");
                let data = &request["d"];
                let kind = data["requestType"].as_str().unwrap().to_owned();
                sender.send((kind.clone(), data["requestData"].clone())).unwrap();
                // Events of others may come at any time.
                send(&mut socket, &json!({ "op": 5, "d": { "eventType": "Vendor", "eventIntent": 0 } }));
                send(&mut socket, &json!({ "op": 7, "d": answer(&kind, data) }));
            }
        }
    });
    Server { port, requests, thread }
}

fn send(socket: &mut WebSocket<TcpStream>, packet: &Value) {
    socket.send(Message::text(packet.to_string())).unwrap();
}

fn receive(socket: &mut WebSocket<TcpStream>) -> Option<Value> {
    loop {
        match socket.read().ok()? {
            Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

fn identify(socket: &mut WebSocket<TcpStream>, password: Option<&str>) -> bool {
    let (salt, challenge) = ("c2FsdA==", "Y2hhbGxlbmdl");
    let mut hello = json!({ "obsWebSocketVersion": "5.5.0", "rpcVersion": 1 });
    if password.is_some() {
        hello["authentication"] = json!({ "challenge": challenge, "salt": salt });
    }
    send(socket, &json!({ "op": 0, "d": hello }));
    let Some(identify) = receive(socket) else { return false };
    assert_eq!((&identify["op"], &identify["d"]["rpcVersion"]), (&json!(1), &json!(1)));
    assert_eq!(identify["d"]["eventSubscriptions"], 0, "no events are wanted");
    if let Some(password) = password {
        let right = hash(&(hash(&format!("{password}{salt}")) + challenge));
        if identify["d"]["authentication"] != right.as_str() {
            let frame =
                CloseFrame { code: CloseCode::Library(4009), reason: "Authentication failed.".into() };
            socket.close(Some(frame)).unwrap();
            while socket.read().is_ok() {}
            return false;
        }
    }
    send(socket, &json!({ "op": 2, "d": { "negotiatedRpcVersion": 1 } }));
    true
}

fn answer(kind: &str, request: &Value) -> Value {
    let data = &request["requestData"];
    let (status, response) = match kind {
        "SetCurrentProgramScene" if data["sceneName"] == "Nowhere" => (
            json!({ "result": false, "code": 600, "comment": "No source was found by that name." }),
            json!({}),
        ),
        "GetSceneItemId" => (json!({ "result": true, "code": 100 }), json!({ "sceneItemId": 7 })),
        "GetSceneItemEnabled" => {
            (json!({ "result": true, "code": 100 }), json!({ "sceneItemEnabled": true }))
        }
        _ => (json!({ "result": true, "code": 100 }), Value::Null),
    };
    json!({
        "requestType": kind, "requestId": request["requestId"], "requestStatus": status, "responseData": response,
    })
}

fn kit() -> Kit<Obs> {
    let mut kit = Kit::new();
    kit.connect_really();
    kit
}

/// The parameters with the server's address.
fn at(server: &Server, mut params: Value) -> Value {
    params["host"] = format!("127.0.0.1:{}", server.port).into();
    params
}

#[test]
fn every_action_becomes_its_request() {
    let server = serve(None, 1, 16);
    let mut kit = kit();
    let cases = [
        (
            "scene",
            json!({ "name": "Live" }),
            vec![("SetCurrentProgramScene", json!({ "sceneName": "Live" }))],
        ),
        (
            "scene",
            json!({ "name": "Next", "preview": true }),
            vec![("SetCurrentPreviewScene", json!({ "sceneName": "Next" }))],
        ),
        ("transition", json!({}), vec![("TriggerStudioModeTransition", json!({}))]),
        ("mute", json!({ "input": "Mic" }), vec![("ToggleInputMute", json!({ "inputName": "Mic" }))]),
        (
            "mute",
            json!({ "input": "Mic", "state": "on" }),
            vec![("SetInputMute", json!({ "inputName": "Mic", "inputMuted": true }))],
        ),
        (
            "source",
            json!({ "scene": "Live", "source": "Cam" }),
            vec![
                ("GetSceneItemId", json!({ "sceneName": "Live", "sourceName": "Cam" })),
                ("GetSceneItemEnabled", json!({ "sceneName": "Live", "sceneItemId": 7 })),
                (
                    "SetSceneItemEnabled",
                    json!({ "sceneName": "Live", "sceneItemId": 7, "sceneItemEnabled": false }),
                ),
            ],
        ),
        ("record", json!({ "state": "toggle-pause" }), vec![("ToggleRecordPause", json!({}))]),
        ("stream", json!({ "state": "start" }), vec![("StartStream", json!({}))]),
        ("replay", json!({}), vec![("SaveReplayBuffer", json!({}))]),
        ("virtual-camera", json!({}), vec![("ToggleVirtualCam", json!({}))]),
        ("hotkey", json!({ "name": "X" }), vec![("TriggerHotkeyByName", json!({ "hotkeyName": "X" }))]),
        ("request", json!({ "type": "Sleep", "data": { "ms": 1 } }), vec![("Sleep", json!({ "ms": 1 }))]),
    ];
    for (action, params, expected) in cases {
        let prepared = kit.prepare(action, at(&server, params)).unwrap();
        kit.tap(prepared, Touch::note(36, 100)).unwrap();
        for (kind, data) in expected {
            assert_eq!(server.requests.recv().unwrap(), (kind.to_owned(), data), "{action}");
        }
    }
    let fader = kit.prepare("volume", at(&server, json!({ "input": "Music" }))).unwrap();
    kit.change(fader, Touch::controller(7, 64).value(0.5)).unwrap();
    let wanted = json!({ "inputName": "Music", "inputVolumeMul": 0.125 });
    assert_eq!(server.requests.recv().unwrap(), ("SetInputVolume".to_owned(), wanted));
    drop(kit);
    server.thread.join().unwrap();
}

#[test]
fn what_obs_refuses_is_told_in_its_words_and_the_connection_stays() {
    let server = serve(None, 1, 2);
    let mut kit = kit();
    let wrong = kit.prepare("scene", at(&server, json!({ "name": "Nowhere" }))).unwrap();
    let error = kit.tap(wrong, Touch::note(36, 100)).unwrap_err();
    assert!(error.text().contains("code 600") && error.text().contains("No source was found"), "{error}");
    let right = kit.prepare("scene", at(&server, json!({ "name": "Live" }))).unwrap();
    kit.tap(right, Touch::note(36, 100)).unwrap();
    server.thread.join().unwrap();
}

#[test]
fn a_connection_that_obs_ended_is_made_anew() {
    let server = serve(None, 2, 1);
    let mut kit = kit();
    let scene = kit.prepare("scene", at(&server, json!({ "name": "Live" }))).unwrap();
    kit.tap(scene, Touch::note(36, 100)).unwrap();
    server.requests.recv().unwrap();
    // The end of the first connection may still be under way when the pad is hit again. Then one press fails, and says
    // so; the next one works.
    while let Err(error) = kit.tap(scene, Touch::note(36, 100)) {
        assert!(error.text().contains("does not answer"), "{error}");
    }
    server.requests.recv().unwrap();
    server.thread.join().unwrap();
}

#[test]
fn the_password_is_proved_or_asked_for() {
    let server = serve(Some("opensesame"), 4, 1);
    let mut kit = kit();
    let tap = |kit: &mut Kit<Obs>, params: Value| {
        let prepared = kit.prepare("transition", at(&server, params)).unwrap();
        kit.tap(prepared, Touch::note(36, 100))
    };
    let error = tap(&mut kit, json!({})).unwrap_err();
    assert!(error.text().contains("wants a password"), "{error}");
    let error = tap(&mut kit, json!({ "password": "wrong" })).unwrap_err();
    assert!(error.text().contains("did not accept the password"), "{error}");
    tap(&mut kit, json!({ "password": "opensesame" })).unwrap();
    std::fs::write(kit.data_folder().join("password"), "opensesame\n").unwrap();
    while let Err(error) = tap(&mut kit, json!({})) {
        assert!(error.text().contains("does not answer"), "{error}");
    }
    server.thread.join().unwrap();
}

#[test]
fn who_does_not_listen_or_speak_is_named() {
    let mut kit = kit();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let talk = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let host = format!("127.0.0.1:{port}");
    let prepared = kit.prepare("transition", json!({ "host": host })).unwrap();
    let error = kit.tap(prepared, Touch::note(36, 100)).unwrap_err();
    assert!(error.text().contains("does not speak obs-websocket"), "{error}");
    talk.join().unwrap();
    assert!(kit.tap(prepared, Touch::note(36, 100)).is_err(), "nobody listens any more");
    let error = kit.prepare("transition", json!({ "host": "localhost" })).unwrap_err();
    assert!(error.text().contains("localhost:4455"), "it says what an address looks like: {error}");
}

#[test]
fn what_the_manifest_and_the_page_say_is_what_the_plugin_takes() {
    let (manifest, page) = (include_str!("../plugin.toml"), include_str!("../../../docs/src/plugins/obs.md"));
    let mut kit = Kit::<Obs>::new();
    kit.prepare_page(manifest, page).unwrap();
    // With nothing but what must be given: the defaults of the manifest are good.
    let all = r#"
        all = [
            { plugin = "obs", action = "scene", params = { name = "a" } },
            { plugin = "obs", action = "transition" },
            { plugin = "obs", action = "mute", params = { input = "a" } },
            { plugin = "obs", action = "volume", params = { input = "a" } },
            { plugin = "obs", action = "source", params = { scene = "a", source = "b" } },
            { plugin = "obs", action = "record" },
            { plugin = "obs", action = "stream" },
            { plugin = "obs", action = "replay" },
            { plugin = "obs", action = "virtual-camera" },
            { plugin = "obs", action = "hotkey", params = { name = "a" } },
            { plugin = "obs", action = "request", params = { type = "a" } },
        ]
    "#;
    assert_eq!(kit.prepare_written(manifest, all).unwrap().len(), manifest.matches("[[action]]").count());
}
