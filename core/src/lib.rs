//! Padgate's engine: it decodes MIDI, recognises what a hand did, and decides what is to be done.
//!
//! It reads no clock, file, socket or environment variable: events and the time go in, effects and the
//! next deadline come out. The same inputs give the same outputs, so that a recording replays byte for
//! byte and hours of playing can be tested in a millisecond.
//!
//! - [`midi`]: messages and the decoder.
//! - [`config`]: from the text of a configuration to a [`ruleset::Ruleset`], with every mistake reported.
//! - [`ruleset`]: what a configuration means.
//! - [`engine`]: the state machine.
//! - [`capability`]: what a plugin can be allowed to do.
//! - [`manifest`]: what a plugin says of itself.

pub mod capability;
pub mod config;
pub mod engine;
pub mod ids;
pub mod manifest;
pub mod midi;
pub mod ruleset;
pub mod time;
