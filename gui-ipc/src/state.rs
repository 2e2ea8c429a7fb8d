//! The state that a front end mirrors: what `subscribe` answers, and how events change it.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::hello::ClockPair;
use crate::plugin::PluginSummary;
use crate::status::{ConfigState, Device, ModeState};

/// What a front end shows all the time. The daemon sends the whole of it once; [`State::apply`] keeps it current.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The configured devices (topic `devices`).
    pub devices: Vec<Device>,
    /// Modes and variables (topic `modes`).
    pub modes: ModeState,
    /// The configuration (topic `config`).
    pub config: ConfigState,
    /// The plugins (topic `plugins`).
    pub plugins: Vec<PluginSummary>,
    /// When this was the state.
    pub clock: ClockPair,
}

impl State {
    /// Changes the state as the event says. Events that change nothing here are passed over.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Devices { devices } => self.devices.clone_from(devices),
            Event::Modes(modes) => self.modes.clone_from(modes),
            Event::Config(config) => self.config.clone_from(config),
            Event::Plugins { plugins } => self.plugins.clone_from(plugins),
            Event::Record(_)
            | Event::Outcome(_)
            | Event::Missed { .. }
            | Event::Input(_)
            | Event::Play { .. }
            | Event::PluginLog { .. }
            | Event::Unknown => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::event::Event;
    use crate::plugin::{PluginState, PluginSummary};
    use crate::status::{Device, ModeState};

    #[test]
    fn events_bring_the_mirror_up_to_date() {
        let mut state = State::default();
        let pads = Device { name: "pads".into(), connected: true, ..Device::default() };
        state.apply(&Event::Devices { devices: vec![pads.clone()] });
        state.apply(&Event::Modes(ModeState { stack: vec!["stream".into()], ..ModeState::default() }));
        let obs =
            PluginSummary { name: "obs".into(), state: PluginState::Waiting, ..PluginSummary::default() };
        state.apply(&Event::Plugins { plugins: vec![obs.clone()] });
        state.apply(&Event::Missed { count: 3 });
        assert_eq!(state.devices, [pads]);
        assert_eq!(state.plugins, [obs]);
        assert_eq!(state.modes.stack, ["stream"]);
    }
}
