//! What the operating system lists: ports, with the names and the USB identity that devices are matched by.
//!
//! Numbers are kept out of names on purpose. A port's number changes with every replugging; its name, its USB
//! serial number and the socket it is plugged into do not.

use std::fmt;

/// Which way MIDI goes through a port, seen from Padgate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PortDirection {
    /// Padgate can read from it.
    Input,
    /// Padgate can write to it.
    Output,
}

/// The system's own handle for a port, such as `24:0`. It lasts as long as the port, and no longer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PortKey(pub String);

impl fmt::Display for PortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which USB device a port belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UsbIdentity {
    /// The serial number that the device reports, if it has one. Many MIDI devices have none.
    pub serial: Option<String>,
    /// The socket it is plugged into, as the kernel names it: `1-1.4` is bus 1, port 1, then port 4 of a hub.
    pub path: String,
}

/// One port in one direction. A port that can be read and written is listed twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Port {
    /// The system's handle.
    pub key: PortKey,
    /// Which way.
    pub direction: PortDirection,
    /// Name of the program or hardware that owns it, without numbers; may be empty.
    pub client: String,
    /// Name of the port itself, without numbers.
    pub name: String,
    /// The number of the owner and of the port there, for a stable order.
    pub rank: (u32, u32),
    /// The USB device behind it, where there is one and the system tells.
    pub usb: Option<UsbIdentity>,
    /// Whether it is one of Padgate's own. Such a port is never opened.
    pub own: bool,
}

impl Port {
    /// The name as people write it: `Client:Port`, or only the port's where the system knows no clients.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.client.is_empty() { self.name.clone() } else { format!("{}:{}", self.client, self.name) }
    }
}

/// Cuts the ` 24:0` off that midir appends to ALSA's names.
pub(super) fn without_numbers(name: &str) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once(' ') {
        Some((rest, last)) if last.split_once(':').is_some_and(|(a, b)| digits(a) && digits(b)) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn only_a_client_and_port_number_at_the_end_is_cut_off() {
        assert_eq!(without_numbers("Pad:Pad MIDI 1 24:0"), "Pad:Pad MIDI 1");
        assert_eq!(without_numbers("Pad:Pad MIDI 1"), "Pad:Pad MIDI 1");
        assert_eq!(without_numbers("Pad 2"), "Pad 2");
        assert_eq!(without_numbers("Pad a:0"), "Pad a:0");
        assert_eq!(without_numbers("24:0"), "24:0");
    }
}
