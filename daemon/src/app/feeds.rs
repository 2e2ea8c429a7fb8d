//! From the pipeline to subscribers: tasks that run only while somebody listens.

use std::sync::{Arc, Mutex, Weak};

use padgate_core::engine::Trace;
use padgate_core::ruleset::Ruleset;
use padgate_ipc::event::{Event, Topic};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::history::{Happened, Record};
use crate::ipc::Hub;
use crate::ipc::convert::{self, recording, status};
use crate::lock::lock;
use crate::pipeline::{Heard, Pipeline};

/// The tasks.
pub(super) struct Feeds {
    runtime: Handle,
    hub: Arc<Hub>,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    happened: Option<JoinHandle<()>>,
    heard: Option<JoinHandle<()>>,
}

impl Feeds {
    pub(super) fn new(runtime: &Handle, hub: Arc<Hub>) -> Feeds {
        Feeds { runtime: runtime.clone(), hub, tasks: Mutex::default() }
    }

    /// Starts and ends tasks, so that there are those that somebody listens to.
    pub(super) fn follow_interest(&self, pipeline: &Arc<Pipeline>) {
        let mut tasks = lock(&self.tasks);
        let wants_happened = self.hub.wants(Topic::Events) || self.hub.wants(Topic::Modes);
        adjust(&mut tasks.happened, wants_happened, || {
            // Subscribed here and not in the task: what happens after the client's call must not be missed.
            let events = pipeline.subscribe();
            self.runtime.spawn(happened(events, Arc::downgrade(pipeline), Arc::clone(&self.hub)))
        });
        adjust(&mut tasks.heard, self.hub.wants(Topic::Input), || {
            let inputs = pipeline.record();
            self.runtime.spawn(heard(inputs, Arc::downgrade(pipeline), Arc::clone(&self.hub)))
        });
    }
}

fn adjust(task: &mut Option<JoinHandle<()>>, wanted: bool, start: impl FnOnce() -> JoinHandle<()>) {
    match task {
        Some(running) if !wanted || running.is_finished() => {
            running.abort();
            *task = wanted.then(start);
        }
        None if wanted => *task = Some(start()),
        Some(_) | None => {}
    }
}

/// Feeds what happens.
async fn happened(mut events: mpsc::Receiver<Happened>, pipeline: Weak<Pipeline>, hub: Arc<Hub>) {
    let rules = || pipeline.upgrade().map(|pipeline| pipeline.ruleset());
    let Some(mut names_of) = rules() else { return };
    while let Some(event) = events.recv().await {
        match event {
            Happened::Record(record) => {
                hub.feed(Topic::Events, &Event::Record(convert::record(&record, &names_of.names))).await;
                if hub.wants(Topic::Modes) && changes_modes(&record) {
                    tell_modes(&pipeline, &names_of, &hub).await;
                }
            }
            Happened::Report(report) => {
                hub.feed(Topic::Events, &Event::Outcome(convert::outcome(&report))).await
            }
            Happened::Missed(count) => hub.feed(Topic::Events, &Event::Missed { count }).await,
            Happened::Reloaded(_) => match rules() {
                Some(rules) => names_of = rules,
                None => return,
            },
        }
    }
}

fn changes_modes(record: &Record) -> bool {
    let changes = |trace: &Trace| {
        matches!(trace, Trace::ModeChanged { .. } | Trace::VariableChanged { .. } | Trace::Panicked)
    };
    record.traces.iter().any(changes)
}

/// Waits for clients that are behind, as the records before it do: after a burst of them, a queue is full for a moment.
async fn tell_modes(pipeline: &Weak<Pipeline>, rules: &Ruleset, hub: &Hub) {
    if let Some(event) = pipeline.upgrade().map(|it| Event::Modes(status::modes(&it.state(), rules))) {
        hub.feed(Topic::Modes, &event).await;
    }
}

/// Feeds what comes in, for recordings.
async fn heard(mut inputs: mpsc::Receiver<Heard>, pipeline: Weak<Pipeline>, hub: Arc<Hub>) {
    while let Some(heard) = inputs.recv().await {
        // Names only get more; the rules in force have all that were ever heard.
        let Some(rules) = pipeline.upgrade().map(|pipeline| pipeline.ruleset()) else { return };
        if let Some(line) = recording::line(&heard, &rules.names) {
            hub.feed(Topic::Input, &Event::Input(line)).await;
        }
    }
    // The pipeline gave up on this recorder: whoever records must know that something is missing.
    hub.publish(Topic::Input, &Event::Missed { count: 1 });
}
