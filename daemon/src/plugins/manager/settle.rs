//! Makes the hosts what the book says.

use std::time::Duration;

use padgate_core::capability::{Capability, Rights};
use padgate_core::manifest::Limits;
use padgate_core::ruleset::plugins::UnenforcedPolicy;
use padgate_plugin_host::assignment::{Assignment, HostLimits, Profile, Unenforced};
use padgate_plugin_host::profile;

use super::book::Book;
use super::{Plugins, Routes};
use crate::plugins::audit::{Entry, Event};
use crate::plugins::files;
use crate::plugins::inventory::{Plugin, Standing};
use crate::plugins::part::PluginId;
use crate::plugins::store::Store;
use crate::plugins::supervisor::{HostState, Hosting};

/// The longest that a call may take where nothing else is said.
pub(super) const DEADLINE: Duration = Duration::from_millis(250);
/// Calls in a second where nothing else is said.
pub(super) const RATE: u32 = 1000;
/// Share of a processor where nothing else is said, in percent.
pub(super) const CPU: u8 = 50;

impl Plugins {
    /// As [`Plugins::look`], and has the configuration read again if there are other plugins now.
    pub(super) fn rescan(&self, book: &mut Book) {
        self.look(book);
        if std::mem::take(&mut book.catalogue_changed) {
            self.tell_catalogue();
        }
    }

    /// Looks at all plugins anew, tells everybody who decides by them, and starts and ends hosts.
    pub(super) fn look(&self, book: &mut Book) {
        book.grants.reload();
        let plugins = book.inventory.scan(&self.folders, &book.settings, &book.grants, &self.audit);
        book.catalogue_changed |= !same_manifests(&book.plugins, &plugins);
        book.plugins = plugins;
        for problem in book.inventory.problems() {
            tracing::warn!("plugins: {problem}");
        }
        for plugin in &mut book.plugins {
            // A folder of a grant that is not there is a reason that the user can mend, and has to know.
            if plugin.standing == Standing::Ready
                && let Err(error) = profile::compile(&plugin.rights, &self.folders.home)
            {
                let again = format!("then `padgate plugin load {}` tries again", plugin.name);
                plugin.standing = Standing::Unusable(format!("{error}; {again}"));
            }
        }
        self.gate.replace(book.plugins.iter().map(Plugin::gated).collect());
        let names = book.plugins.iter().map(|plugin| (plugin.name.to_string(), plugin.id));
        let routes = Routes::new(names, &book.calls);
        self.supervisor.calls(&routes.pairs());
        let old = {
            let mut current = self.routes.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::replace(&mut *current, routes)
        };
        // Outside of the lock, which presses wait for.
        drop(old);
        for plugin in &book.plugins {
            self.brokers.rights_changed(plugin.id);
        }
        self.settle(book);
        self.tell_changed();
    }

    /// Starts the hosts that are wanted and can be started, and ends those that are not wanted.
    pub(super) fn settle(&self, book: &mut Book) {
        let wanted = book.wanted();
        let ended: Vec<_> = book.hosted.keys().filter(|id| !wanted.contains(id)).copied().collect();
        for id in ended {
            book.hosted.remove(&id);
            self.supervisor.end(id);
        }
        let hostings: Vec<(PluginId, Option<Hosting>, bool)> = book
            .plugins
            .iter()
            .filter(|plugin| wanted.contains(&plugin.id))
            .map(|plugin| (plugin.id, self.hosting(book, plugin), self.needs_are_ready(book, plugin)))
            .collect();
        for (id, hosting, is_possible) in hostings {
            let before = book.hosted.get(&id);
            let loses = |before| hosting.as_ref().is_none_or(|hosting| is_tighter(hosting, before));
            if before.is_some_and(loses) {
                // What was taken back ends now, and not when what the plugin needs is ready, or its new host is.
                book.hosted.remove(&id);
                self.supervisor.cut(id);
            }
            let before = book.hosted.get(&id);
            let Some(hosting) = hosting.filter(|_| is_possible) else { continue };
            if before.is_some_and(|before| is_same(before, &hosting)) {
                continue;
            }
            self.host(book, hosting);
        }
    }

    /// Hosts a plugin, if the copy of its binary is still what was hashed.
    pub(super) fn host(&self, book: &mut Book, hosting: Hosting) {
        let sha256 = book
            .by_id(hosting.id)
            .and_then(|plugin| plugin.integrity.as_ref())
            .map(|integrity| integrity.sha256.clone())
            .unwrap_or_default();
        let copy = Store::open(&self.folders.store()).and_then(|store| store.library(&sha256));
        if let Err(error) = copy {
            let text = format!("its copy in the store can't be used: {error}");
            tracing::error!("the plugin {:?} is not started: {text}", hosting.name);
            self.audit.record(Entry::new(Event::Integrity, &hosting.name, text));
            return;
        }
        book.hosted.insert(hosting.id, hosting.clone());
        self.supervisor.host(hosting);
    }

    fn needs_are_ready(&self, book: &Book, plugin: &Plugin) -> bool {
        plugin.needs.iter().all(|need| {
            book.find(need).is_some_and(|need| self.supervisor.status(need.id).state == HostState::Ready)
        })
    }

    /// How the plugin is to be hosted; `None` if it can't be, which is said in the log.
    pub(super) fn hosting(&self, book: &Book, plugin: &Plugin) -> Option<Hosting> {
        let (manifest, integrity) = (plugin.manifest.as_ref()?, plugin.integrity.as_ref()?);
        let prepared = files::private_folder(&plugin.data_folder)
            .map_err(|error| format!("{}: {error}", plugin.data_folder.display()))
            .and_then(|()| {
                profile::compile(&plugin.rights, &self.folders.home).map_err(|error| error.to_string())
            });
        let profile = prepared
            .inspect_err(|error| tracing::warn!("the plugin {:?} can't be started: {error}", plugin.name))
            .ok()?;
        let limits = limits(&book.settings.limits, &plugin.name, manifest.limits);
        let defaults = HostLimits::default();
        let assignment = Assignment {
            plugin: plugin.name.to_string(),
            version: manifest.version.to_string(),
            library: integrity.library.clone(),
            data_folder: plugin.data_folder.clone(),
            home_folder: self.folders.home.clone(),
            profile,
            policy: match book.settings.unenforced {
                UnenforcedPolicy::Refuse => Unenforced::Refuse,
                UnenforcedPolicy::Brokered => Unenforced::Brokered,
                UnenforcedPolicy::Run => Unenforced::Run,
            },
            limits: HostLimits {
                memory: limits.memory.unwrap_or(defaults.memory),
                files: limits.files.unwrap_or(defaults.files),
                ..defaults
            },
            state: Vec::new(),
        };
        Some(Hosting {
            id: plugin.id,
            name: plugin.name.to_string(),
            assignment,
            deadline: limits.deadline.unwrap_or(DEADLINE),
            rate: limits.rate.unwrap_or(RATE),
            cpu: limits.cpu.unwrap_or(CPU),
        })
    }
}

fn same_manifests(before: &[Plugin], after: &[Plugin]) -> bool {
    let of = |plugins: &[Plugin]| -> Vec<_> {
        plugins.iter().map(|plugin| (std::sync::Arc::clone(&plugin.name), plugin.manifest.clone())).collect()
    };
    of(before) == of(after)
}

/// The manifest's limits, with what the user says instead.
pub(super) fn limits(user: &[(String, Limits)], plugin: &str, manifest: Limits) -> Limits {
    let user = user.iter().find(|(name, _)| name == plugin).map(|(_, limits)| *limits).unwrap_or_default();
    Limits {
        deadline: user.deadline.or(manifest.deadline),
        memory: user.memory.or(manifest.memory),
        rate: user.rate.or(manifest.rate),
        cpu: user.cpu.or(manifest.cpu),
        files: user.files.or(manifest.files),
    }
}

fn is_same(one: &Hosting, other: &Hosting) -> bool {
    one.assignment == other.assignment
        && (one.deadline, one.rate, one.cpu) == (other.deadline, other.rate, other.cpu)
}

/// A running host can't show that it would have been started under a stricter policy as well.
fn looseness(policy: Unenforced) -> u8 {
    match policy {
        Unenforced::Refuse => 0,
        Unenforced::Brokered => 1,
        Unenforced::Run => 2,
    }
}

/// Whether the operating system must allow less to `new` than it did to `old`.
fn is_tighter(new: &Hosting, old: &Hosting) -> bool {
    if looseness(new.assignment.policy) < looseness(old.assignment.policy) {
        return true;
    }
    let Profile { read, write, network, subprocess } = &old.assignment.profile;
    let new = &new.assignment.profile;
    let lost_port = match (network, &new.network) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(old), Some(new)) => {
            !new.is_empty() && (old.is_empty() || old.iter().any(|port| !new.contains(port)))
        }
    };
    read.iter().any(|path| !new.read.contains(path) && !new.write.contains(path))
        || write.iter().any(|path| !new.write.contains(path))
        || lost_port
        || (*subprocess && !new.subprocess)
}

/// Whether the capability, as the rights have it, is had by the host's own process and not through the daemon.
#[must_use]
pub fn is_direct(rights: &Rights, capability: Capability) -> bool {
    match capability {
        Capability::Midi | Capability::Audio | Capability::SystemControl => false,
        Capability::Network => rights.network.as_ref().is_some_and(|scope| scope.direct.is_some()),
        Capability::Filesystem => rights.filesystem.is_some(),
        Capability::Subprocess => rights.subprocess.as_ref().is_some_and(|scope| scope.direct),
    }
}
