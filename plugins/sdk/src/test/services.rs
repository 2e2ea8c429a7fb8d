//! The test kit's host: the tables of the ABI, whose functions record and answer.

use std::ffi::c_void;
use std::time::Duration;

use padgate_plugin_abi::audio::{PADGATE_VOLUME_BY, PADGATE_VOLUME_TO, PadgateAudio};
use padgate_plugin_abi::http::{PadgateHttp, PadgateHttpRequest};
use padgate_plugin_abi::log::{
    PADGATE_LOG_DEBUG, PADGATE_LOG_ERROR, PADGATE_LOG_INFO, PADGATE_LOG_WARN, PadgateLog,
};
use padgate_plugin_abi::midi::PadgateMidi;
use padgate_plugin_abi::process::PadgateProcess;
use padgate_plugin_abi::system::PadgateSystem;
use padgate_plugin_abi::tcp::PadgateTcp;
use padgate_plugin_abi::timer::PadgateTimer;
use padgate_plugin_abi::udp::PadgateUdp;
use padgate_plugin_abi::{PADGATE_OK, PadgateBuffer, PadgateStatus, PadgateText};

use crate::host::{TEST_CLOCK, TestClock};
use crate::{Command, Error, HttpRequest, Level, Moment, Volume, raw};

use super::asked::{Asked, Service};
use super::desk::Desk;

const fn size<T>() -> u32 {
    size_of::<T>() as u32
}

static LOG: PadgateLog = PadgateLog { size: size::<PadgateLog>(), write: Some(log) };
static TIMER: PadgateTimer = PadgateTimer { size: size::<PadgateTimer>(), set: Some(timer) };
static MIDI: PadgateMidi =
    PadgateMidi { size: size::<PadgateMidi>(), send: Some(send), cancel: Some(cancel), listen: Some(listen) };
static HTTP: PadgateHttp = PadgateHttp { size: size::<PadgateHttp>(), request: Some(http) };
static TCP: PadgateTcp = PadgateTcp { size: size::<PadgateTcp>(), connect: Some(connect) };
static UDP: PadgateUdp = PadgateUdp { size: size::<PadgateUdp>(), send: Some(datagram) };
static PROCESS: PadgateProcess = PadgateProcess { size: size::<PadgateProcess>(), run: Some(run) };
static AUDIO: PadgateAudio =
    PadgateAudio { size: size::<PadgateAudio>(), play: Some(play), volume: Some(volume) };
static SYSTEM: PadgateSystem = PadgateSystem { size: size::<PadgateSystem>(), perform: Some(perform) };
static CLOCK: TestClock = TestClock { size: size::<TestClock>(), now: Some(now) };

/// The host's `extension`.
pub(super) unsafe extern "C" fn extension(context: *mut c_void, name: PadgateText) -> *const c_void {
    // SAFETY: The SDK calls it with the context of the kit's host, and a text that can be read.
    let (desk, name) = unsafe { (desk(context), text(name)) };
    let (service, table) = match name.as_str() {
        padgate_plugin_abi::log::NAME => (Service::Log, (&raw const LOG).cast()),
        padgate_plugin_abi::timer::NAME => (Service::Timer, (&raw const TIMER).cast()),
        padgate_plugin_abi::midi::NAME => (Service::Midi, (&raw const MIDI).cast()),
        padgate_plugin_abi::http::NAME => (Service::Http, (&raw const HTTP).cast()),
        padgate_plugin_abi::tcp::NAME => (Service::Tcp, (&raw const TCP).cast()),
        padgate_plugin_abi::udp::NAME => (Service::Udp, (&raw const UDP).cast()),
        padgate_plugin_abi::process::NAME => (Service::Process, (&raw const PROCESS).cast()),
        padgate_plugin_abi::audio::NAME => (Service::Audio, (&raw const AUDIO).cast()),
        padgate_plugin_abi::system::NAME => (Service::System, (&raw const SYSTEM).cast()),
        TEST_CLOCK => return (&raw const CLOCK).cast(),
        _ => return std::ptr::null(),
    };
    if desk.state().missing.contains(&service) { std::ptr::null() } else { table }
}

/// # Safety
///
/// It must be the context of a kit's host, whose kit lives.
unsafe fn desk<'a>(context: *mut c_void) -> &'a Desk {
    // SAFETY: The kit put a pointer to its desk there, and keeps it.
    unsafe { &*context.cast_const().cast::<Desk>() }
}

/// # Safety
///
/// It must be readable.
unsafe fn text(text: PadgateText) -> String {
    // SAFETY: The caller promises it.
    String::from_utf8_lossy(unsafe { raw::slice(text) }).into_owned()
}

/// Answers with a status, and with a text if it failed.
///
/// # Safety
///
/// `error` must be null or writable.
unsafe fn done(result: Result<(), Error>, error: *mut PadgateBuffer) -> PadgateStatus {
    let Err(why) = result else { return PADGATE_OK };
    // SAFETY: The caller promises it.
    unsafe { raw::give(why.text().as_bytes().to_vec(), error) };
    why.status()
}

// The functions below are called by the SDK, as the ABI says: with the context of the kit's host, with texts that can be
// read, and with places that can be written or are null. That is what their SAFETY comments mean with "as the ABI says".

unsafe extern "C" fn log(context: *mut c_void, level: u32, line: PadgateText) {
    // SAFETY: As the ABI says.
    let (desk, line) = unsafe { (desk(context), text(line)) };
    let level = match level {
        PADGATE_LOG_DEBUG => Level::Debug,
        PADGATE_LOG_INFO => Level::Info,
        PADGATE_LOG_WARN => Level::Warn,
        PADGATE_LOG_ERROR => Level::Error,
        other => unreachable!("the SDK knows no level {other}"),
    };
    desk.state().asked.push(Asked::Log { level, text: line });
}

unsafe extern "C" fn timer(context: *mut c_void, at_ns: u64) -> PadgateStatus {
    // SAFETY: As the ABI says.
    let desk = unsafe { desk(context) };
    let at = moment(at_ns);
    let mut state = desk.state();
    state.timer = at;
    state.asked.push(Asked::Timer { at });
    PADGATE_OK
}

/// What a time of the ABI means, in which 0 is none.
fn moment(at_ns: u64) -> Option<Moment> {
    (at_ns != 0).then(|| Moment::from_nanos(at_ns))
}

unsafe extern "C" fn now(context: *mut c_void) -> u64 {
    // SAFETY: As the ABI says.
    let desk = unsafe { desk(context) };
    let now = desk.state().now;
    now.as_nanos()
}

unsafe extern "C" fn send(
    context: *mut c_void,
    device: PadgateText,
    message: PadgateText,
    at_ns: u64,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says.
    unsafe {
        let message = raw::slice(message).to_vec();
        let asked = Asked::Midi { device: text(device), message, at: moment(at_ns) };
        done(desk(context).record(Service::Midi, asked), error)
    }
}

unsafe extern "C" fn cancel(context: *mut c_void) -> PadgateStatus {
    // SAFETY: As the ABI says; null is allowed.
    unsafe { done(desk(context).record(Service::Midi, Asked::CancelMidi), std::ptr::null_mut()) }
}

unsafe extern "C" fn listen(
    context: *mut c_void,
    device: PadgateText,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says.
    let (desk, device) = unsafe { (desk(context), text(device)) };
    let result = desk.record(Service::Midi, Asked::Listen { device: device.clone() });
    if result.is_ok() {
        desk.state().listens.push(device);
    }
    // SAFETY: As the ABI says.
    unsafe { done(result, error) }
}

unsafe extern "C" fn http(
    context: *mut c_void,
    request: *const PadgateHttpRequest,
    code: *mut u16,
    body: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says; there are as many headers as it says, unless there are none.
    let (desk, request) = unsafe {
        let request = &*request;
        let headers = match request.header_count {
            0 => &[],
            count => std::slice::from_raw_parts(request.headers, count),
        };
        let asked = HttpRequest {
            method: text(request.method),
            url: text(request.url),
            headers: headers.iter().map(|header| (text(header.name), text(header.value))).collect(),
            body: raw::slice(request.body).to_vec(),
            timeout: (request.timeout_ms != 0).then(|| Duration::from_millis(request.timeout_ms.into())),
        };
        (desk(context), asked)
    };
    let answer = desk
        .record(Service::Http, Asked::Http(request.clone()))
        .and_then(|()| desk.answer(&desk.http, "answer_http", |answer| answer(&request)));
    match answer {
        Ok(response) => {
            // SAFETY: As the ABI says.
            unsafe {
                code.write(response.status);
                raw::give(response.body, body);
            }
            PADGATE_OK
        }
        // SAFETY: As the ABI says.
        Err(why) => unsafe { done(Err(why), body) },
    }
}

unsafe extern "C" fn connect(
    context: *mut c_void,
    host: PadgateText,
    port: u16,
    timeout_ms: u32,
    socket: *mut i32,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says.
    let (desk, host) = unsafe { (desk(context), text(host)) };
    let timeout = Duration::from_millis(timeout_ms.into());
    let asked = Asked::Connect { host: host.clone(), port, timeout };
    let stream = desk
        .record(Service::Tcp, asked)
        .and_then(|()| desk.answer(&desk.connect, "answer_connect", |answer| answer(&host, port)));
    let result = stream.map(|stream| {
        // SAFETY: As the ABI says.
        unsafe { socket.write(crate::host::descriptor(stream)) };
    });
    // SAFETY: As the ABI says.
    unsafe { done(result, error) }
}

unsafe extern "C" fn datagram(
    context: *mut c_void,
    host: PadgateText,
    port: u16,
    data: PadgateText,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says.
    unsafe {
        let asked = Asked::Udp { host: text(host), port, data: raw::slice(data).to_vec() };
        done(desk(context).record(Service::Udp, asked), error)
    }
}

unsafe extern "C" fn run(
    context: *mut c_void,
    program: PadgateText,
    arguments: *const PadgateText,
    argument_count: usize,
    input: PadgateText,
    timeout_ms: u32,
    code: *mut i32,
    output: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says; there are as many arguments as it says, unless there are none.
    let (desk, command) = unsafe {
        let arguments = match argument_count {
            0 => &[],
            count => std::slice::from_raw_parts(arguments, count),
        };
        let command = Command {
            program: text(program),
            arguments: arguments.iter().map(|argument| text(*argument)).collect(),
            input: raw::slice(input).to_vec(),
            timeout: Duration::from_millis(timeout_ms.into()),
        };
        (desk(context), command)
    };
    let asked = match timeout_ms {
        0 => Asked::Start(command.clone()),
        _ => Asked::Run(command.clone()),
    };
    let answer = desk
        .record(Service::Process, asked)
        .and_then(|()| desk.answer(&desk.run, "answer_run", |answer| answer(&command)));
    match answer {
        Ok(left) => {
            // SAFETY: As the ABI says.
            unsafe {
                code.write(left.code);
                raw::give(left.output, output);
            }
            PADGATE_OK
        }
        // SAFETY: As the ABI says.
        Err(why) => unsafe { done(Err(why), output) },
    }
}

unsafe extern "C" fn play(
    context: *mut c_void,
    path: PadgateText,
    gain: f64,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says.
    unsafe {
        let asked = Asked::Play { path: text(path).into(), gain };
        done(desk(context).record(Service::Audio, asked), error)
    }
}

unsafe extern "C" fn volume(
    context: *mut c_void,
    output: PadgateText,
    change: u32,
    value: f64,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: As the ABI says.
    let (desk, output) = unsafe { (desk(context), text(output)) };
    let asked = match change {
        PADGATE_VOLUME_TO => Asked::Volume { output, volume: Volume::To(value) },
        PADGATE_VOLUME_BY => Asked::Volume { output, volume: Volume::By(value) },
        _ => Asked::Mute { output, muted: value != 0.0 },
    };
    // SAFETY: As the ABI says.
    unsafe { done(desk.record(Service::Audio, asked), error) }
}

unsafe extern "C" fn perform(
    context: *mut c_void,
    what: u32,
    said: PadgateText,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // In the order of the ABI's numbers.
    const WHAT: [&str; 6] = ["media", "notify", "brightness", "open", "keys", "type"];
    // SAFETY: As the ABI says.
    unsafe {
        let asked = Asked::System { what: WHAT[what as usize], text: text(said) };
        done(desk(context).record(Service::System, asked), error)
    }
}
