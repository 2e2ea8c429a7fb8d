//! Series of taps: from the presses of one control in quick succession to the multiple tap that they were,
//! or to what each was by itself.

use super::Engine;
use super::io::Output;
use super::press::Press;
use crate::ruleset::Gesture;
use crate::time::Time;

impl Engine {
    /// The control went down again while a series of taps was open.
    pub(super) fn tap_again(&mut self, place: usize, press: Press, now: Time, out: &mut Vec<Output>) {
        let id = self.new_press();
        let touch = &mut self.touches[place];
        let before = touch.as_press();
        // There is room for as many as a multiple tap can have, and with those it is decided.
        let _ = touch.earlier.try_push((before, touch.released_at.unwrap_or(now)));
        touch.press = id;
        touch.count += 1;
        touch.velocity = press.velocity;
        touch.message = press.message;
        touch.pressed_at = press.at;
        touch.released_at = None;
        if touch.taps().is_some() {
            touch.schedule(now);
        } else {
            self.decide_series(place, now, out);
        }
    }

    /// The series is over. A multiple tap is what it ends with; what came before that, or all of it, was
    /// tapped singly, so that no press is lost. Says whether the last press was part of a multiple tap; if
    /// not, it stands for itself now, and is not decided.
    pub(super) fn decide_series(&mut self, place: usize, at: Time, out: &mut Vec<Output>) -> bool {
        let several = self.touches[place].completed_taps();
        let touch = &mut self.touches[place];
        let single_count = touch.earlier.len().saturating_sub(usize::from(several).saturating_sub(1));
        touch.earlier.truncate(single_count);
        self.play_singly(place, at, out);
        let touch = &mut self.touches[place];
        let press = touch.as_press();
        let wanted = |gesture| matches!(gesture, Gesture::Taps { count, .. } if count == several);
        let Some(mapping) = touch.find(wanted) else { return false };
        touch.decided = true;
        touch.deadline = None;
        self.end_touch(place, &mapping, press, at.since(press.at), at, out);
        true
    }

    /// The presses before the last were single taps: each was what its length says.
    pub(super) fn play_singly(&mut self, place: usize, at: Time, out: &mut Vec<Output>) {
        let touch = &mut self.touches[place];
        touch.count = 1;
        for (press, released_at) in std::mem::take(&mut touch.earlier) {
            if let Some(mapping) = self.touches[place].by_length(released_at.since(press.at)) {
                let id = self.new_press();
                self.fire_by_length(&mapping, id, press, released_at, at, out);
            }
        }
    }
}
