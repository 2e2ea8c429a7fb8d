//! The daemon's side of a host, for tests: it starts the real program, speaks over the real link, and builds plugins
//! with the C compiler.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![allow(dead_code, unreachable_pub, reason = "each test uses another part")]

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use padgate_plugin_abi::{PADGATE_OK, PadgateContext, PadgateStatus};
use padgate_plugin_host::ask::{Answer, Ask};
use padgate_plugin_host::assignment::{Assignment, HostLimits, Profile, Unenforced};
use padgate_plugin_host::context;
use padgate_plugin_host::ended::{EXIT_UNFIT, Ended};
use padgate_plugin_host::frame::{self, FRAME_BYTES_MAX, Header, Kind};
use padgate_plugin_host::launch::{self, Launched};
use padgate_plugin_host::link;
use padgate_plugin_host::wire::{Reader, Writer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long anything may take before a test fails.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };
/// The generation of the hosts of these tests.
pub const GENERATION: u32 = 9;

/// A frame of a host.
pub type Frame = (Header, Vec<u8>);

/// Builds a fixture as a library of its own, with these macros.
pub fn build(source: &str, macros: &[&str]) -> PathBuf {
    static BUILT: AtomicU32 = AtomicU32::new(0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let number = BUILT.fetch_add(1, Ordering::Relaxed);
    let library =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{source}-{}-{number}.so", std::process::id()));
    let output = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-unused-function",
            "-O1",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-pthread",
        ])
        .args(macros.iter().map(|name| format!("-D{name}")))
        .arg("-I")
        .arg(root.join("../abi/include"))
        .arg("-o")
        .arg(&library)
        .arg(root.join("tests/fixtures").join(format!("{source}.c")))
        .output()
        .expect("the tests need a C compiler, `cc`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// A host of the daemon that the test is.
pub struct Host {
    pub launched: Launched,
    number: u32,
    /// What was written to standard output and standard error so far.
    output: Vec<u8>,
    folder: tempfile::TempDir,
    library: Option<PathBuf>,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = launch::kill(self.launched.pidfd.as_fd());
        if let Some(library) = &self.library {
            let _ = std::fs::remove_file(library);
        }
    }
}

impl Host {
    /// A host that has been told nothing yet.
    pub fn blank() -> Host {
        let launched = launch::launch(Path::new(env!("CARGO_BIN_EXE_padgate-plugin-host"))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Host { launched, number: 0, output: Vec::new(), folder, library: None }
    }

    /// A host of the fixture `probe`, with these macros, that has been told what to run.
    pub fn assigned(macros: &[&str], state: &[u8]) -> Host {
        let mut host = Host::blank();
        let library = build("probe", macros);
        host.library = Some(library.clone());
        let assignment = Assignment {
            plugin: "probe".to_owned(),
            version: "1.2.3".to_owned(),
            library,
            data_folder: host.folder.path().to_owned(),
            home_folder: "/home/somebody".into(),
            profile: Profile::default(),
            policy: Unenforced::Run,
            limits: HostLimits::default(),
            state: state.to_vec(),
        };
        host.send(Header::new(Kind::Assign, GENERATION), &assignment.encode(), None);
        host
    }

    /// A host of the fixture `probe` that is ready.
    pub fn ready() -> Host {
        let mut host = Host::assigned(&[], b"");
        host.expect(Kind::Confined);
        host.expect(Kind::Ready);
        host
    }

    pub fn data_folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn send(&self, header: Header, payload: &[u8], pass: Option<BorrowedFd<'_>>) {
        loop {
            match link::send(self.launched.link.as_fd(), &header, payload, pass) {
                Ok(()) => return,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait(self.launched.link.as_fd(), PollFlags::OUT);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Sends a frame with a number of its own, and returns that.
    pub fn tell(&mut self, kind: Kind, handle: u32, payload: &[u8]) -> u32 {
        self.number += 1;
        let header = Header { number: self.number, handle, ..Header::new(kind, GENERATION) };
        self.send(header, payload, None);
        self.number
    }

    /// The next frame; `None` when the host's end is closed.
    pub fn receive(&mut self) -> Option<Frame> {
        let mut buffer = vec![0; FRAME_BYTES_MAX];
        loop {
            match link::receive(self.launched.link.as_fd(), &mut buffer) {
                Ok(Some(length)) => {
                    let (header, payload) = frame::decode(&buffer[..length]).unwrap();
                    assert_eq!(header.generation, GENERATION);
                    return Some((header, payload.to_vec()));
                }
                Ok(None) => return None,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait(self.launched.link.as_fd(), PollFlags::IN);
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next frame, which must be of this kind.
    pub fn expect(&mut self, kind: Kind) -> Frame {
        let (header, payload) = self.receive().unwrap_or_else(|| panic!("no {kind:?}: the host is gone"));
        let text = String::from_utf8_lossy(&payload).into_owned();
        assert_eq!(header.kind, kind, "{header:?} {text}");
        (header, payload)
    }

    /// The next question.
    pub fn question(&mut self, look: impl FnOnce(Ask<'_>)) -> u32 {
        let (header, payload) = self.expect(Kind::Ask);
        look(Ask::decode(&payload).unwrap());
        header.number
    }

    /// Answers a question.
    pub fn answer(&self, number: u32, status: PadgateStatus, code: i32, body: &[u8]) {
        let header = Header { number, status, ..Header::new(Kind::Answer, GENERATION) };
        self.send(header, &Answer { code, body }.encode(), None);
    }

    /// Prepares an action under a handle.
    pub fn prepare(&mut self, handle: u32, action: &str, parameters: &str) -> (PadgateStatus, String) {
        let mut payload = Writer::new();
        payload.text(action).text(parameters);
        let number = self.tell(Kind::Prepare, handle, &payload.finish());
        let (header, payload) = self.expect(Kind::Prepared);
        assert_eq!((header.number, header.handle), (number, handle));
        (header.status, String::from_utf8(payload).unwrap())
    }

    /// Begins a call of what is prepared under a handle.
    pub fn begin(&mut self, handle: u32) -> u32 {
        let context = PadgateContext {
            press: 42,
            value: 0.5,
            ticks: -3,
            phase: 1,
            note: 60,
            message: [0x90, 60, 64],
            ..PadgateContext::default()
        };
        self.tell(Kind::Call, handle, &context::encode(&context))
    }

    /// The end of the call with this number.
    pub fn result(&mut self, number: u32) -> (PadgateStatus, String) {
        let (header, payload) = self.expect(Kind::Result);
        assert_eq!(header.number, number);
        (header.status, String::from_utf8(payload).unwrap())
    }

    /// Prepares an action, and calls it.
    pub fn call(&mut self, action: &str) -> (PadgateStatus, String) {
        assert_eq!(self.prepare(1, action, "{}").0, PADGATE_OK);
        let number = self.begin(1);
        self.result(number)
    }

    /// Saves the state.
    pub fn save(&mut self) -> (PadgateStatus, Vec<u8>) {
        let number = self.tell(Kind::Save, 0, &[]);
        let (header, state) = self.expect(Kind::State);
        assert_eq!(header.number, number);
        (header.status, state)
    }

    /// Why the plugin can't be run; the host ends with the code for that.
    pub fn unfit(&mut self) -> String {
        self.expect(Kind::Confined);
        let (_, why) = self.expect(Kind::Unfit);
        assert_eq!(self.ended(), Ended::Exited(EXIT_UNFIT));
        String::from_utf8(why).unwrap()
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> Ended {
        wait(self.launched.pidfd.as_fd(), PollFlags::IN);
        launch::reap(self.launched.pidfd.as_fd()).unwrap().unwrap()
    }

    /// All that it and its plugin have written, to the end.
    pub fn output(&mut self) -> String {
        while self.read_output() {}
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Waits until it has written this.
    pub fn expect_output(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.output).contains(text) {
            assert!(self.read_output(), "`{text}` is not in {:?}", String::from_utf8_lossy(&self.output));
        }
    }

    fn read_output(&mut self) -> bool {
        let mut buffer = [0; 4096];
        wait(self.launched.output.as_fd(), PollFlags::IN);
        let length = rustix::io::read(&self.launched.output, &mut buffer).unwrap();
        self.output.extend(&buffer[..length]);
        length > 0
    }
}

/// Waits until something can be done with a descriptor.
pub fn wait(descriptor: BorrowedFd<'_>, what: PollFlags) {
    let mut wanted = [PollFd::from_borrowed_fd(descriptor, what)];
    let ready = rustix::io::retry_on_intr(|| poll(&mut wanted, Some(&PATIENCE))).unwrap();
    assert!(ready > 0, "nothing happened for {} s", PATIENCE.tv_sec);
}

/// The two texts of a `Ready`.
pub fn two_texts(payload: &[u8]) -> (String, String) {
    let mut from = Reader::new(payload);
    let texts = (from.text().unwrap().to_owned(), from.text().unwrap().to_owned());
    from.finish().unwrap();
    texts
}
