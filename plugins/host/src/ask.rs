//! What a host can ask of the daemon for its plugin, and the answers.
//!
//! Nothing here is true because the host says so: the daemon's gate looks at each, and at what was granted to the plugin
//! that this link belongs to.

use padgate_core::capability::Capability;

use crate::wire::{Reader, WireError, Writer};

/// The most headers of an HTTP request, and arguments of a program.
pub const LIST_ENTRIES_MAX: u32 = 256;

/// A request of a plugin. The texts and bytes lie in the frame.
#[derive(Clone, PartialEq, Debug)]
pub enum Ask<'a> {
    /// Send a MIDI message.
    MidiSend {
        /// To the device with this name; empty: `Padgate Out`.
        device: &'a str,
        /// One message, or a whole System Exclusive.
        message: &'a [u8],
        /// When, in nanoseconds of the monotonic clock; 0: now.
        at_ns: u64,
    },
    /// Take back what is not sent yet.
    MidiCancel,
    /// Listen to a device.
    MidiListen {
        /// Its name.
        device: &'a str,
    },
    /// Set the timer; 0 takes it back.
    Timer {
        /// When, in nanoseconds of the monotonic clock.
        at_ns: u64,
    },
    /// Make an HTTP request.
    Http {
        /// The method.
        method: &'a str,
        /// The URL.
        url: &'a str,
        /// Names and values.
        headers: Vec<(&'a str, &'a str)>,
        /// The body.
        body: &'a [u8],
        /// The longest that it may take, in milliseconds; 0: as long as the call may.
        timeout_ms: u32,
    },
    /// Connect to a host.
    Connect {
        /// Its name or address.
        host: &'a str,
        /// The port.
        port: u16,
        /// The longest that it may take, in milliseconds; 0: as long as the call may.
        timeout_ms: u32,
    },
    /// Send a datagram.
    Datagram {
        /// The host's name or address.
        host: &'a str,
        /// The port.
        port: u16,
        /// What is sent.
        data: &'a [u8],
    },
    /// Run a program.
    Run {
        /// Its path or name.
        program: &'a str,
        /// Its arguments.
        arguments: Vec<&'a str>,
        /// Its standard input.
        input: &'a [u8],
        /// The longest that it may take, in milliseconds; 0: it is not waited for.
        timeout_ms: u32,
    },
    /// Play a sound file.
    Play {
        /// Its path.
        path: &'a str,
        /// 0 to 1.
        gain: f64,
    },
    /// Change a volume.
    Volume {
        /// A pattern on the output's name; empty: the default one.
        output: &'a str,
        /// One of the ABI's `PADGATE_VOLUME_…`.
        change: u32,
        /// What it says.
        value: f64,
    },
    /// Do something with the desktop.
    System {
        /// One of the ABI's `PADGATE_SYSTEM_…`.
        what: u32,
        /// What it says.
        text: &'a str,
    },
}

impl<'a> Ask<'a> {
    /// The capability that it needs; `None` if none.
    #[must_use]
    pub fn needs(&self) -> Option<Capability> {
        match self {
            Ask::Timer { .. } => None,
            Ask::MidiSend { .. } | Ask::MidiCancel | Ask::MidiListen { .. } => Some(Capability::Midi),
            Ask::Http { .. } | Ask::Connect { .. } | Ask::Datagram { .. } => Some(Capability::Network),
            Ask::Run { .. } => Some(Capability::Subprocess),
            Ask::Play { .. } | Ask::Volume { .. } => Some(Capability::Audio),
            Ask::System { .. } => Some(Capability::SystemControl),
        }
    }

    /// Its payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Ask::MidiSend { device, message, at_ns } => out.u8(1).text(device).bytes(message).u64(*at_ns),
            Ask::MidiCancel => out.u8(2),
            Ask::MidiListen { device } => out.u8(3).text(device),
            Ask::Timer { at_ns } => out.u8(4).u64(*at_ns),
            Ask::Http { method, url, headers, body, timeout_ms } => {
                out.u8(5).text(method).text(url).u32(headers.len() as u32);
                for (name, value) in headers {
                    out.text(name).text(value);
                }
                out.bytes(body).u32(*timeout_ms)
            }
            Ask::Connect { host, port, timeout_ms } => out.u8(6).text(host).u16(*port).u32(*timeout_ms),
            Ask::Run { program, arguments, input, timeout_ms } => {
                out.u8(7).text(program).u32(arguments.len() as u32);
                for argument in arguments {
                    out.text(argument);
                }
                out.bytes(input).u32(*timeout_ms)
            }
            Ask::Play { path, gain } => out.u8(8).text(path).f64(*gain),
            Ask::Volume { output, change, value } => out.u8(9).text(output).u32(*change).f64(*value),
            Ask::System { what, text } => out.u8(10).u32(*what).text(text),
            Ask::Datagram { host, port, data } => out.u8(11).text(host).u16(*port).bytes(data),
        };
        out.finish()
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn decode(payload: &'a [u8]) -> Result<Ask<'a>, WireError> {
        let mut from = Reader::new(payload);
        let ask = match from.u8()? {
            1 => Ask::MidiSend { device: from.text()?, message: from.bytes()?, at_ns: from.u64()? },
            2 => Ask::MidiCancel,
            3 => Ask::MidiListen { device: from.text()? },
            4 => Ask::Timer { at_ns: from.u64()? },
            5 => Ask::Http {
                method: from.text()?,
                url: from.text()?,
                headers: list(&mut from, |from| Ok((from.text()?, from.text()?)))?,
                body: from.bytes()?,
                timeout_ms: from.u32()?,
            },
            6 => Ask::Connect { host: from.text()?, port: from.u16()?, timeout_ms: from.u32()? },
            7 => Ask::Run {
                program: from.text()?,
                arguments: list(&mut from, Reader::text)?,
                input: from.bytes()?,
                timeout_ms: from.u32()?,
            },
            8 => Ask::Play { path: from.text()?, gain: from.f64()? },
            9 => Ask::Volume { output: from.text()?, change: from.u32()?, value: from.f64()? },
            10 => Ask::System { what: from.u32()?, text: from.text()? },
            11 => Ask::Datagram { host: from.text()?, port: from.u16()?, data: from.bytes()? },
            other => return Err(WireError::Unknown("request", u32::from(other))),
        };
        from.finish()?;
        Ok(ask)
    }
}

fn list<'a, T>(
    from: &mut Reader<'a>,
    mut one: impl FnMut(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let count = from.u32()?;
    if count > LIST_ENTRIES_MAX {
        return Err(WireError::Unknown("list's length", count));
    }
    (0..count).map(|_| one(from)).collect()
}

/// The answer to an [`Ask`]. How it ended is in the frame's header; a connected socket comes beside the frame.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer<'a> {
    /// The HTTP status or exit code, where there is one.
    pub code: i32,
    /// The body or output; on failure, a text that says why and what next.
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Its payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u32(self.code as u32).bytes(self.body);
        out.finish()
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn decode(payload: &'a [u8]) -> Result<Answer<'a>, WireError> {
        let mut from = Reader::new(payload);
        let answer = Answer { code: from.u32()? as i32, body: from.bytes()? };
        from.finish()?;
        Ok(answer)
    }
}
