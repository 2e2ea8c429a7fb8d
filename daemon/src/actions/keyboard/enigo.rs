//! Keys and mouse through enigo: Wayland (cargo's feature `wayland`), and macOS and Windows.
//!
//! On Wayland this has been compiled and not run; macOS and Windows are untested.

use enigo::{Axis, Button, Coordinate, Direction, Enigo, InputError, Keyboard as _, Mouse as _, Settings};
use padgate_core::engine::Phase;
use padgate_core::ruleset::action::{MouseButton, PointerMove};
use padgate_core::ruleset::keys::{Key, NamedKey};

use super::{Hand, Trouble};
use crate::actions::places::Places;
use crate::journal::HeldOutput;

/// See the module.
pub(super) struct EnigoHand {
    enigo: Enigo,
    held: Vec<Key>,
    buttons: Vec<MouseButton>,
}

impl EnigoHand {
    /// Connects. The error is a sentence.
    pub(super) fn connect(places: &Places) -> Result<EnigoHand, String> {
        let mut settings = Settings { linux_delay: 0, ..Settings::default() };
        if cfg!(target_os = "linux") {
            // Without a Wayland display this would put the desktop portal's dialog in front of an X11 user.
            let display = places.wayland_display.clone().ok_or("no Wayland: WAYLAND_DISPLAY is not set")?;
            settings.wayland_display = Some(display);
            // enigo types through everything it reaches, so Xwayland must not be reached, or all comes twice.
            settings.x11_display = Some("unix:none".to_owned());
        }
        let enigo = Enigo::new(&settings).map_err(|error| format!("no keyboard output: {error}"))?;
        Ok(EnigoHand { enigo, held: Vec::new(), buttons: Vec::new() })
    }

    fn key(&mut self, key: Key, direction: Direction) -> Result<(), Trouble> {
        let result = match key {
            Key::Char(c) => self.enigo.key(enigo::Key::Unicode(c), direction),
            // Wayland numbers the kernel's keys from 8, as X does.
            Key::Code(code) if cfg!(target_os = "linux") => self.enigo.raw(code + 8, direction),
            Key::Code(_) => {
                return Err(Trouble::Unavailable("keys by code are for Linux; name the key instead".into()));
            }
            Key::Named(named) => match key_of_name(named) {
                Some(key) => self.enigo.key(key, direction),
                None => {
                    return Err(Trouble::Unavailable(
                        format!("there is no key {key} on this platform").into(),
                    ));
                }
            },
        };
        result.map_err(|error| trouble(&error))
    }

    fn press(&mut self, keys: &[Key]) -> Result<(), Trouble> {
        for &key in keys {
            self.key(key, Direction::Press)?;
            self.held.push(key);
        }
        Ok(())
    }

    fn release(&mut self, keys: &[Key]) -> Result<(), Trouble> {
        for &key in keys.iter().rev() {
            if let Some(place) = self.held.iter().position(|held| *held == key) {
                self.held.remove(place);
                self.key(key, Direction::Release)?;
            }
        }
        Ok(())
    }
}

impl Hand for EnigoHand {
    fn keys(&mut self, keys: &[Key], phase: Phase) -> Result<(), Trouble> {
        match phase {
            Phase::Down => self.press(keys),
            Phase::Up => self.release(keys),
            Phase::Tap => {
                let pressed = self.press(keys);
                self.release(keys)?;
                pressed
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        self.enigo.text(text).map_err(|error| trouble(&error))
    }

    fn button(&mut self, button: MouseButton, phase: Phase, clicks: u8) -> Result<(), Trouble> {
        let code = match button {
            MouseButton::Left => Button::Left,
            MouseButton::Middle => Button::Middle,
            MouseButton::Right => Button::Right,
            #[cfg(not(target_os = "macos"))]
            MouseButton::Back => Button::Back,
            #[cfg(not(target_os = "macos"))]
            MouseButton::Forward => Button::Forward,
            #[cfg(target_os = "macos")]
            MouseButton::Back | MouseButton::Forward => {
                return Err(Trouble::Unavailable("there is no such mouse button on this platform".into()));
            }
        };
        let (direction, times) = match phase {
            Phase::Down => (Direction::Press, 1),
            Phase::Up => (Direction::Release, 1),
            Phase::Tap => (Direction::Click, clicks.max(1)),
        };
        self.buttons.retain(|held| *held != button);
        if phase == Phase::Down {
            self.buttons.push(button);
        }
        (0..times).try_for_each(|_| self.enigo.button(code, direction)).map_err(|error| trouble(&error))
    }

    fn pointer(&mut self, to: PointerMove) -> Result<(), Trouble> {
        let (x, y, coordinate) = match to {
            PointerMove::By(x, y) => (x, y, Coordinate::Rel),
            PointerMove::To(x, y) => (x, y, Coordinate::Abs),
        };
        self.enigo.move_mouse(x, y, coordinate).map_err(|error| trouble(&error))
    }

    fn scroll(&mut self, horizontal: i32, vertical: i32) -> Result<(), Trouble> {
        for (notches, axis) in [(vertical, Axis::Vertical), (horizontal, Axis::Horizontal)] {
            if notches != 0 {
                self.enigo.scroll(notches, axis).map_err(|error| trouble(&error))?;
            }
        }
        Ok(())
    }

    fn release_all(&mut self) {
        let keys = std::mem::take(&mut self.held);
        for key in keys.into_iter().rev() {
            if let Err(error) = self.key(key, Direction::Release) {
                tracing::warn!(?error, %key, "a key could not be released");
            }
        }
        for button in std::mem::take(&mut self.buttons) {
            if let Err(error) = self.button(button, Phase::Up, 1) {
                tracing::warn!(?error, ?button, "a mouse button could not be released");
            }
        }
    }

    fn held(&self) -> Option<HeldOutput> {
        // A Wayland compositor and macOS release what a client held when it ends.
        None
    }
}

fn trouble(error: &InputError) -> Trouble {
    match error {
        InputError::Mapping(_)
        | InputError::Unmapping(_)
        | InputError::NoEmptyKeycodes
        | InputError::InvalidInput(_) => Trouble::Failed(error.to_string().into()),
        // enigo does not tell a refusal from a lost connection; a new connection is right for both.
        InputError::Simulate(_) => Trouble::Lost(error.to_string()),
    }
}

/// enigo's name for a key; `None` where it has none on this platform.
fn key_of_name(named: NamedKey) -> Option<enigo::Key> {
    use enigo::Key as E;
    Some(match named {
        NamedKey::Ctrl => E::LControl,
        NamedKey::Shift => E::LShift,
        NamedKey::Alt => E::Alt,
        NamedKey::Super | NamedKey::RightSuper => E::Meta,
        NamedKey::RightCtrl => E::RControl,
        NamedKey::RightShift => E::RShift,
        NamedKey::Space => E::Space,
        NamedKey::Enter => E::Return,
        NamedKey::Tab => E::Tab,
        NamedKey::Escape => E::Escape,
        NamedKey::Backspace => E::Backspace,
        NamedKey::Delete => E::Delete,
        NamedKey::Home => E::Home,
        NamedKey::End => E::End,
        NamedKey::PageUp => E::PageUp,
        NamedKey::PageDown => E::PageDown,
        NamedKey::Up => E::UpArrow,
        NamedKey::Down => E::DownArrow,
        NamedKey::Left => E::LeftArrow,
        NamedKey::Right => E::RightArrow,
        NamedKey::CapsLock => E::CapsLock,
        NamedKey::Plus => E::Unicode('+'),
        NamedKey::Minus => E::Unicode('-'),
        NamedKey::F1 => E::F1,
        NamedKey::F2 => E::F2,
        NamedKey::F3 => E::F3,
        NamedKey::F4 => E::F4,
        NamedKey::F5 => E::F5,
        NamedKey::F6 => E::F6,
        NamedKey::F7 => E::F7,
        NamedKey::F8 => E::F8,
        NamedKey::F9 => E::F9,
        NamedKey::F10 => E::F10,
        NamedKey::F11 => E::F11,
        NamedKey::F12 => E::F12,
        NamedKey::F13 => E::F13,
        NamedKey::F14 => E::F14,
        NamedKey::F15 => E::F15,
        NamedKey::F16 => E::F16,
        NamedKey::F17 => E::F17,
        NamedKey::F18 => E::F18,
        NamedKey::F19 => E::F19,
        NamedKey::F20 => E::F20,
        NamedKey::Keypad0 => E::Numpad0,
        NamedKey::Keypad1 => E::Numpad1,
        NamedKey::Keypad2 => E::Numpad2,
        NamedKey::Keypad3 => E::Numpad3,
        NamedKey::Keypad4 => E::Numpad4,
        NamedKey::Keypad5 => E::Numpad5,
        NamedKey::Keypad6 => E::Numpad6,
        NamedKey::Keypad7 => E::Numpad7,
        NamedKey::Keypad8 => E::Numpad8,
        NamedKey::Keypad9 => E::Numpad9,
        NamedKey::KeypadPlus => E::Add,
        NamedKey::KeypadMinus => E::Subtract,
        NamedKey::KeypadMultiply => E::Multiply,
        NamedKey::KeypadDivide => E::Divide,
        NamedKey::KeypadDecimal => E::Decimal,
        NamedKey::PlayPause => E::MediaPlayPause,
        NamedKey::NextTrack => E::MediaNextTrack,
        NamedKey::PreviousTrack => E::MediaPrevTrack,
        NamedKey::VolumeUp => E::VolumeUp,
        NamedKey::VolumeDown => E::VolumeDown,
        NamedKey::Mute => E::VolumeMute,
        other => return key_of_rare_name(other),
    })
}

/// Keys that enigo has on Linux and Windows only.
#[cfg(not(target_os = "macos"))]
fn key_of_rare_name(named: NamedKey) -> Option<enigo::Key> {
    use enigo::Key as E;
    Some(match named {
        NamedKey::Insert => E::Insert,
        NamedKey::NumLock => E::Numlock,
        NamedKey::Pause => E::Pause,
        NamedKey::F21 => E::F21,
        NamedKey::F22 => E::F22,
        NamedKey::F23 => E::F23,
        NamedKey::F24 => E::F24,
        NamedKey::StopTrack => E::MediaStop,
        #[cfg(target_os = "linux")]
        NamedKey::PrintScreen => E::PrintScr,
        #[cfg(target_os = "linux")]
        NamedKey::ScrollLock => E::ScrollLock,
        _ => return None,
    })
}

#[cfg(target_os = "macos")]
fn key_of_rare_name(_: NamedKey) -> Option<enigo::Key> {
    None
}
