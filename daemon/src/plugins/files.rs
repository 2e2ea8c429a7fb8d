//! What several parts of the plugin system do with files: opened without being fooled or held up, and written so that
//! a crash leaves either the old or the new.

use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A regular file that is open for reading.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    /// Where it really is, with every symbolic link followed, as of the opening.
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
}

/// A path as people write it, with `~/` for the home folder.
pub(crate) fn expand(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix('~') {
        Some("") => home.to_path_buf(),
        Some(rest) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

/// Opens a regular file for reading. Pipes, devices and folders are refused before they are opened, so that nothing
/// waits and nothing happens in them; and the path is that of the opened file, whatever is renamed meanwhile.
///
/// # Errors
///
/// If it can't be opened, or is no regular file.
#[cfg(target_os = "linux")]
pub(crate) fn open_regular(path: &Path) -> io::Result<Opened> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{Mode, OFlags};

    let place = File::from(rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?);
    let metadata = regular(place.metadata()?)?;
    // Through the descriptor, so that it is the file that was looked at.
    let link = format!("/proc/self/fd/{}", place.as_raw_fd());
    let path = std::fs::read_link(&link)?;
    Ok(Opened { file: File::open(&link)?, path, metadata })
}

/// Opens a regular file for reading. Without `/proc`, what is looked at and what is opened are two steps; untested.
///
/// # Errors
///
/// If it can't be opened, or is no regular file.
#[cfg(not(target_os = "linux"))]
pub(crate) fn open_regular(path: &Path) -> io::Result<Opened> {
    let path = std::fs::canonicalize(path)?;
    regular(std::fs::metadata(&path)?)?;
    let file = File::open(&path)?;
    let metadata = regular(file.metadata()?)?;
    Ok(Opened { file, path, metadata })
}

fn regular(metadata: Metadata) -> io::Result<Metadata> {
    if metadata.is_file() {
        return Ok(metadata);
    }
    let what = if metadata.is_dir() { "it is a folder" } else { "it is a pipe or a device" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{what}, not a file")))
}

/// Whether this is a file that someone may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let allowed = {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o111 != 0
    };
    #[cfg(not(unix))]
    let allowed = true;
    metadata.is_file() && allowed
}

/// Why somebody else could change this file or folder; `None` if only its owner can, who is the user or root. A group
/// that has the user's own number is the user's alone, as most distributions make it.
#[cfg(unix)]
pub(crate) fn open_to_others(metadata: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Some(format!("it belongs to another user (number {})", metadata.uid()));
    }
    if metadata.mode() & 0o002 != 0 {
        return Some("every user can write to it: take that away with \"chmod o-w\"".to_owned());
    }
    if metadata.mode() & 0o020 != 0 && metadata.gid() != user {
        return Some("its group can write to it: take that away with \"chmod g-w\"".to_owned());
    }
    None
}

/// Where files have access lists, this can't tell; untested.
#[cfg(not(unix))]
pub(crate) fn open_to_others(_: &Metadata) -> Option<String> {
    None
}

/// Makes a folder that only the user can enter, with all above it.
///
/// # Errors
///
/// If that fails, or something else is there.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Options for a file that only the user can read and write.
pub(crate) fn private_file() -> std::fs::OpenOptions {
    #[allow(unused_mut, reason = "changed on Unix only")]
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Replaces a file as a whole: after a crash, or a loss of power, there is the old one or the new one.
///
/// # Errors
///
/// If it can't be written; the old one is still there then.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = (|| {
        let mut file = private_file().write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if written.is_err() {
        // What is left of it is of no use; the error that is told is the first one.
        let _ = std::fs::remove_file(&beside);
    }
    written?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes a renaming in this folder last.
///
/// # Errors
///
/// If the system can't.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
