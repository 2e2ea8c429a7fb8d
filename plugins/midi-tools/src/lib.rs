//! Chords, arpeggios and velocity curves for Padgate: one pad plays many notes.
//!
//! Notes are sent through the daemon, which keeps their time: a whole strum, and the next steps of an arpeggio, are handed
//! over with the moments at which they are to sound, so that no wake-up of this process can make them late. What still
//! sounds when the plugin ends, the daemon releases.

mod arpeggio;
mod chord;
mod curve;
mod voice;

use std::time::Duration;

use padgate_plugin::{ActionPlugin, Context, Error, Event, Host, Phase};
use serde::Deserialize;

use arpeggio::{Arpeggio, Running};
use chord::{Intervals, Root};
use curve::Curve;
use voice::{Voice, Voices};

/// The plugin: what sounds, and which arpeggios run.
#[derive(Default)]
pub struct MidiTools {
    voices: Voices,
    arpeggios: Vec<Running>,
}

/// The parameters of each action.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Params {
    /// All notes at once, or strummed.
    Chord(Chord),
    /// One note after another.
    Arpeggio(Arpeggio),
    /// One note.
    Note(Note),
}

/// Where notes go, and how loud.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Target {
    channel: u8,
    to: String,
    curve: Curve,
}

/// The parameters of `chord`.
#[derive(Debug, Deserialize)]
pub struct Chord {
    root: Root,
    chord: Intervals,
    inversion: u8,
    strum: u64,
    length: u64,
    #[serde(flatten)]
    target: Target,
}

/// The parameters of `note`.
#[derive(Debug, Deserialize)]
pub struct Note {
    root: Root,
    transpose: i8,
    length: u64,
    #[serde(flatten)]
    target: Target,
}

impl ActionPlugin for MidiTools {
    type Params = Params;

    fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
        if context.phase() == Phase::Release {
            return self.release(context.press(), host);
        }
        match params {
            Params::Chord(chord) => {
                let notes = chord.chord.notes(chord.root.note(context), chord.inversion);
                let strum = Duration::from_millis(chord.strum);
                self.sound(&notes, strum, Duration::from_millis(chord.length), &chord.target, context, host)
            }
            Params::Note(note) => {
                let played = i16::from(note.root.note(context)) + i16::from(note.transpose);
                let notes: Vec<u8> =
                    u8::try_from(played).ok().filter(|note| *note < 128).into_iter().collect();
                let length = Duration::from_millis(note.length);
                self.sound(&notes, Duration::ZERO, length, &note.target, context, host)
            }
            Params::Arpeggio(arpeggio) => {
                let mut running = Running::new(arpeggio, context, host.now());
                running.play_ahead(host)?;
                if context.phase() == Phase::Press {
                    self.arpeggios.push(running);
                }
                self.set_timer(host)
            }
        }
    }

    fn event(&mut self, event: &Event<'_>, host: &Host) {
        if !matches!(event, Event::Timer { .. }) {
            return;
        }
        for running in &mut self.arpeggios {
            if let Err(error) = running.play_ahead(host) {
                host.warn(&format!("an arpeggio could not go on: {error}"));
            }
        }
        if let Err(error) = self.set_timer(host) {
            host.warn(&format!("the timer could not be set: {error}"));
        }
    }
}

impl MidiTools {
    fn sound(
        &mut self,
        notes: &[u8],
        strum: Duration,
        length: Duration,
        target: &Target,
        context: &Context,
        host: &Host,
    ) -> Result<(), Error> {
        let velocity = target.curve.velocity(context.velocity());
        let now = host.now();
        let held = context.phase() == Phase::Press;
        for (place, note) in (0u32..).zip(notes) {
            let voice = Voice::new(target, *note);
            let at = now + strum * place;
            voice.on(velocity, at, host)?;
            if held {
                self.voices.keep(context.press(), voice, at);
            } else {
                voice.off(at + length, host)?;
            }
        }
        Ok(())
    }

    fn release(&mut self, press: u64, host: &Host) -> Result<(), Error> {
        self.arpeggios.retain(|running| running.press() != press);
        self.voices.release(press, host)?;
        self.set_timer(host)
    }

    /// The timer runs out when the first arpeggio needs more steps.
    fn set_timer(&self, host: &Host) -> Result<(), Error> {
        host.set_timer(self.arpeggios.iter().map(Running::wants_more_at).min())
    }
}

padgate_plugin::export!(MidiTools);
