//! An X server without a screen (Xvfb), on a display of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use padgated::actions::Places;

/// A running server; killed when dropped.
pub(crate) struct XServer {
    process: Child,
    pub(crate) display: String,
}

impl XServer {
    /// Starts one on a free display; `None`, with a notice, if Xvfb is not installed.
    pub(crate) fn start() -> Option<XServer> {
        XServer::launch(None)
    }

    /// Starts one on the display that an earlier one had.
    pub(crate) fn start_on(display: &str) -> XServer {
        XServer::launch(Some(display)).expect("Xvfb was there before")
    }

    fn launch(display: Option<&str>) -> Option<XServer> {
        let mut command = Command::new("Xvfb");
        // The server writes the number of its display to its standard output when it is ready.
        command.args(display).args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "800x600x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ]);
        let Ok(mut process) =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
        else {
            eprintln!("SKIPPED: Xvfb is not installed (apt-get install xvfb x11-xkb-utils)");
            return None;
        };
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.trim().is_empty(), "Xvfb did not start");
        Some(XServer { process, display: format!(":{}", line.trim()) })
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Changes the layout, as a user does.
    pub(crate) fn layout(&self, name: &str) {
        let status = Command::new("setxkbmap").args(["-display", &self.display, name]).status().unwrap();
        assert!(status.success());
    }

    /// Places with this server and nothing else.
    pub(crate) fn places(&self) -> Places {
        Places { display: Some(self.display.clone()), ..Places::default() }
    }
}

impl Drop for XServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
