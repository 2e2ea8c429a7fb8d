//! The engine, played: a configuration made in code and a line such as `pad5 down, 450ms, pad5 up` give the
//! expected effects with their virtual times.
//!
//! Every script is played three times: with its deadlines kept, with all of them late, and with timers that
//! nobody asked for. What comes out must be the same.

mod allocations;
mod chords;
mod conditions;
mod encoders;
mod fourteen_bits;
mod gestures;
mod ledger;
mod modes;
mod movements;
mod other_triggers;
mod pickup;
mod plugins;
mod programs;
mod properties;
mod random;
mod reloads;
mod rules;
#[path = "../../benches/decide/rulesets.rs"]
mod rulesets;
mod script;
mod sequences;
mod show;
mod taps;
mod toml;
mod traces;
