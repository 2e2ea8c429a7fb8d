//! The IPC server: what front ends can ask of the daemon.
//!
//! [`server`] accepts, [`connection`] talks to one client, [`dispatch`] turns calls into [`control::Control`] and
//! [`plugin_control::PluginControl`], and [`hub`] spreads events. [`convert`] is the one place where the engine's types become the protocol's.

pub mod cancel;
pub mod connection;
pub mod control;
pub mod convert;
pub mod dispatch;
pub mod explain;
pub mod hub;
pub mod plugin_control;
pub mod sentence;
pub mod server;
pub mod socket;

pub use cancel::Cancel;
pub use control::Control;
pub use hub::Hub;
pub use plugin_control::PluginControl;
pub use server::{CLIENTS_MAX, Server};
