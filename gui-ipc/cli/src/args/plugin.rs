//! What can be typed after `padgate plugin` and `padgate audit`.

use clap::{Args, Subcommand, ValueEnum};
use padgate_ipc::plugin::{LOG_LINES_DEFAULT, LOG_LINES_MAX};

use super::Json;

#[derive(Args, Debug)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    pub(crate) action: PluginAction,
}

#[derive(Subcommand, Debug)]
pub(crate) enum PluginAction {
    /// Show the plugins that were found, and how they are
    List(List),
    /// Show all about a plugin: what it may do, what is enforced, its actions, its host
    Info(Named),
    /// Show what a plugin asks for and what that means, and allow it if you agree
    Grant(Grant),
    /// Take back what a plugin was allowed
    Revoke(Revoke),
    /// Let a plugin be used again that was disabled, or that died too often
    Enable(Named),
    /// End a plugin, and keep it from being used until it is enabled
    Disable(Named),
    /// Start a plugin now instead of with its first call
    Load(Named),
    /// End a plugin until it is loaded, or the daemon starts again
    Unload(Named),
    /// Read a plugin's files again; the new version takes over when it is ready
    Reload(Named),
    /// Show how often plugins were called, how long that took, and what went wrong
    Stats(MaybeNamed),
    /// Show what a plugin logged
    Logs(Logs),
    /// Hash the files of plugins anew and check their signatures; exits with 1 if one is wrong
    Verify(MaybeNamed),
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Look through the plugin folders again before
    #[arg(long)]
    pub(crate) rescan: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The plugin's name
    #[arg(value_name = "PLUGIN")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct MaybeNamed {
    /// Only this plugin [default: all]
    #[arg(value_name = "PLUGIN")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Grant {
    /// The plugin's name
    #[arg(value_name = "PLUGIN")]
    pub(crate) name: String,
    /// Only these capabilities, or less of them: midi, network=localhost:4455 [default: all that it asks for]
    #[arg(value_name = "CAPABILITY[=SCOPE]")]
    pub(crate) rights: Vec<String>,
    /// What the grant holds for
    #[arg(long, value_enum, default_value_t)]
    pub(crate) tie: Tie,
    /// Do not ask: what is shown is granted
    #[arg(long, short, group = "answered")]
    pub(crate) yes: bool,
    /// Only show what would be granted
    #[arg(long, group = "answered")]
    pub(crate) dry_run: bool,
    /// Print JSON as the protocol has it; nobody is asked then, so that it needs --yes or --dry-run
    #[arg(long, requires = "answered")]
    pub(crate) json: bool,
}

/// What a grant holds for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Tie {
    /// This very file: another one is asked about again
    #[default]
    File,
    /// All files that are signed with the same trusted key and ask for no more
    Key,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// The plugin's name
    #[arg(value_name = "PLUGIN")]
    pub(crate) name: String,
    /// Only these: midi, audio, network, system-control, filesystem, subprocess [default: all that it has]
    #[arg(value_name = "CAPABILITY")]
    pub(crate) capabilities: Vec<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Logs {
    /// The plugin's name
    #[arg(value_name = "PLUGIN")]
    pub(crate) name: String,
    /// The newest so many lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = LOG_LINES_DEFAULT, value_parser = lines())]
    pub(crate) lines: u32,
    /// Go on with lines as they come, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Audit {
    /// Only what is about this plugin
    #[arg(value_name = "PLUGIN")]
    pub(crate) name: Option<String>,
    /// The newest so many entries
    #[arg(long, short = 'n', value_name = "N", default_value_t = LOG_LINES_DEFAULT, value_parser = lines())]
    pub(crate) number: u32,
    #[command(flatten)]
    pub(crate) json: Json,
}

fn lines() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=i64::from(LOG_LINES_MAX))
}

#[cfg(test)]
mod tests {
    use super::{PluginAction, Tie};
    use crate::args::{Arguments, Command};
    use clap::Parser as _;

    fn grant(arguments: &[&str]) -> Result<super::Grant, clap::error::ErrorKind> {
        let line = ["padgate", "plugin", "grant"].iter().chain(arguments);
        match Arguments::try_parse_from(line).map_err(|error| error.kind())?.command {
            Command::Plugin(super::Plugin { action: PluginAction::Grant(grant) }) => Ok(grant),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_grant_can_be_narrowed_and_json_needs_an_answer() {
        let narrow = grant(&["obs", "network=localhost:4455", "midi", "--tie", "key", "-y"]).unwrap();
        assert_eq!(narrow.rights, ["network=localhost:4455", "midi"]);
        assert!(narrow.yes && narrow.tie == Tie::Key);
        assert_eq!(grant(&["obs"]).unwrap().tie, Tie::File);
        assert!(grant(&["obs", "--json", "--dry-run"]).unwrap().json);
        assert_eq!(grant(&["obs", "--json"]).unwrap_err(), clap::error::ErrorKind::MissingRequiredArgument);
        assert_eq!(
            grant(&["obs", "--yes", "--dry-run"]).unwrap_err(),
            clap::error::ErrorKind::ArgumentConflict
        );
    }

    #[test]
    fn no_more_lines_than_an_answer_can_have() {
        let logs =
            |number: &str| Arguments::try_parse_from(["padgate", "plugin", "logs", "obs", "-n", number]);
        assert!(logs("0").is_ok() && logs("1000").is_ok());
        assert!(logs("1001").is_err() && logs("-1").is_err());
    }
}
