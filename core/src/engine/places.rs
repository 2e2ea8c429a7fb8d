//! The mappings that one control may concern, sorted by mode: however many modes there are, those of the
//! active ones are found without looking at the others.

use crate::ids::ModeId;
use crate::ruleset::Ruleset;

/// Places of mappings in the ruleset, by mode and then in the order of the files.
#[derive(Debug, Default)]
pub(super) struct Places {
    list: Box<[Place]>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    mode: Option<ModeId>,
    mapping: u32,
}

impl Places {
    /// Those of `mappings` (in the order of the files) that `wanted` picks.
    pub(super) fn pick(
        rules: &Ruleset,
        mappings: impl Iterator<Item = u32>,
        wanted: impl Fn(&crate::ruleset::Trigger) -> bool,
    ) -> Places {
        let mapping = |place: u32| &rules.mappings[place as usize];
        let mut list: Vec<Place> = mappings
            .filter(|place| wanted(&mapping(*place).trigger))
            .map(|place| Place { mode: mapping(place).mode, mapping: place })
            .collect();
        list.sort_by_key(|place| place.mode);
        Places { list: list.into_boxed_slice() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        self.list.iter().map(|place| place.mapping)
    }

    /// Those of one mode, or of every mode (`None`), in the order of the files.
    pub(super) fn of(&self, mode: Option<ModeId>) -> impl Iterator<Item = u32> {
        let start = self.list.partition_point(|place| place.mode < mode);
        self.list[start..].iter().take_while(move |place| place.mode == mode).map(|place| place.mapping)
    }

    /// Those of the active modes, from the topmost mode down.
    pub(super) fn active(&self, modes: &[Option<ModeId>]) -> impl Iterator<Item = u32> {
        modes.iter().flat_map(|mode| self.of(*mode))
    }
}
