//! Reading `config.toml` and the files of `conf.d`, with every reason why one can't be read.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use padgate_core::config::Source;
use padgate_core::config::diagnostics::{Code, Diagnostic, Place};

use super::Paths;

/// The largest file that is read, in bytes. Ten thousand mappings take about one megabyte.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most files in `conf.d`.
pub const FILES_MAX: usize = 1000;

/// What could be read, and why the rest could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The texts, the main file first, then those of `conf.d` by name.
    pub sources: Vec<Source>,
    /// One error for each file that can't be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the main file and those of `conf.d`.
#[must_use]
pub fn read(paths: &Paths) -> Read {
    let mut read = Read::default();
    add(&mut read, paths, &paths.main, true);
    match further(paths) {
        Ok(files) => files.iter().for_each(|file| add(&mut read, paths, file, false)),
        Err(diagnostic) => read.diagnostics.push(*diagnostic),
    }
    read
}

fn add(read: &mut Read, paths: &Paths, file: &Path, is_main: bool) {
    let name = paths.shown(file);
    match read_text(file) {
        Ok(text) => read.sources.push(Source { name, text }),
        Err(failure) => {
            // The main file is shown in full: the user may be surprised where it is looked for.
            let name = if is_main { file.display().to_string() } else { name };
            let mut diagnostic = Diagnostic::new(Code::Unreadable, failure.place(&name), failure.message());
            diagnostic.help(failure.help(file));
            read.diagnostics.push(diagnostic);
        }
    }
}

/// The files of `conf.d` by name: `*.toml`, neither hidden nor a backup. No such folder is fine.
fn further(paths: &Paths) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let unreadable = |message: String, help: &str| {
        let place = Place::whole_file(&paths.shown(&paths.further));
        let mut diagnostic = Diagnostic::new(Code::Unreadable, place, message);
        diagnostic.help(help);
        Box::new(diagnostic)
    };
    let failed = |error: &std::io::Error| {
        unreadable(format!("the folder can't be read: {error}"), "it must be a folder that you may read")
    };
    let entries = match std::fs::read_dir(&paths.further) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| failed(&error))?.path();
        if is_configuration(&path) {
            files.push(path);
        }
    }
    if files.len() > FILES_MAX {
        let message = format!("there are {} files in it", files.len());
        return Err(unreadable(message, &format!("at most {FILES_MAX} are read; is this the right folder?")));
    }
    files.sort();
    Ok(files)
}

/// Whether the name is one of a configuration file. Editors leave hidden files and `x.toml~` behind.
pub(super) fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(".");
    !name.starts_with('.') && name.ends_with(".toml")
}

/// Why a file can't be read.
#[derive(Debug)]
pub enum Failure {
    /// The system says no.
    Io(std::io::Error),
    /// It is a folder, a device or a pipe.
    NotAFile,
    /// It is larger than [`FILE_BYTES_MAX`].
    TooLarge,
    /// It is no UTF-8 from this line and column on.
    NotText(u32, u32, usize),
}

/// Reads a text file of a bounded size, without its byte order mark.
///
/// # Errors
///
/// If it can't be read, is no ordinary file, is too large, or is no UTF-8.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    // Asked before it is opened: opening a pipe would wait for somebody to write into it.
    let kind = std::fs::metadata(path).map_err(Failure::Io)?;
    if !kind.is_file() {
        return Err(Failure::NotAFile);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Failure::Io)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(Failure::Io)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Failure::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..end]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Failure::NotText(number(line), number(column), end)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

impl Failure {
    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Failure::Io(error) => match error.kind() {
                ErrorKind::NotFound => "there is no such file".to_owned(),
                ErrorKind::PermissionDenied => "this file can't be read: permission denied".to_owned(),
                _ if is_loop(error) => "this is a symbolic link that leads back to itself".to_owned(),
                _ => format!("this file can't be read: {error}"),
            },
            Failure::NotAFile => "this is not a file".to_owned(),
            Failure::TooLarge => format!("this file is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024),
            Failure::NotText(line, column, _) => {
                format!("this is not a text in UTF-8: line {line}, column {column} can't be read")
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self, path: &Path) -> String {
        let shown = path.display();
        match self {
            Failure::Io(error) => match error.kind() {
                ErrorKind::NotFound => {
                    let folder = path.parent().unwrap_or(Path::new(".")).display();
                    format!("make one; an empty file will do: mkdir -p {folder} && touch {shown}")
                }
                ErrorKind::PermissionDenied => format!("make it readable for you: chmod u+r {shown}"),
                _ if is_loop(error) => format!("see where it leads: ls -l {shown}"),
                _ => format!("see what it is: ls -l {shown}"),
            },
            Failure::NotAFile => format!("see what it is: ls -ld {shown}"),
            Failure::TooLarge => "is it the right file? Else split it up into files in conf.d".to_owned(),
            Failure::NotText(..) => "save it as UTF-8 in your editor".to_owned(),
        }
    }

    fn place(&self, name: &str) -> Place {
        match self {
            Failure::NotText(line, column, at) => {
                Place { file: name.into(), span: *at..*at, line: *line, column: *column }
            }
            Failure::Io(_) | Failure::NotAFile | Failure::TooLarge => Place::whole_file(name),
        }
    }
}

/// `ErrorKind::FilesystemLoop` is not stable yet.
#[cfg(unix)]
fn is_loop(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_: &std::io::Error) -> bool {
    false
}
