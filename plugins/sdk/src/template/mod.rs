//! Templates: texts in parameters with places for what a press knows, such as `{velocity}`.
//!
//! | place | what is put there |
//! |---|---|
//! | `{value}` | the value after curve and range, 0 to 1, with up to four decimals |
//! | `{percent}` | the same, as a whole number from 0 to 100 |
//! | `{velocity}` | the same, as a whole number from 0 to 127 |
//! | `{raw}` | the control's own value, before curve and range |
//! | `{ticks}` | how far an encoder was turned; negative to the left |
//! | `{note}`, `{controller}` | the number of the note or controller |
//! | `{channel}` | the MIDI channel, 1 to 16 |
//! | `{press}` | a number that counts presses |
//!
//! `{{` and `}}` stand for the braces themselves. A control that has no note (or no controller number, or no channel) makes
//! a text that wants it fail, with an error that says so. A template is taken apart when the configuration is loaded, so
//! that a misspelt name is found then: [`Template`] and [`JsonTemplate`] can be members of a plugin's parameters.
//!
//! ```
//! use padgate_plugin::template::{Escape, Template};
//! use padgate_plugin::test::Touch;
//!
//! let template: Template = "http://localhost/level?value={value}".parse()?;
//! assert_eq!(template.fill(&Touch::controller(7, 64).context(), Escape::Url)?, "http://localhost/level?value=0.5039");
//! # Ok::<(), padgate_plugin::Error>(())
//! ```

mod json;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::FromStr;

pub use json::JsonTemplate;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::{Context, Error};

/// Something that a press knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Value,
    Percent,
    Velocity,
    Raw,
    Ticks,
    Note,
    Controller,
    Channel,
    Press,
}

/// All places by their names.
const PLACES: &[(&str, Place)] = &[
    ("value", Place::Value),
    ("percent", Place::Percent),
    ("velocity", Place::Velocity),
    ("raw", Place::Raw),
    ("ticks", Place::Ticks),
    ("note", Place::Note),
    ("controller", Place::Controller),
    ("channel", Place::Channel),
    ("press", Place::Press),
];

impl Place {
    /// What a press knows of it, as a number.
    fn number(self, context: &Context) -> Result<serde_json::Number, Error> {
        let known = |number: Option<u8>, name: &str| {
            number.map(i64::from).ok_or_else(|| {
                let text =
                    format!("the control that was used has no {name}, so {{{name}}} has no meaning here");
                Error::invalid(text)
            })
        };
        let percent = || (context.value().clamp(0.0, 1.0) * 100.0).round() as i64;
        let whole = match self {
            Place::Value => {
                let rounded = (context.value() * 10_000.0).round() / 10_000.0;
                // 0 and 1 are shown as whole numbers.
                if rounded.fract() != 0.0 || !rounded.is_finite() {
                    let number = serde_json::Number::from_f64(rounded);
                    return number.ok_or_else(|| Error::invalid("the value is no number"));
                }
                rounded as i64
            }
            Place::Percent => percent(),
            Place::Velocity => i64::from(context.velocity()),
            Place::Raw => i64::from(context.raw()),
            Place::Ticks => i64::from(context.ticks()),
            Place::Note => known(context.note(), "note")?,
            Place::Controller => known(context.controller(), "controller")?,
            Place::Channel => known(context.channel().map(|channel| channel + 1), "channel")?,
            Place::Press => i64::try_from(context.press()).unwrap_or(i64::MAX),
        };
        Ok(whole.into())
    }
}

/// How what is put into a place is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// As it is.
    None,
    /// For a URL: everything but letters, digits and `-._~` as `%XX`.
    Url,
}

impl Escape {
    fn apply(self, text: &str) -> Cow<'_, str> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        match self {
            Escape::None => Cow::Borrowed(text),
            Escape::Url if text.bytes().all(plain) => Cow::Borrowed(text),
            Escape::Url => {
                let mut escaped = String::with_capacity(text.len() + 8);
                for byte in text.bytes() {
                    if plain(byte) {
                        escaped.push(char::from(byte));
                    } else {
                        // Writing to a `String` never fails.
                        let _ = write!(escaped, "%{byte:02X}");
                    }
                }
                Cow::Owned(escaped)
            }
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    Place(Place),
    /// One of the plugin's own places, by its number.
    Own(usize),
}

/// A text with places for what a press knows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Takes a text apart that may have places of the plugin's own as well; [`Template::fill_with`] is given what to put
    /// there, in the same order.
    ///
    /// # Errors
    ///
    /// If a place has a name that is not known, or a brace stands alone.
    pub fn with_places(text: &str, own: &[&str]) -> Result<Template, Error> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let end = if brace == "{" { rest.find('}') } else { None };
            let Some(end) = end else {
                let text = format!(
                    "a \"{brace}\" stands alone in \"{text}\"; write \"{brace}{brace}\" for the character"
                );
                return Err(Error::invalid(text));
            };
            let part = place(&rest[..end], own)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(part);
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Template { parts })
    }

    /// The text, with what the press knows in its places.
    ///
    /// # Errors
    ///
    /// If the press does not know something that is wanted.
    pub fn fill(&self, context: &Context, escape: Escape) -> Result<String, Error> {
        self.fill_with(context, escape, &[])
    }

    /// The text, with what the press knows in its places, and these in the plugin's own.
    ///
    /// # Errors
    ///
    /// As [`Template::fill`]; and if there are fewer than the template's own places.
    pub fn fill_with(&self, context: &Context, escape: Escape, own: &[&str]) -> Result<String, Error> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Place(place) => filled.push_str(&escape.apply(&place.number(context)?.to_string())),
                Part::Own(number) => {
                    let text =
                        own.get(*number).ok_or_else(|| Error::failed("a place has nothing to put in"))?;
                    filled.push_str(&escape.apply(text));
                }
            }
        }
        Ok(filled)
    }

    /// The text of a template without places.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The fixed text that it begins with; may be empty.
    #[must_use]
    pub fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }
}

/// What a name between braces means.
fn place(name: &str, own: &[&str]) -> Result<Part, Error> {
    if let Some(number) = own.iter().position(|one| *one == name) {
        return Ok(Part::Own(number));
    }
    if let Some((_, place)) = PLACES.iter().find(|(known, _)| *known == name) {
        return Ok(Part::Place(*place));
    }
    let known = PLACES.iter().map(|(known, _)| *known).chain(own.iter().copied());
    let known: Vec<String> = known.map(|name| format!("{{{name}}}")).collect();
    Err(Error::invalid(format!(
        "there is no {{{name}}}; there is {} (and \"{{{{\" stands for a \"{{\")",
        known.join(", ")
    )))
}

impl FromStr for Template {
    type Err = Error;

    fn from_str(text: &str) -> Result<Template, Error> {
        Template::with_places(text, &[])
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Template, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Escape, JsonTemplate, Template};
    use crate::test::Touch;
    use serde_json::json;

    fn filled(template: &str, touch: Touch) -> Result<String, String> {
        let template: Template = template.parse().map_err(|error: crate::Error| error.to_string())?;
        template.fill(&touch.context(), Escape::None).map_err(|error| error.to_string())
    }

    #[test]
    fn places_are_filled_with_what_the_press_knows() {
        let pad = Touch::note(36, 64).channel(9);
        let text = "{note} on {channel}: {velocity}/{raw}, {value} = {percent}%, {ticks}";
        assert_eq!(filled(text, pad).unwrap(), "36 on 10: 64/64, 0.5039 = 50%, 0");
        assert_eq!(filled("{value} {percent}", Touch::note(36, 127)).unwrap(), "1 100");
        assert_eq!(filled("{controller} {ticks}", Touch::encoder(7, -3)).unwrap(), "7 -3");
        assert_eq!(filled("{{{press}}}", pad).unwrap(), "{1}");
        assert_eq!(filled("", pad).unwrap(), "");
        assert_eq!(
            filled("é {{ } }", pad).unwrap_err().split(';').next(),
            Some("a \"}\" stands alone in \"é {{ } }\"")
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let pad = Touch::note(36, 64);
        let wrong = filled("{velocty}", pad).unwrap_err();
        assert!(wrong.starts_with("there is no {velocty}; there is {value}, {percent}"), "{wrong}");
        assert!(filled("a { b", pad).unwrap_err().contains("stands alone"));
        let wrong = filled("{controller}", pad).unwrap_err();
        assert_eq!(wrong, "the control that was used has no controller, so {controller} has no meaning here");
    }

    #[test]
    fn what_is_put_into_a_url_is_escaped() {
        let template = Template::with_places("http://h/{when}?v={value}", &["when"]).unwrap();
        let context = Touch::controller(1, 64).context();
        let url = template.fill_with(&context, Escape::Url, &["a b/ü&~"]).unwrap();
        assert_eq!(url, "http://h/a%20b%2F%C3%BC%26~?v=0.5039");
        assert_eq!(template.beginning(), "http://h/");
        assert!(template.fill(&context, Escape::Url).is_err(), "nothing to put in is an error");
    }

    #[test]
    fn json_keeps_numbers_as_numbers() {
        let template = JsonTemplate::new(json!({
            "{note}": ["{value}", "{velocity}", "v{velocity}", 1, null, true],
            "deep": { "braces": "{{x}}" },
        }));
        let filled = template.unwrap().fill(&Touch::note(60, 127).context()).unwrap();
        assert_eq!(
            filled,
            json!({
                "{note}": [1, 127, "v127", 1, null, true],
                "deep": { "braces": "{x}" },
            })
        );
        assert!(JsonTemplate::new(json!(["{x}"])).is_err());
    }
}
