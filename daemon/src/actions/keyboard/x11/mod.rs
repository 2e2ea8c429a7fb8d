//! Keys and mouse through the X server's XTEST extension, on one connection that is kept.
//!
//! This talks X itself instead of using enigo, which on X11 binds capitals and accents to spare keys and keeps
//! sending those after the layout has changed, and takes 24 ms for a click (docs/decisions/x11-output.md).

mod keymap;
mod keys;
mod symbols;
mod text;

use std::time::{Duration, Instant};

use padgate_core::engine::Phase;
use padgate_core::ruleset::action::{MouseButton, PointerMove};
use padgate_core::ruleset::keys::Key;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use self::keymap::Keymap;
use self::symbols::symbol_of_name;
use super::{Hand, Trouble};
use crate::journal::HeldOutput;

/// How long a spare key keeps its character after it was typed, before it can get another: clients read the layout
/// when they come to it, and would find the wrong one.
const SPARE_SETTLE: Duration = Duration::from_millis(100);

/// The keyboard and pointer that clients see, as XKB names them.
fn core_keyboard() -> xkb::DeviceSpec {
    xkb::ID::USE_CORE_KBD.into()
}

/// A spare key and what was put on it.
#[derive(Debug)]
struct Spare {
    code: u8,
    symbol: u32,
    used: Instant,
}

/// See the module.
pub(super) struct X11 {
    connection: RustConnection,
    display: String,
    root: Window,
    keymap: Keymap,
    keymap_is_old: bool,
    spares: Vec<Spare>,
    /// Which keys a chord put down, so that its release lets go of those, whatever the layout is by then.
    held: Vec<(Key, Vec<u8>)>,
    /// By keycode: how many of `held` want it down.
    down: [u8; 256],
    buttons: Vec<u8>,
}

impl X11 {
    /// Connects, and releases what is still down there from before.
    pub(super) fn connect(display: &str, left_over: Option<&HeldOutput>) -> Result<X11, String> {
        let (connection, screen) =
            RustConnection::connect(Some(display)).map_err(|error| connect_error(&error))?;
        let root = connection.setup().roots[screen].root;
        let mut hand = X11 {
            connection,
            display: display.to_owned(),
            root,
            keymap: Keymap::default(),
            keymap_is_old: true,
            spares: Vec::new(),
            held: Vec::new(),
            down: [0; 256],
            buttons: Vec::new(),
        };
        hand.prepare().map_err(|trouble| match trouble {
            Trouble::Lost(why) => why,
            Trouble::Unavailable(why) | Trouble::Failed(why) => why.into_owned(),
        })?;
        if let Some(held) = left_over.filter(|held| held.display == display) {
            hand.release_left_over(held).map_err(|error| error.to_string())?;
        }
        Ok(hand)
    }

    /// Checks the extensions and asks to be told of changes of the layout.
    fn prepare(&mut self) -> Result<(), Trouble> {
        for (name, what) in
            [(x11rb::protocol::xtest::X11_EXTENSION_NAME, "XTEST"), (xkb::X11_EXTENSION_NAME, "XKB")]
        {
            if self.connection.extension_information(name)?.is_none() {
                return Err(Trouble::Unavailable(format!("it lacks the {what} extension").into()));
            }
        }
        self.connection.xtest_get_version(2, 2)?.reply()?;
        self.connection.xkb_use_extension(1, 0)?.reply()?;
        // Clients that use XKB are told of changes through XKB only.
        let events = xkb::EventType::NEW_KEYBOARD_NOTIFY | xkb::EventType::MAP_NOTIFY;
        let none = xkb::EventType::default();
        let parts = xkb::MapPart::KEY_TYPES | xkb::MapPart::KEY_SYMS | xkb::MapPart::MODIFIER_MAP;
        let details = xkb::SelectEventsAux::new();
        self.connection.xkb_select_events(core_keyboard(), none, events, parts, parts, &details)?.check()?;
        self.refresh_keymap()
    }

    fn release_left_over(&mut self, held: &HeldOutput) -> Result<(), ConnectionError> {
        for &code in &held.keycodes {
            self.fake(KEY_RELEASE_EVENT, code)?;
        }
        for &button in &held.buttons {
            self.fake(BUTTON_RELEASE_EVENT, button)?;
        }
        self.connection.flush()
    }

    /// Reads the events that have come, and the layout anew if one of them says that it changed. An error here is
    /// how the end of the server is noticed before anything is sent to it.
    fn notice_changes(&mut self) -> Result<(), Trouble> {
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::MappingNotify(_) | Event::XkbMapNotify(_) | Event::XkbNewKeyboardNotify(_) => {
                    self.keymap_is_old = true;
                }
                Event::Error(error) => tracing::debug!(?error, "the X server refused something"),
                _ => {}
            }
        }
        if self.keymap_is_old { self.refresh_keymap() } else { Ok(()) }
    }

    fn refresh_keymap(&mut self) -> Result<(), Trouble> {
        let all = xkb::MapPart::KEY_TYPES | xkb::MapPart::KEY_SYMS | xkb::MapPart::MODIFIER_MAP;
        let none = xkb::MapPart::default();
        let request = self.connection.xkb_get_map(
            core_keyboard(),
            all,
            none,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            xkb::VMod::default(),
            0,
            0,
            0,
            0,
            0,
            0,
        )?;
        self.keymap = Keymap::new(request.reply()?);
        self.keymap_is_old = false;
        // A new layout empties the spare keys; only those that kept their character are still ours.
        let keymap = &self.keymap;
        self.spares.retain(|spare| keymap.base_symbol(spare.code, 0) == Some(spare.symbol));
        Ok(())
    }

    /// The current layout group and the modifiers that are on. The answer comes after all news of the layout that
    /// is older, so afterwards the layout is known as it was at that moment.
    fn state(&mut self) -> Result<xkb::GetStateReply, Trouble> {
        let state = self.connection.xkb_get_state(core_keyboard())?.reply()?;
        self.notice_changes()?;
        Ok(state)
    }

    fn fake(&self, kind: u8, detail: u8) -> Result<(), ConnectionError> {
        self.connection.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?;
        Ok(())
    }

    /// Returns when the server has done all that it was asked.
    fn settle(&mut self) -> Result<(), Trouble> {
        self.connection.get_input_focus()?.reply()?;
        Ok(())
    }

    fn mouse_button(&self, phase: Phase, code: u8) -> Result<(), ConnectionError> {
        if phase != Phase::Up {
            self.fake(BUTTON_PRESS_EVENT, code)?;
        }
        if phase != Phase::Down {
            self.fake(BUTTON_RELEASE_EVENT, code)?;
        }
        Ok(())
    }
}

impl Hand for X11 {
    fn keys(&mut self, keys: &[Key], phase: Phase) -> Result<(), Trouble> {
        self.notice_changes()?;
        match phase {
            Phase::Down => self.press_keys(keys)?,
            Phase::Up => self.release_keys(keys)?,
            Phase::Tap => {
                // What was pressed is released even if a later key of the chord can't be.
                let pressed = self.press_keys(keys);
                self.release_keys(keys)?;
                pressed?;
            }
        }
        self.settle()
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        self.notice_changes()?;
        self.type_text(text)
    }

    fn button(&mut self, button: MouseButton, phase: Phase, clicks: u8) -> Result<(), Trouble> {
        self.notice_changes()?;
        let code = button_code(button);
        match phase {
            Phase::Tap => {
                for _ in 0..clicks.max(1) {
                    self.mouse_button(phase, code)?;
                }
            }
            Phase::Down => {
                self.mouse_button(phase, code)?;
                if !self.buttons.contains(&code) {
                    self.buttons.push(code);
                }
            }
            Phase::Up => {
                self.mouse_button(phase, code)?;
                self.buttons.retain(|held| *held != code);
            }
        }
        self.settle()
    }

    fn pointer(&mut self, to: PointerMove) -> Result<(), Trouble> {
        self.notice_changes()?;
        let clamp = |number: i32| number.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        let (relative, root, x, y) = match to {
            PointerMove::By(x, y) => (1, x11rb::NONE, x, y),
            PointerMove::To(x, y) => (0, self.root, x, y),
        };
        let (x, y) = (clamp(x), clamp(y));
        self.connection.xtest_fake_input(
            MOTION_NOTIFY_EVENT,
            relative,
            x11rb::CURRENT_TIME,
            root,
            x,
            y,
            0,
        )?;
        self.settle()
    }

    fn scroll(&mut self, horizontal: i32, vertical: i32) -> Result<(), Trouble> {
        self.notice_changes()?;
        let (up_or_down, sideways) = (if vertical < 0 { 4 } else { 5 }, if horizontal < 0 { 6 } else { 7 });
        for (code, notches) in [(up_or_down, vertical), (sideways, horizontal)] {
            for _ in 0..notches.unsigned_abs() {
                self.mouse_button(Phase::Tap, code)?;
            }
        }
        self.settle()
    }

    fn release_all(&mut self) {
        if let Err(Trouble::Lost(why)) = self.let_go() {
            tracing::debug!(why, "the X server was gone before its keys could be released");
        }
    }

    fn held(&self) -> Option<HeldOutput> {
        let keycodes: Vec<u8> = (0..=255).filter(|code| self.down[usize::from(*code)] > 0).collect();
        if keycodes.is_empty() && self.buttons.is_empty() {
            return None;
        }
        Some(HeldOutput { display: self.display.clone(), keycodes, buttons: self.buttons.clone() })
    }
}

/// The number that X has for a button; 4 to 7 are the wheel.
fn button_code(button: MouseButton) -> u8 {
    match button {
        MouseButton::Left => 1,
        MouseButton::Middle => 2,
        MouseButton::Right => 3,
        MouseButton::Back => 8,
        MouseButton::Forward => 9,
    }
}

fn connect_error(error: &ConnectError) -> String {
    match error {
        ConnectError::SetupFailed(setup) => String::from_utf8_lossy(&setup.reason).trim().to_owned(),
        ConnectError::SetupAuthenticate(setup) => String::from_utf8_lossy(&setup.reason).trim().to_owned(),
        other => other.to_string(),
    }
}

impl From<ConnectionError> for Trouble {
    fn from(error: ConnectionError) -> Trouble {
        Trouble::Lost(format!("X server: {error}"))
    }
}

impl From<ReplyError> for Trouble {
    fn from(error: ReplyError) -> Trouble {
        match error {
            ReplyError::ConnectionError(error) => error.into(),
            ReplyError::X11Error(error) => Trouble::Failed(format!("the X server refused: {error:?}").into()),
        }
    }
}
