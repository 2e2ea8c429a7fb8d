//! What a host is told at its start: what to load, how confined, and what for.

use std::path::PathBuf;

use crate::wire::{Reader, WireError, Writer};

/// The first frame to a host. It comes from the daemon, and is believed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Assignment {
    /// The plugin's name, as in its manifest; the library must say the same.
    pub plugin: String,
    /// Its version, as in its manifest; the library must say the same.
    pub version: String,
    /// The library, in the content-addressed store. Absolute.
    pub library: PathBuf,
    /// The plugin's own folder, which exists. Absolute.
    pub data_folder: PathBuf,
    /// The user's home folder, for paths that begin with `~`.
    pub home_folder: PathBuf,
    /// What the operating system is to allow.
    pub profile: Profile,
    /// What to do where this system can't enforce all of it.
    pub policy: Unenforced,
    /// Limits of the process.
    pub limits: HostLimits,
    /// What an earlier version or run saved.
    pub state: Vec<u8>,
}

/// What of a plugin's grants the operating system must allow to the host itself, because it is granted in its direct
/// form. Everything brokered is absent here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    /// Files and folders that may be read, absolute and resolved.
    pub read: Vec<PathBuf>,
    /// Files and folders that may be read, written, created in and deleted from, absolute and resolved. The data
    /// folder is always among them, without being named.
    pub write: Vec<PathBuf>,
    /// Own sockets: TCP to these ports alone; or, if there are none, TCP and UDP to all.
    pub network: Option<Vec<u16>>,
    /// `fork` and `exec`, inside the sandbox.
    pub subprocess: bool,
}

/// What to do where the system can't enforce a plugin's confinement. The user decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unenforced {
    /// The plugin is not run.
    #[default]
    Refuse,
    /// The plugin is run, with its brokered capabilities alone: those that need the direct form are not there.
    Brokered,
    /// The plugin is run, as confined as it can be.
    Run,
}

/// Limits of a host's process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostLimits {
    /// Address space, in bytes.
    pub memory: u64,
    /// Open files.
    pub files: u32,
    /// The largest file that it may write, in bytes.
    pub file_size: u64,
    /// Threads.
    pub threads: u32,
}

impl Default for HostLimits {
    fn default() -> HostLimits {
        HostLimits { memory: 512 << 20, files: 64, file_size: 1 << 30, threads: 16 }
    }
}

impl Assignment {
    /// Its payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.text(&self.plugin).text(&self.version);
        for path in [&self.library, &self.data_folder, &self.home_folder] {
            put_path(&mut out, path);
        }
        for paths in [&self.profile.read, &self.profile.write] {
            out.u32(paths.len() as u32);
            for path in paths {
                put_path(&mut out, path);
            }
        }
        match &self.profile.network {
            None => out.u8(0),
            Some(ports) => {
                out.u8(1).u32(ports.len() as u32);
                for port in ports {
                    out.u16(*port);
                }
                &mut out
            }
        };
        out.u8(u8::from(self.profile.subprocess));
        out.u8(match self.policy {
            Unenforced::Refuse => 0,
            Unenforced::Brokered => 1,
            Unenforced::Run => 2,
        });
        let HostLimits { memory, files, file_size, threads } = self.limits;
        out.u64(memory).u32(files).u64(file_size).u32(threads).bytes(&self.state);
        out.finish()
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn decode(payload: &[u8]) -> Result<Assignment, WireError> {
        let mut from = Reader::new(payload);
        let (plugin, version) = (from.text()?.to_owned(), from.text()?.to_owned());
        let (library, data_folder, home_folder) = (path(&mut from)?, path(&mut from)?, path(&mut from)?);
        let (read, write) = (many(&mut from, path)?, many(&mut from, path)?);
        let network = match from.u8()? {
            0 => None,
            _ => Some(many(&mut from, Reader::u16)?),
        };
        let profile = Profile { read, write, network, subprocess: from.u8()? != 0 };
        let policy = match from.u8()? {
            0 => Unenforced::Refuse,
            1 => Unenforced::Brokered,
            2 => Unenforced::Run,
            other => return Err(WireError::Unknown("policy", u32::from(other))),
        };
        let limits = HostLimits {
            memory: from.u64()?,
            files: from.u32()?,
            file_size: from.u64()?,
            threads: from.u32()?,
        };
        let state = from.bytes()?.to_vec();
        from.finish()?;
        Ok(Assignment { plugin, version, library, data_folder, home_folder, profile, policy, limits, state })
    }
}

fn put_path(out: &mut Writer, path: &std::path::Path) {
    out.bytes(path.as_os_str().as_encoded_bytes());
}

#[cfg(unix)]
fn path(from: &mut Reader<'_>) -> Result<PathBuf, WireError> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(std::ffi::OsStr::from_bytes(from.bytes()?).into())
}

#[cfg(not(unix))]
fn path(from: &mut Reader<'_>) -> Result<PathBuf, WireError> {
    Ok(from.text()?.into())
}

fn many<'a, T>(
    from: &mut Reader<'a>,
    mut one: impl FnMut(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    (0..from.u32()?).map(|_| one(from)).collect()
}
