//! Reading the log back.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use super::{Entry, FILE_BYTES_MAX, OLD_FILES, old};

/// One line of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// When, as in RFC 3339, in UTC.
    pub time: String,
    /// The name of the event: [`super::Event::name`]. A text, because a newer version may have written it.
    pub event: String,
    /// The plugin's name; empty if it was none.
    pub plugin: String,
    /// What happened, in a sentence.
    pub text: String,
    /// Whatever else is worth knowing.
    pub detail: String,
    /// How often. A refusal is written when it comes first; what came again within a second is counted in a line of
    /// its own.
    pub count: u64,
}

impl Record {
    pub(super) fn new(time: Timestamp, entry: &Entry, count: u64) -> Record {
        Record {
            time: format!("{time:.3}"),
            event: entry.event.name().to_owned(),
            plugin: entry.plugin.clone(),
            text: entry.text.clone(),
            detail: entry.detail.clone(),
            count,
        }
    }

    /// The line of the file, with its end. What is empty, and a count of one, is left out.
    pub(super) fn line(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let mut line = format!("{{\"time\":{},\"event\":{}", text(&self.time), text(&self.event));
        for (key, value) in [("plugin", &self.plugin), ("text", &self.text), ("detail", &self.detail)] {
            if !value.is_empty() {
                line += &format!(",\"{key}\":{}", text(value));
            }
        }
        if self.count != 1 {
            line += &format!(",\"count\":{}", self.count);
        }
        line += "}\n";
        line
    }

    /// Reads a line; `None` if it is none, for example because a crash tore it.
    fn read(line: &[u8]) -> Option<Record> {
        let value: Value = serde_json::from_slice(line).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Record {
            time: text("time")?,
            event: text("event")?,
            plugin: text("plugin").unwrap_or_default(),
            text: text("text").unwrap_or_default(),
            detail: text("detail").unwrap_or_default(),
            count: value.get("count").and_then(Value::as_u64).unwrap_or(1),
        })
    }
}

/// The last entries of the file and, if they are not enough, of the older ones.
pub(super) fn read(path: &Path, limit: usize, plugin: Option<&str>) -> io::Result<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    let older = (1..=OLD_FILES).map(|number| old(path, number));
    for path in std::iter::once(path.to_path_buf()).chain(older) {
        if records.len() >= limit {
            break;
        }
        let mut before = of_file(&path, limit - records.len(), plugin)?;
        before.append(&mut records);
        records = before;
    }
    Ok(records)
}

fn of_file(path: &Path, limit: usize, plugin: Option<&str>) -> io::Result<Vec<Record>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut last = VecDeque::new();
    // One line may be longer than the rest of the file has room for.
    let mut lines = BufReader::new(file.take(FILE_BYTES_MAX * 2));
    let mut line = Vec::new();
    while limit > 0 && lines.read_until(b'\n', &mut line)? > 0 {
        // A line that a crash tore is left out.
        if let Some(record) = Record::read(&line)
            && plugin.is_none_or(|plugin| record.plugin == plugin)
        {
            if last.len() == limit {
                last.pop_front();
            }
            last.push_back(record);
        }
        line.clear();
    }
    Ok(last.into())
}
