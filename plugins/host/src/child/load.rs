//! Loading a plugin's library, and looking at its table before anything in it is used.
//!
//! The library runs code of its own as soon as it is loaded. The process is locked down by then.

#![allow(unsafe_code, reason = "a library is loaded, and memory of it is read")]

use std::error::Error as _;
use std::ptr::NonNull;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use padgate_plugin_abi::{ABI_VERSION, ENTRY_SYMBOL, PadgateEntry, PadgatePlugin, PadgateText};
use padgate_plugin_host::assignment::Assignment;

/// The longest name and version that a library may say, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Loads the library of an assignment and returns its table. It stays loaded for as long as the process lives.
///
/// # Errors
///
/// A sentence for the user, if the library can't be loaded or is not what the manifest says.
pub(crate) fn load(assignment: &Assignment) -> Result<PadgatePlugin, String> {
    // SAFETY: It runs code of the plugin, which may do what this process may: that is what the process is for.
    let library = unsafe { Library::open(Some(&assignment.library), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| format!("its library can't be loaded: {}", whole(&error)))?;
    // SAFETY: The symbol has this type in every library that keeps to the ABI.
    let entry = unsafe { library.get::<PadgateEntry>(ENTRY_SYMBOL) };
    let entry = *entry.map_err(|error| {
        format!("its library is no plugin of Padgate: it has no `{ENTRY_SYMBOL}` ({})", whole(&error))
    })?;
    std::mem::forget(library);
    // SAFETY: As for loading.
    let table = read_table(unsafe { entry() })?;
    for (what, said, expected) in
        [("name", table.name, &assignment.plugin), ("version", table.version, &assignment.version)]
    {
        let said = read_name(what, said)?;
        if said != *expected {
            return Err(format!(
                "its library says that its {what} is `{said}`, and the manifest says `{expected}`: the library is \
                 not the one that belongs to the manifest"
            ));
        }
    }
    Ok(table)
}

/// An error with its reasons; libloading says what happened only there.
fn whole(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn read_table(table: *const PadgatePlugin) -> Result<PadgatePlugin, String> {
    let table = NonNull::new(table.cast_mut())
        .ok_or_else(|| format!("its `{ENTRY_SYMBOL}` returned no table: the plugin can't run here"))?;
    if !table.is_aligned() {
        return Err("its table is not where a table can be: the address is not aligned".to_owned());
    }
    // SAFETY: Every table begins with these. An address that is none ends this process, as any crash of the plugin.
    let (size, abi) = unsafe { ((*table.as_ptr()).size, (*table.as_ptr()).abi) };
    if abi != ABI_VERSION {
        return Err(format!(
            "it was built for version {abi} of Padgate's plugin interface, and this is version {ABI_VERSION}: get \
             a build of the plugin for this Padgate"
        ));
    }
    if (size as usize) < size_of::<PadgatePlugin>() {
        return Err(format!(
            "its table says that it is {size} bytes large, and version {ABI_VERSION} of the plugin interface has {}",
            size_of::<PadgatePlugin>()
        ));
    }
    // SAFETY: It is as large as this, says the library.
    let table = unsafe { table.read() };
    let functions = [
        ("create", table.create.is_some()),
        ("destroy", table.destroy.is_some()),
        ("prepare", table.prepare.is_some()),
        ("execute", table.execute.is_some()),
    ];
    match functions.iter().find(|(_, there)| !there) {
        Some((name, _)) => Err(format!("its table has no `{name}`, which every plugin needs")),
        None => Ok(table),
    }
}

fn read_name(what: &str, text: PadgateText) -> Result<String, String> {
    if text.length > NAME_BYTES_MAX {
        return Err(format!("its {what} is {} bytes long, and {NAME_BYTES_MAX} is the most", text.length));
    }
    if text.data.is_null() || text.length == 0 {
        return Err(format!("its table has no {what}"));
    }
    // SAFETY: It lies there as long as the library is loaded, says the library; it is short.
    let bytes = unsafe { std::slice::from_raw_parts(text.data, text.length) };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("its {what} is not UTF-8")),
    }
}
