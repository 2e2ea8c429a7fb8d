//! What an author of a Padgate plugin uses.
