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
    /// All patterns of guests, see [`guest`].
    pub(crate) guests: Option<Vec<String>>,
}

/// Numbers from here on are of guests: outputs that are not in the configuration, but named while the daemon runs. The
/// configuration's own are counted from 0 and never come this far.
const GUESTS_FROM: usize = 1 << 31;

/// The target for the guest with this index.
pub(crate) fn guest(index: usize) -> Option<TargetId> {
    u32::try_from(GUESTS_FROM + index).ok().map(TargetId::new)
}

/// The guest that a target stands for, by its index.
#[cfg(target_os = "linux")]
fn as_guest(target: TargetId) -> Option<usize> {
    target.index().checked_sub(GUESTS_FROM)
}
