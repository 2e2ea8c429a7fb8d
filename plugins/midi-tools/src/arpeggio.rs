//! Arpeggios: the notes of a chord one after another, on a grid that does not drift.

use std::time::Duration;

use padgate_plugin::{Context, Error, Host, Moment};
use serde::Deserialize;

use crate::Target;
use crate::chord::{Intervals, Root};
use crate::voice::Voice;

/// How far ahead steps are handed to the daemon. A release takes effect that much later at most, so it is short; it
/// covers a late wake-up of this process.
const AHEAD: Duration = Duration::from_millis(60);

/// The parameters of `arpeggio`.
#[derive(Clone, Debug, Deserialize)]
pub struct Arpeggio {
    root: Root,
    chord: Intervals,
    pattern: Pattern,
    octaves: u8,
    bpm: f64,
    division: u32,
    gate: u32,
    #[serde(flatten)]
    target: Target,
}

/// The order of the notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pattern {
    Up,
    Down,
    UpDown,
    Random,
}

/// An arpeggio that plays.
#[derive(Debug)]
pub(crate) struct Running {
    press: u64,
    velocity: u8,
    arpeggio: Arpeggio,
    notes: Vec<u8>,
    began: Moment,
    step: u64,
    random: u64,
}

impl Running {
    pub(crate) fn new(arpeggio: &Arpeggio, context: &Context, now: Moment) -> Running {
        Running {
            press: context.press(),
            velocity: arpeggio.target.curve.velocity(context.velocity()),
            notes: order(&arpeggio.chord.notes(arpeggio.root.note(context), 0), arpeggio),
            arpeggio: arpeggio.clone(),
            began: now,
            step: 0,
            random: context.press() | 1,
        }
    }

    pub(crate) fn press(&self) -> u64 {
        self.press
    }

    /// When this step sounds: from the beginning each time, so that rounding does not add up.
    fn at(&self, step: u64) -> Moment {
        let seconds = 60.0 / self.arpeggio.bpm / f64::from(self.arpeggio.division);
        self.began + Duration::from_secs_f64(seconds * step as f64)
    }

    /// When the next steps must be handed over.
    pub(crate) fn wants_more_at(&self) -> Moment {
        // Half of the time ahead is kept as a reserve.
        self.at(self.step) - AHEAD / 2
    }

    /// Hands over the steps of the next moments, and always at least one.
    pub(crate) fn play_ahead(&mut self, host: &Host) -> Result<(), Error> {
        if self.notes.is_empty() {
            return Ok(());
        }
        let until = host.now() + AHEAD;
        loop {
            let at = self.at(self.step);
            let length = (self.at(self.step + 1) - at) * self.arpeggio.gate / 100;
            let note = self.next_note();
            let voice = Voice::new(&self.arpeggio.target, note);
            voice.on(self.velocity, at, host)?;
            voice.off(at + length, host)?;
            self.step += 1;
            if self.at(self.step) > until {
                return Ok(());
            }
        }
    }

    fn next_note(&mut self) -> u8 {
        let count = self.notes.len() as u64;
        let place = match self.arpeggio.pattern {
            Pattern::Up | Pattern::Down | Pattern::UpDown => self.step % count,
            Pattern::Random => {
                // xorshift64 (Marsaglia, 2003): good enough for music, and the same for the same press.
                self.random ^= self.random << 13;
                self.random ^= self.random >> 7;
                self.random ^= self.random << 17;
                self.random % count
            }
        };
        self.notes[place as usize]
    }
}

/// The notes over all octaves, in the pattern's order.
fn order(chord: &[u8], arpeggio: &Arpeggio) -> Vec<u8> {
    let mut notes: Vec<u8> = (0..arpeggio.octaves)
        .flat_map(|octave| chord.iter().map(move |note| note.saturating_add(12 * octave)))
        .filter(|note| *note < 128)
        .collect();
    notes.sort_unstable();
    notes.dedup();
    match arpeggio.pattern {
        Pattern::Up | Pattern::Random => {}
        Pattern::Down => notes.reverse(),
        Pattern::UpDown => {
            // The ends sound once each.
            let back: Vec<u8> =
                notes.iter().rev().skip(1).take(notes.len().saturating_sub(2)).copied().collect();
            notes.extend(back);
        }
    }
    notes
}
