//! Conditions: what must be true besides the trigger, and the values of variables.

use std::sync::Arc;

use crate::ids::{ModeId, ProgramId, VariableId};
use crate::time::LocalTime;

/// What must be true for a mapping to apply, or for an `if` to take its first branch.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Condition {
    /// Always true.
    #[default]
    Always,
    /// Every one is true.
    All(Vec<Condition>),
    /// At least one is true.
    Any(Vec<Condition>),
    /// It is not true.
    Not(Box<Condition>),
    /// The mode is the current one, or lies below it on the stack.
    Mode(ModeId),
    /// The local time of day is in the span.
    Time(DaySpan),
    /// Today is one of the days; bit 0 is Monday.
    Weekday(u8),
    /// The program runs.
    Running(ProgramId),
    /// The variable compares so.
    Variable(VariableId, Comparison),
}

/// A span of the day in minutes since midnight, from `start` up to but without `end`. If `end` is not after
/// `start`, it runs over midnight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DaySpan {
    /// 0 to 1439.
    pub start: u16,
    /// 0 to 1440.
    pub end: u16,
}

impl DaySpan {
    /// Whether `time` lies in the span.
    #[must_use]
    pub fn contains(self, time: LocalTime) -> bool {
        let minute = time.minute_of_day;
        if self.start < self.end {
            (self.start..self.end).contains(&minute)
        } else {
            minute >= self.start || minute < self.end
        }
    }
}

/// How a variable is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// It equals this.
    Is(Value),
    /// It is a number greater than this.
    Above(f64),
    /// It is a number smaller than this.
    Below(f64),
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(Arc<str>),
}

impl Value {
    /// The number, where it is one; a flag counts as 0 or 1.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Flag(flag) => Some(f64::from(u8::from(*flag))),
            Value::Number(number) => Some(*number),
            Value::Text(_) => None,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{text:?}"),
        }
    }
}
