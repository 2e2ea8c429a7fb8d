//! The file of the grants: reading it, and changing it so that neither a crash nor another writer spoils it.

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use padgate_core::capability::{Capability, Rights};
use padgate_core::manifest::is_plugin_name;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Content, FILE_BYTES_MAX, Grant, GrantsError, State, Tie, is_tie};
use crate::plugins::files;
use crate::plugins::find::read_all;

/// The version of the file's format.
const VERSION: &str = "1";

const HEADING: &str = "\
# What plugins were granted, and which are disabled. Padgate writes this file when you use
# \"padgate plugin grant\", \"revoke\", \"enable\" or \"disable\"; comments that you add are lost then.
# You may change it by hand: take a [[grant]] away, and the plugin asks again. If there is a
# mistake in it, no plugin is used until it is corrected.
";

/// Reads the file; nothing if there is none.
///
/// # Errors
///
/// What is wrong, and where, without a full stop.
pub(super) fn read(path: &Path) -> Result<Content, String> {
    let told = |why: String| format!("{}: {why}", path.display());
    let opened = match files::open_regular(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::default()),
        Err(error) => return Err(told(error.to_string())),
    };
    // Whoever can write here grants himself whatever he wants.
    if let Some(why) = files::open_to_others(&opened.metadata) {
        return Err(told(why));
    }
    let bytes = read_all(opened, FILE_BYTES_MAX).map_err(told)?;
    let text = String::from_utf8(bytes).map_err(|_| told("it is not UTF-8 text".to_owned()))?;
    parse(&text).map_err(|(span, why)| {
        let (line, column) = place(&text, span.start);
        format!("{}:{line}:{column}: {why}", path.display())
    })
}

/// Line and column, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

type Mistake = (Range<usize>, String);

type Value<'t> = Spanned<DeValue<'t>>;

fn parse(text: &str) -> Result<Content, Mistake> {
    let root = DeTable::parse(text).map_err(|error| {
        (error.span().unwrap_or(0..0), error.message().trim().replace('\n', " ").to_owned())
    })?;
    let span = root.span();
    let mut root = Fields::of(root.into_inner(), span, &["version", "plugin", "grant"])?;
    let version = root.need("version")?;
    if !matches!(version.get_ref(), DeValue::Integer(number) if number.as_str() == VERSION) {
        return Err((version.span(), format!("only version {VERSION} of this file is known")));
    }
    let mut content = Content::default();
    if let Some(plugins) = root.take("plugin") {
        for (name, state) in table(plugins)?.0 {
            let name = plugin_name(name.span(), name.into_inner().into_owned())?;
            content.plugins.insert(name, self::state(state)?);
        }
    }
    for table in root.take("grant").map(array).transpose()?.unwrap_or_default() {
        let span = table.span();
        let grant = grant(table)?;
        if content.grants.iter().any(|other| other.plugin == grant.plugin && other.tie == grant.tie) {
            return Err((span, format!("there are two grants for the same file of {:?}", grant.plugin)));
        }
        content.grants.push(grant);
    }
    Ok(content)
}

fn state(value: Value<'_>) -> Result<State, Mistake> {
    let (table, span) = table(value)?;
    let mut fields = Fields::of(table, span, &["enabled", "denied"])?;
    let mut state = State::default();
    if let Some(enabled) = fields.take("enabled") {
        let DeValue::Boolean(enabled) = enabled.get_ref() else {
            return Err((enabled.span(), "this should be true or false".to_owned()));
        };
        state.enabled = *enabled;
    }
    for word in fields.take("denied").map(array).transpose()?.unwrap_or_default() {
        let (span, word) = text(word)?;
        let capability = Capability::of_name(&word);
        state.denied.push(capability.ok_or_else(|| (span, format!("there is no capability {word:?}")))?);
    }
    Ok(state)
}

fn grant(value: Value<'_>) -> Result<Grant, Mistake> {
    let (table, whole) = table(value)?;
    let keys = ["plugin", "sha256", "key", "given", "requested", "granted"];
    let mut fields = Fields::of(table, whole.clone(), &keys)?;
    let (span, tie) = match (fields.take("sha256"), fields.take("key")) {
        (Some(sha256), None) => text(sha256).map(|(span, text)| (span, Tie::Hash(text)))?,
        (None, Some(key)) => text(key).map(|(span, text)| (span, Tie::Key(text)))?,
        (Some(_), Some(_)) | (None, None) => {
            return Err((whole, "a grant has either sha256 or key".to_owned()));
        }
    };
    if !is_tie(&tie) {
        let why = match tie {
            Tie::Hash(_) => "a sha256 has 64 digits, 0 to 9 and a to f",
            Tie::Key(_) => "this is no minisign public key",
        };
        return Err((span, why.to_owned()));
    }
    let (span, plugin) = text(fields.need("plugin")?)?;
    Ok(Grant {
        plugin: plugin_name(span, plugin)?,
        tie,
        given: text(fields.need("given")?)?.1,
        requested: rights(fields.need("requested")?)?,
        granted: rights(fields.need("granted")?)?,
    })
}

fn plugin_name(span: Range<usize>, name: String) -> Result<String, Mistake> {
    if is_plugin_name(&name) { Ok(name) } else { Err((span, format!("{name:?} is no name of a plugin"))) }
}

fn rights(value: Value<'_>) -> Result<Rights, Mistake> {
    let span = value.span();
    let table = toml::Table::deserialize(ValueDeserializer::from(value))
        .map_err(|error| (span.clone(), error.message().to_owned()))?;
    Rights::from_table(&table).map_err(|why| (span, why))
}

fn text(value: Value<'_>) -> Result<(Range<usize>, String), Mistake> {
    let span = value.span();
    match value.into_inner() {
        DeValue::String(text) => Ok((span, text.into_owned())),
        _ => Err((span, "this should be a text".to_owned())),
    }
}

fn array(value: Value<'_>) -> Result<Vec<Value<'_>>, Mistake> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(array) => Ok(array.into_iter().collect()),
        _ => Err((span, "this should be an array".to_owned())),
    }
}

fn table(value: Value<'_>) -> Result<(DeTable<'_>, Range<usize>), Mistake> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Table(table) => Ok((table, span)),
        _ => Err((span, "this should be a table".to_owned())),
    }
}

/// A table whose keys are known.
struct Fields<'t> {
    span: Range<usize>,
    left: BTreeMap<String, Value<'t>>,
}

impl<'t> Fields<'t> {
    /// An unknown key is a mistake: it may be one that takes something back, misspelt.
    fn of(table: DeTable<'t>, span: Range<usize>, known: &[&str]) -> Result<Fields<'t>, Mistake> {
        let mut left = BTreeMap::new();
        for (key, value) in table {
            let span = key.span();
            let key = key.into_inner().into_owned();
            if !known.contains(&&*key) {
                return Err((span, format!("there is no key {key:?} here, only {}", known.join(", "))));
            }
            left.insert(key, value);
        }
        Ok(Fields { span, left })
    }

    fn take(&mut self, key: &str) -> Option<Value<'t>> {
        self.left.remove(key)
    }

    fn need(&mut self, key: &str) -> Result<Value<'t>, Mistake> {
        self.take(key).ok_or_else(|| (self.span.clone(), format!("the key {key:?} is missing here")))
    }
}

/// The file's text.
fn render(content: &Content) -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let mut out = format!("{HEADING}\nversion = {VERSION}\n");
    for (name, State { enabled, denied }) in &content.plugins {
        let denied: Vec<String> = denied.iter().map(|capability| text(capability.name())).collect();
        out += &format!("\n[plugin.{name}]\nenabled = {enabled}\ndenied = [{}]\n", denied.join(", "));
    }
    for Grant { plugin, tie, given, requested, granted } in &content.grants {
        let (word, tied) = match tie {
            Tie::Hash(sha256) => ("sha256", sha256),
            Tie::Key(key) => ("key", key),
        };
        out += &format!(
            "\n[[grant]]\nplugin = {}\n{word} = {}\ngiven = {}\n[grant.requested]\n{}[grant.granted]\n{}",
            text(plugin),
            text(tied),
            text(given),
            requested.to_toml(),
            granted.to_toml()
        );
    }
    out
}

/// Reads the file, changes what it says, and replaces it as a whole.
///
/// # Errors
///
/// If it can't be read, which it is left alone for, or not be written.
pub(super) fn change(path: &Path, change: impl FnOnce(&mut Content)) -> Result<Content, GrantsError> {
    let unwritable = |error: io::Error| {
        GrantsError::Unwritable(format!("can't write {}: {error}; nothing has changed", path.display()))
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    files::private_folder(folder).map_err(unwritable)?;
    let _lock = lock(path).map_err(unwritable)?;
    let mut content = read(path).map_err(GrantsError::Broken)?;
    change(&mut content);
    let text = render(&content);
    // What was written must be read as it was meant: the next start depends on it.
    match parse(&text) {
        Ok(again) if again == content => {}
        Ok(_) | Err(_) => {
            return Err(GrantsError::Unwritable(format!(
                "this can't be written to {} so that it could be read again; nothing has changed",
                path.display()
            )));
        }
    }
    files::replace(path, text.as_bytes()).map_err(unwritable)?;
    Ok(content)
}

/// Keeps other writers out. The lock is on a file beside, because the file itself is replaced.
fn lock(path: &Path) -> io::Result<std::fs::File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let file = files::private_file().write(true).create(true).truncate(false).open(PathBuf::from(beside))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, "another program is writing it; try again"))
        }
    }
}
