//! One touch of a control: what is known of it, and which gestures it can still be.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::io::{Control, PressId};
use super::press::Press;
use crate::midi::Message;
use crate::ruleset::trigger::{GESTURES_MAX, TAPS_MAX, Trigger};
use crate::ruleset::{Gesture, Mapping};
use crate::time::Time;

/// The mappings that a touch can end in: one for each gesture, chosen when the touch begins.
pub(super) type Candidates = ArrayVec<Arc<Mapping>, GESTURES_MAX>;

/// A control that is down, or was a moment ago and may be tapped again.
#[derive(Debug)]
pub(super) struct Touch {
    pub(super) control: Control,
    /// The latest press of the series.
    pub(super) press: PressId,
    pub(super) velocity: u8,
    pub(super) message: Option<Message>,
    pub(super) pressed_at: Time,
    /// `None` while it is down.
    pub(super) released_at: Option<Time>,
    /// Presses in the series of taps.
    pub(super) count: u8,
    /// Those before the last, and when each was released.
    pub(super) earlier: ArrayVec<(Press, Time), { TAPS_MAX as usize - 1 }>,
    /// No further tap can join the series.
    pub(super) taps_over: bool,
    /// The gesture is known; only the release is missing.
    pub(super) decided: bool,
    /// The longest hold that has fired.
    pub(super) held_for: Duration,
    pub(super) candidates: Candidates,
    pub(super) deadline: Option<Time>,
}

pub(super) fn gesture(mapping: &Mapping) -> Option<Gesture> {
    match mapping.trigger {
        Trigger::Press { gesture, .. } => Some(gesture),
        _ => None,
    }
}

pub(super) fn same_gesture(one: Gesture, other: Gesture) -> bool {
    match (one, other) {
        (Gesture::Taps { count: one, .. }, Gesture::Taps { count: other, .. }) => one == other,
        _ => one == other,
    }
}

impl Touch {
    /// A touch whose press has been dealt with: only its release is missing.
    pub(super) fn decided(press: Press, id: PressId) -> Touch {
        Touch {
            control: press.control,
            press: id,
            velocity: press.velocity,
            message: press.message,
            pressed_at: press.at,
            released_at: None,
            count: 1,
            earlier: ArrayVec::new(),
            taps_over: true,
            decided: true,
            held_for: Duration::ZERO,
            candidates: Candidates::new(),
            deadline: None,
        }
    }

    /// Nothing more comes of it, but its release is still expected.
    pub(super) fn settle(&mut self) {
        self.decided = true;
        self.deadline = None;
        self.candidates.clear();
    }

    pub(super) fn find(&self, mut wanted: impl FnMut(Gesture) -> bool) -> Option<Arc<Mapping>> {
        self.candidates.iter().find(|mapping| gesture(mapping).is_some_and(&mut wanted)).cloned()
    }

    pub(super) fn gestures(&self) -> impl Iterator<Item = Gesture> {
        self.candidates.iter().filter_map(|mapping| gesture(mapping))
    }

    /// The most taps that anything asks for, and how long to wait for the next.
    pub(super) fn taps(&self) -> Option<(u8, Duration)> {
        let wanted = self.gestures().filter_map(|gesture| match gesture {
            Gesture::Taps { count, window } if count > self.count => Some((count, window)),
            _ => None,
        });
        wanted.reduce(|one, other| (one.0.max(other.0), one.1.max(other.1)))
    }

    /// The most taps that something asks for and that the series has; 0 if there is none.
    pub(super) fn completed_taps(&self) -> u8 {
        let counts = self.gestures().filter_map(|gesture| match gesture {
            Gesture::Taps { count, .. } if count <= self.count => Some(count),
            _ => None,
        });
        counts.max().unwrap_or(0)
    }

    pub(super) fn next_hold(&self) -> Option<Duration> {
        let wanted = self.gestures().filter_map(|gesture| match gesture {
            Gesture::Hold(after) if after > self.held_for => Some(after),
            _ => None,
        });
        wanted.min()
    }

    pub(super) fn depends_on_length(&self) -> bool {
        self.gestures()
            .any(|gesture| matches!(gesture, Gesture::Hold(_) | Gesture::Short(_) | Gesture::Long(_)))
    }

    pub(super) fn window_end(&self) -> Option<Time> {
        if self.taps_over || self.decided {
            return None;
        }
        self.taps().map(|(_, window)| self.pressed_at + window)
    }

    /// When the next hold fires, if it stays down. The last press of a multiple tap is no hold.
    pub(super) fn hold_at(&self) -> Option<Time> {
        if self.released_at.is_some() || self.completed_taps() > 0 {
            return None;
        }
        self.next_hold().map(|after| self.pressed_at + after)
    }

    /// Sets the deadline anew: what comes first of the tap window and the next hold. A press that a chord held
    /// back may be past it already; then it is due now.
    pub(super) fn schedule(&mut self, now: Time) {
        self.deadline = self.window_end().into_iter().chain(self.hold_at()).min().map(|at| at.max(now));
    }

    /// What a press of this length (from press to release) was, if nothing held it longer.
    pub(super) fn by_length(&self, length: Duration) -> Option<Arc<Mapping>> {
        let long = self.gestures().filter_map(|gesture| match gesture {
            Gesture::Long(at_least) if length >= at_least => Some(at_least),
            _ => None,
        });
        if let Some(longest) = long.max() {
            return self.find(|gesture| gesture == Gesture::Long(longest));
        }
        let short = self.gestures().filter_map(|gesture| match gesture {
            Gesture::Short(below) if length < below => Some(below),
            _ => None,
        });
        match short.min() {
            Some(shortest) => self.find(|gesture| gesture == Gesture::Short(shortest)),
            None => self.find(|gesture| gesture == Gesture::Press),
        }
    }
}

impl Touch {
    pub(super) fn as_press(&self) -> Press {
        Press { control: self.control, velocity: self.velocity, message: self.message, at: self.pressed_at }
    }
}
