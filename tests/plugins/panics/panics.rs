//! A plugin in Rust that panics where its parameter says.

use padgate_plugin::{ActionPlugin, Context, Error, Host};
use serde::Deserialize;

/// Counts its calls, so that a test sees that it is still the same instance after a panic.
#[derive(Default)]
struct Panics {
    calls: u32,
}

/// Where it panics.
#[derive(Deserialize)]
struct Params {
    how: String,
}

impl ActionPlugin for Panics {
    type Params = Params;

    fn check(&mut self, params: &Params, _: &Host) -> Result<(), Error> {
        assert_ne!(params.how, "check", "these parameters are too much for me");
        Ok(())
    }

    fn execute(&mut self, params: &Params, _: &Context, host: &Host) -> Result<(), Error> {
        self.calls += 1;
        host.info(&format!("call {}", self.calls));
        assert_ne!(params.how, "execute", "this is too much for me");
        if params.how == "thread" {
            let thread = std::thread::spawn(|| panic!("a thread had enough"));
            assert!(thread.join().is_err(), "it panics");
        }
        Ok(())
    }
}

padgate_plugin::export!(Panics, name = "panics");
