//! Tables whose keys were checked against the key table: what is there, what is missing, what clashes.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::context::{Context, nearest};
use super::diagnostics::Code;
use super::keys::{Key, Kind, Role, Section, or_list};
use super::reader::{self, Written, wrong_type};

/// A table whose keys were checked against a section of the key table.
pub(crate) struct Table<'t> {
    pub(crate) section: &'static Section,
    pub(crate) span: Range<usize>,
    /// The key that says what the table is about, where the section has such keys.
    pub(crate) leading: Option<&'static str>,
    entries: &'t DeTable<'t>,
}

impl<'t> Table<'t> {
    /// The value of `name`, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&'t Written<'t>> {
        debug_assert!(self.section.keys.iter().any(|key| key.name == name), "{name} is not in the key table");
        self.entries.get(name)
    }

    /// Whether `name` is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The place of the key itself; of the table, if the key is not there.
    pub(crate) fn key_span(&self, name: &str) -> Range<usize> {
        self.entries.get_key_value(name).map_or(self.span.clone(), |(key, _)| key.span())
    }

    /// The place of the value; of the table, if the key is not there.
    pub(crate) fn value_span(&self, name: &str) -> Range<usize> {
        self.get(name).map_or(self.span.clone(), Spanned::span)
    }

    /// All keys with their values, in the order written.
    pub(crate) fn in_order(&self) -> Vec<(&'t str, Range<usize>, &'t Written<'t>)> {
        in_order(self.entries)
    }

    fn kind(&self, name: &str) -> &'static Kind {
        let key = self.section.key(name, self.leading);
        let key = key.or_else(|| self.section.keys.iter().find(|key| key.name == name));
        &key.expect("callers name keys of the key table").kind
    }

    /// The word that `name` has, as the key table writes it.
    pub(crate) fn word(&self, ctx: &mut Context, name: &str) -> Option<&'static str> {
        let Kind::Words(words) = self.kind(name) else { unreachable!("{name} is a key with words") };
        reader::word(ctx, self.get(name)?, words)
    }

    /// The whole number that `name` has, within its bounds.
    pub(crate) fn integer(&self, ctx: &mut Context, name: &str) -> Option<i64> {
        let Kind::Integer(low, high) = self.kind(name) else { unreachable!("{name} is a whole number") };
        reader::integer(ctx, self.get(name)?, *low..=*high)
    }

    /// The same as [`Self::integer`], for keys whose bounds fit into a byte.
    pub(crate) fn byte(&self, ctx: &mut Context, name: &str) -> Option<u8> {
        self.integer(ctx, name).and_then(|number| u8::try_from(number).ok())
    }

    /// The number that `name` has, within its bounds.
    pub(crate) fn number(&self, ctx: &mut Context, name: &str) -> Option<f64> {
        let Kind::Number(low, high) = self.kind(name) else { unreachable!("{name} is a number") };
        reader::number(ctx, self.get(name)?, *low..=*high)
    }

    /// The duration that `name` has, within its bounds.
    pub(crate) fn duration(&self, ctx: &mut Context, name: &str) -> Option<Duration> {
        let bounds = match self.kind(name) {
            Kind::Duration(low, high) | Kind::Either([Kind::Duration(low, high), ..]) => *low..=*high,
            _ => unreachable!("{name} is a duration"),
        };
        reader::duration(ctx, self.get(name)?, bounds)
    }

    /// The range that `name` has, within its bounds.
    pub(crate) fn range(&self, ctx: &mut Context, name: &str, max: u16) -> Option<RangeInclusive<u16>> {
        let Kind::Range(low, _) = self.kind(name) else { unreachable!("{name} is a range") };
        reader::range(ctx, self.get(name)?, *low..=max)
    }

    /// True or false.
    pub(crate) fn flag(&self, ctx: &mut Context, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => wrong_type(ctx, value, "true or false"),
        }
    }

    /// Reports a value that is not true, for keys that can only be true.
    pub(crate) fn only_true(&self, ctx: &mut Context, name: &str) {
        if let Some(value) = self.get(name)
            && !matches!(value.get_ref(), DeValue::Boolean(true))
        {
            wrong_type::<()>(ctx, value, "true, or the key is left out");
        }
    }

    /// The text that `name` has: not empty, without NUL.
    pub(crate) fn text(&self, ctx: &mut Context, name: &str) -> Option<&'t str> {
        let what = self.kind(name).describe();
        reader::text(ctx, self.get(name)?, &what)
    }

    /// The text that `name` has, without a report if it has none.
    pub(crate) fn text_if_there(&self, name: &str) -> Option<&'t str> {
        self.get(name).and_then(|value| value.get_ref().as_str())
    }

    /// Whether `name` is there and false.
    pub(crate) fn is_false(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| matches!(value.get_ref(), DeValue::Boolean(false)))
    }

    /// Whether the value of `name` is exactly this text.
    pub(crate) fn is_word(&self, name: &str, word: &str) -> bool {
        self.get(name).is_some_and(|value| value.get_ref().as_str() == Some(word))
    }

    /// Reports each key that can't stand beside `leading`.
    pub(crate) fn check_companions(&self, ctx: &mut Context, leading: Option<&str>, of: &str) {
        for (name, span, _) in self.in_order() {
            let known = self.section.keys.iter().any(|key| key.name == name);
            if !known || self.section.key(name, leading).is_some() || self.leading == Some(name) {
                continue;
            }
            let others: Vec<String> = self
                .section
                .leading_keys()
                .filter(|other| self.section.key(name, Some(other)).is_some())
                .map(|other| format!("`{other}`"))
                .collect();
            let error = ctx.report(Code::Conflict, span, format!("`{name}` does not go with {of}"));
            if !others.is_empty() {
                error.help(format!("it goes with {}", or_list(&others)));
            }
        }
    }
}

/// Checks the keys of `value` against `section`. `None` (and a report) if it is no table, or if it is not
/// clear what the table is about.
pub(crate) fn table<'t>(
    ctx: &mut Context,
    value: &'t Written<'t>,
    section: &'static Section,
) -> Option<Table<'t>> {
    match value.get_ref() {
        DeValue::Table(entries) => open(ctx, entries, value.span(), section),
        _ => wrong_type(ctx, value, &format!("{} such as {}", section.title, section.example)),
    }
}

/// The same as [`table`], for the root of a file.
pub(crate) fn open<'t>(
    ctx: &mut Context,
    entries: &'t DeTable<'t>,
    span: Range<usize>,
    section: &'static Section,
) -> Option<Table<'t>> {
    let mut table = Table { section, span, leading: None, entries };
    let mut leading: Vec<&'static Key> = Vec::new();
    for (name, span, _) in table.in_order() {
        match section.keys.iter().find(|key| key.name == name) {
            None => unknown_key(ctx, name, span, section),
            // A key that leads here may accompany another one (`note` in `pressure`).
            Some(_) => leading
                .extend(section.keys.iter().filter(|key| key.name == name && key.role == Role::Leading)),
        }
    }
    if let Some(first) = section.leading_keys().next() {
        table.leading = Some(choose_leading(ctx, &table, &leading, first)?);
    }
    let title = table.leading.map_or(section.title.to_owned(), |leading| format!("`{leading}`"));
    // Named controls stand for what they send, which is not known here.
    if table.leading != Some("control") {
        table.check_companions(ctx, table.leading, &title);
    }
    check_groups_and_needs(ctx, &table);
    for key in section.keys.iter().filter(|key| key.required && key.goes_with(table.leading)) {
        if !table.has(key.name) && !ctx.files[ctx.file].has_syntax_errors {
            let span = table.span.clone();
            ctx.report(Code::MissingKey, span, format!("`{}` is missing in {title}", key.name))
                .help(format!("for example: {} = {}", key.name, key.example));
        }
    }
    Some(table)
}

fn choose_leading(
    ctx: &mut Context,
    table: &Table<'_>,
    present: &[&'static Key],
    first_known: &str,
) -> Option<&'static str> {
    let section = table.section;
    let fits_all = |candidate: &&Key| {
        let with = |other: &&Key| section.key(other.name, Some(candidate.name)).is_some();
        present.iter().all(|other| other.name == candidate.name || with(other))
    };
    if let Some(leading) = present.iter().copied().find(fits_all) {
        return Some(leading.name);
    }
    if let [first, second, ..] = present {
        let (here, there) = (table.key_span(second.name), table.key_span(first.name));
        let there = ctx.place(ctx.spot(there));
        let message = format!("`{}` and `{}` can't stand in the same table", first.name, second.name);
        let error = ctx.report(Code::Conflict, here, message);
        error.second = Some((there, format!("`{}` is here", first.name)));
        error.help(format!("{} is about one of them; write two tables", section.title));
    } else if !ctx.files[ctx.file].has_syntax_errors {
        let all: Vec<String> = section.leading_keys().map(|key| format!("`{key}`")).collect();
        let message = format!("{} needs a key that says what it is about", section.title);
        let help =
            format!("one of {}; for example `{first_known}`, as in {}", all.join(", "), section.example);
        let help = if all.len() > 20 { format!("for example {}", section.example) } else { help };
        // An unknown key was reported already, and is probably the one that is missing here.
        let misspelt =
            table.in_order().iter().any(|(name, ..)| !section.keys.iter().any(|key| key.name == *name));
        if !misspelt {
            ctx.report(Code::MissingKey, table.span.clone(), message).help(help);
        }
    }
    None
}

fn unknown_key(ctx: &mut Context, name: &str, span: Range<usize>, section: &'static Section) {
    let suggestion =
        if ctx.is_full() { None } else { nearest(name, section.keys.iter().map(|key| key.name)) };
    // A manifest is a stranger's: what it calls its keys must not move the cursor of who reads this.
    let shown = reader::shortened(name).escape_debug();
    let error = ctx.report(Code::UnknownKey, span, format!("{} has no key `{}`", section.title, shown));
    match suggestion {
        Some(right) => error.help(format!("did you mean `{right}`?")),
        None => {
            // Where one key leads, the others go with some of those only, and are no help here.
            let leads = section.leading_keys().next().is_some();
            let known = section.keys.iter().filter(|key| !leads || key.role == Role::Leading);
            let known: Vec<&str> = known.map(|key| key.name).collect();
            error.help(format!("it can have {}", known.join(", ")))
        }
    };
}

fn check_groups_and_needs(ctx: &mut Context, table: &Table<'_>) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (name, span, _) in table.in_order() {
        let Some(key) = table.section.key(name, table.leading) else { continue };
        if let Some(group) = key.group {
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == group) {
                let there = ctx.place(ctx.spot(table.key_span(first)));
                let message = format!("`{first}` and `{name}` can't stand in the same table");
                let error = ctx.report(Code::Conflict, span.clone(), message);
                error.second = Some((there, format!("`{first}` is here")));
                error.help("write a mapping for each".to_owned());
            }
            seen.push((group, name));
        }
        if !key.needs.is_empty() && !key.needs.iter().any(|needed| table.has(needed)) {
            let needed: Vec<String> = key.needs.iter().map(|needed| format!("`{needed}`")).collect();
            let needed = or_list(&needed);
            ctx.report(Code::Conflict, span, format!("`{name}` means nothing without {needed}"));
        }
    }
}

/// The entries of a table in the order written (the parser sorts them by name).
pub(crate) fn in_order<'t>(entries: &'t DeTable<'t>) -> Vec<(&'t str, Range<usize>, &'t Written<'t>)> {
    let mut list: Vec<_> =
        entries.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect();
    list.sort_by_key(|(_, span, _)| span.start);
    list
}
