//! The confined process of the test: it locks itself down, loads the hostile plugin, seals itself, and has the plugin
//! run its probes. What a real host does beside that, frames above all, is left out, so that this runs everywhere.

#![allow(unsafe_code, reason = "it loads a library, and does what no program should do to itself")]

use std::ffi::c_void;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use padgate_plugin_abi::{PadgateBuffer, PadgateEntry, PadgatePlugin, PadgateText};
use padgate_plugin_host::assignment::Assignment;
use padgate_plugin_host::sandbox;

/// The argument that makes the test's program a driver; the job's file follows.
pub(crate) const DRIVER: &str = "--driver";
/// A further argument: as if this kernel had no Landlock.
pub(crate) const WITHOUT_LANDLOCK: &str = "--without-landlock";
/// A further argument: not confined at all. For machines that are thrown away.
pub(crate) const UNCONFINED: &str = "--unconfined";

/// After so many seconds, a driver ends itself.
const DEADLINE: u32 = 300;

/// Runs a job, and says on standard output how it went: a line for each step, and one for each probe.
pub(crate) fn run(arguments: &[String]) {
    let has = |name| arguments.iter().any(|argument| argument == name);
    // SAFETY: Only the test's own descriptors are open, of which it keeps the first three; nobody uses the others.
    unsafe {
        libc::alarm(DEADLINE);
        libc::close_range(3, libc::c_uint::MAX, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    let job = std::fs::read(&arguments[0]).expect("the job can be read");
    let (length, rest) = job.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
    let assignment = Assignment::decode(&rest[..length]).expect("it is an assignment");
    let probes = std::str::from_utf8(&rest[length..]).expect("they are text").to_owned();
    if has(WITHOUT_LANDLOCK) {
        hide_landlock();
    }
    if has(UNCONFINED) {
        let plugin = load(&assignment.library);
        println!("locked\nsealed {}", libc::SIGKILL);
        go();
        return each(&probes, plugin);
    }
    let locked = match sandbox::lock(&assignment) {
        Ok(locked) => locked,
        Err(error) => return println!("error {error}"),
    };
    let mut report = String::new();
    for byte in locked.confinement().encode() {
        let _ = write!(report, "{byte:02x}");
    }
    println!("locked {report}");
    let mut death = 0;
    // SAFETY: The kernel writes one number, to a place that holds one.
    unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &raw mut death) };
    let plugin = load(&assignment.library);
    if let Err(error) = locked.seal() {
        return println!("error {error}");
    }
    println!("sealed {death}");
    go();
    each(&probes, plugin);
}

/// Waits for the test, which has looked at this process meanwhile. Standard input is the socket that is passed.
fn go() {
    std::io::stdin().read_exact(&mut [0]).expect("the test says when");
}

fn load(library: &Path) -> *const PadgatePlugin {
    // SAFETY: Its constructors are as hostile as they can be, which is what this process is for.
    let library = unsafe { libloading::Library::new(library) }.expect("the plugin loads");
    // SAFETY: The plugin is built against the header, which says that this is the type.
    let entry = unsafe { library.get::<PadgateEntry>(b"padgate_plugin_entry") }.expect("it has the function");
    // SAFETY: As above.
    let plugin = unsafe { entry() };
    std::mem::forget(library);
    plugin
}

fn each(probes: &str, plugin: *const PadgatePlugin) {
    let text = |text: &str| PadgateText { data: text.as_ptr(), length: text.len() };
    // SAFETY: The plugin's table lives as long as the library, which is never unloaded.
    let prepare = unsafe { (*plugin).prepare }.expect("it prepares");
    for line in probes.lines() {
        let mut parts = line.split('\t');
        let (place, probe, target) = (parts.next(), parts.next(), parts.next());
        let part = |part: Option<&str>| part.expect("three parts").to_owned();
        let parameters =
            format!(r#"{{"probe":"{}","target":"{}","where":"{}"}}"#, part(probe), part(target), part(place));
        let mut error = PadgateBuffer {
            data: std::ptr::null_mut(),
            length: 0,
            owner: std::ptr::null_mut::<c_void>(),
            release: None,
        };
        // SAFETY: The texts and the buffer outlive the call, and this plugin looks at no instance.
        unsafe {
            prepare(std::ptr::null_mut(), 0, text("probe"), text(&parameters), &raw mut error);
            let said = std::slice::from_raw_parts(error.data, error.length);
            println!("{}", String::from_utf8_lossy(said));
        }
    }
}

/// Makes Landlock's first call fail as in a kernel in which it is switched off.
fn hide_landlock() {
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        step(0x20, 0, 0, 0),
        step(0x15, 0, 1, libc::SYS_landlock_create_ruleset as u32),
        step(0x06, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EOPNOTSUPP as u32),
        step(0x06, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    // SAFETY: The program outlives the call, and the kernel only reads it.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter)
    };
    assert_eq!(done, 0, "the filter that hides Landlock");
}
