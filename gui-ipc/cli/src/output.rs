//! Printing: colours only where somebody sees them, tables that fit the terminal, JSON for programs.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table};

/// The width of tables where there is no terminal.
const WIDTH_WITHOUT_TERMINAL: u16 = 100;

/// Where the command's data goes. Talk goes to standard error.
pub(crate) struct Output {
    writer: Box<dyn Write>,
    colours: bool,
    terminal_width: Option<u16>,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    Heading,
    Good,
    Bad,
    Quiet,
}

impl Output {
    /// Standard output.
    pub(crate) fn stdout() -> Output {
        let is_terminal = io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size().filter(|_| is_terminal);
        Output {
            writer: Box::new(BufWriter::new(io::stdout())),
            colours: is_terminal && !no_colour && !dumb,
            terminal_width: width.map(|(width, _)| width.0),
        }
    }

    /// A file, without colours.
    pub(crate) fn file(file: std::fs::File) -> Output {
        Output { writer: Box::new(BufWriter::new(file)), colours: false, terminal_width: None }
    }

    /// Prints a line, or several.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.writer, "{}", harmless(text, self.colours))
    }

    /// The text in a style, if there are styles here.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Heading => "1",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Quiet => "2",
        };
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.writer, value)?;
        writeln!(self.writer)
    }

    /// Prints a table under its heading. The cells are plain text: the table counts and breaks every character, those
    /// of colours too.
    pub(crate) fn table(&mut self, heading: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        let lines = laid_out(heading, rows, self.terminal_width.unwrap_or(WIDTH_WITHOUT_TERMINAL));
        for (index, line) in lines.iter().enumerate() {
            let line = if index == 0 { self.styled(Style::Heading, line) } else { line.clone() };
            writeln!(self.writer, "{line}")?;
        }
        Ok(())
    }

    /// Makes sure that all of it has gone.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The lines of a table, the first of them its heading.
fn laid_out(heading: &[&str], rows: Vec<Vec<String>>, width: u16) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
    table.set_header(heading);
    let plain = |cell: &String| harmless(cell, false).into_owned();
    table.add_rows(rows.iter().map(|row| row.iter().map(plain).collect::<Vec<_>>()));
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The text with its control characters made visible, so that the name of a port or a mode can't do anything to the
/// terminal. Ends of lines stay, and `colours` if there are some.
fn harmless(text: &str, colours: bool) -> Cow<'_, str> {
    let harms = |c: char| c.is_control() && c != '\n';
    if !text.contains(harms) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if harms(c) && !(colours && is_colour(&text[at..])) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Whether the text begins with a change of colour, which harms nobody.
fn is_colour(text: &str) -> bool {
    let code = text.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m'));
    code.is_some_and(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'))
}

/// A span of time, to three digits: `0.84 µs`, `12 ms`, `2.1 s`.
pub(crate) fn span(nanoseconds: u64) -> String {
    let nanos = nanoseconds as f64;
    let (value, unit) = match nanos {
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = if value < 9.95 { 2 } else { usize::from(value < 99.5) };
    let text = format!("{value:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// How long something has lasted: `3 d 4 h`, `5 min 2 s`.
pub(crate) fn lasted(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let parts: Vec<String> = units
        .iter()
        .scan(seconds, |rest, (size, unit)| {
            let count = *rest / size;
            *rest %= size;
            Some((count, unit))
        })
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if parts.is_empty() { "less than a second".to_owned() } else { parts.join(" ") }
}

/// A moment in local time.
pub(crate) fn moment(unix_ms: i64, format: &str) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map_or_else(
        |_| "?".to_owned(),
        |time| time.to_zoned(jiff::tz::TimeZone::system()).strftime(format).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::{harmless, laid_out, lasted, span};
    use std::time::Duration;

    #[test]
    fn times_are_short() {
        assert_eq!(span(840), "0.84 µs");
        assert_eq!(span(12_000_000), "12 ms");
        assert_eq!(lasted(Duration::from_secs(3 * 86_400 + 4 * 3600 + 59)), "3 d 4 h");
        assert_eq!(lasted(Duration::from_secs(302)), "5 min 2 s");
        assert_eq!(lasted(Duration::from_secs(3605)), "1 h");
        assert_eq!(lasted(Duration::ZERO), "less than a second");
    }

    #[test]
    fn a_table_fits_and_breaks_no_word_that_fits() {
        let row = ["pads", "absent", "(waits for Launchpad*)", "0", "there is no MIDI here now"];
        let lines = laid_out(&["device", "", "port", "in", ""], vec![row.map(String::from).to_vec()], 60);
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{lines:#?}");
        assert!(lines[1].contains("pads") && lines[1].contains("absent"), "{lines:#?}");
    }

    #[test]
    fn names_do_nothing_to_the_terminal() {
        assert_eq!(harmless("a\u{1b}]0;title\u{7}\tb\nc", true), "a\\u{1b}]0;title\\u{7}\\tb\nc");
        let red = "\u{1b}[31mred\u{1b}[0m";
        assert_eq!(harmless(red, true), red);
        assert!(!harmless(red, false).contains('\u{1b}'));
    }
}
