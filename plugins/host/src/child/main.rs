//! `padgate-plugin-host`: the confined process that runs one plugin.
//!
//! It is started by the daemon, one for each plugin, with its end of the link as standard input; nobody starts it by
//! hand. In this order: close what was inherited → die with the daemon → learn what to run → lock down → report how far →
//! load the library → seal → make the instance → ready. Nothing before the lock-down starts a thread, and nothing of the
//! plugin runs before it.

#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod instance;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod start;
#[cfg(target_os = "linux")]
mod tables;

#[cfg(target_os = "linux")]
fn main() {
    run::host()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("padgate-plugin-host: plugins can't be run on this system yet: Padgate runs them on Linux");
    std::process::exit(padgate_plugin_host::ended::EXIT_USAGE);
}
