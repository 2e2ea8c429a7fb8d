//! Hosts and ports: `localhost:4455`, `*.example.com:443`, `[::1]:80`, `*:443`, `*`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

/// The longest name of a host, in bytes, as in the DNS.
const NAME_BYTES_MAX: usize = 253;
/// The longest part of a name between two points.
const LABEL_BYTES_MAX: usize = 63;

/// A host and a port, or a pattern on them: `localhost:4455`, `*.example.com:443`, `[::1]:80`, `*:443`, `*`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HostPattern {
    /// The host.
    pub host: Host,
    /// The port; `None`: any.
    pub port: Option<u16>,
}

/// Which host.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Host {
    /// Any.
    Any,
    /// This name or address, in lower case and without brackets.
    Named(String),
    /// All names below this one (`*.example.com`), in lower case; not the name itself.
    Below(String),
}

/// A host as it is compared: lower case, no brackets, no point at the end, an address in its one usual form.
pub(super) fn plain_host(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare).to_lowercase();
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => bare,
    }
}

impl HostPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<HostPattern, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if text.contains("://") || text.contains(['/', '@', '?', '#']) {
            return Err("only a host and a port can stand here, no URL".to_owned());
        }
        if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(format!("the character {bad:?} can't stand in it"));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or("the bracket is not closed")?;
            let address: Ipv6Addr = address.parse().map_err(|_| format!("{address:?} is no IPv6 address"))?;
            let port = match port.strip_prefix(':') {
                Some(port) => Some(port_number(port)?),
                None if port.is_empty() => None,
                None => return Err("only a colon and a port can follow the bracket".to_owned()),
            };
            return Ok(HostPattern { host: Host::Named(address.to_string()), port });
        }
        if text.matches(':').count() > 1 {
            return Err("an IPv6 address stands in brackets, as in \"[::1]:80\"".to_owned());
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port_number(port)?)),
            None => (text, None),
        };
        let host = match host.strip_prefix("*.") {
            _ if host == "*" => Host::Any,
            Some(above) => Host::Below(name(above, true)?),
            None => Host::Named(name(host, false)?),
        };
        Ok(HostPattern { host, port })
    }

    /// Whether the daemon may connect to this host (lower case, no brackets) and port.
    #[must_use]
    pub fn allows(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|only| only == port) && self.host.allows(host)
    }

    pub(super) fn covers(&self, narrow: &HostPattern) -> bool {
        (self.port.is_none() || self.port == narrow.port) && self.host.covers(&narrow.host)
    }

    /// What both allow.
    pub(super) fn common(&self, other: &HostPattern) -> Option<HostPattern> {
        let port = match (self.port, other.port) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other),
        };
        let host = if other.host.covers(&self.host) {
            self.host.clone()
        } else if self.host.covers(&other.host) {
            other.host.clone()
        } else {
            return None;
        };
        Some(HostPattern { host, port })
    }
}

fn port_number(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let port = digits.then(|| text.parse().ok()).flatten();
    port.filter(|port| *port != 0).ok_or_else(|| format!("{text:?} is no port from 1 to 65535"))
}

/// A name or an IPv4 address, in lower case.
fn name(text: &str, is_suffix: bool) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.contains('*') {
        return Err("a * can stand alone, or before the first point as in \"*.example.com\"".to_owned());
    }
    if !name.is_ascii() {
        return Err("a name with other letters than a to z is written in its xn-- form".to_owned());
    }
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(format!("the name of the host must have 1 to {NAME_BYTES_MAX} characters"));
    }
    let good_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    for label in name.split('.') {
        if label.is_empty() || label.len() > LABEL_BYTES_MAX || !label.bytes().all(good_byte) {
            return Err(format!("{name:?} is no name of a host"));
        }
    }
    // What ends in a number is an address to every resolver, however strangely it is written.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    match name.parse::<Ipv4Addr>() {
        Ok(address) if !is_suffix => Ok(address.to_string()),
        _ if is_number => Err(format!("{name:?} is neither a name nor an IPv4 address")),
        _ => Ok(name),
    }
}

impl Host {
    fn allows(&self, host: &str) -> bool {
        match self {
            Host::Any => true,
            Host::Named(name) => name == host,
            Host::Below(suffix) => host
                .strip_suffix(suffix.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|below| below.split('.').all(|label| !label.is_empty())),
        }
    }

    fn covers(&self, narrow: &Host) -> bool {
        match (self, narrow) {
            (Host::Any, _) => true,
            (_, Host::Any) => false,
            (wide, Host::Named(name)) => wide.allows(name),
            (Host::Below(wide), Host::Below(narrow)) => wide == narrow || self.allows(narrow),
            (Host::Named(_), Host::Below(_)) => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// As it is written in a pattern: an IPv6 address has brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Any => f.write_str("*"),
            Host::Named(name) if name.contains(':') => write!(f, "[{name}]"),
            Host::Named(name) => f.write_str(name),
            Host::Below(name) => write!(f, "*.{name}"),
        }
    }
}
