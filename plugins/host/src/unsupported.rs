//! Hosts on systems where Padgate can't run them yet: everything says so. Nobody has run this.

/// What takes the place of a descriptor here.
#[cfg(unix)]
mod handle {
    pub(super) use std::os::fd::{BorrowedFd as Borrowed, OwnedFd as Owned};
}

/// What takes the place of a descriptor here.
#[cfg(windows)]
mod handle {
    pub(super) use std::os::windows::io::{BorrowedHandle as Borrowed, OwnedHandle as Owned};
}

fn unsupported<T>() -> std::io::Result<T> {
    let why = "plugins can't be run on this system yet: Padgate runs them on Linux";
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, why))
}

/// See the module of the same name for Linux.
pub mod link {
    use super::handle::Borrowed;
    use crate::frame::Header;

    /// Sends nothing.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn send(_: Borrowed<'_>, _: &Header, _: &[u8], _: Option<Borrowed<'_>>) -> std::io::Result<()> {
        super::unsupported()
    }

    /// Receives nothing.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn receive(_: Borrowed<'_>, _: &mut [u8]) -> std::io::Result<Option<usize>> {
        super::unsupported()
    }
}

/// See the module of the same name for Linux.
pub mod launch {
    use super::handle::{Borrowed, Owned};
    use crate::ended::Ended;

    /// What there would be of a host.
    #[derive(Debug)]
    pub struct Launched {
        /// Its process id.
        pub pid: u32,
        /// Becomes readable when the host has ended.
        pub pidfd: Owned,
        /// The daemon's end of the link.
        pub link: Owned,
        /// What the host writes.
        pub output: Owned,
    }

    /// Starts nothing.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn launch(_: &std::path::Path) -> std::io::Result<Launched> {
        super::unsupported()
    }

    /// Kills nothing.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn kill(_: Borrowed<'_>) -> std::io::Result<()> {
        super::unsupported()
    }

    /// Reaps nothing.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn reap(_: Borrowed<'_>) -> std::io::Result<Option<Ended>> {
        super::unsupported()
    }

    /// Not possible here.
    pub fn kill_left_over(_: Borrowed<'_>, _: u32) {}
}
