//! The socket: a folder that only this user can write to, a lock that only one daemon can have, and who may connect.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use interprocess::local_socket::tokio::{Listener, Stream};
use padgate_ipc::address;

/// Why the socket can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another daemon has it.
    #[error(
        "padgated is already running as process {pid} since {since}, at {}: use it with `padgate`, stop it with \
         `kill {pid}` (or `systemctl --user stop padgate`), or set PADGATE_SOCKET to run a second one",
        path.display()
    )]
    Running {
        /// Its process; `"?"` if it did not say.
        pid: String,
        /// When it started, local time.
        since: String,
        /// The socket.
        path: PathBuf,
    },
    /// The folder can't be made or trusted, or the path is too long.
    #[error("the socket {} can't be used: {error}", path.display())]
    Path {
        /// The socket.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
}

/// The right to listen at a path, held as long as this lives. The system takes it back when the process ends, however
/// it ends.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes the right to listen at `path`, or says who has it. Makes the folder if it is missing.
    ///
    /// # Errors
    ///
    /// If another daemon has it, the folder can't be trusted, or something that is no socket is there already.
    pub fn take(path: &Path) -> Result<Claim, ClaimError> {
        let at = |error| ClaimError::Path { path: path.to_owned(), error };
        address::check_length(path).map_err(at)?;
        make_folder(path).map_err(at)?;
        address::check_folder(path).map_err(at)?;
        platform::check_no_other_file(path).map_err(at)?;
        let mut lock = open_lock(&lock_path(path)).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(running(&mut lock, path)),
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        let since =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        lock.set_len(0).and_then(|()| writeln!(lock, "{} {since}", std::process::id())).map_err(at)?;
        Ok(Claim { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens. A socket that a predecessor left behind is replaced: the lock says that nobody uses it. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn listen(&self) -> io::Result<Listener> {
        platform::listen(&self.path)
    }
}

/// Whether the process at the other end may use the daemon: only if it runs as the same user.
#[must_use]
pub fn may_connect(stream: &Stream) -> bool {
    platform::may_connect(stream)
}

fn lock_path(socket: &Path) -> PathBuf {
    let mut name = socket.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn make_folder(socket: &Path) -> io::Result<()> {
    match socket.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => platform::make_folder(folder),
        _ => Ok(()),
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    platform::private(&mut options);
    options.open(path)
}

/// Reads who holds the lock. Nothing rests on it: the lock itself decides.
fn running(lock: &mut File, path: &Path) -> ClaimError {
    let mut text = String::new();
    let read = lock.rewind().and_then(|()| lock.take(64).read_to_string(&mut text));
    let mut words = read.map_or("", |_| text.as_str()).split_ascii_whitespace();
    let pid = words.next().unwrap_or("?").to_owned();
    let since = words.next().and_then(|word| word.parse().ok());
    let since = since.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).map_or_else(
        || "an unknown time".to_owned(),
        |since| since.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    );
    ClaimError::Running { pid, since, path: path.to_owned() }
}

#[cfg(unix)]
mod platform {
    //! Unix: a socket file with mode 0600 in a folder with mode 0700, and the peer's user id.

    use std::fs::{DirBuilder, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _};
    use std::path::Path;

    use interprocess::local_socket::tokio::{Listener, Stream};
    use interprocess::local_socket::traits::StreamCommon as _;
    use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName as _};
    use interprocess::os::unix::local_socket::ListenerOptionsExt as _;

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    /// Listening replaces what is at the path. That may be a predecessor's socket, and must not be somebody's file.
    pub(super) fn check_no_other_file(path: &Path) -> io::Result<()> {
        match path.symlink_metadata() {
            Ok(metadata) if !metadata.file_type().is_socket() => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something that is no socket is there, and stays: move it away, or choose another path with PADGATE_SOCKET",
            )),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(super) fn private(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub(super) fn listen(path: &Path) -> io::Result<Listener> {
        let name = path.to_fs_name::<GenericFilePath>()?;
        let options = || ListenerOptions::new().name(name.clone()).try_overwrite(true);
        match options().mode(0o600).create_tokio() {
            // macOS can't set the mode of a socket; there the folder alone keeps others out.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => options().create_tokio(),
            result => result,
        }
    }

    pub(super) fn may_connect(stream: &Stream) -> bool {
        stream.peer_creds().is_ok_and(|peer| peer.euid() == Some(padgate_ipc::address::user()))
    }
}

#[cfg(windows)]
mod platform {
    //! Windows: not supported yet. A pipe's default access list lets other users read, and an owner-only one needs
    //! code that nobody has run; so nothing is opened rather than something that only looks safe.

    use std::fs::OpenOptions;
    use std::io;
    use std::path::Path;

    use interprocess::local_socket::tokio::{Listener, Stream};

    pub(super) fn make_folder(_folder: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn check_no_other_file(_path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn private(_options: &mut OpenOptions) {}

    pub(super) fn listen(_path: &Path) -> io::Result<Listener> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the socket is not supported on Windows yet"))
    }

    pub(super) fn may_connect(_stream: &Stream) -> bool {
        false
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::{Claim, ClaimError};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    #[test]
    fn the_second_daemon_is_told_who_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("padgate/ctl.sock");
        let first = Claim::take(&path).unwrap();
        let mode = std::fs::metadata(path.parent().unwrap()).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700, "the folder is made private");
        let second = Claim::take(&path).unwrap_err();
        let ClaimError::Running { pid, .. } = &second else { panic!("{second}") };
        assert_eq!(*pid, std::process::id().to_string());
        assert!(second.to_string().contains("already running"), "{second}");
        drop(first);
        Claim::take(&path).expect("the lock ends with its owner");
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = Claim::take(&folder.path().join("ctl.sock")).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_socket_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("song.mid");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(&path, "a song").unwrap();
        let error = Claim::take(&path).unwrap_err().to_string();
        assert!(error.contains("is no socket"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a song");
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing else is left there");
    }
}
