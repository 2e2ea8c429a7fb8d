//! One input connection's stream: bytes as they come from the driver, decoded and handed to the sink.
//!
//! The same for every back end. It lives on the thread that the driver's bytes arrive on, and once warm it neither
//! allocates nor waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use padgate_core::engine::Input;
use padgate_core::ids::DeviceId;
use padgate_core::midi::{Decoder, Message, Received};
use padgate_core::time::Time;

use super::MidiSink;
use super::status::Counters;

/// Decodes what one device sends.
pub(super) struct Stream {
    device: DeviceId,
    name: Arc<str>,
    decoder: Decoder,
    sink: Arc<dyn MidiSink>,
    counters: Arc<Counters>,
    wants_realtime: Arc<AtomicBool>,
    /// Set once the connection was made. A stream that was never connected has lost nothing when it is dropped.
    connected: Arc<AtomicBool>,
    /// Whether anything has been received: the first messages can come, and the port go, before the flag is set.
    fed: bool,
    lost: bool,
}

impl Stream {
    pub(super) fn new(
        device: DeviceId,
        name: Arc<str>,
        sink: Arc<dyn MidiSink>,
        counters: Arc<Counters>,
        wants_realtime: Arc<AtomicBool>,
    ) -> Stream {
        Stream {
            device,
            name,
            decoder: Decoder::default(),
            sink,
            counters,
            wants_realtime,
            connected: Arc::default(),
            fed: false,
            lost: false,
        }
    }

    /// The flag to set when the connection has been made.
    pub(super) fn connected(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.connected)
    }

    /// Takes bytes that were received at `at`. They may begin and end anywhere in a message.
    pub(super) fn feed(&mut self, bytes: &[u8], at: Time) {
        self.fed = true;
        let before = self.decoder.errors();
        let Stream { device, decoder, sink, counters, wants_realtime, .. } = self;
        // A bug further on must not end this thread: the device would be deaf from then on, and nobody would know.
        let fed = catch_unwind(AssertUnwindSafe(|| {
            decoder.feed(bytes, |received| match received {
                Received::Message(Message::ActiveSensing) => Counters::count(&counters.active_sensing),
                Received::Message(Message::Clock | Message::TimeCode(_))
                    if !wants_realtime.load(Ordering::Relaxed) =>
                {
                    Counters::count(&counters.realtime_ignored);
                }
                received => {
                    Counters::count(&counters.messages_in);
                    sink.midi(*device, received, at);
                }
            });
        }));
        if fed.is_err() {
            self.decoder.reset();
            self.panicked();
        }
        self.counters.add_errors(before, self.decoder.errors());
    }

    /// The system threw messages away. A release may have been among them, so whatever is held is let go.
    pub(super) fn overrun(&mut self, at: Time) {
        Counters::count(&self.counters.overruns);
        tracing::warn!(
            device = &*self.name,
            "MIDI came faster than it could be read: messages were lost, and what the device held is let go"
        );
        self.interrupted(at);
    }

    /// One of several senders on this stream went away: whatever is held is let go, and the stream goes on.
    pub(super) fn interrupted(&mut self, at: Time) {
        let before = self.decoder.errors();
        self.decoder.reset();
        self.counters.add_errors(before, self.decoder.errors());
        self.tell_lost(at);
    }

    /// The connection is over. Says so once, however often it is called.
    pub(super) fn end(&mut self, at: Time) {
        if !self.lost && (self.fed || self.connected.load(Ordering::Acquire)) {
            self.lost = true;
            self.tell_lost(at);
        }
    }

    fn tell_lost(&mut self, at: Time) {
        let told = catch_unwind(AssertUnwindSafe(|| self.sink.input(Input::DeviceLost(self.device), at)));
        if told.is_err() {
            self.panicked();
        }
    }

    fn panicked(&mut self) {
        Counters::count(&self.counters.panics);
        tracing::error!(
            device = &*self.name,
            "a bug: handling a MIDI message panicked; the message is lost, the device is still heard"
        );
    }
}

impl Drop for Stream {
    /// Whatever ended the connection, nothing that it held stays down.
    fn drop(&mut self) {
        self.end(crate::clock::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use padgate_core::engine::Input;
    use padgate_core::ids::DeviceId;
    use padgate_core::midi::{Message, Received, SYSEX_BYTES_MAX};
    use padgate_core::time::Time;

    use super::Stream;
    use crate::midi::MidiSink;
    use crate::midi::status::{CounterValues, Counters};

    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);

    impl MidiSink for Seen {
        fn midi(&self, _: DeviceId, received: Received<'_>, at: Time) {
            let text = match received {
                Received::Message(Message::ProgramChange { program: 66, .. }) => panic!("a bug on command"),
                Received::Message(message) => message.to_string(),
                Received::Sysex(bytes) => format!("sysex of {}", bytes.len()),
            };
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(format!("{} {text}", at.0));
        }
        fn input(&self, input: Input<'_>, _: Time) {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(format!("{input:?}"));
        }
    }

    struct Rig {
        seen: Arc<Seen>,
        counters: Arc<Counters>,
        realtime: Arc<AtomicBool>,
        stream: Stream,
    }

    fn rig() -> Rig {
        let (seen, counters, realtime) =
            (Arc::new(Seen::default()), Arc::new(Counters::default()), Arc::new(AtomicBool::new(false)));
        let stream = Stream::new(
            DeviceId::new(7),
            "pads".into(),
            seen.clone(),
            Arc::clone(&counters),
            Arc::clone(&realtime),
        );
        stream.connected().store(true, Ordering::Release);
        Rig { seen, counters, realtime, stream }
    }

    impl Rig {
        fn seen(&self) -> Vec<String> {
            self.seen.0.lock().unwrap().clone()
        }
        fn counters(&self) -> CounterValues {
            self.counters.values()
        }
    }

    #[test]
    fn a_message_in_pieces_has_the_time_of_its_last_byte() {
        let mut rig = rig();
        rig.stream.feed(&[0x90, 60], Time(1));
        rig.stream.feed(&[100, 0x80, 60, 0], Time(2));
        assert_eq!(rig.seen(), ["2 note on C4 ch 1 velocity 100", "2 note off C4 ch 1 velocity 0"]);
        assert_eq!(rig.counters().messages_in, 2);
    }

    #[test]
    fn the_clock_is_counted_unless_it_is_wanted_and_active_sensing_always() {
        let mut rig = rig();
        rig.stream.feed(&[0xF8, 0xFE, 0xFA, 0xF1, 3], Time(1));
        rig.realtime.store(true, Ordering::Relaxed);
        rig.stream.feed(&[0xF8, 0xFE], Time(2));
        assert_eq!(rig.seen(), ["1 start", "2 clock"]);
        let counters = rig.counters();
        assert_eq!((counters.realtime_ignored, counters.active_sensing, counters.messages_in), (2, 2, 2));
    }

    #[test]
    fn a_sysex_in_pieces_with_the_clock_inside_arrives_whole() {
        let mut rig = rig();
        rig.stream.feed(&[0xF0, 1], Time(1));
        rig.stream.feed(&[0xF8], Time(2));
        rig.stream.feed(&[2, 0xF7], Time(3));
        assert_eq!(rig.seen(), ["3 sysex of 4"]);
    }

    #[test]
    fn a_sysex_that_never_ends_is_bounded_and_the_next_message_is_heard() {
        let mut rig = rig();
        rig.stream.feed(&[0xF0], Time(1));
        for _ in 0..(1 << 20) / 256 {
            rig.stream.feed(&[1; 256], Time(1));
        }
        rig.stream.feed(&[0x90, 1, 2], Time(2));
        assert_eq!(rig.seen(), ["2 note on C#-1 ch 1 velocity 2"]);
        assert_eq!(rig.counters().decode_errors.too_long, 1);
        const { assert!(SYSEX_BYTES_MAX < 1 << 20) };
    }

    #[test]
    fn a_bug_in_the_sink_costs_one_message() {
        let mut rig = rig();
        rig.stream.feed(&[0xC0, 66], Time(1));
        rig.stream.feed(&[0xC0, 1], Time(2));
        assert_eq!(rig.seen(), ["2 program 1 ch 1"]);
        assert_eq!(rig.counters().panics, 1);
    }

    #[test]
    fn an_overrun_lets_go_and_the_half_message_before_it_is_forgotten() {
        let mut rig = rig();
        rig.stream.feed(&[0x90, 60], Time(1));
        rig.stream.overrun(Time(2));
        rig.stream.feed(&[61, 0x90, 62, 1], Time(3));
        assert_eq!(rig.seen(), ["DeviceLost(#7)", "3 note on D4 ch 1 velocity 1"]);
        let counters = rig.counters();
        assert_eq!(
            (counters.overruns, counters.decode_errors.cut_off, counters.decode_errors.stray_bytes),
            (1, 1, 1)
        );
    }

    #[test]
    fn the_end_is_told_once_whoever_ends_it() {
        let Rig { seen, mut stream, .. } = rig();
        stream.end(Time(1));
        stream.end(Time(2));
        drop(stream);
        assert_eq!(*seen.0.lock().unwrap(), ["DeviceLost(#7)"]);
        let Rig { seen, stream, .. } = rig();
        drop(stream);
        assert_eq!(*seen.0.lock().unwrap(), ["DeviceLost(#7)"]);
        let Rig { seen, stream, .. } = rig();
        stream.connected().store(false, Ordering::Release);
        drop(stream);
        assert!(seen.0.lock().unwrap().is_empty(), "never connected, nothing lost");
    }
}
