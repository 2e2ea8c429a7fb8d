//! Tests of the grants.

use std::path::{Path, PathBuf};

use padgate_core::capability::{Capability, Rights};
use padgate_core::config::Source;
use padgate_core::manifest::Manifest;
use padgate_core::ruleset::plugins::{AutoGrant, PluginSettings};

use super::{Decision, GRANTS_PER_PLUGIN, Grant, Grants, GrantsError, Protected, Tie, decide};
use crate::plugins::folders::Folders;
use crate::plugins::inventory::Integrity;
use crate::plugins::signature::Signature;
use crate::plugins::store::sha256;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn rights(text: &str) -> Rights {
    let (rights, problems) = Rights::from_toml(&Source::new("rights", text));
    rights.unwrap_or_else(|| panic!("{problems:?}"))
}

fn manifest(capabilities: &str, optional: &str) -> Manifest {
    let text = format!(
        "[plugin]\nname = \"probe\"\nversion = \"1.0.0\"\ndescription = \"x\"\ntype = \"action\"\n\
         binary = \"libprobe.so\"\napi = 1\noptional = [{optional}]\n[plugin.capabilities]\n{capabilities}\n\
         [[action]]\nname = \"go\"\ndescription = \"x\"\n"
    );
    let (manifest, problems) =
        padgate_core::manifest::read(&Source::new("plugin.toml", text), "linux-x86_64");
    manifest.unwrap_or_else(|| panic!("{problems:?}"))
}

fn integrity(bytes: &[u8]) -> Integrity {
    Integrity { sha256: sha256(bytes), library: PathBuf::from("/x"), signature: Signature::None }
}

fn signed(bytes: &[u8]) -> Integrity {
    let signature = Signature::Good { key: KEY.to_owned(), comment: String::new() };
    Integrity { signature, ..integrity(bytes) }
}

fn grant(integrity: &Integrity, requested: &str, granted: &str) -> Grant {
    Grant {
        plugin: "probe".to_owned(),
        tie: Tie::Hash(integrity.sha256.clone()),
        given: "2025-01-02T03:04:05Z".to_owned(),
        requested: rights(requested),
        granted: rights(granted),
    }
}

struct Bench {
    root: tempfile::TempDir,
    protected: Protected,
}

impl Bench {
    fn new() -> Bench {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::below(root.path());
        Bench { protected: Protected::new(&folders, &PluginSettings::default()), root }
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("data/grants.toml")
    }

    fn grants(&self) -> Grants {
        Grants::load(&self.path())
    }

    /// Records a grant and reads the file anew.
    fn record(&self, grant: Grant, integrity: &Integrity) -> Grants {
        let mut grants = self.grants();
        grants.record(grant, integrity, &self.protected).unwrap();
        let again = self.grants();
        assert_eq!((again.problem(), &again.content), (None, &grants.content));
        again
    }
}

fn low(grants: &Grants, manifest: &Manifest, integrity: &Integrity) -> Decision {
    decide(grants, manifest, integrity, AutoGrant::Low)
}

const MUSIC: &str = "filesystem = { read = [\"~/Music\", \"~/Videos\"] }";

#[test]
fn low_risk_is_granted_by_itself_and_nothing_else_is() {
    let bench = Bench::new();
    let requested = format!("midi = true\nnetwork = [\"localhost:4455\"]\n{MUSIC}");
    let manifest = manifest(&requested, "");
    let decision = low(&bench.grants(), &manifest, &integrity(b"a"));
    assert_eq!(decision.rights, rights("midi = true\nnetwork = [\"localhost:4455\"]"));
    assert_eq!(decision.auto_granted, decision.rights);
    assert_eq!((&decision.missing, &decision.waits_for), (&rights(MUSIC), &rights(MUSIC)));
    let careful = decide(&bench.grants(), &manifest, &integrity(b"a"), AutoGrant::None);
    assert_eq!((careful.rights, careful.waits_for), (Rights::NONE, rights(&requested)));
    let any_host = self::manifest("network = true", "");
    assert_eq!(low(&bench.grants(), &any_host, &integrity(b"a")).rights, Rights::NONE);
    let optional = self::manifest(&requested, "\"filesystem\"");
    let decision = low(&bench.grants(), &optional, &integrity(b"a"));
    assert_eq!((decision.missing, decision.waits_for), (rights(MUSIC), Rights::NONE));
}

#[test]
fn a_grant_holds_for_the_file_that_the_user_saw() {
    let bench = Bench::new();
    let (old, new) = (integrity(b"old"), integrity(b"new"));
    let manifest = manifest(MUSIC, "");
    let grants = bench.record(grant(&old, MUSIC, MUSIC), &old);
    assert_eq!(low(&grants, &manifest, &old).waits_for, Rights::NONE);
    assert_eq!(low(&grants, &manifest, &new).rights, Rights::NONE, "a changed file waits again");
    let grants = bench.record(grant(&new, MUSIC, MUSIC), &new);
    assert_eq!(low(&grants, &manifest, &new).rights, rights(MUSIC));
    assert_eq!(
        low(&grants, &manifest, &old).rights,
        rights(MUSIC),
        "the grant of the old file stays for that file"
    );
    assert_eq!(grants.of("probe").count(), 2);
}

#[test]
fn a_grant_for_a_key_goes_on_with_what_it_had() {
    let bench = Bench::new();
    let (old, new) = (signed(b"old"), signed(b"new"));
    let by_key = Grant { tie: Tie::Key(KEY.to_owned()), ..grant(&old, MUSIC, MUSIC) };
    let grants = bench.record(by_key, &old);
    let larger = manifest("filesystem = { read = [\"~/Music\", \"~/Videos\", \"~/Texts\"] }", "");
    let decision = low(&grants, &larger, &new);
    assert_eq!(decision.rights, rights(MUSIC));
    assert_eq!(decision.missing, rights("filesystem = { read = [\"~/Texts\"] }"));
    assert_eq!(decision.waits_for, Rights::NONE);
    let more = manifest(&format!("{MUSIC}\nsubprocess = [\"sh\"]"), "");
    assert_eq!(low(&grants, &more, &new).waits_for, rights("subprocess = [\"sh\"]"));
    assert_eq!(low(&grants, &larger, &integrity(b"new")).rights, Rights::NONE, "without the signature");
    let other = Signature::Good { key: "RWQother".into(), comment: String::new() };
    let other = Integrity { signature: other, ..integrity(b"new") };
    assert_eq!(low(&grants, &larger, &other).rights, Rights::NONE, "somebody else's signature");
}

#[test]
fn a_narrower_grant_is_enough_and_is_not_widened_by_itself() {
    let bench = Bench::new();
    let hosts = "network = [\"a.example:80\", \"b.example:80\"]";
    let manifest = manifest(&format!("{hosts}\n{MUSIC}"), "");
    let (now, later) = (integrity(b"now"), integrity(b"later"));
    let narrow = "network = [\"a.example:80\"]\nfilesystem = { read = [\"~/Music/set\"] }";
    let grants = bench.record(grant(&now, &format!("{hosts}\n{MUSIC}"), narrow), &now);
    let decision = low(&grants, &manifest, &now);
    assert_eq!(decision.rights, rights(narrow));
    assert_eq!(decision.waits_for, Rights::NONE);
    let decision = low(&grants, &manifest, &later);
    assert!(!decision.rights.has(Capability::Network), "what the user once narrowed he is asked about");
}

#[test]
fn what_is_taken_back_stays_away_until_it_is_granted_again() {
    let bench = Bench::new();
    let requested = format!("midi = true\n{MUSIC}");
    let manifest = manifest(&requested, "");
    let file = integrity(b"a");
    let mut grants = bench.record(grant(&file, &requested, &requested), &file);
    grants.revoke("probe", &[Capability::Midi, Capability::Filesystem]).unwrap();
    let decision = low(&bench.grants(), &manifest, &file);
    assert_eq!((decision.rights, decision.waits_for), (Rights::NONE, rights(&requested)));
    assert_eq!(
        low(&bench.grants(), &manifest, &integrity(b"b")).rights,
        Rights::NONE,
        "for a new file as well"
    );
    let grants = bench.record(grant(&file, &requested, "midi = true"), &file);
    assert_eq!(grants.denied("probe"), [Capability::Filesystem]);
    assert_eq!(low(&grants, &manifest, &file).rights, rights("midi = true"));
}

#[test]
fn plugins_are_wanted_until_the_user_says_otherwise() {
    let bench = Bench::new();
    let mut grants = bench.grants();
    assert!(grants.is_enabled("probe") && !bench.path().exists());
    grants.set_enabled("probe", false).unwrap();
    assert!(!bench.grants().is_enabled("probe") && bench.grants().is_enabled("other"));
    grants.set_enabled("probe", true).unwrap();
    assert!(bench.grants().is_enabled("probe"));
    for name in ["../x", "", "A", "a b", "a]\n[plugin.b"] {
        assert!(grants.set_enabled(name, false).is_err(), "{name:?}");
        assert!(grants.revoke(name, &[Capability::Midi]).is_err(), "{name:?}");
    }
}

#[test]
fn grants_that_would_undo_others_are_refused() {
    let bench = Bench::new();
    let file = integrity(b"a");
    let root = bench.root.path().display();
    for folder in [
        format!("{root}/data"),
        format!("{root}/data/store"),
        format!("{root}/data/plugins/probe"),
        format!("{root}/state"),
        format!("{root}/config"),
        format!("{root}"),
        "~/.ssh".to_owned(),
        "~/.config/autostart".to_owned(),
        "~/.bashrc".to_owned(),
        "~/.bin/..".to_owned(),
        "/".to_owned(),
    ] {
        // Some of these can't even be written in a manifest.
        let scope =
            padgate_core::capability::FilesystemScope { read: Vec::new(), write: vec![folder.clone()] };
        let wanted = Rights { filesystem: Some(scope), ..Rights::NONE };
        let grant = Grant { requested: wanted.clone(), granted: wanted, ..grant(&file, "", "") };
        let error = bench.grants().record(grant, &file, &bench.protected).unwrap_err();
        assert!(matches!(&error, GrantsError::Refused(why) if why.contains("undo")), "{folder}: {error}");
    }
    assert!(!bench.path().exists());
    let fine = "filesystem = { write = [\"~/out\"] }";
    bench.record(grant(&file, fine, fine), &file);
}

#[test]
fn nothing_is_granted_beyond_the_request_or_to_another_file() {
    let bench = Bench::new();
    let (file, other) = (integrity(b"a"), integrity(b"b"));
    let record = |grant: Grant, file: &Integrity| bench.grants().record(grant, file, &bench.protected);
    let more = record(grant(&file, "audio = [\"play\"]", "audio = [\"play\", \"volume\"]"), &file);
    assert!(more.unwrap_err().to_string().contains("audio"));
    let changed = record(grant(&file, MUSIC, MUSIC), &other).unwrap_err();
    assert!(changed.to_string().contains("has changed since"), "{changed}");
    let unsigned = Grant { tie: Tie::Key(KEY.to_owned()), ..grant(&file, MUSIC, MUSIC) };
    assert!(record(unsigned, &file).unwrap_err().to_string().contains("not signed with that key"));
    let name = Grant { plugin: "../x".to_owned(), ..grant(&file, MUSIC, MUSIC) };
    assert!(record(name, &file).is_err());
    assert!(!bench.path().exists());
}

#[test]
fn a_file_with_a_mistake_grants_nothing_and_is_left_alone() {
    let bench = Bench::new();
    let file = integrity(b"a");
    bench.record(grant(&file, MUSIC, MUSIC), &file);
    let good = std::fs::read_to_string(bench.path()).unwrap();
    assert!(good.starts_with("# What plugins were granted"), "{good}");
    for (from, to, place, says) in [
        ("version = 1", "version = 2", ":6:11:", "only version 1"),
        ("version = 1", "version = ", ":6:", ""),
        ("\n[[grant]]", "\n[[grant]", ":8:", ""),
        ("plugin = \"probe\"", "plugin = \"../probe\"", ":9:10:", "no name of a plugin"),
        ("sha256 = \"", "sha256 = \"0", ":10:10:", "64 digits"),
        ("given = ", "gave = ", ":11:1:", "gave"),
        ("sha256 = ", "key = ", ":10:", "minisign"),
        ("~/Music", "Music", ":", ""),
        ("filesystem", "filesytem", ":", "filesytem"),
        ("given = \"2025-01-02T03:04:05Z\"", "", ":8:1:", "\"given\" is missing"),
        ("given = ", "given = 1 #", ":11:9:", "a text"),
        ("\n[[grant]]", "\n[plugin.x]\nenabled = 1\n[[grant]]", ":9:11:", "true or false"),
        ("\n[[grant]]", "\n[plugin.x]\ndenied = [\"all\"]\n[[grant]]", ":9:11:", "capability \"all\""),
        ("\n[[grant]]", "\n[plugin.X]\n[[grant]]", ":8:9:", "no name of a plugin"),
        ("[grant.granted]", "[grant.grunted]", ":", "grunted"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        std::fs::write(bench.path(), &bad).unwrap();
        let mut grants = bench.grants();
        let problem = grants.problem().unwrap_or_else(|| panic!("{to} is no mistake")).to_owned();
        assert!(problem.contains(place) && problem.contains(says), "{to}: {problem}");
        let decision = low(&grants, &manifest(&format!("midi = true\n{MUSIC}"), ""), &file);
        assert_eq!(decision.rights, Rights::NONE);
        assert!(matches!(grants.set_enabled("probe", true), Err(GrantsError::Broken(_))));
        assert!(grants.record(grant(&file, MUSIC, MUSIC), &file, &bench.protected).is_err());
        assert!(grants.revoke("probe", &[Capability::Midi]).is_err());
        assert_eq!(std::fs::read_to_string(bench.path()).unwrap(), bad, "the file is left alone");
    }
    std::fs::write(bench.path(), [0xff, 0xfe]).unwrap();
    assert!(bench.grants().problem().unwrap().contains("UTF-8"));
    std::fs::write(bench.path(), &good).unwrap();
    let twice = format!("{good}\n{}", &good[good.rfind("[[grant]]").unwrap()..]);
    std::fs::write(bench.path(), &twice).unwrap();
    assert!(bench.grants().problem().unwrap().contains("two grants"));
}

#[test]
fn a_file_that_others_can_write_is_not_believed() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let mut grants = bench.grants();
    grants.set_enabled("probe", false).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.path()), 0o600);
    std::fs::set_permissions(bench.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(bench.grants().problem().unwrap().contains("every user can write to it"));
}

#[test]
fn two_writers_keep_what_the_other_wrote_and_never_write_at_once() {
    let bench = Bench::new();
    let (mut one, mut other) = (bench.grants(), bench.grants());
    one.set_enabled("a", false).unwrap();
    other.set_enabled("b", false).unwrap();
    let grants = bench.grants();
    assert!(!grants.is_enabled("a") && !grants.is_enabled("b"));
    let lock = std::fs::File::open(bench.path().with_extension("toml.lock")).unwrap();
    lock.lock().unwrap();
    let error = one.set_enabled("c", false).unwrap_err();
    assert!(error.to_string().contains("another program is writing it"), "{error}");
    assert!(bench.grants().is_enabled("c"));
}

#[test]
fn grants_of_old_files_do_not_pile_up() {
    let bench = Bench::new();
    let mut grants = bench.grants();
    let files: Vec<Integrity> = (0..=GRANTS_PER_PLUGIN as u8).map(|number| integrity(&[number])).collect();
    for file in &files {
        grants.record(grant(file, MUSIC, MUSIC), file, &bench.protected).unwrap();
    }
    assert_eq!(grants.of("probe").count(), GRANTS_PER_PLUGIN);
    assert!(grants.find("probe", &files[0]).is_none() && grants.find("probe", &files[1]).is_some());
}

#[test]
fn every_sort_of_right_is_read_as_it_was_written() {
    let bench = Bench::new();
    let file = integrity(b"a");
    let all = "midi = { send = [\"synth \\\"x\\\"\", \"*\"], listen = [\"pads\"] }\naudio = true\n\
               network = { hosts = [\"*\", \"[::1]:80\", \"*.example.com:443\"], direct = [80, 443] }\n\
               system-control = [\"media\", \"notify\", \"brightness\", \"open\", \"keys\"]\n\
               filesystem = { read = [\"~/a b\"], write = [\"~/out\"] }\n\
               subprocess = { programs = [\"sh\", \"/usr/bin/true\"], direct = true }";
    let grants = bench.record(grant(&file, all, all), &file);
    assert_eq!(grants.find("probe", &file).unwrap().granted, rights(all));
}
