//! What is counted of each plugin, and the file that keeps it across restarts of the daemon.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::types::{Statistics, Times};

/// The shortest and longest time that the histogram tells apart, in nanoseconds. What is outside counts as these.
const TIME_NS: (u64, u64) = (500, 60_000_000_000);
/// Two digits: a time is told to one percent.
const DIGITS: u8 = 2;
/// The largest file of statistics that is read. A larger one is none of ours.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// What the file's format is.
const FORMAT: u64 = 1;
/// The member that says so.
const HEADING: &str = "padgate_plugin_statistics";

/// The counters of one plugin.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) kept: Kept,
    times: Histogram<u64>,
    /// Whether something changed since it was last saved.
    pub(super) changed: bool,
}

/// The part that is written to the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) executions: u64,
    pub(super) failures: u64,
    pub(super) refusals: u64,
    pub(super) timeouts: u64,
    pub(super) crashes: u64,
    pub(super) restarts: u64,
    pub(super) dropped: u64,
    pub(super) last_execution_ms: u64,
    pub(super) cpu_ms: u64,
    total_ns: u64,
    max_ns: u64,
    /// The histogram: a time in nanoseconds, and how many took that long.
    times: Vec<(u64, u64)>,
}

impl Kept {
    /// The numbers with their names in the file.
    fn numbers(&mut self) -> [(&'static str, &mut u64); 11] {
        [
            ("executions", &mut self.executions),
            ("failures", &mut self.failures),
            ("refusals", &mut self.refusals),
            ("timeouts", &mut self.timeouts),
            ("crashes", &mut self.crashes),
            ("restarts", &mut self.restarts),
            ("dropped", &mut self.dropped),
            ("last_execution_ms", &mut self.last_execution_ms),
            ("cpu_ms", &mut self.cpu_ms),
            ("total_ns", &mut self.total_ns),
            ("max_ns", &mut self.max_ns),
        ]
    }

    fn into_json(mut self) -> Value {
        let times: Vec<Value> = self.times.iter().map(|(ns, count)| json!([ns, count])).collect();
        let mut object: Map<String, Value> =
            self.numbers().into_iter().map(|(name, number)| (name.to_owned(), json!(number))).collect();
        object.insert("times".to_owned(), Value::Array(times));
        Value::Object(object)
    }

    /// What is missing is 0, so that an older file reads as well.
    fn from_json(value: &Value) -> Result<Kept, String> {
        let object = value.as_object().ok_or("a plugin's statistics are no object")?;
        let mut kept = Kept::default();
        for (name, number) in kept.numbers() {
            if let Some(value) = object.get(name) {
                *number = value.as_u64().ok_or_else(|| format!("\"{name}\" is no number"))?;
            }
        }
        let pair = |step: &Value| Some((step.get(0)?.as_u64()?, step.get(1)?.as_u64()?));
        let times = object.get("times").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        kept.times =
            times.iter().map(pair).collect::<Option<_>>().ok_or("\"times\" are no pairs of numbers")?;
        Ok(kept)
    }
}

impl Counters {
    /// Goes on from what was kept.
    pub(super) fn new(mut kept: Kept) -> Counters {
        let mut times =
            Histogram::new_with_bounds(TIME_NS.0, TIME_NS.1, DIGITS).expect("the bounds are in order");
        for (ns, count) in kept.times.drain(..) {
            times.saturating_record_n(ns, count);
        }
        Counters { kept, times, changed: false }
    }

    /// A call came to an end after this long.
    pub(super) fn executed(&mut self, took: Duration, unix_ms: u64, failed: bool) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.times.saturating_record(ns);
        let kept = &mut self.kept;
        kept.executions += 1;
        kept.failures += u64::from(failed);
        kept.last_execution_ms = unix_ms;
        kept.total_ns = kept.total_ns.saturating_add(ns);
        kept.max_ns = kept.max_ns.max(ns);
        self.changed = true;
    }

    /// Adds one to a counter.
    pub(super) fn count(&mut self, counter: impl FnOnce(&mut Kept) -> &mut u64) {
        *counter(&mut self.kept) += 1;
        self.changed = true;
    }

    /// For a reader; processor time, memory and the name are the caller's.
    pub(super) fn read(&self) -> Statistics {
        let kept = &self.kept;
        let mean = kept.total_ns.checked_div(kept.executions).unwrap_or(0);
        let quantile = |part| match self.times.is_empty() {
            true => Duration::ZERO,
            // The histogram rounds up, and nothing took longer than the longest.
            false => Duration::from_nanos(self.times.value_at_quantile(part).min(kept.max_ns)),
        };
        Statistics {
            name: String::new(),
            executions: kept.executions,
            failures: kept.failures,
            refusals: kept.refusals,
            timeouts: kept.timeouts,
            crashes: kept.crashes,
            restarts: kept.restarts,
            dropped: kept.dropped,
            last_execution_ms: kept.last_execution_ms,
            times: Times {
                mean: Duration::from_nanos(mean),
                p50: quantile(0.5),
                p99: quantile(0.99),
                max: Duration::from_nanos(kept.max_ns),
            },
            cpu_ms: kept.cpu_ms,
            rss: None,
            pss: None,
        }
    }

    /// For the file.
    pub(super) fn keep(&self) -> Kept {
        let times = self.times.iter_recorded();
        let times = times.map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        Kept { times, ..self.kept.clone() }
    }
}

/// Reads the file; a file that is not there is empty.
///
/// # Errors
///
/// If it can't be read, or is broken: then it was set aside, and the sentence says where.
pub(super) fn load(path: &Path) -> Result<BTreeMap<String, Kept>, String> {
    let shown = path.display();
    let read = || -> io::Result<String> {
        use std::io::Read as _;
        let mut text = String::new();
        std::fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = match read() {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) if error.kind() != io::ErrorKind::InvalidData => {
            return Err(format!("can't read the statistics of plugins in {shown}: {error}; they begin anew"));
        }
        Err(_) => String::new(),
    };
    match parse(&text) {
        Ok(plugins) => Ok(plugins),
        Err(why) => {
            let aside = path.with_extension("json.broken");
            let aside = match std::fs::rename(path, &aside) {
                Ok(()) => format!("it was moved to {}", aside.display()),
                Err(error) => format!("it could not be moved away: {error}"),
            };
            Err(format!(
                "the statistics of plugins in {shown} can't be read: {why}; {aside}, and they begin anew"
            ))
        }
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, Kept>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match file.get(HEADING).and_then(Value::as_u64) {
        Some(FORMAT) => {}
        Some(other) => return Err(format!("it has the unknown format {other}")),
        None => return Err(format!("\"{HEADING}\" is missing")),
    }
    let plugins = file.get("plugins").and_then(Value::as_object).ok_or("\"plugins\" is missing")?;
    plugins.iter().map(|(name, value)| Ok((name.clone(), Kept::from_json(value)?))).collect()
}

/// The file's text.
pub(super) fn render(plugins: BTreeMap<String, Kept>) -> Vec<u8> {
    let plugins: Map<String, Value> =
        plugins.into_iter().map(|(name, kept)| (name, kept.into_json())).collect();
    format!("{}\n", json!({ HEADING: FORMAT, "plugins": plugins })).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{Counters, Kept, load, render};

    #[test]
    fn times_survive_the_file() {
        let mut counters = Counters::new(Kept::default());
        assert_eq!(counters.read().times.p99, Duration::ZERO);
        for micros in 1..=100 {
            counters.executed(Duration::from_micros(micros), 7, micros == 3);
        }
        counters.count(|kept| &mut kept.restarts);
        let before = counters.read();
        assert_eq!((before.executions, before.failures, before.restarts), (100, 1, 1));
        assert_eq!(before.times.mean, Duration::from_nanos(50_500));
        assert_eq!(before.times.max, Duration::from_micros(100));
        let p50 = before.times.p50.as_nanos();
        assert!((49_000..=51_500).contains(&p50), "{p50}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin-stats.json");
        std::fs::write(&path, render(BTreeMap::from([("p".to_owned(), counters.keep())]))).unwrap();
        let after = Counters::new(load(&path).unwrap().remove("p").unwrap()).read();
        assert_eq!(after, before);
    }

    #[test]
    fn a_broken_file_is_set_aside_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin-stats.json");
        assert_eq!(load(&path), Ok(BTreeMap::new()));
        for broken in
            ["{\"padgate_plugin_statistics\":1,", "{}", "{\"padgate_plugin_statistics\":9,\"plugins\":{}}"]
        {
            std::fs::write(&path, broken).unwrap();
            let told = load(&path).unwrap_err();
            assert!(told.contains("plugin-stats.json.broken"), "{told}");
            assert!(!path.exists() && folder.path().join("plugin-stats.json.broken").exists());
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(load(&path).is_err() && !path.exists());
    }
}
