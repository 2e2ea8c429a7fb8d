//! The JSON schemas (draft-07) of the configuration and of plugins' manifests, for editors: made from the same tables of
//! keys that read them.

use padgate_core::config::keys::{Key, Kind, MANIFEST, ROOT, Role, Section};
use serde_json::{Map, Value, json};

/// The schema of configurations as text, with a line break at the end. The same version always gives the same text.
#[must_use]
pub fn schema() -> String {
    schema_of(&ROOT, "Padgate's configuration")
}

/// The same of `plugin.toml`.
#[must_use]
pub fn plugin_schema() -> String {
    schema_of(&MANIFEST, "The manifest of a plugin for Padgate")
}

fn schema_of(section: &'static Section, title: &str) -> String {
    let mut definitions = Map::new();
    let mut root = section_schema(section, &mut definitions);
    root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    root.insert("title".to_owned(), json!(title));
    root.insert("definitions".to_owned(), Value::Object(definitions));
    let mut text =
        serde_json::to_string_pretty(&Value::Object(root)).expect("JSON values can always be written");
    text.push('\n');
    text
}

/// The name of a section's definition: its title without the article.
fn definition_name(section: &Section) -> String {
    let title = section.title;
    let bare = ["a ", "an ", "the "].iter().find_map(|article| title.strip_prefix(article)).unwrap_or(title);
    bare.replace(' ', "_")
}

/// A reference to a section's definition, which is made when it is first wanted.
fn reference(section: &'static Section, definitions: &mut Map<String, Value>) -> Value {
    let name = definition_name(section);
    if !definitions.contains_key(&name) {
        // Entered before it is made, so that sections that contain themselves come to an end.
        definitions.insert(name.clone(), Value::Null);
        let made = section_schema(section, definitions);
        definitions.insert(name.clone(), Value::Object(made));
    }
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn section_schema(section: &'static Section, definitions: &mut Map<String, Value>) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in section.keys {
        let made = key_schema(key, definitions);
        match properties.get_mut(key.name) {
            // The same name beside another leading key: either will do here, reading is stricter.
            Some(Value::Object(other)) => {
                let first = Value::Object(std::mem::take(other));
                other.insert("anyOf".to_owned(), json!([first, made]));
            }
            _ => _ = properties.insert(key.name.to_owned(), made),
        }
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("description".to_owned(), json!(section.doc));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema.insert("properties".to_owned(), Value::Object(properties));
    let required: Vec<&str> =
        section.keys.iter().filter(|key| key.required && key.role == Role::Any).map(|key| key.name).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    let leading: Vec<&str> = section.leading_keys().collect();
    if !leading.is_empty() {
        let one_of: Vec<Value> = leading.iter().map(|key| json!({ "required": [key] })).collect();
        // A key that also accompanies another one (`note` in `pressure`) makes two leading keys stand together.
        let exclusive =
            !section.keys.iter().any(|key| matches!(key.role, Role::With(_)) && leading.contains(&key.name));
        schema.insert(if exclusive { "oneOf" } else { "anyOf" }.to_owned(), Value::Array(one_of));
    }
    let needs: Map<String, Value> = section
        .keys
        .iter()
        .filter(|key| key.needs.len() == 1)
        .map(|key| (key.name.to_owned(), json!(key.needs)))
        .collect();
    if !needs.is_empty() {
        schema.insert("dependencies".to_owned(), Value::Object(needs));
    }
    schema
}

fn key_schema(key: &'static Key, definitions: &mut Map<String, Value>) -> Value {
    let doc = format!("{} Example: {} = {}", key.doc, key.name, key.example);
    match kind_schema(&key.kind, definitions) {
        // Beside a reference, draft-07 ignores everything else.
        Value::Object(made) if made.contains_key("$ref") => json!({ "allOf": [made], "description": doc }),
        Value::Object(mut made) => {
            made.insert("description".to_owned(), json!(doc));
            Value::Object(made)
        }
        other => other,
    }
}

fn kind_schema(kind: &'static Kind, definitions: &mut Map<String, Value>) -> Value {
    let note_pattern = "^([A-Ga-g][#♯b♭]?(-1|[0-9])|[0-9]{1,3})$";
    match kind {
        Kind::Text(_) => json!({ "type": "string" }),
        Kind::Form(_, pattern) => json!({ "type": "string", "pattern": pattern }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::True => json!({ "const": true }),
        Kind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Number(low, _) if *low == f64::MIN => json!({ "type": "number" }),
        Kind::Number(low, high) => json!({ "type": "number", "minimum": low, "maximum": high }),
        Kind::Duration(..) => json!({ "anyOf": [
            { "type": "string", "pattern": "^\\s*(0|[0-9.]+\\s*([mM][sS]|[sS]|[mM]|[mM][iI][nN]))\\s*$" },
            { "const": 0 },
        ] }),
        Kind::Note => json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 127 },
            { "type": "string", "pattern": note_pattern },
        ] }),
        Kind::Range(low, high) => {
            let number = json!({ "type": "integer", "minimum": low, "maximum": high });
            json!({ "anyOf": [
                { "type": "string", "pattern": "^\\s*[0-9]+(\\s*-\\s*[0-9]+)?\\s*$" },
                number,
                { "type": "array", "items": number, "minItems": 2, "maxItems": 2 },
            ] })
        }
        Kind::Words(words) => json!({ "enum": words }),
        Kind::Table(section) => reference(section, definitions),
        Kind::Map(of) => json!({ "type": "object", "additionalProperties": kind_schema(of, definitions) }),
        Kind::List(of, low, high) => {
            let mut list = json!({ "type": "array", "items": kind_schema(of, definitions) });
            if *low > 0 {
                list["minItems"] = json!(low);
            }
            if *high < usize::MAX {
                list["maxItems"] = json!(high);
            }
            list
        }
        Kind::Anything => json!({}),
        Kind::Either(kinds) => {
            let any: Vec<Value> = kinds.iter().map(|kind| kind_schema(kind, definitions)).collect();
            json!({ "anyOf": any })
        }
    }
}
