//! `hello`: who is there, and which version of the protocol both speak.

use serde::{Deserialize, Serialize};

/// The version of the protocol: major, minor. Another major is another protocol; minors only add.
pub const PROTOCOL: Version = Version { major: 1, minor: 0 };

/// What this version of the protocol has: each group of methods and topics by name.
pub const FEATURES: [&str; 7] = ["core", "explain", "press", "play", "check", "record", "plugins"];

/// A version of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Both sides must have the same.
    pub major: u32,
    /// The smaller one of both sides holds.
    #[serde(default)]
    pub minor: u32,
}

/// What the client says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HelloParams {
    /// What it speaks.
    pub protocol: Version,
    /// What it is called, for the daemon's log.
    #[serde(default)]
    pub client: String,
    /// Its own version.
    #[serde(default)]
    pub version: String,
}

/// What the daemon answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// What the daemon speaks.
    pub protocol: Version,
    /// The daemon's own version.
    #[serde(default)]
    pub version: String,
    /// Its process.
    #[serde(default)]
    pub pid: u32,
    /// Which groups of methods and topics it has.
    #[serde(default)]
    pub features: Vec<String>,
    /// For turning the times of events into times of day.
    #[serde(default)]
    pub clock: ClockPair,
}

/// One moment on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ClockPair {
    /// On the daemon's monotonic clock, in nanoseconds: the one of all `…_ns` in events.
    pub monotonic_ns: u64,
    /// On the wall clock, in milliseconds since 1970 (UTC).
    pub unix_ms: i64,
}

impl ClockPair {
    /// The wall clock, in milliseconds since 1970, when the monotonic clock was at `monotonic_ns`.
    #[must_use]
    pub fn unix_ms(self, monotonic_ns: u64) -> i64 {
        let apart = (i128::from(monotonic_ns) - i128::from(self.monotonic_ns)) / 1_000_000;
        self.unix_ms.saturating_add(i64::try_from(apart).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{ClockPair, Hello};

    #[test]
    fn unknown_and_missing_fields_are_tolerated() {
        let hello: Hello =
            serde_json::from_str(r#"{"protocol":{"major":1,"minor":9,"x":0},"y":[]}"#).unwrap();
        assert_eq!(hello.protocol.minor, 9);
        assert!(hello.features.is_empty());
    }

    #[test]
    fn times_before_and_after_the_pair() {
        let pair = ClockPair { monotonic_ns: 5_000_000_000, unix_ms: 1000 };
        assert_eq!(pair.unix_ms(6_500_000_000), 2500);
        assert_eq!(pair.unix_ms(4_999_000_000), 999);
    }
}
