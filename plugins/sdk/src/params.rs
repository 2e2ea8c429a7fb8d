//! Parameters: from an action's name and a JSON object to the plugin's own type.
//!
//! A struct takes the object. An enum takes the action's name as its variant, and the object as what is in it. Errors
//! name the parameter, which those of `serde_json` alone do not.

use std::time::Duration;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess};
use serde::de::{VariantAccess, Visitor};
use serde_json::{Map, Value};

use crate::Error;

/// Makes the plugin's parameters of what the configuration says.
pub(crate) fn read<P: DeserializeOwned>(action: &str, parameters: &[u8]) -> Result<P, Error> {
    let parameters: Map<String, Value> = serde_json::from_slice(parameters)
        .map_err(|error| Error::invalid(format!("the parameters are no JSON object: {error}")))?;
    P::deserialize(Call { action, parameters }).map_err(|error| Error::invalid(error.to_string()))
}

/// Reads a duration as it is written everywhere in Padgate: `"400ms"`, `"1.5s"` or `"2m"`.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Params {
///     #[serde(deserialize_with = "padgate_plugin::duration")]
///     timeout: std::time::Duration,
/// }
/// # let params: Params = padgate_plugin::json::from_str(r#"{"timeout": "1.5s"}"#).unwrap();
/// # assert_eq!(params.timeout, std::time::Duration::from_millis(1500));
/// ```
///
/// # Errors
///
/// If it is none.
pub fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => f64::NAN,
    };
    let number = number.trim();
    // A number of digits and a point: no sign, no exponent, no infinity.
    let plain = number.len() <= 32 && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = number.parse::<f64>().ok().filter(|_| plain).map(|number| number * unit);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        D::Error::custom(format!("{text:?} is not a duration; write one as in \"400ms\", \"1.5s\" or \"2m\""))
    })
}

type Wrong = serde_json::Error;

/// An action and its parameters.
struct Call<'a> {
    action: &'a str,
    parameters: Map<String, Value>,
}

impl<'de> Deserializer<'de> for Call<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Entries { rest: self.parameters.into_iter(), value: None })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if !variants.contains(&self.action) {
            let known = match variants {
                [] => "none".to_owned(),
                some => some.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "),
            };
            return Err(Wrong::custom(format!("there is no action \"{}\"; there is {known}", self.action)));
        }
        visitor.visit_enum(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.parameters.keys().next() {
            None => visitor.visit_unit(),
            Some(key) => Err(Wrong::custom(format!("\"{key}\": this action has no parameters"))),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        seq tuple tuple_struct map struct identifier
    }
}

impl<'de> EnumAccess<'de> for Call<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name: StrDeserializer<'_, Wrong> = StrDeserializer::new(self.action);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Call<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        <() as Deserialize>::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }
}

/// The parameters one by one, which puts a parameter's name before what is wrong with it.
struct Entries {
    rest: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        let name: StrDeserializer<'_, Wrong> = StrDeserializer::new(&key);
        let read = seed.deserialize(name)?;
        self.value = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (key, value) = self.value.take().ok_or_else(|| Wrong::custom("a value without its key"))?;
        seed.deserialize(value).map_err(|error| Wrong::custom(format!("\"{key}\": {error}")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct One {
        port: u16,
        #[serde(default)]
        host: Option<String>,
    }

    #[derive(Deserialize, PartialEq, Debug)]
    struct Empty;

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(rename_all = "kebab-case")]
    enum Many {
        SetScene { name: String },
        Raw(One),
        Stop,
        Nothing(Empty),
        Pair(u8, u8),
    }

    fn error<P: serde::de::DeserializeOwned + std::fmt::Debug>(action: &str, json: &str) -> String {
        read::<P>(action, json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_struct_takes_the_parameters_whatever_the_action() {
        let one: One = read("go", br#"{"port": 80, "host": "h"}"#).unwrap();
        assert_eq!(one, One { port: 80, host: Some("h".into()) });
        assert_eq!(read::<Empty>("go", b"{}").unwrap(), Empty);
        assert_eq!(read::<Option<One>>("go", br#"{"port": 1}"#).unwrap(), Some(One { port: 1, host: None }));
        let map: BTreeMap<String, u8> = read("go", br#"{"a": 1}"#).unwrap();
        assert_eq!(map["a"], 1);
        assert_eq!(read::<serde_json::Value>("go", br#"{"a": 1}"#).unwrap()["a"], 1);
    }

    #[test]
    fn an_enum_is_told_apart_by_the_action() {
        assert_eq!(
            read::<Many>("set-scene", br#"{"name": "Live"}"#).unwrap(),
            Many::SetScene { name: "Live".into() }
        );
        assert_eq!(read::<Many>("raw", br#"{"port": 2}"#).unwrap(), Many::Raw(One { port: 2, host: None }));
        assert_eq!(read::<Many>("stop", b"{}").unwrap(), Many::Stop);
        assert_eq!(read::<Many>("nothing", b"{}").unwrap(), Many::Nothing(Empty));
    }

    #[test]
    fn errors_name_the_parameter_or_the_action() {
        let wrong = error::<One>("go", r#"{"port": "x"}"#);
        assert!(wrong.starts_with("\"port\": invalid type: string \"x\", expected u16"), "{wrong}");
        assert!(error::<One>("go", "{}").contains("missing field `port`"));
        assert!(error::<One>("go", r#"{"port": 1, "prot": 2}"#).contains("unknown field `prot`"));
        assert!(error::<Many>("raw", r#"{"port": 70000}"#).starts_with("\"port\": invalid value"));
        assert_eq!(error::<Many>("stop", r#"{"x": 1}"#), "\"x\": this action has no parameters");
        let wrong = error::<Many>("scene", "{}");
        assert!(
            wrong.starts_with("there is no action \"scene\"; there is \"set-scene\", \"raw\""),
            "{wrong}"
        );
        assert!(error::<Many>("pair", "{}").contains("invalid type: map"));
        assert!(error::<One>("go", "[1]").starts_with("the parameters are no JSON object"));
        assert!(error::<u8>("go", "{}").contains("invalid type: map, expected u8"));
    }
    #[test]
    fn durations_are_read_as_in_a_configuration() {
        let read =
            |text: &str| super::duration(serde_json::Value::from(text)).map_err(|error| error.to_string());
        assert_eq!(read("400ms").unwrap().as_millis(), 400);
        assert_eq!(read("1.5 s").unwrap().as_millis(), 1500);
        assert_eq!(read("2m").unwrap().as_secs(), 120);
        for wrong in ["", "5", "s", "-1s", "1e3s", "infs", "5h", "99999999999999999999m"] {
            assert!(read(wrong).unwrap_err().contains("is not a duration"), "{wrong}");
        }
    }
}
