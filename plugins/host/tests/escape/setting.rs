//! Where the hostile plugin is let loose: folders it was granted and others, servers that it must not reach, and a look
//! at all of it afterwards.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use padgate_plugin_host::assignment::{Assignment, HostLimits, Profile, Unenforced};
use padgate_plugin_host::confinement::Confinement;

use crate::driver::DRIVER;

/// How many threads a plugin may have in these tests.
pub(crate) const THREADS: u32 = 16;
/// How much memory.
pub(crate) const MEMORY: u64 = 512 << 20;
/// How large its files may be.
pub(crate) const FILE_SIZE: u64 = 1 << 20;

/// See the module.
pub(crate) struct Setting {
    _folder: tempfile::TempDir,
    /// The plugin's own folder, with a file `own` in it.
    pub(crate) data: PathBuf,
    /// A folder that no test grants, with the file `secret`, the link `link` and the folder `empty` in it.
    pub(crate) outside: PathBuf,
    /// Granted by some tests, with the file `text` in it.
    pub(crate) granted: PathBuf,
    /// The library in the store.
    pub(crate) library: PathBuf,
    home: PathBuf,
    tcp: TcpListener,
    udp: UdpSocket,
    local: UnixListener,
    abstract_: UnixListener,
    before: Vec<String>,
}

/// How a run went.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// What the lock-down reported, if it succeeded.
    pub(crate) confinement: Option<Confinement>,
    /// Why it did not.
    pub(crate) error: Option<String>,
    /// What each probe said, as far as the process lived.
    pub(crate) said: Vec<String>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

impl Setting {
    /// Makes one, with the plugin that was built as this library.
    pub(crate) fn new(library: &Path) -> Setting {
        let folder = tempfile::Builder::new().prefix("padgate-escape").tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["home", "data", "outside", "outside/empty", "granted", "store"] {
            fs::create_dir(at(name)).expect("a folder");
        }
        for name in ["data/own", "outside/secret", "granted/text"] {
            fs::write(at(name), "a text that stays as it is\n").expect("a file");
        }
        std::os::unix::fs::symlink(at("outside/secret"), at("outside/link")).expect("a link");
        fs::copy(library, at("store/plugin.so")).expect("the library");
        fs::copy(library, at("outside/plugin.so")).expect("the library");
        fs::copy(library, at("data/plugin.so")).expect("the library");
        let name = format!("padgate-escape-{}-{}", std::process::id(), folder.path().display());
        let name = SocketAddr::from_abstract_name(name).expect("a name");
        let mut setting = Setting {
            data: at("data"),
            outside: at("outside"),
            granted: at("granted"),
            library: at("store/plugin.so"),
            home: at("home"),
            tcp: TcpListener::bind("127.0.0.1:0").expect("a port"),
            udp: UdpSocket::bind("127.0.0.1:0").expect("a port"),
            local: UnixListener::bind(at("home/daemon.sock")).expect("a socket"),
            abstract_: UnixListener::bind_addr(&name).expect("a socket"),
            before: Vec::new(),
            _folder: folder,
        };
        setting.tcp.set_nonblocking(true).expect("it can wait for nothing");
        setting.udp.set_nonblocking(true).expect("it can wait for nothing");
        setting.local.set_nonblocking(true).expect("it can wait for nothing");
        setting.abstract_.set_nonblocking(true).expect("it can wait for nothing");
        setting.before = setting.look();
        setting
    }

    /// An assignment with these direct forms.
    pub(crate) fn assignment(&self, profile: Profile) -> Assignment {
        let limits = HostLimits { memory: MEMORY, files: 64, file_size: FILE_SIZE, threads: THREADS };
        Assignment {
            plugin: "escape".into(),
            version: "0.1.0".into(),
            library: self.library.clone(),
            data_folder: self.data.clone(),
            home_folder: self.home.clone(),
            profile,
            policy: Unenforced::Refuse,
            limits,
            state: Vec::new(),
        }
    }

    /// A path in the folder that is not granted, as a target.
    pub(crate) fn out(&self, name: &str) -> String {
        self.outside.join(name).display().to_string()
    }

    /// A path in the plugin's own folder, as a target.
    pub(crate) fn own(&self, name: &str) -> String {
        self.data.join(name).display().to_string()
    }

    /// A path in the folder that some tests grant, as a target.
    pub(crate) fn in_granted(&self, name: &str) -> String {
        self.granted.join(name).display().to_string()
    }

    /// The port of a server for TCP, and of another for UDP.
    pub(crate) fn ports(&self) -> (u16, u16) {
        let tcp = self.tcp.local_addr().expect("it is bound").port();
        (tcp, self.udp.local_addr().expect("it is bound").port())
    }

    /// A socket like the daemon's own, by its path.
    pub(crate) fn socket(&self) -> String {
        self.home.join("daemon.sock").display().to_string()
    }

    /// Another, by its abstract name.
    pub(crate) fn abstract_socket(&self) -> String {
        let address = self.abstract_.local_addr().expect("it is bound");
        format!("@{}", String::from_utf8_lossy(address.as_abstract_name().expect("it is one")))
    }

    /// What a plugin could change, as it is now.
    fn look(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in [&self.outside, &self.home, &self.library.parent().expect("the store").to_path_buf()] {
            let mut entries: Vec<PathBuf> = fs::read_dir(folder)
                .expect("it is there")
                .map(|entry| entry.expect("an entry").path())
                .collect();
            entries.push(folder.clone());
            entries.sort();
            for path in entries {
                let about = fs::symlink_metadata(&path).expect("it is there");
                let text = if about.is_file() { fs::read(&path).expect("it can be read").len() } else { 0 };
                found.push(format!(
                    "{} {:o} {} {} {} {text}",
                    path.display(),
                    about.mode(),
                    about.uid(),
                    about.mtime_nsec(),
                    about.nlink()
                ));
            }
        }
        let own = fs::read_to_string("/proc/self/limits").expect("it is there");
        let group = fs::read_to_string("/proc/self/stat").expect("it is there");
        // The priority is the 18th field.
        found.push(format!("{own} {:?}", group.split(' ').nth(17)));
        found
    }

    /// Fails if anything outside was changed.
    pub(crate) fn assert_unchanged(&self) {
        assert_eq!(self.look(), self.before, "something outside was changed");
    }

    /// Fails if a server was reached.
    pub(crate) fn assert_unreached(&self) {
        let nobody = |error: std::io::Error| assert_eq!(error.kind(), ErrorKind::WouldBlock);
        nobody(self.tcp.accept().map(|_| ()).expect_err("a TCP connection arrived"));
        nobody(self.udp.recv(&mut [0; 16]).map(|_| ()).expect_err("a UDP datagram arrived"));
        nobody(self.local.accept().map(|_| ()).expect_err("a connection to the daemon's socket arrived"));
        nobody(self.abstract_.accept().map(|_| ()).expect_err("a connection to the abstract socket arrived"));
    }

    /// Runs the probes (`where`, name, target) in a process that is confined as assigned.
    pub(crate) fn run(
        &self,
        assignment: &Assignment,
        probes: &[(&str, &str, String)],
        options: &[&str],
    ) -> Run {
        let encoded = assignment.encode();
        let mut job = (encoded.len() as u32).to_le_bytes().to_vec();
        job.extend(encoded);
        for (place, probe, target) in probes {
            job.extend(format!("{place}\t{probe}\t{target}\n").bytes());
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(&file, job).expect("it can be written");

        // One end of a connection to a server that the daemon would have checked.
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let passed = TcpStream::connect(server.local_addr().expect("it is bound")).expect("a connection");
        let (mut echo, _) = server.accept().expect("a connection");
        let mut child = Command::new("/proc/self/exe")
            .arg(DRIVER)
            .arg(file.path())
            .args(options)
            .env_clear()
            .stdin(OwnedFd::from(passed))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test's own program starts");
        let mut run = Run::default();
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        for line in output.lines() {
            let line = line.expect("it is text");
            if let Some(report) = line.strip_prefix("locked") {
                run.confinement = decode(report.trim());
            } else if let Some(error) = line.strip_prefix("error ") {
                run.error = Some(error.to_owned());
            } else if let Some(death) = line.strip_prefix("sealed ") {
                assert_eq!(death, libc::SIGKILL.to_string(), "it would outlive the daemon");
                if run.confinement.is_some() {
                    assert_stripped(child.id());
                }
                echo.write_all(b"g").expect("it reads");
                let mut other = echo.try_clone().expect("a second handle");
                std::thread::spawn(move || {
                    let mut buffer = [0; 64];
                    while let Ok(length @ 1..) = other.read(&mut buffer) {
                        let _ = other.write_all(&buffer[..length]);
                    }
                });
            } else if !line.is_empty() {
                run.said.push(line);
            }
        }
        run.signal = child.wait().expect("it ends").signal();
        run
    }
}

fn decode(report: &str) -> Option<Confinement> {
    let bytes: Option<Vec<u8>> =
        (0..report.len()).step_by(2).map(|at| u8::from_str_radix(&report[at..at + 2], 16).ok()).collect();
    bytes.filter(|bytes| !bytes.is_empty()).map(|bytes| Confinement::decode(&bytes).expect("a report"))
}

/// Looks at the process from outside: no capabilities, no new privileges, both filters.
fn assert_stripped(process: u32) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it lives");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).trim().to_owned()
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!(field("NoNewPrivs"), "1");
    assert_eq!(field("Seccomp"), "2");
    let filters: u32 = field("Seccomp_filters").parse().expect("a number");
    assert!(filters >= 2, "{filters} filters");
}
