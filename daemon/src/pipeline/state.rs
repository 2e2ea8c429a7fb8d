//! The engine's state, in words.

use padgate_core::engine::{Engine, Held};
use padgate_core::ids::Names;
use padgate_core::ruleset::condition::Value;

/// What can be asked of the engine's state.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EngineState {
    /// Names of the active modes, from the bottom up.
    pub modes: Vec<String>,
    /// Variables and their values, in the order in which they were named.
    pub variables: Vec<(String, Value)>,
    /// What is kept down, in words.
    pub held: Vec<String>,
    /// How many programs are running.
    pub running: usize,
}

impl EngineState {
    /// Reads the state of `engine`.
    pub(super) fn of(engine: &Engine) -> EngineState {
        let names = &engine.rules().names;
        EngineState {
            modes: engine.modes().map(|mode| names.modes.name(mode).to_owned()).collect(),
            variables: names
                .variables
                .iter()
                .filter_map(|(id, name)| Some((name.to_owned(), engine.variable(id)?.clone())))
                .collect(),
            held: engine.held().map(|held| describe(held, names)).collect(),
            running: engine.running(),
        }
    }
}

/// What is held, in words.
fn describe(held: &Held, names: &Names) -> String {
    match held {
        Held::Key(key) => format!("key {key}"),
        Held::Button(button) => format!("mouse button {button:?}").to_lowercase(),
        Held::Note { to, channel, note } => {
            let to = to.map_or("Padgate Out", |device| names.devices.name(device));
            format!("note {} on {to}, channel {}", padgate_core::midi::note::name(*note), channel.human())
        }
        Held::Plugin(call) => format!("{} of the plugin {}", call.action, call.plugin),
    }
}
