//! The sound back end on Linux: volumes and mutes through a connection that is made when it is first needed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use padgate_core::engine::{Effect, VolumeChange};
use padgate_core::ids::TargetId;
use padgate_core::ruleset::PortPattern;
use padgate_core::ruleset::action::Switch;
use pulseaudio::protocol::{
    ChannelVolume, Command, DEFAULT_SINK, GetSinkInfo, SetDeviceMuteParams, SetDeviceVolumeParams, SinkInfo,
    SinkInfoList, SubscriptionMask, Volume,
};

use super::super::LevelSink;
use super::super::places::Places;
use super::super::queue::{Entry, Queue};
use super::super::worker::BackEnd;
use super::pulse::{Connection, PulseTrouble};
use super::{Control, as_guest};
use crate::outcome::Outcome;

/// After a failed connection, further actions fail at once for this long.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The loudest that Padgate sets, as multiples of the normal volume.
const LEVEL_MAX: f64 = 1.5;

/// The back end behind the queue.
pub(crate) struct Sound {
    places: Places,
    /// By the index of their [`TargetId`]; an empty one is the default output.
    targets: Vec<String>,
    /// The patterns of guests, by their index.
    guests: Vec<String>,
    followed: Vec<TargetId>,
    levels: Arc<dyn LevelSink>,
    queue: Arc<Queue<Control>>,
    connection: Option<Connection>,
    /// What was told of the followed outputs last. Of those that are not here, nothing is known.
    told: Vec<(TargetId, f64)>,
    retry_at: Instant,
    why_not: String,
}

impl Sound {
    pub(crate) fn new(
        places: &Places,
        targets: Vec<String>,
        followed: Vec<TargetId>,
        levels: Arc<dyn LevelSink>,
        queue: Arc<Queue<Control>>,
    ) -> Sound {
        let mut sound = Sound {
            places: places.clone(),
            targets,
            guests: Vec::new(),
            followed,
            levels,
            queue,
            connection: None,
            told: Vec::new(),
            retry_at: Instant::now(),
            why_not: String::new(),
        };
        sound.follow();
        sound
    }

    /// Connects, unless that was tried and failed just now.
    fn connected(&mut self) -> Result<&mut Connection, Outcome> {
        if self.connection.as_ref().is_some_and(Connection::is_lost) {
            self.lose("it closed the connection");
        }
        if self.connection.is_none() && Instant::now() >= self.retry_at {
            self.connection = self.connect();
        }
        let why_not = &self.why_not;
        self.connection.as_mut().ok_or_else(|| {
            let why =
                format!("no sound server: {why_not}; start PulseAudio or pipewire-pulse, then try again");
            Outcome::Unavailable(why.into())
        })
    }

    fn connect(&mut self) -> Option<Connection> {
        let Some(socket) = &self.places.sound_socket else {
            "neither PULSE_SERVER nor XDG_RUNTIME_DIR says where a local one is"
                .clone_into(&mut self.why_not);
            return None;
        };
        let queue = Arc::clone(&self.queue);
        let news = move || queue.when_idle();
        let connection = Connection::connect(socket, self.places.sound_cookie.as_deref(), news);
        match connection.and_then(|mut connection| {
            if !self.followed.is_empty() {
                connection.order(&Command::Subscribe(SubscriptionMask::SINK | SubscriptionMask::SERVER))?;
            }
            Ok(connection)
        }) {
            Ok(connection) => Some(connection),
            Err(trouble) => {
                self.why_not = format!("{}: {}", socket.display(), describe(trouble));
                self.retry_at = Instant::now() + RETRY_AFTER;
                None
            }
        }
    }

    fn lose(&mut self, why: &str) {
        tracing::warn!(why, "the sound server is gone; the next action tries again");
        self.connection = None;
        // A fader with pickup must not wait for a volume that nobody can tell.
        for (target, _) in self.told.drain(..) {
            self.levels.level(target, None);
        }
    }

    /// The output behind a target, if there is one now.
    fn sink(&mut self, target: TargetId) -> Result<SinkInfo, Outcome> {
        let pattern = match as_guest(target) {
            Some(guest) => self.guests.get(guest),
            None => self.targets.get(target.index()),
        };
        let pattern = pattern.cloned().unwrap_or_default();
        let connection = self.connected()?;
        let result = if pattern.is_empty() {
            let name = Some(DEFAULT_SINK.to_owned());
            connection.ask::<SinkInfo>(&Command::GetSinkInfo(GetSinkInfo { index: None, name }))
        } else {
            connection.ask::<SinkInfoList>(&Command::GetSinkInfoList).and_then(|sinks| {
                let pattern = PortPattern(pattern.clone());
                sinks.into_iter().find(|sink| fits(&pattern, sink)).ok_or(PulseTrouble::NoEntity)
            })
        };
        result.map_err(|trouble| match trouble {
            PulseTrouble::NoEntity if pattern.is_empty() => {
                Outcome::Unavailable("the sound server has no output".into())
            }
            PulseTrouble::NoEntity => {
                let why =
                    format!("no sound output is named {pattern:?} now; `pactl list sinks` shows their names");
                Outcome::Unavailable(why.into())
            }
            other => self.failed(other),
        })
    }

    fn failed(&mut self, trouble: PulseTrouble) -> Outcome {
        let lost = matches!(trouble, PulseTrouble::Lost(_));
        let why = describe(trouble);
        if lost {
            self.lose(&why);
            Outcome::Unavailable(
                format!("the sound server is gone ({why}); the next action tries again").into(),
            )
        } else {
            Outcome::Failed(format!("the sound server refused: {why}").into())
        }
    }

    fn order(&mut self, command: &Command) -> Result<(), Outcome> {
        let result = self.connected()?.order(command);
        result.map_err(|trouble| self.failed(trouble))
    }

    fn set_volume(&mut self, target: TargetId, change: VolumeChange) -> Result<(), Outcome> {
        let sink = self.sink(target)?;
        let before = level_of(&sink);
        let level = match change {
            VolumeChange::To(level) => level,
            VolumeChange::By(step) => before + step,
        };
        let level = if level.is_finite() { level.clamp(0.0, LEVEL_MAX) } else { before };
        let volume = scaled(&sink.cvolume, before, level);
        let device_index = Some(sink.index);
        self.order(&Command::SetSinkVolume(SetDeviceVolumeParams { device_index, device_name: None, volume }))
    }

    fn set_mute(&mut self, target: TargetId, switch: Switch) -> Result<(), Outcome> {
        let sink = self.sink(target)?;
        let mute = match switch {
            Switch::On => true,
            Switch::Off => false,
            Switch::Toggle => !sink.muted,
        };
        let device_index = Some(sink.index);
        self.order(&Command::SetSinkMute(SetDeviceMuteParams { device_index, device_name: None, mute }))
    }

    /// Tells the volumes of the followed outputs, those that changed. Nothing to follow: no connection for it.
    fn follow(&mut self) {
        for target in self.followed.clone() {
            let level = self.sink(target).ok().as_ref().map(level_of);
            let place = self.told.iter().position(|(known, _)| *known == target);
            let before = place.map(|place| self.told.swap_remove(place).1);
            self.told.extend(level.map(|level| (target, level)));
            if level != before {
                self.levels.level(target, level);
            }
        }
    }
}

impl BackEnd for Sound {
    type Control = Control;

    fn perform(&mut self, entry: &mut Entry) -> Option<Outcome> {
        let result = match &entry.effect {
            Effect::Volume { target, change } => self.set_volume(*target, *change),
            Effect::Mute { target, switch } => self.set_mute(*target, *switch),
            _ => Err(Outcome::Failed(
                "this is a mistake in Padgate: that is nothing for a sound server".into(),
            )),
        };
        Some(result.err().unwrap_or(Outcome::Done))
    }

    fn control(&mut self, control: Control) {
        if let Some(guests) = control.guests {
            self.guests = guests;
        }
        if let Some((targets, followed)) = control.targets {
            let subscribed = !self.followed.is_empty();
            let wanted = !followed.is_empty();
            (self.targets, self.followed) = (targets, followed);
            self.told.retain(|(target, _)| self.followed.contains(target));
            if subscribed != wanted && self.connection.is_some() {
                let all = SubscriptionMask::SINK | SubscriptionMask::SERVER;
                let mask = if wanted { all } else { SubscriptionMask::empty() };
                if let Err(outcome) = self.order(&Command::Subscribe(mask)) {
                    tracing::warn!(?outcome, "the sound server does not tell its news");
                }
            }
        }
        self.follow();
    }

    // News of the server. A fader that is being moved comes first: what its earlier moves did is old by then, and
    // would look as if somebody else had moved the volume.
    fn idle(&mut self) {
        // The end of a connection is news too: here it is noticed and, if a volume is followed, tried anew.
        if self.connection.as_ref().is_some_and(Connection::is_lost) {
            self.lose("it closed the connection");
        }
        self.follow();
    }

    fn close(&mut self) {
        self.connection = None;
    }
}

fn fits(pattern: &PortPattern, sink: &SinkInfo) -> bool {
    let description = sink.description.as_deref().map(|description| description.to_string_lossy());
    pattern.matches(&sink.name.to_string_lossy()) || description.is_some_and(|text| pattern.matches(&text))
}

/// The volume as people see it: the loudest channel, 1 is normal.
fn level_of(sink: &SinkInfo) -> f64 {
    let loudest = sink.cvolume.channels().iter().map(Volume::as_u32).max().unwrap_or(0);
    f64::from(loudest) / f64::from(Volume::NORM.as_u32())
}

/// The channels at a new level, with the balance between them kept. From silence, all become equal.
fn scaled(channels: &ChannelVolume, before: f64, level: f64) -> ChannelVolume {
    let normal = f64::from(Volume::NORM.as_u32());
    let mut volume = ChannelVolume::empty();
    for channel in channels.channels() {
        let share = if before > 0.0 { f64::from(channel.as_u32()) / (before * normal) } else { 1.0 };
        volume.push(Volume::from_u32_clamped((level * share * normal).round() as u32));
    }
    volume
}

fn describe(trouble: PulseTrouble) -> String {
    match trouble {
        PulseTrouble::Lost(why) | PulseTrouble::Refused(why) => why,
        PulseTrouble::NoEntity => "there is no such thing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use pulseaudio::protocol::{ChannelVolume, Volume};

    use super::scaled;

    fn raw(volume: &ChannelVolume) -> Vec<u32> {
        volume.channels().iter().map(Volume::as_u32).collect()
    }

    #[test]
    fn balance_is_kept() {
        let mut stereo = ChannelVolume::empty();
        stereo.push(Volume::from_u32_clamped(0x8000));
        stereo.push(Volume::from_u32_clamped(0x4000));
        assert_eq!(raw(&scaled(&stereo, 0.5, 1.0)), [0x10000, 0x8000]);
        assert_eq!(raw(&scaled(&stereo, 0.5, 0.0)), [0, 0]);
        assert_eq!(raw(&scaled(&ChannelVolume::muted(2), 0.0, 0.25)), [0x4000, 0x4000]);
    }
}
