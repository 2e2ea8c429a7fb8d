//! How plugins do: statistics, logs, integrity, and the audit log of what was allowed, refused and ended.

use serde::{Deserialize, Serialize};

use super::SignatureView;
use crate::codec::LINE_BYTES_MAX;

/// What `plugin.stats` answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatsList {
    /// Of each plugin that was asked for, by name.
    pub plugins: Vec<StatsView>,
}

/// The statistics of one plugin. They survive a restart of the daemon.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatsView {
    /// The plugin.
    pub plugin: String,
    /// Calls that were carried out, or tried.
    pub executions: u64,
    /// Those of them that failed, whatever the reason.
    pub failures: u64,
    /// Calls, and requests of the plugin, that were refused.
    pub refusals: u64,
    /// Times that its host was ended because it did not answer in time.
    pub timeouts: u64,
    /// Times that its host died by itself, or was ended for what it did.
    pub crashes: u64,
    /// Times that its host was started again after either.
    pub restarts: u64,
    /// When it was called last, in milliseconds since 1970 (UTC); `None`: never.
    pub last_execution_unix_ms: Option<i64>,
    /// The mean time of a call, in microseconds; 0 without calls, as the following.
    pub mean_us: u64,
    /// Half of the calls took no longer, in microseconds.
    pub p50_us: u64,
    /// 99 of 100 calls took no longer, in microseconds.
    pub p99_us: u64,
    /// The longest call, in microseconds.
    pub max_us: u64,
    /// Time on the processor, in milliseconds.
    pub cpu_ms: u64,
    /// Memory of its host now, in bytes; `None` if none runs.
    pub rss_bytes: Option<u64>,
    /// Calls that wait now.
    pub queue: u64,
}

/// How many lines `plugin.logs` answers if nothing is said.
pub const LOG_LINES_DEFAULT: u32 = 50;

/// How many lines `plugin.logs` answers at most. Fewer, if they would not fit into an answer: then the newest.
pub const LOG_LINES_MAX: u32 = 1000;

/// How many bytes of an answer are for what is not its list.
const ANSWER_REST_BYTES: usize = 16 * 1024;

/// The newest of these (the newest is the last) that fit into one answer.
#[must_use]
pub fn newest_that_fit<T: Serialize>(mut entries: Vec<T>) -> Vec<T> {
    let mut left = LINE_BYTES_MAX - ANSWER_REST_BYTES;
    let older = entries.iter().rposition(|entry| {
        // What can't be written takes no place: the answer will say so.
        let bytes = serde_json::to_vec(entry).map_or(0, |text| text.len() + 1);
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        !fits
    });
    entries.drain(..older.map_or(0, |index| index + 1));
    entries
}

/// Which lines of a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LogsParams {
    /// The plugin's name.
    pub plugin: String,
    /// The newest so many, up to [`LOG_LINES_MAX`].
    pub lines: u32,
}

impl Default for LogsParams {
    fn default() -> LogsParams {
        LogsParams { plugin: String::new(), lines: LOG_LINES_DEFAULT }
    }
}

/// What `plugin.logs` answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogLines {
    /// The plugin.
    pub plugin: String,
    /// The file that has more of them.
    pub path: String,
    /// The lines, the newest last.
    pub lines: Vec<LogLine>,
}

/// One line of a plugin's log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogLine {
    /// Counts the lines of this plugin since the daemon started, from 1, so that whoever reads the log and the events
    /// can tell what they have already; 0 for lines from before.
    pub sequence: u64,
    /// When, in milliseconds since 1970 (UTC).
    pub unix_ms: i64,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// Who says it.
    pub source: LogSource,
    /// What.
    pub text: String,
}

/// Who says a line of a plugin's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// The plugin, by the way that is meant for it.
    Plugin,
    /// The plugin's standard output or error.
    Output,
    /// The daemon, of the plugin.
    Padgate,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What `plugin.verify` answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VerifyReport {
    /// Whether all of them are as they should be.
    pub ok: bool,
    /// Of each plugin that was asked for, by name.
    pub plugins: Vec<Verified>,
}

/// Whether one plugin's files are what they should be, read anew.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Verified {
    /// The plugin.
    pub plugin: String,
    /// Its binary.
    pub path: String,
    /// The hash of the binary as it is on disk now; empty if it can't be read.
    pub sha256: String,
    /// The hash of what is loaded; `None` if nothing is.
    pub loaded: Option<String>,
    /// Its signature.
    pub signature: SignatureView,
    /// Whether all of it is as it should be.
    pub ok: bool,
    /// What was found, a sentence: what is wrong, and what to do next, if something is.
    pub text: String,
}

/// Which entries of the audit log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditParams {
    /// Those about this plugin; `None`: all. It need not exist any more.
    pub plugin: Option<String>,
    /// The newest so many, up to [`LOG_LINES_MAX`].
    pub entries: u32,
}

impl Default for AuditParams {
    fn default() -> AuditParams {
        AuditParams { plugin: None, entries: LOG_LINES_DEFAULT }
    }
}

/// What `audit` answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditList {
    /// The file that has all of them.
    pub path: String,
    /// The entries, the newest last.
    pub entries: Vec<AuditEntry>,
}

/// One entry of the audit log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970 (UTC).
    pub unix_ms: i64,
    /// What in one word: `grant`, `revoke`, `refusal`, `integrity`, `kill`, `restart` …
    pub event: String,
    /// The plugin, if it is about one.
    pub plugin: Option<String>,
    /// What happened, a sentence.
    pub text: String,
    /// More, for programs.
    pub detail: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::{AuditParams, LOG_LINES_DEFAULT, LogLine, LogSource, LogsParams, StatsView, newest_that_fit};

    #[test]
    fn without_a_number_there_are_some_lines() {
        let logs: LogsParams = serde_json::from_str(r#"{"plugin":"obs"}"#).unwrap();
        assert_eq!(logs.lines, LOG_LINES_DEFAULT);
        let audit: AuditParams = serde_json::from_str("{}").unwrap();
        assert_eq!((audit.plugin, audit.entries), (None, LOG_LINES_DEFAULT));
    }

    #[test]
    fn an_answer_has_room_for_the_newest() {
        let line = |sequence, length| LogLine { sequence, text: "\"".repeat(length), ..LogLine::default() };
        let kept = newest_that_fit((0..1000).map(|sequence| line(sequence, 1000)).collect());
        assert!((400..600).contains(&kept.len()), "quotes take two bytes each: {}", kept.len());
        assert_eq!(kept.last().map(|line| line.sequence), Some(999));
        let whole = serde_json::to_string(&kept).unwrap();
        assert!(whole.len() < crate::codec::LINE_BYTES_MAX);
        assert_eq!(newest_that_fit(vec![line(1, 3), line(2, 3)]).len(), 2);
        assert!(newest_that_fit(vec![line(1, 3), line(2, 2_000_000)]).is_empty(), "no line is skipped");
    }

    #[test]
    fn lines_and_statistics_of_another_version_can_be_read() {
        let line: LogLine = serde_json::from_str(r#"{"text":"hi","source":"oracle"}"#).unwrap();
        assert_eq!((line.source, line.sequence), (LogSource::Unknown, 0));
        let stats: StatsView = serde_json::from_str(r#"{"plugin":"obs","executions":3,"joy":9}"#).unwrap();
        assert_eq!((stats.executions, stats.rss_bytes), (3, None));
    }
}
