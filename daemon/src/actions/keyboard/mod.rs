//! Keys, text and the mouse: which way they take is chosen at start and reported, and chosen again when it breaks.
//!
//! One thread owns the connection. When its server is gone, the action that notices says so, what was held counts as
//! released, and the next action tries again, at most once in [`RETRY_AFTER`]: nothing polls.

#[cfg(any(not(target_os = "linux"), feature = "wayland"))]
mod enigo;
#[cfg(target_os = "linux")]
mod uinput;
mod us_layout;
#[cfg(target_os = "linux")]
mod x11;

use std::borrow::Cow;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use padgate_core::engine::{Effect, Phase};
use padgate_core::ruleset::OutputChoice;
use padgate_core::ruleset::action::{MouseButton, PointerMove};
use padgate_core::ruleset::keys::Key;

use super::places::Places;
use super::queue::Entry;
use super::worker::BackEnd;
use crate::journal::{HeldOutput, Journal};
use crate::lock::lock;
use crate::outcome::Outcome;

/// After a failed connection, further actions fail at once for this long.
pub const RETRY_AFTER: Duration = Duration::from_millis(500);

/// A wheel turns at most this many notches for one action; more is a mistake in the configuration.
pub const SCROLL_NOTCHES_MAX: u32 = 200;

/// What types the keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputKind {
    /// The X server.
    X11,
    /// The Wayland compositor, or on other systems than Linux whatever is native there.
    Enigo,
    /// The kernel.
    Uinput,
    /// Nothing.
    None,
}

/// What types the keys, and why that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputStatus {
    /// What.
    pub chosen: OutputKind,
    /// Why, and why not the others, in a sentence for people.
    pub reason: String,
}

/// The status, for those who ask from other threads.
#[derive(Default)]
pub(crate) struct StatusCell {
    status: Mutex<Option<OutputStatus>>,
    chosen: Condvar,
}

impl StatusCell {
    fn set(&self, status: OutputStatus) {
        *lock(&self.status) = Some(status);
        self.chosen.notify_all();
    }

    pub(crate) fn wait(&self, limit: Duration) -> OutputStatus {
        let status = lock(&self.status);
        let waited = self.chosen.wait_timeout_while(status, limit, |status| status.is_none());
        let status = waited.unwrap_or_else(PoisonError::into_inner).0;
        status.clone().unwrap_or_else(|| OutputStatus {
            chosen: OutputKind::None,
            reason: "still waiting for an answer from the display server".to_owned(),
        })
    }
}

/// Why a hand could not do something.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection is gone, and with it everything held.
    Lost(String),
    /// This can't be done here.
    Unavailable(Cow<'static, str>),
    /// This was tried and did not work.
    Failed(Cow<'static, str>),
}

/// One way to type keys and move the mouse.
pub(crate) trait Hand {
    /// Presses the keys in order, releases them in reverse, or both.
    fn keys(&mut self, keys: &[Key], phase: Phase) -> Result<(), Trouble>;
    /// Types the text.
    fn text(&mut self, text: &str) -> Result<(), Trouble>;
    /// Presses and releases a button of the mouse.
    fn button(&mut self, button: MouseButton, phase: Phase, clicks: u8) -> Result<(), Trouble>;
    /// Moves the pointer.
    fn pointer(&mut self, to: PointerMove) -> Result<(), Trouble>;
    /// Turns the wheel, right and down.
    fn scroll(&mut self, horizontal: i32, vertical: i32) -> Result<(), Trouble>;
    /// Lets go of everything, and puts back what else was changed.
    fn release_all(&mut self);
    /// What is held and would stay so if this process were killed now.
    fn held(&self) -> Option<HeldOutput>;
}

/// What the keyboard thread is told besides requests.
#[derive(Default, Debug)]
pub(crate) struct Control {
    /// Another back end is wanted, perhaps.
    pub(crate) choice: Option<OutputChoice>,
}

/// The back end behind the queue.
pub(crate) struct Keyboard {
    choice: OutputChoice,
    places: Places,
    status: Arc<StatusCell>,
    journal: Arc<Journal>,
    hand: Option<Box<dyn Hand>>,
    reason: String,
    retry_at: Instant,
    /// Keys that are still down in a server that was lost sight of, by a predecessor or by this process.
    left_over: Option<HeldOutput>,
}

impl Keyboard {
    pub(crate) fn new(
        choice: OutputChoice,
        places: Places,
        status: Arc<StatusCell>,
        journal: Arc<Journal>,
        left_over: Option<HeldOutput>,
    ) -> Keyboard {
        let (reason, retry_at) = (String::new(), Instant::now());
        let mut keyboard =
            Keyboard { choice, places, status, journal, hand: None, reason, retry_at, left_over };
        keyboard.connect();
        keyboard
    }

    /// Chooses and connects, unless that was tried and failed just now.
    fn connect(&mut self) {
        if self.hand.is_some() || Instant::now() < self.retry_at {
            return;
        }
        let (hand, status) = choose(self.choice, &self.places, self.left_over.as_ref());
        tracing::info!(chosen = ?status.chosen, reason = status.reason, "keyboard output");
        if hand.is_some() {
            self.left_over = None;
        } else {
            self.retry_at = Instant::now() + RETRY_AFTER;
        }
        self.hand = hand;
        self.reason.clone_from(&status.reason);
        self.status.set(status);
        self.note_held();
    }

    fn lose(&mut self, why: &str) -> Outcome {
        self.left_over = self.hand.take().and_then(|hand| hand.held());
        self.retry_at = Instant::now();
        let reason = format!("the connection was lost ({why}); the next action tries again");
        tracing::warn!(reason, "keyboard output");
        self.status.set(OutputStatus { chosen: OutputKind::None, reason: reason.clone() });
        Outcome::Unavailable(reason.into())
    }

    fn note_held(&self) {
        let held = self.hand.as_ref().and_then(|hand| hand.held()).or_else(|| self.left_over.clone());
        self.journal.output(held);
    }
}

impl BackEnd for Keyboard {
    type Control = Control;

    fn perform(&mut self, entry: &mut Entry) -> Option<Outcome> {
        self.connect();
        let Some(hand) = &mut self.hand else {
            // What is not connected holds nothing, so a release has been done already.
            return Some(if entry.effect.is_release() {
                Outcome::Done
            } else {
                Outcome::Unavailable(format!("no keyboard output: {}", self.reason).into())
            });
        };
        let result = match &entry.effect {
            Effect::Keys { keys, phase } => hand.keys(keys, *phase),
            Effect::Text(text) => hand.text(text),
            Effect::Button { button, phase, clicks } => hand.button(*button, *phase, *clicks),
            Effect::Pointer(to) => hand.pointer(*to),
            Effect::Scroll { horizontal, vertical } => {
                let most = SCROLL_NOTCHES_MAX as i32;
                hand.scroll((*horizontal).clamp(-most, most), (*vertical).clamp(-most, most))
            }
            _ => Err(Trouble::Failed("this is a mistake in Padgate: that is nothing for a keyboard".into())),
        };
        let outcome = match result {
            Ok(()) => Outcome::Done,
            Err(Trouble::Lost(why)) => self.lose(&why),
            Err(Trouble::Unavailable(why)) => Outcome::Unavailable(why),
            Err(Trouble::Failed(why)) => Outcome::Failed(why),
        };
        if matches!(entry.effect, Effect::Keys { .. } | Effect::Button { .. }) {
            self.note_held();
        }
        Some(outcome)
    }

    fn control(&mut self, control: Control) {
        if let Some(choice) = control.choice.filter(|choice| *choice != self.choice) {
            if let Some(mut hand) = self.hand.take() {
                hand.release_all();
            }
            self.choice = choice;
            self.retry_at = Instant::now();
            self.connect();
        }
    }

    fn close(&mut self) {
        if let Some(mut hand) = self.hand.take() {
            hand.release_all();
        }
        self.note_held();
    }
}

type Attempt = Result<(Box<dyn Hand>, OutputStatus), String>;

/// Tries what the choice allows, in order.
fn choose(
    choice: OutputChoice,
    places: &Places,
    left_over: Option<&HeldOutput>,
) -> (Option<Box<dyn Hand>>, OutputStatus) {
    type Try = fn(&Places, Option<&HeldOutput>) -> Attempt;
    let tries: &[(OutputChoice, Try)] = &[
        (OutputChoice::X11, try_x11),
        (OutputChoice::Wayland, try_enigo),
        (OutputChoice::Uinput, try_uinput),
    ];
    let mut why_not = Vec::new();
    for (kind, attempt) in tries {
        if choice != OutputChoice::Auto && choice != *kind {
            continue;
        }
        match attempt(places, left_over) {
            Ok((hand, mut status)) => {
                if !why_not.is_empty() {
                    status.reason = format!("{} ({})", status.reason, why_not.join("; "));
                }
                return (Some(hand), status);
            }
            Err(reason) => why_not.push(reason),
        }
    }
    let reason = if choice == OutputChoice::None {
        "the configuration says `output = \"none\"`".to_owned()
    } else {
        why_not.join("; ")
    };
    (None, OutputStatus { chosen: OutputKind::None, reason })
}

#[cfg(target_os = "linux")]
fn try_x11(places: &Places, left_over: Option<&HeldOutput>) -> Attempt {
    let display = places.display.as_deref().ok_or("no X server: DISPLAY is not set")?;
    let hand =
        x11::X11::connect(display, left_over).map_err(|why| format!("no X server on {display}: {why}"))?;
    let reason = format!("keys go to the X server on {display}");
    Ok((Box::new(hand), OutputStatus { chosen: OutputKind::X11, reason }))
}

#[cfg(not(target_os = "linux"))]
fn try_x11(_: &Places, _: Option<&HeldOutput>) -> Attempt {
    Err("X11 output is for Linux".to_owned())
}

#[cfg(any(not(target_os = "linux"), feature = "wayland"))]
fn try_enigo(places: &Places, _: Option<&HeldOutput>) -> Attempt {
    let hand = enigo::EnigoHand::connect(places)?;
    let reason = if cfg!(target_os = "linux") {
        "keys go to the Wayland compositor"
    } else {
        "keys go to the operating system"
    };
    Ok((Box::new(hand), OutputStatus { chosen: OutputKind::Enigo, reason: reason.to_owned() }))
}

#[cfg(not(any(not(target_os = "linux"), feature = "wayland")))]
fn try_enigo(places: &Places, _: Option<&HeldOutput>) -> Attempt {
    Err(match places.wayland_display {
        Some(_) => "this build can't type into Wayland itself (cargo's feature `wayland` is off)".to_owned(),
        None => "no Wayland: WAYLAND_DISPLAY is not set".to_owned(),
    })
}

#[cfg(target_os = "linux")]
fn try_uinput(places: &Places, _: Option<&HeldOutput>) -> Attempt {
    let path = places.uinput.as_deref().ok_or("no uinput device is known")?;
    let hand = uinput::Uinput::create(path)?;
    let reason = "keys go to the kernel, as a keyboard with US layout named Padgate".to_owned();
    Ok((Box::new(hand), OutputStatus { chosen: OutputKind::Uinput, reason }))
}

#[cfg(not(target_os = "linux"))]
fn try_uinput(_: &Places, _: Option<&HeldOutput>) -> Attempt {
    Err("uinput is for Linux".to_owned())
}
