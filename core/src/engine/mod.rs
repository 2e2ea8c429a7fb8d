//! The engine: events and the time go in, effects and the next deadline come out.
//!
//! ```text
//! message ─► control ─► chord? ─► sequence? ─► touch (tap, hold, …) ─┐
//!                    └► movement, turn, program ─────────────────────┴► fire ─► run ─► act ─► effects
//! ```
//!
//! Everything that takes time (a hold, a tap window, a chord, a wait) is a deadline in the state. The caller
//! sleeps until [`Engine::next_deadline`] and calls [`Engine::handle`] with [`Input::Timer`]; calling too
//! early or too late changes no decision, because what is due is done in the order of the deadlines before
//! anything else.

mod act;
mod chord;
mod fourteen;
mod index;
mod io;
mod ledger;
mod moves;
mod pickup;
mod places;
mod press;
mod receive;
mod release;
mod run;
mod sequence;
mod taps;
mod touch;
mod world;

use std::sync::Arc;

pub use index::Index;
pub use io::{
    CallPhase, Context, Control, Effect, Input, Output, PassReason, Phase, PressId, RefuseReason, Request,
    RequestId, Trace, VolumeChange, WaitReason,
};
pub use ledger::Held;
pub use run::{QUEUE_MAX, RUNS_MAX};

use crate::ids::{ModeId, VariableId};
use crate::midi::Received;
use crate::ruleset::{Mapping, Ruleset, Trigger, Value};
use crate::time::Time;
use chord::Withheld;
use fourteen::Pair;
use index::SLOTS_PER_DEVICE;
use ledger::Ledger;
use moves::{Entered, Following, Position};
use places::Places;
use run::Runs;
use sequence::Recent;
use touch::Touch;
use world::World;

/// How many mappings that did not fire are named for one input; the rest would only cost time.
const PASSED_MAX: usize = 8;
/// How many mappings of modes that are not active are named where nothing fired.
const INACTIVE_NAMED_MAX: usize = 3;
/// How many deadlines one call deals with, so that the time under the caller's lock is bounded; what is left
/// is due at once.
const DUE_MAX: usize = 1024;

/// The state machine.
#[derive(Debug)]
pub struct Engine {
    index: Arc<Index>,
    world: World,
    ledger: Ledger,
    touches: Vec<Touch>,
    withheld: Withheld,
    recent: Recent,
    /// By device id.
    positions: Vec<Option<Box<[Position]>>>,
    entered: Vec<Entered>,
    pairs: Vec<Pair>,
    /// By number of the mapping among those of movements.
    following: Vec<Following>,
    runs: Runs,
    /// Mappings that fired for a press that is still down.
    live: Vec<(PressId, Arc<Mapping>)>,
    last_press: u64,
    last_request: u64,
    passed: usize,
    panic_wanted: bool,
}

/// What is due next.
#[derive(Clone, Copy, Debug)]
enum Due {
    Chord,
    Touch(usize),
    Pair(usize),
    Run(usize),
}

impl Engine {
    /// An engine with these rules, in their start mode, with nothing held.
    #[must_use]
    pub fn new(index: Arc<Index>) -> Engine {
        let mut engine = Engine {
            world: World::new(index.rules.settings.start_mode),
            index: Arc::default(),
            // Room for what two hands and a few macros do, so that playing allocates nothing.
            ledger: Ledger::with_capacity(128),
            touches: Vec::with_capacity(128),
            withheld: Withheld::default(),
            recent: Recent::new(),
            positions: Vec::new(),
            entered: Vec::with_capacity(32),
            pairs: Vec::with_capacity(32),
            following: Vec::new(),
            runs: Runs::new(),
            live: Vec::with_capacity(128),
            last_press: 0,
            last_request: 0,
            passed: 0,
            panic_wanted: false,
        };
        engine.reload(index, Time::ZERO, &mut Vec::new());
        engine
    }

    /// Replaces the rules between two events and hands back the old ones, so that the caller can free them
    /// where there is time. Presses, runs, modes, variables and what is held stay as they are; released is what
    /// a device held that the new rules do not have, and what sounds on an output that they do not have.
    pub fn reload(&mut self, index: Arc<Index>, now: Time, out: &mut Vec<Output>) -> Arc<Index> {
        self.do_due(now, out);
        let old = std::mem::replace(&mut self.index, Arc::clone(&index));
        for device in &old.rules.devices {
            if !index.has_device(device.id) {
                self.device_lost(device.id, now, out);
            }
        }
        let is_gone = |held: &Held| matches!(held, Held::Note { to, .. } if !index.has_output(*to));
        self.release_held(|entry| is_gone(&entry.what), now, out);
        self.positions.resize_with(index.device_count().max(self.positions.len()), || None);
        for device in &index.rules.devices {
            self.positions[device.id.index()]
                .get_or_insert_with(|| vec![Position::default(); SLOTS_PER_DEVICE].into_boxed_slice());
        }
        self.following = vec![Following::default(); index.mover_count()];
        for (variable, value) in &index.rules.variables {
            self.world.introduce(*variable, value);
        }
        old
    }

    /// Deals with one input that came at `now`, after everything that was due before it. What is to be done,
    /// and why, is appended to `out`.
    ///
    /// `now` must not go back; if it does, it counts as the time of nothing due.
    pub fn handle(&mut self, input: Input<'_>, now: Time, out: &mut Vec<Output>) {
        self.do_due(now, out);
        self.passed = 0;
        match input {
            Input::Midi { device, received: Received::Message(message) } => {
                self.message(device, message, now, out);
            }
            Input::Midi { device, received: Received::Sysex(bytes) } => self.sysex(device, bytes, now, out),
            Input::DeviceLost(device) => self.device_lost(device, now, out),
            Input::OutputLost(device) => {
                let there = |held: &Held| matches!(held, Held::Note { to, .. } if *to == Some(device));
                self.release_held(|entry| there(&entry.what), now, out);
            }
            Input::WallClock(time) => self.world.clock = time,
            Input::Running(program, runs) => self.world.set_running(program, runs),
            Input::TargetLevel(target, level) => self.world.set_level(target, level),
            Input::Mode(change) => self.change_mode(change, nobody(now), out),
            Input::Set(variable, value) => {
                self.world.set(variable, value);
                out.push(Output::Trace(Trace::VariableChanged { variable }));
            }
            Input::Panic => self.panic_wanted = true,
            Input::Timer => {}
        }
        self.panic_if_wanted(now, out);
        self.do_due(now, out);
    }

    /// When [`Engine::handle`] must be called again at the latest, if nothing comes in before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.next_due().map(|(at, _)| at)
    }

    /// The active modes, from the bottom of the stack up; the last one is on top.
    pub fn modes(&self) -> impl Iterator<Item = ModeId> {
        self.world.modes()
    }

    /// The value of a variable, if it has one.
    #[must_use]
    pub fn variable(&self, variable: VariableId) -> Option<&Value> {
        self.world.variable(variable)
    }

    /// Everything that is kept down, in the order in which it went down. A thing stands there once for each
    /// press that holds it.
    pub fn held(&self) -> impl Iterator<Item = &Held> {
        self.ledger.iter()
    }

    /// How many programs are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.runs.running.len()
    }

    /// Whether some condition asks for the time of day, so that [`Input::WallClock`] is wanted.
    #[must_use]
    pub fn wants_wall_clock(&self) -> bool {
        self.index.wants_wall_clock
    }

    /// Whether any mapping asks for real-time messages, so that a flood of clocks can be kept out early.
    #[must_use]
    pub fn wants_realtime(&self) -> bool {
        self.index.wants_realtime()
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<Ruleset> {
        &self.index.rules
    }

    fn is_down(&self, press: PressId) -> bool {
        self.touches.iter().any(|touch| touch.press == press && touch.released_at.is_none())
            || self.entered.iter().any(|entered| entered.press == press)
    }

    /// Whether the mapping's condition is true; says so if it is not.
    fn applies(&mut self, mapping: &Arc<Mapping>, out: &mut Vec<Output>) -> bool {
        let applies = self.world.is_true(&mapping.when);
        if !applies {
            self.pass(mapping, PassReason::Condition, out);
        }
        applies
    }

    /// Says of the mappings that are active why they did not fire.
    fn pass_active(&mut self, index: &Index, places: &Places, reason: PassReason, out: &mut Vec<Output>) {
        for mode in 0..self.world.active().len() {
            for mapping in places.of(self.world.active()[mode]).map(|place| index.mapping(place)) {
                if self.applies(mapping, out) {
                    self.pass(mapping, reason, out);
                }
            }
        }
    }

    /// Nothing fired: says of a few of the `wanted` mappings that their modes are not active.
    fn pass_inactive(
        &mut self,
        index: &Index,
        places: &Places,
        wanted: impl Fn(&Trigger) -> bool,
        out: &mut Vec<Output>,
    ) {
        let mut named = 0;
        for mapping in places.all().map(|place| index.mapping(place)) {
            let mode = mapping.mode.filter(|mode| !self.world.active().contains(&Some(*mode)));
            if let Some(mode) = mode.filter(|_| wanted(&mapping.trigger)) {
                self.pass(mapping, PassReason::Mode(mode), out);
                named += 1;
            }
            if named == INACTIVE_NAMED_MAX {
                return;
            }
        }
    }

    fn pass(&mut self, mapping: &Arc<Mapping>, reason: PassReason, out: &mut Vec<Output>) {
        if self.passed < PASSED_MAX {
            self.passed += 1;
            out.push(Output::Trace(Trace::Passed { mapping: Arc::clone(mapping), reason }));
        }
    }

    fn new_press(&mut self) -> PressId {
        self.last_press += 1;
        PressId(self.last_press)
    }

    /// Does what is due by `now`, in the order of the deadlines.
    fn do_due(&mut self, now: Time, out: &mut Vec<Output>) {
        for _ in 0..DUE_MAX {
            let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= now) else { return };
            let index = Arc::clone(&self.index);
            self.passed = 0;
            match due {
                Due::Chord => self.settle(&index, at, out),
                Due::Touch(place) => self.touch_due(place, at, out),
                Due::Pair(place) => self.pair_due(&index, place, at, out),
                Due::Run(place) => self.run_due(place, at, out),
            }
            self.panic_if_wanted(at, out);
        }
    }

    /// A step that asked for panic has been taken: now that nothing is half done, do it.
    fn panic_if_wanted(&mut self, now: Time, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.panic_wanted) {
            self.panic(now, out);
        }
    }

    fn next_due(&self) -> Option<(Time, Due)> {
        let mut next: Option<(Time, Due)> = None;
        let mut offer = |at: Time, due: Due| {
            if next.is_none_or(|(earliest, _)| at < earliest) {
                next = Some((at, due));
            }
        };
        if let Some(at) = self.withheld.deadline {
            offer(at, Due::Chord);
        }
        for (place, touch) in self.touches.iter().enumerate() {
            if let Some(at) = touch.deadline {
                offer(at, Due::Touch(place));
            }
        }
        for (place, pair) in self.pairs.iter().enumerate() {
            offer(pair.deadline, Due::Pair(place));
        }
        for (place, run) in self.runs.running.iter().enumerate() {
            offer(run.wake, Due::Run(place));
        }
        next
    }
}

/// The context of something that no press caused.
fn nobody(now: Time) -> Context {
    Context {
        press: PressId::default(),
        control: None,
        message: None,
        value: 0.0,
        raw: 0,
        ticks: 0,
        received: now,
    }
}
