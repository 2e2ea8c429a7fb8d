//! `plugin …` and `audit`.
//!
//! What a plugin says of itself goes through [`plain`] before it is shown, so that it can neither hide something nor
//! look like something that Padgate says.

mod grant;
mod info;
mod list;
mod watch;

use padgate_ipc::method::{
    DisablePlugin, EnablePlugin, LoadPlugin, Method, ReloadPlugin, RevokePlugin, UnloadPlugin, VerifyPlugins,
};
use padgate_ipc::plugin::{AnyPluginParams, PluginChange, PluginParams, RevokeParams};

use super::call;
use crate::args::plugin::{Audit, MaybeNamed, Named, Plugin, PluginAction, Revoke};
use crate::exit::Code;
use crate::output::{Output, Style, plain};

/// `padgate plugin …`.
pub(super) fn plugin(arguments: &Plugin, output: &mut Output) -> anyhow::Result<Code> {
    match &arguments.action {
        PluginAction::List(arguments) => list::list(arguments, output),
        PluginAction::Info(arguments) => info::info(arguments, output),
        PluginAction::Grant(arguments) => grant::grant(arguments, output),
        PluginAction::Revoke(arguments) => revoke(arguments, output),
        PluginAction::Enable(arguments) => change::<EnablePlugin>(arguments, output),
        PluginAction::Disable(arguments) => change::<DisablePlugin>(arguments, output),
        PluginAction::Load(arguments) => change::<LoadPlugin>(arguments, output),
        PluginAction::Unload(arguments) => change::<UnloadPlugin>(arguments, output),
        PluginAction::Reload(arguments) => change::<ReloadPlugin>(arguments, output),
        PluginAction::Stats(arguments) => watch::stats(arguments, output),
        PluginAction::Logs(arguments) => watch::logs(arguments, output),
        PluginAction::Verify(arguments) => verify(arguments, output),
    }
}

/// `padgate audit`.
pub(super) fn audit(arguments: &Audit, output: &mut Output) -> anyhow::Result<Code> {
    watch::audit(arguments, output)
}

/// The commands that change how a plugin is, and show how it is then.
fn change<M>(arguments: &Named, output: &mut Output) -> anyhow::Result<Code>
where
    M: Method<Params = PluginParams, Result = PluginChange>,
{
    let change = call::<M>(&PluginParams { plugin: arguments.name.clone() })?;
    if arguments.json.json {
        output.json(&change)?;
        return Ok(Code::Done);
    }
    let before = if change.changed { "" } else { ", as it was before" };
    let line = format!("{}: {}{before}", plain(&change.plugin.name), change.plugin.state.word());
    // It may be among the notes as well.
    let reason = change.plugin.reason.as_ref().filter(|reason| !change.notes.contains(reason));
    let reason = reason.map(|reason| format!("; {}", plain(reason))).unwrap_or_default();
    output.folded(4, &format!("{line}{reason}"))?;
    hints(&change.notes, output)
}

fn revoke(arguments: &Revoke, output: &mut Output) -> anyhow::Result<Code> {
    let params =
        RevokeParams { plugin: arguments.name.clone(), capabilities: arguments.capabilities.clone() };
    let result = call::<RevokePlugin>(&params)?;
    if arguments.json.json {
        output.json(&result)?;
        return Ok(Code::Done);
    }
    let name = plain(&result.plugin.name);
    if result.revoked.is_empty() {
        output.folded(
            0,
            &format!("{name} had nothing of that; from now on it is not granted by itself either"),
        )?;
    } else {
        let restarted = if result.restarted { ", and it was started again without" } else { "" };
        output.line(&format!("{name}: revoked {}{restarted}", plain(&result.revoked.join(", "))))?;
    }
    hints(&result.notes, output)
}

fn verify(arguments: &MaybeNamed, output: &mut Output) -> anyhow::Result<Code> {
    let report = call::<VerifyPlugins>(&AnyPluginParams { plugin: arguments.name.clone() })?;
    let code = if report.ok { Code::Done } else { Code::Failure };
    if arguments.json.json {
        output.json(&report)?;
        return Ok(code);
    }
    if report.plugins.is_empty() {
        output.line("there are no plugins to verify")?;
    }
    for plugin in &report.plugins {
        let word =
            if plugin.ok { output.styled(Style::Good, "good") } else { output.styled(Style::Bad, "wrong") };
        let text = if plugin.text.is_empty() { String::new() } else { format!(": {}", plain(&plugin.text)) };
        output.folded(4, &format!("{}: {word}{text}", plain(&plugin.plugin)))?;
        if !plugin.sha256.is_empty() {
            output.line(&format!("    sha256     {}", plain(&plugin.sha256)))?;
        }
        if !plugin.signature.text.is_empty() {
            output.folded(15, &format!("    signature  {}", plain(&plugin.signature.text)))?;
        }
    }
    Ok(code)
}

/// What else there is to know, a line each.
fn hints(notes: &[String], output: &mut Output) -> anyhow::Result<Code> {
    for note in notes {
        output.folded(2, &format!("{} {}", output.styled(Style::Heading, "→"), plain(note)))?;
    }
    Ok(Code::Done)
}

/// An amount of memory: `640 KiB`, `1.5 MiB`.
fn size(bytes: u64) -> String {
    let (value, unit) = match bytes as f64 {
        b if b < 1024.0 * 1024.0 => (b / 1024.0, "KiB"),
        b if b < 1024.0 * 1024.0 * 1024.0 => (b / (1024.0 * 1024.0), "MiB"),
        b => (b / (1024.0 * 1024.0 * 1024.0), "GiB"),
    };
    let text = if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{} {unit}", text.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(655_360), "640 KiB");
        assert_eq!(size(1_572_864), "1.5 MiB");
        assert_eq!(size(256 << 20), "256 MiB");
        assert_eq!(size(0), "0 KiB");
        assert_eq!(size(3 << 30), "3 GiB");
    }
}
