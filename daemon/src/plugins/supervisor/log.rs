//! The log of one plugin: its newest lines in memory, all that were let through in a file. What a plugin prints is bounded
//! in number and length, and can't move a terminal's cursor.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use padgate_core::time::Time;

use super::LOG_LINE_BYTES_MAX;
use super::bucket::Bucket;
use super::files::Files;
use super::types::{LogLevel, LogLine, LogSource};

/// How many lines are kept in memory; the oldest go first.
pub const LOG_LINES: usize = 512;
/// How many lines a second a plugin can write, and how many at once after a rest. What is more is left out, and counted
/// in one line.
const LINES_PER_SECOND: u32 = 100;
const LINES_BURST: u32 = 1000;

/// Is told of each line.
pub(super) type Told = Box<dyn Fn(&LogLine) + Send + Sync>;

/// See the module.
pub(super) struct PluginLog {
    told: Told,
    sequence: u64,
    path: PathBuf,
    lines: VecDeque<LogLine>,
    allowance: Bucket,
    left_out: u64,
    /// What was printed without a line feed so far.
    partial: Vec<u8>,
    /// The rest of a line that was too long is passed over.
    overlong: bool,
}

impl PluginLog {
    /// An empty one, with its file at `path`.
    pub(super) fn new(path: PathBuf, now: Time, told: Told) -> PluginLog {
        PluginLog {
            told,
            sequence: 0,
            path,
            lines: VecDeque::new(),
            allowance: Bucket::new(LINES_PER_SECOND, LINES_BURST, now),
            left_out: 0,
            partial: Vec::new(),
            overlong: false,
        }
    }

    /// The newest `count` lines, the oldest of them first.
    pub(super) fn newest(&self, count: usize) -> Vec<LogLine> {
        self.lines.iter().skip(self.lines.len().saturating_sub(count)).cloned().collect()
    }

    /// A line of the plugin, bounded and counted.
    pub(super) fn plugin(
        &mut self,
        files: &Files,
        now: Time,
        level: LogLevel,
        source: LogSource,
        text: &[u8],
    ) {
        if !self.allowance.take(now) {
            self.left_out += 1;
            return;
        }
        self.say_left_out(files);
        self.push(files, level, source, clean(text, LOG_LINE_BYTES_MAX));
    }

    /// A line of Padgate, which is always let through.
    pub(super) fn padgate(&mut self, files: &Files, level: LogLevel, text: &str) {
        self.say_left_out(files);
        self.push(files, level, LogSource::Padgate, clean(text.as_bytes(), LOG_LINE_BYTES_MAX));
    }

    /// What was printed: whole lines are taken, the rest waits for its end.
    pub(super) fn printed(&mut self, files: &Files, now: Time, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            if !self.overlong {
                let room = LOG_LINE_BYTES_MAX.saturating_sub(self.partial.len());
                self.partial.extend_from_slice(&text[..text.len().min(room)]);
                self.overlong = text.len() > room;
            }
            if ends {
                self.end_line(files, now);
            }
        }
    }

    /// Nothing more will be printed: what waits for its end is a line.
    pub(super) fn end_line(&mut self, files: &Files, now: Time) {
        let text = std::mem::take(&mut self.partial);
        self.overlong = false;
        if !text.is_empty() {
            self.plugin(files, now, LogLevel::Info, LogSource::Output, &text);
        }
    }

    fn say_left_out(&mut self, files: &Files) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            let text = format!(
                "{left_out} lines were left out: a plugin can write {LINES_PER_SECOND} lines a second"
            );
            self.push(files, LogLevel::Warn, LogSource::Padgate, text);
        }
    }

    fn push(&mut self, files: &Files, level: LogLevel, source: LogSource, text: String) {
        let time_ms = unix_ms();
        let mut line = String::with_capacity(text.len() + 48);
        let moment =
            jiff::Timestamp::from_millisecond(i64::try_from(time_ms).unwrap_or(0)).unwrap_or_default();
        let (level_name, source_name) = (level_name(level), source_name(source));
        // Writing into a string can't fail.
        let _ = writeln!(line, "{moment:.3} {level_name:5} {source_name}: {text}");
        if !files.append(&self.path, line) {
            tracing::debug!("a line of {} was left out: the disk is too slow", self.path.display());
        }
        if self.lines.len() == LOG_LINES {
            self.lines.pop_front();
        }
        self.sequence += 1;
        let line = LogLine { sequence: self.sequence, time_ms, level, source, text };
        (self.told)(&line);
        self.lines.push_back(line);
    }
}

fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

fn source_name(source: LogSource) -> &'static str {
    match source {
        LogSource::Plugin => "plugin",
        LogSource::Output => "output",
        LogSource::Padgate => "padgate",
    }
}

/// The wall clock, in milliseconds of the Unix epoch.
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Bytes of a plugin as text that can be shown: control characters, and those that turn the direction of writing, are
/// escaped, what is no UTF-8 is replaced, and what is longer than `bytes_max` is cut off.
pub(super) fn clean(bytes: &[u8], bytes_max: usize) -> String {
    let whole = bytes.len() <= bytes_max;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(bytes_max)]);
    let mut out = String::with_capacity(text.len());
    let mut cut = !whole;
    for character in text.trim_end().chars() {
        let before = out.len();
        match character {
            '\t' => out.push(' '),
            _ if character.is_control() || is_invisible(character) => out.extend(character.escape_default()),
            _ => out.push(character),
        }
        if out.len() > bytes_max {
            out.truncate(before);
            cut = true;
            break;
        }
    }
    if cut {
        let room = bytes_max.saturating_sub('…'.len_utf8());
        while out.len() > room {
            out.pop();
        }
        out.push('…');
    }
    out
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use padgate_core::time::Time;
    use proptest::prelude::{any, prop};

    use super::{Files, LINES_BURST, LOG_LINE_BYTES_MAX, LOG_LINES, LogLevel, LogSource, PluginLog, clean};

    fn fresh() -> (tempfile::TempDir, Files, PluginLog) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::start(folder.path()).unwrap();
        let log = PluginLog::new(folder.path().join("plugins/p.log"), Time::ZERO, Box::new(|_| ()));
        (folder, files, log)
    }

    #[test]
    fn what_is_printed_becomes_lines_however_it_comes() {
        let (folder, files, mut log) = fresh();
        log.printed(&files, Time::ZERO, b"one\ntw");
        log.printed(&files, Time::ZERO, b"o\n\n\x1b[2Jthree");
        assert_eq!(log.newest(9).len(), 2);
        log.end_line(&files, Time::ZERO);
        let texts: Vec<_> = log.newest(2).into_iter().map(|line| line.text).collect();
        assert_eq!(texts, ["two", "\\u{1b}[2Jthree"]);
        files.finish();
        let text = std::fs::read_to_string(folder.path().join("plugins/p.log")).unwrap();
        assert!(text.lines().count() == 3 && text.contains("info  output: two\n"), "{text}");
    }

    #[test]
    fn a_flood_is_counted_in_one_line() {
        let (_folder, files, mut log) = fresh();
        for _ in 0..LINES_BURST + 70 {
            log.plugin(&files, Time::ZERO, LogLevel::Info, LogSource::Plugin, b"x");
        }
        assert_eq!(log.newest(usize::MAX).len(), LOG_LINES);
        log.padgate(&files, LogLevel::Warn, "it was killed");
        let newest: Vec<_> = log.newest(2).into_iter().map(|line| line.text).collect();
        assert!(newest[0].starts_with("70 lines were left out"), "{newest:?}");
        assert_eq!(newest[1], "it was killed");
    }

    #[test]
    fn an_endless_line_is_cut_off() {
        let (_folder, files, mut log) = fresh();
        for _ in 0..100 {
            log.printed(&files, Time::ZERO, &[b'y'; 1000]);
        }
        log.printed(&files, Time::ZERO, b"\nnext\n");
        let lines = log.newest(9);
        assert_eq!((lines.len(), lines[0].text.len()), (2, LOG_LINE_BYTES_MAX));
        assert_eq!(lines[1].text, "next");
    }

    proptest::proptest! {
        #[test]
        fn cleaned_text_is_short_and_shows_all_it_does(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let text = clean(&bytes, 100);
            assert!(text.len() <= 100 && !text.chars().any(char::is_control));
        }
    }
}
