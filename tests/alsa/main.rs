//! Tests on a real ALSA sequencer: the ports, controllers and keys of a kernel. Where there is no sequencer they are
//! skipped, with a notice; `make test-alsa` runs them in a virtual machine that has one. One file per subject:
//!
//! - [`notes`]: what other programs and devices send comes out as it was mapped.
//! - [`hotplug`]: USB controllers that come, go, and are twins.
//! - [`flood`]: tens of thousands of events, none of which is lost.
//! - [`keys`]: keys through uinput, read back.
//! - [`plugins`]: plugins that speak MIDI.

mod flood;
mod hotplug;
mod keys;
mod notes;
mod plugins;
