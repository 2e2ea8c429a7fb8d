//! What can be typed.

pub(crate) mod plugin;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use padgate_ipc::control::ControlSpec;

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed or mistakes found, 2 wrong usage, 3 the daemon is not running, 4 refused or no permission, \
78 the configuration can't be used.

Environment: PADGATE_SOCKET names the daemon's socket, NO_COLOR turns colours off.";

/// Manages Padgate, the daemon that maps MIDI controllers to anything.
#[derive(Parser, Debug)]
#[command(name = "padgate", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Whether to print JSON.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Json {
    /// Print JSON as the protocol has it: one object, or one per line where it goes on
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Show how the daemon is: configuration, devices, modes, what is held, figures
    Status(Json),
    /// Show the devices, and all MIDI ports
    Devices(Json),
    /// Show every message and what becomes of it, until Ctrl-C
    Monitor(Monitor),
    /// Say why the last press of a control did what it did, or nothing
    Explain(Explain),
    /// Look for mistakes in the configuration; exits with 1 if there are errors
    Check(Check),
    /// Read the configuration again
    Reload(Json),
    /// Show or change the mode
    Mode(Mode),
    /// Press a control as if a hand had
    Press(Press),
    /// Play a MIDI file as if a device did
    Play(Play),
    /// Release everything that is held, and stop everything that runs
    Panic(Json),
    /// Write everything that comes in to a file, until Ctrl-C
    Record(Record),
    /// Run a recording through a configuration, and print what would be done
    Replay(Replay),
    /// Manage plugins: what they may do, how they are, what they log
    Plugin(plugin::Plugin),
    /// Show what plugins were allowed, what was refused, and what was ended
    Audit(plugin::Audit),
    /// Install or remove the systemd user service
    Service(Service),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Monitor {
    /// Leave out messages that concern no mapping
    #[arg(long)]
    pub(crate) mapped: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The control: a note (C1, 36), cc:7, cc14:1, bend, pressure, program:5 or a name; @10 after it for channel 10
    pub(crate) control: Option<ControlSpec>,
    /// The last press on this device
    #[arg(long, short)]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// A configuration file [default: the daemon's, or the user's]
    pub(crate) path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Mode {
    /// Switch to this mode
    #[arg(group = "change")]
    pub(crate) switch: Option<String>,
    /// Put this mode on top
    #[arg(long, value_name = "MODE", group = "change")]
    pub(crate) push: Option<String>,
    /// Take the topmost mode away
    #[arg(long, group = "change")]
    pub(crate) pop: bool,
    /// Put this mode on top, or take it away if it is there
    #[arg(long, value_name = "MODE", group = "change")]
    pub(crate) toggle: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Press {
    /// The control: a note (C1, 36), cc:7, cc14:1, bend, pressure, program:5 or a name; @10 after it for channel 10
    #[arg(required_unless_present = "midi", conflicts_with = "midi")]
    pub(crate) control: Option<ControlSpec>,
    /// On this device [default: the only one, else the virtual port]
    #[arg(long, short)]
    pub(crate) device: Option<String>,
    /// These MIDI bytes instead, in hexadecimal: "90 3C 64"
    #[arg(long)]
    pub(crate) midi: Option<String>,
    /// The velocity (1 to 127) or value (0 to 127, or 16383)
    #[arg(long, short, visible_alias = "velocity")]
    pub(crate) value: Option<u16>,
    /// Hold it for so long: 500ms, 2s (up to a minute)
    #[arg(long, value_parser = duration_ms, value_name = "TIME", default_value = "0ms")]
    pub(crate) hold: u64,
    /// Only press; it stays down until `--up` or `padgate panic`
    #[arg(long, conflicts_with_all = ["up", "hold", "midi"])]
    pub(crate) down: bool,
    /// Only release
    #[arg(long, conflicts_with_all = ["hold", "midi"])]
    pub(crate) up: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Play {
    /// A Standard MIDI File
    pub(crate) file: PathBuf,
    /// As this device [default: the virtual port]
    #[arg(long, short)]
    pub(crate) device: Option<String>,
    /// Without waiting, as fast as it goes
    #[arg(long)]
    pub(crate) full_speed: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Record {
    /// The file to write; it must not exist. `-` is standard output
    pub(crate) file: PathBuf,
    /// End after so long: 30s, 5m
    #[arg(long, value_parser = duration_ms, value_name = "TIME")]
    pub(crate) r#for: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// A recording
    pub(crate) file: PathBuf,
    /// With this configuration [default: the user's]
    #[arg(long, short)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Service {
    #[command(subcommand)]
    pub(crate) action: ServiceAction,
}

#[derive(Subcommand, Clone, Copy, Debug)]
pub(crate) enum ServiceAction {
    /// Write the unit, so that the daemon can start with the session
    Install {
        /// For a machine without a graphical session: start with the login instead
        #[arg(long)]
        headless: bool,
    },
    /// Stop the service and remove the unit
    Uninstall,
    /// Show whether it is installed and running
    Status(Json),
}

/// Reads `500ms`, `1.5s`, `2m`.
fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no time: write 500ms, 1.5s or 2m");
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let factor = match &text[unit..] {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return Err(wrong()),
    };
    let number: f64 = text[..unit].trim().parse().map_err(|_| wrong())?;
    let milliseconds = (number * factor).round();
    if (0.0..1e15).contains(&milliseconds) { Ok(milliseconds as u64) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, duration_ms};
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_read_as_in_the_configuration() {
        assert_eq!(duration_ms("500ms"), Ok(500));
        assert_eq!(duration_ms("1.5s"), Ok(1500));
        assert_eq!(duration_ms("2m"), Ok(120_000));
        for wrong in ["5", "ms", "-1s", "1y", "nans", "infs"] {
            assert!(duration_ms(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let fails = |line: &str| Arguments::try_parse_from(line.split(' ')).is_err();
        assert!(fails("padgate press"));
        assert!(fails("padgate press C1 --midi 90"));
        assert!(fails("padgate press C1 --down --up"));
        assert!(fails("padgate press cc:200"));
        assert!(fails("padgate mode a --pop"));
        assert!(!fails("padgate mode"));
        assert!(!fails("padgate press --midi 903C64"));
        assert!(!fails("padgate press C1@10 -d pads -v 3 --hold 2s"));
    }
}
