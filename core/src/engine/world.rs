//! What the engine knows besides the controls: modes, variables, programs, volumes, the time of day.

use arrayvec::ArrayVec;

use super::io::PressId;
use crate::ids::{DeviceId, Id, ModeId, ProgramId, TargetId, VariableId};
use crate::midi::Message;
use crate::ruleset::action::{Assignment, ModeChange};
use crate::ruleset::condition::{Comparison, Condition, Value};
use crate::time::{LocalTime, Time};

/// How many messages to devices with an echo window are remembered. A controller echoes at once, so that a
/// longer memory would only drop what a hand did.
const SENT_MAX: usize = 32;

/// What the engine knows besides the controls.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Switched and pushed modes, from the bottom up; never empty.
    stack: Vec<ModeId>,
    /// Modes that a held control keeps on top, in the order in which they came.
    held: Vec<(PressId, ModeId)>,
    /// What both make active, each mode once, from the top down; then `None`, for mappings of every mode.
    active: Vec<Option<ModeId>>,
    variables: Vec<Option<Value>>,
    running: Vec<bool>,
    levels: Vec<Option<f64>>,
    pub(super) clock: LocalTime,
    sent: ArrayVec<(DeviceId, Message, Time), SENT_MAX>,
}

impl World {
    pub(super) fn new(start: ModeId) -> World {
        World { stack: vec![start], active: vec![Some(start), None], ..World::default() }
    }

    /// The active modes, from the bottom up.
    pub(super) fn modes(&self) -> impl DoubleEndedIterator<Item = ModeId> {
        self.stack.iter().copied().chain(self.held.iter().map(|(_, mode)| *mode))
    }

    pub(super) fn top(&self) -> ModeId {
        self.modes().next_back().unwrap_or(Id::new(0))
    }

    /// The active modes, each once, from the top down; then `None`, for mappings of every mode.
    pub(super) fn active(&self) -> &[Option<ModeId>] {
        &self.active
    }

    fn refresh_active(&mut self) {
        let World { stack, held, active, .. } = self;
        active.clear();
        for mode in held.iter().rev().map(|(_, mode)| mode).chain(stack.iter().rev()) {
            if !active.contains(&Some(*mode)) {
                active.push(Some(*mode));
            }
        }
        active.push(None);
    }

    /// Changes the switched and pushed modes. Says whether anything changed. [`ModeChange::Hold`] belongs to
    /// a press and is not for here.
    pub(super) fn change_mode(&mut self, change: ModeChange) -> bool {
        let changed = self.change_stack(change);
        self.refresh_active();
        changed
    }

    fn change_stack(&mut self, change: ModeChange) -> bool {
        match change {
            ModeChange::Switch(mode) => {
                let same = self.stack == [mode];
                self.stack.clear();
                self.stack.push(mode);
                !same
            }
            // A mode is on the stack once, so that the stack is bounded by the number of modes.
            ModeChange::Push(mode) => {
                let same = self.stack.last() == Some(&mode);
                self.stack.retain(|other| *other != mode);
                self.stack.push(mode);
                !same
            }
            ModeChange::Pop => {
                let more = self.stack.len() > 1;
                self.stack.truncate(if more { self.stack.len() - 1 } else { 1 });
                more
            }
            ModeChange::Toggle(mode) => {
                let length = self.stack.len();
                self.stack.retain(|other| *other != mode);
                if self.stack.len() == length {
                    self.stack.push(mode);
                } else if self.stack.is_empty() {
                    self.stack.push(Id::new(0));
                }
                true
            }
            ModeChange::Hold(_) => false,
        }
    }

    /// Keeps the mode on top for the press; says whether it was not yet.
    pub(super) fn hold_mode(&mut self, press: PressId, mode: ModeId) -> bool {
        let new = !self.held.contains(&(press, mode));
        if new {
            self.held.push((press, mode));
            self.refresh_active();
        }
        new
    }

    /// Ends the modes that `press` holds; says whether there were any.
    pub(super) fn release_modes(&mut self, press: PressId) -> bool {
        let before = self.held.len();
        self.held.retain(|(owner, _)| *owner != press);
        self.refresh_active();
        before != self.held.len()
    }

    pub(super) fn release_all_modes(&mut self) -> bool {
        let any = !self.held.is_empty();
        self.held.clear();
        self.refresh_active();
        any
    }

    pub(super) fn holds_modes(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn variable(&self, variable: VariableId) -> Option<&Value> {
        self.variables.get(variable.index())?.as_ref()
    }

    /// Gives a variable its first value, unless it has one.
    pub(super) fn introduce(&mut self, variable: VariableId, value: &Value) {
        if self.variable(variable).is_none() {
            self.set(variable, value.clone());
        }
    }

    pub(super) fn set(&mut self, variable: VariableId, value: Value) {
        *entry(&mut self.variables, variable) = Some(value);
    }

    /// Applies an assignment; `input` is the control's shaped value, `times` the ticks of an encoder.
    pub(super) fn assign(&mut self, variable: VariableId, assignment: &Assignment, input: f64, times: f64) {
        let old = self.variable(variable);
        let new = match assignment {
            Assignment::To(value) => value.clone(),
            Assignment::Input => Value::Number(input),
            Assignment::Toggle => Value::Flag(old != Some(&Value::Flag(true))),
            Assignment::Add(amount) => {
                Value::Number(old.and_then(Value::number).unwrap_or(0.0) + amount * times)
            }
        };
        self.set(variable, new);
    }

    pub(super) fn set_running(&mut self, program: ProgramId, runs: bool) {
        *entry(&mut self.running, program) = runs;
    }

    pub(super) fn level(&self, target: TargetId) -> Option<f64> {
        self.levels.get(target.index()).copied().flatten()
    }

    pub(super) fn set_level(&mut self, target: TargetId, level: Option<f64>) {
        *entry(&mut self.levels, target) = level;
    }

    /// Remembers what is sent to a device that may echo it.
    pub(super) fn remember_sent(&mut self, device: DeviceId, message: Message, now: Time) {
        if self.sent.is_full() {
            self.sent.remove(0);
        }
        self.sent.push((device, message, now));
    }

    /// Whether `message` was sent to the device less than `window` ago; it is forgotten then, because an echo
    /// comes once.
    pub(super) fn is_echo(
        &mut self,
        device: DeviceId,
        message: Message,
        window: std::time::Duration,
        now: Time,
    ) -> bool {
        let found = self
            .sent
            .iter()
            .position(|(to, sent, at)| *to == device && *sent == message && now.since(*at) < window);
        found.map(|place| self.sent.remove(place)).is_some()
    }

    pub(super) fn is_true(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Always => true,
            Condition::All(all) => all.iter().all(|condition| self.is_true(condition)),
            Condition::Any(any) => any.iter().any(|condition| self.is_true(condition)),
            Condition::Not(condition) => !self.is_true(condition),
            Condition::Mode(mode) => self.active.contains(&Some(*mode)),
            Condition::Time(span) => span.contains(self.clock),
            Condition::Weekday(days) => days & (1 << self.clock.weekday) != 0,
            Condition::Running(program) => self.running.get(program.index()).copied().unwrap_or(false),
            Condition::Variable(variable, comparison) => {
                let value = self.variable(*variable);
                match comparison {
                    Comparison::Is(wanted) => value == Some(wanted),
                    Comparison::Above(bound) => value.and_then(Value::number).is_some_and(|v| v > *bound),
                    Comparison::Below(bound) => value.and_then(Value::number).is_some_and(|v| v < *bound),
                }
            }
        }
    }
}

/// The place of `id` in a table that grows with the ids.
fn entry<K, T: Clone + Default>(table: &mut Vec<T>, id: Id<K>) -> &mut T {
    if table.len() <= id.index() {
        table.resize(id.index() + 1, T::default());
    }
    &mut table[id.index()]
}
