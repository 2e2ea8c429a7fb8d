//! The escape table: a hostile plugin, in a process that is really locked down, tries every known way to do what it was
//! not granted. As the user who runs it; and if that is root, as an ordinary user again.
//!
//! It has its own `main`, because the process that is locked down must be this program, and single-threaded. It needs a
//! C compiler, for the plugin.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("escape: plugins are confined on Linux only");
}

#[cfg(target_os = "linux")]
mod driver;
#[cfg(target_os = "linux")]
mod grants;
#[cfg(target_os = "linux")]
mod plugin;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod setting;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() {
    use std::os::unix::process::CommandExt as _;

    /// An ordinary user.
    const NOBODY: u32 = 65534;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == driver::DRIVER) {
        return driver::run(&arguments[1..]);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return println!("escape: test");
    }
    let built = plugin::build();
    let root = rustix::process::geteuid().is_root();
    println!("escape table, as {}:", if root { "root" } else { "an ordinary user" });
    let tests = [
        grants::nothing,
        grants::in_constructors,
        grants::what_works,
        grants::limits,
        grants::reading,
        grants::writing,
        grants::ports,
        grants::whole_network,
        grants::subprocesses,
        grants::other_architecture,
        report::full,
        report::ports,
        report::without_landlock,
        report::pretended_seal,
        report::missing_folder,
    ];
    for test in tests {
        test(&built);
    }
    if report::thrown_away_machine() && !root {
        report::probes_can_succeed(&built);
    }
    if root {
        let mut again = std::process::Command::new("/proc/self/exe");
        let again = built.share(again.uid(NOBODY).gid(NOBODY).env("TMPDIR", "/tmp"));
        assert!(again.success(), "as an ordinary user: {again}");
    }
}
