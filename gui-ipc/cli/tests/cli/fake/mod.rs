//! A daemon that answers each method with what it was given, and says its events after `subscribe`.

#[cfg(target_os = "linux")]
pub(crate) mod terminal;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The daemon. Its thread ends with the test's process.
pub(crate) struct Fake {
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Fake {
    /// Answers these methods with these results; one with an `error` answers with that, and one `in_turn` with one
    /// after the other.
    pub(crate) fn new<const N: usize>(answers: [(&str, Value); N]) -> Fake {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let listener = UnixListener::bind(folder.path().join("ctl.sock")).expect("the socket can be made");
        let answers: Arc<HashMap<String, Value>> =
            Arc::new(answers.into_iter().map(|(method, answer)| (method.to_owned(), answer)).collect());
        let asked = Arc::new(Mutex::new(Vec::new()));
        std::thread::spawn({
            let asked = Arc::clone(&asked);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                    std::thread::spawn(move || talk(&stream, &answers, &asked));
                }
            }
        });
        Fake { folder, asked }
    }

    /// The folder of its socket.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("ctl.sock")
    }

    /// All calls but `hello`, so far.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.asked.lock().expect("nothing panics with it").clone()
    }
}

fn talk(mut stream: &UnixStream, answers: &HashMap<String, Value>, asked: &Mutex<Vec<Value>>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let call: Value = serde_json::from_str(&line).expect("the command sends JSON");
        let method = call["method"].as_str().expect("a call has a method").to_owned();
        let mut answer = if method == "hello" {
            json!({ "protocol": { "major": 1, "minor": 0 } })
        } else {
            let answer = answers.get(&method).unwrap_or_else(|| panic!("{method} was not expected"));
            let mut asked = asked.lock().expect("nothing panics with it");
            let before = asked.iter().filter(|call| call["method"] == method.as_str()).count();
            asked.push(call.clone());
            drop(asked);
            answer.get("in_turn").map_or(answer, |answers| &answers[before]).clone()
        };
        let mut response = json!({ "jsonrpc": "2.0", "id": call["id"] });
        let events = answer.as_object_mut().and_then(|answer| answer.remove("events"));
        match answer.get("error") {
            Some(error) => response["error"] = error.clone(),
            None => response["result"] = answer.clone(),
        }
        let mut text = format!("{response}\n");
        for event in events.iter().flat_map(|events| events.as_array()).flatten() {
            text += &format!("{}\n", json!({ "jsonrpc": "2.0", "method": "event", "params": event }));
        }
        // The command may have left already.
        if stream.write_all(text.as_bytes()).is_err() || events.is_some() {
            return;
        }
    }
}

/// How the command ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The command with these arguments, in UTC.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_padgate"));
    command.args(arguments).env("TZ", "UTC").env_remove("PADGATE_SOCKET");
    command
}

/// Runs the command to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("the command starts");
    Ran {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("it prints text"),
        err: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// Runs the command against this daemon.
pub(crate) fn run(daemon: &Fake, arguments: &[&str]) -> Ran {
    finish(command(arguments).env("PADGATE_SOCKET", daemon.socket()))
}
