//! The plugins that are shipped, each in its confined host and against a real peer. Those that speak MIDI are tested where
//! there is a sequencer.

use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use anyhow::{Context as _, Result};
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::plugin::PluginState;
use padgate_tests::DEADLINE;
use padgate_tests::folder::Folder;
use padgate_tests::plugins::{install, request};
use padgate_tests::web::Server;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::{Stage, assert_done, assert_outcome};
use crate::with_pads;

/// A mapping of a note to a call: the rest of the table after `plugin`.
fn call(note: &str, plugin: &str, rest: &str) -> String {
    format!(
        "[[map]]\nname = \"{note}\"\non = {{ device = \"pads\", note = \"{note}\" }}\n\
         do = {{ plugin = \"{plugin}\", {rest} }}\n"
    )
}

/// These mappings, and a long time for each call of the plugin, because the machine may be busy.
fn patient(plugin: &str, mappings: &str) -> String {
    with_pads(&format!("[plugin.{plugin}]\ndeadline = \"5s\"\n{mappings}"))
}

/// A daemon with one shipped plugin and these mappings.
fn with_shipped(plugin: &str, mappings: &str) -> Result<Stage> {
    let folder = Folder::new(&patient(plugin, mappings))?;
    install(&folder, plugin)?;
    Stage::start(folder)
}

/// It did what it did without dying once.
fn never_died(stage: &mut Stage, plugin: &str) -> Result<()> {
    let stats = stage.watch.plugin_stats(plugin)?;
    assert_eq!((stats.crashes, stats.timeouts, stats.restarts), (0, 0, 0), "{stats:?}");
    Ok(())
}

#[test]
fn http_request_asks_a_web_server() -> Result<()> {
    let (server, stranger) = (Server::start()?, Server::start()?);
    let at = |server: &Server, path: &str| format!("http://localhost:{}/{path}", server.port);
    let post = "method = \"POST\", headers = { X-Pad = \"{note}\" }, json = { velocity = \"{velocity}\", on = true }";
    let config = [
        call(
            "C1",
            "http-request",
            &format!("params = {{ url = \"{}\", {post} }}", at(&server, "pad?note={note}")),
        ),
        call("D1", "http-request", &format!("params = {{ url = \"{}\" }}", at(&server, "404"))),
        call("E1", "http-request", &format!("params = {{ url = \"{}\" }}", at(&stranger, "pad"))),
    ];
    let mut stage = with_shipped("http-request", &config.concat())?;
    let watch = &mut stage.watch;
    let sentence = ["\"http-request\" may not use the network", "padgate plugin grant http-request"];
    assert_outcome(&watch.tap("C1")?, OutcomeKind::Refused, &sentence);
    watch.grant("http-request", &[&format!("network=localhost:{}", server.port)])?;
    assert_done(&watch.tap("C1")?);
    let asked = server.next()?;
    let (line, body) = asked.split_once(" {").context("it has a body")?;
    assert_eq!(line, "POST /pad?note=24");
    assert_eq!(serde_json::from_str::<Value>(&format!("{{{body}"))?, json!({ "velocity": 100, "on": true }));
    assert_outcome(&watch.tap("D1")?, OutcomeKind::Failed, &["404"]);
    server.next()?;
    // The one next to it is not granted.
    assert_outcome(&watch.tap("E1")?, OutcomeKind::Refused, &[&format!("localhost:{}", stranger.port)]);
    never_died(&mut stage, "http-request")
}

/// A stand-in for OBS: takes whoever connects, and tells of requests. A scene named `Nowhere` it does not have.
fn obs() -> Result<(u16, Receiver<(String, Value)>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let (sender, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(mut socket) = tungstenite::accept(stream) else { continue };
            let hello = json!({ "op": 0, "d": { "obsWebSocketVersion": "5.5.0", "rpcVersion": 1 } });
            let _ = socket.send(Message::text(hello.to_string()));
            // It ends with the connection.
            while let Some(packet) = receive(&mut socket) {
                let answer = match packet["op"].as_u64() {
                    Some(1) => json!({ "op": 2, "d": { "negotiatedRpcVersion": 1 } }),
                    _ => json!({ "op": 7, "d": answer(&packet["d"]) }),
                };
                if packet["op"] == 6 {
                    let request = &packet["d"];
                    let kind = request["requestType"].as_str().unwrap_or_default().to_owned();
                    let _ = sender.send((kind, request["requestData"].clone()));
                }
                let _ = socket.send(Message::text(answer.to_string()));
            }
        }
    });
    Ok((port, requests))
}

fn receive(socket: &mut WebSocket<TcpStream>) -> Option<Value> {
    loop {
        match socket.read().ok()? {
            Message::Text(text) => return serde_json::from_str(&text).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn answer(request: &Value) -> Value {
    let status = if request["requestData"]["sceneName"] == "Nowhere" {
        json!({ "result": false, "code": 600, "comment": "No source was found." })
    } else {
        json!({ "result": true, "code": 100 })
    };
    json!({
        "requestType": request["requestType"], "requestId": request["requestId"], "requestStatus": status,
    })
}

#[test]
fn obs_switches_scenes_and_starts_recording() -> Result<()> {
    let (port, requests) = obs()?;
    let host = format!("127.0.0.1:{port}");
    let config = [
        call("C1", "obs", &format!("action = \"scene\", params = {{ name = \"Live\", host = \"{host}\" }}")),
        call(
            "D1",
            "obs",
            &format!("action = \"scene\", params = {{ name = \"Nowhere\", host = \"{host}\" }}"),
        ),
        call(
            "E1",
            "obs",
            &format!("action = \"record\", params = {{ state = \"start\", host = \"{host}\" }}"),
        ),
    ];
    let folder = Folder::new(&patient("obs", &config.concat()))?;
    install(&folder, "obs")?;
    // Its own port may be taken on this machine, by OBS.
    request(&folder, "obs", &format!("network = [\"{host}\"]"))?;
    let mut stage = Stage::start(folder)?;
    assert_done(&stage.watch.tap("C1")?);
    let scene = ("SetCurrentProgramScene".to_owned(), json!({ "sceneName": "Live" }));
    assert_eq!(requests.recv_timeout(DEADLINE)?, scene);
    assert_outcome(&stage.watch.tap("D1")?, OutcomeKind::Failed, &["code 600", "No source was found"]);
    requests.recv_timeout(DEADLINE)?;
    assert_done(&stage.watch.tap("E1")?);
    assert_eq!(requests.recv_timeout(DEADLINE)?.0, "StartRecord");
    never_died(&mut stage, "obs")
}

#[test]
fn osc_sends_datagrams() -> Result<()> {
    let desk = UdpSocket::bind("127.0.0.1:0")?;
    desk.set_read_timeout(Some(DEADLINE))?;
    let to = format!("localhost:{}", desk.local_addr()?.port());
    let config = call(
        "C1",
        "osc",
        &format!(
            "params = {{ to = \"{to}\", address = \"/pad/{{note}}\", arguments = [7, \"{{velocity}}\"] }}"
        ),
    );
    let mut stage = with_shipped("osc", &config)?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["padgate plugin grant osc"]);
    stage.watch.grant("osc", &[&format!("network={to}")])?;
    assert_done(&stage.watch.tap("C1")?);
    let mut datagram = [0; 128];
    let length = desk.recv(&mut datagram)?;
    // An address, the types, and the numbers: each padded with zeros to four bytes.
    assert_eq!(&datagram[..length], b"/pad/24\0,ii\0\0\0\0\x07\0\0\0\x64");
    never_died(&mut stage, "osc")
}

#[test]
fn run_script_runs_what_lies_in_the_granted_folder_and_nothing_else() -> Result<()> {
    let run = |note: &str, program: &str| {
        call(
            note,
            "run-script",
            &format!("params = {{ program = \"{program}\", args = [\"{{note}}\", \"two words\"] }}"),
        )
    };
    let folder = Folder::new(&patient(
        "run-script",
        &(run("C1", "note.sh") + &run("D1", "fail.sh") + &run("E1", "none.sh")),
    ))?;
    install(&folder, "run-script")?;
    let scripts = folder.home().join(".config/padgate/scripts");
    fs::create_dir_all(&scripts)?;
    let out = folder.home().join("out.txt");
    for (name, text) in [
        ("note.sh", format!("#!/bin/sh\nprintf '%s|' \"$@\" > '{}'\n", out.display())),
        ("fail.sh", "#!/bin/sh\necho this went wrong >&2\nexit 3\n".to_owned()),
    ] {
        fs::write(scripts.join(name), text)?;
        fs::set_permissions(scripts.join(name), fs::Permissions::from_mode(0o755))?;
    }
    let mut stage = Stage::start(folder)?;
    let sentence = ["\"run-script\" may not run programs", "padgate plugin grant run-script"];
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &sentence);
    assert!(!out.exists());
    stage.watch.grant("run-script", &[])?;
    assert_done(&stage.watch.tap("C1")?);
    assert_eq!(fs::read_to_string(&out)?, "24|two words|");
    assert_outcome(&stage.watch.tap("D1")?, OutcomeKind::Failed, &["3", "this went wrong"]);
    assert_ne!(stage.watch.tap("E1")?.result, OutcomeKind::Done);
    never_died(&mut stage, "run-script")
}

#[test]
fn notes_log_writes_into_the_granted_folder() -> Result<()> {
    let append = |note: &str, file: &str| {
        call(
            note,
            "notes-log",
            &format!("params = {{ file = \"{file}\", line = \"{{note}} at {{velocity}}\" }}"),
        )
    };
    let folder =
        Folder::new(&patient("notes-log", &(append("C1", "take.txt") + &append("D1", "tour/take.txt"))))?;
    install(&folder, "notes-log")?;
    let notes = folder.home().join("Documents/padgate");
    fs::create_dir_all(notes.join("tour"))?;
    let mut stage = Stage::start(folder)?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["padgate plugin grant notes-log"]);
    stage.watch.grant("notes-log", &[])?;
    assert_done(&stage.watch.tap("C1")?);
    assert_done(&stage.watch.tap("C1")?);
    assert_eq!(fs::read_to_string(notes.join("take.txt"))?, "24 at 100\n24 at 100\n");
    // As its page says: one folder of a tour.
    stage.watch.grant("notes-log", &["filesystem=write:~/Documents/padgate/tour"])?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["take.txt", "may not be written"]);
    assert_done(&stage.watch.tap("D1")?);
    assert_eq!(fs::read_to_string(notes.join("take.txt"))?.lines().count(), 2);
    never_died(&mut stage, "notes-log")
}

#[test]
fn all_of_them_start_and_are_described() -> Result<()> {
    const ALL: [&str; 7] = ["http-request", "midi-tools", "mmc", "notes-log", "obs", "osc", "run-script"];
    let folder = Folder::new(&with_pads(""))?;
    fs::create_dir_all(folder.home().join("Documents/padgate"))?;
    for plugin in ALL {
        install(&folder, plugin)?;
    }
    let mut stage = Stage::start(folder)?;
    for plugin in ALL {
        stage.watch.grant(plugin, &[])?;
        stage.daemon.padgate(&["plugin", "load", plugin])?.success()?;
        stage.watch.plugin_is(plugin, PluginState::Enabled)?;
        let info = stage.watch.plugin_info(plugin)?;
        assert!(!info.summary.description.is_empty() && !info.actions.is_empty() && info.problems.is_empty());
        let confinement = info.confinement.context("it is confined")?;
        assert!(confinement.filters >= 2, "{plugin}: {confinement:?}");
        never_died(&mut stage, plugin)?;
    }
    Ok(())
}
