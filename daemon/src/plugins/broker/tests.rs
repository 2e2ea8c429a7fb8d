//! The brokers together, as the supervisor sees them: asked on one thread, answered later.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::Receiver;

use padgate_core::capability::{Host, HostPattern, MidiScope, NetworkScope, Rights};
use padgate_core::engine::{Effect, Request};
use padgate_core::ids::{DeviceId, TargetId};
use padgate_plugin_abi::audio::{PADGATE_VOLUME_MUTE, PADGATE_VOLUME_TO};
use padgate_plugin_abi::system::PADGATE_SYSTEM_MEDIA;
use padgate_plugin_abi::{
    PADGATE_EVENT_MIDI, PADGATE_FAILED, PADGATE_INVALID, PADGATE_LIMIT, PADGATE_OK, PADGATE_REFUSED,
    PADGATE_TIMEOUT,
};

use super::tests_kit::{
    DEADLINE, Devices, Event, Events, Output, Sent, Waiting, all_rights, gate, grant, waiting,
};
use super::{
    ActionSend, Arc, Ask, Broker as _, BrokerSetup, Brokers, Duration, Gate, JOB_TIME_MAX,
    OUTPUTS_PER_PLUGIN, Places, PluginId, RequestRouter, Screen, SoundOutputs, Time, clock, until,
};
use crate::lock::lock;
use crate::outcome::{Outcome, Report, ReportSink};

const ONE: PluginId = PluginId(1);

/// Back ends that take everything, and that a test reports for.
#[derive(Default)]
struct Backs(Mutex<Vec<Request>>);

impl ActionSend for Backs {
    fn send(&self, request: Request) -> Result<(), Outcome> {
        lock(&self.0).push(request);
        Ok(())
    }
}

impl SoundOutputs for Backs {
    fn output(&self, pattern: &str) -> Option<TargetId> {
        (pattern != "full").then(|| TargetId::new(pattern.len() as u32))
    }
}

struct Nobody;

impl ReportSink for Nobody {
    fn report(&self, report: Report) {
        panic!("{report:?} is a plugin's");
    }
}

struct Rig {
    brokers: Brokers,
    gate: Arc<Gate>,
    backs: Arc<Backs>,
    requests: Arc<RequestRouter>,
    sent: Receiver<Sent>,
    events: Receiver<Event>,
}

fn rig() -> Rig {
    let (output, sent) = Output::new();
    let (sink, events) = Events::new();
    let gate = gate(&all_rights());
    let backs = Arc::new(Backs::default());
    let requests = Arc::new(RequestRouter::new(Arc::new(Nobody)));
    let brokers = Brokers::new(BrokerSetup {
        midi: output,
        devices: Arc::new(Devices),
        actions: Arc::clone(&backs) as _,
        outputs: Arc::clone(&backs) as _,
        requests: Arc::clone(&requests),
        gate: Arc::clone(&gate),
        events: sink,
        places: Places::default(),
        screen: Screen {
            system_bus: "unix:path=/padgate/none".to_owned(),
            backlights: "/padgate/none".into(),
        },
        home: std::env::temp_dir(),
    });
    Rig { brokers, gate, backs, requests, sent, events }
}

impl Rig {
    fn ask(&self, ask: &Ask<'_>) -> Waiting {
        self.ask_as(ONE, ask)
    }

    fn ask_as(&self, plugin: PluginId, ask: &Ask<'_>) -> Waiting {
        let (reply, waiting) = waiting();
        let permit = self.gate.ask(plugin, ask).expect("the gate permits it");
        self.brokers.serve(permit, plugin, ask, clock::now() + DEADLINE, reply);
        waiting
    }

    fn status(&self, ask: &Ask<'_>) -> i32 {
        self.ask(ask).get().status
    }
}

#[test]
fn a_socket_is_passed_and_works() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let rig = rig();
    let answered = rig.ask(&Ask::Connect { host: "127.0.0.1", port, timeout_ms: 0 }).get();
    let mut stream = TcpStream::from(answered.socket.expect("a socket"));
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"hello").unwrap();
    let mut bytes = [0; 5];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!((answered.status, &bytes), (PADGATE_OK, b"hello"));
}

#[test]
fn a_slow_server_delays_neither_the_caller_nor_another_plugin() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let rig = rig();
    let http =
        |timeout_ms| Ask::Http { method: "GET", url: &url, headers: Vec::new(), body: &[], timeout_ms };
    let slow: Vec<_> = (0..20).map(|_| rig.ask(&http(0))).collect();
    let run = Ask::Run {
        program: "true",
        arguments: Vec::new(),
        input: &[],
        timeout_ms: DEADLINE.as_millis() as u32,
    };
    let other = rig.ask_as(PluginId(2), &run);
    assert_eq!(other.get().status, PADGATE_OK);
    assert!(slow.iter().all(|waiting| !waiting.is_answered()));
    // Its end answers nobody any more, but everything ends.
    rig.brokers.ended(ONE);
    for waiting in slow {
        assert_ne!(waiting.get().status, PADGATE_OK);
    }
    assert_eq!(rig.status(&http(50)), PADGATE_TIMEOUT, "and a new host of it is served again");
}

#[test]
fn redirects_are_gated() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer).unwrap();
        let answer = "HTTP/1.1 302 Away\r\nLocation: http://forbidden.invalid/\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let rig = rig();
    let only = HostPattern { host: Host::Named("127.0.0.1".to_owned()), port: None };
    let network = Some(NetworkScope { hosts: vec![only], direct: None });
    grant(&rig.gate, &Rights { network, ..all_rights() });
    let http = Ask::Http { method: "GET", url: &url, headers: Vec::new(), body: &[], timeout_ms: 0 };
    let answered = rig.ask(&http).get();
    server.join().unwrap();
    let text = String::from_utf8(answered.body).unwrap();
    assert_eq!(answered.status, PADGATE_REFUSED);
    assert!(text.contains("redirects to forbidden.invalid:80, and the plugin"), "{text}");
}

#[test]
fn listening_ends_when_the_right_does() {
    let rig = rig();
    let pads = DeviceId::new(2);
    assert_eq!(rig.status(&Ask::MidiListen { device: "pads" }), PADGATE_OK);
    rig.brokers.heard(pads, &[0x90, 1, 1], Time(5));
    assert_eq!(rig.events.try_recv().unwrap().1, PADGATE_EVENT_MIDI);
    rig.brokers.rights_changed(ONE);
    rig.brokers.heard(pads, &[0x90, 1, 1], Time(5));
    assert!(rig.events.try_recv().is_ok(), "other rights changed");
    let midi = Some(MidiScope { send: Vec::new(), listen: vec!["synth".to_owned()] });
    grant(&rig.gate, &Rights { midi, ..all_rights() });
    rig.brokers.rights_changed(ONE);
    rig.brokers.heard(pads, &[0x90, 1, 1], Time(5));
    assert!(rig.events.try_recv().is_err());
    assert!(rig.sent.try_recv().is_err(), "what is heard is not sent on");
}

#[test]
fn the_end_of_a_host_releases_and_forgets() {
    let rig = rig();
    let note = |message| Ask::MidiSend { device: "synth", message, at_ns: 0 };
    assert_eq!(rig.status(&note(&[0x90, 60, 1])), PADGATE_OK);
    assert_eq!(rig.status(&note(&[0x90, 61, 1])), PADGATE_OK);
    assert_eq!(rig.status(&note(&[0x80, 61, 1])), PADGATE_OK);
    assert_eq!(rig.status(&Ask::MidiListen { device: "pads" }), PADGATE_OK);
    assert_eq!(rig.status(&Ask::MidiCancel), PADGATE_OK);
    rig.sent.try_iter().count();
    rig.brokers.ended(ONE);
    assert_eq!(rig.sent.try_iter().collect::<Vec<_>>(), [(Some(1), vec![0x80, 60, 64])]);
    rig.brokers.heard(DeviceId::new(2), &[0x90, 1, 1], Time(5));
    assert!(rig.events.try_recv().is_err());
}

#[test]
fn volumes_and_the_desktop_go_through_the_back_ends() {
    let rig = rig();
    fn volume(output: &str, change: u32, value: f64) -> Ask<'_> {
        Ask::Volume { output, change, value }
    }
    let pending = [
        rig.ask(&volume("", PADGATE_VOLUME_TO, 9.0)),
        rig.ask(&volume("phones", PADGATE_VOLUME_MUTE, 1.0)),
        rig.ask(&Ask::System { what: PADGATE_SYSTEM_MEDIA, text: "next" }),
    ];
    let taken: Vec<Request> = lock(&rig.backs.0).drain(..).collect();
    let effects: Vec<String> = taken.iter().map(|request| format!("{:?}", request.effect)).collect();
    assert_eq!(
        effects,
        ["Volume { target: #0, change: To(1.5) }", "Mute { target: #6, switch: On }", "Media(Next)"]
    );
    assert!(pending.iter().all(|waiting| !waiting.is_answered()));
    for (request, waiting) in taken.into_iter().zip(pending) {
        let outcome = match request.effect {
            Effect::Media(_) => Outcome::Failed("no player".into()),
            _ => Outcome::Done,
        };
        let at = clock::now();
        let failed = matches!(outcome, Outcome::Failed(_));
        rig.requests.report(Report { request: request.id, outcome, started: at, done: at });
        let answered = waiting.get();
        assert_eq!((answered.status != PADGATE_OK, answered.body == b"no player"), (failed, failed));
    }
    assert_eq!(rig.status(&volume("", 9, 0.0)), PADGATE_INVALID);
    assert_eq!(rig.status(&volume("", PADGATE_VOLUME_TO, f64::NAN)), PADGATE_INVALID);
    assert_eq!(rig.status(&volume("full", PADGATE_VOLUME_TO, 0.0)), PADGATE_LIMIT);
    for count in 0..OUTPUTS_PER_PLUGIN {
        let name = format!("output {count}");
        let waiting = rig.ask(&volume(&name, PADGATE_VOLUME_TO, 0.0));
        // Two patterns were named above.
        assert_eq!(waiting.is_answered(), count + 2 >= OUTPUTS_PER_PLUGIN, "{count}");
    }
    assert_eq!(rig.status(&Ask::Play { path: "/etc/passwd", gain: 1.0 }), PADGATE_FAILED, "no sound");
    assert_eq!(rig.status(&Ask::Play { path: "/etc/passwd", gain: 2.0 }), PADGATE_INVALID);
}

#[test]
fn a_permit_is_for_what_was_asked_and_for_whom() {
    let rig = rig();
    let run = Ask::Run { program: "true", arguments: Vec::new(), input: &[], timeout_ms: 0 };
    let serve = |permit, plugin, ask: &Ask<'_>| {
        let (reply, waiting) = waiting();
        rig.brokers.serve(permit, PluginId(plugin), ask, clock::now() + DEADLINE, reply);
        waiting.get().status
    };
    let permit = || rig.gate.ask(ONE, &Ask::MidiCancel).unwrap();
    assert_eq!(serve(permit(), 1, &Ask::MidiCancel), PADGATE_OK);
    assert_eq!(serve(permit(), 2, &Ask::MidiCancel), PADGATE_INVALID);
    assert_eq!(serve(permit(), 1, &run), PADGATE_INVALID);
    assert_eq!(serve(rig.gate.call(ONE).unwrap(), 1, &run), PADGATE_INVALID);
}

#[test]
fn a_job_is_over_before_its_call() {
    let now = clock::now();
    let left = |deadline, timeout_ms| until(deadline, timeout_ms).duration_since(std::time::Instant::now());
    assert!(left(now + Duration::from_secs(1), 0) < Duration::from_secs(1));
    assert!(left(now + Duration::from_secs(50), 100) <= Duration::from_millis(100));
    assert!(left(Time(u64::MAX), 0) <= JOB_TIME_MAX);
    assert!(left(Time(u64::MAX), u32::MAX) <= JOB_TIME_MAX);
    assert_eq!(left(Time(0), 0), Duration::ZERO);
}
