//! Plugins that a test makes as it needs them: built in C from `tests/plugins` with the header alone, and put with a manifest
//! of their own among the user's.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use crate::binaries;
use crate::folder::Folder;
use crate::plugins::{place, write_manifest};
use crate::process::run;

/// What the compiler made for this program already, by what it was made of.
static BUILT: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// The source of a plugin in Rust, which is built already.
const IN_RUST: &str = "in Rust";

/// A plugin to be put into a folder.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its name in the manifest, and that of its folder.
    pub name: String,
    version: String,
    optional: String,
    capabilities: String,
    limits: String,
    dependencies: String,
    source: &'static str,
    macros: Vec<String>,
}

impl Plugin {
    /// One that does what it is told, and no harm (`tests/plugins/steady`). It has a long time for each call, because the
    /// machine may be busy.
    #[must_use]
    pub fn steady(name: &str) -> Plugin {
        Plugin::new(name, "steady")
    }

    /// One that misbehaves as its parameter says (`tests/plugins/misbehave`), named `misbehave`. A call of it may take a
    /// second.
    #[must_use]
    pub fn misbehave() -> Plugin {
        Plugin::new("misbehave", "misbehave").limits("deadline = \"1s\"")
    }

    /// One in Rust that panics as its parameter says (`tests/plugins/panics`), named `panics`.
    #[must_use]
    pub fn panics() -> Plugin {
        Plugin::new("panics", IN_RUST).version(env!("CARGO_PKG_VERSION"))
    }

    fn new(name: &str, source: &'static str) -> Plugin {
        Plugin {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            optional: String::new(),
            capabilities: String::new(),
            limits: "deadline = \"5s\"".to_owned(),
            dependencies: String::new(),
            source,
            macros: Vec::new(),
        }
    }

    /// It is compiled with this macro as well.
    #[must_use]
    pub fn with(mut self, name: &str) -> Plugin {
        self.macros.push(name.to_owned());
        self
    }

    /// It has this version, in its manifest and in its table.
    #[must_use]
    pub fn version(mut self, version: &str) -> Plugin {
        self.version = version.to_owned();
        self
    }

    /// It requests these capabilities: lines of TOML.
    #[must_use]
    pub fn requests(mut self, capabilities: &str) -> Plugin {
        self.capabilities = capabilities.to_owned();
        self
    }

    /// It can do without these of them: texts of TOML.
    #[must_use]
    pub fn optional(mut self, capabilities: &str) -> Plugin {
        self.optional = capabilities.to_owned();
        self
    }

    /// It has these limits, and no others: lines of TOML.
    #[must_use]
    pub fn limits(mut self, limits: &str) -> Plugin {
        self.limits = limits.to_owned();
        self
    }

    /// It needs these plugins: lines of TOML.
    #[must_use]
    pub fn needs(mut self, dependencies: &str) -> Plugin {
        self.dependencies = dependencies.to_owned();
        self
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> String {
        let Plugin { name, version, optional, capabilities, limits, dependencies, .. } = self;
        format!(
            "[plugin]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"For a test.\"\n\
             author = \"A test\"\ntype = \"action\"\nbinary = \"plugin.so\"\napi = 1\n\
             optional = [{optional}]\n\
             [plugin.capabilities]\n{capabilities}\n[plugin.limits]\n{limits}\n\
             [[action]]\nname = \"do\"\n\
             [action.parameters.how]\ntype = \"text\"\nrequired = true\n\
             [action.parameters.at]\ntype = \"text\"\ndefault = \"\"\n[dependencies]\n{dependencies}\n"
        )
    }

    /// Compiles it into a file, or copies it if it is in Rust.
    ///
    /// # Errors
    ///
    /// If there is no `cc`, or the compiler complains; or if cargo did not build it.
    pub fn compile(&self, library: &Path) -> Result<()> {
        // Beside it and renamed: a daemon that watches, or has the old one open, sees a whole file.
        let beside = library.with_extension("so.new");
        let key = format!("{} {} {} {:?}", self.source, self.name, self.version, self.macros);
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = built.get(&key) {
            fs::write(&beside, bytes)?;
        } else if self.source == IN_RUST {
            fs::copy(binaries::example(&self.name)?, &beside)?;
        } else {
            self.run_compiler(&beside)?;
            built.insert(key, fs::read(&beside)?);
        }
        drop(built);
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o755))?;
        fs::rename(beside, library)?;
        Ok(())
    }

    fn run_compiler(&self, into: &Path) -> Result<()> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let source = tests.join("plugins").join(self.source).join(format!("{}.c", self.source));
        let mut command = Command::new("cc");
        command
            .args([
                "-std=c11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-unused-function",
                "-O1",
                "-shared",
                "-fPIC",
            ])
            .args(["-fvisibility=hidden", "-pthread", "-I"])
            .arg(tests.join("../plugins/abi/include"))
            .arg(format!("-DNAME=\"{}\"", self.name))
            .arg(format!("-DVERSION=\"{}\"", self.version))
            .args(self.macros.iter().map(|name| format!("-D{name}")))
            .arg("-o")
            .args([into, &source]);
        run(&mut command)
            .context("the tests need a C compiler, `cc`")?
            .success()
            .with_context(|| format!("compiling {}", source.display()))?;
        Ok(())
    }

    /// Compiles it into the folder where a daemon of `folder` finds the user's plugins, with its manifest. Returns its
    /// own folder.
    ///
    /// # Errors
    ///
    /// If it can't be compiled or written.
    pub fn install(&self, folder: &Folder) -> Result<PathBuf> {
        let own = place(folder, &self.name)?;
        self.compile(&own.join("plugin.so"))?;
        self.write_manifest(&own)?;
        Ok(own)
    }

    /// Writes its manifest into a folder that is there.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn write_manifest(&self, own: &Path) -> Result<()> {
        write_manifest(own, &self.manifest())
    }
}
