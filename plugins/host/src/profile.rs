//! From what a plugin was granted to what the operating system must allow it: the direct forms alone, with paths as they
//! are on this disk. And the grants that no plugin gets, because they would undo all others.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use padgate_core::capability::Rights;

use crate::assignment::Profile;

/// Why grants can't be turned into a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A path that is neither absolute nor below the home folder.
    #[error("the path \"{0}\" of the filesystem grant is neither absolute nor below ~/: write it so")]
    Relative(String),
    /// A folder or file that is not there. It is an error and not left out, because a rule of the kernel's holds for a
    /// folder that exists: one that is made later would be granted and closed.
    #[error("{path} is among what the plugin may {use_}, and can't be found: {source}; create it, or take it out of the grant", path = .path.display())]
    Missing {
        /// The path.
        path: PathBuf,
        /// `read` or `write`.
        use_: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

/// Turns the direct forms among the rights into a profile; what is brokered leaves no trace in it. Paths come out
/// resolved, sorted, and without those that lie below another.
///
/// # Errors
///
/// If a path is not usable or not there.
pub fn compile(rights: &Rights, home: &Path) -> Result<Profile, ProfileError> {
    let (mut read, mut write) = (Vec::new(), Vec::new());
    if let Some(files) = &rights.filesystem {
        read = resolve(&files.read, home, "read")?;
        write = resolve(&files.write, home, "write")?;
        read.retain(|path| !write.iter().any(|other| path.starts_with(other)));
    }
    let mut network = rights.network.as_ref().and_then(|network| network.direct.clone());
    if let Some(ports) = &mut network {
        ports.sort_unstable();
        ports.dedup();
    }
    let subprocess = rights.subprocess.as_ref().is_some_and(|programs| programs.direct);
    Ok(Profile { read, write, network, subprocess })
}

fn resolve(paths: &[String], home: &Path, use_: &'static str) -> Result<Vec<PathBuf>, ProfileError> {
    let mut resolved = Vec::new();
    for text in paths {
        let path = expand(text, home).ok_or_else(|| ProfileError::Relative(text.clone()))?;
        let found = path.canonicalize().map_err(|source| ProfileError::Missing { path, use_, source })?;
        resolved.push(found);
    }
    resolved.sort();
    // Sorted, what lies below a folder comes right behind it.
    resolved.dedup_by(|path, before| path.starts_with(&*before));
    Ok(resolved)
}

/// The absolute path that a path of a grant means.
fn expand(text: &str, home: &Path) -> Option<PathBuf> {
    let path = match text {
        "~" => home.to_path_buf(),
        _ => match text.strip_prefix("~/") {
            Some(rest) => home.join(rest.trim_start_matches('/')),
            None => PathBuf::from(text),
        },
    };
    path.is_absolute().then_some(path)
}

/// Whatever can be written here is run, or believed, when the user does something else. Below the home folder.
const TRUSTED_AT_HOME: &[(&str, &str)] = &[
    (".bashrc", "is run by every shell"),
    (".bash_profile", "is run by every shell"),
    (".bash_login", "is run by every shell"),
    (".bash_logout", "is run by every shell"),
    (".bash_aliases", "is run by every shell"),
    (".profile", "is run by every shell"),
    (".zshrc", "is run by every shell"),
    (".zshenv", "is run by every shell"),
    (".zprofile", "is run by every shell"),
    (".zlogin", "is run by every shell"),
    (".zlogout", "is run by every shell"),
    (".kshrc", "is run by every shell"),
    (".mkshrc", "is run by every shell"),
    (".cshrc", "is run by every shell"),
    (".tcshrc", "is run by every shell"),
    (".login", "is run by every shell"),
    (".inputrc", "says what keys in a shell do"),
    (".oh-my-zsh", "is run by every shell"),
    (".config/fish", "is run by every shell"),
    (".config/zsh", "is run by every shell"),
    (".config/bash", "is run by every shell"),
    (".config/nushell", "is run by every shell"),
    (".xinitrc", "is run at login"),
    (".xsession", "is run at login"),
    (".xsessionrc", "is run at login"),
    (".xprofile", "is run at login"),
    (".pam_environment", "is read at login"),
    (".config/autostart", "is run at login"),
    (".config/autostart-scripts", "is run at login"),
    (".config/plasma-workspace", "is run at login"),
    (".config/environment.d", "is read at login"),
    (".config/systemd", "is run at login"),
    (".local/share/systemd", "is run at login"),
    (".config/i3", "is run at login"),
    (".config/sway", "is run at login"),
    (".config/hypr", "is run at login"),
    (".config/pipewire", "is run at login"),
    (".config/wireplumber", "is run at login"),
    (".local/share/applications", "is run from the menu"),
    (".local/share/dbus-1", "is run on demand"),
    (".local/bin", "holds programs that are run by name"),
    (".local/lib", "holds code that other programs load"),
    ("bin", "holds programs that are run by name"),
    (".cargo", "holds programs that are run by name"),
    (".rustup", "holds programs that are run by name"),
    (".npmrc", "tells other programs what to run"),
    (".gitconfig", "tells other programs what to run"),
    (".config/git", "tells other programs what to run"),
    (".vimrc", "tells other programs what to run"),
    (".vim", "tells other programs what to run"),
    (".config/nvim", "tells other programs what to run"),
    (".emacs", "tells other programs what to run"),
    (".emacs.d", "tells other programs what to run"),
    (".config/emacs", "tells other programs what to run"),
    (".ssh", "decides who may log in"),
    (".gnupg", "holds keys"),
    (".local/share/keyrings", "holds keys"),
    (".config/padgate", "is Padgate's own"),
    (".local/share/padgate", "is Padgate's own"),
    (".local/state/padgate", "is Padgate's own"),
];

/// The same, for the system. A user who isn't root can write little of it, which no grant should rely on.
const TRUSTED: &[(&str, &str)] = &[
    ("/etc", "is the system's"),
    ("/usr", "is the system's"),
    ("/bin", "is the system's"),
    ("/sbin", "is the system's"),
    ("/lib", "is the system's"),
    ("/lib32", "is the system's"),
    ("/lib64", "is the system's"),
    ("/opt", "is the system's"),
    ("/boot", "is the system's"),
    ("/dev", "is the system's"),
    ("/proc", "is the system's"),
    ("/sys", "is the system's"),
    ("/run", "is the system's"),
    ("/var/run", "is the system's"),
    ("/var/lib", "is the system's"),
    ("/var/spool", "is run at set times"),
];

/// Whether one of the *write* grants would let a plugin undo every other grant: because it overlaps (is, lies in, or
/// holds) one of the `protected` folders, which are the daemon's own, or something that is run or believed by others.
/// Links are followed, also where a path is not there yet. The text says which, and why.
#[must_use]
pub fn overlap(rights: &Rights, home: &Path, protected: &[PathBuf]) -> Option<String> {
    let files = rights.filesystem.as_ref()?;
    let own = protected.iter().map(|path| (path.clone(), "is Padgate's own"));
    let at_home = TRUSTED_AT_HOME.iter().map(|(name, why)| (home.join(name), *why));
    let system = TRUSTED.iter().map(|(path, why)| (PathBuf::from(path), *why));
    let as_found = |(path, why): (PathBuf, &'static str)| (resolved(&path), path, why);
    let mut trusted: Vec<_> = own.chain(at_home).map(as_found).collect();
    // A home folder may lie in one of the system's (`/var/lib/NAME`), and is the user's all the same.
    let around_home = |path: &Path| home.starts_with(path);
    trusted.extend(system.filter(|(path, _)| !around_home(path)).map(as_found));
    for text in &files.write {
        let Some(path) = expand(text, home) else { continue };
        let (resolved, written) = (resolved(&path), lexical(&path));
        // By its name as well: what a link stands for today may be replaced by a folder tomorrow.
        let touches = |other: &Path, path: &Path| path.starts_with(other) || other.starts_with(path);
        for (there, as_written, why) in &trusted {
            if touches(there, &resolved) || touches(as_written, &written) {
                return Some(format!(
                    "a plugin that may write to \"{text}\" could undo every other grant, because {} {why}: grant a \
                     narrower folder",
                    as_written.display()
                ));
            }
        }
    }
    None
}

/// The path without `.` and `..`, by its text alone.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    plain
}

/// The path with its links followed as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let mut missing: Vec<OsString> = Vec::new();
    let plain = lexical(path);
    let mut there = plain.as_path();
    loop {
        // A path with `..` behind a link goes elsewhere than its text says: the system is asked first.
        let whole = if missing.is_empty() { path } else { there };
        if let Ok(found) = whole.canonicalize() {
            return missing.iter().rev().fold(found, |path, name| path.join(name));
        }
        let (Some(parent), Some(name)) = (there.parent(), there.file_name()) else { return plain };
        missing.push(name.to_owned());
        there = parent;
    }
}

#[cfg(all(test, unix))]
#[path = "profile_tests.rs"]
mod tests;
