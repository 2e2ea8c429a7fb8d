//! JSON-RPC 2.0: the objects that lines hold.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ErrorCode, ErrorObject};

/// The method under which events are sent to a client that subscribed.
pub const EVENT: &str = "event";

/// A call, or (without `id`) something that wants no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What the answer will carry; `None` wants none.
    pub id: Option<Value>,
    /// Which method.
    pub method: String,
    /// Its parameters, an object; `Null` if there are none.
    pub params: Value,
}

impl Request {
    /// Reads a request from a line.
    ///
    /// # Errors
    ///
    /// If the line is no JSON, or no request; with the id, as far as one can be read, for the answer. Batches are
    /// refused: calls can be sent one after the other without waiting, which does the same.
    pub fn parse(line: &[u8]) -> Result<Request, (Value, ErrorObject)> {
        let value: Value = serde_json::from_slice(line).map_err(|error| {
            let text = format!("this line is not JSON ({error}): send one JSON-RPC 2.0 object per line");
            (Value::Null, ErrorObject::new(ErrorCode::Parse, text))
        })?;
        let invalid = |id: Value, what: &str| {
            let text =
                format!("{what}: send {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"…\",\"params\":{{…}}}}");
            (id, ErrorObject::new(ErrorCode::InvalidRequest, text))
        };
        let Value::Object(mut object) = value else {
            return Err(invalid(Value::Null, "a request is one JSON object (batches are not supported)"));
        };
        let id = object.remove("id");
        if !matches!(id, None | Some(Value::Null | Value::Number(_) | Value::String(_))) {
            return Err(invalid(Value::Null, "an id is a number or a string"));
        }
        let answer_id = || id.clone().unwrap_or(Value::Null);
        if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(invalid(answer_id(), "\"jsonrpc\" must be \"2.0\""));
        }
        let Some(Value::String(method)) = object.remove("method") else {
            return Err(invalid(answer_id(), "\"method\" must be a string"));
        };
        let params = object.remove("params").unwrap_or(Value::Null);
        Ok(Request { id, method, params })
    }

    /// The request as a line, without the line's end.
    #[must_use]
    pub fn line(&self) -> String {
        let mut object = serde_json::json!({ "jsonrpc": "2.0", "method": self.method });
        if let Some(id) = &self.id {
            object["id"] = id.clone();
        }
        if !self.params.is_null() {
            object["params"] = self.params.clone();
        }
        object.to_string()
    }
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The id of the request; `Null` if none could be read from it.
    pub id: Value,
    /// What came of it.
    pub outcome: Result<Value, ErrorObject>,
}

impl Response {
    /// The answer as a line, without the line's end.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.outcome {
            Ok(result) => serde_json::json!({ "jsonrpc": "2.0", "id": self.id, "result": result }),
            Err(error) => serde_json::json!({ "jsonrpc": "2.0", "id": self.id, "error": error }),
        }
        .to_string()
    }
}

/// Something that a daemon sends.
#[derive(Clone, Debug, PartialEq)]
pub enum FromDaemon {
    /// An answer.
    Response(Response),
    /// An event: the parameters of a notification with the method [`EVENT`].
    Event(Value),
    /// A notification that this version does not know; to be ignored.
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct AnyMessage {
    #[serde(default)]
    id: Value,
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    result: Value,
    error: Option<ErrorObject>,
}

impl FromDaemon {
    /// Reads what a daemon sent.
    ///
    /// # Errors
    ///
    /// If the line is not what a daemon sends.
    pub fn parse(line: &[u8]) -> Result<FromDaemon, serde_json::Error> {
        let AnyMessage { id, method, params, result, error } = serde_json::from_slice(line)?;
        Ok(match (method.as_deref(), error) {
            (Some(EVENT), _) => FromDaemon::Event(params),
            (Some(_), _) => FromDaemon::Unknown,
            (None, Some(error)) => FromDaemon::Response(Response { id, outcome: Err(error) }),
            (None, None) => FromDaemon::Response(Response { id, outcome: Ok(result) }),
        })
    }
}

/// An event as a line, without the line's end.
#[must_use]
pub fn event_line(event: &impl Serialize) -> String {
    serde_json::json!({ "jsonrpc": "2.0", "method": EVENT, "params": event }).to_string()
}

#[cfg(test)]
mod tests {
    use super::{FromDaemon, Request, Response};
    use crate::error::{ErrorCode, ErrorObject};
    use serde_json::{Value, json};

    #[test]
    fn what_is_no_request_is_told_why() {
        let code = |line: &str| Request::parse(line.as_bytes()).map_err(|(id, error)| (id, error.kind()));
        assert_eq!(code("{").unwrap_err(), (Value::Null, ErrorCode::Parse));
        assert_eq!(code("\0").unwrap_err(), (Value::Null, ErrorCode::Parse));
        assert_eq!(code("[]").unwrap_err(), (Value::Null, ErrorCode::InvalidRequest));
        assert_eq!(
            code("{\"id\":7,\"method\":\"status\"}").unwrap_err(),
            (json!(7), ErrorCode::InvalidRequest)
        );
        assert_eq!(
            code("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":1}").unwrap_err(),
            (json!("a"), ErrorCode::InvalidRequest)
        );
        assert_eq!(
            code("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"status\"}").unwrap_err(),
            (Value::Null, ErrorCode::InvalidRequest)
        );
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(code(&deep).unwrap_err().1, ErrorCode::Parse, "nesting is bounded");
    }

    #[test]
    fn lines_read_back() {
        let request =
            Request { id: Some(json!(3)), method: "press".into(), params: json!({ "device": "pads" }) };
        assert_eq!(Request::parse(request.line().as_bytes()).unwrap(), request);
        let with_more = r#"{"jsonrpc":"2.0","method":"panic","from":"the future"}"#;
        assert_eq!(Request::parse(with_more.as_bytes()).unwrap().params, Value::Null);
        for outcome in [Ok(json!({ "a": 1 })), Err(ErrorObject::new(ErrorCode::NotFound, "no"))] {
            let response = Response { id: json!(1), outcome };
            let line = response.line();
            assert_eq!(FromDaemon::parse(line.as_bytes()).unwrap(), FromDaemon::Response(response));
        }
        let unknown = br#"{"jsonrpc":"2.0","method":"plugin.log","params":{}}"#;
        assert_eq!(FromDaemon::parse(unknown).unwrap(), FromDaemon::Unknown);
    }
}
