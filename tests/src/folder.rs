//! A folder with everything that a daemon and its commands need: configuration, socket, state, and a home.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::binaries;
use crate::process::{Finished, run};

/// The folder. Removed when it is dropped.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    /// Set for every program that is started here, besides what [`Folder::command`] sets.
    pub environment: Vec<(String, String)>,
}

impl Folder {
    /// A folder with this configuration.
    ///
    /// # Errors
    ///
    /// If the system's folder for temporary files can't be used.
    pub fn new(config: &str) -> Result<Folder> {
        let folder = tempfile::Builder::new().prefix("padgate-").tempdir()?;
        let folder = Folder { folder, environment: Vec::new() };
        for name in ["config/padgate/conf.d", "run", "state", "data", "cache", "home"] {
            fs::create_dir_all(folder.path().join(name))?;
        }
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o700))?;
        folder.write_config(config)?;
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The home of the programs that run here, and the folder in which they start.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The main file of the configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("config/padgate/config.toml")
    }

    /// Where the user's own plugins are.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.path().join("data/padgate/plugins")
    }

    /// The daemon's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path().join("run/padgate/ctl.sock")
    }

    /// Replaces the configuration at once, as editors do: written beside it and renamed.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn write_config(&self, text: impl AsRef<[u8]>) -> Result<()> {
        let beside = self.path().join("config/padgate/.config.toml.new");
        fs::write(&beside, text)?;
        fs::rename(&beside, self.config())?;
        Ok(())
    }

    /// Writes a file in the folder and returns its path.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::write(&path, content).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// A program of the project that sees this folder's configuration and socket, and no display, session bus or sound
    /// server of the machine.
    ///
    /// # Errors
    ///
    /// If it was not built.
    pub fn command(&self, program: &str) -> Result<Command> {
        let mut command = Command::new(binaries::find(program)?);
        command.env_clear().current_dir(self.home());
        for name in ["PATH", "LLVM_PROFILE_FILE", "TERM"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            command.env(name, self.path().join(folder));
        }
        command.env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Runs `padgate` with these arguments.
    ///
    /// # Errors
    ///
    /// If it was not built, or does not end in time. Not if it fails: see [`Finished::success`].
    pub fn padgate(&self, arguments: &[&str]) -> Result<Finished> {
        run(self.command("padgate")?.args(arguments))
    }
}
