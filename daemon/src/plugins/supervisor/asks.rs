//! What plugins ask for: looked at by the gate, done by the brokers, answered on the link of the host that asked.

use std::sync::{Arc, Weak};

use padgate_core::time::Time;
use padgate_plugin_abi::{PADGATE_OK, PADGATE_REFUSED};
use padgate_plugin_host::ask::{Answer, Ask};
use padgate_plugin_host::frame::{Header, Kind};
use padgate_plugin_host::wire::WireError;

use super::core::{Core, Plugin};
use super::host::ASKS_MAX;
use super::types::{Happening, LogLevel, LogSource};
use crate::clock;
use crate::lock::lock;
use crate::plugins::part::{Answered, Reply};

/// How much of a body goes into an answer; the rest is cut off.
const BODY_BYTES_MAX: usize = 48 * 1024;

/// Who asked, and what number the question has.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    pub(super) generation: u32,
    pub(super) number: u32,
    /// The answer is of no use after this.
    pub(super) until: Time,
}

/// Does what is asked for, or refuses it.
///
/// # Errors
///
/// If nothing is asked that can be.
pub(super) fn serve(
    core: &Arc<Core>,
    plugin: &Arc<Plugin>,
    asker: Asker,
    payload: &[u8],
) -> Result<(), WireError> {
    let ask = Ask::decode(payload)?;
    if let Ask::Timer { at_ns } = ask {
        set_timer(core, plugin, asker.generation, at_ns);
        answer(core, plugin, asker, answered(PADGATE_OK, String::new()));
        return Ok(());
    }
    match core.setup.gate.ask(plugin.id, &ask) {
        Ok(permit) => {
            if let Ask::MidiListen { device } = &ask {
                remember(plugin, asker.generation, device);
            }
            let (core_of_reply, plugin_of_reply) = (Arc::downgrade(core), Arc::clone(plugin));
            let reply = Reply::new(move |done| {
                if let Some(core) = Weak::upgrade(&core_of_reply) {
                    answer(&core, &plugin_of_reply, asker, done);
                }
            });
            core.setup.broker.serve(permit, plugin.id, &ask, asker.until, reply);
        }
        Err(why) => {
            lock(&plugin.lane).counters.count(|kept| &mut kept.refusals);
            core.save_statistics_later(clock::now());
            // Counts as a line of the plugin's: it can have as many of these as it likes.
            lock(&plugin.log).plugin(
                &core.files,
                clock::now(),
                LogLevel::Warn,
                LogSource::Padgate,
                why.as_bytes(),
            );
            core.setup.watch.changed(plugin.id, Happening::Refused { reason: why.clone() });
            answer(core, plugin, asker, answered(PADGATE_REFUSED, why));
        }
    }
    Ok(())
}

fn answered(status: i32, text: String) -> Answered {
    Answered { status, code: 0, body: text.into_bytes(), socket: None }
}

/// Writes an answer to the host that asked, if it still runs. May be called on any thread.
fn answer(core: &Core, plugin: &Plugin, asker: Asker, done: Answered) {
    let Answered { status, code, body, socket } = done;
    let body = &body[..body.len().min(BODY_BYTES_MAX)];
    let payload = Answer { code, body }.encode();
    let mut lane = lock(&plugin.lane);
    let slot = lane.slot;
    let Some(host) = lane.host_mut(asker.generation) else { return };
    let header = Header { number: asker.number, status, ..Header::new(Kind::Answer, asker.generation) };
    if let Err(why) = host.answer(&core.poller, slot, header, &payload, socket) {
        lane.condemned = Some((asker.generation, why));
        drop(lane);
        core.look_at(slot);
    }
}

fn set_timer(core: &Core, plugin: &Plugin, generation: u32, at_ns: u64) {
    let mut lane = lock(&plugin.lane);
    let slot = lane.slot;
    let Some(host) = lane.host_mut(generation) else { return };
    host.timer = (at_ns > 0).then(|| clock::from_system(at_ns));
    if let Some(at) = host.timer {
        core.poller.no_later(slot, at);
    }
}

/// What a new version listens to before it takes over; it is asked for once more then, because what its predecessor holds
/// is released under the same number.
fn remember(plugin: &Plugin, generation: u32, device: &str) {
    let mut lane = lock(&plugin.lane);
    let next = lane.replacing.as_mut().and_then(|new| new.host.as_mut());
    if let Some(host) = next.filter(|host| host.generation == generation)
        && host.listens.len() < ASKS_MAX
        && !host.listens.iter().any(|known| known == device)
    {
        host.listens.push(device.to_owned());
    }
}

/// Releases what an ended host holds, and has its successor listen to what it listened to already.
pub(super) fn ended(core: &Core, plugin: &Plugin, listens: &[String]) {
    core.setup.broker.ended(plugin.id);
    for device in listens {
        let ask = Ask::MidiListen { device };
        match core.setup.gate.ask(plugin.id, &ask) {
            Ok(permit) => {
                let until = clock::now() + super::host::PING_MAX;
                core.setup.broker.serve(permit, plugin.id, &ask, until, Reply::new(|_| {}));
            }
            Err(why) => lock(&plugin.log).padgate(&core.files, LogLevel::Warn, &why),
        }
    }
}
