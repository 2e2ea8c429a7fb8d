//! A window that has the focus and writes down what it gets, decoded as a simple client does: with the core
//! protocol's keyboard mapping, fetched when the server says that it changed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, EventMask, GetKeyboardMappingReply, InputFocus, KeyPressEvent,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use xkeysym::Keysym;

use super::DEADLINE;

/// One event, decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    /// A key went down; its symbol with the modifiers that were on, and these.
    Press(Keysym, u16),
    /// A key went up.
    Release(Keysym),
    /// A button went down.
    ButtonPress(u8),
    /// A button went up.
    ButtonRelease(u8),
}

/// See the module.
pub(crate) struct TestWindow {
    pub(crate) connection: Arc<RustConnection>,
    pub(crate) root: Window,
    events: Receiver<Seen>,
}

impl TestWindow {
    /// Opens it, and returns when it has the focus and the pointer.
    pub(crate) fn open(display: &str) -> TestWindow {
        let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
        let connection = Arc::new(connection);
        let root = connection.setup().roots[screen].root;
        let window = connection.generate_id().unwrap();
        let mask = EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::STRUCTURE_NOTIFY;
        let attributes = CreateWindowAux::new().event_mask(mask).override_redirect(1);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(0, window, root, 0, 0, 800, 600, 0, class, 0, &attributes).unwrap();
        connection.map_window(window).unwrap();
        connection.flush().unwrap();
        while !matches!(connection.wait_for_event().unwrap(), Event::MapNotify(_)) {}
        connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME).unwrap();
        connection.warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, 400, 300).unwrap();
        assert_eq!(connection.get_input_focus().unwrap().reply().unwrap().focus, window);

        let (sender, events) = channel();
        let reader = Arc::clone(&connection);
        std::thread::spawn(move || {
            let Some(mut map) = Map::fetch(&reader) else { return };
            // Ends with the server, or with the test.
            while let Ok(event) = reader.wait_for_event() {
                let seen = match event {
                    Event::KeyPress(event) => Seen::Press(map.symbol(&event), u16::from(event.state)),
                    Event::KeyRelease(event) => Seen::Release(map.symbol(&event)),
                    Event::ButtonPress(event) => Seen::ButtonPress(event.detail),
                    Event::ButtonRelease(event) => Seen::ButtonRelease(event.detail),
                    Event::MappingNotify(_) => {
                        let Some(new) = Map::fetch(&reader) else { return };
                        map = new;
                        continue;
                    }
                    _ => continue,
                };
                if sender.send(seen).is_err() {
                    return;
                }
            }
        });
        TestWindow { connection, root, events }
    }

    /// The next event.
    pub(crate) fn next(&self) -> Seen {
        self.events.recv_timeout(DEADLINE).expect("the window gets an event")
    }

    /// What comes until the text is complete, as text: each press of a key that is no modifier.
    pub(crate) fn read_text(&self, expected: &str) -> String {
        let until = Instant::now() + DEADLINE;
        let mut text = String::new();
        while text.chars().count() < expected.chars().count() && Instant::now() < until {
            let Ok(seen) = self.events.recv_timeout(DEADLINE) else { break };
            if let Seen::Press(symbol, state) = seen
                && !symbol.is_modifier_key()
                && symbol != Keysym::ISO_Level3_Shift
            {
                assert_eq!(state & 0x4C, 0, "Control, Alt or Super was on at {symbol:?} after {text:?}");
                text.push(character(symbol));
            }
        }
        text
    }

    /// The keys that are down in the server.
    pub(crate) fn keys_down(&self) -> Vec<u8> {
        let keys = self.connection.query_keymap().unwrap().reply().unwrap().keys;
        (0..=255u8).filter(|code| keys[usize::from(code / 8)] & (1 << (code % 8)) != 0).collect()
    }

    /// The buttons that are down, as a mask.
    pub(crate) fn buttons_down(&self) -> u16 {
        u16::from(self.connection.query_pointer(self.root).unwrap().reply().unwrap().mask) & 0x1F00
    }

    /// Where the pointer is.
    pub(crate) fn pointer(&self) -> (i16, i16) {
        let reply = self.connection.query_pointer(self.root).unwrap().reply().unwrap();
        (reply.root_x, reply.root_y)
    }
}

fn character(symbol: Keysym) -> char {
    match symbol {
        Keysym::Return => '\n',
        Keysym::Tab => '\t',
        _ => symbol.key_char().unwrap_or('\u{FFFD}'),
    }
}

struct Map {
    first: u8,
    mapping: GetKeyboardMappingReply,
}

impl Map {
    fn fetch(connection: &RustConnection) -> Option<Map> {
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let mapping = connection.get_keyboard_mapping(first, last - first + 1).ok()?.reply().ok()?;
        Some(Map { first, mapping })
    }

    /// The columns are group 1 plain and shifted, group 2 plain and shifted, group 1 with AltGr plain and shifted.
    fn symbol(&self, event: &KeyPressEvent) -> Keysym {
        let state = u16::from(event.state);
        let (shift, lock, level3) = (state & 1 != 0, state & 2 != 0, state & 0x80 != 0);
        let width = usize::from(self.mapping.keysyms_per_keycode);
        let row = usize::from(event.detail - self.first) * width;
        let columns = &self.mapping.keysyms[row..row + width];
        let at = |column: usize| columns.get(column).copied().filter(|symbol| *symbol != 0);
        let base = if level3 && at(4).is_some() { 4 } else { 0 };
        let (plain, shifted) = (at(base).unwrap_or(0), at(base + 1).or(at(base)).unwrap_or(0));
        let letter = |symbol: u32| Keysym::new(symbol).key_char().is_some_and(char::is_alphabetic);
        let cased = plain != shifted && letter(plain) && letter(shifted);
        let symbol = match (shift, lock && cased && base == 0) {
            (true, false) | (false, true) => shifted,
            _ => plain,
        };
        Keysym::new(symbol)
    }
}
