//! The X symbols of keys with a name.

use padgate_core::ruleset::keys::NamedKey;
use xkeysym::Keysym;

/// The symbol that the key has on an X keyboard.
pub(super) fn symbol_of_name(named: NamedKey) -> Keysym {
    match named {
        NamedKey::Ctrl => Keysym::Control_L,
        NamedKey::Shift => Keysym::Shift_L,
        NamedKey::Alt => Keysym::Alt_L,
        NamedKey::Super => Keysym::Super_L,
        NamedKey::RightCtrl => Keysym::Control_R,
        NamedKey::RightShift => Keysym::Shift_R,
        NamedKey::AltGr => Keysym::ISO_Level3_Shift,
        NamedKey::RightSuper => Keysym::Super_R,
        NamedKey::Space => Keysym::space,
        NamedKey::Enter => Keysym::Return,
        NamedKey::Tab => Keysym::Tab,
        NamedKey::Escape => Keysym::Escape,
        NamedKey::Backspace => Keysym::BackSpace,
        NamedKey::Delete => Keysym::Delete,
        NamedKey::Insert => Keysym::Insert,
        NamedKey::Home => Keysym::Home,
        NamedKey::End => Keysym::End,
        NamedKey::PageUp => Keysym::Page_Up,
        NamedKey::PageDown => Keysym::Page_Down,
        NamedKey::Up => Keysym::Up,
        NamedKey::Down => Keysym::Down,
        NamedKey::Left => Keysym::Left,
        NamedKey::Right => Keysym::Right,
        NamedKey::CapsLock => Keysym::Caps_Lock,
        NamedKey::NumLock => Keysym::Num_Lock,
        NamedKey::ScrollLock => Keysym::Scroll_Lock,
        NamedKey::PrintScreen => Keysym::Print,
        NamedKey::Pause => Keysym::Pause,
        NamedKey::Menu => Keysym::Menu,
        NamedKey::Plus => Keysym::plus,
        NamedKey::Minus => Keysym::minus,
        NamedKey::Keypad0 => Keysym::KP_0,
        NamedKey::Keypad1 => Keysym::KP_1,
        NamedKey::Keypad2 => Keysym::KP_2,
        NamedKey::Keypad3 => Keysym::KP_3,
        NamedKey::Keypad4 => Keysym::KP_4,
        NamedKey::Keypad5 => Keysym::KP_5,
        NamedKey::Keypad6 => Keysym::KP_6,
        NamedKey::Keypad7 => Keysym::KP_7,
        NamedKey::Keypad8 => Keysym::KP_8,
        NamedKey::Keypad9 => Keysym::KP_9,
        NamedKey::KeypadPlus => Keysym::KP_Add,
        NamedKey::KeypadMinus => Keysym::KP_Subtract,
        NamedKey::KeypadMultiply => Keysym::KP_Multiply,
        NamedKey::KeypadDivide => Keysym::KP_Divide,
        NamedKey::KeypadDecimal => Keysym::KP_Decimal,
        NamedKey::KeypadEnter => Keysym::KP_Enter,
        NamedKey::PlayPause => Keysym::XF86_AudioPlay,
        NamedKey::NextTrack => Keysym::XF86_AudioNext,
        NamedKey::PreviousTrack => Keysym::XF86_AudioPrev,
        NamedKey::StopTrack => Keysym::XF86_AudioStop,
        NamedKey::VolumeUp => Keysym::XF86_AudioRaiseVolume,
        NamedKey::VolumeDown => Keysym::XF86_AudioLowerVolume,
        NamedKey::Mute => Keysym::XF86_AudioMute,
        NamedKey::BrightnessUp => Keysym::XF86_MonBrightnessUp,
        NamedKey::BrightnessDown => Keysym::XF86_MonBrightnessDown,
        function => function_key(function),
    }
}

/// F1 to F24, whose symbols follow each other.
fn function_key(named: NamedKey) -> Keysym {
    let number = named.name().strip_prefix('f').and_then(|number| number.parse::<u32>().ok());
    Keysym::new(Keysym::F1.raw() + number.expect("every other key has its own line above") - 1)
}

#[cfg(test)]
mod tests {
    use padgate_core::ruleset::keys::NamedKey;
    use xkeysym::Keysym;

    use super::symbol_of_name;

    #[test]
    fn every_key_has_its_own_symbol() {
        let mut symbols: Vec<Keysym> = NamedKey::ALL.iter().map(|named| symbol_of_name(*named)).collect();
        symbols.sort_unstable();
        symbols.dedup();
        assert_eq!(symbols.len(), NamedKey::ALL.len());
        assert_eq!(symbol_of_name(NamedKey::F24), Keysym::F24);
    }
}
