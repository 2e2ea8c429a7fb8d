//! Tests of rights: their laws, and their texts.

mod laws;
mod texts;
