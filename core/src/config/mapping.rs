//! `[[map]]`: mappings.

use std::sync::Arc;

use super::context::{Context, Spot};
use super::diagnostics::Code;
use super::keys::MAP;
use super::reader::{self, Table, Written};
use super::trigger::{self, FOURTEEN_BITS_MAX, ReadTrigger, SEVEN_BITS_MAX};
use super::{action, condition, shape, title};
use crate::ids::ModeId;
use crate::ruleset::action::{Action, Again, Assignment, Level, Program, Step};
use crate::ruleset::trigger::Trigger;
use crate::ruleset::{Condition, Mapping, Origin, Shape, Takeover};

/// A mapping with its place, for the checks across mappings.
pub(super) struct ReadMapping {
    pub(super) mapping: Arc<Mapping>,
    pub(super) spot: Spot,
    /// Where its mode is written.
    pub(super) mode_spot: Option<Spot>,
}

/// Reads one mapping. `None`: it has mistakes, or is not enabled.
pub(super) fn read(ctx: &mut Context, value: &Written<'_>) -> Option<ReadMapping> {
    let errors_before = ctx.error_count();
    let table = reader::table(ctx, value, &MAP)?;
    let spot = ctx.spot(table.span.clone());
    let enabled = table.flag(ctx, "enabled").unwrap_or(true);
    let (mode, mode_spot) = mode(ctx, &table);
    let trigger = table.get("on").and_then(|on| trigger::read(ctx, on));
    let when = table.get("when").map_or(Condition::Always, |when| condition::read(ctx, when));
    let shape = shaping(ctx, &table, trigger.as_ref());
    let again = match table.word(ctx, "again") {
        Some("queue") => Again::Queue,
        Some("concurrent") => Again::Concurrent,
        Some("ignore") => Again::Ignore,
        _ => Again::Restart,
    };
    let program = table.get("do").map(|what| action::read(ctx, what)).unwrap_or_default();
    let written_name = table.text(ctx, "name");
    let trigger = trigger?;
    check_takeover(ctx, &trigger, &program);
    if ctx.error_count() > errors_before || !enabled {
        return None;
    }
    let name = written_name.map_or_else(
        || {
            let control = trigger.control_name.as_deref();
            format!(
                "{} → {}",
                title::trigger(&trigger.trigger, control, &ctx.names),
                title::program(&program, &ctx.names)
            )
        },
        str::to_owned,
    );
    let place = ctx.place(spot);
    let origin = Origin { file: place.file.to_string(), line: place.line };
    let mapping = Mapping {
        name,
        origin,
        mode,
        trigger: trigger.trigger,
        when,
        shape,
        takeover: trigger.takeover,
        program: Arc::new(program),
        again,
    };
    Some(ReadMapping { mapping: Arc::new(mapping), spot, mode_spot })
}

fn mode(ctx: &mut Context, table: &Table<'_>) -> (Option<ModeId>, Option<Spot>) {
    let Some(name) = table.text(ctx, "mode") else { return (None, None) };
    (Some(ctx.mode(name)), Some(ctx.spot(table.value_span("mode"))))
}

fn shaping(ctx: &mut Context, table: &Table<'_>, trigger: Option<&ReadTrigger>) -> Shape {
    let Some(value) = table.get("value") else { return Shape::default() };
    let max = match trigger.map(|read| &read.trigger) {
        Some(
            Trigger::Press { .. }
            | Trigger::Chord { .. }
            | Trigger::Sequence { .. }
            | Trigger::Program { .. },
        ) => SEVEN_BITS_MAX,
        Some(Trigger::Move { control, .. }) => trigger::travel(control.kind),
        Some(Trigger::Turn { .. } | Trigger::Sysex { .. } | Trigger::Realtime { .. }) => {
            ctx.report(
                Code::NoEffect,
                table.key_span("value"),
                "this trigger has no value that could be shaped",
            );
            SEVEN_BITS_MAX
        }
        // What it is about is unknown: nothing more than the widest travel can be said.
        None => FOURTEEN_BITS_MAX,
    };
    shape::read(ctx, value, max)
}

/// Pickup needs a target whose value is known.
fn check_takeover(ctx: &mut Context, trigger: &ReadTrigger, program: &Program) {
    let has_known_target = program.steps.iter().any(|step| {
        matches!(
            step,
            Step::Do(Action::Volume { level: Level::Value, .. } | Action::Set(_, Assignment::Input))
        )
    });
    if trigger.takeover == Takeover::Pickup
        && !has_known_target
        && let Some(spot) = trigger.takeover_spot
    {
        ctx.report_at(Code::NoEffect, spot, "nothing here has a value that the control could pick up")
            .help("`takeover` is for volume = \"value\" and for set = { name = { input = true } }");
    }
}
