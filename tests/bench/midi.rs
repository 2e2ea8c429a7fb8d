//! MIDI in to MIDI out through the daemon, against the kernel's own connection between the same ports.
//!
//! Three ways from the same sender to a receiver on a thread of its own, one message at a time:
//! directly (the kernel's connection: one wake-up, the receiver's), through a bare relay (a process that reads and
//! writes, nothing else: two wake-ups, the least that any program in between can cost), and through `padgated`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
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

/// What the relay says when it is connected.
const READY: &str = "ready\n";

const CONFIG: &str = "[device.in]\nport = \"Bench Sender 3\"\nout = false\n[device.out]\nout = \"Bench Receiver 3\"\n\
     [[map]]\non = { device = \"in\", note = \"any\" }\ndo = { midi = \"same\", to = \"out\" }\n";

pub(crate) fn measure() -> Result<()> {
    println!("\nMIDI in to MIDI out ({MESSAGES} messages each way)");
    // Each way has names of its own: a receiver's thread keeps its port until the end.
    let direct = {
        let sender = Keyboard::new("Bench Sender 1")?;
        let receiver = receiver("Bench Receiver 1", Some("Bench Sender 1"))?;
        run(&sender, &receiver).context("the kernel's connection")?
    };
    let relayed = {
        let sender = Keyboard::new("Bench Sender 2")?;
        let receiver = receiver("Bench Receiver 2", None)?;
        let _relay = start_relay("Bench Sender 2", "Bench Receiver 2")?;
        run(&sender, &receiver).context("the bare relay")?
    };
    let through = {
        let sender = Keyboard::new("Bench Sender 3")?;
        let receiver = receiver("Bench Receiver 3", None)?;
        let daemon = Daemon::start(CONFIG)?;
        let mut watch = daemon.watch()?;
        watch.connected("in")?;
        watch.connected("out")?;
        drop(watch);
        run(&sender, &receiver).context("padgated")?
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

/// Starts a process that passes on what comes, and does nothing else.
fn start_relay(from: &str, to: &str) -> Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["relay", from, to]).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("its output is a pipe")?).read_line(&mut line)?;
    let relay = Process(child);
    anyhow::ensure!(line == READY, "the relay did not start");
    Ok(relay)
}

/// Killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What that process does.
pub(crate) fn relay(from: &str, to: &str) -> Result<()> {
    let (sequencer, port) =
        open("Bench Relay", PortCap::READ | PortCap::SUBS_READ | PortCap::WRITE | PortCap::SUBS_WRITE)?;
    let own = (sequencer.client_id()?, port);
    subscribe(&sequencer, padgate_tests::alsa::find(from)?, own)?;
    subscribe(&sequencer, own, padgate_tests::alsa::find(to)?)?;
    print!("{READY}");
    std::io::stdout().flush()?;
    let mut input = sequencer.input();
    loop {
        let mut event = input.event_input()?;
        event.set_source(port);
        event.set_subs();
        event.set_direct();
        if matches!(event.get_type(), EventType::Noteon | EventType::Noteoff) {
            sequencer.event_output_direct(&mut event)?;
        }
    }
}
