//! The way back of what the back ends did for plugins.
//!
//! Keys, volumes and notifications of plugins go through the same back ends as those of pads, so that both take turns
//! and no second connection is made. A back end reports by the request's number: numbers of plugins have their highest
//! bit set, and what comes back for them answers the plugin instead of the pipeline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use padgate_core::engine::{Context, Effect, PressId, Request, RequestId};
use padgate_plugin_abi::{
    PADGATE_FAILED, PADGATE_LIMIT, PADGATE_OK, PADGATE_REFUSED, PADGATE_UNAVAILABLE, PadgateStatus,
};

use crate::clock;
use crate::hands::ActionSend;
use crate::lock::lock;
use crate::outcome::{Outcome, Report, ReportSink};
use crate::plugins::part::{Answered, PluginId, Reply};

/// How many requests of one plugin can be with the back ends at once: a small part of a back end's queue, so that a
/// plugin can't keep the presses of a hand out of it. A further one is answered with `PADGATE_LIMIT`.
pub const PENDING_MAX: usize = 16;

/// Set in the numbers of plugins' requests. The engine counts from 0.
const PLUGIN_BIT: u64 = 1 << 63;

/// See the module. Stands between the back ends and whoever else wants their reports.
pub struct RequestRouter {
    others: Arc<dyn ReportSink>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pending: HashMap<u64, (PluginId, Reply)>,
    last: u64,
}

impl RequestRouter {
    /// A router that hands on what is not a plugin's.
    #[must_use]
    pub fn new(others: Arc<dyn ReportSink>) -> RequestRouter {
        RequestRouter { others, state: Mutex::default() }
    }

    /// Hands the effect to the back ends, and answers when it was done. Never waits.
    pub(super) fn perform(&self, actions: &dyn ActionSend, plugin: PluginId, effect: Effect, reply: Reply) {
        let id = {
            let mut state = lock(&self.state);
            if state.pending.values().filter(|(owner, _)| *owner == plugin).count() >= PENDING_MAX {
                drop(state);
                let why =
                    format!("{PENDING_MAX} such requests of this plugin wait already: send fewer at once");
                reply.failed(PADGATE_LIMIT, why);
                return;
            }
            state.last = (state.last + 1) % PLUGIN_BIT;
            let id = state.last | PLUGIN_BIT;
            state.pending.insert(id, (plugin, reply));
            id
        };
        let context = Context {
            press: PressId(0),
            control: None,
            message: None,
            value: 0.0,
            raw: 0,
            ticks: 0,
            received: clock::now(),
        };
        let request = Request { id: RequestId(id), mapping: None, effect, context };
        if let Err(outcome) = actions.send(request) {
            self.answer(id, outcome);
        }
    }

    fn answer(&self, id: u64, outcome: Outcome) {
        let Some((_, reply)) = lock(&self.state).pending.remove(&id) else { return };
        let (status, why) = in_answer(outcome);
        reply.answer(Answered { status, code: 0, body: why.into_bytes(), socket: None });
    }
}

impl ReportSink for RequestRouter {
    fn report(&self, report: Report) {
        match report.request {
            RequestId(id) if id & PLUGIN_BIT != 0 => self.answer(id, report.outcome),
            _ => self.others.report(report),
        }
    }
}

fn in_answer(outcome: Outcome) -> (PadgateStatus, String) {
    match outcome {
        Outcome::Done => (PADGATE_OK, String::new()),
        Outcome::Failed(why) => (PADGATE_FAILED, why.into_owned()),
        Outcome::Unavailable(why) => (PADGATE_UNAVAILABLE, why.into_owned()),
        Outcome::Refused(why) => (PADGATE_REFUSED, why.into_owned()),
        Outcome::Dropped => (PADGATE_LIMIT, "too much waits to be done already: try again later".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use padgate_core::engine::{Effect, Request};
    use padgate_core::ruleset::action::MediaKey;
    use padgate_core::time::Time;

    use super::{
        ActionSend, Arc, Outcome, PADGATE_LIMIT, PADGATE_OK, PADGATE_REFUSED, PENDING_MAX, PluginId, Report,
        ReportSink, RequestId, RequestRouter, lock,
    };
    use crate::plugins::broker::tests_kit::waiting;

    #[derive(Default)]
    struct Backs {
        taken: Mutex<Vec<Request>>,
        refuse: bool,
    }

    impl ActionSend for Backs {
        fn send(&self, request: Request) -> Result<(), Outcome> {
            if self.refuse {
                return Err(Outcome::Refused("no".into()));
            }
            lock(&self.taken).push(request);
            Ok(())
        }
    }

    #[derive(Default)]
    struct Others(Mutex<Vec<RequestId>>);

    impl ReportSink for Others {
        fn report(&self, report: Report) {
            lock(&self.0).push(report.request);
        }
    }

    fn report(request: RequestId) -> Report {
        Report { request, outcome: Outcome::Done, started: Time::ZERO, done: Time::ZERO }
    }

    #[test]
    fn reports_find_their_way() {
        let others = Arc::new(Others::default());
        let router = RequestRouter::new(Arc::clone(&others) as Arc<dyn ReportSink>);
        let backs = Backs::default();
        let (reply, waiting) = waiting();
        router.perform(&backs, PluginId(1), Effect::Media(MediaKey::Next), reply);
        router.report(report(RequestId(1)));
        assert_eq!(*lock(&others.0), [RequestId(1)], "the pipeline's own goes to it");
        assert!(!waiting.is_answered());
        let id = lock(&backs.taken)[0].id;
        router.report(report(id));
        assert_eq!(waiting.get().status, PADGATE_OK);
        router.report(report(id));
        assert_eq!(lock(&others.0).len(), 1, "what is answered already goes nowhere");
    }

    #[test]
    fn what_is_refused_at_once_is_answered_at_once_and_too_many_are_said() {
        let router = RequestRouter::new(Arc::new(Others::default()));
        let refusing = Backs { refuse: true, ..Backs::default() };
        for _ in 0..PENDING_MAX * 2 {
            let (reply, waiting) = waiting();
            router.perform(&refusing, PluginId(1), Effect::Media(MediaKey::Next), reply);
            assert_eq!(waiting.get().status, PADGATE_REFUSED);
        }
        let backs = Backs::default();
        let perform = |plugin| {
            let (reply, waiting) = waiting();
            router.perform(&backs, PluginId(plugin), Effect::Media(MediaKey::Next), reply);
            waiting
        };
        let pending: Vec<_> = (0..PENDING_MAX).map(|_| perform(1)).collect();
        assert_eq!(perform(1).get().status, PADGATE_LIMIT);
        assert!(!perform(2).is_answered(), "another plugin has room of its own");
        assert!(pending.iter().all(|waiting| !waiting.is_answered()));
    }
}
