//! Every key that a configuration can have: its type, its place, what it means, an example.
//!
//! This table is the only list of keys. Unknown keys, keys that don't go together, missing keys and the
//! JSON schema all come from it, so that they can't drift apart; the code that reads a value asks it for
//! the bounds.

mod action;
mod capability;
mod plugin;
mod top;
mod trigger;

pub use action::{ACTION, ASSIGNMENT, MIDI_MESSAGE, MODE_CHANGE};
pub use capability::{CAPABILITIES, FILESYSTEM_SCOPE, MIDI_SCOPE, NETWORK_SCOPE, SUBPROCESS_SCOPE};
pub use plugin::{LIMITS, MANIFEST, MANIFEST_ACTION, MANIFEST_PLUGIN, PARAMETER, PLUGINS};
pub use top::{CONTROLLER_FILE, DEVICE, MAP, NAMED_CONTROL, ROOT, SETTINGS};
pub use trigger::{CHORD_MEMBER, CONDITION, TRIGGER, VALUE};

/// The longest duration anywhere, in milliseconds: a day.
pub const DURATION_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// One kind of table in a configuration.
#[derive(Debug)]
pub struct Section {
    /// What it is called in messages: "a trigger".
    pub title: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// What it looks like, as a TOML value or table.
    pub example: &'static str,
    /// Its keys. A name stands here twice where it means different things beside different leading keys.
    pub keys: &'static [Key],
}

/// One key of a section.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What it means.
    pub doc: &'static str,
    /// What a value looks like, as TOML.
    pub example: &'static str,
    /// What it goes with.
    pub role: Role,
    /// Whether its section is wrong without it.
    pub required: bool,
    /// Of the keys with the same group, only one can stand in a table.
    pub group: Option<&'static str>,
    /// It means nothing without one of these.
    pub needs: &'static [&'static str],
}

/// What a key goes with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It can always stand in its section.
    Any,
    /// It says what the table is about: a table has exactly one such key.
    Leading,
    /// It goes with these leading keys only.
    With(&'static [&'static str]),
}

/// What a value must be.
#[derive(Debug)]
pub enum Kind {
    /// A text; the words describe it, after "a text".
    Text(&'static str),
    /// A text of a form of its own: a description such as "a key chord", and a regular expression that every
    /// such text fits (the schema uses it; reading is stricter).
    Form(&'static str, &'static str),
    /// True or false.
    Flag,
    /// Only true: the key is a word in itself.
    True,
    /// A whole number within these bounds.
    Integer(i64, i64),
    /// A number within these bounds.
    Number(f64, f64),
    /// A duration within these bounds, in milliseconds.
    Duration(u64, u64),
    /// A note, by name or number.
    Note,
    /// A range of whole numbers within these bounds.
    Range(u16, u16),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A table with the keys of a section.
    Table(&'static Section),
    /// A table with names that the user chooses.
    Map(&'static Kind),
    /// An array of so many.
    List(&'static Kind, usize, usize),
    /// Any of these.
    Either(&'static [Kind]),
    /// Whatever TOML can say, except dates.
    Anything,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, example: &'static str, doc: &'static str) -> Key {
        Key { name, kind, doc, example, role: Role::Any, required: false, group: None, needs: &[] }
    }

    const fn leading(self) -> Key {
        Key { role: Role::Leading, ..self }
    }

    const fn with(self, leading: &'static [&'static str]) -> Key {
        Key { role: Role::With(leading), ..self }
    }

    const fn required(self) -> Key {
        Key { required: true, ..self }
    }

    const fn group(self, group: &'static str) -> Key {
        Key { group: Some(group), ..self }
    }

    const fn needs(self, needs: &'static [&'static str]) -> Key {
        Key { needs, ..self }
    }

    /// Whether it can stand beside the leading key `leading` (`None`: a table without one).
    #[must_use]
    pub fn goes_with(&self, leading: Option<&str>) -> bool {
        match self.role {
            Role::Any => true,
            Role::Leading => leading == Some(self.name),
            Role::With(list) => leading.is_some_and(|leading| list.contains(&leading)),
        }
    }
}

impl Section {
    /// The key with this name that can stand beside `leading`.
    #[must_use]
    pub fn key(&self, name: &str, leading: Option<&str>) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name && key.goes_with(leading))
    }

    /// The leading keys, in the order of the table.
    pub fn leading_keys(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|key| key.role == Role::Leading).map(|key| key.name)
    }
}

impl Kind {
    /// What it is, as in "expected …": `a duration such as "400ms"`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Kind::Text("") => "a text".to_owned(),
            Kind::Text(what) => format!("a text ({what})"),
            Kind::Form(what, _) => (*what).to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::True => "true".to_owned(),
            Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Number(low, high) => format!("a number from {low} to {high}"),
            Kind::Duration(..) => "a duration such as \"400ms\"".to_owned(),
            Kind::Note => "a note such as \"C4\" or 60".to_owned(),
            Kind::Range(low, high) => format!("a range such as \"20-100\" within {low} to {high}"),
            Kind::Words(words) => {
                or_list(words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().as_slice())
            }
            Kind::Table(section) => format!("{} such as {}", section.title, section.example),
            Kind::Map(of) => format!("a table of names, each with {}", of.describe()),
            Kind::List(of, ..) => format!("an array of {}", of.describe()),
            Kind::Either(kinds) => or_list(&kinds.iter().map(Kind::describe).collect::<Vec<_>>()),
            Kind::Anything => "anything but a date".to_owned(),
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn or_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, MANIFEST, ROOT, Role, Section};

    /// Calls `visit` with every section that can be reached, once.
    fn each_section(
        section: &'static Section,
        seen: &mut Vec<&'static str>,
        visit: &mut dyn FnMut(&Section),
    ) {
        if seen.contains(&section.title) {
            return;
        }
        seen.push(section.title);
        visit(section);
        for key in section.keys {
            each_kind(&key.kind, seen, visit);
        }
    }

    fn each_kind(kind: &'static Kind, seen: &mut Vec<&'static str>, visit: &mut dyn FnMut(&Section)) {
        match kind {
            Kind::Table(section) => each_section(section, seen, visit),
            Kind::Map(of) | Kind::List(of, ..) => each_kind(of, seen, visit),
            Kind::Either(kinds) => kinds.iter().for_each(|kind| each_kind(kind, seen, visit)),
            _ => {}
        }
    }

    #[test]
    fn the_table_refers_only_to_keys_that_exist() {
        let mut sections = 0;
        let mut seen = Vec::new();
        let mut visit = |section: &Section| {
            sections += 1;
            for key in section.keys {
                assert!(!key.doc.is_empty() && !key.example.is_empty(), "{} {}", section.title, key.name);
                let others = match key.role {
                    Role::With(list) => list,
                    Role::Any | Role::Leading => &[],
                };
                for other in others {
                    assert!(section.leading_keys().any(|key| key == *other), "{}: {other}", section.title);
                }
                for other in key.needs {
                    assert!(section.keys.iter().any(|key| key.name == *other), "{}: {other}", section.title);
                }
            }
        };
        each_section(&ROOT, &mut seen, &mut visit);
        each_section(&MANIFEST, &mut seen, &mut visit);
        assert!(sections > 15, "every section is reached from the root");
    }

    #[test]
    fn examples_are_toml() {
        let mut seen = Vec::new();
        for root in [&ROOT, &MANIFEST] {
            each_section(root, &mut seen, &mut |section| {
                for key in section.keys {
                    let text = format!("key = {}", key.example);
                    assert!(toml::de::DeTable::parse(&text).is_ok(), "{} {text}", section.title);
                }
            });
        }
    }
}
