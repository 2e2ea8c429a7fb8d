//! From the text of a configuration to what it means.
