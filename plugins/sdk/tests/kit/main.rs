//! The exported table, through the test kit: what an author can rely on, and what Padgate can.

#![forbid(unsafe_code)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use padgate_plugin::json::json;
use padgate_plugin::test::{Asked, Kit, Service, Touch};
use padgate_plugin::{Command, Error, ErrorKind, HttpRequest, HttpResponse, Level, Output, Phase, Volume};

mod probe;

use probe::{ENDED, LATE, Probe};

fn pad() -> Touch {
    Touch::note(60, 100)
}

fn log(asked: &[Asked], wanted: Level) -> Vec<&str> {
    let line = |asked: &'_ Asked| matches!(asked, Asked::Log { level, .. } if *level == wanted);
    let lines = asked.iter().filter(|asked| line(asked));
    lines
        .filter_map(|asked| if let Asked::Log { text, .. } = asked { Some(text.as_str()) } else { None })
        .collect()
}

fn panic_of(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it panics");
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| "no text".into())
}

#[test]
fn the_table_says_who_it_is() {
    let table = Kit::<Probe>::new().table();
    assert_eq!(table.name.length, "probe".len());
    assert_eq!(table.version.length, env!("CARGO_PKG_VERSION").len());
    assert_eq!((table.size as usize, table.abi), (size_of_val(table), 1));
    assert!(!probe::padgate_plugin_entry().is_null());
}

#[test]
fn a_state_goes_from_run_to_run() {
    let mut kit = Kit::<Probe>::new().with_saved("41");
    let count = kit.prepare("count", json!({})).unwrap();
    kit.tap(count, pad()).unwrap();
    assert_eq!(log(&kit.asked(), Level::Debug), ["started with 41"]);
    assert_eq!(kit.save().unwrap(), b"42");
    kit.stop();
    assert_eq!(log(&kit.asked(), Level::Info), ["stopped"]);

    let wrong = Kit::<Probe>::new().with_saved("x").start().unwrap_err();
    assert_eq!(wrong.text(), "what was saved is no number");
    let wrong = Kit::<Probe>::new().with_saved("panic").start().unwrap_err();
    assert!(
        wrong.text().starts_with("the plugin panicked: at the start, at plugins/sdk/tests/kit/probe.rs:"),
        "{wrong}"
    );
}

#[test]
fn a_state_that_is_too_large_is_not_kept() {
    let mut kit = Kit::<Probe>::new();
    let much = kit.prepare("save-too-much", json!({})).unwrap();
    kit.tap(much, pad()).unwrap();
    assert_eq!(kit.save().unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(log(&kit.asked(), Level::Error), ["the state to save has 49153 bytes; 49152 are allowed"]);
}

#[test]
fn parameters_are_refused_when_they_are_prepared() {
    let mut kit = Kit::<Probe>::new();
    let wrong = kit.prepare("play", json!({ "notes": [] })).unwrap_err();
    assert_eq!((wrong.kind(), wrong.text()), (ErrorKind::Failed, "there are no notes to play"));
    let wrong = kit.prepare("play", json!({ "notes": [300] })).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    assert!(wrong.text().starts_with("\"notes\": invalid value: integer `300`, expected u8"), "{wrong}");
    assert!(kit.prepare("plaz", json!({})).unwrap_err().text().contains("there is no action \"plaz\""));
    assert!(kit.prepare("count", json!([])).unwrap_err().text().contains("no JSON object"));
}

#[test]
fn what_was_forgotten_is_not_there_any_more() {
    let mut kit = Kit::<Probe>::new();
    let count = kit.prepare("count", json!({})).unwrap();
    kit.forget(count);
    kit.forget(count);
    let wrong = kit.tap(count, pad()).unwrap_err();
    assert_eq!((wrong.kind(), wrong.text()), (ErrorKind::Invalid, "nothing was prepared under the handle 0"));
}

#[test]
fn a_panic_ends_the_call_and_says_where_and_the_plugin_lives_on() {
    let mut kit = Kit::<Probe>::new();
    let panics = kit.prepare("panic", json!({ "text": "no lamp" })).unwrap();
    let count = kit.prepare("count", json!({})).unwrap();
    kit.tap(count, pad()).unwrap();
    let said = panic_of(|| drop(kit.tap(panics, pad())));
    assert!(said.starts_with("the plugin panicked: no lamp, at plugins/sdk/tests/kit/probe.rs:"), "{said}");
    kit.tap(count, pad()).unwrap();
    assert_eq!(kit.save().unwrap(), b"2");
    // The next failure does not have the text of the panic.
    let thread = kit.prepare("panic-in-thread", json!({})).unwrap();
    assert_eq!(kit.tap(thread, pad()).unwrap_err().text(), "the thread panicked");
}

#[test]
fn all_that_can_be_asked_for_arrives_as_it_was_said() {
    let mut kit = Kit::<Probe>::new();
    kit.answer_run(|command| Ok(Output::new(0, command.program.as_str())));
    let everything = kit.prepare("everything", json!({})).unwrap();
    drop(kit.asked());
    kit.tap(everything, pad()).unwrap();
    let system = |what, text: &str| Asked::System { what, text: text.into() };
    let expected = [
        Asked::Midi { device: String::new(), message: vec![0xF8], at: None },
        Asked::CancelMidi,
        Asked::Start(Command::new("xclock").arg("-digital").timeout(Duration::ZERO)),
        Asked::Play { path: kit.data_folder().join("a.wav"), gain: 0.5 },
        Asked::Volume { output: "Speaker*".into(), volume: Volume::By(-0.1) },
        Asked::Mute { output: String::new(), muted: true },
        system("media", "play-pause"),
        system("notify", "one two\nthree"),
        system("brightness", "+10%"),
        system("open", "http://localhost/"),
        system("keys", "ctrl+a"),
        system("type", "hello"),
        Asked::Timer { at: None },
    ];
    assert_eq!(kit.asked(), expected);
}

#[test]
fn a_missing_service_says_that_padgate_is_older() {
    let mut kit = Kit::<Probe>::new().without(Service::Midi);
    let everything = kit.prepare("everything", json!({})).unwrap();
    let wrong = kit.tap(everything, pad()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Unavailable);
    assert!(
        wrong.text().starts_with("this Padgate is older than the plugin and lacks padgate.midi/1"),
        "{wrong}"
    );

    let mut kit = Kit::<Probe>::new().without(Service::Log);
    let count = kit.prepare("count", json!({})).unwrap();
    kit.tap(count, pad()).unwrap();
}

#[test]
fn what_is_refused_is_refused_with_its_reason() {
    let mut kit = Kit::<Probe>::new();
    kit.refuse(Service::Midi);
    let everything = kit.prepare("everything", json!({})).unwrap();
    assert_eq!(kit.tap(everything, pad()).unwrap_err().kind(), ErrorKind::Refused);
    let wrong = kit.prepare("listen", json!({ "device": "pads" })).unwrap_err();
    assert_eq!(wrong.text(), "the user has not granted this (Midi)");
}

#[test]
fn http_is_answered_by_the_test() {
    let mut kit = Kit::<Probe>::new();
    let http = kit.prepare("http", json!({ "url": "http://h/" })).unwrap();
    let wrong = kit.tap(http, pad()).unwrap_err();
    assert!(wrong.text().contains("Kit::answer_http"), "{wrong}");
    drop(kit.asked());

    kit.answer_http(|_| Ok(HttpResponse::new(201, r#"{"is": "there"}"#)));
    kit.tap(http, pad()).unwrap();
    let asked = kit.asked();
    assert_eq!(asked[0], Asked::Http(HttpRequest::get("http://h/").timeout(Duration::from_millis(1))));
    assert_eq!(log(&asked, Level::Info), ["201 \"there\""]);

    kit.answer_http(|_| Ok(HttpResponse::new(200, "{")));
    assert!(kit.tap(http, pad()).unwrap_err().text().starts_with("the answer: EOF"));
    kit.answer_http(|request| panic!("what is {}?", request.url));
    let said = panic_of(|| drop(kit.tap(http, pad())));
    assert!(said.starts_with("the test's answer panicked: what is http://h/?, at "), "{said}");
}

#[test]
fn programs_can_really_be_run() {
    let mut kit = Kit::<Probe>::new();
    kit.run_really();
    let run = |kit: &mut Kit<Probe>, script: &str, timeout_ms: u64| {
        let parameters = json!({
            "program": "/bin/sh", "arguments": ["-c", script], "input": "in", "timeout_ms": timeout_ms,
        });
        let prepared = kit.prepare("run", parameters).unwrap();
        drop(kit.asked());
        kit.tap(prepared, pad())?;
        Ok::<_, Error>(log(&kit.asked(), Level::Info).concat())
    };
    assert_eq!(run(&mut kit, "cat; echo ' err' >&2; echo $HOME; exit 3", 10_000).unwrap(), "3 in err\n\n");
    assert_eq!(run(&mut kit, "kill -9 $$", 10_000).unwrap(), "137 ");
    assert_eq!(
        run(&mut kit, "exec cat /dev/zero | exec sleep 60", 20).unwrap_err().kind(),
        ErrorKind::Timeout
    );
}

#[test]
fn connections_can_really_be_made() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
        let mut word = [0; 4];
        stream.read_exact(&mut word).unwrap();
        stream.write_all(b"pong").unwrap();
        word
    });
    let mut kit = Kit::<Probe>::new();
    kit.connect_really();
    let talk = kit.prepare("talk", json!({ "port": port })).unwrap();
    kit.tap(talk, pad()).unwrap();
    assert_eq!(&server.join().unwrap(), b"ping");
    assert_eq!(log(&kit.asked(), Level::Warn), ["pong"]);
    // Now nobody listens there any more.
    assert_eq!(kit.tap(talk, pad()).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn time_stands_still_until_it_is_advanced() {
    let mut kit = Kit::<Probe>::new();
    let play = kit.prepare("play", json!({ "notes": [60, 64] })).unwrap();
    drop(kit.asked());
    kit.press(play, pad()).unwrap();
    let (now, at) = (kit.now(), |ms| Some(kit.now() + Duration::from_millis(ms)));
    let midi = |note, at| Asked::Midi { device: "synth".into(), message: vec![0x90, note, 100], at };
    let expected = [midi(60, at(0)), midi(64, at(100)), Asked::Timer { at: at(50) }];
    assert_eq!(kit.asked(), expected);
    kit.advance(Duration::from_millis(49));
    assert_eq!(kit.asked(), []);
    // It runs out at 50 ms, is set again, and runs out at 100 ms.
    kit.advance(Duration::from_millis(60));
    let millisecond = Duration::from_millis(1);
    assert_eq!(kit.asked(), [Asked::Timer { at: Some(now + 100 * millisecond) }, Asked::Timer { at: None }]);
    assert_eq!(kit.now(), now + 109 * millisecond);
    // A panic in an event is a line of the log.
    kit.tap(play, pad()).unwrap();
    kit.advance(Duration::from_secs(1));
    assert!(
        log(&kit.asked(), Level::Error).concat().starts_with("the plugin panicked: three is too many, at ")
    );
}

#[test]
fn a_plugin_hears_the_devices_that_it_listens_to() {
    let mut kit = Kit::<Probe>::new();
    kit.prepare("listen", json!({ "device": "pads" })).unwrap();
    drop(kit.asked());
    kit.midi_event("other", &[0x90, 1, 1]);
    kit.midi_event("pads", &[0x90, 2, 2]);
    let at = Some(kit.now() + Duration::from_nanos(1));
    let asked = kit.asked();
    assert_eq!(asked[0], Asked::Midi { device: String::new(), message: vec![0x90, 2, 2], at });
    assert_eq!(log(&asked, Level::Info), ["pads"]);
}

#[test]
fn a_thread_that_outlives_the_plugin_is_told_so() {
    let mut kit = Kit::<Probe>::new();
    kit.start().unwrap();
    kit.stop();
    drop(ENDED.take());
    assert_eq!(LATE.take().unwrap().join().unwrap(), ErrorKind::Unavailable);
    // And another run is possible.
    kit.start().unwrap();
}

#[test]
fn a_context_says_what_was_touched() {
    let context = Touch::note(60, 100).channel(9).context();
    assert_eq!((context.note(), context.controller(), context.channel()), (Some(60), None, Some(9)));
    assert_eq!(
        (context.phase(), context.velocity(), context.raw(), context.ticks()),
        (Phase::Tap, 100, 100, 0)
    );
    assert_eq!(context.message(), [0x99, 60, 100]);
    assert!(context.is_down() && context.deadline() > context.received());
    let quiet = Touch::note(60, 100).value(0.0).context();
    assert_eq!(quiet.velocity(), 1, "a press never has the velocity of a release");
    assert_eq!(Touch::encoder(7, -2).context().message(), [0xB0, 7, 126]);
}
