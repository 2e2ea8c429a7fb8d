//! What the manager needs of a driver. There is one implementation per driver, and a made-up one for tests.

use std::time::Duration;

use super::output::Wire;
use super::port::{Port, PortKey};
use super::stream::Stream;

/// What a back end can do. It is made and used on the manager's thread.
pub(super) trait Backend {
    /// What keeps an input open; dropping it closes the input, after what had arrived was handed on and
    /// the stream has ended.
    type Input;
    /// All ports.
    ///
    /// # Errors
    ///
    /// Why there is no MIDI on this machine, and what to do about it.
    fn ports(&mut self) -> Result<Vec<Port>, String>;
    /// Opens an input and feeds the stream from it. Should it end by itself, [`super::Lost`] is told `connection`.
    fn open_input(
        &mut self,
        port: &Port,
        name: &str,
        connection: u64,
        stream: Stream,
    ) -> Result<Self::Input, OpenError>;
    /// Opens an output.
    fn open_output(&mut self, port: &Port, name: &str) -> Result<Box<dyn Wire>, OpenError>;
    /// Makes the port that others send to.
    fn open_virtual_input(&mut self, stream: Stream) -> Result<Self::Input, OpenError>;
    /// Makes the port that others listen to.
    fn open_virtual_output(&mut self) -> Result<Box<dyn Wire>, OpenError>;
    /// Sleeps until the ports may have changed, it is woken, or the time is over. Tells which ports are gone.
    fn wait(&mut self, at_most: Option<Duration>) -> Gone;
}

/// Ports that certainly went away, even if there is one with the same number again by now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Gone {
    /// These.
    pub(super) ports: Vec<PortKey>,
    /// And all of these clients, by the first number of a port's rank.
    pub(super) clients: Vec<u32>,
    /// Announcements were lost: any of them may be gone.
    pub(super) perhaps_all: bool,
}

/// Why a port was not opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum OpenError {
    /// Another program has it.
    Busy(String),
    /// Anything else, in words.
    Failed(String),
}
