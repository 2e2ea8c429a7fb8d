//! The `padgate` command.
fn main() {}
