//! Landlock: which files the process can open, and which TCP ports it can reach.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope,
};

use crate::assignment::{Assignment, Profile};
use crate::sandbox::LockError;

/// Where systems keep the libraries that a plugin may need, and what is beside them (locales, character sets).
const LIBRARIES: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/gnu/store",
];

/// Read by the loader and the C library, and the same for all users.
const PUBLIC: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/timezone",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
];

/// Read to find hosts by name, and to know whose certificates are good.
const RESOLVER: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
];

/// Where programs are installed.
const PROGRAMS: &[&str] =
    &["/bin", "/sbin", "/usr", "/opt", "/nix/store", "/gnu/store", "/run/current-system/sw"];

/// The newest ABI that the rules here know.
const NEWEST: i32 = 9;

/// The version of Landlock's ABI in this kernel; 0 if it has none or none is switched on.
pub(super) fn version() -> u32 {
    const ASK_VERSION: u32 = 1;
    // SAFETY: With this flag, the kernel reads no memory.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, ASK_VERSION)
    };
    u32::try_from(version).unwrap_or(0)
}

/// A folder or file, and what is allowed below it.
struct Place {
    path: PathBuf,
    rights: BitFlags<AccessFs>,
    /// It is the system's, and may be missing.
    optional: bool,
}

/// The places that the system needs: paths, not resolved.
pub(super) fn system_places(profile: &Profile) -> Vec<PathBuf> {
    let mut places: BTreeSet<PathBuf> = LIBRARIES.iter().chain(PUBLIC).map(PathBuf::from).collect();
    places.extend(loaded_libraries());
    if profile.network.is_some() {
        places.extend(RESOLVER.iter().map(PathBuf::from));
    }
    if profile.subprocess {
        places.extend(PROGRAMS.iter().map(PathBuf::from));
    }
    places.into_iter().collect()
}

/// The folders of the libraries that this process itself was started with: wherever they are, the C library's other
/// parts are there too.
fn loaded_libraries() -> BTreeSet<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines()
        .filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so")))
        .filter_map(|path| path.parent().map(Path::to_path_buf))
        .collect()
}

fn write_rights(abi: ABI) -> BitFlags<AccessFs> {
    // Not: devices, sockets, pipes and links, and not running what was written.
    let new = AccessFs::MakeDir | AccessFs::MakeReg | AccessFs::RemoveDir | AccessFs::RemoveFile;
    let mut rights = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | new;
    if abi >= ABI::V2 {
        rights |= AccessFs::Refer;
    }
    if abi >= ABI::V3 {
        rights |= AccessFs::Truncate;
    }
    rights
}

fn places(abi: ABI, assignment: &Assignment, profile: &Profile, system: Vec<PathBuf>) -> Vec<Place> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let rights = if profile.subprocess { read | AccessFs::Execute } else { AccessFs::ReadFile.into() };
    let mut places: Vec<Place> =
        system.into_iter().map(|path| Place { path, rights, optional: true }).collect();
    places.push(Place {
        path: "/dev/null".into(),
        rights: AccessFs::ReadFile | AccessFs::WriteFile,
        optional: true,
    });
    let mut own = |path: &Path, rights| places.push(Place { path: path.into(), rights, optional: false });
    own(&assignment.library, AccessFs::ReadFile.into());
    own(&assignment.data_folder, write_rights(abi));
    for path in &profile.read {
        own(path, read);
    }
    for path in &profile.write {
        own(path, write_rights(abi));
    }
    places
}

fn failed(error: impl std::fmt::Display) -> LockError {
    LockError::Landlock(error.to_string())
}

/// Confines this thread, and what it starts, to the profile and to the system's places. `version` is this kernel's, and
/// not 0.
pub(super) fn restrict(
    version: u32,
    assignment: &Assignment,
    profile: &Profile,
    system: Vec<PathBuf>,
) -> Result<(), LockError> {
    let abi = ABI::from(i32::try_from(version).unwrap_or(NEWEST).min(NEWEST));
    let mut ruleset = Ruleset::default()
        // Everything asked for is in this version, so that nothing may be left out silently.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))
        .map_err(failed)?;
    let ports = profile.network.as_deref();
    if abi >= ABI::V4 {
        ruleset = ruleset.handle_access(AccessNet::BindTcp).map_err(failed)?;
        if ports.is_none_or(|ports| !ports.is_empty()) {
            ruleset = ruleset.handle_access(AccessNet::ConnectTcp).map_err(failed)?;
        }
    }
    if abi >= ABI::V6 {
        ruleset = ruleset.scope(Scope::from_all(abi)).map_err(failed)?;
    }
    let mut ruleset = ruleset.create().map_err(failed)?;
    for place in places(abi, assignment, profile, system) {
        ruleset = allow(ruleset, abi, place)?;
    }
    if abi >= ABI::V4 {
        for port in ports.unwrap_or_default() {
            ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(failed)?;
        }
    }
    let status = ruleset.restrict_self().map_err(failed)?;
    if status.ruleset != RulesetStatus::FullyEnforced {
        return Err(LockError::Landlock(format!("the rules are {:?}", status.ruleset)));
    }
    Ok(())
}

fn allow(ruleset: RulesetCreated, abi: ABI, place: Place) -> Result<RulesetCreated, LockError> {
    let metadata = match std::fs::metadata(&place.path) {
        Ok(metadata) => metadata,
        Err(_) if place.optional => return Ok(ruleset),
        Err(source) => return Err(LockError::Path { path: place.path, source }),
    };
    let rights = if metadata.is_dir() { place.rights } else { place.rights & AccessFs::from_file(abi) };
    match PathFd::new(&place.path) {
        Ok(opened) => ruleset.add_rule(PathBeneath::new(opened, rights)).map_err(failed),
        Err(_) if place.optional => Ok(ruleset),
        Err(error) => Err(LockError::Path { path: place.path, source: std::io::Error::other(error) }),
    }
}
