//! What the test kit's host knows: what was asked, how it is answered, and what the time is.

use std::fmt;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::export::guarded;
use crate::{Command, Error, HttpRequest, HttpResponse, Moment, Output};

use super::asked::{Asked, Service};

type Http = dyn FnMut(&HttpRequest) -> Result<HttpResponse, Error> + Send;
type Run = dyn FnMut(&Command) -> Result<Output, Error> + Send;
type Connect = dyn FnMut(&str, u16) -> Result<TcpStream, Error> + Send;

/// What the host's functions get as their context.
#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    // Each by itself, so that a plugin's threads can ask for one while another waits for a slow answer.
    pub(super) http: Mutex<Option<Box<Http>>>,
    pub(super) run: Mutex<Option<Box<Run>>>,
    pub(super) connect: Mutex<Option<Box<Connect>>>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) now: Moment,
    pub(super) timer: Option<Moment>,
    pub(super) listens: Vec<String>,
    pub(super) asked: Vec<Asked>,
    pub(super) missing: Vec<Service>,
    pub(super) refused: Vec<Service>,
    /// What an answer's panic said.
    panic: Option<String>,
}

impl Default for State {
    fn default() -> State {
        State {
            now: Moment::now(),
            timer: None,
            listens: Vec::new(),
            asked: Vec::new(),
            missing: Vec::new(),
            refused: Vec::new(),
            panic: None,
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Locks, also after a panic elsewhere: what is in there is whole at all times.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Records a request.
    ///
    /// # Errors
    ///
    /// If the test says that it is refused.
    pub(super) fn record(&self, service: Service, asked: Asked) -> Result<(), Error> {
        let mut state = self.state();
        state.asked.push(asked);
        if state.refused.contains(&service) {
            let text = format!("the user has not granted this ({service:?})");
            return Err(Error::new(crate::ErrorKind::Refused, text));
        }
        Ok(())
    }

    /// Asks the test. Its panics must not go through the plugin; they are kept for
    /// [`Desk::fail_if_an_answer_panicked`].
    pub(super) fn answer<A: ?Sized, T>(
        &self,
        answer: &Mutex<Option<Box<A>>>,
        function: &str,
        ask: impl FnOnce(&mut A) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut answer = lock(answer);
        let Some(answer) = answer.as_mut() else {
            let text = format!("this test does not say what is answered: use Kit::{function}");
            return Err(Error::unavailable(text));
        };
        guarded(|| ask(answer)).unwrap_or_else(|said| {
            self.state().panic = Some(said);
            Err(Error::failed("the test's answer panicked"))
        })
    }

    pub(super) fn fail_if_an_answer_panicked(&self) {
        let said = self.state().panic.take();
        if let Some(said) = said {
            panic!("the test's answer panicked: {said}");
        }
    }

    /// What the plugin had set ends with it.
    pub(super) fn plugin_ended(&self) {
        let mut state = self.state();
        state.timer = None;
        state.listens.clear();
    }
}
