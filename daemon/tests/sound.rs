//! Volumes and mutes on a real PulseAudio server with outputs that play into nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod support;

use padgate_core::engine::{Effect, VolumeChange};
use padgate_core::ids::TargetId;
use padgate_core::ruleset::action::Switch;
use padgated::actions::Places;
use padgated::outcome::Outcome;
use support::soundserver::SoundServer;
use support::{Rig, eventually};

const DEFAULT: TargetId = TargetId::new(0);
const PHONES: TargetId = TargetId::new(1);
const NOWHERE: TargetId = TargetId::new(2);

fn rig(server: &SoundServer, followed: Vec<TargetId>) -> Rig {
    Rig::with(server.places(), |setup| {
        setup.targets = vec![String::new(), "*phones*".to_owned(), "no such output".to_owned()];
        setup.followed = followed;
    })
}

fn volume(target: TargetId, change: VolumeChange) -> Effect {
    Effect::Volume { target, change }
}

#[test]
fn volumes_are_set_changed_and_bounded() {
    let Some(server) = SoundServer::start() else { return };
    let rig = rig(&server, Vec::new());
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
    let rig = rig(&server, Vec::new());
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
    let rig = rig(&server, Vec::new());
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
    let rig = rig(&server, vec![DEFAULT]);
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
    let rig = rig(&server, vec![DEFAULT]);
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

#[test]
fn outputs_that_are_not_configured_are_found_by_their_pattern() {
    let Some(server) = SoundServer::start() else { return };
    let rig = rig(&server, Vec::new());
    let guest = rig.actions.guest_output("*hone*").unwrap();
    assert_eq!(rig.actions.guest_output("*hone*"), Some(guest));
    let nobody = rig.actions.guest_output("nobody").unwrap();
    rig.done(volume(guest, VolumeChange::To(0.25)));
    assert_eq!((server.volume("speakers"), server.volume("phones")), (vec![100, 100], vec![25, 25]));
    rig.done(Effect::Mute { target: guest, switch: Switch::On });
    assert!(server.is_muted("phones") && !server.is_muted("speakers"));
    let Outcome::Unavailable(why) = rig.run(volume(nobody, VolumeChange::To(0.5))) else { panic!() };
    assert!(why.contains("nobody"), "{why}");
}
