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

    /// Prints a line of prose. On a terminal it is broken between words where it does not fit, and goes on this many columns
    /// from the left.
    pub(crate) fn folded(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let text = harmless(text, self.colours).into_owned();
        match self.terminal_width {
            Some(width) => folded(&text, width.into(), indent)
                .iter()
                .try_for_each(|line| writeln!(self.writer, "{line}")),
            None => writeln!(self.writer, "{text}"),
        }
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
        let width = self.terminal_width.unwrap_or(WIDTH_WITHOUT_TERMINAL);
        self.lines(&laid_out(heading, rows, Some(width)))
    }

    /// Prints a table under its heading. On a terminal, columns that don't fit are left out, those of the lowest rank
    /// first; what does not fit even then is broken. Elsewhere nothing is left out or broken.
    pub(crate) fn columns(&mut self, columns: &[Column], rows: Vec<Vec<String>>) -> io::Result<()> {
        let Some(width) = self.terminal_width else {
            let heading: Vec<&str> = columns.iter().map(|column| column.heading).collect();
            return self.lines(&laid_out(&heading, rows, None));
        };
        let kept = kept(columns, &rows, width.into());
        let heading: Vec<&str> = kept.iter().map(|index| columns[*index].heading).collect();
        let pick = |row: Vec<String>| kept.iter().filter_map(|index| row.get(*index).cloned()).collect();
        let rows = rows.into_iter().map(pick).collect();
        self.lines(&laid_out(&heading, rows, Some(width)))
    }

    fn lines(&mut self, lines: &[String]) -> io::Result<()> {
        for (index, line) in lines.iter().enumerate() {
            let line = if index == 0 { self.styled(Style::Heading, line) } else { line.clone() };
            writeln!(self.writer, "{line}")?;
        }
        Ok(())
    }

    /// Prints a piece of a line: what comes next stands beside it.
    pub(crate) fn part(&mut self, text: &str) -> io::Result<()> {
        write!(self.writer, "{}", harmless(text, self.colours))
    }

    /// Makes sure that all of it has gone.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A column of a table that gets narrower with the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    heading: &'static str,
    /// The lowest is left out first; `None`: never.
    rank: Option<u8>,
}

impl Column {
    /// One without which the table says nothing.
    pub(crate) const fn always(heading: &'static str) -> Column {
        Column { heading, rank: None }
    }

    /// One that is left out where there is no room, after all of lower rank.
    pub(crate) const fn dropped(heading: &'static str, rank: u8) -> Column {
        Column { heading, rank: Some(rank) }
    }
}

/// The columns that fit into the width, by their indices.
fn kept(columns: &[Column], rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let wide = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
        // A space on either side.
        cells.chain([columns[index].heading.chars().count()]).max().unwrap_or(0) + 2
    };
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    while kept.iter().map(|index| wide(*index)).sum::<usize>() > width {
        let least = kept.iter().copied().filter(|index| columns[*index].rank.is_some());
        // Of the same rank, the last.
        let Some(least) = least.rev().min_by_key(|index| columns[*index].rank) else { break };
        kept.retain(|index| *index != least);
    }
    kept
}

/// The lines of a table, the first of them its heading; without a width, as wide as they are.
fn laid_out(heading: &[&str], rows: Vec<Vec<String>>, width: Option<u16>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    match width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.set_header(heading);
    let plain = |cell: &String| harmless(cell, false).into_owned();
    table.add_rows(rows.iter().map(|row| row.iter().map(plain).collect::<Vec<_>>()));
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The text in lines that are no wider than this, if its words let it. Where there is hardly room, nothing is gained by
/// breaking it.
fn folded(text: &str, width: usize, indent: usize) -> Vec<String> {
    if width < indent + COLUMNS_LEAST {
        return vec![text.to_owned()];
    }
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_inclusive(' ') {
        let columns = columns(word.trim_end_matches(' '));
        // One that has no room in a line of its own either stays where it is.
        if used + columns > width && indent + columns <= width && !line.trim().is_empty() {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)).trim_end().to_owned());
            used = indent;
        }
        line.push_str(word);
        used += columns + usize::from(word.ends_with(' '));
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// With less room than this, in columns, lines are not broken between words.
const COLUMNS_LEAST: usize = 16;

/// How many columns a text takes: changes of colour take none.
fn columns(text: &str) -> usize {
    let (mut columns, mut hidden) = (0, false);
    for (at, c) in text.char_indices() {
        if is_colour(&text[at..]) {
            hidden = true;
        }
        columns += usize::from(!hidden);
        hidden &= c != 'm';
    }
    columns
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

/// Text of somebody who is not trusted, for one line: whatever could break the line, hide, colour or turn it around is
/// made visible.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Whether it takes no place but changes how the text around it is read.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
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
    use super::{Column, folded, harmless, kept, laid_out, lasted, plain, span};
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
        let lines =
            laid_out(&["device", "", "port", "in", ""], vec![row.map(String::from).to_vec()], Some(60));
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{lines:#?}");
        assert!(lines[1].contains("pads") && lines[1].contains("absent"), "{lines:#?}");
    }

    #[test]
    fn columns_go_by_their_rank_until_the_table_fits() {
        let columns = [
            Column::always("plugin"),
            Column::dropped("version", 2),
            Column::always("state"),
            Column::dropped("risk", 3),
            Column::dropped("actions", 1),
        ];
        let row = ["midi-tools", "0.1.0", "waiting", "low", "chord, arpeggio, velocity"].map(String::from);
        let rows = vec![row.to_vec()];
        assert_eq!(kept(&columns, &rows, 100), [0, 1, 2, 3, 4]);
        assert_eq!(kept(&columns, &rows, 60), [0, 1, 2, 3]);
        assert_eq!(kept(&columns, &rows, 30), [0, 2, 3]);
        assert_eq!(kept(&columns, &rows, 25), [0, 2]);
        assert_eq!(kept(&columns, &rows, 5), [0, 2], "without these it says nothing");
        let lines =
            laid_out(&["plugin", "state"], vec![vec!["midi-tools".into(), "waiting".into()]], Some(21));
        assert_eq!(lines, [" plugin      state", " midi-tools  waiting"]);
        let long = "x".repeat(500);
        assert!(laid_out(&["plugin"], vec![vec![long.clone()]], None)[1].contains(&long), "a pipe has room");
    }

    #[test]
    fn prose_is_broken_between_words() {
        let text = "  state  waiting: \u{1b}[31mnot\u{1b}[0m granted: `padgate plugin grant it`";
        let lines = folded(text, 30, 9);
        assert_eq!(lines[0], "  state  waiting: \u{1b}[31mnot\u{1b}[0m granted:", "colours take no room");
        assert_eq!(lines[1..], ["         `padgate plugin grant", "         it`"]);
        assert_eq!(folded("short", 30, 4), ["short"]);
        assert_eq!(folded(text, 20, 9), [text], "there is hardly room");
        let long = format!("see {} there", "x".repeat(40));
        assert_eq!(folded(&long, 30, 4), [&format!("see {}", "x".repeat(40)), "    there"]);
        assert_eq!(folded("", 30, 4), [""]);
    }

    #[test]
    fn what_a_plugin_says_hides_and_turns_nothing() {
        assert_eq!(plain("Ada\n\u{1b}[8mnot signed\u{1b}[0m"), "Ada\\n\\u{1b}[8mnot signed\\u{1b}[0m");
        assert_eq!(plain("safe\u{202e}evil\u{200b}\u{e0041}"), "safe\\u{202e}evil\\u{200b}\\u{e0041}");
        assert_eq!(plain("Jürgen 日本 →"), "Jürgen 日本 →");
    }

    #[test]
    fn names_do_nothing_to_the_terminal() {
        assert_eq!(harmless("a\u{1b}]0;title\u{7}\tb\nc", true), "a\\u{1b}]0;title\\u{7}\\tb\nc");
        let red = "\u{1b}[31mred\u{1b}[0m";
        assert_eq!(harmless(red, true), red);
        assert!(!harmless(red, false).contains('\u{1b}'));
    }
}
