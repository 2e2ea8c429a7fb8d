//! The test kit: runs a plugin in the test's own process, without a daemon and without a sandbox, through the very table
//! that [`export!`](crate::export!) exports.
//!
//! What the plugin asks for is recorded and answered by the test. Time stands still until it is advanced, so that what a
//! plugin plans can be compared to the nanosecond.
//!
//! ```
//! use padgate_plugin::json::json;
//! use padgate_plugin::test::{Asked, Kit, Touch};
//! use padgate_plugin::{ActionPlugin, Context, Error, Host, HttpRequest, HttpResponse};
//!
//! #[derive(Default)]
//! struct Lights;
//!
//! #[derive(serde::Deserialize)]
//! struct Params {
//!     lamp: u8,
//! }
//!
//! impl ActionPlugin for Lights {
//!     type Params = Params;
//!
//!     fn execute(&mut self, params: &Params, context: &Context, host: &Host) -> Result<(), Error> {
//!         let url = format!("http://bridge/lamp/{}", params.lamp);
//!         let answer = host.http(&HttpRequest::put(url).body(context.velocity().to_string()))?;
//!         if answer.is_success() { Ok(()) } else { Err(format!("the bridge says {}", answer.status).into()) }
//!     }
//! }
//!
//! padgate_plugin::export!(Lights, name = "lights");
//!
//! # fn main() -> Result<(), Error> {
//! let mut kit = Kit::<Lights>::new();
//! kit.answer_http(|request| Ok(HttpResponse::new(if request.url.ends_with("/3") { 200 } else { 404 }, "")));
//!
//! let lamp = kit.prepare("set", json!({ "lamp": 3 }))?;
//! kit.press(lamp, Touch::note(36, 100))?;
//! assert_eq!(kit.asked(), [Asked::Http(HttpRequest::put("http://bridge/lamp/3").body("100"))]);
//!
//! let lamp = kit.prepare("set", json!({ "lamp": 4 }))?;
//! assert_eq!(kit.press(lamp, Touch::note(36, 100)).unwrap_err().text(), "the bridge says 404");
//! assert!(kit.prepare("set", json!({ "lamp": "three" })).is_err());
//! # Ok(())
//! # }
//! ```

mod asked;
mod desk;
mod folder;
mod real;
mod services;
mod setup;
mod touch;
#[cfg(feature = "manifest")]
mod written;

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use padgate_plugin_abi::{
    ABI_VERSION, PADGATE_EVENT_MIDI, PADGATE_EVENT_TIMER, PADGATE_OK, PADGATE_PANICKED, PADGATE_PHASE_CHANGE,
    PADGATE_PHASE_PRESS, PADGATE_PHASE_RELEASE, PADGATE_PHASE_TAP, PadgateEvent, PadgateHost, PadgatePlugin,
    PadgateStatus,
};
use serde_json::Value;

pub use asked::{Asked, Service};
pub use real::run_really;
pub use touch::Touch;

use crate::export::{Exported, Table};
use crate::raw::{self, Received};
use crate::{Error, Moment};
use desk::Desk;
use folder::Folder;

/// How long a call may take, as its context says: the most that can be set. Nobody is killed here.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often a timer can run out in one [`Kit::advance`], before the plugin is taken for one that never stops.
const TIMERS_MAX: usize = 100_000;

/// A prepared use of an action.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Prepared(u32);

/// Runs a plugin; see the [module](self). The plugin starts with the first call that needs it, so that everything can be
/// set up before.
#[derive(Debug)]
pub struct Kit<P: Exported> {
    desk: Arc<Desk>,
    folder: Folder,
    saved: Vec<u8>,
    running: Option<Running>,
    handles: u32,
    presses: u64,
    pressed: BTreeMap<Prepared, (u64, Touch)>,
    plugin: PhantomData<P>,
}

/// An instance, and the host's table that it was made with, which must not move.
#[derive(Debug)]
struct Running {
    instance: *mut c_void,
    host: Box<PadgateHost>,
}

impl<P: Exported> Default for Kit<P> {
    fn default() -> Kit<P> {
        Kit::new()
    }
}

impl<P: Exported> Kit<P> {
    /// A kit with a data folder of its own, which is deleted at the end. MIDI, sounds and the desktop are done (that is,
    /// recorded); HTTP requests, connections and programs fail until the test says what is answered.
    ///
    /// # Panics
    ///
    /// If there can't be a temporary folder.
    #[must_use]
    pub fn new() -> Kit<P> {
        Kit {
            desk: Arc::default(),
            folder: Folder::new(),
            saved: Vec::new(),
            running: None,
            handles: 0,
            presses: 0,
            pressed: BTreeMap::new(),
            plugin: PhantomData,
        }
    }

    /// The plugin's data folder.
    #[must_use]
    pub fn data_folder(&self) -> &Path {
        &self.folder.data
    }

    /// What the plugin takes for the user's home folder.
    #[must_use]
    pub fn home_folder(&self) -> &Path {
        &self.folder.home
    }

    /// What the time is.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.desk.state().now
    }

    /// Starts the plugin, if it was not started yet.
    ///
    /// # Errors
    ///
    /// What the plugin says.
    pub fn start(&mut self) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        let host = Box::new(PadgateHost {
            size: size_of::<PadgateHost>() as u32,
            abi: ABI_VERSION,
            reserved: 0,
            context: Arc::as_ptr(&self.desk).cast_mut().cast(),
            extension: Some(services::extension),
            data_folder: raw::text(&self.folder.data_text),
            home_folder: raw::text(&self.folder.home_text),
        });
        let create = Table::<P>::TABLE.create.expect("the macro's table is full");
        let mut error = Received::new();
        // SAFETY: Called as the ABI says. The host and what it points to live until the kit is dropped, which destroys
        // the instance first.
        let instance = unsafe { create(&raw const *host, raw::bytes(&self.saved), error.place()) };
        self.desk.fail_if_an_answer_panicked();
        if instance.is_null() {
            return Err(Error::failed(error.text()));
        }
        self.running = Some(Running { instance, host });
        Ok(())
    }

    /// The instance, started if need be.
    fn instance(&mut self) -> Result<*mut c_void, Error> {
        self.start()?;
        Ok(self.running.as_ref().expect("it has just been started").instance)
    }

    /// Has the plugin take the parameters of one use, as when a configuration is loaded.
    ///
    /// # Errors
    ///
    /// What the user would be shown.
    ///
    /// # Panics
    ///
    /// If the plugin panics.
    pub fn prepare(&mut self, action: &str, parameters: Value) -> Result<Prepared, Error> {
        let (instance, handle) = (self.instance()?, self.handles);
        let parameters = parameters.to_string();
        let mut error = Received::new();
        let prepare = Table::<P>::TABLE.prepare.expect("the macro's table is full");
        let (action, parameters) = (raw::text(action), raw::text(&parameters));
        // SAFETY: Called as the ABI says, with the instance of this kit.
        let status = unsafe { prepare(instance, handle, action, parameters, error.place()) };
        self.ended(status, &error)?;
        self.handles += 1;
        Ok(Prepared(handle))
    }

    /// Has the plugin forget a use.
    ///
    /// # Panics
    ///
    /// If the plugin was not started.
    pub fn forget(&mut self, prepared: Prepared) {
        let instance = self.running.as_ref().expect("what is prepared was started").instance;
        let forget = Table::<P>::TABLE.forget.expect("the macro's table is full");
        // SAFETY: Called as the ABI says, with the instance of this kit.
        unsafe { forget(instance, prepared.0) };
    }

    /// A press of which no release will be told.
    ///
    /// # Errors
    ///
    /// What the user would be shown.
    ///
    /// # Panics
    ///
    /// If the plugin panics; so do the others below.
    pub fn tap(&mut self, prepared: Prepared, touch: Touch) -> Result<(), Error> {
        self.presses += 1;
        self.execute(prepared, touch, PADGATE_PHASE_TAP, self.presses)
    }

    /// A press; [`Kit::release`] is its release.
    ///
    /// # Errors
    ///
    /// What the user would be shown.
    pub fn press(&mut self, prepared: Prepared, touch: Touch) -> Result<(), Error> {
        self.presses += 1;
        self.pressed.insert(prepared, (self.presses, touch));
        self.execute(prepared, touch, PADGATE_PHASE_PRESS, self.presses)
    }

    /// The release of the last press.
    ///
    /// # Errors
    ///
    /// What the user would be shown.
    ///
    /// # Panics
    ///
    /// If nothing is pressed.
    pub fn release(&mut self, prepared: Prepared) -> Result<(), Error> {
        let (press, touch) = self.pressed.remove(&prepared).expect("what is released was pressed");
        self.execute(prepared, touch.released(), PADGATE_PHASE_RELEASE, press)
    }

    /// A control with a position moves.
    ///
    /// # Errors
    ///
    /// What the user would be shown.
    pub fn change(&mut self, prepared: Prepared, touch: Touch) -> Result<(), Error> {
        self.presses += 1;
        self.execute(prepared, touch, PADGATE_PHASE_CHANGE, self.presses)
    }

    fn execute(&mut self, prepared: Prepared, touch: Touch, phase: u8, press: u64) -> Result<(), Error> {
        let instance = self.instance()?;
        let mut context = touch.raw();
        context.phase = phase;
        context.press = press;
        context.received_ns = self.now().as_nanos();
        context.deadline_ns = (self.now() + DEADLINE).as_nanos();
        let mut error = Received::new();
        let execute = Table::<P>::TABLE.execute.expect("the macro's table is full");
        // SAFETY: Called as the ABI says, with the instance of this kit.
        let status = unsafe { execute(instance, prepared.0, &raw const context, error.place()) };
        self.ended(status, &error)
    }

    fn ended(&self, status: PadgateStatus, error: &Received) -> Result<(), Error> {
        self.desk.fail_if_an_answer_panicked();
        assert!(status != PADGATE_PANICKED, "{}", error.text());
        if status == PADGATE_OK { Ok(()) } else { Err(Error::of_status(status, error.text())) }
    }

    /// A device sends a message; the plugin is told only if it listens to it.
    ///
    /// # Panics
    ///
    /// If the plugin does not start.
    pub fn midi_event(&mut self, device: &str, message: &[u8]) {
        if self.desk.state().listens.iter().any(|listened| listened == device) {
            self.event(PADGATE_EVENT_MIDI, self.now(), message, device);
        }
    }

    /// When the timer runs out, if it is set.
    #[must_use]
    pub fn timer(&self) -> Option<Moment> {
        self.desk.state().timer
    }

    /// Lets time go on. The timer runs out on the way, as often as it is set again.
    ///
    /// # Panics
    ///
    /// If that never ends, or the plugin does not start.
    pub fn advance(&mut self, by: Duration) {
        let end = self.now() + by;
        for _ in 0..TIMERS_MAX {
            let due = self.timer().filter(|at| *at <= end);
            let Some(at) = due else {
                self.desk.state().now = end;
                return;
            };
            {
                let mut state = self.desk.state();
                state.timer = None;
                state.now = state.now.max(at);
            }
            self.event(PADGATE_EVENT_TIMER, self.now(), &[], "");
        }
        panic!("the plugin set its timer more than {TIMERS_MAX} times within {by:?}");
    }

    fn event(&mut self, kind: u32, at: Moment, data: &[u8], device: &str) {
        let instance = self.instance().expect("the plugin starts");
        let event = PadgateEvent {
            size: size_of::<PadgateEvent>() as u32,
            kind,
            time_ns: at.as_nanos(),
            data: raw::bytes(data),
            device: raw::text(device),
        };
        let tell = Table::<P>::TABLE.event.expect("the macro's table is full");
        // SAFETY: Called as the ABI says, with the instance of this kit.
        unsafe { tell(instance, &raw const event) };
        self.desk.fail_if_an_answer_panicked();
    }

    /// Everything that the plugin asked for since this was called last.
    #[must_use]
    pub fn asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.desk.state().asked)
    }

    /// What the plugin gives the next run or version.
    ///
    /// # Errors
    ///
    /// If it is too much, or the plugin does not start.
    pub fn save(&mut self) -> Result<Vec<u8>, Error> {
        let instance = self.instance()?;
        let mut state = Received::new();
        let save = Table::<P>::TABLE.save.expect("the macro's table is full");
        // SAFETY: Called as the ABI says, with the instance of this kit.
        let status = unsafe { save(instance, state.place()) };
        match status {
            PADGATE_OK => Ok(state.bytes().to_vec()),
            status => Err(Error::of_status(status, state.text())),
        }
    }

    /// Ends the plugin. The next call that needs it starts it again, as another run.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            let destroy = Table::<P>::TABLE.destroy.expect("the macro's table is full");
            // SAFETY: It is the instance of this kit, which is not used any more.
            unsafe { destroy(running.instance) };
            drop(running.host);
            self.desk.plugin_ended();
            self.pressed.clear();
        }
    }

    /// The plugin's table, as Padgate would get it.
    #[must_use]
    pub fn table(&self) -> &'static PadgatePlugin {
        Table::<P>::TABLE
    }
}

impl<P: Exported> Drop for Kit<P> {
    fn drop(&mut self) {
        self.stop();
    }
}
