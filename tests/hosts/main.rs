//! Plugins that misbehave, in the real host, under the real supervisor, confined as they are in real life. Whatever they do,
//! the outcome says it in a sentence, and the plugin beside them is not affected.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![cfg(target_os = "linux")]

mod harness;
mod running;
mod starting;
