//! What Padgate does in the world besides MIDI: keys and mouse, programs, volumes, media players, notifications.
//!
//! Each kind has a back end with its own thread and its own bounded queue, so that one that hangs delays no other,
//! and handing a request over never waits:
//!
//! | module | does | through |
//! |---|---|---|
//! | [`keyboard`] | keys, text, mouse | the X server, the kernel (uinput), or enigo |
//! | [`sound`] | volume, mute | the PulseAudio protocol |
//! | [`desktop`] | media keys, notifications | D-Bus |
//! | [`programs`] | programs, the shell, files and URLs | the operating system |

pub mod desktop;
pub mod keyboard;
mod places;
pub mod programs;
mod queue;
pub mod sound;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::lock::lock;
use padgate_core::engine::{Effect, Request};
use padgate_core::ids::{Names, TargetId};
use padgate_core::ruleset::action::Action;
use padgate_core::ruleset::{OutputChoice, Ruleset, Settings, Step};

pub use keyboard::{OutputKind, OutputStatus};
pub use places::Places;
pub use queue::{MERGED_REQUESTS, QUEUE_REQUESTS};

use crate::hands::ActionSend;
use crate::journal::{HeldOutput, Journal};
use crate::outcome::{Outcome, ReportSink};
use queue::Queue;

/// How long [`Actions::shutdown`] waits for the back ends to release what they hold. A back end whose server hangs
/// is left behind then; what the journal says is held, the next start releases.
pub const SHUTDOWN_WAIT: Duration = Duration::from_secs(2);

/// How long [`Actions::output`] waits at start-up for the keyboard back end to be chosen.
const CHOICE_WAIT: Duration = Duration::from_secs(3);

/// How many patterns on sound outputs can be named besides the configuration's, for as long as the daemon runs.
pub const GUEST_OUTPUTS_MAX: usize = 256;

/// Takes the volumes of sound outputs, whoever set them. Called on the sound back end's thread.
pub trait LevelSink: Send + Sync {
    /// The output's volume is now this, 0 to 1.5; `None`: the server is gone, or the output.
    fn level(&self, target: TargetId, level: Option<f64>);
}

/// What the back ends are made with.
pub struct Setup {
    /// Which back end types keys.
    pub output: OutputChoice,
    /// Whether shell actions run.
    pub allow_shell: bool,
    /// Patterns on the names of sound outputs, by the index of their [`TargetId`]; the first is the default output.
    pub targets: Vec<String>,
    /// The outputs whose volume is wanted, see [`followed_targets`].
    pub followed: Vec<TargetId>,
    /// Where outcomes go.
    pub reports: Arc<dyn ReportSink>,
    /// Where volumes go.
    pub levels: Arc<dyn LevelSink>,
    /// Where it is written down what is held.
    pub journal: Arc<Journal>,
    /// What a killed predecessor left held; it is released as soon as its output is reached.
    pub left_over: Option<HeldOutput>,
    /// Where the servers are.
    pub places: Places,
}

/// All back ends but MIDI. Made once; [`Actions::reload`] changes what a new configuration can change.
pub struct Actions {
    keyboard: Arc<Queue<keyboard::Control>>,
    sound: Arc<Queue<sound::Control>>,
    desktop: Arc<Queue<()>>,
    programs: Arc<Queue<()>>,
    allow_shell: AtomicBool,
    status: Arc<keyboard::StatusCell>,
    /// What was last told to the sound back end, so that an unchanged reload says nothing.
    targets: Mutex<(Vec<String>, Vec<TargetId>)>,
    /// Patterns on sound outputs that are not the configuration's, by their index.
    guests: Mutex<Vec<String>>,
}

impl Actions {
    /// Starts the back ends. Returns at once; connections are made on their own threads.
    #[must_use]
    pub fn new(setup: Setup) -> Actions {
        let Setup { output, allow_shell, targets, followed, reports, levels, journal, left_over, places } =
            setup;
        let status = Arc::new(keyboard::StatusCell::default());
        let keyboard = Arc::new(Queue::new());
        let sound = Arc::new(Queue::new());
        let desktop = Arc::new(Queue::new());
        let programs = Arc::new(Queue::new());
        worker::start("padgate keys", Arc::clone(&keyboard), Arc::clone(&reports), {
            let (status, places) = (Arc::clone(&status), places.clone());
            move || keyboard::Keyboard::new(output, places, status, journal, left_over)
        });
        worker::start("padgate sound", Arc::clone(&sound), Arc::clone(&reports), {
            let (queue, places) = (Arc::clone(&sound), places.clone());
            let (targets, followed) = (targets.clone(), followed.clone());
            move || sound::Sound::new(&places, targets, followed, levels, queue)
        });
        worker::start("padgate desktop", Arc::clone(&desktop), Arc::clone(&reports), {
            let (keyboard, places) = (Arc::clone(&keyboard), places.clone());
            move || desktop::Desktop::new(&places, keyboard)
        });
        worker::start("padgate programs", Arc::clone(&programs), reports, programs::Programs::new);
        let targets = Mutex::new((targets, followed));
        let allow_shell = AtomicBool::new(allow_shell);
        let guests = Mutex::default();
        Actions { keyboard, sound, desktop, programs, allow_shell, status, targets, guests }
    }

    /// Takes over what a new configuration says. What is held stays held, unless another keyboard back end is chosen:
    /// then the old one releases everything first.
    pub fn reload(&self, settings: &Settings, names: &Names, followed: Vec<TargetId>) {
        self.allow_shell.store(settings.allow_shell, Ordering::Relaxed);
        self.keyboard.control(|control| control.choice = Some(settings.output));
        let new = (target_patterns(names), followed);
        let mut known = lock(&self.targets);
        if *known != new {
            known.clone_from(&new);
            self.sound.control(|control| control.targets = Some(new));
        }
    }

    /// The target for outputs whose names fit the pattern, which need not be in the configuration. It stays for as long
    /// as this does. `None`: there are [`GUEST_OUTPUTS_MAX`] already.
    #[must_use]
    pub fn guest_output(&self, pattern: &str) -> Option<TargetId> {
        let mut guests = lock(&self.guests);
        let index = match guests.iter().position(|known| known == pattern) {
            Some(index) => index,
            None if guests.len() >= GUEST_OUTPUTS_MAX => return None,
            None => {
                guests.push(pattern.to_owned());
                // Told before the next request, so that the number means something by then.
                self.sound.control(|control| control.guests = Some(guests.clone()));
                guests.len() - 1
            }
        };
        sound::guest(index)
    }

    /// Which keyboard back end is in use, and why. Waits for the first choice, a few seconds at most.
    #[must_use]
    pub fn output(&self) -> OutputStatus {
        self.status.wait(CHOICE_WAIT)
    }

    /// Releases everything that is held and ends the back ends. Returns when that is done, or after
    /// [`SHUTDOWN_WAIT`]; the result says whether all of them managed.
    pub fn shutdown(&self) -> bool {
        self.desktop.close();
        self.programs.close();
        self.sound.close();
        self.keyboard.close();
        let deadline = Instant::now() + SHUTDOWN_WAIT;
        [self.keyboard.wait_ended(deadline), self.sound.wait_ended(deadline)]
            .into_iter()
            .chain([self.desktop.wait_ended(deadline), self.programs.wait_ended(deadline)])
            .all(|ended| ended)
    }
}

impl ActionSend for Actions {
    fn send(&self, request: Request) -> Result<(), Outcome> {
        match &request.effect {
            Effect::Keys { .. }
            | Effect::Text(_)
            | Effect::Button { .. }
            | Effect::Pointer(_)
            | Effect::Scroll { .. } => self.keyboard.push(request),
            Effect::Shell(_) if !self.allow_shell.load(Ordering::Relaxed) => Err(Outcome::Refused(
                "shell actions are off; `allow_shell = true` under [settings] allows them".into(),
            )),
            Effect::Run(_) | Effect::Shell(_) | Effect::Open(_) => self.programs.push(request),
            Effect::Volume { .. } | Effect::Mute { .. } => self.sound.push(request),
            Effect::Media(_) | Effect::Notify(_) => self.desktop.push(request),
            Effect::Midi { .. } | Effect::Sysex { .. } | Effect::Plugin { .. } => Err(Outcome::Failed(
                "this is a mistake in Padgate: the request was sent to the wrong back end".into(),
            )),
        }
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// The patterns that [`Setup::targets`] wants.
#[must_use]
pub fn target_patterns(names: &Names) -> Vec<String> {
    names.targets.iter().map(|(_, name)| name.to_owned()).collect()
}

/// The outputs whose volume the rules need to know: those that a control with pickup moves.
#[must_use]
pub fn followed_targets(ruleset: &Ruleset) -> Vec<TargetId> {
    let mut followed = Vec::new();
    let pickup = padgate_core::ruleset::Takeover::Pickup;
    for mapping in ruleset.mappings.iter().filter(|mapping| mapping.takeover == pickup) {
        for step in &mapping.program.steps {
            if let Step::Do(Action::Volume { target, .. }) = step
                && !followed.contains(target)
            {
                followed.push(*target);
            }
        }
    }
    followed
}
