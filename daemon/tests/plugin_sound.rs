//! Sounds that plugins play, on a real PulseAudio server: begun by the brokers, heard by another program.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod support;

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;

use padgate_core::capability::{AudioScope, Rights};
use padgate_core::engine::Request;
use padgate_core::ids::{DeviceId, TargetId};
use padgate_plugin_abi::{PADGATE_LIMIT, PADGATE_OK, PADGATE_UNAVAILABLE};
use padgate_plugin_host::ask::Ask;
use padgated::actions::Places;
use padgated::hands::{ActionSend, MidiSend};
use padgated::outcome::{Outcome, Report, ReportSink};
use padgated::plugins::audit::Audit;
use padgated::plugins::broker::{
    BrokerSetup, Brokers, DeviceNames, EventSink, RequestRouter, Screen, SoundOutputs,
};
use padgated::plugins::gate::{Gate, Gated};
use padgated::plugins::inventory::Standing;
use padgated::plugins::part::{Answered, Broker as _, PluginId, Reply};
use support::eventually;
use support::soundserver::SoundServer;

/// Everything that a broker for sound does not need.
struct Nothing;

impl MidiSend for Nothing {
    fn send(&self, _: Option<DeviceId>, _: &[u8]) -> Result<(), std::borrow::Cow<'static, str>> {
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

impl EventSink for Nothing {
    fn event(&self, _: PluginId, _: u32, _: u64, _: &[u8], _: &str) {}
}

impl ReportSink for Nothing {
    fn report(&self, _: Report) {}
}

/// A plugin that may play sounds, and the brokers that do it.
struct Plugin {
    brokers: Brokers,
    gate: Gate,
    folder: tempfile::TempDir,
}

const PLUGIN: PluginId = PluginId(0);

impl Plugin {
    fn new(places: Places) -> Plugin {
        let folder = tempfile::tempdir().unwrap();
        let gate = || {
            let gate = Gate::new(folder.path().to_owned(), Arc::new(Audit::none()));
            let rights = Rights { audio: Some(AudioScope::all()), ..Rights::NONE };
            gate.replace(vec![Gated {
                id: PLUGIN,
                name: Arc::from("player"),
                standing: Standing::Ready,
                rights: rights.clone(),
                request: rights,
                data_folder: folder.path().canonicalize().unwrap(),
                folder: folder.path().to_owned(),
            }]);
            gate
        };
        let brokers = Brokers::new(BrokerSetup {
            midi: Arc::new(Nothing),
            devices: Arc::new(Nothing),
            actions: Arc::new(Nothing),
            outputs: Arc::new(Nothing),
            requests: Arc::new(RequestRouter::new(Arc::new(Nothing))),
            gate: Arc::new(gate()),
            events: Arc::new(Nothing),
            places,
            screen: Screen::from_environment(),
            home: folder.path().to_owned(),
        });
        Plugin { brokers, gate: gate(), folder }
    }

    /// Writes a tone of so many seconds.
    fn tone(&self, name: &str, seconds: u32) {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 48_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(self.folder.path().join(name), spec).unwrap();
        for sample in 0..seconds * 48_000 {
            for _ in 0..2 {
                writer.write_sample(if sample % 100 < 50 { 20_000i16 } else { -20_000 }).unwrap();
            }
        }
        writer.finalize().unwrap();
    }

    fn play(&self, path: &str, gain: f64) -> Answered {
        let ask = Ask::Play { path, gain };
        let (sender, receiver) = channel();
        let reply = Reply::new(move |answered| sender.send(answered).unwrap());
        let permit = self.gate.ask(PLUGIN, &ask).expect("the gate permits it");
        self.brokers.serve(permit, PLUGIN, &ask, padgated::clock::now() + support::DEADLINE, reply);
        receiver.recv_timeout(support::DEADLINE).expect("an answer in time")
    }
}

/// How many sounds are heard.
fn heard(server: &SoundServer) -> usize {
    server.pactl(&["list", "short", "sink-inputs"]).lines().count()
}

/// The loudest sample that comes out of the speakers within a tenth of a second, from 0 to 1.
fn loudness(server: &SoundServer) -> f32 {
    let mut parec = Command::new("parec")
        .env("PULSE_SERVER", format!("unix:{}", server.folder.path().join("native").display()))
        .args(["--device=speakers.monitor", "--format=float32le", "--channels=2", "--rate=48000", "--raw"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut bytes = vec![0; 4 * 2 * 4800];
    parec.stdout.take().unwrap().read_exact(&mut bytes).unwrap();
    let _ = parec.kill();
    parec.wait().unwrap();
    let samples = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    samples.fold(0.0, |loudest, sample| loudest.max(sample.abs()))
}

#[test]
fn a_plugin_s_sound_is_heard_and_ends() {
    let Some(server) = SoundServer::start() else { return };
    let plugin = Plugin::new(server.places());
    plugin.tone("long.wav", 120);
    plugin.tone("short.wav", 1);
    assert_eq!(plugin.play("long.wav", 0.5).status, PADGATE_OK);
    assert!(server.pactl(&["list", "sink-inputs"]).contains("media.name = \"long.wav\""));
    // 20000 of 32768, halved.
    let loudest = eventually("the sound", || Some(loudness(&server)).filter(|loudest| *loudest > 0.1));
    assert!((loudest - 0.305).abs() < 0.01, "{loudest}");
    assert_eq!(plugin.play("short.wav", 1.0).status, PADGATE_OK);
    eventually("the end of the short one", || (heard(&server) == 1).then_some(()));
    plugin.brokers.ended(PluginId(7));
    assert_eq!(heard(&server), 1);
    plugin.brokers.ended(PLUGIN);
    eventually("the end of what a plugin plays that has ended", || (heard(&server) == 0).then_some(()));
}

#[test]
fn only_so_many_sounds_are_heard_at_once_and_without_a_server_none() {
    let Some(mut server) = SoundServer::start() else { return };
    let plugin = Plugin::new(server.places());
    plugin.tone("long.wav", 120);
    for _ in 0..8 {
        assert_eq!(plugin.play("long.wav", 0.1).status, PADGATE_OK);
    }
    let refused = plugin.play("long.wav", 0.1);
    assert_eq!(refused.status, PADGATE_LIMIT, "{:?}", String::from_utf8(refused.body));
    server.kill();
    // What was heard ends with the server, and no longer counts.
    eventually("the end of all sounds", || {
        (plugin.play("long.wav", 0.1).status == PADGATE_UNAVAILABLE).then_some(())
    });
    server.restart();
    assert_eq!(plugin.play("long.wav", 0.1).status, PADGATE_OK);
}
