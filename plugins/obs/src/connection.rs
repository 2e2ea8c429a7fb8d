//! One connection to one OBS: handshake, identification, requests and their answers.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use padgate_plugin::{Error, Host, Moment};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tungstenite::{Message, WebSocket};

/// The version of the protocol that is spoken.
const RPC_VERSION: u64 = 1;
/// The longest that connecting and identifying takes.
const CONNECT: Duration = Duration::from_millis(1500);
/// How long an answer is waited for; the rest of the call's deadline is for the outcome to get back.
const ANSWER: Duration = Duration::from_millis(1500);

/// Where an OBS listens.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Address, Error> {
        let wrong = || Error::invalid(format!("\"host\" is {text:?}: write it like \"localhost:4455\""));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port: u16 = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || port == 0 {
            return Err(wrong());
        }
        Ok(Address { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A message of the protocol: what it is, and its data.
#[derive(Debug, Deserialize)]
struct Packet {
    op: u64,
    #[serde(default)]
    d: Value,
}

const HELLO: u64 = 0;
const IDENTIFY: u64 = 1;
const IDENTIFIED: u64 = 2;
const REQUEST: u64 = 6;
const RESPONSE: u64 = 7;

/// An identified connection.
pub(crate) struct Connection {
    socket: WebSocket<TcpStream>,
    address: Address,
    requests: u64,
    sound: bool,
}

impl Connection {
    /// Connects, and proves the password.
    pub(crate) fn open(
        address: &Address,
        password: &str,
        host: &Host,
        deadline: Moment,
    ) -> Result<Connection, Error> {
        let time = CONNECT.min(deadline.since(host.now()));
        let stream = host.connect(&address.host, address.port, time)?;
        stream.set_read_timeout(Some(time))?;
        stream.set_write_timeout(Some(time))?;
        let url = format!("ws://{address}/");
        let (socket, _) = tungstenite::client(url.as_str(), stream).map_err(|error| {
            Error::unavailable(format!(
                "what listens on {address} does not speak obs-websocket ({error}): is the port that of OBS?"
            ))
        })?;
        let mut connection = Connection { socket, address: address.clone(), requests: 0, sound: true };
        connection.identify(password)?;
        connection.socket.get_ref().set_read_timeout(Some(ANSWER))?;
        Ok(connection)
    }

    fn identify(&mut self, password: &str) -> Result<(), Error> {
        let hello = self.receive(HELLO)?;
        let mut identify = json!({ "rpcVersion": RPC_VERSION, "eventSubscriptions": 0 });
        if let Some(challenge) = hello.get("authentication") {
            if password.is_empty() {
                return Err(Error::unavailable(format!(
                    "OBS on {} wants a password: set `password`, or put it into the file `password` in the \
                     plugin's data folder",
                    self.address
                )));
            }
            let part = |name: &str| challenge.get(name).and_then(Value::as_str).unwrap_or_default();
            identify["authentication"] = proof(password, part("salt"), part("challenge")).into();
        }
        self.send(&json!({ "op": IDENTIFY, "d": identify }))?;
        match self.receive(IDENTIFIED) {
            Ok(_) => Ok(()),
            // 4009 is the close code for a wrong password.
            Err(error) if error.to_string().contains("4009") => Err(Error::unavailable(format!(
                "OBS on {} did not accept the password: see Tools, WebSocket Server Settings in OBS",
                self.address
            ))),
            Err(error) => Err(error),
        }
    }

    /// Whether the other side has not closed it meanwhile, as far as is known here.
    pub(crate) fn is_open(&self) -> bool {
        let stream = self.socket.get_ref();
        if stream.set_nonblocking(true).is_err() {
            return false;
        }
        // OBS says nothing unasked: anything that can be read is the end of the connection.
        let silent = matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        stream.set_nonblocking(false).is_ok() && silent
    }

    /// Whether it can be used again.
    pub(crate) fn is_sound(&self) -> bool {
        self.sound
    }

    /// Makes one request and waits for its answer.
    pub(crate) fn request(&mut self, kind: &str, data: &Value) -> Result<Value, Error> {
        self.requests += 1;
        let id = self.requests.to_string();
        let request =
            json!({ "op": REQUEST, "d": { "requestType": kind, "requestId": id, "requestData": data } });
        self.send(&request)?;
        loop {
            let mut answer = self.receive(RESPONSE)?;
            if answer.get("requestId").and_then(Value::as_str) != Some(&id) {
                continue;
            }
            let status = &answer["requestStatus"];
            if status["result"] == Value::Bool(true) {
                return Ok(answer["responseData"].take());
            }
            let code = status["code"].as_u64().unwrap_or(0);
            let comment = status["comment"].as_str().unwrap_or("it gave no reason");
            return Err(Error::failed(format!("OBS refused {kind} (code {code}): {comment}")));
        }
    }

    fn send(&mut self, packet: &Value) -> Result<(), Error> {
        self.socket.send(Message::text(packet.to_string())).map_err(|error| self.lost(&error))
    }

    /// The data of the next message with this code; others are passed over.
    fn receive(&mut self, wanted: u64) -> Result<Value, Error> {
        loop {
            let message = self.socket.read().map_err(|error| self.lost(&error))?;
            match message {
                Message::Text(text) => {
                    let packet: Packet = serde_json::from_str(&text).map_err(|error| self.lost(&error))?;
                    if packet.op == wanted {
                        return Ok(packet.d);
                    }
                }
                Message::Close(frame) => {
                    let why = frame.map_or_else(
                        || "it closed the connection".to_owned(),
                        |frame| format!("{} {}", u16::from(frame.code), frame.reason),
                    );
                    return Err(self.lost(&why));
                }
                _ => {}
            }
        }
    }

    fn lost(&mut self, why: &dyn std::fmt::Display) -> Error {
        self.sound = false;
        Error::unavailable(format!("OBS on {} does not answer: {why}", self.address))
    }
}

/// The proof that the password is known: `base64(sha256(base64(sha256(password + salt)) + challenge))`.
fn proof(password: &str, salt: &str, challenge: &str) -> String {
    let hash = |text: String| STANDARD.encode(Sha256::digest(text.as_bytes()));
    hash(hash(format!("{password}{salt}")) + challenge)
}

#[cfg(test)]
mod tests {
    use super::{Address, proof};

    #[test]
    fn the_proof_is_that_of_the_protocols_documentation() {
        // Computed with: printf %s "$(printf %s supersecretpasswordSALT | openssl sha256 -binary | base64)CHALLENGE" \
        //   | openssl sha256 -binary | base64, with the salt and challenge of the documentation's example.
        let salt = "lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=";
        let challenge = "+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=";
        assert_eq!(
            proof("supersecretpassword", salt, challenge),
            "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="
        );
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        assert_eq!(Address::parse("[::1]:4455").unwrap().to_string(), "[::1]:4455");
        assert_eq!(Address::parse("studio:80").unwrap().to_string(), "studio:80");
        for wrong in ["localhost", ":4455", "localhost:0", "localhost:x", "localhost:99999"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
