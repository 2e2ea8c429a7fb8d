//! An output through the ALSA sequencer.
//!
//! Events go straight to the receiver, past all queues of our own, so that the kernel says at once whether it took
//! them: `ENOMEM` or `EAGAIN` mean that the receiver's queue, or the hardware's buffer, is full.

use alsa::Seq;
use alsa::seq::{Event, EventType};
use rustix::io::Errno;

use super::{Own, event};
use crate::midi::output::{Wire, WireError};

/// Pieces of System Exclusive for hardware. The kernel copies such an event to the driver in steps of this size
/// (`snd_seq_dump_var_event`), and can fail after any of them; a piece of one step is taken whole or not at all.
const HARDWARE_PIECE_BYTES: usize = 32;
/// Pieces for programs: what the kernel makes of System Exclusives from hardware, so that all programs know it.
const PROGRAM_PIECE_BYTES: usize = 256;

/// Hardware says when it is full, and nothing is lost; 250 KB a second, if it takes that, is 80 times what a MIDI cable does.
const HARDWARE_PIECES_AT_ONCE: usize = 16;
/// A program whose queue is full loses all that is in it, and we are told too late. A piece takes 11 of the 200 cells that
/// a program's queue has unless it asks for more, so at two pieces every 2 ms it may sleep for 18 ms: 250 KB a second.
const PROGRAM_PIECES_AT_ONCE: usize = 2;

pub(super) struct AlsaWire {
    /// `None` only while it is dropped.
    client: Option<(Seq, Own)>,
    port: i32,
    /// Whether there is exactly one receiver.
    single: bool,
    hardware: bool,
}

impl AlsaWire {
    pub(super) fn new(seq: Seq, own: Own, port: i32, single: bool, hardware: bool) -> AlsaWire {
        AlsaWire { client: Some((seq, own)), port, single, hardware }
    }

    fn write(&self, mut event: Event<'_>) -> Result<(), WireError> {
        event.set_source(self.port);
        event.set_subs();
        event.set_direct();
        let Some((seq, _)) = &self.client else { return Err(WireError::Other("it is closed".into())) };
        match seq.event_output_direct(&mut event) {
            Ok(_) => Ok(()),
            Err(error) => Err(match Errno::from_raw_os_error(error.errno()) {
                Errno::NOMEM | Errno::AGAIN | Errno::NOSPC => WireError::Full,
                _ => WireError::Other(super::reason(&error)),
            }),
        }
    }
}

impl Drop for AlsaWire {
    /// Closes the client on a thread of its own: the kernel waits for what the hardware has not yet sent, some seconds for
    /// hardware that has just been unplugged, and meanwhile other devices must be connected.
    fn drop(&mut self) {
        let client = self.client.take();
        // Without a thread it is closed here and now, with the closure.
        drop(std::thread::Builder::new().name("midi close".into()).spawn(move || drop(client)));
    }
}

impl Wire for AlsaWire {
    fn message(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        match event::from_bytes(bytes) {
            Some(event) => self.write(event),
            None => Err(WireError::Other(format!("{bytes:02X?} is no MIDI message"))),
        }
    }

    fn sysex(&mut self, piece: &[u8]) -> Result<(), WireError> {
        self.write(Event::new_ext(EventType::Sysex, piece))
    }

    fn piece_bytes_max(&self) -> usize {
        if self.hardware { HARDWARE_PIECE_BYTES } else { PROGRAM_PIECE_BYTES }
    }

    fn pieces_at_once(&self) -> usize {
        if self.hardware { HARDWARE_PIECES_AT_ONCE } else { PROGRAM_PIECES_AT_ONCE }
    }

    fn may_repeat(&self) -> bool {
        self.single
    }
}
