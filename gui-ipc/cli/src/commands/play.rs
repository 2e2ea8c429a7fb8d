//! `play`: a MIDI file as if a device did.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use padgate_ipc::method::{Play, PlayParams, PlaySpeed};

use super::connect;
use super::show::count;
use crate::args;
use crate::exit::Code;
use crate::output::{Output, lasted};

/// `padgate play`. Ctrl-C closes the connection, and with that the daemon stops and releases what is down.
pub(super) fn play(arguments: &args::Play, output: &mut Output) -> anyhow::Result<Code> {
    let path = std::path::absolute(&arguments.file)
        .with_context(|| format!("{} can't be found", arguments.file.display()))?;
    let path = path.to_str().with_context(|| format!("{} is no Unicode: rename it", path.display()))?;
    let speed = if arguments.full_speed { PlaySpeed::Full } else { PlaySpeed::InTime };
    let params =
        PlayParams { path: path.to_owned(), device: arguments.device.clone(), speed, progress: false };
    let mut client = connect()?;
    if speed == PlaySpeed::InTime && std::io::stderr().is_terminal() {
        // Talk, not data: if it can't be shown, nothing is lost.
        let _ = writeln!(std::io::stderr(), "playing {path}; Ctrl-C ends it");
    }
    let result = client.call::<Play>(&params)?;
    if arguments.json.json {
        output.json(&result)?;
        return Ok(Code::Done);
    }
    let took = std::time::Duration::from_millis(result.took_ms);
    let took = if took.as_secs() > 0 { lasted(took) } else { format!("{} ms", result.took_ms) };
    output.line(&format!(
        "played {} of {} messages as {} in {took}",
        result.played, result.total, result.device
    ))?;
    if result.released > 0 {
        let notes = count(result.released, "note was", "notes were");
        output.line(&format!("{notes} still down at the end, and released"))?;
    }
    Ok(Code::Done)
}
