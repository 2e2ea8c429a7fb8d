//! Datagrams for plugins, in the order in which they were sent.
//!
//! A fader that is moved sends many, and the last must win. So they never overtake each other: what goes to an address,
//! or to a name that was looked up a moment ago, is sent on the spot; what needs a lookup waits for it, and everything
//! that the plugin sends meanwhile waits behind it.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_LIMIT};

use super::resolve::Resolver;
use super::workers::{Pool, QUEUE_JOBS};
use super::{Trouble, settle};
use crate::lock::lock;
use crate::plugins::gate::Target;
use crate::plugins::part::{PluginId, Reply};

/// The largest datagram, in bytes.
pub const DATAGRAM_BYTES_MAX: usize = 48 * 1024;
/// How long the address of a name counts.
const KNOWN_FOR: Duration = Duration::from_secs(30);
/// How many names' addresses are known at once; beyond, all are forgotten.
const KNOWN_MAX: usize = 64;

/// See the module.
pub(super) struct Datagrams {
    shared: Arc<Shared>,
}

struct Shared {
    names: Arc<Resolver>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: HashMap<(String, u16), (Instant, SocketAddr)>,
    /// What waits for a lookup. A plugin stands here while a worker sends for it, even with nothing in its queue.
    waiting: HashMap<PluginId, VecDeque<(Datagram, Reply)>>,
    /// One for each family, made when needed.
    four: Option<UdpSocket>,
    six: Option<UdpSocket>,
}

struct Datagram {
    target: Target,
    data: Vec<u8>,
    until: Instant,
}

impl Datagrams {
    pub(super) fn new(names: Arc<Resolver>) -> Datagrams {
        Datagrams { shared: Arc::new(Shared { names, state: Mutex::default() }) }
    }

    /// Sends one, and answers when it was handed to the system.
    pub(super) fn send(
        &self,
        pool: &Pool,
        plugin: PluginId,
        target: Target,
        data: &[u8],
        until: Instant,
        reply: Reply,
    ) {
        if data.len() > DATAGRAM_BYTES_MAX {
            let why = format!("a datagram of {} bytes: at most {DATAGRAM_BYTES_MAX}", data.len());
            settle(reply, Err(Trouble::new(PADGATE_INVALID, why)));
            return;
        }
        let mut state = lock(&self.shared.state);
        if let Some(waiting) = state.waiting.get_mut(&plugin) {
            if waiting.len() >= QUEUE_JOBS {
                drop(state);
                let why = format!("{QUEUE_JOBS} datagrams of this plugin wait for a name to be looked up");
                settle(reply, Err(Trouble::new(PADGATE_LIMIT, why)));
                return;
            }
            waiting.push_back((Datagram { target, data: data.to_owned(), until }, reply));
            return;
        }
        if let Some(address) = state.address(&target) {
            let sent = state.emit(&target, address, data);
            drop(state);
            settle(reply, sent);
            return;
        }
        state.waiting.insert(plugin, VecDeque::new());
        drop(state);
        let first = Datagram { target, data: data.to_owned(), until };
        let turn = Turn { shared: Arc::clone(&self.shared), plugin, over: false };
        pool.submit(plugin, reply, move |reply| turn.send_all(first, reply));
    }

    /// Drops what waits.
    pub(super) fn forget(&self, plugin: PluginId) {
        let dropped = lock(&self.shared.state).waiting.get_mut(&plugin).map(std::mem::take);
        // Without the lock: with each of them its reply is dropped, which tells somebody.
        drop(dropped);
    }
}

/// The one worker that looks up names for a plugin's datagrams. However it ends, the plugin's next starts another.
struct Turn {
    shared: Arc<Shared>,
    plugin: PluginId,
    over: bool,
}

impl Turn {
    fn send_all(mut self, first: Datagram, reply: Reply) {
        let mut next = Some((first, reply));
        while let Some((datagram, reply)) = next {
            settle(reply, self.send(&datagram));
            let mut state = lock(&self.shared.state);
            next = state.waiting.get_mut(&self.plugin).and_then(VecDeque::pop_front);
            if next.is_none() {
                // Under the same lock, so that none comes in between.
                state.waiting.remove(&self.plugin);
                self.over = true;
            }
        }
    }

    fn send(&self, Datagram { target, data, until }: &Datagram) -> Result<(), Trouble> {
        let known = lock(&self.shared.state).address(target);
        let address = match known {
            Some(address) => address,
            None => {
                let found = self.shared.names.reach(target, *until)?;
                // Nothing answers a datagram to the wrong family, and most that listen on this machine do so on IPv4.
                let four = found.iter().find(|address| address.is_ipv4());
                *four.or(found.first()).ok_or_else(|| Trouble::unavailable("that host has no address"))?
            }
        };
        let mut state = lock(&self.shared.state);
        state.know(target, address);
        state.emit(target, address, data)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.over {
            // What waits now has another turn.
            return;
        }
        let left = lock(&self.shared.state).waiting.remove(&self.plugin);
        drop(left);
    }
}

impl State {
    /// Where the target is, if that needs no lookup.
    fn address(&mut self, target: &Target) -> Option<SocketAddr> {
        if let Ok(address) = target.name().parse::<IpAddr>() {
            return Some(SocketAddr::new(address, target.port));
        }
        let (since, address) = *self.known.get(&(target.name(), target.port))?;
        // Rights may have changed since it was looked up.
        (since.elapsed() < KNOWN_FOR && target.reaches(address.ip()).is_ok()).then_some(address)
    }

    fn know(&mut self, target: &Target, address: SocketAddr) {
        let key = (target.name(), target.port);
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&key) {
            self.known.clear();
        }
        let entry = self.known.entry(key).or_insert((Instant::now(), address));
        if entry.0.elapsed() >= KNOWN_FOR || entry.1 != address {
            *entry = (Instant::now(), address);
        }
    }

    /// Hands it to the system. Never waits: what the system has no room for is lost, as datagrams are.
    fn emit(&mut self, target: &Target, address: SocketAddr, data: &[u8]) -> Result<(), Trouble> {
        let (socket, any): (_, IpAddr) = match address {
            SocketAddr::V4(_) => (&mut self.four, Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (&mut self.six, Ipv6Addr::UNSPECIFIED.into()),
        };
        let result = match socket {
            Some(socket) => socket.send_to(data, address),
            None => UdpSocket::bind((any, 0)).and_then(|new| {
                new.set_nonblocking(true)?;
                socket.insert(new).send_to(data, address)
            }),
        };
        result.map(drop).map_err(|error| {
            Trouble::unavailable(format!("can't send to {}:{}: {error}", target.name(), target.port))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::sync::Arc;
    use std::time::Instant;

    use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_OK, PADGATE_UNAVAILABLE};

    use super::{DATAGRAM_BYTES_MAX, Datagrams, PluginId, Pool};
    use crate::plugins::broker::resolve::Resolver;
    use crate::plugins::broker::tests_kit::{DEADLINE, target, waiting};

    #[test]
    fn they_arrive_in_order_while_a_name_is_looked_up() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_read_timeout(Some(DEADLINE)).unwrap();
        let port = receiver.local_addr().unwrap().port();
        let (pool, datagrams) = (Pool::default(), Datagrams::new(Arc::new(Resolver::default())));
        for number in 0..60u8 {
            // Names and addresses in turn: no address overtakes a name.
            let host = if number % 2 == 0 { "localhost" } else { "127.0.0.1" };
            let (reply, waiting) = waiting();
            let until = Instant::now() + DEADLINE;
            datagrams.send(&pool, PluginId(1), target(host, port), &[number], until, reply);
            if number == 59 {
                assert_eq!(waiting.get().status, PADGATE_OK);
            }
        }
        for number in 0..60u8 {
            let mut buffer = [0; 8];
            let (length, _) = receiver.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], [number]);
        }
    }

    #[test]
    fn what_can_not_be_sent_is_said() {
        let (pool, datagrams) = (Pool::default(), Datagrams::new(Arc::new(Resolver::default())));
        let send = |host: &str, data: &[u8]| {
            let (reply, waiting) = waiting();
            datagrams.send(&pool, PluginId(1), target(host, 9), data, Instant::now() + DEADLINE, reply);
            waiting.get().status
        };
        assert_eq!(send("127.0.0.1", &vec![0; DATAGRAM_BYTES_MAX + 1]), PADGATE_INVALID);
        assert_eq!(send("no-such-host.invalid", b"x"), PADGATE_UNAVAILABLE);
        assert_eq!(send("127.0.0.1", b"x"), PADGATE_OK, "the one before does not stand in the way");
    }
}
