//! The session bus: calls to media players and to the notification service.
//!
//! zbus runs on a small tokio runtime that lives on this back end's thread and runs only while a call is under way.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use padgate_core::ruleset::action::MediaKey;
use zbus::Connection;
use zbus::message::Message;

use crate::outcome::Outcome;

/// How long a player, the notification service or the bus itself may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// What the names of players on the bus begin with.
const PLAYERS: &str = "org.mpris.MediaPlayer2.";

/// How many players are looked at; more hardly run at once, and each costs a question.
const PLAYERS_MAX: usize = 16;

/// See the module.
pub(super) struct Bus {
    address: Option<String>,
    runtime: Option<tokio::runtime::Runtime>,
    connection: Option<Connection>,
    /// The player that was addressed last: the one meant when none plays.
    last_player: Option<String>,
}

impl Bus {
    pub(super) fn new(address: Option<String>) -> Bus {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Err(error) = &runtime {
            tracing::warn!(%error, "no D-Bus: the runtime for it can't be made");
        }
        Bus { address, runtime: runtime.ok(), connection: None, last_player: None }
    }

    /// Tells the player that plays, or else the one addressed last, or else any. `false`: there is none.
    pub(super) fn media(&mut self, key: MediaKey) -> Result<bool, Outcome> {
        let method = match key {
            MediaKey::PlayPause => "PlayPause",
            MediaKey::Play => "Play",
            MediaKey::Pause => "Pause",
            MediaKey::Stop => "Stop",
            MediaKey::Next => "Next",
            MediaKey::Previous => "Previous",
        };
        let last = self.last_player.clone();
        let told = self.on_bus(async move |bus| {
            let Some(player) = choose_player(bus, last.as_deref()).await? else { return Ok(None) };
            call(bus, &player, "/org/mpris/MediaPlayer2", "org.mpris.MediaPlayer2.Player", method, &())
                .await?;
            Ok(Some(player))
        });
        match told {
            Ok(player) => {
                let found = player.is_some();
                self.last_player = player.or(self.last_player.take());
                Ok(found)
            }
            // Without a bus there is no player on it.
            Err(BusTrouble::NoBus(why)) => {
                tracing::debug!(why, "no session bus for media keys");
                Ok(false)
            }
            Err(BusTrouble::Call(why)) => {
                Err(Outcome::Failed(format!("the media player refused: {why}").into()))
            }
        }
    }

    /// Shows a notification.
    pub(super) fn notify(&mut self, title: &str, body: &str) -> Outcome {
        let arguments = (
            "Padgate".to_owned(),
            0u32, // a new one, not in place of another
            "audio-input-microphone".to_owned(),
            title.to_owned(),
            body.to_owned(),
            Vec::<String>::new(),
            HashMap::<String, zbus::OwnedVariant>::new(),
            -1i32, // shown for as long as the desktop usually does
        );
        let shown = self.on_bus(async move |bus| {
            let name = "org.freedesktop.Notifications";
            call(bus, name, "/org/freedesktop/Notifications", name, "Notify", &arguments).await.map(drop)
        });
        match shown {
            Ok(()) => Outcome::Done,
            Err(BusTrouble::NoBus(why)) => Outcome::Unavailable(format!("no session bus: {why}").into()),
            Err(BusTrouble::Call(why)) => {
                Outcome::Unavailable(format!("no notification service took it: {why}").into())
            }
        }
    }

    /// Runs a call on the connection, made now if there is none. A connection that has ended is made anew once.
    fn on_bus<T>(&mut self, work: impl AsyncFn(&Connection) -> zbus::Result<T>) -> Result<T, BusTrouble> {
        let Bus { address, runtime, connection, .. } = self;
        let Some(runtime) = runtime else { return Err(BusTrouble::NoBus("out of resources".to_owned())) };
        let Some(address) = address else {
            return Err(BusTrouble::NoBus("DBUS_SESSION_BUS_ADDRESS is not set".to_owned()));
        };
        let was_connected = connection.is_some();
        let mut result = runtime.block_on(attempt(connection, address, &work));
        if was_connected && matches!(result, Err(Attempt::Ended(_))) {
            result = runtime.block_on(attempt(connection, address, &work));
        }
        result.map_err(|failure| match failure {
            Attempt::Ended(why) => BusTrouble::NoBus(why),
            Attempt::Refused(why) => BusTrouble::Call(why),
        })
    }
}

/// Why nothing came of a call.
enum BusTrouble {
    /// There is no bus.
    NoBus(String),
    /// Whom it was for said no, or is not there.
    Call(String),
}

enum Attempt {
    Ended(String),
    Refused(String),
}

async fn attempt<T>(
    connection: &mut Option<Connection>,
    address: &str,
    work: &impl AsyncFn(&Connection) -> zbus::Result<T>,
) -> Result<T, Attempt> {
    let bus = match connection {
        Some(bus) => bus,
        None => {
            let made = in_time(zbus::connection::Builder::address(address).build()).await;
            connection.insert(made.map_err(|error| Attempt::Ended(error.to_string()))?)
        }
    };
    match in_time(work(bus)).await {
        Ok(value) => Ok(value),
        Err(zbus::Error::InputOutput(error)) => {
            *connection = None;
            Err(Attempt::Ended(error.to_string()))
        }
        Err(error) => Err(Attempt::Refused(error.to_string())),
    }
}

async fn in_time<T>(work: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    tokio::time::timeout(ANSWER_WAIT, work)
        .await
        .unwrap_or_else(|_| Err(zbus::Error::Failure(format!("no answer in {} s", ANSWER_WAIT.as_secs()))))
}

async fn call<B>(
    bus: &Connection,
    name: &str,
    path: &str,
    interface: &str,
    method: &str,
    arguments: &B,
) -> zbus::Result<Message>
where
    B: serde::Serialize + zbus::DynamicType,
{
    bus.call_method(Some(name), path, Some(interface), method, arguments).await
}

async fn choose_player(bus: &Connection, last: Option<&str>) -> zbus::Result<Option<String>> {
    let name = "org.freedesktop.DBus";
    let reply = call(bus, name, "/org/freedesktop/DBus", name, "ListNames", &()).await?;
    let names: Vec<String> = reply.body().deserialize()?;
    let mut players: Vec<String> = names.into_iter().filter(|name| name.starts_with(PLAYERS)).collect();
    players.sort_unstable();
    // The one addressed last is asked first, so that of two that play it is the one meant.
    players.sort_by_key(|player| Some(player.as_str()) != last);
    for player in players.iter().take(PLAYERS_MAX) {
        if is_playing(bus, player).await {
            return Ok(Some(player.clone()));
        }
    }
    Ok(players.into_iter().next())
}

/// A player that does not answer does not count as playing.
async fn is_playing(bus: &Connection, player: &str) -> bool {
    let arguments = ("org.mpris.MediaPlayer2.Player", "PlaybackStatus");
    let properties = "org.freedesktop.DBus.Properties";
    let Ok(reply) = call(bus, player, "/org/mpris/MediaPlayer2", properties, "Get", &arguments).await else {
        return false;
    };
    let value = reply.body().deserialize::<zbus::OwnedVariant>();
    value.ok().and_then(|value| String::try_from(value).ok()).is_some_and(|status| status == "Playing")
}
