//! Writes a line into a file when a control is used: a list of what was played, marks in a recording, counts.
//!
//! The file is opened by the plugin itself, inside its sandbox, which allows exactly the granted folder.

#![forbid(unsafe_code)]

mod clock;

use std::fs::OpenOptions;
use std::io::{ErrorKind as Io, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use padgate_plugin::template::{Escape, Template};
use padgate_plugin::{ActionPlugin, Context, Error, ErrorKind, Host, Phase};
use serde::Deserialize;

use clock::{Offset, Wall};

/// The folder that relative names are in, and that the manifest asks for.
pub const FOLDER: &str = "~/Documents/padgate";
/// The plugin's own places in templates, in the order of [`Wall::texts`].
const PLACES: [&str; 3] = ["time", "date", "clock"];

/// The plugin. It keeps nothing between calls, so that a file can be moved away at any time.
#[derive(Debug, Default)]
pub struct NotesLog;

/// What to write where.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Params {
    /// As written, which is also how it is shown.
    file: String,
    line: Template,
    offset: Offset,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    file: String,
    line: String,
    utc_offset: Option<String>,
}

impl TryFrom<Written> for Params {
    type Error = Error;

    fn try_from(written: Written) -> Result<Params, Error> {
        let Written { file, line, utc_offset } = written;
        let path = Path::new(&file);
        if path.file_name().is_none() || file.ends_with('/') || file.contains('\0') {
            return Err(Error::invalid(format!("\"file\": {file:?} is not the name of a file")));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(Error::invalid(format!(
                "\"file\": {file:?} has a part \"..\", which could lead anywhere"
            )));
        }
        if line.contains(['\n', '\r']) {
            return Err(Error::invalid("\"line\": it has a line break; several lines are several actions"));
        }
        let line = Template::with_places(&line, &PLACES).map_err(|error| error.of("\"line\""))?;
        let offset = utc_offset.as_deref().map_or(Ok(Offset::default()), str::parse);
        let offset = offset.map_err(|error: Error| error.of("\"utc_offset\""))?;
        Ok(Params { file, line, offset })
    }
}

impl Params {
    /// Where the file is.
    fn path(&self, host: &Host) -> PathBuf {
        if self.file.starts_with("~/") { host.path(&self.file) } else { host.path(FOLDER).join(&self.file) }
    }
}

impl ActionPlugin for NotesLog {
    type Params = Params;

    fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
        // A line belongs to the press, also if the mapping says `hold = true`.
        if context.phase() == Phase::Release {
            return Ok(());
        }
        let wall = Wall::new(SystemTime::now(), params.offset);
        let texts = wall.texts();
        let texts = [texts[0].as_str(), texts[1].as_str(), texts[2].as_str()];
        let mut line = params.line.fill_with(context, Escape::None, &texts)?;
        line.push('\n');
        let path = params.path(host);
        // One write of a whole line at the end of the file: lines of others are not torn, nor is this one.
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        opened.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|error| explained(&path, &error))
    }
}

/// Why a line could not be written, and what to do about it.
fn explained(path: &Path, error: &std::io::Error) -> Error {
    let folder = path.parent().unwrap_or(path).display();
    let (kind, text) = match error.kind() {
        Io::NotFound => {
            (ErrorKind::Unavailable, format!("its folder is not there: make it with `mkdir -p {folder}`"))
        }
        // Landlock and file permissions look the same from here.
        Io::PermissionDenied => (
            ErrorKind::Refused,
            format!(
                "it may not be written: `padgate plugin info notes-log` shows the folders that are granted, and \
                 `ls -ld {folder}` whether you may write there yourself"
            ),
        ),
        Io::IsADirectory => (ErrorKind::Invalid, "it is a folder: name a file in it".to_owned()),
        Io::StorageFull => (ErrorKind::Failed, "the disk is full".to_owned()),
        _ => (ErrorKind::Failed, error.to_string()),
    };
    Error::new(kind, format!("{}: {text}", path.display()))
}

padgate_plugin::export!(NotesLog);
