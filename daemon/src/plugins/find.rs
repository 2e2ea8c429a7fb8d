//! Finds plugins: looks through folders for `NAME/plugin.toml`, reads them, and opens what they name, without running
//! anything.
//!
//! Folders of plugins are full of other people's files. A pipe that nobody writes to, a link to somewhere else, a
//! manifest of a gigabyte, a folder with a million entries: each costs its plugin, and no more than that.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use padgate_core::config::{Code, Diagnostic, Place, Source};
use padgate_core::manifest::{Manifest, is_plugin_name};
use padgate_plugin_abi::ABI_VERSION;

use super::files::{self, Opened};
use super::store::BINARY_BYTES_MAX;

/// How many entries of all folders together are looked at.
pub const ENTRIES_MAX: usize = 10_000;

/// The longest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 256 << 10;

/// The name of a manifest.
pub const MANIFEST: &str = "plugin.toml";

/// The platform that this is, as manifests call it.
#[must_use]
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// A plugin that was found, before its binary is looked at.
#[derive(Clone, Debug)]
pub struct Found {
    /// The name of its folder.
    pub name: String,
    /// Its folder, with every symbolic link followed.
    pub folder: PathBuf,
    /// The folder in which it was found.
    pub search: PathBuf,
    /// What it says of itself; `None` if that can't be read.
    pub manifest: Option<Arc<Manifest>>,
    /// What is wrong with its manifest.
    pub problems: Vec<Diagnostic>,
    /// Why it can't be used, if that is known by now; without a full stop.
    pub why_not: Option<String>,
    /// Other folders with a plugin of this name, which are not used because this one comes first.
    pub shadows: Vec<PathBuf>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// Plugins by their names.
    pub plugins: BTreeMap<String, Found>,
    /// What went wrong beside them, in sentences.
    pub problems: Vec<String>,
}

/// Looks through these folders. A plugin in an earlier one wins over one of the same name in a later one.
#[must_use]
pub fn find(search: &[PathBuf]) -> Finding {
    let mut finding = Finding::default();
    let mut left = ENTRIES_MAX;
    for folder in search {
        if let Err(error) = look_through(folder, &mut left, &mut finding)
            && error.kind() != io::ErrorKind::NotFound
        {
            finding.problems.push(format!("can't look for plugins in {}: {error}", folder.display()));
        }
        if left == 0 {
            let folder = folder.display();
            finding.problems.push(format!(
                "{folder} and the folders before it have more than {ENTRIES_MAX} entries: plugins beyond that are not \
                 found"
            ));
            break;
        }
    }
    finding
}

fn look_through(search: &Path, left: &mut usize, finding: &mut Finding) -> io::Result<()> {
    let root = std::fs::metadata(search)?;
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(search)?.take(*left) {
        *left -= 1;
        folders.push(entry?.path());
    }
    folders.sort();
    for folder in folders {
        // Files, hidden folders and folders without a manifest are somebody else's.
        let Some(name) = folder.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if name.starts_with('.') || std::fs::symlink_metadata(folder.join(MANIFEST)).is_err() {
            continue;
        }
        let name = if is_plugin_name(&name) { name } else { name.escape_debug().to_string() };
        if let Some(first) = finding.plugins.get_mut(&name) {
            first.shadows.push(folder);
            continue;
        }
        let mut found = read(name.clone(), search, &folder);
        if let Some(why) = files::open_to_others(&root) {
            found.why_not = Some(format!("its folder's folder {} is not safe: {why}", search.display()));
        }
        finding.plugins.insert(name, found);
    }
    Ok(())
}

fn read(name: String, search: &Path, folder: &Path) -> Found {
    let mut found = Found {
        name,
        folder: folder.to_path_buf(),
        search: search.to_path_buf(),
        manifest: None,
        problems: Vec::new(),
        why_not: None,
        shadows: Vec::new(),
    };
    let file = folder.join(MANIFEST).display().to_string();
    match read_text(&mut found) {
        Ok(text) => {
            let (manifest, problems) = padgate_core::manifest::read(&Source::new(&*file, text), &platform());
            found.problems = problems;
            found.manifest = manifest.map(Arc::new);
            found.why_not = why_not(&found);
        }
        Err(why) => {
            found.problems.push(Diagnostic::new(Code::Unreadable, Place::whole_file(&file), &*why));
            found.why_not = Some(format!("its {MANIFEST} can't be read: {why}"));
        }
    }
    found
}

fn read_text(found: &mut Found) -> Result<String, String> {
    found.folder = std::fs::canonicalize(&found.folder).map_err(|error| error.to_string())?;
    let opened = open_inside(&found.folder, MANIFEST)?;
    let bytes = read_all(opened, MANIFEST_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// What can be said against a plugin from its manifest alone.
fn why_not(found: &Found) -> Option<String> {
    let name = &found.name;
    let Some(manifest) = &found.manifest else {
        let first = found.problems.iter().find(|problem| problem.is_error());
        return Some(match first {
            Some(first) => format!("its {MANIFEST} has mistakes: {first}"),
            None => format!("its {MANIFEST} has mistakes"),
        });
    };
    if manifest.name != *name {
        return Some(format!(
            "it calls itself {:?}, and its folder {name:?}: give both the same name",
            manifest.name
        ));
    }
    if manifest.api != ABI_VERSION {
        let what = if manifest.api > ABI_VERSION { "a newer Padgate" } else { "an older Padgate" };
        return Some(format!(
            "it was built for {what}: its api is {}, and this Padgate has {ABI_VERSION}",
            manifest.api
        ));
    }
    if manifest.binary.is_none() {
        return Some(format!(
            "it has no binary for {}, only for {}",
            platform(),
            if manifest.platforms.is_empty() { "nothing".to_owned() } else { manifest.platforms.join(", ") }
        ));
    }
    None
}

/// Opens the binary that a plugin's manifest names.
///
/// # Errors
///
/// Why it can't be used, without a full stop.
pub(super) fn open_binary(found: &Found) -> Result<Opened, String> {
    let name = found.manifest.as_ref().and_then(|manifest| manifest.binary.as_ref());
    let name = name.ok_or_else(|| format!("it has no binary for {}", platform()))?;
    let opened = open_inside(&found.folder, name).map_err(|why| format!("its binary {name:?}: {why}"))?;
    match opened.metadata.len() {
        0 => Err(format!("its binary {name:?} is empty")),
        length if length > BINARY_BYTES_MAX => Err(format!(
            "its binary {name:?} has {} MiB, and {} are the most",
            length.div_ceil(1 << 20),
            BINARY_BYTES_MAX >> 20
        )),
        _ => Ok(opened),
    }
}

/// Reads a file that lies beside a plugin's binary, such as its signature; `None` if there is none.
///
/// # Errors
///
/// Why it can't be read.
pub(super) fn read_beside(found: &Found, name: &str, bytes_max: u64) -> Result<Option<String>, String> {
    if std::fs::symlink_metadata(found.folder.join(name)).is_err() {
        return Ok(None);
    }
    let bytes = read_all(open_inside(&found.folder, name)?, bytes_max)?;
    String::from_utf8(bytes).map(Some).map_err(|_| "it is not text".to_owned())
}

/// Opens a file of a plugin's folder, which must really be in it, and which nobody else may be able to change.
fn open_inside(folder: &Path, name: &str) -> Result<Opened, String> {
    let opened = files::open_regular(&folder.join(name)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })?;
    if !opened.path.starts_with(folder) {
        return Err(format!("it leads out of the plugin's folder, to {}", opened.path.display()));
    }
    if let Some(why) = files::open_to_others(&opened.metadata) {
        return Err(format!("it is not safe: {why}"));
    }
    for above in opened.path.ancestors().skip(1).take_while(|above| above.starts_with(folder)) {
        let metadata = std::fs::metadata(above).map_err(|error| error.to_string())?;
        if let Some(why) = files::open_to_others(&metadata) {
            return Err(format!("its folder {} is not safe: {why}", above.display()));
        }
    }
    Ok(opened)
}

/// Reads all of a file, which may not be longer than that, whatever its length was a moment ago.
pub(super) fn read_all(opened: Opened, bytes_max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    opened.file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("it is longer than {bytes_max} bytes"));
    }
    Ok(bytes)
}
