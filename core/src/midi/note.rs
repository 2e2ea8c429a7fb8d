//! Names of notes, as people write them: `C1`, `F#-1`, `Bb3`.
//!
//! Octaves are numbered so that C4 is note 60 (scientific pitch notation); vendors differ by up to two
//! octaves, which is why every message and error shows the number as well where there is room.

const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// The name of `note` (0 to 127), with sharps: 60 is `C4`, 0 is `C-1`.
#[must_use]
pub fn name(note: u8) -> NoteName {
    NoteName(note)
}

/// Displays as the note's name; made by [`name`], so that showing one allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoteName(u8);

impl std::fmt::Display for NoteName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let octave = i16::from(self.0) / 12 - 1;
        write!(f, "{}{octave}", NAMES[usize::from(self.0 % 12)])
    }
}

/// The note that `text` names: a letter (either case), any `#` or `b`, an octave from -1 to 9; or a plain
/// number from 0 to 127. `None` if it is neither, or outside what MIDI has.
#[must_use]
pub fn parse(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 127).then_some(number);
    }
    let mut rest = text.chars();
    let letter = rest.next()?.to_ascii_uppercase();
    let semitone: i16 = match letter {
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
    let (shift, octave) = match rest.chars().next()? {
        '#' | '♯' => (1, rest.trim_start_matches(['#', '♯'])),
        'b' | '♭' => (-1, rest.trim_start_matches(['b', '♭'])),
        _ => (0, rest),
    };
    if shift != 0 && rest.chars().count() - octave.chars().count() != 1 {
        return None;
    }
    let octave: i16 = octave.parse().ok().filter(|octave| (-1..=9).contains(octave))?;
    u8::try_from((octave + 1) * 12 + semitone + shift).ok().filter(|note| *note <= 127)
}

#[cfg(test)]
mod tests {
    use super::{name, parse};

    #[test]
    fn every_note_reads_back_from_its_name() {
        for note in 0..=127 {
            assert_eq!(parse(&name(note).to_string()), Some(note));
            assert_eq!(parse(&note.to_string()), Some(note));
        }
    }

    #[test]
    fn flats_lower_case_and_nonsense() {
        assert_eq!(parse("Bb3"), Some(58));
        assert_eq!(parse("c4"), Some(60));
        assert_eq!(parse("Cb-1"), None, "below the lowest note");
        for wrong in ["", "C", "H4", "G#9", "C##4", "128", "C10", "#4", "C4x", "-1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
