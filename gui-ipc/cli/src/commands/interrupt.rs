//! Ctrl-C as the usual way to end something that goes on: between two writes, and with the code of success.

use std::io;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use crate::exit::Code;

/// From now on, Ctrl-C (and SIGTERM) ends the command as soon as the lock is free.
///
/// # Errors
///
/// If the system gives no thread or signal handler.
pub(super) fn end_between_writes() -> io::Result<Arc<Mutex<()>>> {
    let writing = Arc::new(Mutex::new(()));
    let lock = Arc::clone(&writing);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _context = runtime.enter();
        platform::Signals::new()?
    };
    std::thread::Builder::new().name("padgate signals".into()).spawn(move || {
        runtime.block_on(signals.next());
        // A writer that panicked has ended the process, or will.
        let _whole = lock.lock().unwrap_or_else(PoisonError::into_inner);
        process::exit(Code::Done as i32);
    })?;
    Ok(writing)
}

#[cfg(unix)]
mod platform {
    //! Unix: SIGINT and SIGTERM.

    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Signals(Signal, Signal);

    impl Signals {
        pub(super) fn new() -> io::Result<Signals> {
            Ok(Signals(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
        }

        pub(super) async fn next(&mut self) {
            tokio::select! { _ = self.0.recv() => {}, _ = self.1.recv() => {} }
        }
    }
}

#[cfg(windows)]
mod platform {
    //! Windows: Ctrl-C. Untested: nobody has run this yet.

    use std::io;

    pub(super) struct Signals(tokio::signal::windows::CtrlC);

    impl Signals {
        pub(super) fn new() -> io::Result<Signals> {
            tokio::signal::windows::ctrl_c().map(Signals)
        }

        pub(super) async fn next(&mut self) {
            self.0.recv().await;
        }
    }
}
