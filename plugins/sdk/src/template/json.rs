//! JSON with places for what a press knows.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Escape, Part, Template};
use crate::{Context, Error};

/// JSON whose texts are templates; the keys are not. A text that is nothing but one place becomes a number: `"{value}"` is
/// filled as `0.5`, `"{value} of 1"` as `"0.5 of 1"`.
#[derive(Clone, PartialEq, Debug)]
pub struct JsonTemplate {
    root: Node,
}

#[derive(Clone, PartialEq, Debug)]
enum Node {
    Fixed(Value),
    Text(Template),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl JsonTemplate {
    /// Takes JSON apart.
    ///
    /// # Errors
    ///
    /// If a text in it is no template.
    pub fn new(value: Value) -> Result<JsonTemplate, Error> {
        Node::new(value).map(|root| JsonTemplate { root })
    }

    /// The JSON, with what the press knows in its places.
    ///
    /// # Errors
    ///
    /// If the press does not know something that is wanted.
    pub fn fill(&self, context: &Context) -> Result<Value, Error> {
        self.root.fill(context)
    }

    /// The template of a text, if it is one and not a list, a table or something else.
    #[must_use]
    pub fn as_text(&self) -> Option<Template> {
        match &self.root {
            Node::Text(template) => Some(template.clone()),
            Node::Fixed(Value::String(text)) => Some(Template { parts: vec![Part::Text(text.clone())] }),
            _ => None,
        }
    }
}

impl Node {
    fn new(value: Value) -> Result<Node, Error> {
        Ok(match value {
            Value::String(text) => {
                let template: Template = text.parse()?;
                match template.fixed() {
                    Some(fixed) => Node::Fixed(fixed.into()),
                    None => Node::Text(template),
                }
            }
            Value::Array(list) => Node::List(list.into_iter().map(Node::new).collect::<Result<_, _>>()?),
            Value::Object(table) => {
                let entry = |(key, value)| Node::new(value).map(|node| (key, node));
                Node::Table(table.into_iter().map(entry).collect::<Result<_, _>>()?)
            }
            fixed @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Node::Fixed(fixed),
        })
    }

    fn fill(&self, context: &Context) -> Result<Value, Error> {
        Ok(match self {
            Node::Fixed(value) => value.clone(),
            Node::Text(template) => match template.parts.as_slice() {
                [Part::Place(place)] => place.number(context)?.into(),
                _ => template.fill(context, Escape::None)?.into(),
            },
            Node::List(list) => {
                list.iter().map(|node| node.fill(context)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Node::Table(table) => {
                let entry =
                    |(key, node): &(String, Node)| node.fill(context).map(|value| (key.clone(), value));
                table.iter().map(entry).collect::<Result<Map<_, _>, _>>()?.into()
            }
        })
    }
}

impl<'de> Deserialize<'de> for JsonTemplate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<JsonTemplate, D::Error> {
        JsonTemplate::new(Value::deserialize(from)?).map_err(D::Error::custom)
    }
}
