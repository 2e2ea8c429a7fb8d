//! Builds the hostile plugin, which is written in C against the header alone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its forms.
pub(crate) struct Built {
    /// Does nothing while it is loaded, but to start a thread.
    pub(crate) plain: PathBuf,
    /// Tries all of it while it is loaded, on the file [`TARGET`].
    pub(crate) constructor: PathBuf,
    /// Tries to keep the second filter from being installed.
    pub(crate) pretend: PathBuf,
}

/// What constructors try to get: a file that is on every system.
pub(crate) const TARGET: &str = "/etc/passwd";

/// Where an ordinary user finds what root has built.
const BUILT: &str = "PADGATE_ESCAPE_BUILT";

/// Builds what is not built yet, or older than its sources.
pub(crate) fn build() -> Built {
    if let Some(folder) = std::env::var_os(BUILT) {
        let at = |name| Path::new(&folder).join(name);
        return Built { plain: at("plain"), constructor: at("constructor"), pretend: at("pretend") };
    }
    Built {
        plain: library("plain", &[]),
        constructor: library("constructor", &[&format!("-DCONSTRUCTOR=\"{TARGET}\"")]),
        pretend: library("pretend", &["-DPRETEND"]),
    }
}

impl Built {
    /// Runs `command` with copies that everybody can read: the project may be in a home folder that is shut.
    pub(crate) fn share(&self, command: &mut Command) -> std::process::ExitStatus {
        let folder = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .expect("a folder");
        for (name, file) in
            [("plain", &self.plain), ("constructor", &self.constructor), ("pretend", &self.pretend)]
        {
            std::fs::copy(file, folder.path().join(name)).expect("a copy");
        }
        command.env(BUILT, folder.path()).status().expect("the test's own program starts")
    }
}

fn library(name: &str, options: &[&str]) -> PathBuf {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("plugins/").to_path_buf();
    let sources = plugins.parent().expect("the project").join("tests/plugins/escape");
    let header = plugins.join("abi/include");
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("escape-{name}.so"));
    let changed = |path: &Path| path.metadata().and_then(|about| about.modified()).ok();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&sources)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .unwrap_or_else(|error| panic!("{}: {error}", sources.display()));
    files.push(header.join("padgate_plugin.h"));
    if changed(&output).is_some_and(|built| files.iter().all(|file| changed(file) <= Some(built))) {
        return output;
    }
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    // Under another name first, so that another test never loads half a library.
    let partial = output.with_extension(format!("{}.tmp", std::process::id()));
    let result = Command::new(&compiler)
        .args(["-std=gnu11", "-Wall", "-Wextra", "-O1", "-fPIC", "-shared", "-pthread", "-I"])
        .arg(&header)
        .args(options)
        .arg("-o")
        .arg(&partial)
        .args(files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "c")))
        .output()
        .unwrap_or_else(|error| panic!("a C compiler is needed ({}): {error}", compiler.display()));
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    std::fs::rename(&partial, &output).expect("the library can be renamed");
    output
}
