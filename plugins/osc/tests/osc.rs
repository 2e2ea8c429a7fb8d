//! The plugin's messages, as another implementation of Open Sound Control on a real socket reads them.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

use std::net::UdpSocket;

use osc::Osc;
use padgate_plugin::test::{Asked, Kit, Touch};
use rosc::{OscPacket, OscType};
use serde_json::json;

/// Sends what the plugin asked to be sent, and reads it back on the other side.
fn deliver(kit: &mut Kit<Osc>) -> Vec<(String, Vec<OscType>)> {
    let desk = UdpSocket::bind("127.0.0.1:0").unwrap();
    desk.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut heard = Vec::new();
    for asked in kit.asked() {
        let Asked::Udp { host, port, data } = asked else { panic!("{asked:?}") };
        assert_eq!((host.as_str(), port), ("desk.local", 10023));
        sender.send_to(&data, desk.local_addr().unwrap()).unwrap();
        let mut buffer = [0; 2048];
        let length = desk.recv(&mut buffer).unwrap();
        let (rest, packet) = rosc::decoder::decode_udp(&buffer[..length]).unwrap();
        assert!(rest.is_empty());
        let OscPacket::Message(message) = packet else { panic!("{packet:?}") };
        heard.push((message.addr, message.args));
    }
    heard
}

#[test]
fn arguments_are_constants_and_numbers_of_the_press() {
    let mut kit = Kit::<Osc>::new();
    let prepared = kit
        .prepare(
            "send",
            json!({
                "to": "desk.local:10023", "address": "/ch/{channel}/note/{note}",
                "arguments": [1, 0.5, "hello", true, "{value}", "{velocity}", "{percent}", "{ticks}"],
            }),
        )
        .unwrap();
    kit.tap(prepared, Touch::note(36, 127).channel(2).value(0.25)).unwrap();
    let heard = deliver(&mut kit);
    let expected = vec![
        OscType::Int(1),
        OscType::Float(0.5),
        OscType::String("hello".into()),
        OscType::Bool(true),
        OscType::Float(0.25),
        OscType::Int(32),
        OscType::Float(25.0),
        OscType::Int(0),
    ];
    assert_eq!(heard, [("/ch/3/note/36".to_owned(), expected)]);
}

#[test]
fn a_release_sends_its_own_arguments_or_nothing() {
    let mut kit = Kit::<Osc>::new();
    let base = json!({ "to": "desk.local:10023", "address": "/go", "arguments": [1] });
    let mut with = base.clone();
    with["release"] = json!([0]);
    let (silent, speaking) = (kit.prepare("send", base).unwrap(), kit.prepare("send", with).unwrap());
    for prepared in [silent, speaking] {
        kit.press(prepared, Touch::note(36, 1)).unwrap();
        kit.release(prepared).unwrap();
    }
    let sent: Vec<_> = deliver(&mut kit).into_iter().map(|(_, arguments)| arguments).collect();
    assert_eq!(sent, [[OscType::Int(1)], [OscType::Int(1)], [OscType::Int(0)]]);
}

#[test]
fn mistakes_are_told_when_the_configuration_is_loaded() {
    let mut kit = Kit::<Osc>::new();
    for (params, says) in [
        (json!({ "to": "desk.local", "address": "/a" }), "host and port"),
        (json!({ "to": "desk:0", "address": "/a" }), "host and port"),
        (json!({ "to": "desk:1", "address": "a" }), "must begin with"),
        (json!({ "to": "desk:1", "address": "/a b" }), "must not contain"),
        (json!({ "to": "desk:1", "address": "/a", "arguments": [3_000_000_000u64] }), "32 bits"),
        (json!({ "to": "desk:1", "address": "/a", "arguments": [{}] }), "a number, a text, true or false"),
    ] {
        let error = kit.prepare("send", params.clone()).unwrap_err();
        assert!(error.text().contains(says), "{params}: {error}");
    }
}

#[test]
fn what_the_manifest_and_the_page_say_is_what_the_plugin_takes() {
    let (manifest, page) = (include_str!("../plugin.toml"), include_str!("../../../docs/src/plugins/osc.md"));
    Kit::<Osc>::new().prepare_page(manifest, page).unwrap();
}
