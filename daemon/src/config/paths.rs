//! Where the configuration's files are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

/// The environment variable that names another main file.
pub const CONFIG_VARIABLE: &str = "PADGATE_CONFIG";

/// A commented starting point for a main file: valid, and without any effect until the user changes it.
pub const DEFAULT_CONFIGURATION: &str = include_str!("../../../config/default.toml");

/// Where the configuration's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The main file, usually `$XDG_CONFIG_HOME/padgate/config.toml`.
    pub main: PathBuf,
    /// The folder of further files: `conf.d` beside the main file.
    pub further: PathBuf,
    /// The folder of the user's controller files: `controllers` beside the main file.
    pub controllers: PathBuf,
}

/// The user has no home folder, so that nobody knows where the configuration is.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no home folder to look for the configuration in: set HOME, or {CONFIG_VARIABLE} to the file"
)]
pub struct NoHome;

impl Paths {
    /// The paths that belong to a main file. All others lie beside it.
    #[must_use]
    pub fn of(main: impl Into<PathBuf>) -> Paths {
        let main = main.into();
        let folder = main.parent().unwrap_or(Path::new("")).to_path_buf();
        Paths { further: folder.join("conf.d"), controllers: folder.join("controllers"), main }
    }

    /// The paths that the environment and the platform say: `PADGATE_CONFIG`, else the user's configuration
    /// folder (`$XDG_CONFIG_HOME/padgate` on Unix, also on macOS).
    ///
    /// # Errors
    ///
    /// If there is no home folder.
    pub fn from_environment() -> Result<Paths, NoHome> {
        Paths::choose(std::env::var_os(CONFIG_VARIABLE), || {
            etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir())
        })
    }

    fn choose(
        variable: Option<OsString>,
        config_home: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<Paths, NoHome> {
        match variable.filter(|path| !path.is_empty()) {
            Some(path) => Ok(Paths::of(path)),
            None => Ok(Paths::of(config_home().ok_or(NoHome)?.join("padgate").join("config.toml"))),
        }
    }

    /// How a file is called in messages: relative to the main file's folder where it lies within, else in full.
    #[must_use]
    pub fn shown(&self, file: &Path) -> String {
        let folder = self.main.parent().unwrap_or(Path::new(""));
        let short =
            if folder.as_os_str().is_empty() { file } else { file.strip_prefix(folder).unwrap_or(file) };
        short.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Paths;

    #[test]
    fn the_variable_wins_over_the_home_folder() {
        let home = || Some(PathBuf::from("/home/u/.config"));
        let paths = Paths::choose(None, home).unwrap();
        assert_eq!(paths.main, Path::new("/home/u/.config/padgate/config.toml"));
        assert_eq!(paths.further, Path::new("/home/u/.config/padgate/conf.d"));
        let paths = Paths::choose(Some("/etc/x.toml".into()), home).unwrap();
        assert_eq!(
            (paths.main.as_path(), paths.controllers.as_path()),
            (Path::new("/etc/x.toml"), Path::new("/etc/controllers"))
        );
        assert_eq!(
            Paths::choose(Some("".into()), home).unwrap().main,
            Path::new("/home/u/.config/padgate/config.toml")
        );
        assert!(Paths::choose(None, || None).is_err());
    }

    #[test]
    fn files_are_shown_from_the_folder_of_the_main_file() {
        let paths = Paths::of("/a/config.toml");
        assert_eq!(paths.shown(Path::new("/a/conf.d/x.toml")), "conf.d/x.toml");
        assert_eq!(paths.shown(Path::new("/b/x.toml")), "/b/x.toml");
        assert_eq!(Paths::of("x.toml").shown(Path::new("x.toml")), "x.toml");
    }
}
