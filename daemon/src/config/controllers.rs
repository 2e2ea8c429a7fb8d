//! Controller files: names for the controls of a model. Some are built in; the user's own win over them.

use std::path::PathBuf;

use padgate_core::config::{Controllers, Source};

use super::files::{Failure, is_configuration, read_text};

/// The controller files that are built in, by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("apc-mini", include_str!("../../../config/controllers/apc-mini.toml")),
    ("launchpad-mini-mk3", include_str!("../../../config/controllers/launchpad-mini-mk3.toml")),
    ("launchpad-mk1", include_str!("../../../config/controllers/launchpad-mk1.toml")),
    ("launchpad-x", include_str!("../../../config/controllers/launchpad-x.toml")),
    ("nanokontrol2", include_str!("../../../config/controllers/nanokontrol2.toml")),
];

/// The controller files of a folder, then those that are built in.
#[derive(Clone, Debug)]
pub struct ControllerFiles {
    /// The user's folder. It need not exist.
    pub folder: PathBuf,
}

impl Controllers for ControllerFiles {
    fn source(&self, name: &str) -> Result<Option<Source>, String> {
        // A name, not a path: what lies elsewhere is nobody's controller file.
        let is_name =
            name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c)) && !name.starts_with('.');
        if is_name {
            let path = self.folder.join(format!("{name}.toml"));
            match read_text(&path) {
                Ok(text) => return Ok(Some(Source::new(format!("controllers/{name}.toml"), text))),
                Err(Failure::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(failure) => return Err(failure.message()),
            }
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        Ok(built_in.map(|(name, text)| Source::new(format!("built-in {name}.toml"), *text)))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        // A folder that can't be read only costs a suggestion.
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if is_configuration(&path)
                && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.dedup();
        names
    }
}
