//! Volumes and mutes on a real PulseAudio server with outputs that play into nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use padgate_core::engine::{Effect, VolumeChange};
use padgate_core::ids::TargetId;
use padgate_core::ruleset::action::Switch;
use padgated::actions::Places;
use padgated::outcome::Outcome;
use support::{Rig, eventually};

const DEFAULT: TargetId = TargetId::new(0);
const PHONES: TargetId = TargetId::new(1);
const NOWHERE: TargetId = TargetId::new(2);

/// A server of its own, with the outputs `speakers` (the default) and `phones`; killed when dropped.
struct SoundServer {
    process: Child,
    folder: tempfile::TempDir,
}

impl SoundServer {
    /// `None`, with a notice, if PulseAudio is not installed.
    fn start() -> Option<SoundServer> {
        let folder = tempfile::tempdir().unwrap();
        let process = launch(folder.path())?;
        Some(SoundServer { process, folder })
    }

    fn restart(&mut self) {
        self.process = launch(self.folder.path()).unwrap();
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let _ = std::fs::remove_file(self.folder.path().join("native"));
    }

    fn places(&self) -> Places {
        Places { sound_socket: Some(self.folder.path().join("native")), ..Places::default() }
    }

    fn pactl(&self, arguments: &[&str]) -> String {
        let output = pactl(self.folder.path(), arguments);
        assert!(output.status.success(), "pactl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The volume in percent of each channel, as another program sees it.
    fn volume(&self, sink: &str) -> Vec<u32> {
        let text = self.pactl(&["get-sink-volume", sink]);
        text.split_whitespace().filter_map(|word| word.strip_suffix('%')?.parse().ok()).collect()
    }

    fn is_muted(&self, sink: &str) -> bool {
        self.pactl(&["get-sink-mute", sink]).contains("yes")
    }

    fn rig(&self, followed: Vec<TargetId>) -> Rig {
        Rig::with(self.places(), |setup| {
            setup.targets = vec![String::new(), "*phones*".to_owned(), "no such output".to_owned()];
            setup.followed = followed;
        })
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn pactl(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let server = format!("unix:{}", folder.join("native").display());
    Command::new("pactl").env("PULSE_SERVER", server).env("LC_ALL", "C").args(arguments).output().unwrap()
}

fn launch(folder: &Path) -> Option<Child> {
    let socket =
        format!("module-native-protocol-unix auth-anonymous=1 socket={}", folder.join("native").display());
    let sinks = ["speakers", "phones"].map(|name| format!("module-null-sink sink_name={name}"));
    let mut command = Command::new("pulseaudio");
    command.args([
        "-n",
        "--system=false",
        "--daemonize=false",
        "--use-pid-file=false",
        "--exit-idle-time=-1",
    ]);
    command.args(["--disable-shm=true", "--log-level=error"]);
    for module in sinks.iter().chain([&socket]) {
        command.arg(format!("--load={module}"));
    }
    for variable in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH"] {
        command.env(variable, folder);
    }
    let Ok(child) = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        eprintln!("SKIPPED: PulseAudio is not installed (apt-get install pulseaudio pulseaudio-utils)");
        return None;
    };
    eventually("the start of PulseAudio", || pactl(folder, &["info"]).status.success().then_some(()));
    assert!(pactl(folder, &["set-default-sink", "speakers"]).status.success());
    Some(child)
}

fn volume(target: TargetId, change: VolumeChange) -> Effect {
    Effect::Volume { target, change }
}

#[test]
fn volumes_are_set_changed_and_bounded() {
    let Some(server) = SoundServer::start() else { return };
    let rig = server.rig(Vec::new());
    rig.done(volume(DEFAULT, VolumeChange::To(0.5)));
    assert_eq!(server.volume("speakers"), [50, 50]);
    rig.done(volume(PHONES, VolumeChange::To(0.25)));
    assert_eq!((server.volume("speakers"), server.volume("phones")), (vec![50, 50], vec![25, 25]));
    rig.done(volume(DEFAULT, VolumeChange::By(0.1)));
    assert_eq!(server.volume("speakers"), [60, 60]);
    rig.done(volume(DEFAULT, VolumeChange::By(-1.5)));
    assert_eq!(server.volume("speakers"), [0, 0]);
    rig.done(volume(DEFAULT, VolumeChange::To(9.0)));
    assert_eq!(server.volume("speakers"), [150, 150]);
    server.pactl(&["set-sink-volume", "speakers", "80%", "40%"]);
    rig.done(volume(DEFAULT, VolumeChange::To(0.4)));
    assert_eq!(server.volume("speakers"), [40, 20], "the balance stays");
    let Outcome::Unavailable(why) = rig.run(volume(NOWHERE, VolumeChange::To(0.5))) else { panic!() };
    assert!(why.contains("no such output"), "{why}");
}

#[test]
fn a_fader_moved_fast_ends_where_it_stands() {
    let Some(server) = SoundServer::start() else { return };
    let rig = server.rig(Vec::new());
    let moves =
        (0..=1000u32).map(|step| rig.send(volume(DEFAULT, VolumeChange::To(f64::from(step) / 1000.0))));
    for id in moves.collect::<Vec<_>>() {
        assert_eq!(rig.collector.wait(id.unwrap()).outcome, Outcome::Done);
    }
    assert_eq!(server.volume("speakers"), [100, 100]);
}

#[test]
fn outputs_are_muted_and_toggled() {
    let Some(server) = SoundServer::start() else { return };
    let rig = server.rig(Vec::new());
    for (switch, muted) in [
        (Switch::On, true),
        (Switch::On, true),
        (Switch::Toggle, false),
        (Switch::Toggle, true),
        (Switch::Off, false),
    ] {
        rig.done(Effect::Mute { target: PHONES, switch });
        assert_eq!(server.is_muted("phones"), muted, "{switch:?}");
        assert!(!server.is_muted("speakers"));
    }
}

#[test]
fn volumes_that_others_set_are_told() {
    let Some(server) = SoundServer::start() else { return };
    server.pactl(&["set-sink-volume", "speakers", "30%"]);
    let rig = server.rig(vec![DEFAULT]);
    rig.collector.wait_level(DEFAULT, 0.3);
    server.pactl(&["set-sink-volume", "speakers", "70%"]);
    rig.collector.wait_level(DEFAULT, 0.7);
    server.pactl(&["set-sink-volume", "phones", "20%"]);
    server.pactl(&["set-default-sink", "phones"]);
    rig.collector.wait_level(DEFAULT, 0.2);
}

#[test]
fn a_server_that_is_gone_is_said_and_its_successor_is_used() {
    let Some(mut server) = SoundServer::start() else { return };
    let rig = server.rig(vec![DEFAULT]);
    rig.done(volume(DEFAULT, VolumeChange::To(0.5)));
    rig.collector.wait_level(DEFAULT, 0.5);
    server.kill();
    rig.collector.wait_level(DEFAULT, None);
    let Outcome::Unavailable(why) = rig.run(volume(DEFAULT, VolumeChange::To(0.6))) else { panic!() };
    assert!(why.contains("sound server"), "{why}");
    server.restart();
    eventually("the new server's volume", || {
        (rig.run(volume(DEFAULT, VolumeChange::To(0.7))) == Outcome::Done).then_some(())
    });
    assert_eq!(server.volume("speakers"), [70, 70]);
    rig.collector.wait_level(DEFAULT, 0.7);
}

#[test]
fn without_a_server_each_action_says_so() {
    let rig = Rig::new(Places::default());
    let Outcome::Unavailable(why) = rig.run(volume(DEFAULT, VolumeChange::To(0.5))) else { panic!() };
    assert!(why.contains("no sound server") && why.contains("PULSE_SERVER"), "{why}");
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("native");
    let rig = Rig::new(Places { sound_socket: Some(socket.clone()), ..Places::default() });
    let Outcome::Unavailable(why) = rig.run(volume(DEFAULT, VolumeChange::To(0.5))) else { panic!() };
    assert!(why.contains(&*socket.to_string_lossy()), "{why}");
}
