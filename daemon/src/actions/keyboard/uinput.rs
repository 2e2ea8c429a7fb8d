//! Keys and mouse through the kernel: a virtual keyboard and mouse named Padgate, for consoles and any compositor.
//!
//! It is made when the daemon starts, because a desktop takes a moment to notice a new keyboard and misses what is
//! typed before. The kernel releases its keys by itself when this process ends, however it ends, so the journal has
//! nothing to do here.

use std::io;
use std::path::Path;

use evdev::uinput::VirtualDevice;
use evdev::{AttributeSet, EventType, InputEvent, KeyCode, RelativeAxisCode};
use padgate_core::engine::Phase;
use padgate_core::ruleset::action::{MouseButton, PointerMove};
use padgate_core::ruleset::keys::Key;

use super::us_layout::{KEY_LEFTSHIFT, code_of_char, codes_of_key};
use super::{Hand, Trouble};
use crate::journal::HeldOutput;

/// The highest key code that configurations can name.
const CODE_MAX: usize = 767;

/// See the module.
pub(super) struct Uinput {
    device: VirtualDevice,
    held: Vec<(Key, Option<u16>, u16)>,
    /// By key code: how many of `held` want it down.
    down: Vec<u8>,
    buttons: Vec<u16>,
}

impl Uinput {
    /// Makes the device. The error is a sentence with what to do.
    pub(super) fn create(path: &Path) -> Result<Uinput, String> {
        explain_access(path)?;
        let device =
            build().map_err(|error| format!("{} refused to make a keyboard: {error}", path.display()))?;
        Ok(Uinput { device, held: Vec::new(), down: vec![0; CODE_MAX + 1], buttons: Vec::new() })
    }

    fn emit(&mut self, kind: EventType, code: u16, value: i32) -> Result<(), Trouble> {
        // Each with its own end-of-report mark, so that nobody sees a tap as nothing.
        let event = InputEvent::new(kind.0, code, value);
        self.device.emit(&[event]).map_err(|error| Trouble::Lost(format!("uinput: {error}")))
    }

    fn key(&mut self, code: u16, value: i32) -> Result<(), Trouble> {
        self.emit(EventType::KEY, code, value)
    }

    fn change(&mut self, code: u16, by: i8) -> Result<(), Trouble> {
        let Some(count) = self.down.get_mut(usize::from(code)) else { return Ok(()) };
        let before = *count;
        *count = before.saturating_add_signed(by);
        match (before, *count) {
            (0, 1) => self.key(code, 1),
            (1, 0) => self.key(code, 0),
            _ => Ok(()),
        }
    }

    fn press(&mut self, keys: &[Key]) -> Result<(), Trouble> {
        for &key in keys {
            if self.held.iter().any(|(held, ..)| *held == key) {
                continue;
            }
            let (shift, code) = codes_of_key(key).ok_or_else(|| {
                Trouble::Failed(
                    format!(
                        "the key {key} is not on the US layout that uinput uses; name it by its code instead"
                    )
                    .into(),
                )
            })?;
            self.held.push((key, shift, code));
            for code in shift.into_iter().chain([code]) {
                self.change(code, 1)?;
            }
        }
        Ok(())
    }

    fn release(&mut self, keys: &[Key]) -> Result<(), Trouble> {
        for key in keys.iter().rev() {
            let Some(place) = self.held.iter().position(|(held, ..)| held == key) else { continue };
            let (_, shift, code) = self.held.remove(place);
            for code in [code].into_iter().chain(shift) {
                self.change(code, -1)?;
            }
        }
        Ok(())
    }

    fn strike(&mut self, code: u16, shift: bool) -> Result<(), Trouble> {
        if shift {
            self.key(KEY_LEFTSHIFT, 1)?;
        }
        let held = self.down.get(usize::from(code)).is_some_and(|count| *count > 0);
        // Held by a pad: let go for a moment instead, or the press would be no press.
        for value in if held { [0, 1] } else { [1, 0] } {
            self.key(code, value)?;
        }
        if shift {
            self.key(KEY_LEFTSHIFT, 0)?;
        }
        Ok(())
    }
}

impl Hand for Uinput {
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
        // All or nothing: half a text is worse than a message.
        let text = text.replace("\r\n", "\n");
        let codes = text.chars().map(|c| {
            code_of_char(c).ok_or_else(|| {
                let why = format!(
                    "uinput can type what a US keyboard has, and {c:?} is not on it; X11 or Wayland output can type it"
                );
                Trouble::Failed(why.into())
            })
        });
        let codes = codes.collect::<Result<Vec<_>, Trouble>>()?;
        // Modifiers that pads hold would turn letters into shortcuts; they are lifted meanwhile.
        let is_modifier = |key: &Key| key.is_modifier();
        let lifted: Vec<u16> =
            self.held.iter().filter(|(key, ..)| is_modifier(key)).map(|(.., code)| *code).collect();
        let shifts = self.held.iter().filter_map(|(_, shift, _)| *shift);
        let mut lifted: Vec<u16> = lifted.into_iter().chain(shifts).collect();
        lifted.sort_unstable();
        lifted.dedup();
        for &code in &lifted {
            self.key(code, 0)?;
        }
        let typed = codes.into_iter().try_for_each(|(code, shift)| self.strike(code, shift));
        for &code in &lifted {
            self.key(code, 1)?;
        }
        typed
    }

    fn button(&mut self, button: MouseButton, phase: Phase, clicks: u8) -> Result<(), Trouble> {
        let code = button_code(button);
        match phase {
            Phase::Down => {
                self.buttons.push(code);
                self.key(code, 1)
            }
            Phase::Up => {
                self.buttons.retain(|held| *held != code);
                self.key(code, 0)
            }
            Phase::Tap => (0..clicks.max(1)).try_for_each(|_| {
                self.key(code, 1)?;
                self.key(code, 0)
            }),
        }
    }

    fn pointer(&mut self, to: PointerMove) -> Result<(), Trouble> {
        let PointerMove::By(x, y) = to else {
            return Err(Trouble::Unavailable(
                "a virtual mouse only knows steps, not places on the screen; use `by` instead of `to`".into(),
            ));
        };
        for (axis, steps) in [(RelativeAxisCode::REL_X, x), (RelativeAxisCode::REL_Y, y)] {
            if steps != 0 {
                self.emit(EventType::RELATIVE, axis.0, steps)?;
            }
        }
        Ok(())
    }

    fn scroll(&mut self, horizontal: i32, vertical: i32) -> Result<(), Trouble> {
        // The kernel counts a wheel's notches upwards.
        let axes = [(RelativeAxisCode::REL_WHEEL, -vertical), (RelativeAxisCode::REL_HWHEEL, horizontal)];
        for (axis, notches) in axes {
            for _ in 0..notches.unsigned_abs() {
                self.emit(EventType::RELATIVE, axis.0, notches.signum())?;
            }
        }
        Ok(())
    }

    fn release_all(&mut self) {
        let keys: Vec<Key> = self.held.iter().map(|(key, ..)| *key).collect();
        let buttons = std::mem::take(&mut self.buttons);
        let released =
            self.release(&keys).and_then(|()| buttons.into_iter().try_for_each(|code| self.key(code, 0)));
        if let Err(Trouble::Lost(why)) = released {
            // The device is gone, and with it its keys.
            tracing::debug!(why, "the virtual keyboard was gone before its keys could be released");
        }
    }

    fn held(&self) -> Option<HeldOutput> {
        None
    }
}

fn button_code(button: MouseButton) -> u16 {
    match button {
        MouseButton::Left => KeyCode::BTN_LEFT.0,
        MouseButton::Middle => KeyCode::BTN_MIDDLE.0,
        MouseButton::Right => KeyCode::BTN_RIGHT.0,
        MouseButton::Back => KeyCode::BTN_SIDE.0,
        MouseButton::Forward => KeyCode::BTN_EXTRA.0,
    }
}

fn build() -> io::Result<VirtualDevice> {
    let mut keys = AttributeSet::<KeyCode>::new();
    // All keys of keyboards, and of buttons only a mouse's: with a gamepad's among them it would be taken for one.
    let keyboard = (1..=0xFF).chain(0x160..=0x2BF);
    let mouse = (KeyCode::BTN_LEFT.0)..=(KeyCode::BTN_EXTRA.0);
    for code in keyboard.chain(mouse) {
        keys.insert(KeyCode(code));
    }
    let mut axes = AttributeSet::<RelativeAxisCode>::new();
    for axis in [
        RelativeAxisCode::REL_X,
        RelativeAxisCode::REL_Y,
        RelativeAxisCode::REL_WHEEL,
        RelativeAxisCode::REL_HWHEEL,
    ] {
        axes.insert(axis);
    }
    VirtualDevice::builder()?.name("Padgate").with_keys(&keys)?.with_relative_axes(&axes)?.build()
}

/// Why the device can't be opened, in words that help.
fn explain_access(path: &Path) -> Result<(), String> {
    match std::fs::OpenOptions::new().write(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("no {}: `modprobe uinput` loads it, if the kernel has it", path.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(format!(
            "no permission for {}: a udev rule with TAG+=\"uaccess\" gives it to who sits at the computer",
            path.display()
        )),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}
