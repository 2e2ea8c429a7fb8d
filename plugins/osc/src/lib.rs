//! Open Sound Control for Padgate: one message per press, or per movement of a control.
//!
//! The message is encoded when the configuration is loaded, as far as it does not depend on the press; what is left for
//! the press is to fill in numbers and to hand one datagram to the daemon.
//!
//! The format is that of the OSC 1.0 specification; the `rosc` crate writes it.

mod argument;

use padgate_plugin::{ActionPlugin, Context, Error, Host, Phase};
use rosc::{OscMessage, OscPacket, OscType};
use serde::Deserialize;

use argument::{Argument, fill};

/// Sends messages.
#[derive(Default)]
pub struct Osc;

/// The parameters of `send`.
#[derive(Debug, Deserialize)]
pub struct Params {
    #[serde(deserialize_with = "destination")]
    to: (String, u16),
    address: String,
    #[serde(default)]
    arguments: Vec<Argument>,
    #[serde(default)]
    release: Option<Vec<Argument>>,
}

fn destination<'de, D: serde::Deserializer<'de>>(from: D) -> Result<(String, u16), D::Error> {
    let text = String::deserialize(from)?;
    let wrong = || {
        serde::de::Error::custom(format!(
            "\"to\" is {text:?}, which is no host and port: write it like \"localhost:8000\""
        ))
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port: u16 = port.parse().map_err(|_| wrong())?;
    if host.is_empty() || port == 0 {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

impl ActionPlugin for Osc {
    type Params = Params;

    fn check(&mut self, params: &Params, _: &Host) -> Result<(), Error> {
        check_address(&params.address)
    }

    fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
        let arguments = match (context.phase(), &params.release) {
            (Phase::Release, None) => return Ok(()),
            (Phase::Release, Some(arguments)) => arguments,
            _ => &params.arguments,
        };
        let bytes = encode(&params.address, arguments, context)?;
        host.send_udp(&params.to.0, params.to.1, &bytes)
    }
}

/// What an address may contain, by the specification, and the braces of what is filled in.
fn check_address(address: &str) -> Result<(), Error> {
    let wrong = |what: &str| Error::invalid(format!("the address {address:?} {what}"));
    if !address.starts_with('/') {
        return Err(wrong("must begin with \"/\", like \"/ch/01/mix/fader\""));
    }
    match address.chars().find(|c| !c.is_ascii() || c.is_ascii_control() || matches!(c, ' ' | '#' | ',')) {
        Some(c) => Err(wrong(&format!("must not contain {c:?}"))),
        None => Ok(()),
    }
}

fn encode(address: &str, arguments: &[Argument], context: &Context) -> Result<Vec<u8>, Error> {
    let args: Vec<OscType> = arguments.iter().map(|argument| argument.value(context)).collect();
    let message = OscMessage { addr: fill(address, context), args };
    rosc::encoder::encode(&OscPacket::Message(message))
        .map_err(|error| Error::failed(format!("the message can't be encoded: {error}")))
}

padgate_plugin::export!(Osc);
