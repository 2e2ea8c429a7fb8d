//! OBS Studio for Padgate, over obs-websocket 5.
//!
//! One connection to each OBS is kept open, so that a press costs one request and its answer. It is made on the first
//! press, or made anew when OBS was restarted. The socket is connected by the daemon, to the granted hosts and ports alone.
//!
//! Protocol: <https://github.com/obsproject/obs-websocket/blob/master/docs/generated/protocol.md>, RPC version 1.

mod connection;
mod request;

use std::collections::HashMap;

use padgate_plugin::{ActionPlugin, Context, Error, Host, Phase};
use serde::Deserialize;

use connection::{Address, Connection};
pub use request::Action;

/// The plugin: its connections.
#[derive(Default)]
pub struct Obs {
    connections: HashMap<Address, Connection>,
}

/// The parameters of each action.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Params {
    /// See [`Action::Scene`].
    Scene(Call<request::Scene>),
    /// See [`Action::Transition`].
    Transition(Call<request::Nothing>),
    /// See [`Action::Mute`].
    Mute(Call<request::Mute>),
    /// See [`Action::Volume`].
    Volume(Call<request::Volume>),
    /// See [`Action::Source`].
    Source(Call<request::Source>),
    /// See [`Action::Record`].
    Record(Call<request::Record>),
    /// See [`Action::Stream`].
    Stream(Call<request::Output>),
    /// See [`Action::Replay`].
    Replay(Call<request::Replay>),
    /// See [`Action::VirtualCamera`].
    VirtualCamera(Call<request::Output>),
    /// See [`Action::Hotkey`].
    Hotkey(Call<request::Hotkey>),
    /// See [`Action::Request`].
    Request(Call<request::Any>),
}

/// What is asked of which OBS.
#[derive(Debug, Deserialize)]
pub struct Call<T> {
    #[serde(flatten)]
    what: T,
    #[serde(default = "default_host")]
    host: String,
    #[serde(default)]
    password: String,
}

fn default_host() -> String {
    "localhost:4455".to_owned()
}

impl<T> Call<T> {
    fn address(&self) -> Result<Address, Error> {
        Address::parse(&self.host)
    }
}

impl Params {
    fn call(&self) -> (Result<Address, Error>, &str, Action<'_>) {
        macro_rules! of {
            ($call:expr, $action:ident) => {
                ($call.address(), $call.password.as_str(), Action::$action(&$call.what))
            };
        }
        match self {
            Params::Scene(call) => of!(call, Scene),
            Params::Transition(call) => of!(call, Transition),
            Params::Mute(call) => of!(call, Mute),
            Params::Volume(call) => of!(call, Volume),
            Params::Source(call) => of!(call, Source),
            Params::Record(call) => of!(call, Record),
            Params::Stream(call) => of!(call, Stream),
            Params::Replay(call) => of!(call, Replay),
            Params::VirtualCamera(call) => of!(call, VirtualCamera),
            Params::Hotkey(call) => of!(call, Hotkey),
            Params::Request(call) => of!(call, Request),
        }
    }
}

impl ActionPlugin for Obs {
    type Params = Params;

    fn check(&mut self, params: &Params, _: &Host) -> Result<(), Error> {
        // That OBS runs when the configuration is loaded is not to be expected; that its address is one, is.
        params.call().0.map(drop)
    }

    fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
        if context.phase() == Phase::Release {
            return Ok(());
        }
        let (address, password, action) = params.call();
        let address = address?;
        let password = if password.is_empty() { password_file(host) } else { password.to_owned() };
        let mut connection = match self.connections.remove(&address) {
            Some(connection) if connection.is_open() => connection,
            _ => Connection::open(&address, &password, host, context.deadline())?,
        };
        let result = action.perform(&mut connection, context);
        // A connection that failed is in an unknown state. One on which OBS said no is as good as before.
        if connection.is_sound() {
            self.connections.insert(address, connection);
        }
        result
    }
}

/// The first line of the file `password` in the plugin's own folder; empty if there is none.
fn password_file(host: &Host) -> String {
    let text = std::fs::read_to_string(host.data_folder().join("password")).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

padgate_plugin::export!(Obs);
