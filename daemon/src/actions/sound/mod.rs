//! Volume and mute of sound outputs, and the news of their volumes for controls with pickup.

#[cfg(target_os = "linux")]
mod pulse;
#[cfg(target_os = "linux")]
mod server;
#[cfg(not(target_os = "linux"))]
mod unsupported;

use padgate_core::ids::TargetId;

#[cfg(target_os = "linux")]
pub(crate) use server::Sound;
#[cfg(not(target_os = "linux"))]
pub(crate) use unsupported::Sound;

/// What the sound thread is told besides requests.
#[derive(Default, Debug)]
pub(crate) struct Control {
    /// New patterns, and the outputs to follow.
    pub(crate) targets: Option<(Vec<String>, Vec<TargetId>)>,
}
