//! Checks across mappings: what can never fire, what nothing leads to, what is too much.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::context::{Context, Spot, nearest};
use super::diagnostics::Code;
use super::mapping::ReadMapping;
use crate::ids::ModeId;
use crate::ruleset::Condition;
use crate::ruleset::trigger::{Direction, Edge, GESTURES_MAX, Gesture, Selector, Trigger};

/// Reports what is wrong with the mappings together.
pub(super) fn all(ctx: &mut Context, mappings: &[ReadMapping]) {
    never_fires(ctx, mappings);
    too_many_gestures(ctx, mappings);
    // What a file that can't be read to its end would have activated or set is unknown.
    if ctx.files.iter().all(|file| !file.has_syntax_errors) && ctx.error_count() == 0 {
        modes(ctx, mappings);
        variables(ctx);
    }
}

/// What a hand must do, but for how hard: mappings that are equal in this compete, as the engine sees it.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Done {
    One(Selector, Work),
    Chord(Vec<Selector>),
    Sequence(Vec<Selector>, Duration),
}

/// What is done with one control.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Work {
    Press(Gesture),
    Move(u16, u16, bool, i8),
    Turn(i8),
    Program,
}

fn work(trigger: &Trigger) -> Option<(Selector, Work)> {
    let way = |direction| match direction {
        Direction::Both => 0,
        Direction::Up => 1,
        Direction::Down => -1,
    };
    match trigger {
        // How long the next tap may take makes no difference to how many they are.
        Trigger::Press { control, gesture: Gesture::Taps { count, .. }, .. } => {
            Some((*control, Work::Press(Gesture::Taps { count: *count, window: Duration::ZERO })))
        }
        Trigger::Press { control, gesture, .. } => Some((*control, Work::Press(*gesture))),
        Trigger::Move { control, filter } => {
            let (start, end) = (*filter.range.start(), *filter.range.end());
            Some((*control, Work::Move(start, end, filter.edge == Edge::Enter, way(filter.direction))))
        }
        Trigger::Turn { control, direction, .. } => Some((*control, Work::Turn(way(*direction)))),
        Trigger::Program { control } => Some((*control, Work::Program)),
        Trigger::Chord { .. }
        | Trigger::Sequence { .. }
        | Trigger::Sysex { .. }
        | Trigger::Realtime { .. } => None,
    }
}

fn done(trigger: &Trigger) -> Option<Done> {
    match trigger {
        Trigger::Chord { controls, .. } => {
            let mut controls = controls.clone();
            controls.sort_by_key(|control| (control.device, control.channel, control.kind, control.number));
            Some(Done::Chord(controls))
        }
        Trigger::Sequence { controls, within } => Some(Done::Sequence(controls.clone(), *within)),
        _ => work(trigger).map(|(control, work)| Done::One(control, work)),
    }
}

/// Of mappings that do the same, only the first without a condition ever fires.
fn never_fires(ctx: &mut Context, mappings: &[ReadMapping]) {
    // The velocities (one bit each) that mappings without a condition take, and the first that did.
    let mut taken: HashMap<(Option<ModeId>, Done), (u128, Spot)> = HashMap::new();
    for read in mappings {
        let Some(done) = done(&read.mapping.trigger) else { continue };
        let velocities = match &read.mapping.trigger {
            Trigger::Press { velocity, .. } => velocity.clone().fold(0, |bits, n| bits | 1_u128 << n),
            _ => u128::MAX,
        };
        let mode = read.mapping.mode;
        // "Any device", "any channel" and "any note" take what is meant for one of them.
        let rivals = match &done {
            Done::One(control, work) => {
                wider(*control).into_iter().map(|control| Done::One(control, *work)).collect()
            }
            Done::Chord(_) | Done::Sequence(..) => vec![done.clone()],
        };
        let found: Vec<(u128, Spot)> =
            rivals.into_iter().filter_map(|rival| taken.get(&(mode, rival)).copied()).collect();
        let bits = found.iter().fold(0, |all, (bits, _)| all | bits);
        if let Some((_, first)) = found.first()
            && velocities & !bits == 0
        {
            shadowed(ctx, read.spot, *first);
        }
        if read.mapping.when == Condition::Always {
            taken.entry((mode, done)).or_insert((0, read.spot)).0 |= velocities;
        }
    }
}

fn shadowed(ctx: &mut Context, spot: Spot, first: Spot) {
    let same_file = spot.file == first.file;
    let first = ctx.place(first);
    let there = if same_file {
        format!("on line {}", first.line)
    } else {
        format!("in {}:{}", first.file, first.line)
    };
    let message = format!("this mapping never fires: the one {there} comes first");
    let warning = ctx.report_at(Code::NeverFires, spot, message);
    warning.second = Some((first, "this one does the same in the same mode".to_owned()));
    warning.help("give one of them another gesture, mode or `when`");
}

/// One control can't have more gestures, or more different movements, than the engine keeps apart.
fn too_many_gestures(ctx: &mut Context, mappings: &[ReadMapping]) {
    let mut works: HashMap<(Selector, bool), HashSet<Work>> = HashMap::new();
    let mut reported = HashSet::new();
    for read in mappings {
        let Some((control, work)) = work(&read.mapping.trigger) else { continue };
        let is_press = matches!(work, Work::Press(_));
        works.entry((control, is_press)).or_default().insert(work);
        let competing: HashSet<Work> = wider(control)
            .into_iter()
            .filter_map(|selector| works.get(&(selector, is_press)))
            .flat_map(|of_selector| of_selector.iter().copied())
            .collect();
        if competing.len() > GESTURES_MAX && reported.insert(control) {
            let message =
                format!("one control can have at most {GESTURES_MAX} different gestures or movements");
            ctx.report_at(Code::TooManyGestures, read.spot, message)
                .help("use conditions or sequences, or another control");
        }
    }
}

/// The selector, and all that are the same or wider.
fn wider(selector: Selector) -> Vec<Selector> {
    let mut all = vec![selector];
    for widen in [
        (|s| Selector { device: None, ..s }) as fn(Selector) -> Selector,
        |s| Selector { channel: None, ..s },
        |s| Selector { number: None, ..s },
    ] {
        for index in 0..all.len() {
            let wide = widen(all[index]);
            if !all.contains(&wide) {
                all.push(wide);
            }
        }
    }
    all
}

/// Modes that nothing activates, and modes that have nothing in them.
fn modes(ctx: &mut Context, mappings: &[ReadMapping]) {
    let mut used: HashMap<ModeId, Spot> = HashMap::new();
    for read in mappings {
        if let (Some(mode), Some(spot)) = (read.mapping.mode, read.mode_spot) {
            used.entry(mode).or_insert(spot);
        }
    }
    let name_of = |ctx: &Context, mode: ModeId| ctx.names.modes.name(mode).to_owned();
    let asked = ctx.modes_asked.clone();
    let activated = ctx.modes_activated.clone();
    let activated_names: Vec<String> = activated.keys().map(|mode| name_of(ctx, *mode)).collect();
    for (mode, spot) in sorted(used.iter().chain(&asked)) {
        if activated.contains_key(&mode) {
            continue;
        }
        let name = name_of(ctx, mode);
        let warning = ctx.report_at(
            Code::ModeNeverActive,
            spot,
            format!("no action ever makes the mode `{name}` active"),
        );
        match nearest(&name, activated_names.iter().map(String::as_str)) {
            Some(right) => warning
                .help(format!("did you mean {right:?}? Else only `padgate mode {name}` makes it active")),
            None => warning.help(format!(
                "for example do = {{ mode = {name:?} }}; else only `padgate mode {name}` does"
            )),
        };
    }
    let used_names: Vec<String> = used.keys().map(|mode| name_of(ctx, *mode)).collect();
    for (mode, spot) in sorted(activated.iter()) {
        // Everybody needs a mode to go back to: the default mode may be empty, and so may the one at the start.
        let whole_file = spot.end == 0;
        if used.contains_key(&mode) || asked.contains_key(&mode) || mode.index() == 0 || whole_file {
            continue;
        }
        let name = name_of(ctx, mode);
        let warning =
            ctx.report_at(Code::ModeEmpty, spot, format!("no mapping belongs to the mode `{name}`"));
        match nearest(&name, used_names.iter().map(String::as_str)) {
            Some(right) => warning.help(format!("did you mean {right:?}?")),
            None => warning.help(format!("write mode = {name:?} in a mapping")),
        };
    }
}

/// Variables that conditions ask about and nothing sets.
fn variables(ctx: &mut Context) {
    let set = ctx.variables_set.clone();
    let names: Vec<String> = set.keys().map(|id| ctx.names.variables.name(*id).to_owned()).collect();
    for (variable, spot) in sorted(ctx.variables_asked.clone().iter()) {
        if set.contains_key(&variable) {
            continue;
        }
        let name = ctx.names.variables.name(variable).to_owned();
        let warning =
            ctx.report_at(Code::VariableNeverSet, spot, format!("nothing sets the variable `{name}`"));
        match nearest(&name, names.iter().map(String::as_str)) {
            Some(right) => warning.help(format!("did you mean {right:?}?")),
            None => warning.help(format!("set it in [variables], or with set = {{ {name} = true }}")),
        };
    }
}

/// In the order of the files, each once, so that the same files always give the same reports.
fn sorted<'a, K: Copy + Ord + 'a>(spots: impl Iterator<Item = (&'a K, &'a Spot)>) -> Vec<(K, Spot)> {
    let mut list: Vec<(K, Spot)> = spots.map(|(key, spot)| (*key, *spot)).collect();
    list.sort_by_key(|(key, spot)| (*key, spot.file, spot.start));
    list.dedup_by_key(|(key, _)| *key);
    list.sort_by_key(|(_, spot)| (spot.file, spot.start));
    list
}
