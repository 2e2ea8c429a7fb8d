//! The desktop, for plugins: media keys, notifications, brightness, URLs, keys and text.

use std::sync::Arc;

use padgate_core::engine::{Effect, Phase};
use padgate_core::ruleset::action::{MediaKey, Notice};
use padgate_core::ruleset::keys::parse_chord;
use padgate_plugin_abi::PADGATE_LIMIT;
use url::Url;

use super::workers::Pool;
use super::{RequestRouter, Screen, Trouble, settle};
use crate::hands::ActionSend;
use crate::plugins::part::{PluginId, Reply};

/// The longest text that is typed at once, in bytes: what a hand would type, not what a file holds.
const TYPED_BYTES_MAX: usize = 4096;
/// The longest notification, in bytes.
const NOTICE_BYTES_MAX: usize = 4096;

/// See the module.
pub(super) struct System {
    actions: Arc<dyn ActionSend>,
    requests: Arc<RequestRouter>,
    screen: Screen,
}

/// A change of the brightness, in parts of the brightest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Light {
    /// To this, 0 to 1.
    To(f64),
    /// By this, -1 to 1.
    By(f64),
}

impl System {
    pub(super) fn new(actions: Arc<dyn ActionSend>, requests: Arc<RequestRouter>, screen: Screen) -> System {
        System { actions, requests, screen }
    }

    /// Does a media key. Like all the following: answered when it was done.
    pub(super) fn media(&self, plugin: PluginId, text: &str, reply: Reply) {
        self.perform(plugin, media_key(text).map(Effect::Media), reply);
    }

    /// Shows a notification.
    pub(super) fn notify(&self, plugin: PluginId, text: &str, reply: Reply) {
        self.perform(plugin, notice(text).map(|notice| Effect::Notify(Arc::new(notice))), reply);
    }

    /// Opens a URL, which the gate has looked at.
    pub(super) fn open(&self, plugin: PluginId, url: &Url, reply: Reply) {
        self.perform(plugin, Ok(Effect::Open(url.as_str().into())), reply);
    }

    /// Presses and releases keys.
    pub(super) fn keys(&self, plugin: PluginId, text: &str, reply: Reply) {
        let effect = parse_chord(text)
            .map(|keys| Effect::Keys { keys, phase: Phase::Tap })
            .map_err(|error| Trouble::invalid(format!("{text:?} are no keys: {error}")));
        self.perform(plugin, effect, reply);
    }

    /// Types text.
    pub(super) fn write(&self, plugin: PluginId, text: &str, reply: Reply) {
        let effect = if text.len() <= TYPED_BYTES_MAX {
            Ok(Effect::Text(text.into()))
        } else {
            let why = format!("{} bytes of text: at most {TYPED_BYTES_MAX} are typed at once", text.len());
            Err(Trouble::new(PADGATE_LIMIT, why))
        };
        self.perform(plugin, effect, reply);
    }

    /// Sets the brightness.
    pub(super) fn brighten(&self, pool: &Pool, plugin: PluginId, text: &str, reply: Reply) {
        match light(text) {
            Ok(light) => {
                let screen = self.screen.clone();
                pool.submit(plugin, reply, move |reply| settle(reply, brighten(&screen, light)));
            }
            Err(trouble) => settle(reply, Err(trouble)),
        }
    }

    fn perform(&self, plugin: PluginId, effect: Result<Effect, Trouble>, reply: Reply) {
        match effect {
            Ok(effect) => self.requests.perform(&*self.actions, plugin, effect, reply),
            Err(trouble) => settle(reply, Err(trouble)),
        }
    }
}

#[cfg(target_os = "linux")]
fn brighten(screen: &Screen, light: Light) -> Result<(), Trouble> {
    super::brightness::set(screen, light)
}

#[cfg(not(target_os = "linux"))]
fn brighten(_: &Screen, _: Light) -> Result<(), Trouble> {
    Err(Trouble::unavailable("the brightness can't be set on this platform yet"))
}

fn media_key(text: &str) -> Result<MediaKey, Trouble> {
    Ok(match text {
        "play-pause" => MediaKey::PlayPause,
        "play" => MediaKey::Play,
        "pause" => MediaKey::Pause,
        "stop" => MediaKey::Stop,
        "next" => MediaKey::Next,
        "previous" => MediaKey::Previous,
        other => {
            let there = "play-pause, play, pause, stop, next, previous";
            return Err(Trouble::invalid(format!("no media key {other:?}; there are {there}")));
        }
    })
}

fn notice(text: &str) -> Result<Notice, Trouble> {
    if text.trim().is_empty() {
        return Err(Trouble::invalid("a notification without a text"));
    }
    if text.len() > NOTICE_BYTES_MAX {
        let why = format!("a notification of {} bytes: at most {NOTICE_BYTES_MAX}", text.len());
        return Err(Trouble::new(PADGATE_LIMIT, why));
    }
    let (title, body) = match text.split_once('\n') {
        Some((title, body)) => (title, body),
        None => ("Padgate", text),
    };
    Ok(Notice { title: title.trim().to_owned(), body: body.trim().to_owned() })
}

fn light(text: &str) -> Result<Light, Trouble> {
    let wrong = || {
        Trouble::invalid(format!(
            "{text:?} is no brightness: write \"70%\" for that, or \"+10%\" for a change"
        ))
    };
    let percent = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim_end();
    let number: f64 = percent.parse().map_err(|_| wrong())?;
    let is_change = percent.starts_with(['+', '-']);
    if !(-100.0..=100.0).contains(&number) {
        return Err(wrong());
    }
    Ok(if is_change { Light::By(number / 100.0) } else { Light::To(number / 100.0) })
}

#[cfg(test)]
mod tests {
    use padgate_plugin_abi::PADGATE_INVALID;

    use super::{Light, MediaKey, light, media_key, notice};

    #[test]
    fn what_is_asked_for_is_read() {
        assert_eq!(media_key("play-pause").unwrap(), MediaKey::PlayPause);
        for (text, title, body) in [("a\nb\nc", "a", "b\nc"), ("only", "Padgate", "only")] {
            let notice = notice(text).unwrap();
            assert_eq!((notice.title.as_str(), notice.body.as_str()), (title, body));
        }
        for (text, expected) in
            [("70%", Light::To(0.7)), ("+10%", Light::By(0.1)), (" -5 %", Light::By(-0.05))]
        {
            assert_eq!(light(text).unwrap(), expected);
        }
    }

    #[test]
    fn what_can_not_be_is_refused() {
        assert_eq!(media_key("louder").unwrap_err().status, PADGATE_INVALID);
        assert_eq!(notice(" ").unwrap_err().status, PADGATE_INVALID);
        for text in ["70", "NaN%", "1000%", "%", "+%"] {
            assert_eq!(light(text).unwrap_err().status, PADGATE_INVALID, "{text}");
        }
    }
}
