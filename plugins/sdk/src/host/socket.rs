//! What differs between platforms: a descriptor that becomes a socket, and bytes that become a path. The part for systems
//! other than Unix is untested.

use std::net::TcpStream;
use std::path::PathBuf;

use crate::Error;

/// Takes over a connected socket.
///
/// # Safety
///
/// It must be one that nobody else owns.
#[cfg(unix)]
pub(super) unsafe fn stream(descriptor: i32) -> Result<TcpStream, Error> {
    use std::os::fd::{FromRawFd as _, OwnedFd};
    if descriptor < 0 {
        return Err(Error::failed("Padgate passed no socket"));
    }
    // SAFETY: It is not negative, and the caller promises the rest.
    Ok(TcpStream::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// As above.
///
/// # Safety
///
/// As above.
#[cfg(windows)]
pub(super) unsafe fn stream(socket: i32) -> Result<TcpStream, Error> {
    use std::os::windows::io::{FromRawSocket as _, OwnedSocket, RawSocket};
    let Ok(socket) = RawSocket::try_from(socket) else {
        return Err(Error::failed("Padgate passed no socket"));
    };
    // SAFETY: The caller promises it.
    Ok(TcpStream::from(unsafe { OwnedSocket::from_raw_socket(socket) }))
}

/// Gives a socket away, as a host does.
#[cfg(unix)]
pub(crate) fn descriptor(stream: TcpStream) -> i32 {
    use std::os::fd::IntoRawFd as _;
    stream.into_raw_fd()
}

/// As above.
#[cfg(windows)]
pub(crate) fn descriptor(stream: TcpStream) -> i32 {
    use std::os::windows::io::IntoRawSocket as _;
    // Windows says that the numbers of sockets fit into 32 bits.
    stream.into_raw_socket() as i32
}

/// A path from the host. It need not be UTF-8 on Unix.
#[cfg(unix)]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// A path from the host.
#[cfg(not(unix))]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}
