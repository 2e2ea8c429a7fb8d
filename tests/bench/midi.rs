//! MIDI in to MIDI out through the daemon, against the kernel's own connection between the same ports.
//!
//! Three ways from the same sender to a receiver on a thread of its own, one message at a time:
//! directly (the kernel's connection: one wake-up, the receiver's), through a bare relay (a thread that reads and writes,
//! nothing else: two wake-ups, the least that any program in between can cost), and through `padgated`.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use alsa::seq::{Addr, EventType, PortCap, PortSubscribe, PortType, Seq};
use anyhow::{Context, Result};
use padgate_tests::alsa::Keyboard;
use padgate_tests::daemon::Daemon;

use super::quantile;

/// How many messages each way.
const MESSAGES: usize = 3_000;
/// How many are sent before it counts.
const WARM_UP: usize = 300;
/// A message that takes longer than this is lost.
const LOST: Duration = Duration::from_secs(5);

const CONFIG: &str = "[device.in]\nport = \"Bench Sender\"\nout = false\n[device.out]\nout = \"Bench Receiver\"\n\
     [[map]]\non = { device = \"in\", note = \"any\" }\ndo = { midi = \"same\", to = \"out\" }\n";

pub(crate) fn measure() -> Result<()> {
    println!("\nMIDI in to MIDI out ({MESSAGES} messages each way)");
    let direct = {
        let sender = Keyboard::new("Bench Sender")?;
        let receiver = receiver("Bench Receiver", Some("Bench Sender"))?;
        run(&sender, &receiver)?
    };
    let relayed = {
        let sender = Keyboard::new("Bench Sender")?;
        let receiver = receiver("Bench Receiver", None)?;
        relay("Bench Sender", "Bench Receiver")?;
        run(&sender, &receiver)?
    };
    let through = {
        let sender = Keyboard::new("Bench Sender")?;
        let receiver = receiver("Bench Receiver", None)?;
        let daemon = Daemon::start(CONFIG)?;
        let mut watch = daemon.watch()?;
        watch.connected("in")?;
        watch.connected("out")?;
        drop(watch);
        run(&sender, &receiver)?
    };
    let floor = quantile(&relayed, 0.5);
    println!("  {:<34} {:>9} {:>9} {:>9}", "", "median µs", "p99 µs", "ratio");
    for (name, samples) in [
        ("the kernel's connection", &direct),
        ("a bare relay (one more wake-up)", &relayed),
        ("padgated", &through),
    ] {
        let (median, late) = (quantile(samples, 0.5), quantile(samples, 0.99));
        println!("  {name:<34} {median:>9.1} {late:>9.1} {:>9.2}", median / floor);
    }
    Ok(())
}

/// Sends notes one at a time, on and off in turn; gives the sorted spans in µs.
fn run(sender: &Keyboard, receiver: &Receiver<Instant>) -> Result<Vec<f64>> {
    let mut spans = Vec::with_capacity(MESSAGES);
    for index in 0..WARM_UP + MESSAGES {
        let status = if index % 2 == 0 { 0x90 } else { 0x80 };
        let sent = Instant::now();
        sender.send(&[status, (index / 2 % 128) as u8, 100])?;
        let came = receiver.recv_timeout(LOST).with_context(|| format!("message {index} did not come"))?;
        if index >= WARM_UP {
            spans.push(came.duration_since(sent).as_secs_f64() * 1e6);
        }
    }
    spans.sort_by(f64::total_cmp);
    Ok(spans)
}

fn open(name: &str, capabilities: PortCap) -> Result<(Seq, i32)> {
    let sequencer = Seq::open(None, None, false)?;
    let name = std::ffi::CString::new(name)?;
    sequencer.set_client_name(&name)?;
    let port =
        sequencer.create_simple_port(&name, capabilities, PortType::MIDI_GENERIC | PortType::APPLICATION)?;
    Ok((sequencer, port))
}

fn subscribe(sequencer: &Seq, from: (i32, i32), to: (i32, i32)) -> Result<()> {
    let subscription = PortSubscribe::empty()?;
    subscription.set_sender(Addr { client: from.0, port: from.1 });
    subscription.set_dest(Addr { client: to.0, port: to.1 });
    Ok(sequencer.subscribe_port(&subscription)?)
}

/// A port on a thread of its own, which says when each message came.
fn receiver(name: &str, from: Option<&str>) -> Result<Receiver<Instant>> {
    let (sequencer, port) = open(name, PortCap::WRITE | PortCap::SUBS_WRITE)?;
    if let Some(from) = from {
        subscribe(&sequencer, padgate_tests::alsa::find(from)?, (sequencer.client_id()?, port))?;
    }
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut input = sequencer.input();
        while let Ok(event) = input.event_input() {
            let at = Instant::now();
            let is_note = matches!(event.get_type(), EventType::Noteon | EventType::Noteoff);
            if is_note && sender.send(at).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// A thread that passes on what comes, and does nothing else.
fn relay(from: &str, to: &str) -> Result<()> {
    let (sequencer, port) =
        open("Bench Relay", PortCap::READ | PortCap::SUBS_READ | PortCap::WRITE | PortCap::SUBS_WRITE)?;
    let own = (sequencer.client_id()?, port);
    subscribe(&sequencer, padgate_tests::alsa::find(from)?, own)?;
    subscribe(&sequencer, own, padgate_tests::alsa::find(to)?)?;
    thread::spawn(move || {
        let mut input = sequencer.input();
        while let Ok(mut event) = input.event_input() {
            let is_note = matches!(event.get_type(), EventType::Noteon | EventType::Noteoff);
            event.set_source(port);
            event.set_subs();
            event.set_direct();
            // Ends when the benchmark goes on to the next way, and its ports are gone.
            if is_note && sequencer.event_output_direct(&mut event).is_err() {
                return;
            }
        }
    });
    Ok(())
}
