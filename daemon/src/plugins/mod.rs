//! Plugins: found, verified, gated, run in hosts, counted.
//!
//! | module | does |
//! |---|---|
//! | `audit` | writes down every grant, refusal, crash and the like |
//! | `broker` | does what plugins ask for, once it is permitted |
//! | `depend` | sorts plugins by what they need |
//! | `files` | opens and writes files carefully |
//! | `find` | finds them, without running anything |
//! | `folders` | where everything lies |
//! | `gate` | decides whether something may be done for a plugin |
//! | `grants` | what the user granted, and the file that keeps it |
//! | `inventory` | knows every plugin that was found |
//! | `manager` | puts all of it together, for the rest of the daemon |
//! | `part` | the words and seams that the others share |
//! | `signature` | verifies signatures |
//! | `store` | keeps the copies that are loaded |
//! | `supervisor` | hosts: started, called, watched, killed, started again, counted |

pub mod audit;
pub mod broker;
pub mod depend;
pub(crate) mod files;
pub mod find;
pub mod folders;
pub mod gate;
pub mod grants;
pub mod inventory;
pub mod manager;
pub mod part;
pub mod signature;
pub mod store;
pub mod supervisor;
