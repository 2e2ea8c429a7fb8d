//! Tests of finding plugins, and of the inventory.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use padgate_core::capability::Capability;
use padgate_core::config::Plugins as _;
use padgate_core::ruleset::plugins::{PluginSettings, SignaturePolicy};

use super::{Catalogue, Inventory, Plugin, Signature, Standing};
use crate::plugins::audit::Audit;
use crate::plugins::find::{ENTRIES_MAX, MANIFEST_BYTES_MAX, find, platform};
use crate::plugins::folders::Folders;
use crate::plugins::gate::Gate;
use crate::plugins::grants::{Grant, Grants, Protected, Tie};
use crate::plugins::store::{BINARY_BYTES_MAX, sha256};

struct Bench {
    root: tempfile::TempDir,
    folders: Folders,
    settings: PluginSettings,
    inventory: Inventory,
    audit: Audit,
}

impl Bench {
    fn new() -> Bench {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::below(root.path());
        std::fs::create_dir_all(folders.plugins()).unwrap();
        let audit = Audit::open(&folders.audit()).unwrap();
        Bench { folders, settings: PluginSettings::default(), inventory: Inventory::new(), audit, root }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.folders.plugins().join(name)
    }

    /// Puts a plugin there: `head` goes into `[plugin]`, `rest` behind everything.
    fn plugin_at(&self, folder: &Path, name: &str, head: &str, rest: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let head =
            if head.contains("binary") { head.to_owned() } else { format!("binary = \"lib.so\"\n{head}") };
        let head = if head.contains("api =") { head } else { format!("api = 1\n{head}") };
        let head = if head.contains("version =") { head } else { format!("version = \"1.0.0\"\n{head}") };
        let manifest = format!(
            "[plugin]\nname = \"{name}\"\ndescription = \"x\"\ntype = \"action\"\n{head}\n\
             [[action]]\nname = \"go\"\ndescription = \"x\"\n{rest}"
        );
        std::fs::write(folder.join("plugin.toml"), manifest).unwrap();
        std::fs::write(folder.join("lib.so"), format!("binary of {name}")).unwrap();
    }

    fn plugin(&self, name: &str, head: &str, rest: &str) -> PathBuf {
        self.plugin_at(&self.folder(name), name, head, rest);
        self.folder(name)
    }

    fn grants(&self) -> Grants {
        Grants::load(&self.folders.grants())
    }

    fn scan(&mut self) -> Vec<Plugin> {
        let grants = self.grants();
        self.inventory.scan(&self.folders, &self.settings, &grants, &self.audit)
    }

    fn one(&mut self, name: &str) -> Plugin {
        let all = self.scan();
        all.into_iter().find(|plugin| &*plugin.name == name).unwrap_or_else(|| panic!("{name} is not found"))
    }

    /// Why a plugin can't be used; empty if it can.
    fn why_not(&mut self, name: &str) -> String {
        match self.one(name).standing {
            Standing::Unusable(why) => why,
            _ => String::new(),
        }
    }

    fn events(&self) -> Vec<String> {
        let records = self.audit.read(100, None).unwrap();
        records.into_iter().map(|record| format!("{}: {}", record.event, record.text)).collect()
    }
}

#[test]
fn a_good_plugin_is_ready_and_its_copy_is_what_was_hashed() {
    let mut bench = Bench::new();
    bench.plugin("probe", "", "");
    std::fs::create_dir(bench.folder("no-manifest")).unwrap();
    std::fs::write(bench.folder("file"), "x").unwrap();
    let all = bench.scan();
    assert_eq!(all.len(), 1);
    let plugin = &all[0];
    assert_eq!((&*plugin.name, &plugin.standing, plugin.enabled), ("probe", &Standing::Ready, true));
    let integrity = plugin.integrity.as_ref().unwrap();
    assert_eq!(integrity.sha256, sha256(b"binary of probe"));
    assert_eq!(std::fs::read(&integrity.library).unwrap(), b"binary of probe");
    assert!(integrity.library.starts_with(bench.folders.store()));
    assert_eq!(integrity.signature, Signature::None);
    assert_eq!(plugin.data_folder, bench.folders.plugin_data("probe"));
    assert!(bench.inventory.problems().is_empty(), "{:?}", bench.inventory.problems());
}

#[test]
fn a_broken_manifest_is_told_with_its_place_and_hides_nobody() {
    let mut bench = Bench::new();
    bench.plugin("good", "", "");
    bench.plugin("bad", "version = 1", "");
    let utf8 = bench.plugin("utf8", "", "");
    std::fs::write(utf8.join("plugin.toml"), [b'[', 0xff]).unwrap();
    let long = bench.plugin("long", "", "");
    std::fs::write(long.join("plugin.toml"), vec![b'#'; MANIFEST_BYTES_MAX as usize + 1]).unwrap();
    let folder = bench.folder("folder");
    std::fs::create_dir_all(folder.join("plugin.toml")).unwrap();
    let pipe = bench.folder("pipe");
    std::fs::create_dir_all(&pipe).unwrap();
    make_pipe(&pipe.join("plugin.toml"));
    let link = bench.folder("link");
    std::fs::create_dir_all(&link).unwrap();
    symlink("/etc/hostname", link.join("plugin.toml")).unwrap();
    let plugin = bench.one("bad");
    let problem = plugin.problems.iter().find(|problem| problem.is_error()).unwrap();
    assert_eq!((problem.place.line, problem.place.column), (7, 11), "{problem}");
    assert!(problem.place.file.ends_with("plugins/bad/plugin.toml"), "{problem}");
    assert!(bench.why_not("bad").contains("plugin.toml:7:11"));
    assert!(bench.why_not("utf8").contains("UTF-8"));
    assert!(bench.why_not("long").contains("longer than"));
    assert!(bench.why_not("folder").contains("a folder"));
    assert!(bench.why_not("pipe").contains("a pipe"));
    assert!(bench.why_not("link").contains("out of the plugin's folder"));
    assert_eq!(bench.one("good").standing, Standing::Ready);
}

fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode};
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn a_binary_that_is_none_is_refused_with_the_reason() {
    let mut bench = Bench::new();
    let lib = |bench: &Bench, name: &str| {
        let path = bench.plugin(name, "", "").join("lib.so");
        std::fs::remove_file(&path).unwrap();
        path
    };
    lib(&bench, "missing");
    std::fs::write(lib(&bench, "empty"), b"").unwrap();
    let huge = std::fs::File::create(lib(&bench, "huge")).unwrap();
    huge.set_len(1 << 30).unwrap();
    make_pipe(&lib(&bench, "pipe"));
    std::fs::create_dir(lib(&bench, "folder")).unwrap();
    symlink("/bin/sh", lib(&bench, "outside")).unwrap();
    symlink("../missing2/lib.so", lib(&bench, "neighbour")).unwrap();
    bench.plugin("missing2", "", "");
    symlink("lib.so", lib(&bench, "circle")).unwrap();
    let inside = lib(&bench, "inside");
    std::fs::write(inside.with_file_name("lib.so.1"), b"real").unwrap();
    symlink("lib.so.1", &inside).unwrap();
    for (name, says) in [
        ("missing", "there is no such file"),
        ("empty", "is empty"),
        ("huge", "1024 MiB, and 64 are the most"),
        ("pipe", "a pipe"),
        ("folder", "a folder"),
        ("outside", "out of the plugin's folder"),
        ("neighbour", "out of the plugin's folder"),
        ("circle", "symbolic links"),
    ] {
        let why = bench.why_not(name);
        assert!(why.contains(says) && why.contains("lib.so"), "{name}: {why}");
        assert_eq!(bench.one(name).integrity, None);
    }
    assert_eq!(bench.one("inside").integrity.unwrap().sha256, sha256(b"real"));
    const { assert!(BINARY_BYTES_MAX < 1 << 30) };
}

#[test]
fn what_others_can_change_is_not_used() {
    let mut bench = Bench::new();
    let open =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    open(&bench.plugin("binary", "", "").join("lib.so"), 0o666);
    open(&bench.plugin("manifest", "", "").join("plugin.toml"), 0o646);
    open(&bench.plugin("folder", "", ""), 0o777);
    let nested = bench.plugin("nested", "binary = \"a/b/lib.so\"", "");
    std::fs::create_dir_all(nested.join("a/b")).unwrap();
    std::fs::write(nested.join("a/b/lib.so"), b"x").unwrap();
    open(&nested.join("a"), 0o757);
    bench.plugin("good", "", "");
    for name in ["binary", "manifest", "folder", "nested"] {
        let why = bench.why_not(name);
        assert!(why.contains("is not safe") && why.contains("chmod o-w"), "{name}: {why}");
    }
    assert_eq!(bench.why_not("good"), "");
    open(&bench.folders.plugins(), 0o777);
    assert!(bench.why_not("good").contains("is not safe"));
}

#[test]
fn names_platforms_and_abi_versions_must_fit() {
    let mut bench = Bench::new();
    bench.plugin_at(&bench.folder("one"), "another", "", "");
    bench.plugin_at(&bench.folder("up"), "../x", "", "");
    bench.plugin_at(&bench.folder("Bad Name\n"), "bad-name", "", "");
    bench.plugin("elsewhere", "binary = { windows-x86_64 = \"lib.so\", macos-aarch64 = \"lib.so\" }", "");
    bench.plugin("newer", "api = 77", "");
    assert!(bench.why_not("one").contains("\"another\""));
    assert!(bench.why_not("up").contains("plugin.toml:2:8"), "{}", bench.why_not("up"));
    assert!(bench.why_not("Bad Name\\n").contains("give both the same name"));
    let why = bench.why_not("elsewhere");
    assert!(why.contains(&platform()) && why.contains("macos-aarch64, windows-x86_64"), "{why}");
    assert!(bench.why_not("newer").contains("77"), "{}", bench.why_not("newer"));
    let catalogue = Catalogue::find(&bench.folders, &bench.settings);
    assert!(catalogue.manifest("one").is_none() && catalogue.manifest("another").is_none());
    assert!(catalogue.manifest("newer").is_some());
    assert_eq!(catalogue.names(), ["Bad Name\\n", "elsewhere", "newer", "one", "up"]);
}

#[test]
fn the_first_of_a_name_wins_and_says_what_it_hides() {
    let mut bench = Bench::new();
    let second = bench.root.path().join("system");
    bench.folders.system = vec![second.clone(), bench.root.path().join("nowhere")];
    bench.plugin_at(&second.join("probe"), "probe", "version = \"2.0.0\"", "");
    bench.plugin_at(&second.join("other"), "other", "", "");
    bench.plugin("probe", "", "");
    let plugin = bench.one("probe");
    assert_eq!(plugin.manifest.unwrap().version.to_string(), "1.0.0");
    assert_eq!(plugin.shadows, [second.join("probe")]);
    assert!(bench.one("other").shadows.is_empty());
    assert!(bench.inventory.problems().is_empty());
}

#[test]
fn looking_through_folders_ends() {
    let bench = Bench::new();
    for number in 0..=ENTRIES_MAX {
        std::fs::write(bench.folders.plugins().join(format!("{number}")), "").unwrap();
    }
    let finding = find(&[bench.folders.plugins(), bench.root.path().to_path_buf()]);
    assert_eq!(finding.problems.len(), 1);
    assert!(finding.problems[0].contains("10000 entries"), "{}", finding.problems[0]);
    let finding = find(&[bench.root.path().join("audit.jsonl"), bench.folders.audit()]);
    assert_eq!(
        finding.problems.len(),
        1,
        "a file is no folder, and nothing is nothing: {:?}",
        finding.problems
    );
}

#[test]
fn what_is_needed_comes_first_and_what_is_missing_is_told() {
    let mut bench = Bench::new();
    bench.plugin("a", "", "[dependencies]\nz = \"^1\"\n");
    bench.plugin("z", "", "");
    bench.plugin("lost", "", "[dependencies]\nnone = \"^1.2\"\n");
    bench.plugin("x", "", "[dependencies]\ny = \"*\"\n");
    bench.plugin("y", "", "[dependencies]\nx = \"*\"\n");
    let names: Vec<Arc<str>> = bench.scan().iter().map(|plugin| Arc::clone(&plugin.name)).collect();
    let at = |name: &str| names.iter().position(|other| &**other == name).unwrap();
    assert!(at("z") < at("a"), "{names:?}");
    assert_eq!(bench.one("a").standing, Standing::Ready);
    assert!(bench.why_not("lost").contains("\"none\" (^1.2), which is not installed"));
    assert!(bench.why_not("x").contains("x -> y -> x"));
    bench.grants().set_enabled("z", false).unwrap();
    assert_eq!(bench.one("z").standing, Standing::Disabled);
    assert!(bench.why_not("a").contains("padgate plugin enable z"));
}

const PROGRAMS: &str = "[plugin.capabilities]\nmidi = true\nsubprocess = [\"sh\"]\n";

fn allow(bench: &Bench, plugin: &Plugin) {
    let grant = Grant {
        plugin: plugin.name.to_string(),
        tie: Tie::Hash(plugin.integrity.as_ref().unwrap().sha256.clone()),
        given: "2025-01-02T03:04:05Z".to_owned(),
        requested: plugin.request(),
        granted: plugin.request(),
    };
    let protected = Protected::new(&bench.folders, &bench.settings);
    bench.grants().record(grant, plugin.integrity.as_ref().unwrap(), &protected).unwrap();
}

#[test]
fn a_plugin_waits_for_a_grant_is_called_with_it_and_waits_again_when_its_file_has_changed() {
    let mut bench = Bench::new();
    let folder = bench.plugin("probe", PROGRAMS, "");
    let gate = Gate::new(bench.folders.home.clone(), Arc::new(Audit::none()));
    let plugin = bench.one("probe");
    let Standing::WaitingForGrant(missing) = &plugin.standing else { panic!("{:?}", plugin.standing) };
    assert_eq!(missing.capabilities().collect::<Vec<_>>(), [Capability::Subprocess]);
    assert!(plugin.auto_granted.has(Capability::Midi) && plugin.grant.is_none());
    gate.replace(vec![plugin.gated()]);
    assert!(gate.call(plugin.id).unwrap_err().contains("padgate plugin grant probe"));
    allow(&bench, &plugin);
    let granted = bench.one("probe");
    assert_eq!((granted.id, &granted.standing), (plugin.id, &Standing::Ready));
    assert_eq!(granted.rights, granted.request());
    assert!(granted.grant.is_some());
    gate.replace(vec![granted.gated()]);
    assert!(gate.call(plugin.id).is_ok());
    std::fs::write(folder.join("lib.so"), b"something else").unwrap();
    let changed = bench.one("probe");
    assert!(matches!(changed.standing, Standing::WaitingForGrant(_)));
    assert_eq!(changed.integrity.unwrap().sha256, sha256(b"something else"));
    assert!(bench.events().contains(&"integrity: the binary of \"probe\" has changed".to_owned()));
    std::fs::write(folder.join("lib.so"), b"binary of probe").unwrap();
    assert_eq!(bench.one("probe").standing, Standing::Ready, "the grant of the old file stays for that file");
}

#[test]
fn a_binary_that_has_not_changed_is_not_read_again_and_a_changed_copy_is_repaired() {
    let mut bench = Bench::new();
    bench.plugin("probe", "", "");
    let library = bench.one("probe").integrity.unwrap().library;
    std::fs::set_permissions(&library, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(&library, b"evil").unwrap();
    assert_eq!(bench.one("probe").standing, Standing::Ready);
    assert_eq!(std::fs::read(&library).unwrap(), b"binary of probe");
    assert_eq!(bench.events().len(), 1, "{:?}", bench.events());
    assert!(bench.events()[0].contains("changed by somebody"));
    let before = std::fs::metadata(&library).unwrap().modified().unwrap();
    bench.inventory.forget();
    bench.one("probe");
    assert_eq!(std::fs::metadata(&library).unwrap().modified().unwrap(), before);
    std::fs::remove_dir_all(bench.folder("probe")).unwrap();
    assert!(bench.scan().is_empty());
    let sum = sha256(b"binary of probe");
    assert_eq!(bench.inventory.prune(&bench.folders, &[sum]).unwrap(), 0, "a host runs it");
    assert_eq!(bench.inventory.prune(&bench.folders, &[]).unwrap(), 1);
    assert!(!library.exists());
}

#[test]
fn a_broken_grants_file_stops_every_plugin_and_says_where() {
    let mut bench = Bench::new();
    bench.plugin("probe", "", "");
    assert_eq!(bench.one("probe").standing, Standing::Ready);
    std::fs::write(bench.folders.grants(), "version = 1\n[plugin").unwrap();
    assert!(bench.why_not("probe").contains("grants.toml:2:"), "{}", bench.why_not("probe"));
    assert!(bench.inventory.problems()[0].contains("grants.toml:2:"));
}

#[test]
fn signatures_are_looked_at_and_the_policy_decides() {
    let mut bench = Bench::new();
    let folder = bench.plugin("probe", PROGRAMS, "");
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let sign = |comment: &str| {
        let signed = minisign::sign(Some(&pair.pk), &pair.sk, &b"binary of probe"[..], Some(comment), None);
        std::fs::write(folder.join("lib.so.minisig"), signed.unwrap().into_string()).unwrap();
    };
    bench.settings.signatures = SignaturePolicy::HighRisk;
    assert!(bench.why_not("probe").contains("it is not signed"));
    let right = format!("plugin:probe version:1.0.0 sha256:{}", sha256(b"binary of probe"));
    sign(&right);
    assert!(bench.why_not("probe").contains("not among trusted_keys"));
    bench.settings.trusted_keys = vec!["nonsense".to_owned(), pair.pk.to_base64()];
    let plugin = bench.one("probe");
    assert!(matches!(plugin.integrity.unwrap().signature, Signature::Good { .. }));
    assert!(matches!(plugin.standing, Standing::WaitingForGrant(_)));
    assert!(bench.inventory.problems()[0].contains("nonsense"));
    bench.settings.signatures = SignaturePolicy::Off;
    sign(&right.replace("1.0.0", "0.9.0"));
    assert!(bench.why_not("probe").contains("its signature is wrong"), "under every policy");
    assert!(bench.events().iter().any(|event| event.starts_with("integrity: the signature of \"probe\"")));
    std::fs::write(folder.join("lib.so.minisig"), vec![b'x'; 10_000]).unwrap();
    assert!(bench.why_not("probe").contains("longer than"));
}
