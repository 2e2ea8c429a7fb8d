//! `service`: the systemd user unit.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use etcetera::BaseStrategy as _;

use super::program;
use crate::args::ServiceAction;
use crate::exit::Code;
use crate::output::Output;

/// The unit, with places for what depends on the machine.
const UNIT: &str = include_str!("../../../../config/padgate.service");

/// The name of the unit.
const NAME: &str = "padgate.service";

/// `padgate service …`.
pub(super) fn service(action: ServiceAction, output: &mut Output) -> anyhow::Result<Code> {
    let path = unit_path()?;
    match action {
        ServiceAction::Install { headless } => install(&path, headless, output),
        ServiceAction::Uninstall => uninstall(&path, output),
        ServiceAction::Status(json) => status(&path, json.json, output),
    }
}

fn unit_path() -> anyhow::Result<PathBuf> {
    if cfg!(not(target_os = "linux")) {
        bail!("services are made for systemd only so far: start `padgated` with your session by other means");
    }
    let folders = etcetera::base_strategy::Xdg::new().context("the home folder is not known: set HOME")?;
    Ok(folders.config_dir().join("systemd/user").join(NAME))
}

/// The text of the unit.
fn unit(padgated: &Path, headless: bool) -> anyhow::Result<String> {
    let path = padgated.to_str().with_context(|| format!("{} is no Unicode", padgated.display()))?;
    if path.contains(['"', '\\', '\n', '%', '$']) {
        bail!("{path:?} has characters that systemd reads as something else: install it elsewhere");
    }
    let target = if headless { "default.target" } else { "graphical-session.target" };
    Ok(UNIT.replace("@PADGATED@", &format!("\"{path}\"")).replace("@TARGET@", target))
}

fn install(path: &Path, headless: bool, output: &mut Output) -> anyhow::Result<Code> {
    let text = unit(&program::find()?, headless)?;
    let folder = path.parent().context("the unit has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))?;
    output.line(&format!("wrote {}", path.display()))?;
    if systemctl(&["daemon-reload"]).is_none() {
        output.line("systemd does not answer here; it will see the unit at the next login")?;
    }
    output.line("start it now and with every session: systemctl --user enable --now padgate")?;
    Ok(Code::Done)
}

fn uninstall(path: &Path, output: &mut Output) -> anyhow::Result<Code> {
    if !path.exists() {
        output.line("it is not installed")?;
        return Ok(Code::Done);
    }
    // Where systemd does not answer, nothing of it runs.
    let _ = systemctl(&["disable", "--now", NAME]);
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} can't be removed", path.display()));
        }
        _ => {}
    }
    let _ = systemctl(&["daemon-reload"]);
    output.line(&format!("removed {}", path.display()))?;
    Ok(Code::Done)
}

fn status(path: &Path, json: bool, output: &mut Output) -> anyhow::Result<Code> {
    let installed = path.exists();
    let active = systemctl(&["is-active", NAME]).unwrap_or_else(|| "unknown".to_owned());
    let enabled = systemctl(&["is-enabled", NAME]).unwrap_or_else(|| "unknown".to_owned());
    if json {
        output.json(&serde_json::json!({
            "installed": installed, "path": path, "active": active, "enabled": enabled,
        }))?;
    } else if installed {
        output.line(&format!("installed as {}; {active}, {enabled}", path.display()))?;
    } else {
        output.line("not installed: `padgate service install` does it")?;
    }
    Ok(if installed { Code::Done } else { Code::Failure })
}

/// What `systemctl --user` says in one line; `None` if there is no systemd to ask.
fn systemctl(arguments: &[&str]) -> Option<String> {
    let result = Command::new("systemctl").arg("--user").args(arguments).output().ok()?;
    let said = String::from_utf8_lossy(&result.stdout).trim().to_owned();
    (result.status.success() || !said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::unit;
    use std::path::Path;

    #[test]
    fn the_unit_is_complete() {
        let text = unit(Path::new("/opt/my tools/padgated"), false).unwrap();
        assert!(text.contains("\nExecStart=\"/opt/my tools/padgated\" run\n"), "{text}");
        assert!(text.contains("\nType=notify\n") && text.contains("\nRestart=on-failure\n"), "{text}");
        assert!(text.contains("\nWantedBy=graphical-session.target\n") && !text.contains('@'), "{text}");
        assert!(unit(Path::new("/a"), true).unwrap().contains("\nWantedBy=default.target\n"));
        assert!(unit(Path::new("/a%b/padgated"), false).is_err());
    }
}
