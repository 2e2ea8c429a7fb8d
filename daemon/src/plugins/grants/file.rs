//! The file of the grants: reading it, and changing it so that neither a crash nor another writer spoils it.

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use padgate_core::capability::{Capability, Rights};
use padgate_core::manifest::is_plugin_name;
use serde::Deserialize;
use toml::{Spanned, Table};

use super::{Content, FILE_BYTES_MAX, Grant, GrantsError, State, Tie, is_tie};
use crate::plugins::files;
use crate::plugins::find::read_all;

/// The version of the file's format.
const VERSION: u32 = 1;

const HEADING: &str = "\
# What plugins were granted, and which are disabled. Padgate writes this file when you use
# \"padgate plugin grant\", \"revoke\", \"enable\" or \"disable\"; comments that you add are lost then.
# You may change it by hand: take a [[grant]] away, and the plugin asks again. If there is a
# mistake in it, no plugin is used until it is corrected.
";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    #[serde(default)]
    plugin: BTreeMap<Spanned<String>, StateTable>,
    #[serde(default)]
    grant: Vec<Spanned<GrantTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateTable {
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    denied: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantTable {
    plugin: Spanned<String>,
    sha256: Option<Spanned<String>>,
    key: Option<Spanned<String>>,
    given: Spanned<String>,
    requested: Spanned<Table>,
    granted: Spanned<Table>,
}

fn yes() -> bool {
    true
}

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

fn parse(text: &str) -> Result<Content, Mistake> {
    let file: File = toml::from_str(text).map_err(|error| {
        (error.span().unwrap_or(0..0), error.message().trim().replace('\n', " ").to_owned())
    })?;
    if *file.version.get_ref() != VERSION {
        let why =
            format!("this is version {} of the format, and only {VERSION} is known", file.version.get_ref());
        return Err((file.version.span(), why));
    }
    let mut content = Content::default();
    for (name, table) in file.plugin {
        let mut denied = Vec::new();
        for word in table.denied {
            let span = word.span();
            let capability = Capability::of_name(word.get_ref());
            denied.push(
                capability.ok_or_else(|| (span, format!("there is no capability {:?}", word.get_ref())))?,
            );
        }
        content.plugins.insert(plugin_name(name)?, State { enabled: table.enabled, denied });
    }
    for table in file.grant {
        let span = table.span();
        let grant = grant(table)?;
        if content.grants.iter().any(|other| other.plugin == grant.plugin && other.tie == grant.tie) {
            return Err((span, format!("there are two grants for the same file of {:?}", grant.plugin)));
        }
        content.grants.push(grant);
    }
    Ok(content)
}

fn plugin_name(name: Spanned<String>) -> Result<String, Mistake> {
    let span = name.span();
    let name = name.into_inner();
    if is_plugin_name(&name) { Ok(name) } else { Err((span, format!("{name:?} is no name of a plugin"))) }
}

fn grant(table: Spanned<GrantTable>) -> Result<Grant, Mistake> {
    let whole = table.span();
    let table = table.into_inner();
    let (span, tie) = match (table.sha256, table.key) {
        (Some(sha256), None) => (sha256.span(), Tie::Hash(sha256.into_inner())),
        (None, Some(key)) => (key.span(), Tie::Key(key.into_inner())),
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
    Ok(Grant {
        plugin: plugin_name(table.plugin)?,
        tie,
        given: table.given.into_inner(),
        requested: rights(table.requested)?,
        granted: rights(table.granted)?,
    })
}

fn rights(table: Spanned<Table>) -> Result<Rights, Mistake> {
    let span = table.span();
    Rights::from_table(table.get_ref()).map_err(|why| (span, why))
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
