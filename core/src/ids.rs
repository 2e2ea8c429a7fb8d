//! Numbers that stand for names, and the table that gives them out.
//!
//! The engine compares numbers; people write names. The table only grows, and the daemon keeps it across
//! reloads, so that a number means the same before and after a new configuration: a held pad's release
//! finds its device, and a running sequence its mode.

use std::marker::PhantomData;

/// A number for a name of one kind (`K` is only a marker).
pub struct Id<K>(pub u32, PhantomData<K>);

impl<K> Id<K> {
    /// The id with this index. Meaningful only if a [`Names`] table gave it out.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index, PhantomData)
    }

    /// The index, for tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

// Written out because `derive` would ask the same of the marker `K`.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> std::fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Marks ids of devices.
#[derive(Clone, Debug)]
pub enum DeviceKind {}
/// Marks ids of modes.
#[derive(Clone, Debug)]
pub enum ModeKind {}
/// Marks ids of variables.
#[derive(Clone, Debug)]
pub enum VariableKind {}
/// Marks ids of watched programs.
#[derive(Clone, Debug)]
pub enum ProgramKind {}
/// Marks ids of volume targets.
#[derive(Clone, Debug)]
pub enum TargetKind {}

/// A device: a controller or other MIDI port under the name that the user gave it.
pub type DeviceId = Id<DeviceKind>;
/// A mode. Index 0 is always `default`.
pub type ModeId = Id<ModeKind>;
/// A variable that actions set and conditions read.
pub type VariableId = Id<VariableKind>;
/// A program whose running is a condition.
pub type ProgramId = Id<ProgramKind>;
/// A sound output whose volume a control follows. Index 0 is always the default output.
pub type TargetId = Id<TargetKind>;

/// Names of one kind, numbered in the order in which they were first seen.
#[derive(Clone, Debug)]
pub struct Table<K> {
    names: Vec<String>,
    kind: PhantomData<K>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { names: Vec::new(), kind: PhantomData }
    }
}

impl<K> Table<K> {
    /// The id of `name`, given out now if the name is new.
    pub fn intern(&mut self, name: &str) -> Id<K> {
        self.find(name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            Id::new(u32::try_from(self.names.len() - 1).expect("fewer than 2^32 names fit in memory"))
        })
    }

    /// The id of `name`, if it has one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Id<K>> {
        self.names.iter().position(|known| known == name).map(|index| Id::new(index as u32))
    }

    /// The name behind `id`, or `"?"` for an id of another table.
    #[must_use]
    pub fn name(&self, id: Id<K>) -> &str {
        self.names.get(id.index()).map_or("?", String::as_str)
    }

    /// How many names there are; ids run from 0 to one less.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All names in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (Id<K>, &str)> {
        self.names.iter().enumerate().map(|(index, name)| (Id::new(index as u32), name.as_str()))
    }
}

/// The name of the device behind the virtual input port, into which front ends inject presses as well.
pub const VIRTUAL_INPUT: &str = "Padgate In";

/// All tables. Grows with each configuration that brings new names; nothing is ever renumbered.
#[derive(Clone, Debug)]
pub struct Names {
    /// Devices, in the order of the configuration that first named them; the first is [`VIRTUAL_INPUT`].
    pub devices: Table<DeviceKind>,
    /// Modes; the first is `default`.
    pub modes: Table<ModeKind>,
    /// Variables.
    pub variables: Table<VariableKind>,
    /// Programs that conditions ask about.
    pub programs: Table<ProgramKind>,
    /// Sound outputs; the first, with an empty name, is the default output.
    pub targets: Table<TargetKind>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self {
            devices: Table::default(),
            modes: Table::default(),
            variables: Table::default(),
            programs: Table::default(),
            targets: Table::default(),
        };
        names.devices.intern(VIRTUAL_INPUT);
        names.modes.intern("default");
        names.targets.intern("");
        names
    }
}
