//! Finds the programs under test beside the test binary, in the same `target/PROFILE`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// The program `name` (`padgated`, `padgate`) that was built with this profile.
///
/// # Errors
///
/// If it was not built, with the command that builds it.
pub fn find(name: &str) -> Result<PathBuf> {
    let folder = folder()?;
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        let release = if folder.ends_with("release") { " --release" } else { "" };
        bail!("{} is missing: build it with `cargo build -p padgated -p padgate{release}`", path.display());
    }
    Ok(path)
}

/// The library of an example of this package, which was built with this profile.
///
/// # Errors
///
/// If it was not built, with the command that builds it.
pub fn example(name: &str) -> Result<PathBuf> {
    let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = folder()?.join("examples").join(format!("{before}{name}{after}"));
    if !path.is_file() {
        bail!("{} is missing: build it with `cargo build -p padgate-tests --examples`", path.display());
    }
    Ok(path)
}

/// The profile's folder.
fn folder() -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program has a path")?;
    let folder = this.parent().context("a program is in a folder")?;
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    Ok(folder.context("deps is in the profile's folder")?.to_path_buf())
}
