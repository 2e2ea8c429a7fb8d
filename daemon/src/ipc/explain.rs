//! `explain`: from what happened lately to sentences about the last press.

use padgate_core::engine::{Control, PressId, Trace};
use padgate_core::ids::{DeviceId, Names};
use padgate_core::midi::{Channel, Message, note};
use padgate_core::ruleset::Mapping;
use padgate_core::ruleset::trigger::{ControlKind, Selector, Trigger};
use padgate_core::time::Time;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::Explanation;

use super::{convert, sentence};
use crate::history::{Cause, HISTORY_RECORDS, Record};

/// How many records an explanation shows. A repeating action makes thousands, which nobody reads.
pub const RECORDS_SHOWN: usize = 32;

/// Which press is meant. `None` anywhere: any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// On this device.
    pub device: Option<DeviceId>,
    /// Of this sort of control, with its number.
    pub control: Option<(ControlKind, u8)>,
    /// On this channel.
    pub channel: Option<Channel>,
}

impl Wanted {
    fn fits(&self, device: DeviceId, control: Option<Control>) -> bool {
        let of_control = match (self.control, control) {
            (None, None) => self.channel.is_none(),
            (Some(_), None) => false,
            (wanted, Some(it)) => {
                wanted.is_none_or(|(kind, number)| kind == it.kind && number == it.number)
                    && self.channel.is_none_or(|channel| channel == it.channel)
            }
        };
        of_control && self.device.is_none_or(|wanted| wanted == device)
    }
}

/// Explains the last press among `records` (oldest first) that is `wanted`. `now` is for saying how long ago it was.
#[must_use]
pub fn explain(records: &[Record], wanted: &Wanted, names: &Names, now: Time) -> Explanation {
    let press = records
        .iter()
        .rposition(|record| pressed(record).is_some_and(|(device, control)| wanted.fits(device, control)));
    let Some(press) = press else {
        let text = format!(
            "Nothing like that was pressed lately (the last {HISTORY_RECORDS} events are kept): `padgate devices` shows \
             whether the device is connected, `padgate monitor` what it sends."
        );
        return Explanation { found: false, sentences: vec![text], records: Vec::new() };
    };
    let story = story(&records[press..]);
    let mut sentences = vec![opening(&records[press], names, now)];
    for record in story.iter().take(RECORDS_SHOWN) {
        tell(record, records[press].received, names, &mut sentences);
    }
    if story.len() > RECORDS_SHOWN {
        sentences.push(format!("… and {} more events followed.", story.len() - RECORDS_SHOWN));
    }
    sentences.extend(conclusion(&story, &records[press]));
    let records = story.iter().take(RECORDS_SHOWN).map(|record| convert::record(record, names)).collect();
    Explanation { found: true, sentences, records }
}

/// The device and control, if the record is a press (or a movement), and no release.
fn pressed(record: &Record) -> Option<(DeviceId, Option<Control>)> {
    match &record.cause {
        Cause::Message(device, message) => {
            let counts = match message {
                Message::NoteOn { .. }
                | Message::Start
                | Message::Continue
                | Message::Stop
                | Message::Reset => true,
                Message::ControlChange { .. }
                | Message::PitchBend { .. }
                | Message::PolyPressure { .. }
                | Message::ChannelPressure { .. }
                | Message::ProgramChange { .. } => !is_release(record),
                _ => false,
            };
            counts.then(|| (*device, convert::control_of(*device, message)))
        }
        Cause::Sysex(device, ..) => Some((*device, None)),
        Cause::Timer | Cause::Reload | Cause::Other(_) => None,
    }
}

/// Whether all that came of it was that something was let go, as with a controller that is used as a button.
fn is_release(record: &Record) -> bool {
    !record.traces.is_empty() && record.traces.iter().all(|trace| matches!(trace, Trace::Released { .. }))
}

/// The first record, and the later ones that belong to the same press, each cut down to what belongs to it.
fn story(records: &[Record]) -> Vec<Record> {
    let Some((first, later)) = records.split_first() else { return Vec::new() };
    let control = pressed(first).and_then(|(_, control)| control);
    let mut presses = presses(first);
    let mut waiting = first.traces.iter().any(|trace| matches!(trace, Trace::Waiting { .. }));
    let mut story = vec![first.clone()];
    for record in later {
        let same_control = match (&record.cause, control) {
            (Cause::Message(device, message), Some(control)) => {
                convert::control_of(*device, message) == Some(control)
            }
            _ => false,
        };
        let part = if same_control {
            record.clone()
        } else {
            let ours = |mapping: &Mapping| waiting && control.is_some_and(|it| concerns(mapping, &it));
            cut(record, control, &presses, ours)
        };
        if part.traces.is_empty() && part.requests.is_empty() {
            continue;
        }
        presses.extend(self::presses(&part));
        let decided = |trace: &Trace| matches!(trace, Trace::Fired { .. } | Trace::Unmapped { .. });
        waiting &= !part.traces.iter().any(decided);
        story.push(part);
    }
    story
}

fn presses(record: &Record) -> Vec<PressId> {
    let fired = record.traces.iter().filter_map(|trace| match trace {
        Trace::Fired { press, .. } => Some(*press),
        _ => None,
    });
    fired.chain(record.requests.iter().map(|request| request.request.context.press)).collect()
}

/// What of the record belongs to the control or to one of the presses.
fn cut(
    record: &Record,
    control: Option<Control>,
    presses: &[PressId],
    ours: impl Fn(&Mapping) -> bool,
) -> Record {
    let keep = |trace: &Trace| match trace {
        Trace::Unmapped { control: Some(it) } | Trace::Waiting { control: it, .. } => Some(*it) == control,
        Trace::Fired { mapping, press, .. } => presses.contains(press) || ours(mapping),
        Trace::Released { press, .. } => presses.contains(press),
        Trace::Passed { mapping, .. } | Trace::Refused { mapping, .. } => ours(mapping),
        _ => false,
    };
    let traces: Vec<Trace> = record.traces.iter().filter(|trace| keep(trace)).cloned().collect();
    let mut part = Record { traces, requests: Vec::new(), ..record.clone() };
    let fired = self::presses(&part);
    part.requests = record.requests.clone();
    part.requests.retain(|request| {
        let press = request.request.context.press;
        presses.contains(&press) || fired.contains(&press)
    });
    part
}

/// Whether the mapping has to do with the control at all.
fn concerns(mapping: &Mapping, control: &Control) -> bool {
    let fits = |selector: &Selector| {
        selector.kind == control.kind
            && selector.device.is_none_or(|device| device == control.device)
            && selector.channel.is_none_or(|channel| channel == control.channel)
            && selector.number.is_none_or(|number| number == control.number)
    };
    match &mapping.trigger {
        Trigger::Press { control, .. }
        | Trigger::Move { control, .. }
        | Trigger::Turn { control, .. }
        | Trigger::Program { control } => fits(control),
        Trigger::Chord { controls, .. } | Trigger::Sequence { controls, .. } => controls.iter().any(fits),
        Trigger::Sysex { .. } | Trigger::Realtime { .. } => false,
    }
}

fn opening(press: &Record, names: &Names, now: Time) -> String {
    let what = match &press.cause {
        Cause::Message(device, message) => sentence::press(*device, message, names),
        Cause::Sysex(device, length, _) => {
            format!("{} sent a System Exclusive of {length} bytes", names.devices.name(*device))
        }
        Cause::Timer | Cause::Reload | Cause::Other(_) => "something happened".to_owned(),
    };
    full(&format!("{what}, {} ago", sentence::span(now.since(press.received))))
}

fn tell(record: &Record, pressed: Time, names: &Names, sentences: &mut Vec<String>) {
    let after = record.received.since(pressed);
    let prefix = if after.is_zero() { String::new() } else { format!("after {}: ", sentence::span(after)) };
    for trace in &record.traces {
        sentences.push(full(&format!("{prefix}{}", sentence::decision(trace, record.received, names))));
    }
    for request in &record.requests {
        let action = sentence::effect(&request.request.effect, names);
        let outcome = request.report.as_ref().map(convert::outcome);
        let ending = match outcome {
            None => "not finished yet".to_owned(),
            Some(outcome) => {
                let took = Time(outcome.done_ns).since(request.handed_off);
                match (outcome.result, outcome.message) {
                    (OutcomeKind::Done, _) => {
                        format!("done {} after it was handed off", sentence::span(took))
                    }
                    (result, Some(why)) => format!("{}: {why}", result.word()),
                    (result, None) => result.word().to_owned(),
                }
            }
        };
        sentences.push(full(&format!("{prefix}action {action}: {ending}")));
    }
}

/// What to say where nothing came of the press.
fn conclusion(story: &[Record], press: &Record) -> Option<String> {
    let anything = story.iter().any(|record| {
        let came = |trace: &Trace| !matches!(trace, Trace::Unmapped { .. } | Trace::Passed { .. });
        record.traces.iter().any(came) || !record.requests.is_empty()
    });
    if anything {
        return None;
    }
    let unmapped = press.traces.iter().all(|trace| matches!(trace, Trace::Unmapped { .. }));
    let hint = match &press.cause {
        Cause::Message(_, Message::NoteOn { note, .. }) if unmapped => {
            format!(
                " To give it something to do, add a [[map]] with `on = {{ note = \"{}\" }}`.",
                note::name(*note)
            )
        }
        Cause::Message(_, Message::ControlChange { controller, .. }) if unmapped => {
            format!(" To give it something to do, add a [[map]] with `on = {{ cc = {controller} }}`.")
        }
        _ => String::new(),
    };
    Some(format!("So nothing was done.{hint}"))
}

/// A sentence with a capital and a full stop.
fn full(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("cc") {
        return full(&format!("CC{rest}"));
    }
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
