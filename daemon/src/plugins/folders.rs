//! Where everything that has to do with plugins lies.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use padgate_core::ruleset::plugins::PluginSettings;

use super::files;

/// The folders of the daemon's plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The user's home folder, for `~/`.
    pub home: PathBuf,
    /// Padgate's folder for data: `$XDG_DATA_HOME/padgate`.
    pub data: PathBuf,
    /// Padgate's folder for state: `$XDG_STATE_HOME/padgate`.
    pub state: PathBuf,
    /// The folder of the configuration's main file.
    pub config: PathBuf,
    /// Folders with plugins of the whole system, in the order in which they are looked through.
    pub system: Vec<PathBuf>,
}

/// The user has no home folder.
#[derive(Debug, thiserror::Error)]
#[error("there is no home folder to keep plugins in: set HOME")]
pub struct NoHome;

impl Folders {
    /// The folders that the environment and the platform say. `config` is the folder of the configuration's main file.
    ///
    /// # Errors
    ///
    /// If there is no home folder.
    pub fn from_environment(config: &Path) -> Result<Folders, NoHome> {
        let strategy = etcetera::choose_base_strategy().map_err(|_| NoHome)?;
        let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
        let mut folders = Folders {
            home: strategy.home_dir().to_path_buf(),
            data: strategy.data_dir().join("padgate"),
            state: state.join("padgate"),
            config: config.to_path_buf(),
            system: Vec::new(),
        };
        if cfg!(unix) {
            folders
                .system
                .extend(["/usr/local/lib/padgate/plugins", "/usr/lib/padgate/plugins"].map(PathBuf::from));
        }
        let executable = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        if let Some(folder) = executable.as_deref().and_then(Path::parent) {
            // Where `make install` puts them, and where a build in the project's own folder does.
            let installed = folder.parent().map(|prefix| prefix.join("lib/padgate/plugins"));
            let built = Some(folder.join("plugins")).filter(|folder| folder.is_dir());
            for beside in installed.into_iter().chain(built) {
                if !folders.system.contains(&beside) {
                    folders.system.push(beside);
                }
            }
        }
        Ok(folders)
    }

    /// All of them below one folder, and none of the system's: for tests, and for trying something out.
    #[must_use]
    pub fn below(root: &Path) -> Folders {
        Folders {
            home: root.join("home"),
            data: root.join("data"),
            state: root.join("state"),
            config: root.join("config"),
            system: Vec::new(),
        }
    }

    /// The user's own plugins.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.data.join("plugins")
    }

    /// The content-addressed store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.data.join("store")
    }

    /// The folder that a plugin can always read and write.
    #[must_use]
    pub fn plugin_data(&self, plugin: &str) -> PathBuf {
        self.data.join("plugin-data").join(plugin)
    }

    /// The file with what was granted.
    #[must_use]
    pub fn grants(&self) -> PathBuf {
        self.data.join("grants.toml")
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.state.join("audit.jsonl")
    }

    /// The file with the statistics.
    #[must_use]
    pub fn statistics(&self) -> PathBuf {
        self.state.join("plugin-stats.json")
    }

    /// The log of a plugin.
    #[must_use]
    pub fn log(&self, plugin: &str) -> PathBuf {
        self.state.join("plugins").join(format!("{plugin}.log"))
    }

    /// Where plugins are looked for, in this order: where the configuration says, the user's own, the system's.
    #[must_use]
    pub fn search(&self, settings: &PluginSettings) -> Vec<PathBuf> {
        let configured = settings.folders.iter().map(|folder| files::expand(folder, &self.home));
        let mut all: Vec<PathBuf> = Vec::new();
        for folder in configured.chain([self.plugins()]).chain(self.system.iter().cloned()) {
            if !all.contains(&folder) {
                all.push(folder);
            }
        }
        all
    }

    /// What no plugin may be granted to write: whoever writes there grants himself whatever he wants.
    #[must_use]
    pub fn protected(&self, settings: &PluginSettings) -> Vec<PathBuf> {
        let mut all = self.search(settings);
        all.extend([self.data.clone(), self.state.clone(), self.config.clone()]);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use padgate_core::ruleset::plugins::PluginSettings;

    use super::Folders;

    #[test]
    fn configured_folders_come_first_and_each_once() {
        let folders =
            Folders { system: vec!["/usr/lib/padgate/plugins".into()], ..Folders::below(Path::new("/r")) };
        let configured = ["~/dev", "/r/data/plugins", "~/dev"].map(String::from).to_vec();
        let settings = PluginSettings { folders: configured, ..PluginSettings::default() };
        let expected = ["/r/home/dev", "/r/data/plugins", "/usr/lib/padgate/plugins"];
        assert_eq!(folders.search(&settings), expected.map(std::path::PathBuf::from));
    }
}
