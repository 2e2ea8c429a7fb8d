//! Recordings: what the engine is fed, from the engine's types to the format's and back.
//!
//! The format itself is [`padgate_ipc::recording`].

use padgate_core::engine::Input;
use padgate_core::ids::Names;
use padgate_core::midi::{Decoder, Received};
use padgate_core::ruleset::action::ModeChange;
use padgate_core::time::{LocalTime, Time};
use padgate_ipc::method::ModeParams;
use padgate_ipc::recording::{self, Line};

use crate::pipeline::{Heard, HeardInput};

/// One input as the format writes it. `None` for what is not recorded: deadlines, which the engine sets itself.
#[must_use]
pub fn line(heard: &Heard, names: &Names) -> Option<Line> {
    let input = match &heard.input {
        HeardInput::Midi(device, bytes) => recording::Input::Midi {
            device: names.devices.name(*device).to_owned(),
            bytes: super::hex(bytes),
        },
        HeardInput::Other(other) => match other {
            Input::Midi { .. } | Input::Timer => return None,
            Input::DeviceLost(device) => recording::Input::DeviceLost(names.devices.name(*device).to_owned()),
            Input::OutputLost(device) => recording::Input::OutputLost(names.devices.name(*device).to_owned()),
            Input::WallClock(LocalTime { minute_of_day, weekday }) => {
                recording::Input::WallClock { minute: *minute_of_day, weekday: *weekday }
            }
            Input::Running(program, running) => recording::Input::Program {
                name: names.programs.name(*program).to_owned(),
                running: *running,
            },
            Input::TargetLevel(target, level) => {
                recording::Input::Level { target: names.targets.name(*target).to_owned(), level: *level }
            }
            Input::Mode(change) => recording::Input::Mode(mode(*change, names)),
            Input::Set(variable, value) => recording::Input::Variable {
                name: names.variables.name(*variable).to_owned(),
                value: super::value(value),
            },
            Input::Panic => recording::Input::Panic {},
        },
    };
    Some(Line { t: heard.at.0, input })
}

fn mode(change: ModeChange, names: &Names) -> ModeParams {
    let name = |mode| names.modes.name(mode).to_owned();
    match change {
        ModeChange::Switch(mode) => ModeParams::Switch(name(mode)),
        // From outside there is nothing whose release could end a held mode.
        ModeChange::Push(mode) | ModeChange::Hold(mode) => ModeParams::Push(name(mode)),
        ModeChange::Pop => ModeParams::Pop,
        ModeChange::Toggle(mode) => ModeParams::Toggle(name(mode)),
    }
}

/// What to change a mode to; `None` for [`ModeParams::Get`].
///
/// # Errors
///
/// With the modes that there are, if there is none of that name.
pub fn mode_change(params: &ModeParams, names: &Names) -> Result<Option<ModeChange>, String> {
    let find = |name: &str| {
        names.modes.find(name).ok_or_else(|| {
            let known: Vec<&str> = names.modes.iter().map(|(_, name)| name).collect();
            format!("there is no mode {name:?} in the configuration; there are: {}", known.join(", "))
        })
    };
    Ok(Some(match params {
        ModeParams::Get => return Ok(None),
        ModeParams::Switch(name) => ModeChange::Switch(find(name)?),
        ModeParams::Push(name) => ModeChange::Push(find(name)?),
        ModeParams::Pop => ModeChange::Pop,
        ModeParams::Toggle(name) => ModeChange::Toggle(find(name)?),
    }))
}

/// A recorded input as the engine takes it; names that are new get their numbers. `None` for what does nothing in a
/// replay.
///
/// # Errors
///
/// With what is wrong, in words.
pub fn heard(line: &Line, names: &mut Names) -> Result<Option<Heard>, String> {
    let other = |input| Ok(Some(Heard { at: Time(line.t), input: HeardInput::Other(input) }));
    match &line.input {
        recording::Input::Midi { device, bytes } => {
            let decoded = super::unhex(bytes).filter(|bytes| is_one_message(bytes));
            let bytes = decoded.ok_or_else(|| format!("{bytes:?} is not one MIDI message in hexadecimal"))?;
            let device = names.devices.intern(device);
            Ok(Some(Heard { at: Time(line.t), input: HeardInput::Midi(device, bytes) }))
        }
        recording::Input::DeviceLost(device) => other(Input::DeviceLost(names.devices.intern(device))),
        recording::Input::OutputLost(device) => other(Input::OutputLost(names.devices.intern(device))),
        recording::Input::WallClock { minute, weekday } if *minute < 1440 && *weekday < 7 => {
            other(Input::WallClock(LocalTime { minute_of_day: *minute, weekday: *weekday }))
        }
        recording::Input::WallClock { .. } => Err("a day has 1440 minutes, and a week 7 days".to_owned()),
        recording::Input::Program { name, running } => {
            other(Input::Running(names.programs.intern(name), *running))
        }
        recording::Input::Level { target, level } => {
            other(Input::TargetLevel(names.targets.intern(target), *level))
        }
        recording::Input::Mode(params) => {
            if let ModeParams::Switch(name) | ModeParams::Push(name) | ModeParams::Toggle(name) = params {
                names.modes.intern(name);
            }
            match mode_change(params, names)? {
                Some(change) => other(Input::Mode(change)),
                None => Err("asking for the mode is no input".to_owned()),
            }
        }
        recording::Input::Variable { name, value } => {
            let value = super::value_from(value)
                .ok_or_else(|| format!("{value} is no value: a flag, a number or a text is"))?;
            other(Input::Set(names.variables.intern(name), value))
        }
        recording::Input::Panic {} => other(Input::Panic),
        recording::Input::Reloaded {} => Ok(None),
    }
}

fn is_one_message(bytes: &[u8]) -> bool {
    let mut decoder = Decoder::default();
    let mut lengths = Vec::new();
    decoder.feed(bytes, |received| {
        lengths.push(match received {
            Received::Message(message) => message.encode().1,
            Received::Sysex(bytes) => bytes.len(),
        });
    });
    lengths == [bytes.len()]
}

/// Calls `then` with the input as the engine takes it.
pub fn with_input<R>(heard: &Heard, then: impl FnOnce(Input<'_>) -> R) -> Option<R> {
    match &heard.input {
        HeardInput::Other(input) => Some(then(input.clone())),
        HeardInput::Midi(device, bytes) if bytes.first() == Some(&0xF0) => {
            Some(then(Input::Midi { device: *device, received: Received::Sysex(bytes) }))
        }
        HeardInput::Midi(device, bytes) => {
            let mut message = None;
            Decoder::default().feed(bytes, |received| {
                if let Received::Message(found) = received {
                    message = Some(found);
                }
            });
            message.map(|it| then(Input::Midi { device: *device, received: Received::Message(it) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{heard, line, with_input};
    use crate::pipeline::{Heard, HeardInput};
    use padgate_core::engine::Input;
    use padgate_core::ids::Names;
    use padgate_core::midi::Received;
    use padgate_core::ruleset::action::ModeChange;
    use padgate_core::ruleset::condition::Value;
    use padgate_core::time::{LocalTime, Time};
    use padgate_ipc::recording::{self, Line};

    #[test]
    fn everything_that_is_recorded_reads_back() {
        let mut names = Names::default();
        let device = names.devices.intern("pads");
        let mode = names.modes.intern("stream");
        let inputs = [
            HeardInput::Midi(device, vec![0x90, 60, 100]),
            HeardInput::Midi(device, vec![0xF0, 1, 2, 0xF7]),
            HeardInput::Other(Input::DeviceLost(device)),
            HeardInput::Other(Input::OutputLost(device)),
            HeardInput::Other(Input::WallClock(LocalTime { minute_of_day: 1439, weekday: 6 })),
            HeardInput::Other(Input::Running(names.programs.intern("obs"), true)),
            HeardInput::Other(Input::TargetLevel(names.targets.intern(""), Some(0.1 + 0.2))),
            HeardInput::Other(Input::TargetLevel(names.targets.intern(""), None)),
            HeardInput::Other(Input::Mode(ModeChange::Push(mode))),
            HeardInput::Other(Input::Mode(ModeChange::Pop)),
            HeardInput::Other(Input::Set(names.variables.intern("scene"), Value::Number(2.0))),
            HeardInput::Other(Input::Panic),
        ];
        for input in inputs {
            let was = Heard { at: Time(7), input };
            let text = serde_json::to_string(&line(&was, &names).unwrap()).unwrap();
            let read: Line = serde_json::from_str(&text).unwrap();
            assert_eq!(heard(&read, &mut names), Ok(Some(was)), "{text}");
        }
        let timer = Heard { at: Time(7), input: HeardInput::Other(Input::Timer) };
        assert_eq!(line(&timer, &names), None);
    }

    #[test]
    fn what_is_not_one_message_is_refused() {
        for bytes in ["", "90 3C", "3C 64", "90 3C 64 80", "F0 01", "xyz", "90 3C 64 90 3C 00"] {
            let input = recording::Input::Midi { device: "pads".into(), bytes: bytes.into() };
            assert!(heard(&Line { t: 0, input }, &mut Names::default()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_engine_gets_what_the_driver_brought() {
        let mut names = Names::default();
        let device = names.devices.intern("pads");
        let sysex = Heard { at: Time(0), input: HeardInput::Midi(device, vec![0xF0, 1, 0xF7]) };
        let is_sysex = |input: Input<'_>| {
            matches!(input, Input::Midi { received: Received::Sysex([0xF0, 1, 0xF7]), .. })
        };
        assert_eq!(with_input(&sysex, is_sysex), Some(true));
    }
}
