//! `midi`: messages to send.

use toml::de::DeValue;

use super::action::hold;
use super::context::Context;
use super::diagnostics::Code;
use super::keys::MIDI_MESSAGE;
use super::reader::{self, Table, Written};
use super::trigger::{FOURTEEN_BITS_MAX, SEVEN_BITS_MAX};
use super::values;
use crate::midi::{Channel, Decoder, Message, Received, SysexPattern};
use crate::ruleset::action::{Amount, Hold, MidiSend};

/// Reads the value of `midi`.
pub(super) fn read(ctx: &mut Context, value: &Written<'_>, default_hold: Hold) -> Option<MidiSend> {
    if matches!(value.get_ref(), DeValue::String(_)) {
        return reader::word(ctx, value, &["same"]).map(|_| MidiSend::Same { channel: None });
    }
    let table = reader::table(ctx, value, &MIDI_MESSAGE)?;
    let written_channel = table.byte(ctx, "channel").and_then(Channel::from_human);
    let channel = written_channel.unwrap_or(Channel::from_wire(0));
    match table.leading? {
        "note" => {
            let velocity = amount(ctx, &table, "velocity", 1, SEVEN_BITS_MAX);
            let hold = hold(ctx, &table, default_hold);
            let note = match table.is_word("note", "same") {
                true => None,
                false => Some(reader::note(ctx, table.get("note")?)?),
            };
            Some(MidiSend::Note { channel, note, velocity, hold })
        }
        "cc" => {
            let value = amount(ctx, &table, "value", 0, SEVEN_BITS_MAX);
            Some(MidiSend::Controller { channel, controller: table.byte(ctx, "cc")?, value })
        }
        "cc14" => {
            let value = amount(ctx, &table, "value", 0, FOURTEEN_BITS_MAX);
            Some(MidiSend::Controller14 { channel, controller: table.byte(ctx, "cc14")?, value })
        }
        "program" => {
            Some(MidiSend::Program { channel, program: amount(ctx, &table, "program", 0, SEVEN_BITS_MAX) })
        }
        "bend" => Some(MidiSend::Bend { channel, value: amount(ctx, &table, "bend", 0, FOURTEEN_BITS_MAX) }),
        "pressure" => {
            let note = table.get("note").and_then(|note| reader::note(ctx, note));
            Some(MidiSend::Pressure {
                channel,
                note,
                value: amount(ctx, &table, "pressure", 0, SEVEN_BITS_MAX),
            })
        }
        "sysex" => sysex(ctx, &table),
        "bytes" => bytes(ctx, &table),
        "realtime" => Some(MidiSend::Message(match table.word(ctx, "realtime")? {
            "start" => Message::Start,
            "stop" => Message::Stop,
            "continue" => Message::Continue,
            "clock" => Message::Clock,
            _ => Message::Reset,
        })),
        _ => {
            table.only_true(ctx, "same");
            Some(MidiSend::Same { channel: written_channel })
        }
    }
}

/// A number, or the control's value (also if it is not there, or wrong).
fn amount(ctx: &mut Context, table: &Table<'_>, key: &str, low: u16, high: u16) -> Amount {
    let Some(value) = table.get(key) else { return Amount::Value };
    if matches!(value.get_ref(), DeValue::String(_)) {
        reader::word(ctx, value, &["value"]);
        return Amount::Value;
    }
    reader::integer(ctx, value, i64::from(low)..=i64::from(high))
        .and_then(|number| u16::try_from(number).ok())
        .map_or(Amount::Value, Amount::Fixed)
}

fn sysex(ctx: &mut Context, table: &Table<'_>) -> Option<MidiSend> {
    let text = table.text(ctx, "sysex")?;
    let span = table.value_span("sysex");
    match SysexPattern::parse(text).map(|pattern| pattern.literal()) {
        Ok(Some(bytes)) => Some(MidiSend::Sysex(bytes.into())),
        Ok(None) => {
            ctx.report(Code::BadMessage, span, "?? and * can't be sent; they are for triggers");
            None
        }
        Err(reason) => {
            ctx.report(Code::BadMessage, span, reason.to_string())
                .help("write it like \"F0 7E 7F 06 01 F7\"");
            None
        }
    }
}

/// Any one message, which the decoder must agree is one.
fn bytes(ctx: &mut Context, table: &Table<'_>) -> Option<MidiSend> {
    let text = table.text(ctx, "bytes")?;
    let span = table.value_span("bytes");
    let bytes = match values::bytes(text) {
        Ok(bytes) => bytes,
        Err(reason) => {
            ctx.report(Code::BadMessage, span, reason).help("write it like \"90 3C 64\"");
            return None;
        }
    };
    let mut found = Vec::new();
    let mut decoder = Decoder::default();
    decoder.feed(&bytes, |received| {
        found.push(match received {
            Received::Message(message) => (MidiSend::Message(message), message.encode().1),
            Received::Sysex(bytes) => (MidiSend::Sysex(bytes.into()), bytes.len()),
        });
    });
    match found.pop() {
        Some((send, length)) if found.is_empty() && length == bytes.len() => Some(send),
        _ => {
            ctx.report(Code::BadMessage, span, "these bytes are not one complete MIDI message")
                .help("for example \"90 3C 64\" is a note-on for C4 on channel 1");
            None
        }
    }
}
