//! The daemon's end of the link to a host: one frame out, one frame in, without waiting and without allocating.
//!
//! The host may be hostile. What it sends is cut off by nothing and believed by nobody: a datagram that does not fit is
//! an error, and descriptors that come with it are closed by the kernel, because no room is given for them.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::frame::{FRAME_BYTES_MAX, HEADER_BYTES, Header};

/// Payloads up to this size are put together with their header on the stack: one piece of memory costs the kernel less
/// than two. A call's is smaller.
const SMALL_BYTES: usize = 128;

/// Sends one frame, and with `pass` a descriptor beside it. Never waits.
///
/// # Errors
///
/// - [`ErrorKind::WouldBlock`]: the host has not read for long, and nothing was sent; try again when the socket can be
///   written.
/// - [`ErrorKind::InvalidInput`]: the payload is too large for a frame.
/// - [`ErrorKind::BrokenPipe`] and others: the host is gone.
pub fn send(
    link: BorrowedFd<'_>,
    header: &Header,
    payload: &[u8],
    pass: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let header = header.encode(payload.len()).map_err(|error| Error::new(ErrorKind::InvalidInput, error))?;
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    // A datagram is sent whole or not at all, so that the count needs no look.
    if pass.is_none() && payload.len() <= SMALL_BYTES {
        let mut frame = [0; HEADER_BYTES + SMALL_BYTES];
        let length = HEADER_BYTES + payload.len();
        frame[..HEADER_BYTES].copy_from_slice(&header);
        frame[HEADER_BYTES..length].copy_from_slice(payload);
        rustix::io::retry_on_intr(|| rustix::net::send(link, &frame[..length], flags))?;
        return Ok(());
    }
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut room);
    let descriptors = pass.as_slice();
    if !descriptors.is_empty() {
        let fits = beside.push(SendAncillaryMessage::ScmRights(descriptors));
        debug_assert!(fits, "there is room for one descriptor");
    }
    let parts = [IoSlice::new(&header), IoSlice::new(payload)];
    rustix::io::retry_on_intr(|| rustix::net::sendmsg(link, &parts, &mut beside, flags))?;
    Ok(())
}

/// Receives one datagram into `buffer`, which should hold [`FRAME_BYTES_MAX`], and says how long it is; `None` if the
/// host's end is closed. What it says is to be taken apart with [`crate::frame::decode`]. Never waits.
///
/// # Errors
///
/// - [`ErrorKind::WouldBlock`]: nothing is there.
/// - [`ErrorKind::InvalidData`]: the datagram was larger than the buffer. No host sends such; it is to be killed.
pub fn receive(link: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Option<usize>> {
    debug_assert!(buffer.len() >= FRAME_BYTES_MAX, "every frame fits");
    let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
    let (_, length) = rustix::io::retry_on_intr(|| rustix::net::recv(link, &mut *buffer, flags))?;
    if length > buffer.len() {
        return Err(Error::new(
            ErrorKind::InvalidData,
            "a frame of the plugin's host is larger than any may be",
        ));
    }
    Ok((length > 0).then_some(length))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::os::fd::AsFd as _;

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::{receive, send};
    use crate::frame::{FRAME_BYTES_MAX, Header, Kind, PAYLOAD_BYTES_MAX, decode};

    fn pair() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd) {
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
    }

    #[test]
    fn a_frame_arrives_whole_and_an_empty_link_says_so() {
        let (ours, theirs) = pair();
        let mut buffer = vec![0; FRAME_BYTES_MAX];
        assert_eq!(receive(theirs.as_fd(), &mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        let header = Header { number: 7, ..Header::new(Kind::Ping, 3) };
        let payload = vec![5; PAYLOAD_BYTES_MAX];
        send(ours.as_fd(), &header, &payload, None).unwrap();
        let length = receive(theirs.as_fd(), &mut buffer).unwrap().unwrap();
        assert_eq!(decode(&buffer[..length]), Ok((header, &payload[..])));
        drop(ours);
        assert_eq!(receive(theirs.as_fd(), &mut buffer).unwrap(), None);
        let gone = send(theirs.as_fd(), &header, &[], None).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn what_is_too_large_is_an_error_on_both_sides() {
        let (ours, theirs) = pair();
        let large = vec![0; PAYLOAD_BYTES_MAX + 1];
        let refused = send(ours.as_fd(), &Header::new(Kind::Log, 1), &large, None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        let datagram = vec![0; FRAME_BYTES_MAX + 1];
        rustix::net::send(&ours, &datagram, rustix::net::SendFlags::empty()).unwrap();
        let mut buffer = vec![0; FRAME_BYTES_MAX];
        assert_eq!(receive(theirs.as_fd(), &mut buffer).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_descriptor_that_a_host_sends_does_not_arrive() {
        let (ours, theirs) = pair();
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        send(ours.as_fd(), &Header::new(Kind::Log, 1), &[], Some(write.as_fd())).unwrap();
        drop(write);
        let mut buffer = vec![0; FRAME_BYTES_MAX];
        assert!(receive(theirs.as_fd(), &mut buffer).unwrap().is_some());
        // The end of the pipe shows that no writer is left. (A process that another test just starts may have it until
        // its exec.)
        let mut wanted = [rustix::event::PollFd::new(&read, rustix::event::PollFlags::IN)];
        let deadline = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut wanted, Some(&deadline)).unwrap(), 1, "the descriptor is open");
        assert_eq!(rustix::io::read(&read, &mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn a_full_link_says_so_and_loses_nothing() {
        let (ours, theirs) = pair();
        let mut sent = 0;
        let error = loop {
            let header = Header { number: sent, ..Header::new(Kind::Event, 1) };
            match send(ours.as_fd(), &header, &[0; 1000], None) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let mut buffer = vec![0; FRAME_BYTES_MAX];
        for number in 0..sent {
            let length = receive(theirs.as_fd(), &mut buffer).unwrap().unwrap();
            assert_eq!(decode(&buffer[..length]).unwrap().0.number, number);
        }
    }
}
