//! Where the daemon listens, and that nobody else can listen there instead.

use std::io;
use std::path::{Path, PathBuf};

/// The environment variable that names the socket.
pub const SOCKET_VARIABLE: &str = "PADGATE_SOCKET";

/// The longest path that a Unix socket can have on every platform, in bytes.
pub const PATH_BYTES_MAX: usize = 103;

/// Where the daemon of this user listens: `$PADGATE_SOCKET`, else `$XDG_RUNTIME_DIR/padgate/ctl.sock`, else
/// `/tmp/padgate-UID/ctl.sock`. On Windows the name of a pipe.
#[must_use]
pub fn socket_path() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(SOCKET_VARIABLE).unwrap_or_else(|| default_path(set("XDG_RUNTIME_DIR").as_deref()))
}

#[cfg(unix)]
fn default_path(runtime: Option<&Path>) -> PathBuf {
    match runtime {
        Some(runtime) if runtime.is_absolute() => runtime.join("padgate/ctl.sock"),
        _ => PathBuf::from(format!("/tmp/padgate-{}/ctl.sock", user())),
    }
}

/// Untested: nobody has run this on Windows yet.
#[cfg(windows)]
fn default_path(_runtime: Option<&Path>) -> PathBuf {
    let user = std::env::var("USERNAME").unwrap_or_else(|_| "user".to_owned());
    PathBuf::from(format!(r"\\.\pipe\padgate-{user}"))
}

/// The user that this process acts as.
#[cfg(unix)]
#[must_use]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the socket's path is short enough for the system.
///
/// # Errors
///
/// With what to do, if it is not.
pub fn check_length(path: &Path) -> io::Result<()> {
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return Ok(());
    }
    let text = format!(
        "the socket's path {} is longer than {PATH_BYTES_MAX} bytes: set {SOCKET_VARIABLE} to a shorter one",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

/// Whether the folder of the socket belongs to this user and nobody else can write to it, so that whoever listens
/// there was started by this user.
///
/// # Errors
///
/// If it is missing ([`io::ErrorKind::NotFound`]), or somebody else could have made the socket
/// ([`io::ErrorKind::PermissionDenied`]).
#[cfg(unix)]
pub fn check_folder(socket: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let folder = match socket.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let data = std::fs::metadata(folder)?;
    if data.uid() == user() && data.mode() & 0o022 == 0 {
        return Ok(());
    }
    let text = format!(
        "the folder {} belongs to user {} with mode {:o}, but must belong to user {} and be writable by no one else: \
         `chmod 700` it, or set {SOCKET_VARIABLE} to a socket in another folder",
        folder.display(),
        data.uid(),
        data.mode() & 0o7777,
        user()
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// Nothing to check: pipes have no folder.
///
/// # Errors
///
/// None.
#[cfg(windows)]
pub fn check_folder(_socket: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::{PATH_BYTES_MAX, check_length, default_path, user};
    use std::path::Path;

    #[test]
    fn the_runtime_folder_comes_before_tmp() {
        assert_eq!(default_path(Some(Path::new("/run/user/7"))), Path::new("/run/user/7/padgate/ctl.sock"));
        let fallback = format!("/tmp/padgate-{}/ctl.sock", user());
        assert_eq!(default_path(None), Path::new(&fallback));
        assert_eq!(default_path(Some(Path::new("relative"))), Path::new(&fallback));
    }

    #[test]
    fn a_path_that_is_too_long_is_told() {
        assert!(check_length(Path::new(&"x".repeat(PATH_BYTES_MAX))).is_ok());
        let error = check_length(Path::new(&"x".repeat(PATH_BYTES_MAX + 1))).unwrap_err();
        assert!(error.to_string().contains("PADGATE_SOCKET"), "{error}");
    }
}
