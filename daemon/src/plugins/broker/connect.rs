//! TCP connections for plugins: the daemon resolves and connects, and the plugin's process gets the connected socket.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use padgate_plugin_abi::{PADGATE_OK, PADGATE_TIMEOUT};

use super::resolve::Resolver;
use super::{Answered, Trouble};
use crate::plugins::gate::Target;

/// Connects to the host. The socket is blocking, and is closed on exec.
pub(super) fn connect(names: &Resolver, target: &Target, until: Instant) -> Result<Answered, Trouble> {
    let addresses = names.reach(target, until)?;
    let stream = open(&addresses, until).map_err(|error| refusal(&target.name(), target.port, &error))?;
    // Only a matter of speed.
    let _ = stream.set_nodelay(true);
    let socket = Some(OwnedFd::from(stream));
    Ok(Answered { status: PADGATE_OK, code: 0, body: Vec::new(), socket })
}

/// Tries one address after the other; each gets an even share of the time that is left.
fn open(addresses: &[SocketAddr], until: Instant) -> std::io::Result<TcpStream> {
    let mut failure = std::io::Error::from(ErrorKind::TimedOut);
    for (place, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            break;
        }
        let share = left / u32::try_from(addresses.len() - place).unwrap_or(1);
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Why a connection did not come about, and what to look at.
pub(super) fn refusal(host: &str, port: u16, error: &std::io::Error) -> Trouble {
    let at = format!("{host}:{port}");
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            Trouble::new(PADGATE_TIMEOUT, format!("{at} does not answer in time: is it reachable from here?"))
        }
        ErrorKind::ConnectionRefused => {
            Trouble::unavailable(format!("can't connect to {at}: connection refused: is the server running?"))
        }
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
            Trouble::unavailable(format!("can't connect to {at}: no way there: is the network up?"))
        }
        _ => Trouble::unavailable(format!("can't connect to {at}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use padgate_plugin_abi::PADGATE_UNAVAILABLE;

    use super::{Resolver, connect};
    use crate::plugins::broker::tests_kit::target;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn the_socket_works_waits_and_is_not_inherited() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let echo = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut bytes = [0; 4];
            peer.read_exact(&mut bytes).unwrap();
            peer.write_all(&bytes).unwrap();
        });
        let answered = connect(&Resolver::default(), &target("localhost", port), soon()).unwrap();
        let socket = answered.socket.unwrap();
        let flags = rustix::io::fcntl_getfd(&socket).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        let mode = rustix::fs::fcntl_getfl(&socket).unwrap();
        assert!(!mode.contains(rustix::fs::OFlags::NONBLOCK));
        let mut stream = TcpStream::from(socket);
        assert!(stream.nodelay().unwrap());
        stream.write_all(b"ping").unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"ping");
        echo.join().unwrap();
    }

    #[test]
    fn what_does_not_answer_is_said() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let trouble = connect(&Resolver::default(), &target("127.0.0.1", closed), soon()).unwrap_err();
        assert_eq!(trouble.status, PADGATE_UNAVAILABLE);
        let expected =
            format!("can't connect to 127.0.0.1:{closed}: connection refused: is the server running?");
        assert_eq!(trouble.why, expected);
    }
}
