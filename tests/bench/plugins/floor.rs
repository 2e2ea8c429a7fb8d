//! What a confined call is held against: a round trip of the same frames between two processes that do nothing else, and a
//! call of the same function in the same process.

use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use padgate_plugin_host::context::CONTEXT_BYTES;
use padgate_plugin_host::frame::HEADER_BYTES;
use padgate_tests::plugins::build_c;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

/// How many calls in the same process.
const CALLS: usize = 1_000_000;

/// Another process of this program, that sends back a result for each call.
pub(super) struct Bare {
    link: OwnedFd,
    child: Child,
}

impl Bare {
    pub(super) fn start() -> Result<Bare> {
        let (link, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let child = Command::new(std::env::current_exe()?).arg("echo").stdin(Stdio::from(theirs)).spawn()?;
        Ok(Bare { link, child })
    }

    /// One round trip, in µs.
    pub(super) fn call(&self) -> Result<f64> {
        let frame = [0; HEADER_BYTES + CONTEXT_BYTES];
        let mut result = [0; 256];
        let start = Instant::now();
        send(&self.link, &frame, SendFlags::NOSIGNAL)?;
        let (length, _) = recv(&self.link, &mut result, RecvFlags::empty())?;
        let span = start.elapsed();
        ensure!(length == HEADER_BYTES, "the other process sent {length} bytes");
        Ok(span.as_secs_f64() * 1e6)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What that process does.
pub(crate) fn echo() -> Result<()> {
    let link = std::io::stdin();
    let mut frame = [0; 256];
    loop {
        let (length, _) = recv(link.as_fd(), &mut frame, RecvFlags::empty())?;
        if length == 0 {
            return Ok(());
        }
        send(link.as_fd(), &frame[..HEADER_BYTES], SendFlags::NOSIGNAL)?;
    }
}

/// Prints what a call costs in the same process, where nothing protects anybody.
pub(super) fn in_process() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let library = build_c("fragile", folder.path())?;
    let bench = std::env::current_exe()?;
    let program = bench.with_file_name("examples").join("in_process");
    let output = Command::new(&program).arg(library).arg(CALLS.to_string()).output().with_context(|| {
        format!(
            "{}: `cargo build --release -p padgate-plugin-host --example in_process` builds it",
            program.display()
        )
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [median, late] = numbers[..] else {
        anyhow::bail!("{} failed: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    };
    println!("  {:<46} {:>9.3} {:>9.3}", "in the same process, unprotected", median / 1e3, late / 1e3);
    Ok(())
}
