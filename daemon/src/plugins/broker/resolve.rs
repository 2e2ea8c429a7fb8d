//! Names of hosts to addresses, in bounded time, and only to those that the gate lets a name stand for.
//!
//! The system's resolver can't be told to hurry: a name server that is silent keeps it for half a minute. So it runs on
//! a thread of its own, which is left behind when time is up. A host is resolved once for a request, and what comes of
//! it is what is connected to: an answer of the name server that changes in between changes nothing.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Instant;

use padgate_plugin_abi::{PADGATE_LIMIT, PADGATE_REFUSED, PADGATE_TIMEOUT};

use super::Trouble;
use crate::plugins::gate::Target;

/// How many names are looked up at once, those included that nobody waits for any more. Beyond, a lookup is answered
/// with `PADGATE_LIMIT`.
pub(super) const LOOKUPS_MAX: usize = 16;
/// How many addresses of a host are tried.
pub(super) const ADDRESSES_MAX: usize = 8;
/// The longest name that DNS knows.
const NAME_BYTES_MAX: usize = 253;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    lookups: Arc<AtomicUsize>,
}

/// Counts a lookup until it ends, however.
struct Lookup(Arc<AtomicUsize>);

impl Drop for Lookup {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Resolver {
    /// The addresses of a host that a plugin may reach. Those that its name may not stand for are left out.
    pub(super) fn reach(&self, target: &Target, until: Instant) -> Result<Vec<SocketAddr>, Trouble> {
        let found = self.resolve(&target.name(), target.port, until)?;
        let mut reached = Vec::with_capacity(found.len());
        let mut refused = None;
        for address in found {
            match target.reaches(address.ip()) {
                Ok(()) => reached.push(address),
                Err(why) => refused = Some(why),
            }
        }
        match refused {
            Some(why) if reached.is_empty() => Err(Trouble::new(PADGATE_REFUSED, why)),
            _ => Ok(reached),
        }
    }

    /// The addresses of a host, which is a name, an IPv4 address, or an IPv6 address with or without brackets.
    fn resolve(&self, host: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, Trouble> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if bare.is_empty() || bare.len() > NAME_BYTES_MAX || !bare.bytes().all(is_name) {
            return Err(Trouble::invalid(format!("{host:?} is not the name or address of a host")));
        }
        let before = self.lookups.fetch_add(1, Ordering::Relaxed);
        let lookup = Lookup(Arc::clone(&self.lookups));
        if before >= LOOKUPS_MAX {
            let why =
                format!("{LOOKUPS_MAX} names are being looked up already: does the name server answer?");
            return Err(Trouble::new(PADGATE_LIMIT, why));
        }
        let (sender, receiver) = sync_channel(1);
        let name = bare.to_owned();
        let thread = std::thread::Builder::new().name("padgate lookup".to_owned());
        let started = thread.spawn(move || {
            let found = (name.as_str(), port).to_socket_addrs();
            drop(lookup);
            // Nobody may be waiting any more.
            let _ = sender.send(found);
        });
        if let Err(error) = started {
            return Err(Trouble::unavailable(format!("can't look up {host}: {error}")));
        }
        let found = match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Ok(found)) => found.take(ADDRESSES_MAX).collect::<Vec<_>>(),
            Ok(Err(error)) => {
                tracing::debug!(host, %error, "no such host");
                Vec::new()
            }
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("looking up {host} takes too long: does the name server answer?");
                return Err(Trouble::new(PADGATE_TIMEOUT, why));
            }
            Err(RecvTimeoutError::Disconnected) => Vec::new(),
        };
        if found.is_empty() {
            let why = format!("there is no host {host}: check its name, and the network");
            return Err(Trouble::unavailable(why));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_UNAVAILABLE};

    use super::Resolver;

    #[test]
    fn addresses_need_no_lookup_and_nonsense_gets_none() {
        let resolver = Resolver::default();
        let over = Instant::now();
        for (host, address) in [("127.0.0.1", "127.0.0.1:80"), ("[::1]", "[::1]:80"), ("::1", "[::1]:80")] {
            assert_eq!(resolver.resolve(host, 80, over).unwrap(), [address.parse().unwrap()]);
        }
        for host in ["", "a b", "a/b", "x@y", "a\0b", "é", &"a".repeat(300)] {
            assert_eq!(resolver.resolve(host, 80, over).unwrap_err().status, PADGATE_INVALID, "{host:?}");
        }
    }

    #[test]
    fn this_machine_is_found_and_an_impossible_name_is_not() {
        let resolver = Resolver::default();
        let until = Instant::now() + Duration::from_secs(20);
        let found = resolver.resolve("localhost", 80, until).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
        let trouble = resolver.resolve("no-such-host.invalid", 80, until).unwrap_err();
        assert_eq!(trouble.status, PADGATE_UNAVAILABLE, "{}", trouble.why);
        assert!(trouble.why.contains("no-such-host.invalid"), "{}", trouble.why);
    }
}
