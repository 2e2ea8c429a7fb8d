//! The host's program with plugins that do what they should: from the assignment to the end, over the real link.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod support;

use std::collections::HashMap;
use std::os::fd::AsFd as _;

use padgate_plugin_abi::log::{PADGATE_LOG_INFO, PADGATE_LOG_WARN};
use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_OK, PADGATE_REFUSED, PADGATE_UNAVAILABLE};
use padgate_plugin_host::ask::{Answer, Ask};
use padgate_plugin_host::confinement::Confinement;
use padgate_plugin_host::ended::{EXIT_STOPPED, Ended};
use padgate_plugin_host::frame::{Header, Kind, PAYLOAD_BYTES_MAX};
use padgate_plugin_host::wire::Writer;
use support::{GENERATION, Host, two_texts};

#[test]
fn a_plugin_is_loaded_called_and_stopped() {
    let mut host = Host::assigned(&[], b"");
    let (_, confined) = host.expect(Kind::Confined);
    Confinement::decode(&confined).unwrap();
    let (_, ready) = host.expect(Kind::Ready);
    assert_eq!(two_texts(&ready), ("probe".to_owned(), "1.2.3".to_owned()));
    assert_eq!(host.call("nothing"), (PADGATE_OK, String::new()));
    assert_eq!(host.call("context"), (PADGATE_FAILED, "42 0.5 -3 1 60 64".to_owned()));
    host.tell(Kind::Stop, 0, &[]);
    assert_eq!(host.ended(), Ended::Exited(EXIT_STOPPED));
    // The second was printed without a line's end: it is there because the plugin ended in order.
    assert_eq!(host.output(), "the constructor ran\ndestroyed");
}

#[test]
fn parameters_are_taken_refused_and_forgotten() {
    let mut host = Host::ready();
    assert_eq!(host.prepare(3, "context", "{}").0, PADGATE_OK);
    let parameters = format!("{{\"url\": \"{}\"}}", "x".repeat(1000));
    assert_eq!(host.prepare(4, "refused", &parameters), (PADGATE_FAILED, format!("not these: {parameters}")));
    host.tell(Kind::Forget, 3, &[]);
    let number = host.begin(3);
    assert_eq!(host.result(number), (PADGATE_FAILED, "unknown: forgotten".to_owned()));
    // Each text that the plugin gave was released once.
    assert_eq!(host.call("released"), (PADGATE_FAILED, "2".to_owned()));
}

#[test]
fn events_pings_and_lines_for_the_log() {
    let mut host = Host::ready();
    let mut event = Writer::new();
    event.u64(123).bytes(&[0x90, 60, 100]).text("pads");
    host.tell(Kind::Event, 2, &event.finish());
    let (header, line) = host.expect(Kind::Log);
    assert_eq!((header.handle, &*line), (PADGATE_LOG_INFO, &b"event 2 at 123 of pads: 3 bytes"[..]));
    let number = host.tell(Kind::Ping, 0, &[]);
    assert_eq!(host.expect(Kind::Pong).0.number, number);
    assert_eq!(host.prepare(1, "log", "{}").0, PADGATE_OK);
    host.begin(1);
    let (header, line) = host.expect(Kind::Log);
    assert_eq!((header.handle, &*line), (PADGATE_LOG_WARN, &b"one line"[..]));
    host.expect(Kind::Result);
}

#[test]
fn a_state_is_saved_and_given_to_the_next() {
    let mut host = Host::assigned(&[], b"scene 3");
    host.expect(Kind::Confined);
    host.expect(Kind::Ready);
    assert_eq!(host.save(), (PADGATE_OK, b"scene 3+".to_vec()));
    let mut next = Host::assigned(&["ASK_IN_CREATE"], b"scene 3+");
    next.expect(Kind::Confined);
    let number = next.question(|ask| assert_eq!(ask, Ask::MidiListen { device: "pads" }));
    next.answer(number, PADGATE_REFUSED, 0, b"not granted");
    next.expect(Kind::Ready);
    assert_eq!(next.save(), (PADGATE_OK, b"scene 3++".to_vec()));
    let mut without = Host::assigned(&["FEW"], b"");
    without.expect(Kind::Confined);
    without.expect(Kind::Ready);
    assert_eq!(without.save(), (PADGATE_OK, Vec::new()));
    without.tell(Kind::Forget, 1, &[]);
    without.tell(Kind::Event, 1, &[0; 16]);
    assert_eq!(without.call("nothing").0, PADGATE_OK);
}

#[test]
fn every_question_arrives_and_is_answered() {
    let mut host = Host::ready();
    host.prepare(1, "questions", "{}");
    let call = host.begin(1);
    let expected = [
        Ask::MidiSend { device: "synth", message: &[0x90, 60, 100], at_ns: 5 },
        Ask::MidiCancel,
        Ask::MidiListen { device: "pads" },
        Ask::Timer { at_ns: 77 },
        Ask::Play { path: "/a.wav", gain: 0.5 },
        Ask::Volume { output: "", change: 1, value: -0.25 },
        Ask::System { what: 0, text: "play-pause" },
    ];
    for expected in expected {
        let number = host.question(|ask| assert_eq!(ask, expected));
        host.answer(number, PADGATE_REFUSED, 0, b"no");
    }
    let number = host.question(|ask| {
        let (method, url, headers) = ("POST", "http://localhost:8000/a", vec![("X-Pad", "7")]);
        assert_eq!(ask, Ask::Http { method, url, headers, body: b"body", timeout_ms: 50 });
    });
    host.answer(number, PADGATE_OK, 404, b"not found");
    let number = host.question(|ask| {
        let arguments = vec!["-n", ""];
        assert_eq!(ask, Ask::Run { program: "obs-cli", arguments, input: b"in", timeout_ms: 9 });
    });
    host.answer(number, PADGATE_OK, -2, &vec![b'x'; PAYLOAD_BYTES_MAX - 8]);
    let (_, report) = host.result(call);
    let long = "x".repeat(200);
    let expected = format!(
        "send 2 no\ncancel 2 \nlisten 2 no\ntimer 2 \nplay 2 no\nvolume 2 no\nsystem 2 no\nhttp 0 not found\n\
         run 0 {long}\ncodes 404 -2 0 \n"
    );
    assert_eq!(report, expected);
}

#[test]
fn a_connected_socket_comes_with_the_answer() {
    let mut host = Host::ready();
    host.prepare(1, "connect", "{}");
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let call = host.begin(1);
    let number =
        host.question(|ask| assert_eq!(ask, Ask::Connect { host: "localhost", port: 4455, timeout_ms: 20 }));
    let header = Header { number, ..Header::new(Kind::Answer, GENERATION) };
    host.send(header, &Answer::default().encode(), Some(theirs.as_fd()));
    drop(theirs);
    let mut got = [0; 5];
    std::io::Read::read_exact(&mut &ours, &mut got).unwrap();
    assert_eq!(&got, b"hello");
    std::io::Write::write_all(&mut &ours, b"world").unwrap();
    assert_eq!(host.result(call).1, "connect open=1 cloexec=1 got=world 0 \n");
    // The plugin has closed it, and nothing else of it is open.
    assert_eq!(std::io::Read::read(&mut &ours, &mut got).unwrap(), 0);
    let call = host.begin(1);
    let number = host.question(|_| ());
    host.answer(number, PADGATE_UNAVAILABLE, 0, b"nobody listens there");
    assert_eq!(host.result(call).1, "connect open=0 cloexec=0 got= 3 nobody listens there\n");
    // A daemon that says yes and passes nothing.
    let call = host.begin(1);
    let number = host.question(|_| ());
    host.answer(number, PADGATE_OK, 0, b"");
    assert!(host.result(call).1.starts_with("connect open=0 cloexec=0 got= 1 the connected socket"));
}

/// Answers each question with its own text, in an order that is not theirs, until the call has ended.
fn echo(host: &mut Host, call: u32) -> String {
    let mut held: HashMap<u32, Vec<u8>> = HashMap::new();
    loop {
        let (header, payload) = host.receive().unwrap();
        match header.kind {
            Kind::Ask => {
                let Ok(Ask::System { text, .. }) = Ask::decode(&payload) else {
                    panic!("another question");
                };
                held.insert(header.number, text.as_bytes().to_vec());
                // The threads have one question each; two are held so that the order is another.
                if held.len() >= 2 || text == "background" {
                    for (number, text) in held.drain() {
                        host.answer(number, PADGATE_FAILED, 0, &text);
                    }
                }
            }
            Kind::Result => {
                assert_eq!(header.number, call);
                return String::from_utf8(payload).unwrap();
            }
            other => panic!("{other:?}"),
        }
        // When some of the threads are through, the last of them asks alone.
        if held.len() == 1 && idle(host) {
            for (number, text) in held.drain() {
                host.answer(number, PADGATE_FAILED, 0, &text);
            }
        }
    }
}

/// Whether nothing is on the link at this moment.
fn idle(host: &Host) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut wanted = [PollFd::new(&host.launched.link, PollFlags::IN)];
    poll(&mut wanted, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 0
}

#[test]
fn threads_that_ask_at_once_each_get_their_own_answer() {
    let mut host = Host::ready();
    host.prepare(1, "together", "{}");
    let call = host.begin(1);
    assert_eq!(echo(&mut host, call), "0 wrong");
}

#[test]
fn a_thread_asks_while_the_main_thread_waits_and_is_called() {
    let mut host = Host::ready();
    host.prepare(1, "background", "{}");
    host.prepare(2, "context", "{}");
    host.prepare(3, "join", "{}");
    host.begin(1);
    // The result may come after the first question of the thread that it started.
    let (mut results, mut asked) = (0, 0);
    while asked < 200 || results < 1 + 50 {
        let (header, payload) = host.receive().unwrap();
        match header.kind {
            Kind::Ask => {
                asked += 1;
                // A call is under way before the answer, so that the thread reads it and passes it on.
                if asked % 4 == 0 {
                    host.begin(2);
                }
                assert!(matches!(Ask::decode(&payload).unwrap(), Ask::System { text: "background", .. }));
                host.answer(header.number, PADGATE_FAILED, 0, b"background");
            }
            Kind::Result => results += 1,
            other => panic!("{other:?}"),
        }
    }
    let call = host.begin(3);
    assert_eq!(host.result(call).1, "0 wrong");
}

#[test]
fn a_plugin_knows_its_folders_and_no_environment() {
    let mut host = Host::ready();
    let expected = format!("{} /home/somebody bare", host.data_folder().display());
    assert_eq!(host.call("folders").1, expected);
    // Standard input is empty, and is not the link.
    assert_eq!(host.call("stdin").1, "0");
}

#[test]
fn what_a_plugin_prints_is_in_its_output_line_by_line() {
    let mut host = Host::ready();
    assert_eq!(host.call("print").0, PADGATE_OK);
    host.expect_output("the constructor ran\nto standard output\nto standard error\n");
}

#[test]
fn a_host_ends_when_the_daemon_does() {
    let mut host = Host::ready();
    assert_eq!(host.call("nothing").0, PADGATE_OK);
    // What closes the daemon's end.
    host.launched.link = std::fs::File::open("/dev/null").unwrap().into();
    assert_eq!(host.ended(), Ended::Exited(EXIT_STOPPED));
}
