//! Runs one of the user's own scripts when a control is used.
//!
//! The script is run by the daemon, outside the sandbox and with a clean environment. The plugin can name scripts of one
//! folder alone: what may be run is what the user put there.

#![forbid(unsafe_code)]

use std::time::Duration;

use padgate_plugin::template::{Escape, Template};
use padgate_plugin::{ActionPlugin, Command, Context, Error, Host, Output, Phase};
use serde::Deserialize;

/// Where the scripts are; the same folder is in the manifest.
pub const FOLDER: &str = "~/.config/padgate/scripts";
/// The longest timeout: a bit less than the longest deadline of a call.
const TIMEOUT_MAX: Duration = Duration::from_millis(4500);
/// How long before the call's deadline a script is given up, so that the user reads that the script was slow and not that
/// the plugin was stopped.
const MARGIN: Duration = Duration::from_millis(50);
/// How much of what a script writes is shown, in characters.
const SHOWN_CHARS_MAX: usize = 1000;

/// The plugin. It keeps nothing between calls.
#[derive(Debug, Default)]
pub struct RunScript;

/// What to run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    program: String,
    #[serde(default)]
    args: Vec<Template>,
    #[serde(default)]
    input: Template,
    #[serde(default = "yes")]
    wait: bool,
    #[serde(default = "two_seconds", deserialize_with = "padgate_plugin::duration")]
    timeout: Duration,
    #[serde(default)]
    on_failure: OnFailure,
}

fn yes() -> bool {
    true
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

/// What it means that a script ended with another code than 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnFailure {
    /// The call has failed.
    #[default]
    Fail,
    /// A line in the plugin's log.
    Log,
    /// Nothing.
    Ignore,
}

impl Params {
    /// The name of the script, without its folder.
    fn name(&self) -> &str {
        self.program.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&self.program)
    }
}

impl ActionPlugin for RunScript {
    type Params = Params;

    fn check(&mut self, params: &Params, _: &Host) -> Result<(), Error> {
        let name = params.name();
        if matches!(name, "" | "." | "..") || name.contains(['/', '\\', '\0']) {
            return Err(Error::invalid(format!(
                "\"program\": {:?} is not the name of a file in {FOLDER}; put the script, or a link to it, there",
                params.program
            )));
        }
        if params.timeout.is_zero() || params.timeout > TIMEOUT_MAX {
            return Err(Error::invalid(format!(
                "\"timeout\": it must be more than 0 and at most {TIMEOUT_MAX:?}; a script that runs longer is not \
                 waited for with wait = false"
            )));
        }
        Ok(())
    }

    fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
        // A script belongs to the press, also if the mapping says `hold = true`.
        if context.phase() == Phase::Release {
            return Ok(());
        }
        let name = params.name();
        let path = host.path(FOLDER).join(name);
        let path = path.to_str().ok_or_else(|| Error::failed("the home folder's path is not UTF-8"))?;
        let left = context.deadline().since(host.now()).saturating_sub(MARGIN);
        let mut command = Command::new(path)
            .input(params.input.fill(context, Escape::None)?)
            .timeout(params.timeout.min(left));
        for argument in &params.args {
            command = command.arg(argument.fill(context, Escape::None)?);
        }
        if !params.wait {
            return host.start(&command).map_err(|error| error.of(name));
        }
        let output = host.run(&command).map_err(|error| error.of(name))?;
        ended(params, &output, host)
    }
}

/// Says how a script ended.
fn ended(params: &Params, output: &Output, host: &Host) -> Result<(), Error> {
    let name = params.name();
    let written: String = output.text().trim().chars().take(SHOWN_CHARS_MAX).collect();
    if output.is_success() || params.on_failure != OnFailure::Ignore {
        written.lines().for_each(|line| host.info(&format!("{name}: {line}")));
    }
    if output.is_success() {
        return Ok(());
    }
    let said = match written.lines().last() {
        Some(line) => format!("{name} ended with {}: {line}", output.code),
        None => format!("{name} ended with {}", output.code),
    };
    match params.on_failure {
        OnFailure::Fail => Err(said.into()),
        OnFailure::Log => {
            host.warn(&said);
            Ok(())
        }
        OnFailure::Ignore => Ok(()),
    }
}

padgate_plugin::export!(RunScript);
