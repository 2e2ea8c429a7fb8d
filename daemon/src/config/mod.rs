//! The configuration's files: where they are, reading them, watching them, showing what is wrong in them.
//!
//! What the files mean is [`padgate_core::config`]'s business; everything here is about files and terminals.
//!
//! - [`paths`]: where the files are.
//! - [`files`]: reading `config.toml` and `conf.d/`.
//! - [`controllers`]: controller files, built in and the user's.
//! - [`store`]: the configuration in use, and its next version.
//! - [`watch`]: a call when a file has changed.
//! - [`mod@render`]: mistakes as text for a terminal.
//! - [`mod@schema`]: the JSON schema for editors.

pub mod controllers;
pub mod files;
pub mod paths;
pub mod render;
pub mod schema;
pub mod store;
pub mod watch;

#[cfg(test)]
mod tests;

pub use paths::Paths;
pub use render::render;
pub use schema::{plugin_schema, schema};
pub use store::{ConfigStore, Outcome, PluginFinder};
pub use watch::ConfigWatcher;
