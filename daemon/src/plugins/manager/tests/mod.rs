//! The manager with real hosts, which run small plugins in C: what becomes of them while they are granted rights, lose
//! them, are replaced and are taken away, all at once if need be.

mod lives;
mod rights;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use padgate_core::engine::Request;
use padgate_core::ids::{DeviceId, TargetId};
use padgate_core::ruleset::Ruleset;

use super::{Granted, ManagerSetup, Plugins, Trouble, Wish};
use crate::actions::Places;
use crate::hands::{ActionSend, MidiSend};
use crate::outcome::{Outcome, Report, ReportSink};
use crate::plugins::broker::{DeviceNames, RequestRouter, SoundOutputs};
use crate::plugins::folders::Folders;
use crate::plugins::supervisor::{HostState, HostStatus};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A machine without anything.
struct Nothing;

impl MidiSend for Nothing {
    fn send(&self, _: Option<DeviceId>, _: &[u8]) -> Result<(), Cow<'static, str>> {
        Ok(())
    }
}

impl DeviceNames for Nothing {
    fn device(&self, _: &str) -> Option<Option<DeviceId>> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl ActionSend for Nothing {
    fn send(&self, _: Request) -> Result<(), Outcome> {
        Ok(())
    }
}

impl SoundOutputs for Nothing {
    fn output(&self, _: &str) -> Option<TargetId> {
        None
    }
}

impl ReportSink for Nothing {
    fn report(&self, _: Report) {}
}

/// The program that runs plugins, built beside this test.
fn host_program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let program = this.parent().and_then(Path::parent).unwrap().join("padgate-plugin-host");
    assert!(
        program.is_file(),
        "{} is missing: build it with `cargo build -p padgate-plugin-host`",
        program.display()
    );
    program
}

struct Bench {
    plugins: Arc<Plugins>,
    folders: Folders,
    root: tempfile::TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.plugins.shutdown();
    }
}

impl Bench {
    fn new() -> Bench {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::below(root.path());
        std::fs::create_dir_all(folders.plugins()).unwrap();
        std::fs::create_dir_all(folders.home.join("Music")).unwrap();
        let nothing = Arc::new(Nothing);
        let plugins = Plugins::start(ManagerSetup {
            folders: folders.clone(),
            host: host_program(),
            midi: nothing.clone(),
            devices: nothing.clone(),
            actions: nothing.clone(),
            outputs: nothing.clone(),
            requests: Arc::new(RequestRouter::new(nothing.clone())),
            reports: nothing,
            places: Places::default(),
        })
        .unwrap();
        Bench { plugins, folders, root }
    }

    /// Puts a plugin there, in place of what is there.
    fn plugin(&self, name: &str, version: &str, macros: &[&str], rest: &str) {
        let beside = self.root.path().join(format!("{name}.so"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new("cc")
            .args(["-std=c11", "-shared", "-fPIC", "-fvisibility=hidden"])
            .args([format!("-DNAME=\"{name}\""), format!("-DVERSION=\"{version}\"")])
            .args(macros.iter().map(|name| format!("-D{name}")))
            .arg("-I")
            .arg(root.join("../plugins/abi/include"))
            .arg("-o")
            .args([&beside, &root.join("src/plugins/manager/tests/probe.c")])
            .output()
            .expect("the tests need a C compiler, `cc`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let folder = self.folder(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::rename(&beside, folder.join("plugin.so")).unwrap();
        self.manifest(name, version, "somebody", rest);
    }

    fn manifest(&self, name: &str, version: &str, author: &str, rest: &str) {
        let text = format!(
            "[plugin]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"x\"\nauthor = \"{author}\"\n\
             type = \"action\"\nbinary = \"plugin.so\"\napi = 1\n{rest}\n[[action]]\nname = \"go\"\ndescription = \"x\"\n"
        );
        std::fs::write(self.folder(name).join("plugin.toml"), text).unwrap();
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.folders.plugins().join(name)
    }

    /// Uses a configuration that says this.
    fn apply(&self, text: &str) {
        self.plugins.apply(&rules(text));
    }

    fn status(&self, name: &str) -> HostStatus {
        self.plugins.view(name).unwrap().host
    }

    fn grant(&self, name: &str, rights: Option<&[&str]>) -> Result<Granted, Trouble> {
        let rights = rights.map(|rights| rights.iter().map(ToString::to_string).collect());
        let wish = Wish { rights, tie_to_key: false };
        let confirm = self.plugins.propose(name, &wish)?.confirm;
        self.plugins.grant(name, &wish, &confirm)
    }

    /// Waits until its host is so.
    fn until(&self, name: &str, is: impl Fn(&HostStatus) -> bool) -> HostStatus {
        let end = Instant::now() + PATIENCE;
        let id = self.plugins.view(name).unwrap().plugin.id;
        loop {
            let status = self.plugins.await_host(id);
            if is(&status) {
                return status;
            }
            assert!(Instant::now() < end, "{name} is {status:?}");
            std::thread::yield_now();
        }
    }
}

fn rules(text: &str) -> Ruleset {
    let loaded = crate::config::store::load_text("test", text);
    loaded.ruleset.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// A configuration that calls these.
fn calling(names: &[&str]) -> String {
    let mut text = "[device.pads]\nport = \"No such port*\"\n".to_owned();
    for (note, name) in names.iter().enumerate() {
        text.push_str(&format!(
            "[[map]]\non = {{ device = \"pads\", note = {note} }}\ndo = {{ plugin = \"{name}\", action = \"go\" }}\n"
        ));
    }
    text
}

fn is_ready(status: &HostStatus) -> bool {
    status.state == HostState::Ready
}
