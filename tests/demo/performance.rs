//! The performance: each gesture, how it is played, and what must come of it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use padgate_ipc::event::{OutcomeKind, Record};
use padgate_ipc::method::{
    Explain, ExplainParams, Panic, Play as PlayFile, PlayParams, PlaySpeed, PressPhase,
};
use padgate_tests::daemon::Daemon;
use padgate_tests::events::Watch;
use padgate_tests::smf;

/// The device of `config/demo.toml`.
pub(crate) const PADS: &str = "pads";

/// How many notes the MIDI file has.
const FILE_NOTES: usize = 10_000;

/// One gesture.
pub(crate) struct Gesture {
    /// What the hand does.
    pub(crate) hand: &'static str,
    play: Play,
}

/// How a gesture is played.
enum Play {
    /// By a client that hears of everything that happens.
    Watched(fn(&mut Watch, &Daemon) -> Result<Done>),
    /// By one that does not, because that would be more than anybody wants to hear.
    Unwatched(fn(&Daemon) -> Result<Done>),
}

/// What came of a gesture.
#[derive(Default)]
pub(crate) struct Done {
    /// What Padgate did, as it says itself.
    pub(crate) did: String,
    /// From the message to the decision.
    pub(crate) decided: Option<Duration>,
    /// From the message to the end of what was to be done.
    pub(crate) done: Option<Duration>,
}

/// Plays one gesture.
pub(crate) fn play(gesture: &Gesture, daemon: &Daemon) -> Result<Done> {
    match gesture.play {
        Play::Watched(play) => play(&mut daemon.watch()?, daemon),
        Play::Unwatched(play) => play(daemon),
    }
}

/// In this order, because some build on others: the mode, and whether it is recording.
pub(crate) const GESTURES: &[Gesture] = &[
    Gesture {
        hand: "tap a pad",
        play: Play::Watched(|watch, daemon| {
            watch.press(PADS, "C1", PressPhase::Tap)?;
            started(watch, "Start a program", &daemon.home().join("started"))
        }),
    },
    Gesture {
        hand: "tap a pad that does nothing yet",
        play: Play::Watched(|watch, daemon| {
            watch.press(PADS, "E1", PressPhase::Tap)?;
            ensure!(!daemon.home().join("marked").exists(), "it should do nothing while nothing is recorded");
            why(watch, "E1")
        }),
    },
    Gesture {
        hand: "hold a pad for 0.4 s",
        play: Play::Watched(|watch, _| {
            watch.hold(PADS, "record", 400)?;
            sets(watch, "Record", "recording", 1.0)
        }),
    },
    Gesture {
        hand: "tap the same pad",
        play: Play::Watched(|watch, _| {
            watch.press(PADS, "record", PressPhase::Tap)?;
            sets(watch, "Next take", "take", 2.0)
        }),
    },
    Gesture {
        hand: "tap the pad that did nothing",
        play: Play::Watched(|watch, daemon| {
            watch.press(PADS, "E1", PressPhase::Tap)?;
            started(watch, "Mark", &daemon.home().join("marked"))
        }),
    },
    Gesture {
        hand: "double tap",
        play: Play::Watched(|watch, _| {
            watch.press(PADS, "G1", PressPhase::Tap)?;
            watch.press(PADS, "G1", PressPhase::Tap)?;
            let record = watch.done("Mix")?;
            in_modes(watch, &["default", "mix"])?;
            Ok(from(&record, "Mix: the mode is mix"))
        }),
    },
    Gesture {
        hand: "move a fader to the middle",
        play: Play::Watched(|watch, _| {
            watch.turn(PADS, "fader", 64)?;
            let record = watch.done("Level")?;
            let level = variable(watch, "level")?;
            ensure!(level > 0.0 && level < 0.5, "the slow curve gives less than half; the level is {level}");
            Ok(from(&record, &format!("Level: level = {level:.2}, on the slow curve")))
        }),
    },
    Gesture {
        hand: "turn an encoder three steps",
        play: Play::Watched(|watch, _| {
            for _ in 0..3 {
                watch.turn(PADS, "wheel", 1)?;
            }
            watch.done("Next scene")?;
            watch.done("Next scene")?;
            sets(watch, "Next scene", "scene", 4.0)
        }),
    },
    Gesture {
        hand: "hold shift and tap the first pad",
        play: Play::Watched(|watch, daemon| {
            watch.press(PADS, "shift", PressPhase::Down)?;
            watch.done("Shift")?;
            watch.press(PADS, "C1", PressPhase::Tap)?;
            let done = started(watch, "Start another program", &daemon.home().join("shifted"))?;
            watch.press(PADS, "shift", PressPhase::Up)?;
            in_modes(watch, &["default", "mix"])?;
            Ok(done)
        }),
    },
    Gesture {
        hand: "press two pads together",
        play: Play::Watched(|watch, daemon| {
            watch.press(PADS, "A1", PressPhase::Down)?;
            watch.press(PADS, "B1", PressPhase::Down)?;
            watch.press(PADS, "A1", PressPhase::Up)?;
            watch.press(PADS, "B1", PressPhase::Up)?;
            started(watch, "Both", &daemon.home().join("both"))
        }),
    },
    Gesture {
        hand: "play three pads in turn",
        play: Play::Watched(|watch, daemon| {
            for note in ["C2", "D2", "C2"] {
                watch.press(PADS, note, PressPhase::Tap)?;
            }
            let mut done = started(watch, "Secret knock", &daemon.home().join("knocked"))?;
            let outcome = watch.outcome_of("opened")?;
            ensure!(outcome.result == OutcomeKind::Done, "the second step: {}", outcome.result.word());
            exists(&daemon.home().join("opened"))?;
            done.did += ", and 0.1 s later another one";
            Ok(done)
        }),
    },
    Gesture { hand: "tap a pad that sends MIDI", play: Play::Watched(sends_midi) },
    Gesture { hand: "10,000 notes from a MIDI file", play: Play::Unwatched(file) },
    Gesture {
        hand: "let go of everything",
        play: Play::Watched(|watch, _| {
            watch.press(PADS, "shift", PressPhase::Down)?;
            watch.done("Shift")?;
            let result = watch.call::<Panic>(&padgate_ipc::method::Empty {})?;
            let status = watch.status()?;
            ensure!(
                status.held.is_empty() && !status.modes.stack.contains(&"shifted".to_owned()),
                "{status:?}"
            );
            let stopped = if result.released.is_empty() { "nothing else was held" } else { "released" };
            Ok(Done { did: format!("panic: shift is up, {stopped}"), ..Done::default() })
        }),
    },
];

/// Waits until the mapping has started a program that makes this file.
fn started(watch: &mut Watch, mapping: &str, file: &Path) -> Result<Done> {
    let record = watch.fired(mapping)?;
    let Some(request) = record.requests.iter().find(|request| !request.release) else {
        bail!("{mapping} fired and asked for nothing");
    };
    let outcome = match &request.outcome {
        Some(outcome) => outcome.clone(),
        None => watch.outcome(request.id)?,
    };
    ensure!(
        outcome.result == OutcomeKind::Done,
        "{}: {} {}",
        request.action,
        outcome.result.word(),
        outcome.message.unwrap_or_default()
    );
    exists(file)?;
    Ok(Done {
        did: format!("{mapping}: {}", request.action),
        decided: Some(Duration::from_nanos(record.decided_ns.saturating_sub(record.received_ns))),
        done: Some(Duration::from_nanos(outcome.done_ns.saturating_sub(record.received_ns))),
    })
}

/// The program was started and may not have got round to it: waits, a little at a time, for the file.
fn exists(file: &Path) -> Result<()> {
    let deadline = Instant::now() + padgate_tests::DEADLINE;
    while !file.exists() {
        ensure!(Instant::now() < deadline, "{} was not made", file.display());
        std::thread::yield_now();
    }
    Ok(())
}

/// Waits until the mapping has fired and the variable is this.
fn sets(watch: &mut Watch, mapping: &str, name: &str, wanted: f64) -> Result<Done> {
    let record = watch.done(mapping)?;
    let value = variable(watch, name)?;
    ensure!((value - wanted).abs() < 1e-9, "{name} should be {wanted} and is {value}");
    Ok(from(&record, &format!("{mapping}: {name} = {}", shown(watch, name)?)))
}

/// A variable as a number; true is 1.
fn variable(watch: &mut Watch, name: &str) -> Result<f64> {
    let variables = watch.status()?.modes.variables;
    let value = variables.get(name);
    let number =
        value.and_then(|value| value.as_f64().or(value.as_bool().map(|flag| f64::from(u8::from(flag)))));
    number.ok_or_else(|| anyhow::anyhow!("the variable {name} is {value:?}"))
}

fn shown(watch: &mut Watch, name: &str) -> Result<String> {
    Ok(watch.status()?.modes.variables.get(name).map_or_else(String::new, ToString::to_string))
}

fn in_modes(watch: &mut Watch, wanted: &[&str]) -> Result<()> {
    let stack = watch.status()?.modes.stack;
    ensure!(stack == wanted, "the modes should be {wanted:?} and are {stack:?}");
    Ok(())
}

/// What was decided within the engine is done when it is decided.
fn from(record: &Record, did: &str) -> Done {
    let decided = Duration::from_nanos(record.decided_ns.saturating_sub(record.received_ns));
    Done { did: did.to_owned(), decided: Some(decided), done: Some(decided) }
}

/// Asks why a press did nothing.
fn why(watch: &mut Watch, control: &str) -> Result<Done> {
    let params = ExplainParams { device: Some(PADS.to_owned()), control: Some(control.parse()?) };
    let explanation = watch.call::<Explain>(&params)?;
    ensure!(explanation.found, "the press can't be explained");
    let Some(sentence) = explanation.sentences.iter().find(|sentence| sentence.contains("Mark")) else {
        bail!("the explanation does not name the mapping: {:?}", explanation.sentences);
    };
    Ok(Done { did: format!("nothing, and says why: {sentence}"), ..Done::default() })
}

/// Whether this machine has a sequencer, without which there are no MIDI ports.
pub(crate) fn has_sequencer() -> bool {
    std::fs::File::options().read(true).write(true).open("/dev/snd/seq").is_ok()
}

/// A note out of the virtual port, where there is a sequencer; else the reason why not.
fn sends_midi(watch: &mut Watch, _: &Daemon) -> Result<Done> {
    watch.press(PADS, "C3", PressPhase::Tap)?;
    let record = watch.fired("Transpose")?;
    let request = &record.requests[0];
    let outcome = match &request.outcome {
        Some(outcome) => outcome.clone(),
        None => watch.outcome(request.id)?,
    };
    let done = Duration::from_nanos(outcome.done_ns.saturating_sub(record.received_ns));
    let decided = Duration::from_nanos(record.decided_ns.saturating_sub(record.received_ns));
    match outcome.result {
        OutcomeKind::Done => {
            let did = format!("Transpose: {}", request.action);
            Ok(Done { did, decided: Some(decided), done: Some(done) })
        }
        OutcomeKind::Unavailable if !has_sequencer() => {
            let did = format!("says that it can't here: {}", outcome.message.unwrap_or_default());
            Ok(Done { did, decided: Some(decided), done: None })
        }
        other => bail!("{}: {} {}", request.action, other.word(), outcome.message.unwrap_or_default()),
    }
}

/// Plays a MIDI file at full speed; every note counts.
fn file(daemon: &Daemon) -> Result<Done> {
    let mut events: Vec<(u32, &[u8])> = Vec::new();
    for _ in 0..FILE_NOTES {
        events.extend([(1, &[0x90, 72, 100][..]), (1, &[0x80, 72, 64][..])]);
    }
    let path = daemon.home().join("demo.mid");
    std::fs::write(&path, smf::file(&events))?;
    let begun = Instant::now();
    let path = path.to_string_lossy().into_owned();
    let params = PlayParams { path, device: Some(PADS.to_owned()), speed: PlaySpeed::Full, progress: false };
    let result = daemon.client()?.call::<PlayFile>(&params)?;
    let took = begun.elapsed();
    ensure!(result.played as usize == 2 * FILE_NOTES, "{result:?}");
    let notes = variable(&mut daemon.watch()?, "notes")?;
    ensure!((notes - FILE_NOTES as f64).abs() < 0.5, "of {FILE_NOTES} notes {notes} were counted");
    Ok(Done { did: format!("Count: notes = {notes}, none lost"), decided: None, done: Some(took) })
}
