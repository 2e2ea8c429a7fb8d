//! An X server without a screen (Xvfb), and a window in it that has the focus and receives keys as any program would.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, EventMask, GetKeyboardMappingReply, InputFocus, KeyPressEvent,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::DEADLINE;
use crate::process::Process;

/// A server of its own. Ends when it is dropped.
#[derive(Debug)]
pub struct Xvfb {
    /// What programs are to find in `DISPLAY`.
    pub display: String,
    // Ends the server when it is dropped.
    _process: Process,
}

impl Xvfb {
    /// Starts a server; `None` if there is no Xvfb on this machine.
    ///
    /// # Errors
    ///
    /// If it is there and does not start.
    pub fn start() -> Result<Option<Xvfb>> {
        let mut command = Command::new("Xvfb");
        // The server chooses a free number and prints it when it is ready.
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"]);
        let (reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
        let process = match Process::start(&mut command, || {}) {
            Ok(process) => process,
            Err(error) if not_found(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Else the pipe would stay open after the server's end.
        drop(command);
        let (sender, number) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            // An error is an empty line, which is told below.
            let _ = BufReader::new(reader).read_line(&mut line);
            let _ = sender.send(line);
        });
        let number = number.recv_timeout(DEADLINE).context("Xvfb was not ready in time")?;
        if number.trim().is_empty() {
            bail!("Xvfb ended instead of becoming ready");
        }
        Ok(Some(Xvfb { display: format!(":{}", number.trim()), _process: process }))
    }

    /// Opens a window that has the focus.
    ///
    /// # Errors
    ///
    /// If the server refuses.
    pub fn window(&self) -> Result<Window> {
        let (connection, screen) = x11rb::connect(Some(&self.display))?;
        let root = &connection.setup().roots[screen];
        let window = connection.generate_id()?;
        let mask = EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::STRUCTURE_NOTIFY
            | EventMask::FOCUS_CHANGE;
        connection.create_window(
            root.root_depth,
            window,
            root.root,
            0,
            0,
            root.width_in_pixels,
            root.height_in_pixels,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &CreateWindowAux::new().event_mask(mask),
        )?;
        connection.map_window(window)?;
        connection.flush()?;
        while !matches!(connection.wait_for_event()?, Event::MapNotify(_)) {}
        connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?;
        connection.flush()?;
        while !matches!(connection.wait_for_event()?, Event::FocusIn(_)) {}
        let (sender, keys) = channel();
        let mut layout = layout(&connection)?;
        thread::spawn(move || {
            // Ends when the server does, or when nobody listens any more.
            while let Ok(event) = connection.wait_for_event() {
                let seen = match event {
                    Event::KeyPress(key) => Seen::Down(name(&connection, &layout, key)),
                    Event::KeyRelease(key) => Seen::Up(name(&connection, &layout, key)),
                    Event::ButtonPress(button) => Seen::Down(format!("button {}", button.detail)),
                    Event::ButtonRelease(button) => Seen::Up(format!("button {}", button.detail)),
                    Event::MappingNotify(_) => {
                        if let Ok(new) = self::layout(&connection) {
                            layout = new;
                        }
                        continue;
                    }
                    _ => continue,
                };
                if sender.send(seen).is_err() {
                    break;
                }
            }
        });
        Ok(Window { keys })
    }
}

/// What the window received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// This key, by the character or name that it has with the modifiers of the moment, or this button went down.
    Down(String),
    /// It went up.
    Up(String),
}

/// A window with the focus.
#[derive(Debug)]
pub struct Window {
    keys: Receiver<Seen>,
}

impl Window {
    /// Waits for the next `count` things that happen in it.
    ///
    /// # Errors
    ///
    /// If fewer come in time, with those.
    pub fn next(&self, count: usize) -> Result<Vec<Seen>> {
        let deadline = Instant::now() + DEADLINE;
        let mut all = Vec::new();
        while all.len() < count {
            match self.keys.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(seen) => all.push(seen),
                Err(_) => bail!("of {count} events the window got {}: {all:?}", all.len()),
            }
        }
        Ok(all)
    }

    /// Waits until so many characters were typed, and gives them; modifiers and releases are passed over.
    ///
    /// # Errors
    ///
    /// If fewer come in time, with those.
    pub fn text(&self, characters: usize) -> Result<String> {
        let deadline = Instant::now() + DEADLINE;
        let mut text = String::new();
        while text.chars().count() < characters {
            match self.keys.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Seen::Down(key)) if key.chars().count() == 1 => text += &key,
                Ok(_) => {}
                Err(_) => bail!("of {characters} characters the window got {text:?}"),
            }
        }
        Ok(text)
    }

    /// What has happened and was not asked for yet.
    #[must_use]
    pub fn pending(&self) -> Vec<Seen> {
        self.keys.try_iter().collect()
    }
}

fn not_found(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn layout(connection: &RustConnection) -> Result<GetKeyboardMappingReply> {
    let setup = connection.setup();
    let count = setup.max_keycode - setup.min_keycode + 1;
    Ok(connection.get_keyboard_mapping(setup.min_keycode, count)?.reply()?)
}

/// What a key means with the modifiers that are down, as a toolkit would look it up.
fn name(connection: &RustConnection, layout: &GetKeyboardMappingReply, key: KeyPressEvent) -> String {
    const SHIFT: u16 = 1;
    const ALT_GR: u16 = 0x80;
    let state = u16::from(key.state);
    let shifted = usize::from(state & SHIFT != 0);
    let column = if state & ALT_GR != 0 { 4 + shifted } else { shifted };
    let per_key = usize::from(layout.keysyms_per_keycode);
    let row = usize::from(key.detail - connection.setup().min_keycode) * per_key;
    let symbol = |column: usize| layout.keysyms.get(row + column).copied().filter(|symbol| *symbol != 0);
    // A key without a second level has its first one when shifted.
    let symbol = symbol(column).or_else(|| symbol(0)).unwrap_or(0);
    match symbol {
        0x20..=0x7E | 0xA0..=0xFF => char::from_u32(symbol).map_or_else(String::new, String::from),
        0x0100_0000..=0x0110_FFFF => {
            char::from_u32(symbol - 0x0100_0000).map_or_else(String::new, String::from)
        }
        0x20AC => "€".to_owned(),
        0x0AA9 => "—".to_owned(),
        0xFF0D => "\n".to_owned(),
        0xFF09 => "\t".to_owned(),
        0xFFE1 | 0xFFE2 => "shift".to_owned(),
        0xFFE3 | 0xFFE4 => "ctrl".to_owned(),
        0xFFE9 | 0xFFEA => "alt".to_owned(),
        0xFE03 => "altgr".to_owned(),
        0xFFEB | 0xFFEC => "super".to_owned(),
        0xFFBE..=0xFFC9 => format!("F{}", symbol - 0xFFBD),
        other => format!("keysym {other:#x}"),
    }
}
