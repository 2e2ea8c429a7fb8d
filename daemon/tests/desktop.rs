//! Media keys and notifications on a session bus of its own, with players and a notification service that write down
//! what they are told.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod support;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use padgate_core::engine::Effect;
use padgate_core::ruleset::action::{MediaKey, Notice};
use padgated::actions::Places;
use padgated::outcome::Outcome;
use support::{DEADLINE, Rig};
use zbus::interface;

/// A bus; killed when dropped.
struct SessionBus {
    process: Child,
    address: String,
}

impl SessionBus {
    /// `None`, with a notice, if D-Bus is not installed.
    fn start() -> Option<SessionBus> {
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let Ok(mut process) =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
        else {
            eprintln!("SKIPPED: D-Bus is not installed (apt-get install dbus)");
            return None;
        };
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Some(SessionBus { process, address: address.trim().to_owned() })
    }

    fn places(&self) -> Places {
        Places { session_bus: Some(self.address.clone()), ..Places::default() }
    }
}

impl Drop for SessionBus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Player {
    name: &'static str,
    status: &'static str,
    told: Sender<String>,
}

impl Player {
    fn tell(&self, what: &str) {
        let _ = self.told.send(format!("{} {what}", self.name));
    }
}

#[interface(name = "org.mpris.MediaPlayer2.Player")]
impl Player {
    fn play_pause(&self) {
        self.tell("PlayPause");
    }

    fn next(&self) {
        self.tell("Next");
    }

    fn stop(&self) {
        self.tell("Stop");
    }

    #[zbus(property)]
    fn playback_status(&self) -> String {
        self.status.to_owned()
    }
}

struct Notifications {
    told: Sender<String>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[allow(clippy::too_many_arguments, reason = "the interface is not ours")]
    fn notify(
        &self,
        application: &str,
        _replaces: u32,
        _icon: &str,
        title: &str,
        body: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, zbus::OwnedVariant>,
        _timeout: i32,
    ) -> u32 {
        let _ = self.told.send(format!("{application}: {title}: {body}"));
        7
    }
}

/// Services that live on a thread with a runtime, until the test ends.
struct Services {
    runtime: tokio::runtime::Handle,
    connections: Vec<zbus::Connection>,
    told: Receiver<String>,
    sender: Sender<String>,
    address: String,
}

impl Services {
    fn new(bus: &SessionBus) -> Services {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        let (sender, told) = channel();
        Services { runtime: handle, connections: Vec::new(), told, sender, address: bus.address.clone() }
    }

    fn serve(&mut self, name: &str, path: &str, service: impl zbus::object_server::Interface) {
        let builder =
            zbus::connection::Builder::address(self.address.as_str()).name(name).serve_at(path, service);
        let connection = self.runtime.block_on(builder.build()).unwrap();
        self.connections.push(connection);
    }

    fn player(&mut self, name: &'static str, status: &'static str) {
        let player = Player { name, status, told: self.sender.clone() };
        self.serve(&format!("org.mpris.MediaPlayer2.{name}"), "/org/mpris/MediaPlayer2", player);
    }

    fn told(&self) -> String {
        self.told.recv_timeout(DEADLINE).unwrap()
    }
}

#[test]
fn the_player_that_plays_gets_the_media_keys() {
    let Some(bus) = SessionBus::start() else { return };
    let mut services = Services::new(&bus);
    services.player("amber", "Paused");
    services.player("bronze", "Playing");
    services.player("copper", "Stopped");
    let rig = Rig::new(bus.places());
    rig.done(Effect::Media(MediaKey::PlayPause));
    assert_eq!(services.told(), "bronze PlayPause");
    rig.done(Effect::Media(MediaKey::Next));
    assert_eq!(services.told(), "bronze Next");
}

#[test]
fn without_one_that_plays_the_first_gets_them() {
    let Some(bus) = SessionBus::start() else { return };
    let mut services = Services::new(&bus);
    services.player("bronze", "Paused");
    services.player("amber", "Paused");
    let rig = Rig::new(bus.places());
    rig.done(Effect::Media(MediaKey::Stop));
    assert_eq!(services.told(), "amber Stop");
}

#[test]
fn notifications_are_shown() {
    let Some(bus) = SessionBus::start() else { return };
    let mut services = Services::new(&bus);
    let notify = |body: &str| Effect::Notify(Arc::new(Notice { title: "Padgate".into(), body: body.into() }));
    let rig = Rig::new(bus.places());
    let Outcome::Unavailable(why) = rig.run(notify("early")) else { panic!() };
    assert!(why.contains("notification service"), "{why}");
    let service = Notifications { told: services.sender.clone() };
    services.serve("org.freedesktop.Notifications", "/org/freedesktop/Notifications", service);
    rig.done(notify("Scene 2 — live"));
    assert_eq!(services.told(), "Padgate: Padgate: Scene 2 — live");
}

#[test]
fn without_player_and_keyboard_the_reason_is_told() {
    let Some(bus) = SessionBus::start() else { return };
    for places in [bus.places(), Places::default()] {
        let rig = Rig::new(places);
        let Outcome::Unavailable(why) = rig.run(Effect::Media(MediaKey::Play)) else { panic!() };
        assert!(why.contains("no keyboard output"), "{why}");
    }
}

#[test]
fn a_bus_that_ends_is_said() {
    let Some(mut bus) = SessionBus::start() else { return };
    let rig = Rig::new(bus.places());
    let notify = || Effect::Notify(Arc::new(Notice { title: "Padgate".into(), body: "x".into() }));
    assert!(matches!(rig.run(notify()), Outcome::Unavailable(_)));
    bus.process.kill().unwrap();
    bus.process.wait().unwrap();
    let Outcome::Unavailable(why) = rig.run(notify()) else { panic!() };
    assert!(why.contains("session bus"), "{why}");
}
