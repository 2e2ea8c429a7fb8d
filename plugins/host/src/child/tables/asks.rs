//! The functions of each extension: arguments in, an [`Ask`], the answer out.

use std::ffi::c_void;
use std::os::fd::IntoRawFd as _;

use padgate_plugin_abi::audio::{PADGATE_VOLUME_BY, PADGATE_VOLUME_MUTE, PADGATE_VOLUME_TO, PadgateAudio};
use padgate_plugin_abi::http::{PadgateHttp, PadgateHttpRequest};
use padgate_plugin_abi::log::{PADGATE_LOG_ERROR, PadgateLog};
use padgate_plugin_abi::midi::PadgateMidi;
use padgate_plugin_abi::process::PadgateProcess;
use padgate_plugin_abi::system::{PADGATE_SYSTEM_TYPE, PadgateSystem};
use padgate_plugin_abi::tcp::PadgateTcp;
use padgate_plugin_abi::timer::PadgateTimer;
use padgate_plugin_abi::udp::PadgateUdp;
use padgate_plugin_abi::{
    PADGATE_FAILED, PADGATE_INVALID, PADGATE_OK, PadgateBuffer, PadgateStatus, PadgateText,
};
use padgate_plugin_host::ask::{Ask, LIST_ENTRIES_MAX};

use super::{ask, ask_simply, body, bytes, give, put, text};
use crate::channel::Answered;
use crate::instance::{TEXT_BYTES_MAX, shorten};
use crate::run::link;

pub(super) static LOG: PadgateLog =
    PadgateLog { size: size_of::<PadgateLog>() as u32, write: Some(log_write) };

pub(super) static TIMER: PadgateTimer =
    PadgateTimer { size: size_of::<PadgateTimer>() as u32, set: Some(timer_set) };

pub(super) static MIDI: PadgateMidi = PadgateMidi {
    size: size_of::<PadgateMidi>() as u32,
    send: Some(midi_send),
    cancel: Some(midi_cancel),
    listen: Some(midi_listen),
};

pub(super) static AUDIO: PadgateAudio = PadgateAudio {
    size: size_of::<PadgateAudio>() as u32,
    play: Some(audio_play),
    volume: Some(audio_volume),
};

pub(super) static HTTP: PadgateHttp =
    PadgateHttp { size: size_of::<PadgateHttp>() as u32, request: Some(http_request) };

pub(super) static TCP: PadgateTcp =
    PadgateTcp { size: size_of::<PadgateTcp>() as u32, connect: Some(tcp_connect) };

pub(super) static UDP: PadgateUdp = PadgateUdp { size: size_of::<PadgateUdp>() as u32, send: Some(udp_send) };

pub(super) static PROCESS: PadgateProcess =
    PadgateProcess { size: size_of::<PadgateProcess>() as u32, run: Some(process_run) };

pub(super) static SYSTEM: PadgateSystem =
    PadgateSystem { size: size_of::<PadgateSystem>() as u32, perform: Some(system_perform) };

unsafe extern "C" fn log_write(_: *mut c_void, level: u32, line: PadgateText) {
    if line.data.is_null() {
        return;
    }
    let cut = PadgateText { length: line.length.min(TEXT_BYTES_MAX + 1), ..line };
    // SAFETY: The plugin says that so many bytes lie there.
    let (Ok(bytes), Some(channel)) = (unsafe { bytes(cut, "the line") }, link()) else { return };
    channel.log(level.min(PADGATE_LOG_ERROR), shorten(&String::from_utf8_lossy(bytes)));
}

unsafe extern "C" fn timer_set(_: *mut c_void, at_ns: u64) -> PadgateStatus {
    ask(Ok(Ask::Timer { at_ns })).status
}

unsafe extern "C" fn midi_send(
    _: *mut c_void,
    device: PadgateText,
    message: PadgateText,
    at_ns: u64,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    let question = || {
        // SAFETY: The plugin says that these are texts.
        let (device, message) = unsafe { (text(device, "the device")?, body(message, "the message")?) };
        if message.is_empty() {
            return Err("the MIDI message is empty".to_owned());
        }
        Ok(Ask::MidiSend { device, message, at_ns })
    };
    // SAFETY: The plugin says where it wants the error.
    unsafe { ask_simply(question(), error) }
}

unsafe extern "C" fn midi_cancel(_: *mut c_void) -> PadgateStatus {
    ask(Ok(Ask::MidiCancel)).status
}

unsafe extern "C" fn midi_listen(
    _: *mut c_void,
    device: PadgateText,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: The plugin says that it is a text, and where it wants the error.
    unsafe { ask_simply(text(device, "the device").map(|device| Ask::MidiListen { device }), error) }
}

unsafe extern "C" fn audio_play(
    _: *mut c_void,
    path: PadgateText,
    gain: f64,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    let question = || {
        // SAFETY: The plugin says that it is a text.
        let path = unsafe { text(path, "the path") }?;
        if !(0.0..=1.0).contains(&gain) {
            return Err(format!("the gain is {gain}, and must be from 0 to 1"));
        }
        Ok(Ask::Play { path, gain })
    };
    // SAFETY: The plugin says where it wants the error.
    unsafe { ask_simply(question(), error) }
}

unsafe extern "C" fn audio_volume(
    _: *mut c_void,
    output: PadgateText,
    change: u32,
    value: f64,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    let question = || {
        // SAFETY: The plugin says that it is a text.
        let output = unsafe { text(output, "the output") }?;
        let range = match change {
            PADGATE_VOLUME_TO => 0.0..=1.5,
            PADGATE_VOLUME_BY => -1.0..=1.0,
            PADGATE_VOLUME_MUTE => f64::MIN..=f64::MAX,
            other => return Err(format!("there is no change of a volume with the number {other}")),
        };
        if !range.contains(&value) {
            return Err(format!(
                "the value is {value}, and must be from {} to {}",
                range.start(),
                range.end()
            ));
        }
        Ok(Ask::Volume { output, change, value })
    };
    // SAFETY: The plugin says where it wants the error.
    unsafe { ask_simply(question(), error) }
}

unsafe extern "C" fn http_request(
    _: *mut c_void,
    request: *const PadgateHttpRequest,
    code: *mut u16,
    answer: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: The plugin says that it is a request.
    let answered = ask(unsafe { http_question(request) });
    // SAFETY: The plugin says where it wants these.
    unsafe {
        put(code, u16::try_from(answered.code).unwrap_or(0));
        give(answer, &answered.body);
    }
    answered.status
}

/// # Safety
///
/// `request` is null, or begins with its size, has as much, and lives as long as the question.
unsafe fn http_question<'a>(request: *const PadgateHttpRequest) -> Result<Ask<'a>, String> {
    if request.is_null() || !request.is_aligned() {
        return Err("there is no request: its address is null, or not aligned".to_owned());
    }
    // SAFETY: The caller's.
    let size = unsafe { (*request).size } as usize;
    if size < size_of::<PadgateHttpRequest>() {
        let least = size_of::<PadgateHttpRequest>();
        return Err(format!("the request says that it is {size} bytes large, and it is at least {least}"));
    }
    // SAFETY: The caller's.
    let request = unsafe { request.read() };
    // SAFETY: The plugin says that so many headers lie there.
    let list = unsafe { list(request.headers, request.header_count, "the headers") }?;
    let mut headers = Vec::with_capacity(list.len());
    for header in list {
        // SAFETY: The plugin says that these are texts.
        headers.push(unsafe {
            (text(header.name, "a header's name")?, text(header.value, "a header's value")?)
        });
    }
    // SAFETY: As before.
    let (method, url, body) = unsafe {
        (text(request.method, "the method")?, text(request.url, "the URL")?, body(request.body, "the body")?)
    };
    Ok(Ask::Http { method, url, headers, body, timeout_ms: request.timeout_ms })
}

/// A list that a plugin passes.
///
/// # Errors
///
/// A sentence, if it is none or too long.
///
/// # Safety
///
/// If it is not null, so many lie there for as long as they are used.
unsafe fn list<'a, T>(first: *const T, count: usize, what: &str) -> Result<&'a [T], String> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() || !first.is_aligned() {
        return Err(format!("{what} are {count} at an address that is null, or not aligned"));
    }
    if count > LIST_ENTRIES_MAX as usize {
        return Err(format!("{what} are {count}, and {LIST_ENTRIES_MAX} is the most"));
    }
    // SAFETY: The caller's.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

unsafe extern "C" fn tcp_connect(
    _: *mut c_void,
    host: PadgateText,
    port: u16,
    timeout_ms: u32,
    socket: *mut i32,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    let question = || {
        // SAFETY: The plugin says that it is a text.
        let host = unsafe { text(host, "the host") }?;
        if socket.is_null() {
            return Err("there is nowhere to put the socket: its address is null".to_owned());
        }
        if host.is_empty() || port == 0 {
            return Err("the host is empty, or the port is 0".to_owned());
        }
        Ok(Ask::Connect { host, port, timeout_ms })
    };
    let mut answered = ask(question());
    if answered.status == PADGATE_OK && answered.descriptor.is_none() {
        // The kernel drops a descriptor that this process has no room for.
        answered = Answered::failed(
            PADGATE_FAILED,
            "the connected socket did not arrive: the plugin has as many files open as it may",
        );
    }
    let connected = answered.descriptor.take().map_or(-1, |descriptor| descriptor.into_raw_fd());
    let why = if answered.status == PADGATE_OK { &[][..] } else { &answered.body };
    // SAFETY: The plugin says where it wants these.
    unsafe {
        put(socket, connected);
        give(error, why);
    }
    answered.status
}

unsafe extern "C" fn process_run(
    _: *mut c_void,
    program: PadgateText,
    arguments: *const PadgateText,
    argument_count: usize,
    input: PadgateText,
    timeout_ms: u32,
    code: *mut i32,
    output: *mut PadgateBuffer,
) -> PadgateStatus {
    let question = || {
        // SAFETY: The plugin says that these are texts, and so many.
        unsafe {
            let program = text(program, "the program")?;
            let mut list_of_texts = Vec::with_capacity(argument_count.min(LIST_ENTRIES_MAX as usize));
            for argument in list(arguments, argument_count, "the arguments")? {
                list_of_texts.push(text(*argument, "an argument")?);
            }
            let input = body(input, "the input")?;
            Ok(Ask::Run { program, arguments: list_of_texts, input, timeout_ms })
        }
    };
    let answered = ask(question());
    // SAFETY: The plugin says where it wants these.
    unsafe {
        put(code, answered.code);
        give(output, &answered.body);
    }
    answered.status
}

unsafe extern "C" fn system_perform(
    _: *mut c_void,
    what: u32,
    wanted: PadgateText,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    if what > PADGATE_SYSTEM_TYPE {
        let why = format!("there is nothing of the desktop with the number {what}");
        // SAFETY: The plugin says where it wants the error.
        unsafe { give(error, why.as_bytes()) };
        return PADGATE_INVALID;
    }
    // SAFETY: The plugin says that it is a text, and where it wants the error.
    unsafe { ask_simply(text(wanted, "the text").map(|text| Ask::System { what, text }), error) }
}

unsafe extern "C" fn udp_send(
    _: *mut c_void,
    host: PadgateText,
    port: u16,
    data: PadgateText,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: The plugin says what it passes.
    unsafe {
        let question = text(host, "the host")
            .and_then(|host| Ok(Ask::Datagram { host, port, data: body(data, "the datagram")? }));
        ask_simply(question, error)
    }
}
