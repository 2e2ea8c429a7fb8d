//! Programs, run by the daemon.

use std::time::Duration;

use crate::Error;
use crate::raw::{self, Received};

use super::{Host, ended, milliseconds};

/// How long [`Host::run`] waits unless the command says otherwise: as long as the longest call can take.
const RUN_TIMEOUT: Duration = Duration::from_secs(5);

/// A program with its arguments, to be run by [`Host::run`] or started by [`Host::start`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Its name or absolute path, as it was granted.
    pub program: String,
    /// Its arguments; the program itself is not among them.
    pub arguments: Vec<String>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// The longest that it may run if it is waited for; 5 s unless set.
    pub timeout: Duration,
}

impl Command {
    /// A program without arguments and input.
    pub fn new(program: impl Into<String>) -> Command {
        Command { program: program.into(), arguments: Vec::new(), input: Vec::new(), timeout: RUN_TIMEOUT }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Command {
        self.arguments.push(argument.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Command {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With this standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Command {
        self.input = input.into();
        self
    }

    /// That is killed when it runs longer.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Command {
        self.timeout = timeout;
        self
    }
}

/// What a program left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Its exit code, or 128 + the signal that ended it.
    pub code: i32,
    /// The beginning of what it wrote to standard output and standard error, up to 48 KiB.
    pub output: Vec<u8>,
}

impl Output {
    /// What a program left, for a test.
    pub fn new(code: i32, output: impl Into<Vec<u8>>) -> Output {
        Output { code, output: output.into() }
    }

    /// Whether it ended with 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == 0
    }

    /// What it wrote, as text; what is not UTF-8 in it is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

impl Host {
    /// Runs a program outside the sandbox, with a clean environment, and waits until it has ended. Needs the capability
    /// `subprocess` for the program.
    ///
    /// # Errors
    ///
    /// If it could not be run, or took too long. One that ends with another code than 0 is no error.
    pub fn run(&self, command: &Command) -> Result<Output, Error> {
        self.ran(command, milliseconds(command.timeout))
    }

    /// Starts a program as [`Host::run`] does, and leaves it alone.
    ///
    /// # Errors
    ///
    /// If it could not be started.
    pub fn start(&self, command: &Command) -> Result<(), Error> {
        self.ran(command, 0).map(|_| ())
    }

    fn ran(&self, command: &Command, timeout: u32) -> Result<Output, Error> {
        self.with(
            padgate_plugin_abi::process::NAME,
            |tables| tables.process?.run,
            |run, context| {
                let arguments: Vec<_> =
                    command.arguments.iter().map(|argument| raw::text(argument)).collect();
                let (mut code, mut output) = (0_i32, Received::new());
                let (program, input) = (raw::text(&command.program), raw::bytes(&command.input));
                let (first, count) = (arguments.as_ptr(), arguments.len());
                let (exit, place) = (&raw mut code, output.place());
                // SAFETY: Called as the ABI says, while the tables live; the arguments live longer.
                let how = unsafe { run(context, program, first, count, input, timeout, exit, place) };
                ended(how, &output)?;
                Ok(Output { code, output: output.bytes().to_vec() })
            },
        )
    }
}
