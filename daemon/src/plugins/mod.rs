//! Plugins: found, verified, gated, run in hosts, counted.
//!
//! | module | does |
//! |---|---|
//! | `part` | the words and seams that the others share |

pub mod gate;
pub mod part;
