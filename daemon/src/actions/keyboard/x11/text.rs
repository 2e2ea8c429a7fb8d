//! Text on X11, exact whatever the layout, Caps Lock, or the modifiers that pads hold.
//!
//! A character that the layout has is typed with the modifiers that its key wants. One that it lacks is put on a
//! spare key, one key per character of a text: a client reads the layout only when it comes to the notice of the
//! change, so a key that already had another character by then would type that.

use std::time::Instant;

use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT};

use super::keymap::{Stroke, capital, character, mask, small, symbol_of};
use super::{SPARE_SETTLE, Spare, Trouble, X11};

/// How many spare keys are used at most; further characters take the place of those used longest ago.
const SPARES_MAX: usize = 24;

impl X11 {
    /// Types the text and returns when the server has it.
    pub(super) fn type_text(&mut self, text: &str) -> Result<(), Trouble> {
        // Modifiers that pads hold would turn letters into shortcuts; they are lifted meanwhile. What a person's own
        // fingers hold is left alone: it could not be put back without the risk that it then stays down.
        let lifted: Vec<u8> = (0..=255u8)
            .filter(|code| self.down[usize::from(*code)] > 0 && self.keymap.is_modifier(*code))
            .collect();
        for &code in &lifted {
            self.fake(KEY_RELEASE_EVENT, code)?;
        }
        let typed = self.type_characters(text);
        for &code in &lifted {
            self.fake(KEY_PRESS_EVENT, code)?;
        }
        typed?;
        self.settle()
    }

    fn type_characters(&mut self, text: &str) -> Result<(), Trouble> {
        // A line ends with the Enter key, whatever it was written with.
        let characters: Vec<char> = text.replace("\r\n", "\n").replace('\r', "\n").chars().collect();
        let mut rest = characters.as_slice();
        while !rest.is_empty() {
            let state = self.state()?;
            let group = u8::from(state.group);
            // A Shift under somebody's finger can't be planned with; Caps Lock and Num Lock can.
            let on = (mask(state.mods) & !self.keymap.pressable_mask()) | mask(state.locked_mods);
            let count = self.prepare_characters(rest, group, on)?;
            let strokes = rest[..count].iter().map(|c| {
                self.stroke(*c, group, on).ok_or_else(|| {
                    Trouble::Failed(format!("the X server did not take the character {c:?}").into())
                })
            });
            let strokes = strokes.collect::<Result<Vec<Stroke>, Trouble>>()?;
            self.strike(&strokes)?;
            let now = Instant::now();
            for spare in &mut self.spares {
                if strokes.iter().any(|stroke| stroke.code == spare.code) {
                    spare.used = now;
                }
            }
            rest = &rest[count..];
        }
        Ok(())
    }

    fn stroke(&self, c: char, group: u8, on: u8) -> Option<Stroke> {
        self.keymap.find(group, on, |symbol| character(symbol) == Some(c))
    }

    /// Puts what the layout lacks on spare keys. Returns how many of the characters can be typed now: all, unless
    /// there are more different ones than spare keys.
    fn prepare_characters(&mut self, characters: &[char], group: u8, on: u8) -> Result<usize, Trouble> {
        let mut bound: Vec<(char, u8)> = Vec::new();
        let mut count = 0;
        for &c in characters {
            // The layout at hand does not know yet what was put on spare keys just now.
            let overwritten =
                |stroke: &Stroke| bound.iter().any(|(known, code)| *code == stroke.code && *known != c);
            if let Some(stroke) = self.stroke(c, group, on).filter(|stroke| !overwritten(stroke)) {
                // A spare key that is already right must stay so until this text is typed.
                if self.spares.iter().any(|spare| spare.code == stroke.code) {
                    bound.push((c, stroke.code));
                }
            } else if !bound.iter().any(|(known, _)| *known == c) {
                if c.is_control() {
                    return Err(Trouble::Failed(format!("no key types the control character {c:?}").into()));
                }
                let in_use: Vec<u8> = bound.iter().map(|(_, code)| *code).collect();
                match self.bind(symbol_of(c), &in_use)? {
                    Some(code) => bound.push((c, code)),
                    None if count == 0 => {
                        return Err(Trouble::Unavailable(
                            format!("the layout lacks {c:?}, and has no spare key to put it on").into(),
                        ));
                    }
                    None => break,
                }
            }
            count += 1;
        }
        if !bound.is_empty() {
            self.refresh_keymap()?;
        }
        Ok(count)
    }

    /// Puts a symbol on a spare key that is not `in_use`; `None` if there is none.
    pub(super) fn bind(&mut self, symbol: u32, in_use: &[u8]) -> Result<Option<u8>, Trouble> {
        let is_down = |code: u8| self.down[usize::from(code)] > 0;
        let ours = |code: u8| self.spares.iter().any(|spare| spare.code == code);
        let fresh = self.keymap.spare_codes().find(|code| !is_down(*code) && !ours(*code));
        let (code, settled) = match fresh.filter(|_| self.spares.len() < SPARES_MAX) {
            Some(code) => (code, None),
            None => {
                let free =
                    self.spares.iter().filter(|spare| !in_use.contains(&spare.code) && !is_down(spare.code));
                let Some(oldest) = free.min_by_key(|spare| spare.used) else { return Ok(None) };
                (oldest.code, Some(oldest.used + SPARE_SETTLE))
            }
        };
        if let Some(settled) = settled {
            // More new characters than spare keys, in quick succession: rare, and exact is better than fast.
            self.settle()?;
            std::thread::sleep(settled.saturating_duration_since(Instant::now()));
        }
        // Both cases of a letter, as on every other key: that makes the server give it a type for which Caps Lock
        // can be made up for with Shift.
        let symbols = [small(symbol), capital(symbol)];
        self.connection.change_keyboard_mapping(1, code, 2, &symbols)?;
        self.spares.retain(|spare| spare.code != code);
        self.spares.push(Spare { code, symbol: symbols[0], used: Instant::now() });
        Ok(Some(code))
    }

    /// Strikes keys one after the other, changing modifiers only where they differ.
    fn strike(&self, strokes: &[Stroke]) -> Result<(), ConnectionError> {
        let mut on = 0;
        for stroke in strokes {
            self.change_modifiers(on, stroke.modifiers)?;
            on = stroke.modifiers;
            if self.down[usize::from(stroke.code)] > 0 {
                // A pad holds this very key. Let go for a moment, or the press would be no press.
                self.fake(KEY_RELEASE_EVENT, stroke.code)?;
                self.fake(KEY_PRESS_EVENT, stroke.code)?;
            } else {
                self.fake(KEY_PRESS_EVENT, stroke.code)?;
                self.fake(KEY_RELEASE_EVENT, stroke.code)?;
            }
        }
        self.change_modifiers(on, 0)
    }

    fn change_modifiers(&self, from: u8, to: u8) -> Result<(), ConnectionError> {
        for code in self.keymap.modifier_keys(from & !to) {
            self.fake(KEY_RELEASE_EVENT, code)?;
        }
        for code in self.keymap.modifier_keys(to & !from) {
            self.fake(KEY_PRESS_EVENT, code)?;
        }
        Ok(())
    }
}
