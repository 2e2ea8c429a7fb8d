//! Profiles and refusals of grants, with home folders made for the test.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use padgate_core::capability::{FilesystemScope, NetworkScope, Rights, SubprocessScope};

use super::{ProfileError, compile, overlap};

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn files(read: &[&str], write: &[&str]) -> Rights {
    let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    Rights { filesystem: Some(FilesystemScope { read: own(read), write: own(write) }), ..Rights::NONE }
}

fn refused(path: &str, home: &Path) -> Option<String> {
    overlap(&files(&[], &[path]), home, &[])
}

#[test]
fn brokered_rights_leave_no_trace() {
    let rights = Rights {
        network: Some(NetworkScope { hosts: Vec::new(), direct: None }),
        subprocess: Some(SubprocessScope { programs: vec!["ls".into()], direct: false }),
        ..Rights::NONE
    };
    assert_eq!(compile(&rights, Path::new("/home/nobody")).unwrap(), crate::assignment::Profile::default());
}

#[test]
fn direct_rights_come_through_with_their_ports_sorted() {
    let rights = Rights {
        network: Some(NetworkScope { hosts: Vec::new(), direct: Some(vec![443, 80, 443]) }),
        subprocess: Some(SubprocessScope { programs: Vec::new(), direct: true }),
        ..Rights::NONE
    };
    let profile = compile(&rights, Path::new("/home/nobody")).unwrap();
    assert_eq!(profile.network, Some(vec![80, 443]));
    assert!(profile.subprocess);
}

#[test]
fn paths_are_expanded_resolved_and_freed_of_what_lies_below_another() {
    let home = home();
    let root = home.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("Music/Live")).unwrap();
    fs::create_dir_all(root.join("Notes/2026")).unwrap();
    symlink(root.join("Notes"), root.join("Link")).unwrap();
    let rights = files(&["~/Music", "~/Music/Live", "~/Notes/2026"], &["~/Link"]);
    let profile = compile(&rights, home.path()).unwrap();
    assert_eq!(profile.read, [root.join("Music")]);
    assert_eq!(profile.write, [root.join("Notes")]);
}

#[test]
fn a_missing_or_relative_path_is_an_error_that_names_it() {
    let home = home();
    let error = compile(&files(&["~/Gone"], &[]), home.path()).unwrap_err();
    assert!(matches!(error, ProfileError::Missing { use_: "read", .. }));
    assert!(error.to_string().contains(&home.path().join("Gone").display().to_string()), "{error}");
    let error = compile(&files(&[], &["Music"]), home.path()).unwrap_err();
    assert!(error.to_string().contains("\"Music\""), "{error}");
}

#[test]
fn usual_folders_may_be_written() {
    let home = home();
    fs::create_dir_all(home.path().join("Music")).unwrap();
    for path in ["~/Music", "~/Music/new", "~/.config/obs-studio", "~/.local/share/notes", "/srv/shows"] {
        assert_eq!(refused(path, home.path()), None, "{path}");
    }
    // Reading is the user's to decide.
    assert_eq!(overlap(&files(&["~/.ssh", "/"], &[]), home.path(), &[]), None);
}

#[test]
fn what_holds_is_or_lies_in_something_trusted_is_refused() {
    let home = home();
    for path in [
        "~",
        "~/",
        "/",
        "~/.ssh",
        "~/.ssh/authorized_keys",
        "~/.bashrc",
        "~/.config",
        "~/.config/autostart/x",
        "~/.local",
        "~/.local/share",
        "~/.config/systemd/user",
        "~/Music/../.zshrc",
        "~/bin",
        "/etc",
        "/etc/cron.d",
        "/usr/local/bin",
        "/proc/self",
        "/run/user/1000",
        "/home",
    ] {
        // The temporary home is not below /home; its parent stands for it.
        let path = if path == "/home" { home.path().parent().unwrap().to_str().unwrap() } else { path };
        assert!(refused(path, home.path()).is_some(), "{path}");
    }
}

#[test]
fn a_link_hides_nothing() {
    let home = home();
    fs::create_dir_all(home.path().join(".ssh")).unwrap();
    fs::create_dir_all(home.path().join("dotfiles")).unwrap();
    symlink(home.path().join(".ssh"), home.path().join("harmless")).unwrap();
    // And the other way round: the trusted name is the link.
    symlink(home.path().join("dotfiles/bashrc"), home.path().join(".bashrc")).unwrap();
    fs::write(home.path().join("dotfiles/bashrc"), "").unwrap();
    assert!(refused("~/harmless", home.path()).unwrap().contains(".ssh"));
    assert!(refused("~/harmless/not/yet", home.path()).is_some());
    assert!(refused("~/dotfiles", home.path()).unwrap().contains(".bashrc"));
}

#[test]
fn what_the_daemon_protects_is_refused_from_both_sides() {
    let home = home();
    let store = home.path().join("data/padgate/store");
    fs::create_dir_all(&store).unwrap();
    let protected: Vec<PathBuf> = vec![store];
    for path in ["~/data", "~/data/padgate/store", "~/data/padgate/store/abc"] {
        let text = overlap(&files(&[], &[path]), home.path(), &protected).unwrap();
        assert!(text.contains("is Padgate's own"), "{text}");
    }
    assert_eq!(overlap(&files(&[], &["~/data/padgate-shows"]), home.path(), &protected), None);
}
