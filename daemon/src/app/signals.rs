//! Signals: when to end, and when to read the configuration again.

/// What a signal wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signal {
    /// Read the configuration again.
    Reload,
    /// Release everything, and end.
    End,
}

pub(super) use platform::Signals;

#[cfg(unix)]
mod platform {
    //! Unix: SIGTERM and SIGINT end, SIGHUP reloads.

    use std::io;

    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    use super::Signal;

    /// Signals of this process from now on.
    pub(in crate::app) struct Signals {
        terminate: Stream,
        interrupt: Stream,
        hang_up: Stream,
    }

    impl Signals {
        pub(in crate::app) fn new() -> io::Result<Signals> {
            Ok(Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
            })
        }

        pub(in crate::app) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.terminate.recv() => Signal::End,
                _ = self.interrupt.recv() => Signal::End,
                _ = self.hang_up.recv() => Signal::Reload,
            }
        }
    }
}

#[cfg(windows)]
mod platform {
    //! Windows: Ctrl-C ends. Untested: nobody has run this yet.

    use std::io;

    use super::Signal;

    /// Signals of this process from now on.
    pub(in crate::app) struct Signals(tokio::signal::windows::CtrlC);

    impl Signals {
        pub(in crate::app) fn new() -> io::Result<Signals> {
            tokio::signal::windows::ctrl_c().map(Signals)
        }

        pub(in crate::app) async fn next(&mut self) -> Signal {
            self.0.recv().await;
            Signal::End
        }
    }
}
