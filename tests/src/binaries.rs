//! Finds the programs under test beside the test binary, in the same `target/PROFILE`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// The program `name` (`padgated`, `padgate`) that was built with this profile.
///
/// # Errors
///
/// If it was not built, with the command that builds it.
pub fn find(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program has a path")?;
    let mut folder = this.parent().context("a program is in a folder")?;
    if folder.ends_with("deps") {
        folder = folder.parent().context("deps is in the profile's folder")?;
    }
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        let release = if folder.ends_with("release") { " --release" } else { "" };
        bail!("{} is missing: build it with `cargo build -p padgated -p padgate{release}`", path.display());
    }
    Ok(path)
}
