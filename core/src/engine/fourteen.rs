//! Pairs of controllers, n and n + 32, that make one value of 14 bits.
//!
//! The specification sends the coarse half first, lets a new one reset the fine half to 0, and lets either
//! come alone; some controllers send the fine half first. Which it is, is learnt from what comes: a control
//! that sends coarse halves alone never waits, and one that sends both waits for the second half, so that no
//! value comes out that was not played.

use std::time::Duration;

use super::Engine;
use super::index::Index;
use super::io::{Control, Output};
use crate::midi::Message;
use crate::ruleset::trigger::ControlKind;
use crate::time::Time;

/// How long one half waits for the other. Longer than two messages take on a DIN cable (2 ms).
const OTHER_HALF_WAIT: Duration = Duration::from_millis(5);

/// What is known of the halves of a control.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Halves {
    /// The last coarse half; `None` before the first.
    coarse: Option<u8>,
    /// A fine half that came with no coarse half before it, and when.
    loose_fine: Option<(u8, Time)>,
    order: Order,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Order {
    /// No fine half has come yet.
    #[default]
    CoarseAlone,
    CoarseFirst,
    FineFirst,
}

/// A half that waits for the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// The pair.
    pub(super) control: Control,
    message: Message,
    /// The value, if the other half does not come.
    alone: u16,
    /// A fine half came right before it: if no other comes, that was its own.
    fine_was_first: bool,
    pub(super) deadline: Time,
}

fn value(coarse: u8, fine: u8) -> u16 {
    u16::from(coarse) << 7 | u16::from(fine)
}

impl Engine {
    /// A control change may be half of a 14-bit value.
    pub(super) fn controller14(
        &mut self,
        index: &Index,
        control: Control,
        message: Message,
        half: u8,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let pair = Control { kind: ControlKind::Controller14, number: control.number & 31, ..control };
        if control.number >= 64 || index.group(pair).is_none() {
            return;
        }
        let waiting = self.pairs.iter().position(|waiting| waiting.control == pair);
        let waiting = waiting.map(|place| self.pairs.remove(place));
        let Some(halves) = self.position(pair).map(|position| &mut position.halves) else { return };
        let heard = if control.number < 32 {
            halves.coarse_came(half, waiting.is_some(), now)
        } else {
            halves.fine_came(half, waiting.is_some(), now)
        };
        match heard {
            Heard::Whole(raw) => self.moved(index, pair, message, raw, now, out),
            Heard::Half { alone, fine_was_first } => {
                if let Some(waiting) = waiting {
                    // The other half of the one before did not come.
                    self.moved(index, pair, waiting.message, waiting.alone, now, out);
                }
                let deadline = now + OTHER_HALF_WAIT;
                self.pairs.push(Pair { control: pair, message, alone, fine_was_first, deadline });
            }
            Heard::Nothing => {}
        }
    }

    /// The other half did not come.
    pub(super) fn pair_due(&mut self, index: &Index, place: usize, at: Time, out: &mut Vec<Output>) {
        let pair = self.pairs.remove(place);
        if let Some(position) = self.position(pair.control).filter(|_| pair.fine_was_first) {
            position.halves.order = Order::FineFirst;
        }
        self.moved(index, pair.control, pair.message, pair.alone, at, out);
    }
}

/// What a half makes.
enum Heard {
    /// A value.
    Whole(u16),
    /// Half a value.
    Half {
        /// What it is if the other half does not come.
        alone: u16,
        /// A coarse half that came right after a fine one.
        fine_was_first: bool,
    },
    /// Nothing yet.
    Nothing,
}

impl Halves {
    /// A coarse half came; `is_waiting`: another half waits.
    fn coarse_came(&mut self, coarse: u8, is_waiting: bool, now: Time) -> Heard {
        self.coarse = Some(coarse);
        let fine = self.loose_fine.take().filter(|(_, at)| now.since(*at) <= OTHER_HALF_WAIT);
        match (self.order, fine) {
            (Order::CoarseAlone, None) => Heard::Whole(value(coarse, 0)),
            (Order::FineFirst, Some((fine, _))) if is_waiting => Heard::Whole(value(coarse, fine)),
            // The first pair of all, and it began with its fine half.
            (Order::CoarseAlone, Some((fine, _))) => {
                self.order = Order::FineFirst;
                Heard::Whole(value(coarse, fine))
            }
            (_, fine) => {
                self.order = Order::CoarseFirst;
                let alone = value(coarse, fine.map_or(0, |(fine, _)| fine));
                Heard::Half { alone, fine_was_first: fine.is_some() }
            }
        }
    }

    /// A fine half came; `is_waiting`: another half waits.
    fn fine_came(&mut self, fine: u8, is_waiting: bool, now: Time) -> Heard {
        let Some(coarse) = self.coarse else {
            self.loose_fine = Some((fine, now));
            return Heard::Nothing;
        };
        match self.order {
            Order::FineFirst => {
                self.loose_fine = Some((fine, now));
                Heard::Half { alone: value(coarse, fine), fine_was_first: false }
            }
            Order::CoarseAlone | Order::CoarseFirst => {
                self.order = Order::CoarseFirst;
                self.loose_fine = (!is_waiting).then_some((fine, now));
                Heard::Whole(value(coarse, fine))
            }
        }
    }
}
