//! Key codes of the kernel (`KEY_…` in `linux/input-event-codes.h`) for names and for the characters of the US layout.
//!
//! uinput sends codes, not characters: what a code types is up to the layout that the desktop uses.

use padgate_core::ruleset::keys::{Key, NamedKey};

/// Shift on the left.
pub(super) const KEY_LEFTSHIFT: u16 = 42;

/// The unshifted characters of the US layout, each with the character that Shift makes of it and its key code.
const CHARACTERS: &[(char, char, u16)] = &[
    ('1', '!', 2),
    ('2', '@', 3),
    ('3', '#', 4),
    ('4', '$', 5),
    ('5', '%', 6),
    ('6', '^', 7),
    ('7', '&', 8),
    ('8', '*', 9),
    ('9', '(', 10),
    ('0', ')', 11),
    ('-', '_', 12),
    ('=', '+', 13),
    ('q', 'Q', 16),
    ('w', 'W', 17),
    ('e', 'E', 18),
    ('r', 'R', 19),
    ('t', 'T', 20),
    ('y', 'Y', 21),
    ('u', 'U', 22),
    ('i', 'I', 23),
    ('o', 'O', 24),
    ('p', 'P', 25),
    ('[', '{', 26),
    (']', '}', 27),
    ('a', 'A', 30),
    ('s', 'S', 31),
    ('d', 'D', 32),
    ('f', 'F', 33),
    ('g', 'G', 34),
    ('h', 'H', 35),
    ('j', 'J', 36),
    ('k', 'K', 37),
    ('l', 'L', 38),
    (';', ':', 39),
    ('\'', '"', 40),
    ('`', '~', 41),
    ('\\', '|', 43),
    ('z', 'Z', 44),
    ('x', 'X', 45),
    ('c', 'C', 46),
    ('v', 'V', 47),
    ('b', 'B', 48),
    ('n', 'N', 49),
    ('m', 'M', 50),
    (',', '<', 51),
    ('.', '>', 52),
    ('/', '?', 53),
    (' ', ' ', 57),
    ('\n', '\n', 28),
    ('\r', '\r', 28),
    ('\t', '\t', 15),
    ('\u{1b}', '\u{1b}', 1),
    ('\u{8}', '\u{8}', 14),
];

/// The code that types the character, and whether Shift is needed; `None` if the layout lacks it.
pub(super) fn code_of_char(c: char) -> Option<(u16, bool)> {
    CHARACTERS
        .iter()
        .find(|(plain, shifted, _)| *plain == c || *shifted == c)
        .map(|(plain, _, code)| (*code, *plain != c))
}

/// The codes to press for a key, Shift first where the character needs it; `None` if the layout lacks it.
pub(super) fn codes_of_key(key: Key) -> Option<(Option<u16>, u16)> {
    match key {
        Key::Code(code) => Some((None, code)),
        Key::Named(NamedKey::Plus) => Some((Some(KEY_LEFTSHIFT), 13)),
        Key::Named(named) => Some((None, code_of_name(named))),
        Key::Char(c) => code_of_char(c).map(|(code, shift)| (shift.then_some(KEY_LEFTSHIFT), code)),
    }
}

fn code_of_name(named: NamedKey) -> u16 {
    match named {
        NamedKey::Ctrl => 29,
        NamedKey::Shift => KEY_LEFTSHIFT,
        NamedKey::Alt => 56,
        NamedKey::Super => 125,
        NamedKey::RightCtrl => 97,
        NamedKey::RightShift => 54,
        NamedKey::AltGr => 100,
        NamedKey::RightSuper => 126,
        NamedKey::Space => 57,
        NamedKey::Enter => 28,
        NamedKey::Tab => 15,
        NamedKey::Escape => 1,
        NamedKey::Backspace => 14,
        NamedKey::Delete => 111,
        NamedKey::Insert => 110,
        NamedKey::Home => 102,
        NamedKey::End => 107,
        NamedKey::PageUp => 104,
        NamedKey::PageDown => 109,
        NamedKey::Up => 103,
        NamedKey::Down => 108,
        NamedKey::Left => 105,
        NamedKey::Right => 106,
        NamedKey::CapsLock => 58,
        NamedKey::NumLock => 69,
        NamedKey::ScrollLock => 70,
        NamedKey::PrintScreen => 99,
        NamedKey::Pause => 119,
        NamedKey::Menu => 127,
        NamedKey::Plus => 13,
        NamedKey::Minus => 12,
        NamedKey::F1 => 59,
        NamedKey::F2 => 60,
        NamedKey::F3 => 61,
        NamedKey::F4 => 62,
        NamedKey::F5 => 63,
        NamedKey::F6 => 64,
        NamedKey::F7 => 65,
        NamedKey::F8 => 66,
        NamedKey::F9 => 67,
        NamedKey::F10 => 68,
        NamedKey::F11 => 87,
        NamedKey::F12 => 88,
        NamedKey::F13 => 183,
        NamedKey::F14 => 184,
        NamedKey::F15 => 185,
        NamedKey::F16 => 186,
        NamedKey::F17 => 187,
        NamedKey::F18 => 188,
        NamedKey::F19 => 189,
        NamedKey::F20 => 190,
        NamedKey::F21 => 191,
        NamedKey::F22 => 192,
        NamedKey::F23 => 193,
        NamedKey::F24 => 194,
        NamedKey::Keypad0 => 82,
        NamedKey::Keypad1 => 79,
        NamedKey::Keypad2 => 80,
        NamedKey::Keypad3 => 81,
        NamedKey::Keypad4 => 75,
        NamedKey::Keypad5 => 76,
        NamedKey::Keypad6 => 77,
        NamedKey::Keypad7 => 71,
        NamedKey::Keypad8 => 72,
        NamedKey::Keypad9 => 73,
        NamedKey::KeypadPlus => 78,
        NamedKey::KeypadMinus => 74,
        NamedKey::KeypadMultiply => 55,
        NamedKey::KeypadDivide => 98,
        NamedKey::KeypadDecimal => 83,
        NamedKey::KeypadEnter => 96,
        NamedKey::PlayPause => 164,
        NamedKey::NextTrack => 163,
        NamedKey::PreviousTrack => 165,
        NamedKey::StopTrack => 166,
        NamedKey::VolumeUp => 115,
        NamedKey::VolumeDown => 114,
        NamedKey::Mute => 113,
        NamedKey::BrightnessUp => 225,
        NamedKey::BrightnessDown => 224,
    }
}

#[cfg(test)]
mod tests {
    use padgate_core::ruleset::keys::{Key, NamedKey};

    use super::{KEY_LEFTSHIFT, code_of_char, code_of_name, codes_of_key};

    #[test]
    fn all_printable_ascii_has_a_code() {
        for byte in b' '..=b'~' {
            assert!(code_of_char(char::from(byte)).is_some(), "{:?}", char::from(byte));
        }
        assert_eq!(code_of_char('é'), None);
        assert_eq!(codes_of_key(Key::Char('?')), Some((Some(KEY_LEFTSHIFT), 53)));
    }

    #[test]
    fn names_have_different_codes() {
        let mut codes: Vec<u16> = NamedKey::ALL.iter().map(|named| code_of_name(*named)).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), NamedKey::ALL.len());
    }
}
