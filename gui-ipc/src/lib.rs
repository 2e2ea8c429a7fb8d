//! Padgate's IPC: all that a front end needs to talk to the daemon.
