//! How a test sets up what its plugin meets.

use std::net::TcpStream;

use super::asked::Service;
use super::desk::lock;
use super::{Kit, real};
use crate::export::Exported;
use crate::{Command, Error, HttpRequest, HttpResponse, Output};

impl<P: Exported> Kit<P> {
    /// What an earlier run saved.
    #[must_use]
    pub fn with_saved(mut self, saved: impl Into<Vec<u8>>) -> Kit<P> {
        self.saved = saved.into();
        self
    }

    /// As a Padgate would be that has no such service. Must be said before the plugin starts.
    #[must_use]
    pub fn without(self, service: Service) -> Kit<P> {
        self.desk.state().missing.push(service);
        self
    }

    /// From now on, the user does not grant this.
    pub fn refuse(&mut self, service: Service) -> &mut Kit<P> {
        self.desk.state().refused.push(service);
        self
    }

    /// From now on, HTTP requests are answered so. A panic in it, such as that of `assert!`, is that of the test.
    pub fn answer_http(
        &mut self,
        answer: impl FnMut(&HttpRequest) -> Result<HttpResponse, Error> + Send + 'static,
    ) -> &mut Kit<P> {
        *lock(&self.desk.http) = Some(Box::new(answer));
        self
    }

    /// From now on, programs end so.
    pub fn answer_run(
        &mut self,
        answer: impl FnMut(&Command) -> Result<Output, Error> + Send + 'static,
    ) -> &mut Kit<P> {
        *lock(&self.desk.run) = Some(Box::new(answer));
        self
    }

    /// From now on, connections to a host and port are made so.
    pub fn answer_connect(
        &mut self,
        answer: impl FnMut(&str, u16) -> Result<TcpStream, Error> + Send + 'static,
    ) -> &mut Kit<P> {
        *lock(&self.desk.connect) = Some(Box::new(answer));
        self
    }

    /// From now on, connections are really made.
    pub fn connect_really(&mut self) -> &mut Kit<P> {
        self.answer_connect(|host, port| Ok(TcpStream::connect((host, port))?))
    }

    /// From now on, programs are really run, by [`run_really`](super::run_really).
    pub fn run_really(&mut self) -> &mut Kit<P> {
        self.answer_run(real::run_really)
    }
}
