//! Which programs the daemon may run for a plugin, and where they are.

use std::path::{Component, Path, PathBuf};

use padgate_core::capability::{Capability, Rights, SubprocessScope};
use padgate_core::ruleset::PortPattern;

use super::check::within;
use super::words::{refused, shown};
use super::{Known, Places};
use crate::plugins::files;

/// The program to run, or the sentence that says why not.
pub(super) fn run(known: &Known, places: &Places, program: &str) -> Result<PathBuf, String> {
    if program.is_empty() || program.contains('\0') {
        return Err("a program needs a name".to_owned());
    }
    let wanted = files::expand(program, &places.home);
    let bare = !program.contains('/');
    let plain = wanted.is_absolute()
        && wanted.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !bare && !plain {
        return Err(format!(
            "{} can't be run: a program is named by its absolute path, without \"..\", or by its name alone",
            shown(program)
        ));
    }
    let lists = |rights: &Rights| {
        rights.subprocess.as_ref().is_some_and(|scope| match bare {
            true => scope.programs.iter().any(|entry| entry == program),
            false => lists_path(scope, places, &wanted),
        })
    };
    if !lists(&known.gated.rights) {
        let requested = lists(&known.gated.request);
        return Err(refused(
            &known.gated,
            &format!("run {}", shown(program)),
            Capability::Subprocess,
            requested,
        ));
    }
    let found = if bare { find(program, places) } else { Some(wanted.clone()) };
    match found {
        Some(path) if is_its_own(known, places, &path) => Err(format!(
            "the plugin {:?} may not run {}: it could have written that program itself, and the program would run \
             outside of the plugin's sandbox",
            known.gated.name,
            shown(program)
        )),
        Some(path) => Ok(path),
        None => Ok(wanted),
    }
}

/// Whether an entry is this path, or is its folder with a pattern for the last component.
fn lists_path(scope: &SubprocessScope, places: &Places, wanted: &Path) -> bool {
    scope.programs.iter().any(|entry| {
        if !entry.contains('/') {
            return false;
        }
        let entry = files::expand(entry, &places.home);
        if entry == wanted {
            return true;
        }
        let (Some(pattern), Some(name)) = (entry.file_name(), wanted.file_name()) else { return false };
        let (Some(pattern), Some(name)) = (pattern.to_str(), name.to_str()) else { return false };
        pattern.contains('*')
            && entry.parent() == wanted.parent()
            && PortPattern(pattern.to_owned()).matches(name)
    })
}

/// Looks in `PATH` as the system would, but only in absolute folders.
fn find(name: &str, places: &Places) -> Option<PathBuf> {
    let path = places.path.as_ref()?;
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| files::is_executable(candidate))
}

/// Whether the plugin can write where the program really is.
fn is_its_own(known: &Known, places: &Places, program: &Path) -> bool {
    let Ok(real) = std::fs::canonicalize(program) else { return false };
    let writable = known.gated.rights.filesystem.iter().flat_map(|scope| &scope.write);
    within(&real, &known.gated.data_folder)
        || writable.into_iter().any(|folder| within(&real, &files::expand(folder, &places.home)))
}
