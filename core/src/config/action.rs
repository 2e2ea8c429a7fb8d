//! `do`: what a mapping does, as a program of steps.

use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::context::{Context, Spot};
use super::device::{Use, named_device};
use super::diagnostics::Code;
use super::keys::{ACTION, ASSIGNMENT, MODE_CHANGE};
use super::reader::{self, Table, Written};
use super::settings::variable_value;
use super::{condition, launch, midi, plugin, values};
use crate::ids::{ModeId, TargetId};
use crate::ruleset::action::{
    Action, Assignment, Hold, Level, MediaKey, ModeChange, MouseButton, NESTING_MAX, Notice, PointerMove,
    Program, Step, Switch, Times,
};
use crate::ruleset::keys::{KeyError, NamedKey, parse_chord};

/// How loud an output can be made: 150 %.
const VOLUME_MAX: f64 = 1.5;

/// Reads the whole of `do`.
pub(super) fn read(ctx: &mut Context, value: &Written<'_>) -> Program {
    let mut steps = Vec::new();
    // A single action is held as long as the control is; one of several is over before the next begins.
    let alone = match value.get_ref() {
        DeValue::Array(items) => items.iter().count() == 1,
        _ => true,
    };
    let default_hold = if alone { Hold::WhileHeld } else { Hold::Tap };
    for item in reader::one_or_more(ctx, value).unwrap_or_default() {
        step(ctx, item, default_hold, 0, &mut steps);
    }
    Program { steps }
}

/// Reads the steps of a block.
fn block(ctx: &mut Context, table: &Table<'_>, key: &str, depth: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let Some(value) = table.get(key) else { return steps };
    for item in reader::one_or_more(ctx, value).unwrap_or_default() {
        step(ctx, item, Hold::Tap, depth, &mut steps);
    }
    steps
}

/// Reads one entry of `do` to the end of `steps`.
fn step(ctx: &mut Context, value: &Written<'_>, default_hold: Hold, depth: usize, steps: &mut Vec<Step>) {
    if depth > NESTING_MAX {
        ctx.report(
            Code::TooDeep,
            value.span(),
            format!("`repeat` and `if` can be nested {NESTING_MAX} deep"),
        );
        return;
    }
    let Some(table) = reader::table(ctx, value, &ACTION) else { return };
    match table.leading {
        Some("wait") => steps.extend(table.duration(ctx, "wait").map(Step::Wait)),
        Some("repeat") => repeat(ctx, &table, depth, steps),
        Some("if") => branch(ctx, &table, depth, steps),
        Some("set") => steps.extend(set(ctx, &table)),
        Some(leading) => steps.extend(action(ctx, &table, leading, default_hold).map(Step::Do)),
        None => {}
    }
}

fn length(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

fn repeat(ctx: &mut Context, table: &Table<'_>, depth: usize, steps: &mut Vec<Step>) {
    let every = table.duration(ctx, "every");
    let times = match table.get("repeat") {
        Some(_) if table.is_word("repeat", "held") => Some(Times::WhileHeld),
        Some(value) if matches!(value.get_ref(), DeValue::String(_)) => {
            reader::word(ctx, value, &["held"]).map(|_| Times::WhileHeld)
        }
        Some(value) => reader::integer(ctx, value, 1..=10_000)
            .and_then(|count| u32::try_from(count).ok())
            .map(Times::Count),
        None => None,
    };
    if times == Some(Times::WhileHeld) && every.unwrap_or_default() < Duration::from_millis(1) {
        let (code, span, what) = match table.has("every") {
            true => (Code::OutOfRange, table.value_span("every"), "must be at least 1ms"),
            false => (Code::MissingKey, table.key_span("repeat"), "is missing"),
        };
        ctx.report(
            code,
            span,
            format!("`every` {what} where something repeats as long as the control is held"),
        )
        .help("for example every = \"100ms\"");
    }
    let body = block(ctx, table, "do", depth + 1);
    if let Some(times) = times {
        steps.push(Step::Repeat { times, every: every.unwrap_or_default(), body: length(&body) });
        steps.extend(body);
    }
}

fn branch(ctx: &mut Context, table: &Table<'_>, depth: usize, steps: &mut Vec<Step>) {
    let condition = table.get("if").map(|value| condition::read(ctx, value)).unwrap_or_default();
    let then = block(ctx, table, "then", depth + 1);
    let otherwise = block(ctx, table, "else", depth + 1);
    steps.push(Step::If {
        condition: Arc::new(condition),
        then: length(&then),
        otherwise: length(&otherwise),
    });
    steps.extend(then);
    steps.extend(otherwise);
}

fn action(ctx: &mut Context, table: &Table<'_>, leading: &'static str, default_hold: Hold) -> Option<Action> {
    match leading {
        "key" => keys(ctx, table, default_hold),
        "text" => Some(Action::Text(table.text(ctx, "text")?.into())),
        "mouse" => mouse(ctx, table),
        "run" => launch::read(ctx, table).map(|launch| Action::Run(Arc::new(launch))),
        "shell" => shell(ctx, table),
        "open" => Some(Action::Open(table.text(ctx, "open")?.into())),
        "midi" => {
            let to = named_device(ctx, table, "to", Use::Output);
            Some(Action::Midi { to, send: midi::read(ctx, table.get("midi")?, default_hold)? })
        }
        "volume" => volume(ctx, table),
        "mute" => mute(ctx, table),
        "media" => media(ctx, table),
        "notify" => {
            let title = table.text(ctx, "title").unwrap_or("Padgate").to_owned();
            let body = table.text(ctx, "notify")?.to_owned();
            Some(Action::Notify(Arc::new(Notice { title, body })))
        }
        "mode" => mode(ctx, table),
        "panic" => {
            table.only_true(ctx, "panic");
            Some(Action::Panic)
        }
        _ => plugin::call(ctx, table, default_hold),
    }
}

/// What `hold` says, or what holds without it.
pub(super) fn hold(ctx: &mut Context, table: &Table<'_>, default_hold: Hold) -> Hold {
    match table.flag(ctx, "hold") {
        Some(true) => Hold::WhileHeld,
        Some(false) => Hold::Tap,
        None => default_hold,
    }
}

fn keys(ctx: &mut Context, table: &Table<'_>, default_hold: Hold) -> Option<Action> {
    let hold = hold(ctx, table, default_hold);
    let text = table.text(ctx, "key")?;
    match parse_chord(text) {
        Ok(chord) => Some(Action::Keys { chord, hold }),
        Err(reason) => {
            let help = key_help(&reason);
            ctx.report(Code::BadKeys, table.value_span("key"), reason.to_string()).help(help);
            None
        }
    }
}

fn key_help(reason: &KeyError) -> String {
    let suggestion = match reason {
        KeyError::Unknown(name) => super::context::nearest(name, NamedKey::ALL.iter().map(|key| key.name())),
        KeyError::Missing(_) => return "write it like \"ctrl+shift+r\"; the plus key is \"plus\"".to_owned(),
        KeyError::TooMany | KeyError::Twice(_) => None,
    };
    match suggestion {
        Some(right) => format!("did you mean {right:?}?"),
        None => "write it like \"ctrl+shift+r\"; to type text, use `text`".to_owned(),
    }
}

fn mouse(ctx: &mut Context, table: &Table<'_>) -> Option<Action> {
    let what = table.word(ctx, "mouse")?;
    let allowed: &[&str] = match what {
        "click" => &["mouse", "button", "count"],
        "hold" => &["mouse", "button"],
        "move" => &["mouse", "by", "to"],
        _ => &["mouse", "by"],
    };
    for (name, span, _) in table.in_order() {
        if !allowed.contains(&name) && ACTION.key(name, Some("mouse")).is_some() {
            ctx.report(Code::Conflict, span, format!("`{name}` does not go with mouse = {what:?}"));
        }
    }
    let button = match table.word(ctx, "button") {
        Some("middle") => MouseButton::Middle,
        Some("right") => MouseButton::Right,
        Some("back") => MouseButton::Back,
        Some("forward") => MouseButton::Forward,
        _ => MouseButton::Left,
    };
    match what {
        "click" => {
            let clicks = table.byte(ctx, "count").unwrap_or(1);
            Some(Action::Button { button, hold: Hold::Tap, clicks })
        }
        "hold" => Some(Action::Button { button, hold: Hold::WhileHeld, clicks: 1 }),
        "move" if table.has("to") => {
            pair(ctx, table, "to").map(|(x, y)| Action::Pointer(PointerMove::To(x, y)))
        }
        "move" => pair(ctx, table, "by").map(|(x, y)| Action::Pointer(PointerMove::By(x, y))),
        _ => pair(ctx, table, "by").map(|(horizontal, vertical)| Action::Scroll { horizontal, vertical }),
    }
}

fn pair(ctx: &mut Context, table: &Table<'_>, key: &str) -> Option<(i32, i32)> {
    let Some(value) = table.get(key) else {
        ctx.report(Code::MissingKey, table.key_span("mouse"), format!("`{key}` is missing"))
            .help(format!("for example {key} = [0, 3]: to the right, and down"));
        return None;
    };
    let items = reader::list(ctx, value, 2..=2, "an array of two whole numbers such as [0, 3]")?;
    let mut one = |item| reader::integer(ctx, item, -100_000..=100_000).and_then(|n| i32::try_from(n).ok());
    let (x, y) = (one(items[0]), one(items[1]));
    Some((x?, y?))
}

fn shell(ctx: &mut Context, table: &Table<'_>) -> Option<Action> {
    let line = table.text(ctx, "shell")?;
    if !ctx.allow_shell {
        ctx.report(Code::ShellNotAllowed, table.key_span("shell"), "shell actions are off")
            .help("use `run`, or allow them: [settings] with allow_shell = true");
    }
    Some(Action::Shell(line.into()))
}

fn target(ctx: &mut Context, table: &Table<'_>) -> TargetId {
    match table.text(ctx, "output") {
        Some(name) => ctx.target(name),
        None => ctx.target(""),
    }
}

fn volume(ctx: &mut Context, table: &Table<'_>) -> Option<Action> {
    let target = target(ctx, table);
    let text = table.text(ctx, "volume")?.trim();
    let span = table.value_span("volume");
    let unsigned = text.trim_start_matches(['+', '-']);
    let signs = text.len() - unsigned.len();
    let (level, most) = match values::percent(unsigned).filter(|_| signs <= 1) {
        _ if text == "value" => (Level::Value, VOLUME_MAX),
        Some(share) if text.starts_with('+') => (Level::Change(share), 1.0),
        Some(share) if text.starts_with('-') => (Level::Change(-share), 1.0),
        Some(share) => (Level::Fixed(share), VOLUME_MAX),
        None => {
            let message = format!("{:?} is not a volume", reader::shortened(text));
            ctx.report(Code::BadRange, span, message).help("write \"value\", \"50%\", \"+5%\" or \"-5%\"");
            return None;
        }
    };
    if let Level::Fixed(share) | Level::Change(share) = level
        && share.abs() > most
    {
        ctx.report(Code::OutOfRange, span, format!("{text} is too much: {}% is the most", most * 100.0));
        return None;
    }
    Some(Action::Volume { target, level })
}

fn mute(ctx: &mut Context, table: &Table<'_>) -> Option<Action> {
    let target = target(ctx, table);
    let value = table.get("mute")?;
    let switch = match value.get_ref() {
        DeValue::Boolean(true) => Switch::On,
        DeValue::Boolean(false) => Switch::Off,
        DeValue::String(_) => reader::word(ctx, value, &["toggle"]).map(|_| Switch::Toggle)?,
        _ => return reader::wrong_type(ctx, value, "true, false or \"toggle\""),
    };
    Some(Action::Mute { target, switch })
}

fn media(ctx: &mut Context, table: &Table<'_>) -> Option<Action> {
    let key = match table.word(ctx, "media")? {
        "play_pause" => MediaKey::PlayPause,
        "play" => MediaKey::Play,
        "pause" => MediaKey::Pause,
        "stop" => MediaKey::Stop,
        "next" => MediaKey::Next,
        _ => MediaKey::Previous,
    };
    Some(Action::Media(key))
}

fn mode(ctx: &mut Context, table: &Table<'_>) -> Option<Action> {
    let value = table.get("mode")?;
    let DeValue::Table(_) = value.get_ref() else {
        let expected = "the name of a mode, or a table such as { push = \"stream\" }";
        let name = reader::text(ctx, value, expected)?;
        let spot = ctx.spot(value.span());
        return Some(Action::Mode(ModeChange::Switch(activated(ctx, name, spot))));
    };
    let change = reader::table(ctx, value, &MODE_CHANGE)?;
    let leading = change.leading?;
    if leading == "pop" {
        change.only_true(ctx, "pop");
        return Some(Action::Mode(ModeChange::Pop));
    }
    let name = change.text(ctx, leading)?;
    let spot = ctx.spot(change.value_span(leading));
    let mode = activated(ctx, name, spot);
    Some(Action::Mode(match leading {
        "push" => ModeChange::Push(mode),
        "toggle" => ModeChange::Toggle(mode),
        _ => ModeChange::Hold(mode),
    }))
}

fn activated(ctx: &mut Context, name: &str, spot: Spot) -> ModeId {
    let mode = ctx.mode(name);
    ctx.modes_activated.entry(mode).or_insert(spot);
    mode
}

/// One step for each variable, in the order written.
fn set(ctx: &mut Context, table: &Table<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let Some(value) = table.get("set") else { return steps };
    let DeValue::Table(entries) = value.get_ref() else {
        reader::wrong_type::<()>(ctx, value, "a table such as { scene = 2 }");
        return steps;
    };
    let entries = reader::in_order(entries);
    if entries.is_empty() {
        ctx.report(Code::MissingKey, value.span(), "no variable is set")
            .help("for example set = { scene = 2 }");
    }
    for (name, span, value) in entries {
        let variable = ctx.variable(name);
        let spot = ctx.spot(span);
        ctx.variables_set.entry(variable).or_insert(spot);
        if let Some(assignment) = assignment(ctx, value) {
            steps.push(Step::Do(Action::Set(variable, assignment)));
        }
    }
    steps
}

fn assignment(ctx: &mut Context, value: &Written<'_>) -> Option<Assignment> {
    let DeValue::Table(_) = value.get_ref() else { return variable_value(ctx, value).map(Assignment::To) };
    let table = reader::table(ctx, value, &ASSIGNMENT)?;
    match table.leading? {
        "add" => table.number(ctx, "add").map(Assignment::Add),
        "input" => {
            table.only_true(ctx, "input");
            Some(Assignment::Input)
        }
        _ => {
            table.only_true(ctx, "toggle");
            Some(Assignment::Toggle)
        }
    }
}
