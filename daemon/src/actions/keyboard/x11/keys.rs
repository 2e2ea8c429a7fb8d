//! Chords on X11: which keycodes a key of the configuration needs, and letting go of exactly those.

use padgate_core::ruleset::keys::{Key, NamedKey};
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT};
use xkeysym::Keysym;

use super::keymap::{character, mask};
use super::{SPARE_SETTLE, Trouble, X11, symbol_of_name};

impl X11 {
    /// Presses the keys in order. What is pressed when one fails stays pressed until its release.
    pub(super) fn press_keys(&mut self, keys: &[Key]) -> Result<(), Trouble> {
        for &key in keys {
            if self.held.iter().any(|(held, _)| *held == key) {
                continue;
            }
            let codes = self.codes_for(key)?;
            for &code in &codes {
                let count = &mut self.down[usize::from(code)];
                *count = count.saturating_add(1);
                if *count == 1 {
                    self.fake(KEY_PRESS_EVENT, code)?;
                }
            }
            self.held.push((key, codes));
        }
        Ok(())
    }

    /// Releases the keys in reverse. One that is not held, because its press was not done, is passed over.
    pub(super) fn release_keys(&mut self, keys: &[Key]) -> Result<(), ConnectionError> {
        for key in keys.iter().rev() {
            let Some(place) = self.held.iter().position(|(held, _)| held == key) else { continue };
            let (_, codes) = self.held.remove(place);
            for &code in codes.iter().rev() {
                let count = &mut self.down[usize::from(code)];
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.fake(KEY_RELEASE_EVENT, code)?;
                }
            }
        }
        Ok(())
    }

    /// The codes to press for one key, modifiers first.
    fn codes_for(&mut self, key: Key) -> Result<Vec<u8>, Trouble> {
        match key {
            Key::Code(code) => {
                // X numbers the kernel's keys from 8, and has no more than 255.
                let code = u8::try_from(code + 8).map_err(|_| {
                    Trouble::Unavailable(format!("X11 has no key {code}; the highest is 247").into())
                })?;
                Ok(vec![code])
            }
            Key::Char(c) => self.codes_for_char(c),
            Key::Named(NamedKey::Plus) => self.codes_for_char('+'),
            Key::Named(NamedKey::Minus) => self.codes_for_char('-'),
            Key::Named(named) => self.codes_for_symbol(symbol_of_name(named)),
        }
    }

    fn codes_for_char(&mut self, c: char) -> Result<Vec<u8>, Trouble> {
        let state = self.state()?;
        let group = u8::from(state.group);
        let wanted = |symbol: u32| character(symbol) == Some(c);
        if let Some(code) = self.keymap.find_base(group, wanted) {
            return Ok(vec![code]);
        }
        // `?` is Shift and another key on most layouts, and that is what a person would press.
        if let Some(stroke) = self.keymap.find(group, mask(state.locked_mods), wanted) {
            return Ok(self.keymap.modifier_keys(stroke.modifiers).chain([stroke.code]).collect());
        }
        let code = self.bind_alone(super::keymap::symbol_of(c))?;
        Ok(vec![code])
    }

    fn codes_for_symbol(&mut self, keysym: Keysym) -> Result<Vec<u8>, Trouble> {
        let state = self.state()?;
        let group = u8::from(state.group);
        let wanted = |symbol: u32| symbol == keysym.raw();
        if let Some(code) = self.keymap.find_base(group, wanted) {
            return Ok(vec![code]);
        }
        // The keypad's digits need Shift while Num Lock is off.
        if let Some(stroke) = self.keymap.find(group, mask(state.locked_mods), wanted) {
            return Ok(self.keymap.modifier_keys(stroke.modifiers).chain([stroke.code]).collect());
        }
        let code = self.bind_alone(keysym.raw())?;
        Ok(vec![code])
    }

    /// Puts one symbol on a spare key, to be pressed now.
    fn bind_alone(&mut self, symbol: u32) -> Result<u8, Trouble> {
        let code = self.bind(symbol, &[])?.ok_or(Trouble::Unavailable(
            "the keyboard layout has no such key, and no spare one to put it on".into(),
        ))?;
        self.refresh_keymap()?;
        Ok(code)
    }

    /// Lets go of everything and takes the characters off the spare keys.
    pub(super) fn let_go(&mut self) -> Result<(), Trouble> {
        let held: Vec<Key> = self.held.iter().map(|(key, _)| *key).collect();
        self.release_keys(&held)?;
        for code in 0..=255u8 {
            // Down without a key that wants it: a press that failed half-way.
            if std::mem::take(&mut self.down[usize::from(code)]) > 0 {
                self.fake(KEY_RELEASE_EVENT, code)?;
            }
        }
        for code in std::mem::take(&mut self.buttons) {
            self.mouse_button(padgate_core::engine::Phase::Up, code)?;
        }
        self.settle()?;
        if let Some(last) = self.spares.iter().map(|spare| spare.used).max() {
            std::thread::sleep(SPARE_SETTLE.saturating_sub(last.elapsed()));
            for spare in std::mem::take(&mut self.spares) {
                self.connection.change_keyboard_mapping(1, spare.code, 1, &[x11rb::NO_SYMBOL])?;
            }
            self.settle()?;
        }
        Ok(())
    }
}
