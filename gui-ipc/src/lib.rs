//! Padgate's IPC, for every front end: the types on the wire, the codec, and a blocking client.
//!
//! JSON-RPC 2.0, one object per line, on a local socket ([`address`]). A client says [`hello`] first, then calls
//! methods ([`method`]); one of them, `subscribe`, makes the daemon send events ([`event`]) until the connection
//! ends. Calls on one connection are carried out one after the other, in order; closing the connection cancels the
//! one under way.
//!
//! # How it grows
//!
//! Within a major version of the protocol things are only added. So: unknown fields are ignored on both sides, a
//! missing field has a default wherever one makes sense, and lists of kinds end in `Unknown`. New groups of methods
//! and topics get a prefix (`plugin.list`, topic `plugin_log`) and a name in [`hello::Hello::features`].

pub mod address;
pub mod check;
pub mod client;
pub mod codec;
pub mod control;
pub mod error;
pub mod event;
pub mod hello;
pub mod method;
pub mod plugin;
pub mod recording;
pub mod rpc;
pub mod state;
pub mod status;

pub use client::{Client, ClientError};
pub use error::{ErrorCode, ErrorObject};
pub use method::Method;
