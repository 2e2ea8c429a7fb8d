//! The `padgated` program.
fn main() {}
