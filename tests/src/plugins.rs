//! Plugins for the demo, the benchmarks and tests: those that are shipped, as `plugins/stage` left them beside the programs,
//! and those in C of `tests/plugins`, which `cc` builds.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::binaries;
use crate::folder::Folder;
use crate::process::run;

/// A folder with this name for a plugin, among those of the user of this folder. Nobody else may write there, whatever the
/// umask is: Padgate uses no plugin that others can change.
///
/// # Errors
///
/// If it can't be made.
pub fn place(folder: &Folder, name: &str) -> Result<PathBuf> {
    let plugins = folder.plugins();
    let own = plugins.join(name);
    fs::create_dir_all(&own).with_context(|| own.display().to_string())?;
    for folder in [&plugins, &own] {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    Ok(own)
}

/// Writes a plugin's manifest at once, as a daemon that watches wants it.
///
/// # Errors
///
/// If it can't be written.
pub fn write_manifest(own: &Path, text: &str) -> Result<()> {
    let beside = own.join(".plugin.toml.new");
    fs::write(&beside, text)?;
    fs::set_permissions(&beside, Permissions::from_mode(0o644))?;
    fs::rename(beside, own.join("plugin.toml"))?;
    Ok(())
}

/// Lets a plugin that is installed request other capabilities than its own: these lines of TOML.
///
/// # Errors
///
/// If its manifest can't be read or written.
pub fn request(folder: &Folder, name: &str, capabilities: &str) -> Result<()> {
    let own = folder.plugins().join(name);
    let mut manifest: toml::Table = fs::read_to_string(own.join("plugin.toml"))?.parse()?;
    let plugin = manifest.get_mut("plugin").and_then(toml::Value::as_table_mut).context("[plugin]")?;
    plugin.insert("capabilities".to_owned(), capabilities.parse::<toml::Table>()?.into());
    write_manifest(&own, &manifest.to_string())
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
    let into = place(folder, name)?;
    for file in fs::read_dir(&staged)? {
        let file = file?;
        let copy = into.join(file.file_name());
        fs::copy(file.path(), &copy)?;
        fs::set_permissions(copy, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Builds a plugin of `tests/plugins` and installs it for the user of this folder.
///
/// # Errors
///
/// If the compiler is missing, or does not like it.
pub fn install_c(folder: &Folder, name: &str) -> Result<()> {
    build_c(name, &place(folder, name)?)?;
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
