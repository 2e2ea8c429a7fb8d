//! The desktop, for plugins: media keys, notifications, brightness, URLs, keys and text.

use std::sync::Arc;

use padgate_core::engine::{Effect, Phase};
use padgate_core::ruleset::action::{MediaKey, Notice};
use padgate_core::ruleset::keys::parse_chord;
use padgate_plugin_abi::PADGATE_LIMIT;
use padgate_plugin_abi::system::{
    PADGATE_SYSTEM_BRIGHTNESS, PADGATE_SYSTEM_KEYS, PADGATE_SYSTEM_MEDIA, PADGATE_SYSTEM_NOTIFY,
    PADGATE_SYSTEM_OPEN, PADGATE_SYSTEM_TYPE,
};
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

/// What a plugin asks for, read.
#[derive(Debug, PartialEq)]
enum Wish {
    Effect(Effect),
    Brightness(Light),
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

    /// Does it; answered when it was done.
    pub(super) fn perform(&self, pool: &Pool, plugin: PluginId, what: u32, text: &str, reply: Reply) {
        match read(what, text) {
            Ok(Wish::Effect(effect)) => self.requests.perform(&*self.actions, plugin, effect, reply),
            Ok(Wish::Brightness(light)) => {
                let screen = self.screen.clone();
                pool.submit(plugin, reply, move |reply| settle(reply, brighten(&screen, light)));
            }
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

fn read(what: u32, text: &str) -> Result<Wish, Trouble> {
    let effect = match what {
        PADGATE_SYSTEM_MEDIA => Effect::Media(media_key(text)?),
        PADGATE_SYSTEM_NOTIFY => Effect::Notify(Arc::new(notice(text)?)),
        PADGATE_SYSTEM_BRIGHTNESS => return light(text).map(Wish::Brightness),
        PADGATE_SYSTEM_OPEN => Effect::Open(url(text)?),
        PADGATE_SYSTEM_KEYS => {
            let keys = parse_chord(text)
                .map_err(|error| Trouble::invalid(format!("{text:?} are no keys: {error}")))?;
            Effect::Keys { keys, phase: Phase::Tap }
        }
        PADGATE_SYSTEM_TYPE if text.len() > TYPED_BYTES_MAX => {
            let why = format!("{} bytes of text: at most {TYPED_BYTES_MAX} are typed at once", text.len());
            return Err(Trouble::new(PADGATE_LIMIT, why));
        }
        PADGATE_SYSTEM_TYPE => Effect::Text(text.into()),
        other => return Err(Trouble::invalid(format!("{other} is nothing that the desktop does"))),
    };
    Ok(Wish::Effect(effect))
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

fn url(text: &str) -> Result<Arc<str>, Trouble> {
    let url = Url::parse(text).map_err(|error| Trouble::invalid(format!("{text:?} is no URL: {error}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url.as_str().into()),
        other => {
            Err(Trouble::invalid(format!("only http and https URLs are opened for plugins, not {other}")))
        }
    }
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
    use padgate_plugin_abi::system::{
        PADGATE_SYSTEM_BRIGHTNESS, PADGATE_SYSTEM_KEYS, PADGATE_SYSTEM_MEDIA, PADGATE_SYSTEM_NOTIFY,
        PADGATE_SYSTEM_OPEN, PADGATE_SYSTEM_TYPE,
    };
    use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_LIMIT};

    use super::{Effect, Light, MediaKey, Phase, TYPED_BYTES_MAX, Wish, parse_chord, read};

    #[test]
    fn what_is_asked_for_is_read() {
        let effect = |what, text| match read(what, text) {
            Ok(Wish::Effect(effect)) => effect,
            other => panic!("{text:?}: {other:?}"),
        };
        assert_eq!(effect(PADGATE_SYSTEM_MEDIA, "play-pause"), Effect::Media(MediaKey::PlayPause));
        let keys = parse_chord("ctrl+shift+r").unwrap();
        assert_eq!(effect(PADGATE_SYSTEM_KEYS, "ctrl+shift+r"), Effect::Keys { keys, phase: Phase::Tap });
        assert_eq!(effect(PADGATE_SYSTEM_TYPE, "é\n"), Effect::Text("é\n".into()));
        assert_eq!(
            effect(PADGATE_SYSTEM_OPEN, "HTTPS://Example.com"),
            Effect::Open("https://example.com/".into())
        );
        for (text, title, body) in [("a\nb\nc", "a", "b\nc"), ("only", "Padgate", "only")] {
            let Effect::Notify(notice) = effect(PADGATE_SYSTEM_NOTIFY, text) else { panic!("{text}") };
            assert_eq!((notice.title.as_str(), notice.body.as_str()), (title, body));
        }
        for (text, light) in [("70%", Light::To(0.7)), ("+10%", Light::By(0.1)), (" -5 %", Light::By(-0.05))]
        {
            assert_eq!(read(PADGATE_SYSTEM_BRIGHTNESS, text).unwrap(), Wish::Brightness(light));
        }
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for (what, text) in [
            (PADGATE_SYSTEM_MEDIA, "louder"),
            (PADGATE_SYSTEM_NOTIFY, " "),
            (PADGATE_SYSTEM_OPEN, "file:///etc/passwd"),
            (PADGATE_SYSTEM_OPEN, "javascript:alert(1)"),
            (PADGATE_SYSTEM_OPEN, "/etc/passwd"),
            (PADGATE_SYSTEM_OPEN, "--help"),
            (PADGATE_SYSTEM_KEYS, "no+such+key"),
            (PADGATE_SYSTEM_BRIGHTNESS, "70"),
            (PADGATE_SYSTEM_BRIGHTNESS, "NaN%"),
            (PADGATE_SYSTEM_BRIGHTNESS, "1000%"),
            (99, ""),
        ] {
            assert_eq!(read(what, text).unwrap_err().status, PADGATE_INVALID, "{what} {text}");
        }
        let long = "x".repeat(TYPED_BYTES_MAX + 1);
        assert_eq!(read(PADGATE_SYSTEM_TYPE, &long).unwrap_err().status, PADGATE_LIMIT);
    }
}
