//! A plugin's manifest and documentation, held against the plugin itself. Needs the feature `manifest`.
//!
//! What is checked here is what a plugin's own tests are for: that the manifest names the same plugin, version, actions
//! and parameters as the code, and that what the documentation shows can be used. Whether the manifest is one is what
//! `padgate plugin info` says.

use serde_json::{Map, Value};
use toml::Table;

use super::{Kit, Prepared};
use crate::Error;
use crate::export::Exported;

/// How a block of TOML begins in Markdown.
const FENCE: &str = "```";

impl<P: Exported> Kit<P> {
    /// Prepares each use of this plugin in a configuration as Padgate would: what is not given has the default of the
    /// manifest, which must be that of this plugin. Returns them in no particular order.
    ///
    /// # Errors
    ///
    /// If something does not fit, or the plugin refuses it.
    pub fn prepare_written(&mut self, manifest: &str, configuration: &str) -> Result<Vec<Prepared>, Error> {
        let manifest = parsed("the manifest", manifest)?;
        for (key, own) in [("name", P::NAME), ("version", P::VERSION)] {
            let written = manifest.get("plugin").and_then(|plugin| plugin.get(key)?.as_str());
            if written != Some(own) {
                return Err(
                    format!("plugin.{key} is {written:?} in the manifest, and {own:?} in the code").into()
                );
            }
        }
        let mut uses = Vec::new();
        find(&toml::Value::Table(parsed("the configuration", configuration)?), P::NAME, &mut uses);
        uses.into_iter()
            .map(|call| {
                let (action, parameters) = completed(&manifest, &call)?;
                self.prepare(&action, parameters.into()).map_err(|error| error.of(&action))
            })
            .collect()
    }

    /// Prepares each use of this plugin in the TOML blocks of a Markdown page, but not in those that are marked with
    /// `must-fail` or `other`.
    ///
    /// # Errors
    ///
    /// As [`Kit::prepare_written`]; and if there is no use at all.
    pub fn prepare_page(&mut self, manifest: &str, page: &str) -> Result<Vec<Prepared>, Error> {
        let mut prepared = Vec::new();
        for block in blocks(page) {
            prepared.extend(self.prepare_written(manifest, &block).map_err(|error| error.of(&block))?);
        }
        if prepared.is_empty() {
            Err("the page does not show how the plugin is used".into())
        } else {
            Ok(prepared)
        }
    }
}

fn parsed(what: &str, text: &str) -> Result<Table, Error> {
    text.parse().map_err(|error: toml::de::Error| Error::invalid(error.to_string()).of(what))
}

/// All tables with this plugin, however deep.
fn find(value: &toml::Value, plugin: &str, uses: &mut Vec<Table>) {
    match value {
        toml::Value::Table(table) => {
            if table.get("plugin").and_then(|name| name.as_str()) == Some(plugin) {
                uses.push(table.clone());
            }
            table.values().for_each(|value| find(value, plugin, uses));
        }
        toml::Value::Array(items) => items.iter().for_each(|item| find(item, plugin, uses)),
        _ => {}
    }
}

/// The action and all parameters of a use.
fn completed(manifest: &Table, call: &Table) -> Result<(String, Map<String, Value>), Error> {
    let actions =
        manifest.get("action").and_then(|actions| actions.as_array()).map_or(&[][..], Vec::as_slice);
    let name = |action: &toml::Value| action.get("name").and_then(|name| name.as_str()).map(str::to_owned);
    let action = match (call.get("action").and_then(|action| action.as_str()), actions) {
        (None, [only]) => only,
        (None, _) => return Err("`action` is missing, and the manifest does not have exactly one".into()),
        (Some(wanted), all) => all
            .iter()
            .find(|action| name(action).as_deref() == Some(wanted))
            .ok_or_else(|| format!("there is no action {wanted:?} in the manifest"))?,
    };
    let empty = Table::new();
    let known = action.get("parameters").and_then(|known| known.as_table()).unwrap_or(&empty);
    let given = call.get("params").and_then(|given| given.as_table()).unwrap_or(&empty);
    if let Some(stranger) = given.keys().find(|key| !known.contains_key(*key)) {
        return Err(format!("there is no parameter {stranger:?} in the manifest").into());
    }
    let mut parameters = Map::new();
    for (key, spec) in known {
        match given.get(key).or_else(|| spec.get("default")) {
            Some(value) if !fits(value, spec) => {
                return Err(format!("{key:?} is {value}, which is not what the manifest says").into());
            }
            Some(value) => {
                parameters.insert(key.clone(), serde_json::to_value(value)?);
            }
            None if spec.get("required").and_then(toml::Value::as_bool) == Some(true) => {
                return Err(format!("{key:?} is missing").into());
            }
            None => {}
        }
    }
    Ok((name(action).unwrap_or_default(), parameters))
}

/// Whether a value is of the type that the manifest says.
fn fits(value: &toml::Value, spec: &toml::Value) -> bool {
    let word = |key: &str| spec.get(key).and_then(|word| word.as_str()).unwrap_or("any");
    let is = |value: &toml::Value, kind: &str| match kind {
        "text" => {
            let choices = spec.get("choices").and_then(|choices| choices.as_array());
            value.is_str() && choices.is_none_or(|choices| choices.contains(value))
        }
        "integer" => value.is_integer(),
        "number" => value.is_integer() || value.is_float(),
        "flag" => value.is_bool(),
        "any" => !value.is_datetime(),
        _ => false,
    };
    match word("type") {
        "list" => value.as_array().is_some_and(|items| items.iter().all(|item| is(item, word("of")))),
        "table" => value.as_table().is_some_and(|table| table.values().all(|value| is(value, word("of")))),
        kind => is(value, kind),
    }
}

/// The blocks of TOML in Markdown that show a configuration.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    // Inside a block: whether it is a configuration, and what it says.
    let mut open: Option<(bool, String)> = None;
    for line in page.lines() {
        match (&mut open, line.trim_start().strip_prefix(FENCE)) {
            (None, Some(mark)) => open = Some((matches!(mark, "toml" | "toml,fragment"), String::new())),
            (None, None) => {}
            (Some(_), Some(_)) => {
                blocks.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, text)| text));
            }
            (Some((_, text)), None) => text.extend([line, "\n"]),
        }
    }
    blocks
}
