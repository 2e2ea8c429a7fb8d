//! What a plugin asks Padgate for. Each request is checked against what the user granted, in the daemon.

mod http;
mod midi;
mod process;
mod socket;
mod system;
mod udp;

use std::ffi::c_void;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use padgate_plugin_abi::audio::PadgateAudio;
use padgate_plugin_abi::http::PadgateHttp;
use padgate_plugin_abi::log::{
    PADGATE_LOG_DEBUG, PADGATE_LOG_ERROR, PADGATE_LOG_INFO, PADGATE_LOG_WARN, PadgateLog,
};
use padgate_plugin_abi::midi::PadgateMidi;
use padgate_plugin_abi::process::PadgateProcess;
use padgate_plugin_abi::system::PadgateSystem;
use padgate_plugin_abi::tcp::PadgateTcp;
use padgate_plugin_abi::timer::PadgateTimer;
use padgate_plugin_abi::udp::PadgateUdp;
use padgate_plugin_abi::{ABI_VERSION, PADGATE_OK, PadgateHost, PadgateStatus};

pub use http::{HttpRequest, HttpResponse};
pub use midi::Midi;
pub use process::{Command, Output};
pub(crate) use socket::descriptor;
pub use system::{Brightness, Media, System, Volume};

use crate::raw::{self, Received};
use crate::{Error, Moment};

/// The name of the table that only the test kit has: its clock, which can be advanced.
pub(crate) const TEST_CLOCK: &str = "padgate.test-clock/1";

/// The table of [`TEST_CLOCK`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestClock {
    /// Size of this table in bytes.
    pub(crate) size: u32,
    /// What the time is, in nanoseconds.
    pub(crate) now: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
}

/// How important a line of the log is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Only the author wants to know.
    Debug,
    /// Worth a line.
    Info,
    /// May be wrong.
    Warn,
    /// Is wrong.
    Error,
}

/// The way to Padgate. Cloning it is cheap, and a clone can be given to a thread; when the plugin has ended, everything
/// that is asked of it is [`Unavailable`](crate::ErrorKind::Unavailable).
#[derive(Clone, Debug)]
pub struct Host {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` when the plugin has ended. Whoever calls a function of it holds the lock for reading meanwhile, so that
    /// the end waits for the call.
    tables: RwLock<Option<Tables>>,
    data_folder: PathBuf,
    home_folder: PathBuf,
}

/// The host's functions, copied out of its tables. `None` where this host lacks one.
#[derive(Clone, Copy, Debug)]
struct Tables {
    context: *mut c_void,
    log: Option<PadgateLog>,
    midi: Option<PadgateMidi>,
    http: Option<PadgateHttp>,
    tcp: Option<PadgateTcp>,
    udp: Option<PadgateUdp>,
    process: Option<PadgateProcess>,
    audio: Option<PadgateAudio>,
    system: Option<PadgateSystem>,
    timer: Option<PadgateTimer>,
    clock: Option<TestClock>,
}

// SAFETY: The ABI says that the functions of the host may be called from any thread.
unsafe impl Send for Tables {}
// SAFETY: As above.
unsafe impl Sync for Tables {}

/// A table of the ABI: `repr(C)`, plain data, with its size first.
///
/// # Safety
///
/// Its first member must be a `u32` that is its size.
unsafe trait Extension: Copy {
    const NAME: &'static str;
}

macro_rules! extensions {
    ($($table:ty = $name:expr;)*) => {
        $(
            // SAFETY: The ABI's tables begin with their size.
            unsafe impl Extension for $table {
                const NAME: &'static str = $name;
            }
        )*
    };
}

extensions! {
    PadgateLog = padgate_plugin_abi::log::NAME;
    PadgateMidi = padgate_plugin_abi::midi::NAME;
    PadgateHttp = padgate_plugin_abi::http::NAME;
    PadgateTcp = padgate_plugin_abi::tcp::NAME;
    PadgateUdp = padgate_plugin_abi::udp::NAME;
    PadgateProcess = padgate_plugin_abi::process::NAME;
    PadgateAudio = padgate_plugin_abi::audio::NAME;
    PadgateSystem = padgate_plugin_abi::system::NAME;
    PadgateTimer = padgate_plugin_abi::timer::NAME;
    TestClock = TEST_CLOCK;
}

/// The host's table of this type, if it has it.
///
/// # Safety
///
/// `host` must be a host that is not destroyed.
unsafe fn table<T: Extension>(host: &PadgateHost) -> Option<T> {
    // SAFETY: The ABI says how the function is called.
    let pointer = unsafe { host.extension?(host.context, raw::text(T::NAME)) };
    if pointer.is_null() {
        return None;
    }
    // SAFETY: The ABI says that a table begins with its size in bytes, and `Extension` that `T` is one.
    let size = unsafe { pointer.cast::<u32>().read() };
    // SAFETY: It is at least as large as a `T`, all of whose bits the ABI promises to be right.
    (size as usize >= size_of::<T>()).then(|| unsafe { pointer.cast::<T>().read() })
}

impl Host {
    /// Takes over the host's tables.
    ///
    /// # Safety
    ///
    /// They must live until [`Host::end`] has returned.
    pub(crate) unsafe fn new(host: &PadgateHost) -> Result<Host, Error> {
        if (host.size as usize) < size_of::<PadgateHost>() || host.abi != ABI_VERSION {
            return Err(Error::unavailable(format!(
                "the host has version {} of the plugin interface, and the plugin was built for version {ABI_VERSION}",
                host.abi
            )));
        }
        // SAFETY: The caller promises that the host lives.
        let tables = unsafe {
            Tables {
                context: host.context,
                log: table(host),
                midi: table(host),
                http: table(host),
                tcp: table(host),
                udp: table(host),
                process: table(host),
                audio: table(host),
                system: table(host),
                timer: table(host),
                clock: table(host),
            }
        };
        // SAFETY: As above, and both are copied.
        let [data_folder, home_folder] =
            [host.data_folder, host.home_folder].map(|path| socket::path(unsafe { raw::slice(path) }));
        let shared = Shared { tables: RwLock::new(Some(tables)), data_folder, home_folder };
        Ok(Host { shared: Arc::new(shared) })
    }

    /// From now on nothing is asked of the host. Waits for what is being asked on other threads.
    pub(crate) fn end(&self) {
        *self.shared.tables.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Calls a function of the host, of the table that `pick` picks.
    fn with<T, R>(
        &self,
        name: &str,
        pick: impl FnOnce(&Tables) -> Option<T>,
        call: impl FnOnce(T, *mut c_void) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let tables = self.shared.tables.read().unwrap_or_else(PoisonError::into_inner);
        let tables = tables.as_ref().ok_or_else(|| Error::unavailable("the plugin has been stopped"))?;
        let function = pick(tables).ok_or_else(|| {
            Error::unavailable(format!(
                "this Padgate is older than the plugin and lacks {name}: update Padgate, or use an older plugin"
            ))
        })?;
        call(function, tables.context)
    }

    /// Writes a line into the plugin's log (`padgate plugin logs`). Too many lines in a second are left out.
    pub fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => PADGATE_LOG_DEBUG,
            Level::Info => PADGATE_LOG_INFO,
            Level::Warn => PADGATE_LOG_WARN,
            Level::Error => PADGATE_LOG_ERROR,
        };
        let written = self.with(
            padgate_plugin_abi::log::NAME,
            |tables| tables.log?.write,
            |write, context| {
                // SAFETY: Called as the ABI says, while the tables live.
                unsafe { write(context, level, raw::text(text)) };
                Ok(())
            },
        );
        // Without a log there is nobody to tell that there is none.
        drop(written);
    }

    /// A line that only the author wants to see.
    pub fn debug(&self, text: &str) {
        self.log(Level::Debug, text);
    }

    /// A line of the log.
    pub fn info(&self, text: &str) {
        self.log(Level::Info, text);
    }

    /// A line about what may be wrong.
    pub fn warn(&self, text: &str) {
        self.log(Level::Warn, text);
    }

    /// A line about what is wrong.
    pub fn error(&self, text: &str) {
        self.log(Level::Error, text);
    }

    /// MIDI: sending and listening. Needs the capability `midi`.
    #[must_use]
    pub fn midi(&self) -> Midi<'_> {
        Midi { host: self }
    }

    /// The desktop. Needs the capability `system-control`.
    #[must_use]
    pub fn system(&self) -> System<'_> {
        System { host: self }
    }

    /// Connects to a host and port, through the daemon, which resolves the name. Needs the capability `network` for
    /// both. The socket can be read, written, shut down and closed, and nothing else: its options can't be changed.
    ///
    /// # Errors
    ///
    /// If it was not connected within `timeout`.
    pub fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<TcpStream, Error> {
        self.with(
            padgate_plugin_abi::tcp::NAME,
            |tables| tables.tcp?.connect,
            |connect, context| {
                let (mut descriptor, mut error) = (-1, Received::new());
                let (host, timeout) = (raw::text(host), milliseconds(timeout));
                let (socket, place) = (&raw mut descriptor, error.place());
                // SAFETY: Called as the ABI says, while the tables live.
                let status = unsafe { connect(context, host, port, timeout, socket, place) };
                ended(status, &error)?;
                // SAFETY: The ABI says that it is the descriptor of a connected socket, which is the plugin's now.
                unsafe { socket::stream(descriptor) }
            },
        )
    }

    /// Sets the one timer, which brings [`Event::Timer`](crate::Event::Timer) once; `None` takes it back. Setting it
    /// again replaces it, and a time that is over runs out at once.
    ///
    /// # Errors
    ///
    /// If this Padgate has no timers.
    pub fn set_timer(&self, at: Option<Moment>) -> Result<(), Error> {
        // Zero would take it back.
        let at = at.map_or(0, |at| at.as_nanos().max(1));
        self.with(
            padgate_plugin_abi::timer::NAME,
            |tables| tables.timer?.set,
            |set, context| {
                // SAFETY: Called as the ABI says, while the tables live.
                ended(unsafe { set(context, at) }, &Received::new())
            },
        )
    }

    /// What the time is. In a test it is the kit's time, which stands still until it is advanced.
    #[must_use]
    pub fn now(&self) -> Moment {
        let kit = self.with(
            TEST_CLOCK,
            |tables| tables.clock?.now,
            // SAFETY: Called as the table says, while it lives.
            |now, context| Ok(Moment::from_nanos(unsafe { now(context) })),
        );
        kit.unwrap_or_else(|_| Moment::now())
    }

    /// The folder that the plugin may always read and write; nobody else uses it.
    #[must_use]
    pub fn data_folder(&self) -> &Path {
        &self.shared.data_folder
    }

    /// A path as people write it: `~/x` is below the user's home folder, everything else stays as it is.
    #[must_use]
    pub fn path(&self, written: &str) -> PathBuf {
        match written.strip_prefix('~') {
            Some("") => self.shared.home_folder.clone(),
            Some(rest) if rest.starts_with('/') => self.shared.home_folder.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(written),
        }
    }
}

/// How a function of the host ended. `text` is what it says about a failure.
fn ended(status: PadgateStatus, text: &Received) -> Result<(), Error> {
    if status == PADGATE_OK { Ok(()) } else { Err(Error::of_status(status, text.text())) }
}

/// A duration as the ABI counts it: at least a millisecond, since 0 means something else.
fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;
    use std::time::Duration;

    #[test]
    fn a_duration_never_becomes_zero_milliseconds() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_micros(1500)), 2);
        assert_eq!(milliseconds(Duration::MAX), u32::MAX);
    }
}
