//! Arguments of a message: constants, and numbers of the press.

use padgate_plugin::Context;
use rosc::OscType;
use serde::Deserialize;
use serde::de::Error as _;

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    /// As it is.
    Constant(OscType),
    /// A number of the press.
    Press(Source),
}

/// A number of the press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// 0 to 1.
    Value,
    /// 0 to 100.
    Percent,
    /// 0 to 127.
    Velocity,
    /// 0 to 127, or to 16383.
    Raw,
    /// Ticks of an encoder.
    Ticks,
    /// The note, or 0.
    Note,
    /// The controller, or 0.
    Controller,
    /// 1 to 16, or 0.
    Channel,
}

const SOURCES: [(&str, Source); 8] = [
    ("{value}", Source::Value),
    ("{percent}", Source::Percent),
    ("{velocity}", Source::Velocity),
    ("{raw}", Source::Raw),
    ("{ticks}", Source::Ticks),
    ("{note}", Source::Note),
    ("{controller}", Source::Controller),
    ("{channel}", Source::Channel),
];

impl Source {
    fn number(self, context: &Context) -> OscType {
        match self {
            Source::Value => OscType::Float(context.value() as f32),
            Source::Percent => OscType::Float((context.value() * 100.0) as f32),
            Source::Velocity => OscType::Int(i32::from(context.velocity())),
            Source::Raw => OscType::Int(i32::from(context.raw())),
            Source::Ticks => OscType::Int(i32::from(context.ticks())),
            Source::Note => OscType::Int(context.note().map_or(0, i32::from)),
            Source::Controller => OscType::Int(context.controller().map_or(0, i32::from)),
            Source::Channel => OscType::Int(context.channel().map_or(0, |channel| i32::from(channel) + 1)),
        }
    }
}

impl Argument {
    /// What is sent.
    pub(crate) fn value(&self, context: &Context) -> OscType {
        match self {
            Argument::Constant(constant) => constant.clone(),
            Argument::Press(source) => source.number(context),
        }
    }
}

/// `text` with the numbers of the press in it.
pub(crate) fn fill(text: &str, context: &Context) -> String {
    let mut filled = text.to_owned();
    for (name, source) in SOURCES {
        if filled.contains(name) {
            let number = match source.number(context) {
                OscType::Int(number) => number.to_string(),
                OscType::Float(number) => number.to_string(),
                _ => continue,
            };
            filled = filled.replace(name, &number);
        }
    }
    filled
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Flag(bool),
            Whole(i64),
            Number(f64),
            Text(String),
        }
        let written = Written::deserialize(from)
            .map_err(|_| D::Error::custom("an argument must be a number, a text, true or false"))?;
        Ok(Argument::Constant(match written {
            Written::Flag(flag) => OscType::Bool(flag),
            Written::Whole(number) => OscType::Int(i32::try_from(number).map_err(|_| {
                D::Error::custom(format!("{number} does not fit into the 32 bits of an OSC integer"))
            })?),
            Written::Number(number) => OscType::Float(number as f32),
            Written::Text(text) => match SOURCES.iter().find(|(name, _)| *name == text) {
                Some((_, source)) => return Ok(Argument::Press(*source)),
                None => OscType::String(text),
            },
        }))
    }
}
