//! Keys of a keyboard, by their names on every platform, and chords of them.

use arrayvec::ArrayVec;

/// How many keys a chord can have.
pub const CHORD_KEYS_MAX: usize = 8;

/// Keys that are pressed together: modifiers first, in the order written.
pub type KeyChord = ArrayVec<Key, CHORD_KEYS_MAX>;

/// One key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// The key that types this character in the layout in use; a capital does not bring Shift with it in
    /// a chord: `ctrl+r` and `ctrl+R` are the same, so that it is always stored in lower case.
    Char(char),
    /// A key with a name.
    Named(NamedKey),
    /// A key by its code in the kernel's input event codes (`KEY_…`), 1 to 767.
    Code(u16),
}

macro_rules! named_keys {
    ($($variant:ident = $name:literal $(| $alias:literal)*;)*) => {
        /// Keys with a name.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs, reason = "each is the key that its name says")]
        pub enum NamedKey { $($variant,)* }

        impl NamedKey {
            /// Every key with a name.
            pub const ALL: &[NamedKey] = &[$(NamedKey::$variant,)*];

            /// The name, as configurations write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(NamedKey::$variant => $name,)* }
            }

            /// The key with this name or another name that is in use for it; case does not count.
            #[must_use]
            pub fn from_name(name: &str) -> Option<NamedKey> {
                match name.to_ascii_lowercase().as_str() {
                    $($name $(| $alias)* => Some(NamedKey::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

// A table, so that the name, its aliases and the variant can't drift apart; a function could not make the enum.
named_keys! {
    Ctrl = "ctrl" | "control" | "leftctrl";
    Shift = "shift" | "leftshift";
    Alt = "alt" | "option" | "leftalt";
    Super = "super" | "meta" | "cmd" | "command" | "win" | "windows";
    RightCtrl = "rightctrl";
    RightShift = "rightshift";
    AltGr = "altgr" | "rightalt";
    RightSuper = "rightsuper";
    Space = "space";
    Enter = "enter" | "return";
    Tab = "tab";
    Escape = "escape" | "esc";
    Backspace = "backspace";
    Delete = "delete" | "del";
    Insert = "insert" | "ins";
    Home = "home";
    End = "end";
    PageUp = "pageup" | "page_up" | "pgup";
    PageDown = "pagedown" | "page_down" | "pgdn";
    Up = "up";
    Down = "down";
    Left = "left";
    Right = "right";
    CapsLock = "capslock" | "caps_lock";
    NumLock = "numlock" | "num_lock";
    ScrollLock = "scrolllock" | "scroll_lock";
    PrintScreen = "printscreen" | "print_screen" | "print";
    Pause = "pause";
    Menu = "menu";
    Plus = "plus";
    Minus = "minus";
    F1 = "f1"; F2 = "f2"; F3 = "f3"; F4 = "f4"; F5 = "f5"; F6 = "f6";
    F7 = "f7"; F8 = "f8"; F9 = "f9"; F10 = "f10"; F11 = "f11"; F12 = "f12";
    F13 = "f13"; F14 = "f14"; F15 = "f15"; F16 = "f16"; F17 = "f17"; F18 = "f18";
    F19 = "f19"; F20 = "f20"; F21 = "f21"; F22 = "f22"; F23 = "f23"; F24 = "f24";
    Keypad0 = "kp0"; Keypad1 = "kp1"; Keypad2 = "kp2"; Keypad3 = "kp3"; Keypad4 = "kp4";
    Keypad5 = "kp5"; Keypad6 = "kp6"; Keypad7 = "kp7"; Keypad8 = "kp8"; Keypad9 = "kp9";
    KeypadPlus = "kpplus"; KeypadMinus = "kpminus"; KeypadMultiply = "kpmultiply";
    KeypadDivide = "kpdivide"; KeypadDecimal = "kpdecimal"; KeypadEnter = "kpenter";
    PlayPause = "playpause" | "play_pause"; NextTrack = "nexttrack" | "next_track";
    PreviousTrack = "previoustrack" | "previous_track"; StopTrack = "stoptrack" | "stop_track";
    VolumeUp = "volumeup" | "volume_up"; VolumeDown = "volumedown" | "volume_down"; Mute = "mute";
    BrightnessUp = "brightnessup" | "brightness_up"; BrightnessDown = "brightnessdown" | "brightness_down";
}

impl Key {
    /// Whether the key is held while others are pressed.
    #[must_use]
    pub const fn is_modifier(self) -> bool {
        use NamedKey::{Alt, AltGr, Ctrl, RightCtrl, RightShift, RightSuper, Shift, Super};
        matches!(self, Key::Named(Ctrl | Shift | Alt | Super | RightCtrl | RightShift | AltGr | RightSuper))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Char(c) => write!(f, "{c}"),
            Key::Named(named) => f.write_str(named.name()),
            Key::Code(code) => write!(f, "code:{code}"),
        }
    }
}

/// Why a chord could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing stands between two `+`, or nothing at all.
    #[error("a key is missing in {0:?}")]
    Missing(String),
    /// No key has this name.
    #[error("there is no key {0:?}")]
    Unknown(String),
    /// More than [`CHORD_KEYS_MAX`].
    #[error("a chord has at most {CHORD_KEYS_MAX} keys")]
    TooMany,
    /// The same key stands there twice.
    #[error("the key {0} stands there twice")]
    Twice(Key),
}

/// Reads `ctrl+shift+r`, `space`, `é`, `code:190`. The plus key is `plus`.
///
/// # Errors
///
/// If a name is unknown or missing, or there are too many keys.
pub fn parse_chord(text: &str) -> Result<KeyChord, KeyError> {
    let mut chord = KeyChord::new();
    for part in text.split('+') {
        let part = part.trim();
        let key = parse_key(part, text)?;
        if chord.contains(&key) {
            return Err(KeyError::Twice(key));
        }
        chord.try_push(key).map_err(|_| KeyError::TooMany)?;
    }
    // Modifiers go down first, whatever the order in which they were written.
    chord.sort_by_key(|key| !key.is_modifier());
    Ok(chord)
}

fn parse_key(part: &str, whole: &str) -> Result<Key, KeyError> {
    let mut characters = part.chars();
    match (characters.next(), characters.next()) {
        (None, _) => return Err(KeyError::Missing(whole.to_owned())),
        (Some(c), None) if !c.is_control() => {
            return Ok(Key::Char(c.to_lowercase().next().unwrap_or(c)));
        }
        _ => {}
    }
    if let Some(code) = part.strip_prefix("code:") {
        return code
            .parse()
            .ok()
            .filter(|code| (1..=767).contains(code))
            .map(Key::Code)
            .ok_or_else(|| KeyError::Unknown(part.to_owned()));
    }
    NamedKey::from_name(part).map(Key::Named).ok_or_else(|| KeyError::Unknown(part.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyError, NamedKey, parse_chord};

    #[test]
    fn chords_read_modifiers_first() {
        let chord = parse_chord("R+Ctrl+shift").unwrap();
        assert_eq!(
            chord.as_slice(),
            [Key::Named(NamedKey::Ctrl), Key::Named(NamedKey::Shift), Key::Char('r')]
        );
        assert_eq!(parse_chord("é").unwrap().as_slice(), [Key::Char('é')]);
        assert_eq!(parse_chord("code:190").unwrap().as_slice(), [Key::Code(190)]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse_chord("ctrl+"), Err(KeyError::Missing("ctrl+".into())));
        assert_eq!(parse_chord("ctlr+a"), Err(KeyError::Unknown("ctlr".into())));
        assert_eq!(parse_chord("a+a"), Err(KeyError::Twice(Key::Char('a'))));
        assert_eq!(parse_chord("code:9999"), Err(KeyError::Unknown("code:9999".into())));
        assert_eq!(parse_chord("1+2+3+4+5+6+7+8+9"), Err(KeyError::TooMany));
    }

    #[test]
    fn every_name_reads_back() {
        for named in NamedKey::ALL {
            assert_eq!(NamedKey::from_name(named.name()), Some(*named));
        }
    }
}
