//! The gate: the one place that decides whether something may be done for a plugin. Nothing acts without a [`Permit`],
//! and only this module can make one.
//!
//! It knows plugins by their number, which the link to a host has by where it was made, and never by what a host says.
//! What it lets through, it hands on in the form in which it looked at it ([`Permitted`]): a parsed URL, an opened
//! file. Whoever acts uses that, and not the text that the plugin sent, so that nothing can be read in two ways.
//!
//! A permit can't be made elsewhere:
//!
//! ```compile_fail,E0451
//! use padgated::plugins::{gate::{Permit, Permitted}, part::PluginId};
//! let forged = Permit { plugin: PluginId(0), what: Permitted::Call };
//! ```
//!
//! nor used twice:
//!
//! ```compile_fail,E0382
//! fn twice(permit: padgated::plugins::gate::Permit) {
//!     permit.into_permitted();
//!     permit.into_permitted();
//! }
//! ```

mod check;
mod programs;
#[cfg(test)]
mod tests;
pub(super) mod words;

use std::ffi::OsString;
use std::fs::File;
use std::net::{IpAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use padgate_core::capability::Rights;
use padgate_core::ruleset::PortPattern;
use padgate_plugin_host::ask::Ask;
use url::Url;

use super::audit::{Audit, Entry, Event};
use super::inventory::Standing;
use super::part::PluginId;

/// Leave to do one thing for one plugin. It can't be copied, and whoever acts takes it.
#[derive(Debug)]
#[must_use = "what is permitted is not done by this"]
pub struct Permit {
    plugin: PluginId,
    what: Permitted,
}

impl Permit {
    /// For this plugin.
    #[must_use]
    pub fn plugin(&self) -> PluginId {
        self.plugin
    }

    /// What is permitted.
    #[must_use]
    pub fn permitted(&self) -> &Permitted {
        &self.what
    }

    /// What is permitted, for whoever does it now.
    #[must_use]
    pub fn into_permitted(self) -> Permitted {
        self.what
    }
}

/// What a permit is for, as it was looked at. The rest of an [`Ask`] (a message, a body, arguments) needs no leave.
#[derive(Debug)]
pub enum Permitted {
    /// To be called.
    Call,
    /// To set its timer. Needs no capability.
    Timer,
    /// To send MIDI to the device that it named; an empty name is `Padgate Out`.
    MidiSend,
    /// To take back what is not sent yet.
    MidiCancel,
    /// To listen to the device that it named.
    MidiListen,
    /// To make an HTTP request.
    Http {
        /// With this URL. A redirection is another request: ask the gate again, with its URL.
        url: Url,
        /// To this host and port.
        target: Target,
    },
    /// To be connected.
    Connect(Target),
    /// To send a datagram.
    Datagram(Target),
    /// To run a program.
    Run {
        /// By its absolute path; or by its bare name if there is none of this name in `PATH`, so that starting it
        /// fails with the system's own words.
        program: PathBuf,
    },
    /// To play a sound file.
    Play {
        /// Opened, a regular file.
        file: File,
        /// Where it really is, for messages.
        path: PathBuf,
    },
    /// To change a volume.
    Volume,
    /// To do a media key.
    Media,
    /// To show a notification.
    Notify,
    /// To set the brightness.
    Brightness,
    /// To open a URL, which is `http` or `https`.
    Open(Url),
    /// To press keys.
    Keys,
    /// To type text.
    Type,
}

/// A host and a port that a plugin may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host, normalised: a name in lower case (not yet resolved), or an address.
    pub host: url::Host<String>,
    /// The port.
    pub port: u16,
    /// Whether this computer itself is meant, or may be meant.
    near: bool,
}

impl Target {
    /// Whether the host's name may turn out to be this address. Whoever connects asks this for each address that the
    /// name was resolved to, and connects to no other: whoever owns a name decides what it resolves to, and a name in
    /// the internet must not become a way to the services of this computer.
    ///
    /// # Errors
    ///
    /// Says what is wrong and what to do.
    pub fn reaches(&self, address: IpAddr) -> Result<(), String> {
        let address = address.to_canonical();
        if self.near || !is_own(address) {
            return Ok(());
        }
        let Target { host, port, .. } = self;
        Err(format!(
            "{host} is {address}, which is this computer itself: only a grant of localhost:{port} allows that"
        ))
    }

    /// The host as the resolver wants it: without the brackets of an IPv6 address.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.host {
            url::Host::Domain(name) => name.clone(),
            url::Host::Ipv4(address) => address.to_string(),
            url::Host::Ipv6(address) => address.to_string(),
        }
    }
}

/// Whether the address leads to this computer: as such, or because one of its network cards (or a bridge for containers)
/// has it. What listens on all of them can be reached by any.
fn is_own(address: IpAddr) -> bool {
    // Only what is its own can a socket be bound to; groups are nobody's.
    let binds = || !address.is_multicast() && UdpSocket::bind((address, 0)).is_ok();
    address.is_loopback() || address.is_unspecified() || binds()
}

/// What the gate is told of one plugin.
#[derive(Clone, Debug)]
pub struct Gated {
    /// Which.
    pub id: PluginId,
    /// Its name.
    pub name: Arc<str>,
    /// Whether it can be called, and why not.
    pub standing: Standing,
    /// What it may do: its request cut down to what was granted.
    pub rights: Rights,
    /// What it requests, so that a refusal can say whether a grant would help.
    pub request: Rights,
    /// The folder that it can always read and write.
    pub data_folder: PathBuf,
    /// The folder that it was installed in.
    pub folder: PathBuf,
}

/// Decides. All methods can be called from any thread; the lock inside is held for a look-up only.
#[derive(Debug)]
pub struct Gate {
    places: Places,
    audit: Arc<Audit>,
    plugins: RwLock<Vec<Option<Arc<Known>>>>,
}

/// What names and paths are relative to.
#[derive(Clone, Debug, Default)]
struct Places {
    /// The user's home folder, for `~/`.
    home: PathBuf,
    /// The daemon's own `PATH`.
    path: Option<OsString>,
}

/// One plugin, prepared for quick answers.
#[derive(Debug)]
struct Known {
    gated: Gated,
    /// Why it can't be called; `None` if it can.
    why_not: Option<String>,
    send: Vec<PortPattern>,
    listen: Vec<PortPattern>,
}

impl Gate {
    /// A gate that knows no plugin yet. `home` is the user's home folder; refusals are told to `audit`.
    #[must_use]
    pub fn new(home: PathBuf, audit: Arc<Audit>) -> Gate {
        let places = Places { home, path: std::env::var_os("PATH") };
        Gate { places, audit, plugins: RwLock::default() }
    }

    /// Replaces all that the gate knows. What is not in `plugins` is refused from now on.
    pub fn replace(&self, plugins: Vec<Gated>) {
        let mut table = Vec::new();
        for gated in plugins {
            let index = gated.id.0 as usize;
            if table.len() <= index {
                table.resize_with(index + 1, || None);
            }
            table[index] = Some(Arc::new(Known::new(gated)));
        }
        let old = {
            let mut plugins = self.plugins.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *plugins, table)
        };
        // Outside of the lock, which the engine may wait for.
        drop(old);
    }

    /// Whether the plugin may be called now. Quick, and without allocation if it may.
    ///
    /// # Errors
    ///
    /// A sentence that says why not, and what to type.
    pub fn call(&self, plugin: PluginId) -> Result<Permit, String> {
        let known = {
            let plugins = self.plugins.read().unwrap_or_else(PoisonError::into_inner);
            match plugins.get(plugin.0 as usize) {
                Some(Some(known)) if known.why_not.is_none() => {
                    return Ok(Permit { plugin, what: Permitted::Call });
                }
                Some(Some(known)) => Arc::clone(known),
                Some(None) | None => return Err(words::gone()),
            }
        };
        let why = known.why_not.clone().unwrap_or_else(words::gone);
        self.refused(&known, &why, "call");
        Err(why)
    }

    /// Whether the plugin may do what it asks for.
    ///
    /// # Errors
    ///
    /// A sentence that says what it may not, and what would allow it.
    pub fn ask(&self, plugin: PluginId, ask: &Ask<'_>) -> Result<Permit, String> {
        let known = self.known(plugin).ok_or_else(words::gone)?;
        let answer = match &known.why_not {
            Some(why) => Err(why.clone()),
            None => check::ask(&known, &self.places, ask),
        };
        match answer {
            Ok(what) => Ok(Permit { plugin, what }),
            Err(why) => {
                self.refused(&known, &why, words::asked(ask));
                Err(why)
            }
        }
    }

    /// What the plugin may do now; nothing if it is not known.
    #[must_use]
    pub fn rights(&self, plugin: PluginId) -> Rights {
        self.known(plugin).map_or(Rights::NONE, |known| known.gated.rights.clone())
    }

    fn known(&self, plugin: PluginId) -> Option<Arc<Known>> {
        let plugins = self.plugins.read().unwrap_or_else(PoisonError::into_inner);
        plugins.get(plugin.0 as usize).cloned().flatten()
    }

    fn refused(&self, known: &Known, why: &str, what: &str) {
        self.audit.record(Entry::new(Event::Refusal, &known.gated.name, why).detail(what));
    }
}

impl Known {
    fn new(gated: Gated) -> Known {
        let patterns = |of: fn(&padgate_core::capability::MidiScope) -> &Vec<String>| -> Vec<PortPattern> {
            gated.rights.midi.as_ref().map_or(Vec::new(), |scope| {
                of(scope).iter().map(|pattern| PortPattern(pattern.clone())).collect()
            })
        };
        let (send, listen) = (patterns(|scope| &scope.send), patterns(|scope| &scope.listen));
        Known { why_not: words::why_not(&gated), send, listen, gated }
    }
}
