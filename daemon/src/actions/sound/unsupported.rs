//! Where sound outputs can't be reached yet: every action says so. Untested.

use std::sync::Arc;

use padgate_core::ids::TargetId;

use super::super::LevelSink;
use super::super::places::Places;
use super::super::queue::{Entry, Queue};
use super::super::worker::BackEnd;
use super::Control;
use crate::outcome::Outcome;

/// The back end behind the queue.
pub(crate) struct Sound;

impl Sound {
    pub(crate) fn new(
        _: &Places,
        _: Vec<String>,
        _: Vec<TargetId>,
        _: Arc<dyn LevelSink>,
        _: Arc<Queue<Control>>,
    ) -> Sound {
        Sound
    }
}

impl BackEnd for Sound {
    type Control = Control;

    fn perform(&mut self, _: &mut Entry) -> Option<Outcome> {
        Some(Outcome::Unavailable("volume is not supported on this platform yet".into()))
    }

    fn control(&mut self, _: Control) {}

    fn close(&mut self) {}
}
