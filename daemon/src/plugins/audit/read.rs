//! Reading the log back.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entry, FILE_BYTES_MAX, OLD_FILES, old};

/// One line of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// When, as in RFC 3339, in UTC.
    pub time: String,
    /// The name of the event: [`super::Event::name`]. A text, because a newer version may have written it.
    pub event: String,
    /// The plugin's name; empty if it was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plugin: String,
    /// What happened, in a sentence.
    pub text: String,
    /// Whatever else is worth knowing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How often. A refusal is written when it comes first; what came again within a second is counted in a line of
    /// its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u64,
}

fn one() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_one(count: &u64) -> bool {
    *count == 1
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
        if let Ok(record) = serde_json::from_slice::<Record>(&line)
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
