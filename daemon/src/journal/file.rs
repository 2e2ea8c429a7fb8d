//! The journal's file: a few lines of text, with their number at the end, so that half a file is known for one.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use padgate_core::midi::Channel;

use super::{HeldNote, HeldOutput, LeftOver, PORTS_MAX};

/// How long a journal is at most; a longer file is not one.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The first line. Another one is another format.
const HEADING: &str = "padgate journal 1";

/// The notes that sound on one port: a bit for each, by channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    name: String,
    notes: [u128; 16],
}

/// All that is held.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Held {
    pub(super) output: Option<HeldOutput>,
    ports: Vec<Port>,
}

impl Held {
    /// Returns whether that changed anything.
    pub(super) fn set(&mut self, port: &str, channel: Channel, note: u8, down: bool) -> bool {
        let place = match self.ports.iter().position(|known| known.name == port) {
            Some(place) => place,
            None if down && self.ports.len() < PORTS_MAX => {
                self.ports.push(Port { name: port.to_owned(), notes: [0; 16] });
                self.ports.len() - 1
            }
            None => return false,
        };
        let notes = &mut self.ports[place].notes[usize::from(channel.wire())];
        let bit = 1u128 << (note & 0x7F);
        let before = *notes;
        *notes = if down { before | bit } else { before & !bit };
        *notes != before
    }

    fn notes(&self) -> impl Iterator<Item = HeldNote> {
        self.ports.iter().flat_map(|port| {
            (0..16u8).flat_map(move |channel| {
                let notes = port.notes[usize::from(channel)];
                (0..128u8).filter(move |note| notes & (1 << note) != 0).map(move |note| HeldNote {
                    port: port.name.clone(),
                    channel: Channel::from_wire(channel),
                    note,
                })
            })
        })
    }

    /// The file's text; `None` if nothing is held.
    fn render(&self) -> Option<String> {
        let mut text = format!("{HEADING}\n");
        let mut lines = 0;
        let mut line = |parts: std::fmt::Arguments<'_>| {
            lines += 1;
            // Writing into a string can't fail.
            let _ = writeln!(text, "{parts}");
        };
        if let Some(output) = &self.output {
            line(format_args!("display {}", escape(&output.display)));
            output.keycodes.iter().for_each(|code| line(format_args!("keycode {code}")));
            output.buttons.iter().for_each(|button| line(format_args!("button {button}")));
        }
        for HeldNote { port, channel, note } in self.notes() {
            line(format_args!("note {} {note} {}", channel.human(), escape(&port)));
        }
        (lines > 0).then(|| format!("{text}end {lines}\n"))
    }
}

/// Replaces the file as a whole, or removes it if nothing is held.
pub(super) fn write(path: &Path, held: &Held) -> io::Result<()> {
    let Some(text) = held.render() else {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // No sync: this is to survive the end of a process, not of the machine, where nothing stays held anyway.
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

/// Reads the file; one that makes no sense is a problem to tell, not an error.
pub(super) fn read(path: &Path) -> LeftOver {
    let problem = |what: String| {
        let problem = format!("{}: {what}; what a previous daemon held can't be released", path.display());
        LeftOver { problem: Some(problem), ..LeftOver::default() }
    };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return problem("this is too long for a journal".to_owned());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return LeftOver::default(),
        _ => {}
    }
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text).unwrap_or_else(problem),
        Err(error) => problem(error.to_string()),
    }
}

fn parse(text: &str) -> Result<LeftOver, String> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADING) {
        return Err(format!("this does not begin with {HEADING:?}"));
    }
    let mut left_over = LeftOver::default();
    for (count, line) in lines.enumerate() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "end" {
            let complete = rest.parse() == Ok(count);
            return if complete { Ok(left_over) } else { Err("lines are missing".to_owned()) };
        }
        parse_line(word, rest, &mut left_over).ok_or_else(|| format!("line {} says {line:?}", count + 2))?;
    }
    Err("the end is missing".to_owned())
}

fn parse_line(word: &str, rest: &str, left_over: &mut LeftOver) -> Option<()> {
    match word {
        "display" => {
            left_over.output = Some(HeldOutput { display: unescape(rest)?, ..HeldOutput::default() })
        }
        "keycode" => left_over.output.as_mut()?.keycodes.push(rest.parse().ok()?),
        "button" => left_over.output.as_mut()?.buttons.push(rest.parse().ok()?),
        "note" => {
            let mut parts = rest.splitn(3, ' ');
            let channel = Channel::from_human(parts.next()?.parse().ok()?)?;
            let note = parts.next()?.parse().ok().filter(|note: &u8| *note < 128)?;
            left_over.notes.push(HeldNote { port: unescape(parts.next()?)?, channel, note });
        }
        _ => return None,
    }
    Some(())
}

/// Names of ports can hold anything; a line break in one must not become two lines.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(text: &str) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        result.push(match c {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_that_make_no_sense_are_named() {
        assert!(parse("padgate journal 1\nkeycode 300\nend 1\n").unwrap_err().contains("line 2"));
        assert!(parse("padgate journal 1\nbutton 1\nend 1\n").is_err(), "a button of no display");
        assert!(parse("padgate journal 1\ndisplay :0\nend 2\n").is_err());
    }
}
