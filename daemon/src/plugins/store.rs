//! The content-addressed store: the copies of plugins' binaries that hosts load.
//!
//! A binary is read into memory once. What is hashed, what a signature is verified for and what is written here are
//! those very bytes, so that nobody can swap the file in between; and a new version has a new path, which a system that
//! remembers libraries by their path needs to load it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::files;

/// The largest binary, in bytes.
pub const BINARY_BYTES_MAX: u64 = 64 << 20;

/// How names of files that are being written begin.
const UNFINISHED: &str = ".new-";

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// Where a binary was put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The copy. Absolute, if the store's folder is.
    pub library: PathBuf,
    /// The copy that was there had other bytes, and was replaced: somebody, or a bad disk, had changed it.
    pub repaired: bool,
}

/// The SHA-256 in 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

/// Whether this is how a SHA-256 is written here.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Store {
    /// The store in this folder, which is made if need be, for the user alone.
    ///
    /// # Errors
    ///
    /// If the folder can't be made.
    pub fn open(folder: &Path) -> io::Result<Store> {
        files::private_folder(folder)?;
        Ok(Store { folder: folder.to_path_buf() })
    }

    /// Keeps these bytes, whose hash is `sha256`. If they are there already, the copy is hashed again.
    ///
    /// # Errors
    ///
    /// If they can't be written.
    pub fn keep(&self, bytes: &[u8], sha256: &str) -> io::Result<Kept> {
        let library = self.path(sha256);
        let was_there = match hash_of(&library) {
            Ok(there) if there == sha256 => return Ok(Kept { library, repaired: false }),
            Ok(_) => true,
            Err(_) => false,
        };
        let folder = self.folder.join(sha256);
        files::private_folder(&folder)?;
        let unfinished = self.folder.join(format!("{UNFINISHED}{}-{sha256}", std::process::id()));
        let written = write(&unfinished, bytes).and_then(|()| std::fs::rename(&unfinished, &library));
        if written.is_err() {
            // What is left of it is of no use; the error that is told is the first one.
            let _ = std::fs::remove_file(&unfinished);
        }
        written?;
        files::sync_folder(&folder)?;
        files::sync_folder(&self.folder)?;
        Ok(Kept { library, repaired: was_there })
    }

    /// The copy of the binary with this hash, hashed again now: to be asked before a host is started with it.
    ///
    /// # Errors
    ///
    /// If it is not there, or its bytes are not those that were verified.
    pub fn library(&self, sha256: &str) -> io::Result<PathBuf> {
        let library = self.path(sha256);
        if hash_of(&library)? == sha256 {
            return Ok(library);
        }
        let why = format!("{} was changed after it was verified", library.display());
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }

    /// Where the copy of the binary with this hash is, or would be.
    #[must_use]
    pub fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(sha256).join(format!("plugin{}", std::env::consts::DLL_SUFFIX))
    }

    /// Removes all that is not named. A library that a host has loaded stays in that host's memory. Returns how many
    /// were removed.
    ///
    /// # Errors
    ///
    /// If the folder can't be read; what can't be removed is left.
    pub fn prune(&self, keep: &HashSet<String>) -> io::Result<usize> {
        let mut removed = 0;
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // Nothing but the store's own is touched, whatever somebody put there.
            let gone = if is_sha256(name) && !keep.contains(name) {
                std::fs::remove_dir_all(entry.path())
            } else if name.starts_with(UNFINISHED) {
                std::fs::remove_file(entry.path())
            } else {
                continue;
            };
            match gone {
                Ok(()) => removed += 1,
                Err(error) => {
                    tracing::warn!(path = %entry.path().display(), %error, "can't remove an unused plugin");
                }
            }
        }
        Ok(removed)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // One of an earlier process with our number.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = files::private_file().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o555))?;
    }
    file.sync_all()
}

/// The hash of a copy, which is read no further than a binary can be long.
fn hash_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?.take(BINARY_BYTES_MAX + 1);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Store, UNFINISHED, is_sha256, sha256};

    #[test]
    fn hashes_are_those_of_everybody_else() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(is_sha256(&sha256(b"")) && !is_sha256("") && !is_sha256(&"A".repeat(64)));
    }

    #[test]
    fn what_is_kept_can_be_read_and_not_be_written() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(&root.path().join("a/store")).unwrap();
        let sum = sha256(b"library");
        let kept = store.keep(b"library", &sum).unwrap();
        assert!(!kept.repaired);
        assert_eq!(std::fs::read(&kept.library).unwrap(), b"library");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&kept.library), 0o555);
        assert_eq!(mode(kept.library.parent().unwrap()), 0o700);
        assert_eq!(mode(&root.path().join("a/store")), 0o700);
        assert_eq!(store.library(&sum).unwrap(), kept.library);
        let inode = |path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
        let before = inode(&kept.library);
        assert_eq!(store.keep(b"library", &sum).unwrap(), kept);
        assert_eq!(inode(&kept.library), before, "what is right is left alone");
    }

    #[test]
    fn a_changed_copy_is_noticed_and_repaired() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let sum = sha256(b"library");
        let kept = store.keep(b"library", &sum).unwrap();
        std::fs::set_permissions(&kept.library, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(&kept.library, b"Library").unwrap();
        assert!(store.library(&sum).unwrap_err().to_string().contains("was changed"));
        assert!(store.keep(b"library", &sum).unwrap().repaired);
        assert_eq!(std::fs::read(store.library(&sum).unwrap()).unwrap(), b"library");
        assert!(store.library(&sha256(b"none")).is_err());
    }

    #[test]
    fn what_is_not_needed_any_more_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let sums: Vec<String> = [b"a", b"b", b"c"].iter().map(|bytes| sha256(*bytes)).collect();
        for (bytes, sum) in [b"a", b"b", b"c"].iter().zip(&sums) {
            store.keep(*bytes, sum).unwrap();
        }
        std::fs::write(root.path().join(format!("{UNFINISHED}1-x")), b"half").unwrap();
        std::fs::write(root.path().join("notes.txt"), b"mine").unwrap();
        assert_eq!(store.prune(&HashSet::from([sums[1].clone()])).unwrap(), 3);
        assert!(store.library(&sums[1]).is_ok() && store.library(&sums[0]).is_err());
        assert!(root.path().join("notes.txt").exists());
    }
}
