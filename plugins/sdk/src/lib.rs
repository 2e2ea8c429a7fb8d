//! What an author of a Padgate plugin uses: one trait, one macro, typed parameters, and a test kit.
//!
//! A plugin is a shared library. It is run in a process of its own, which can do only what the user granted; everything
//! else it asks Padgate for, through the [`Host`]. A whole plugin:
//!
//! ```
//! use padgate_plugin::{ActionPlugin, Context, Error, Host};
//!
//! #[derive(Default)]
//! struct Hello {
//!     greeted: u64,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Params {
//!     name: String,
//! }
//!
//! impl ActionPlugin for Hello {
//!     type Params = Params;
//!
//!     fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
//!         self.greeted += 1;
//!         host.info(&format!("hello {}, number {}, at {}", params.name, self.greeted, context.velocity()));
//!         Ok(())
//!     }
//! }
//!
//! padgate_plugin::export!(Hello);
//! # fn main() {}
//! ```
//!
//! with `crate-type = ["cdylib"]` in its `Cargo.toml` and a `plugin.toml` beside the library. A plugin with several
//! actions has an enum of parameters, with one variant for each action:
//!
//! ```
//! #[derive(serde::Deserialize)]
//! #[serde(rename_all = "kebab-case")]
//! enum Params {
//!     Scene { name: String },
//!     ToggleMute { input: String },
//!     StartRecording,
//! }
//! ```
//!
//! Padgate calls the functions of a plugin one at a time, on one thread. A panic in them is caught and becomes a failure
//! of that call, with its message and place; the plugin must not be built with `panic = "abort"`.

#![allow(unsafe_code, reason = "a plugin talks with its host through pointers")]

mod context;
mod error;
mod export;
mod host;
mod moment;
mod params;
mod raw;

pub mod template;
pub mod test;

pub use context::{Context, Event, Phase};
pub use error::{Error, ErrorKind};
pub use host::{
    Brightness, Command, Host, HttpRequest, HttpResponse, Level, Media, Midi, Output, System, Volume,
};
pub use moment::Moment;
pub use params::duration;
pub use serde_json as json;

/// The code of the author's guide, which is compiled and run as well.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/plugins/rust.md")]
struct Guide;

/// What [`export!`] needs from here; nothing for an author.
#[doc(hidden)]
pub mod private {
    pub use crate::export::{Exported, Table};
    pub use padgate_plugin_abi as abi;
}

/// A plugin. [`export!`] makes a library of it.
///
/// There is one instance in a process. Padgate makes it with [`Default`], calls [`start`](ActionPlugin::start), then
/// [`check`](ActionPlugin::check) for each use of it in the configuration, and [`execute`](ActionPlugin::execute) when a
/// control is used.
pub trait ActionPlugin: Default + 'static {
    /// The parameters of one use in the configuration: a struct, or an enum with a variant for each action. What serde
    /// says against them is shown when the configuration is loaded.
    type Params: serde::de::DeserializeOwned + 'static;

    /// Called once, first. `saved` is what an earlier run or version gave in [`save`](ActionPlugin::save), or empty.
    ///
    /// # Errors
    ///
    /// If the plugin can't be used at all; the text is shown to the user.
    fn start(&mut self, host: &Host, saved: &[u8]) -> Result<(), Error> {
        let _ = (host, saved);
        Ok(())
    }

    /// Looks at the parameters when the configuration is loaded, for what serde can't say.
    ///
    /// # Errors
    ///
    /// If they can't be used; the text is shown to the user.
    fn check(&mut self, params: &Self::Params, host: &Host) -> Result<(), Error> {
        let _ = (params, host);
        Ok(())
    }

    /// Does it: a control was pressed, released (only if the call says `hold = true`) or moved; see
    /// [`Context::phase`].
    ///
    /// # Errors
    ///
    /// If it was not done; the text is shown to the user.
    fn execute(&mut self, params: &Self::Params, context: &Context, host: &Host) -> Result<(), Error>;

    /// Something happened between calls: the timer ran out, or a device that the plugin listens to sent something.
    fn event(&mut self, event: &Event<'_>, host: &Host) {
        let _ = (event, host);
    }

    /// What the next run or version is to be given; at most 48 KiB. It may be called more than once.
    fn save(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Called last, unless the process is killed.
    fn stop(&mut self, host: &Host) {
        let _ = host;
    }
}
