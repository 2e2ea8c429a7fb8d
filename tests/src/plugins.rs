//! Plugins for the demo, the benchmarks and tests: those that are shipped, as `plugins/stage` left them beside the programs,
//! and those in C of `tests/plugins`, which `cc` builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::binaries;
use crate::folder::Folder;
use crate::process::run;

/// Where the daemon of this folder looks for the user's plugins.
fn user_plugins(folder: &Folder) -> PathBuf {
    folder.path().join("data/padgate/plugins")
}

/// Installs a shipped plugin for the user of this folder.
///
/// # Errors
///
/// If it was not staged, with the command that does so.
pub fn install(folder: &Folder, name: &str) -> Result<()> {
    let program = binaries::find("padgated")?;
    let profile = program.parent().context("a program is in a folder")?;
    let staged = profile.join("plugins").join(name);
    if !staged.join("plugin.toml").is_file() {
        let word = if profile.ends_with("release") { "release" } else { "debug" };
        bail!("{} is missing: `plugins/stage {word} target/{word}/plugins` builds it", staged.display());
    }
    let into = user_plugins(folder).join(name);
    fs::create_dir_all(&into)?;
    for file in fs::read_dir(&staged)? {
        let file = file?;
        fs::copy(file.path(), into.join(file.file_name()))?;
    }
    Ok(())
}

/// Builds a plugin of `tests/plugins` and installs it for the user of this folder.
///
/// # Errors
///
/// If the compiler is missing, or does not like it.
pub fn install_c(folder: &Folder, name: &str) -> Result<()> {
    build_c(name, &user_plugins(folder).join(name))?;
    Ok(())
}

/// Builds `tests/plugins/NAME/NAME.c` into the folder, with its manifest beside it; gives the path of the library.
///
/// # Errors
///
/// If the compiler is missing, or does not like it.
pub fn build_c(name: &str, into: &Path) -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = here.join("plugins").join(name);
    fs::create_dir_all(into)?;
    let library = into.join(format!("lib{name}.so"));
    let mut compiler = Command::new("cc");
    compiler
        .args(["-std=c99", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(here.join("../plugins/abi/include"))
        .arg(source.join(format!("{name}.c")))
        .arg("-o")
        .arg(&library);
    run(&mut compiler)?.success().with_context(|| format!("building the plugin {name}"))?;
    fs::copy(source.join("plugin.toml"), into.join("plugin.toml"))?;
    Ok(library)
}
