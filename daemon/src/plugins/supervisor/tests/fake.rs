//! A host for tests: this test program itself, started once more, speaking frames. What it does is written in the path of
//! the "library" that it is told to load, and in the parameters of calls.

use std::io::{ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_OK};
use padgate_plugin_host::ask::{Answer, Ask};
use padgate_plugin_host::assignment::Assignment;
use padgate_plugin_host::confinement::{Confinement, Enforced};
use padgate_plugin_host::context;
use padgate_plugin_host::frame::{FRAME_BYTES_MAX, Header, Kind, decode};
use padgate_plugin_host::link;
use padgate_plugin_host::wire::{Reader, Writer};
use rustix::event::{PollFd, PollFlags, poll};

/// Tells the test program that it is a host.
const FLAG: &str = "PADGATE_TEST_FAKE_HOST";

/// The test that is a host if it is told so.
const TEST: &str = "plugins::supervisor::tests::fake::it_is_a_host_or_a_test";

/// Writes the program that a supervisor starts.
pub(super) fn program(folder: &Path) -> PathBuf {
    let path = folder.join("fake-host");
    let this = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\n{FLAG}=1 exec '{}' --exact {TEST} --nocapture --test-threads=1\n",
        this.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn it_is_a_host_or_a_test() {
    if std::env::var_os(FLAG).is_some() {
        Fake::run();
    }
    let module = module_path!().split_once("::").unwrap().1;
    assert_eq!(TEST, format!("{module}::it_is_a_host_or_a_test"), "the program must find it by its name");
}

struct Fake {
    generation: u32,
    handles: Vec<(u32, String)>,
    buffer: Vec<u8>,
    state: Vec<u8>,
    asks: u32,
    asks_at_end: bool,
}

impl Fake {
    fn run() -> ! {
        let mut fake = Fake {
            generation: 0,
            handles: Vec::new(),
            buffer: vec![0; FRAME_BYTES_MAX],
            state: Vec::new(),
            asks: 0,
            asks_at_end: false,
        };
        let (header, payload) = fake.next();
        assert_eq!(header.kind, Kind::Assign);
        fake.generation = header.generation;
        let assignment = Assignment::decode(&payload).unwrap();
        fake.state = assignment.state.clone();
        fake.begin(&assignment);
        loop {
            let (header, payload) = fake.next();
            fake.serve(&header, &payload);
        }
    }

    fn next(&mut self) -> (Header, Vec<u8>) {
        loop {
            let stdin = rustix::stdio::stdin();
            match link::receive(stdin.as_fd(), &mut self.buffer) {
                Ok(Some(length)) => {
                    let (header, payload) = decode(&self.buffer[..length]).unwrap();
                    return (header, payload.to_vec());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => wait(PollFlags::IN),
                Ok(None) | Err(_) => std::process::exit(3),
            }
        }
    }

    fn send(&self, header: Header, payload: &[u8]) {
        while let Err(error) = link::send(rustix::stdio::stdin().as_fd(), &header, payload, None) {
            match error.kind() {
                ErrorKind::WouldBlock => wait(PollFlags::OUT),
                _ => std::process::exit(3),
            }
        }
    }

    fn header(&self, kind: Kind) -> Header {
        Header::new(kind, self.generation)
    }

    /// The way to being ready, with whatever is wrong with it.
    fn begin(&mut self, assignment: &Assignment) {
        let fully = || Enforced::Fully;
        let confinement = Confinement {
            landlock: 7,
            filters: 0,
            files: fully(),
            network: fully(),
            programs: fully(),
            processes: fully(),
            limits: fully(),
        }
        .encode();
        let how = assignment.library.to_str().unwrap().trim_start_matches('/').to_owned();
        match how.as_str() {
            "silent" => hang(),
            "exit" => std::process::exit(7),
            "abort" => std::process::abort(),
            "unfit" => {
                self.send(self.header(Kind::Unfit), b"no symbol \x1b[31m");
                std::process::exit(70)
            }
            "ready-first" => {}
            "confined-twice" => {
                self.send(self.header(Kind::Confined), &confinement);
                self.send(self.header(Kind::Confined), &confinement);
            }
            "garbage" => drop(rustix::io::write(rustix::stdio::stdin(), b"garbage")),
            _ => self.send(self.header(Kind::Confined), &confinement),
        }
        self.asks_at_end = how == "asks-at-end";
        if how == "load-hang" {
            hang();
        }
        let name = if how == "wrong-name" { "other" } else { &assignment.plugin };
        let mut said = Writer::new();
        said.text(name).text(&assignment.version);
        self.send(self.header(Kind::Ready), &said.finish());
    }

    fn serve(&mut self, header: &Header, payload: &[u8]) {
        let same = |kind| Header { kind, status: PADGATE_OK, ..*header };
        match header.kind {
            Kind::Prepare => {
                let mut from = Reader::new(payload);
                let (_action, parameters) = (from.text().unwrap(), from.text().unwrap().to_owned());
                match parameters.as_str() {
                    "prepare-crash" => std::process::abort(),
                    "prepare-fails" => {
                        let failed = Header { status: PADGATE_FAILED, ..same(Kind::Prepared) };
                        return self.send(failed, b"no such scene");
                    }
                    _ => {}
                }
                self.handles.retain(|(handle, _)| *handle != header.handle);
                self.handles.push((header.handle, parameters));
                self.send(same(Kind::Prepared), &[]);
            }
            Kind::Forget => self.handles.retain(|(handle, _)| *handle != header.handle),
            Kind::Call => {
                let known = self.handles.iter().find(|(handle, _)| *handle == header.handle);
                let what = known.expect("the call was prepared").1.clone();
                self.call(&what, same(Kind::Result), payload);
            }
            Kind::Event => println!("event {} {payload:?}", header.handle),
            Kind::Ping => self.send(same(Kind::Pong), &[]),
            Kind::Save => {
                let state = self.state.clone();
                self.send(same(Kind::State), &state);
            }
            Kind::Stop if self.asks_at_end => {
                let last = Ask::MidiSend { device: "synth", message: &[0x80, 60, 0], at_ns: 0 };
                println!("last answer: {}", self.asked(&last));
                std::process::exit(0)
            }
            Kind::Stop => std::process::exit(0),
            other => panic!("{other:?}"),
        }
    }

    fn call(&mut self, what: &str, result: Header, payload: &[u8]) {
        let context = context::decode(payload).unwrap();
        let says = |fake: &Fake, text: String| {
            fake.send(Header { status: PADGATE_FAILED, ..result }, text.as_bytes());
        };
        match what.split_once(' ').unwrap_or((what, "")) {
            ("ok", _) => self.send(result, &[]),
            ("hang", _) => hang(),
            ("abort", _) => std::process::abort(),
            ("exit", _) => std::process::exit(0),
            ("close", _) => {
                let null = std::fs::File::open("/dev/null").unwrap();
                rustix::stdio::dup2_stdin(null).unwrap();
                hang();
            }
            ("status", number) => {
                self.send(Header { status: number.parse().unwrap(), ..result }, b"why not");
            }
            ("tell", _) => says(self, format!("{} {} {}", context.phase, context.press, context.value)),
            ("remember", text) => {
                self.state = text.as_bytes().to_vec();
                self.send(result, &[]);
            }
            ("recall", _) => says(self, String::from_utf8(self.state.clone()).unwrap()),
            // Goes on only when an event comes.
            ("wait", _) => {
                while self.next().0.kind != Kind::Event {}
                self.send(result, &[]);
            }
            ("print", text) => {
                println!("{text}");
                std::io::stdout().flush().unwrap();
                self.send(result, &[]);
            }
            ("print-forever", _) => loop {
                println!("again and again");
            },
            ("log-forever", _) => loop {
                self.send(Header { handle: 1, ..self.header(Kind::Log) }, b"again and again");
            },
            ("stale-forever", _) => loop {
                self.send(Header { generation: self.generation + 5, ..self.header(Kind::Log) }, b"x");
            },
            // Each is answered at once, and no answer is ever read.
            ("asks-deaf", _) => loop {
                self.ask(&Ask::MidiSend { device: "x", message: &[0x90, 1, 1], at_ns: 0 });
            },
            ("asks-forever", _) => loop {
                self.ask(&Ask::MidiSend { device: "never", message: &[0x90, 1, 1], at_ns: 0 });
            },
            ("burn", _) => loop {
                std::hint::spin_loop();
            },
            ("raw", text) => {
                rustix::io::write(rustix::stdio::stdin(), text.as_bytes()).unwrap();
                hang();
            }
            ("large", _) => {
                rustix::io::write(rustix::stdio::stdin(), &vec![0; FRAME_BYTES_MAX + 1]).unwrap();
                hang();
            }
            ("send", kind) => {
                let kind: u16 = kind.parse().unwrap();
                let kind = *Kind::ALL.iter().find(|known| **known as u16 == kind).unwrap();
                self.send(Header { number: 77, ..self.header(kind) }, &[]);
                hang();
            }
            ("stale", _) => {
                self.send(Header { generation: self.generation + 5, ..self.header(Kind::Confined) }, &[]);
                self.send(result, &[]);
            }
            ("twice", _) => {
                self.send(result, &[]);
                self.send(result, &[]);
            }
            ("listen", device) => {
                let answer = self.asked(&Ask::MidiListen { device });
                says(self, answer);
            }
            ("play", device) => {
                let answer = self.asked(&Ask::MidiSend { device, message: &[0x90, 60, 1], at_ns: 0 });
                says(self, answer);
            }
            ("timer", _) => {
                let at_ns = context.received_ns.max(1);
                let answer = self.asked(&Ask::Timer { at_ns });
                assert!(answer.starts_with("0 "), "{answer}");
                self.send(result, &[]);
            }
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, ask: &Ask<'_>) -> u32 {
        self.asks += 1;
        self.send(Header { number: self.asks, ..self.header(Kind::Ask) }, &ask.encode());
        self.asks
    }

    /// Asks, and waits for the answer.
    fn asked(&mut self, ask: &Ask<'_>) -> String {
        let number = self.ask(ask);
        loop {
            let (header, payload) = self.next();
            if header.kind == Kind::Answer && header.number == number {
                let answer = Answer::decode(&payload).unwrap();
                return format!("{} {}", header.status, String::from_utf8_lossy(answer.body));
            }
        }
    }
}

fn wait(what: PollFlags) {
    let stdin = rustix::stdio::stdin();
    poll(&mut [PollFd::from_borrowed_fd(stdin.as_fd(), what)], None).unwrap();
}

/// Until it is killed.
fn hang() -> ! {
    loop {
        std::thread::park();
    }
}
