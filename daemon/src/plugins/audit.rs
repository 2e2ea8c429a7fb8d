//! The audit log.

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// Something was granted.
    Grant,
    /// A grant was taken back.
    Revoke,
    /// Something was refused.
    Refusal,
    /// A binary or a signature is not what it should be.
    Integrity,
    /// A host was started.
    Start,
    /// A host has locked itself down.
    Confined,
    /// A host was killed.
    Kill,
    /// A host died by itself.
    Crash,
    /// A host was started again.
    Restart,
    /// The user wants the plugin.
    Enable,
    /// The user does not want the plugin.
    Disable,
    /// A plugin was loaded.
    Load,
    /// A plugin was unloaded.
    Unload,
    /// Entries were lost.
    Lost,
}

/// Something to write down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What.
    pub event: Event,
    /// Of which plugin.
    pub plugin: String,
    /// In a sentence.
    pub text: String,
    /// Whatever else is worth knowing; may be empty.
    pub detail: String,
}

impl Entry {
    /// An entry without detail.
    #[must_use]
    pub fn new(event: Event, plugin: &str, text: impl Into<String>) -> Entry {
        Entry { event, plugin: plugin.to_owned(), text: text.into(), detail: String::new() }
    }

    /// Adds detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Entry {
        self.detail = detail.into();
        self
    }
}

/// Writes the log.
#[derive(Debug, Default)]
pub struct Audit;

impl Audit {
    /// One that writes nothing.
    #[must_use]
    pub fn none() -> Audit {
        Audit
    }

    /// Writes an entry down. Never waits.
    pub fn record(&self, entry: Entry) {
        let _ = entry;
    }
}
