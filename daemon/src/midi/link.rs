//! One direction of one device: open, absent, or there and not to be opened; and what to say of it.

use std::time::{Duration, Instant};

use padgate_core::ruleset::{DevicePorts, PortPattern};

use super::backend::OpenError;
use super::port::{Port, PortDirection};
use super::status::{DeviceState, LinkStatus};

/// The first pause before a port that could not be opened is tried again. It doubles each time.
const RETRY_FIRST: Duration = Duration::from_millis(20);
/// The longest such pause. Only while a port is there and can't be opened does the manager wake up by itself.
pub(super) const RETRY_MAX: Duration = Duration::from_secs(5);

/// One direction of one device.
pub(super) enum Link<T> {
    /// Not configured, or no port matches.
    Absent,
    Open {
        port: Port,
        /// Keeps it open.
        #[allow(dead_code, reason = "its drop closes the connection")]
        guard: T,
    },
    /// The port is there and could not be opened.
    Failed { port: Port, error: OpenError, pause: Duration, again: Instant },
}

impl<T> Link<T> {
    pub(super) fn open_port(&self) -> Option<&Port> {
        match self {
            Link::Open { port, .. } => Some(port),
            Link::Absent | Link::Failed { .. } => None,
        }
    }

    /// The pause before the next attempt after this one on the same port fails.
    pub(super) fn next_pause(&self, port: &Port) -> Duration {
        match self {
            Link::Failed { port: before, pause, .. } if before.key == port.key => (*pause * 2).min(RETRY_MAX),
            _ => RETRY_FIRST,
        }
    }

    /// When to try again; `None` unless it failed.
    pub(super) fn again(&self) -> Option<Instant> {
        match self {
            Link::Failed { again, .. } => Some(*again),
            _ => None,
        }
    }
}

/// Whether the port should be opened now: it is not open, and has not failed a moment ago.
pub(super) fn due<T>(link: &Link<T>, port: &Port, now: Instant) -> bool {
    match link {
        Link::Absent => true,
        Link::Open { .. } => false,
        Link::Failed { port: before, again, .. } => before.key != port.key || *again <= now,
    }
}

pub(super) fn opened<T>(result: Result<T, OpenError>, port: &Port, pause: Duration, device: &str) -> Link<T> {
    let (way, name) = (port.direction, port.full_name());
    match result {
        Ok(guard) => {
            tracing::info!(device, port = name, direction = ?way, "MIDI connected");
            Link::Open { port: port.clone(), guard }
        }
        Err(error) => {
            tracing::debug!(device, port = name, direction = ?way, ?error, "MIDI port could not be opened");
            Link::Failed { port: port.clone(), error, pause, again: Instant::now() + pause }
        }
    }
}

/// Closes an input. Its stream tells the sink.
pub(super) fn close_input<I>(link: &mut Link<I>) {
    if let Link::Open { port, .. } = std::mem::replace(link, Link::Absent) {
        tracing::info!(port = port.full_name(), "MIDI input closed");
    }
}

/// State and reason of a port that could not be opened.
pub(super) fn failure(port: &Port, error: &OpenError) -> (DeviceState, String) {
    let name = port.full_name();
    match error {
        OpenError::Busy(why) => (
            DeviceState::Busy,
            format!("is busy: another program has `{name}` open ({why}); close it, and it is taken over"),
        ),
        OpenError::Failed(why) => {
            (DeviceState::Failed, format!("failed: `{name}` could not be opened: {why}; it is tried again"))
        }
    }
}

/// Why there is no port, after the name of the device.
pub(super) fn absent(ports: &DevicePorts, direction: PortDirection, unavailable: Option<&str>) -> String {
    let (pattern, way) = match direction {
        PortDirection::Input => (&ports.input, "input"),
        PortDirection::Output => (&ports.output, "output"),
    };
    if let Some(reason) = unavailable {
        return format!("is unavailable: {reason}");
    }
    let Some(PortPattern(pattern)) = pattern else {
        return format!("has no {way}: its configuration names none (`out = \"…\"`)");
    };
    let usb = ports.usb.as_ref().map_or(String::new(), |usb| format!(" at USB `{}`", usb.0));
    format!("is absent: no {way} port matches `{pattern}`{usb}")
}

pub(super) fn describe_link<T>(
    link: &Link<T>,
    ports: &DevicePorts,
    direction: PortDirection,
    unavailable: Option<&str>,
) -> LinkStatus {
    match link {
        Link::Absent => LinkStatus {
            state: DeviceState::Absent,
            reason: Some(absent(ports, direction, unavailable)),
            port: None,
        },
        Link::Open { port, .. } => {
            LinkStatus { state: DeviceState::Connected, reason: None, port: Some(port.full_name()) }
        }
        Link::Failed { port, error, .. } => {
            let (state, reason) = failure(port, error);
            LinkStatus { state, reason: Some(reason), port: Some(port.full_name()) }
        }
    }
}
