//! From a message's control to the mappings that it may concern, in two look-ups, however many there are.
//!
//! Every control of every device has a slot (a place in an array); slots that concern the same mappings
//! share a group. So a decision costs the same with ten mappings and with ten thousand, and "any channel"
//! costs no more than one channel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::io::Control;
use super::places::Places;
use crate::ids::DeviceId;
use crate::midi::Channel;
use crate::ruleset::action::{Action, Assignment, Level, Step};
use crate::ruleset::condition::Condition;
use crate::ruleset::trigger::{ControlKind, Selector, Trigger};
use crate::ruleset::{Mapping, Ruleset};

/// The numbers of one channel: notes, controllers, pairs, poly pressure, programs, bend, channel pressure.
const SLOTS_PER_CHANNEL: usize = 4 * 128 + 32 + 2;
/// The slots of one device.
pub(super) const SLOTS_PER_DEVICE: usize = 16 * SLOTS_PER_CHANNEL;
/// The slot belongs to no group.
const NO_GROUP: u32 = u32::MAX;

/// The mapping is of no movement.
const NO_MOVER: u32 = u32::MAX;

/// The slot of a control within its device.
pub(super) fn slot_of(kind: ControlKind, channel: Channel, number: u8) -> usize {
    let number = usize::from(number & 0x7F);
    let within = match kind {
        ControlKind::Note => number,
        ControlKind::Controller => 128 + number,
        ControlKind::PolyPressure => 256 + number,
        ControlKind::Program => 384 + number,
        ControlKind::Controller14 => 512 + (number & 31),
        ControlKind::Bend => 544,
        ControlKind::ChannelPressure => 545,
    };
    usize::from(channel.wire()) * SLOTS_PER_CHANNEL + within
}

/// The mappings that one control may concern, by the part that the control plays in them.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The control is pressed.
    pub(super) presses: Places,
    /// It is a member of the chord.
    pub(super) chords: Places,
    /// It is pressed in the sequence.
    pub(super) sequences: Places,
    /// It moves or turns.
    pub(super) moves: Places,
    /// It is a program.
    pub(super) programs: Places,
}

impl Group {
    /// Whether the control is a button for any of them.
    pub(super) fn can_be_pressed(&self) -> bool {
        !(self.presses.is_empty() && self.chords.is_empty() && self.sequences.is_empty())
    }
}

/// A ruleset, prepared for the engine. Building one takes milliseconds for thousands of mappings, and needs
/// no engine: do it before taking any lock.
#[derive(Debug, Default)]
pub struct Index {
    pub(super) rules: Arc<Ruleset>,
    groups: Vec<Group>,
    /// By device id; `None` for a device that this ruleset does not have.
    slots: Vec<Option<Box<[u32]>>>,
    /// By device id.
    echo: Vec<Duration>,
    pub(super) sysex: Places,
    realtime: Places,
    /// By mapping: its number among those of movements, for whose state the engine keeps a table.
    movers: Box<[u32]>,
    /// By that number: what it sets, for those that pick up.
    pickup_targets: Vec<Option<PickupTarget>>,
    pub(super) wants_wall_clock: bool,
}

/// What a mapping with pickup moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PickupTarget {
    Level(crate::ids::TargetId),
    Variable(crate::ids::VariableId),
}

impl Index {
    /// Prepares a ruleset.
    #[must_use]
    pub fn build(rules: Arc<Ruleset>) -> Index {
        let mut index = Index {
            sysex: Places::pick(&rules, all(&rules), |trigger| matches!(trigger, Trigger::Sysex { .. })),
            realtime: Places::pick(&rules, all(&rules), |trigger| {
                matches!(trigger, Trigger::Realtime { .. })
            }),
            wants_wall_clock: rules.mappings.iter().any(|mapping| mentions_clock(mapping)),
            ..Index::default()
        };
        index.movers = rules.mappings.iter().map(|mapping| index.add_mover(mapping)).collect();
        let mut shared: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut device_count = 0;
        for device in &rules.devices {
            device_count = device_count.max(device.id.index() + 1);
        }
        index.slots.resize_with(device_count, || None);
        index.echo.resize(device_count, Duration::ZERO);
        for device in &rules.devices {
            index.echo[device.id.index()] = device.echo;
            let table = index.device_slots(&rules, device.id, &mut shared);
            index.slots[device.id.index()] = Some(table);
        }
        index.rules = rules;
        index
    }

    fn add_mover(&mut self, mapping: &Mapping) -> u32 {
        if !moves(&mapping.trigger) {
            return NO_MOVER;
        }
        self.pickup_targets.push(pickup_target(mapping));
        (self.pickup_targets.len() - 1) as u32
    }

    fn device_slots(
        &mut self,
        rules: &Ruleset,
        device: DeviceId,
        shared: &mut HashMap<Vec<u32>, u32>,
    ) -> Box<[u32]> {
        let mut lists: Vec<Vec<u32>> = vec![Vec::new(); SLOTS_PER_DEVICE];
        for (place, mapping) in rules.mappings.iter().enumerate() {
            for selector in selectors(&mapping.trigger) {
                if selector.device.is_none_or(|wanted| wanted == device) {
                    for_each_slot(selector, |slot| {
                        // A chord or sequence can name the same control twice; once is enough.
                        if lists[slot].last() != Some(&(place as u32)) {
                            lists[slot].push(place as u32);
                        }
                    });
                }
            }
        }
        let mut table = vec![NO_GROUP; SLOTS_PER_DEVICE].into_boxed_slice();
        for (slot, list) in lists.into_iter().enumerate().filter(|(_, list)| !list.is_empty()) {
            table[slot] = *shared.entry(list).or_insert_with_key(|list| {
                self.groups.push(group(rules, list));
                (self.groups.len() - 1) as u32
            });
        }
        table
    }

    /// The mappings that `control` may concern; `None` if there are none.
    pub(super) fn group(&self, control: Control) -> Option<&Group> {
        let table = self.slots.get(control.device.index())?.as_ref()?;
        let group = table[slot_of(control.kind, control.channel, control.number)];
        self.groups.get(group as usize)
    }

    pub(super) fn mapping(&self, place: u32) -> &Arc<Mapping> {
        &self.rules.mappings[place as usize]
    }

    /// The number of a mapping of a movement.
    pub(super) fn mover(&self, place: u32) -> usize {
        self.movers[place as usize] as usize
    }

    /// How many mappings of movements there are.
    pub(super) fn mover_count(&self) -> usize {
        self.pickup_targets.len()
    }

    pub(super) fn pickup_target(&self, mover: usize) -> Option<PickupTarget> {
        self.pickup_targets[mover]
    }

    pub(super) fn realtime(&self) -> &Places {
        &self.realtime
    }

    /// How long after a message to the device the same message from it is an echo.
    pub(super) fn echo_window(&self, device: DeviceId) -> Duration {
        self.echo.get(device.index()).copied().unwrap_or_default()
    }

    /// Whether the ruleset has this device.
    pub(super) fn has_device(&self, device: DeviceId) -> bool {
        self.slots.get(device.index()).is_some_and(Option::is_some)
    }

    /// Whether the ruleset can send to this device (`None`: to the virtual output).
    pub(super) fn has_output(&self, to: Option<DeviceId>) -> bool {
        let Some(to) = to else { return self.rules.settings.virtual_ports };
        self.rules.devices.iter().any(|device| device.id == to && device.ports.output.is_some())
    }

    /// How many places a table by device id needs.
    pub(super) fn device_count(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn wants_realtime(&self) -> bool {
        !self.realtime.is_empty()
    }
}

impl Selector {
    /// Whether `control` is one of those meant.
    pub(super) fn matches(&self, control: Control) -> bool {
        self.kind == control.kind
            && self.device.is_none_or(|device| device == control.device)
            && self.channel.is_none_or(|channel| channel == control.channel)
            && self.number.is_none_or(|number| number == control.number)
    }
}

/// The selectors under which a trigger is looked up.
fn selectors(trigger: &Trigger) -> &[Selector] {
    match trigger {
        Trigger::Press { control, .. }
        | Trigger::Move { control, .. }
        | Trigger::Turn { control, .. }
        | Trigger::Program { control } => std::slice::from_ref(control),
        Trigger::Chord { controls, .. } | Trigger::Sequence { controls, .. } => controls,
        Trigger::Sysex { .. } | Trigger::Realtime { .. } => &[],
    }
}

fn for_each_slot(selector: &Selector, mut slot: impl FnMut(usize)) {
    let channels = match selector.channel {
        Some(channel) => channel.wire()..channel.wire() + 1,
        None => 0..16,
    };
    for channel in channels.map(Channel::from_wire) {
        match selector.number {
            Some(number) => slot(slot_of(selector.kind, channel, number)),
            None => {
                let count = match selector.kind {
                    ControlKind::Bend | ControlKind::ChannelPressure => 1,
                    ControlKind::Controller14 => 32,
                    _ => 128,
                };
                (0..count).for_each(|number| slot(slot_of(selector.kind, channel, number)));
            }
        }
    }
}

fn group(rules: &Ruleset, list: &[u32]) -> Group {
    let pick = |wanted: fn(&Trigger) -> bool| Places::pick(rules, list.iter().copied(), wanted);
    Group {
        presses: pick(|trigger| matches!(trigger, Trigger::Press { .. })),
        chords: pick(|trigger| matches!(trigger, Trigger::Chord { .. })),
        sequences: pick(|trigger| matches!(trigger, Trigger::Sequence { .. })),
        moves: pick(moves),
        programs: pick(|trigger| matches!(trigger, Trigger::Program { .. })),
    }
}

fn moves(trigger: &Trigger) -> bool {
    matches!(trigger, Trigger::Move { .. } | Trigger::Turn { .. })
}

fn all(rules: &Ruleset) -> impl Iterator<Item = u32> {
    0..rules.mappings.len() as u32
}

fn pickup_target(mapping: &Mapping) -> Option<PickupTarget> {
    if mapping.takeover != crate::ruleset::Takeover::Pickup {
        return None;
    }
    mapping.program.steps.iter().find_map(|step| match step {
        Step::Do(Action::Volume { target, level: Level::Value }) => Some(PickupTarget::Level(*target)),
        Step::Do(Action::Set(variable, Assignment::Input)) => Some(PickupTarget::Variable(*variable)),
        _ => None,
    })
}

fn mentions_clock(mapping: &Mapping) -> bool {
    fn clock(condition: &Condition) -> bool {
        match condition {
            Condition::Time(_) | Condition::Weekday(_) => true,
            Condition::All(all) | Condition::Any(all) => all.iter().any(clock),
            Condition::Not(inner) => clock(inner),
            Condition::Always | Condition::Mode(_) | Condition::Running(_) | Condition::Variable(..) => false,
        }
    }
    clock(&mapping.when)
        || mapping
            .program
            .steps
            .iter()
            .any(|step| matches!(step, Step::If { condition, .. } if clock(condition)))
}
