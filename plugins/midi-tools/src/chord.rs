//! Roots, and the intervals of chords.

use padgate_plugin::Context;
use serde::Deserialize;
use serde::de::Error as _;

/// Middle C, where the pad's note is wanted and the control is no note.
const MIDDLE_C: u8 = 60;

const CHORDS: [(&str, &[u8]); 16] = [
    ("major", &[0, 4, 7]),
    ("minor", &[0, 3, 7]),
    ("dim", &[0, 3, 6]),
    ("aug", &[0, 4, 8]),
    ("sus2", &[0, 2, 7]),
    ("sus4", &[0, 5, 7]),
    ("5", &[0, 7]),
    ("6", &[0, 4, 7, 9]),
    ("m6", &[0, 3, 7, 9]),
    ("7", &[0, 4, 7, 10]),
    ("maj7", &[0, 4, 7, 11]),
    ("m7", &[0, 3, 7, 10]),
    ("dim7", &[0, 3, 6, 9]),
    ("m7b5", &[0, 3, 6, 10]),
    ("9", &[0, 4, 7, 10, 14]),
    ("add9", &[0, 4, 7, 14]),
];

/// The lowest note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// That of the pad.
    Played,
    /// This.
    Note(u8),
}

impl Root {
    pub(crate) fn note(self, context: &Context) -> u8 {
        match self {
            Root::Played => context.note().unwrap_or(MIDDLE_C),
            Root::Note(note) => note,
        }
    }

    fn parse(text: &str) -> Option<Root> {
        if text == "played" {
            return Some(Root::Played);
        }
        if let Ok(number) = text.parse::<u8>() {
            return (number < 128).then_some(Root::Note(number));
        }
        let mut rest = text.chars();
        let step = match rest.next()?.to_ascii_uppercase() {
            'C' => 0,
            'D' => 2,
            'E' => 4,
            'F' => 5,
            'G' => 7,
            'A' => 9,
            'B' => 11,
            _ => return None,
        };
        let rest = rest.as_str();
        let (shift, octave) = match (rest.strip_prefix('#'), rest.strip_prefix('b')) {
            (Some(octave), _) => (1, octave),
            (_, Some(octave)) => (-1, octave),
            _ => (0, rest),
        };
        // As in the configuration: C4 is note 60.
        let octave: i16 = octave.parse().ok()?;
        let note = (octave.checked_add(1)?).checked_mul(12)?.checked_add(step + shift)?;
        u8::try_from(note).ok().filter(|note| *note < 128).map(Root::Note)
    }
}

impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Root::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "\"root\" is {text:?}: write a note such as \"C4\" or \"60\", or \"played\""
            ))
        })
    }
}

/// The notes of a chord, in semitones above its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intervals(Vec<u8>);

impl Intervals {
    fn parse(text: &str) -> Option<Intervals> {
        if let Some((_, intervals)) = CHORDS.iter().find(|(name, _)| *name == text) {
            return Some(Intervals(intervals.to_vec()));
        }
        let intervals: Vec<u8> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        let fits = (2..=12).contains(&intervals.len()) && intervals.iter().all(|interval| *interval <= 48);
        fits.then_some(Intervals(intervals))
    }

    /// The notes above `root`, those that exist, with the lowest `inversion` of them an octave up.
    pub(crate) fn notes(&self, root: u8, inversion: u8) -> Vec<u8> {
        let mut notes: Vec<u8> = self.0.iter().map(|interval| root.saturating_add(*interval)).collect();
        for _ in 0..inversion {
            notes.sort_unstable();
            if let Some(lowest) = notes.first_mut() {
                *lowest = lowest.saturating_add(12);
            }
        }
        notes.sort_unstable();
        notes.retain(|note| *note < 128);
        notes.dedup();
        notes
    }
}

impl<'de> Deserialize<'de> for Intervals {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Intervals::parse(&text).ok_or_else(|| {
            let names: Vec<&str> = CHORDS.iter().map(|(name, _)| *name).collect();
            D::Error::custom(format!(
                "\"chord\" is {text:?}: write one of {}, or 2 to 12 intervals in semitones such as \"0 4 7\"",
                names.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Intervals, Root};

    #[test]
    fn roots_are_notes_as_the_configuration_writes_them() {
        for (text, note) in [("C4", 60), ("c4", 60), ("F#3", 54), ("Bb-1", 10), ("60", 60), ("G9", 127)] {
            assert_eq!(Root::parse(text), Some(Root::Note(note)), "{text}");
        }
        assert_eq!(Root::parse("played"), Some(Root::Played));
        for text in ["", "H3", "C", "128", "G#9", "Cb-1", "C99999"] {
            assert_eq!(Root::parse(text), None, "{text}");
        }
    }

    #[test]
    fn chords_have_their_notes_in_every_inversion() {
        let major = Intervals::parse("major").unwrap();
        assert_eq!(major.notes(60, 0), [60, 64, 67]);
        assert_eq!(major.notes(60, 1), [64, 67, 72]);
        assert_eq!(major.notes(60, 3), [72, 76, 79]);
        assert_eq!(major.notes(124, 0), [124], "notes above 127 don't exist");
        assert_eq!(Intervals::parse("0 4 7 11").unwrap().notes(0, 0), [0, 4, 7, 11]);
        for text in ["", "0", "0 400", "mayor", "0,4,7"] {
            assert_eq!(Intervals::parse(text), None, "{text}");
        }
    }
}
