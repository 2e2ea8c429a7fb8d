//! A PulseAudio server with outputs that play into nothing.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use padgated::actions::Places;

use super::eventually;

/// A server of its own, with the outputs `speakers` (the default) and `phones`; killed when dropped.
pub(crate) struct SoundServer {
    process: Child,
    pub(crate) folder: tempfile::TempDir,
}

impl SoundServer {
    /// `None`, with a notice, if PulseAudio is not installed.
    pub(crate) fn start() -> Option<SoundServer> {
        let folder = tempfile::tempdir().unwrap();
        let process = launch(folder.path())?;
        Some(SoundServer { process, folder })
    }

    /// Starts another at the same place.
    pub(crate) fn restart(&mut self) {
        self.process = launch(self.folder.path()).unwrap();
    }

    /// Ends it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let _ = std::fs::remove_file(self.folder.path().join("native"));
    }

    /// Where it is.
    pub(crate) fn places(&self) -> Places {
        Places { sound_socket: Some(self.folder.path().join("native")), ..Places::default() }
    }

    /// What `pactl` says, as another program's word.
    pub(crate) fn pactl(&self, arguments: &[&str]) -> String {
        let output = pactl(self.folder.path(), arguments);
        assert!(output.status.success(), "pactl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The volume in percent of each channel, as another program sees it.
    pub(crate) fn volume(&self, sink: &str) -> Vec<u32> {
        let text = self.pactl(&["get-sink-volume", sink]);
        text.split_whitespace().filter_map(|word| word.strip_suffix('%')?.parse().ok()).collect()
    }

    /// Whether it is muted, as another program sees it.
    pub(crate) fn is_muted(&self, sink: &str) -> bool {
        self.pactl(&["get-sink-mute", sink]).contains("yes")
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
