//! The command against a daemon that says what the test wants: what it prints, and how it ends.

#![cfg(unix)]

mod fake;
#[cfg(target_os = "linux")]
mod grants;
mod plugins;

use fake::{Fake, Ran, command, run};
use serde_json::json;

fn status() -> serde_json::Value {
    json!({
        "version": "0.1.0", "pid": 42, "uptime_ms": 302_000, "future": true,
        "config": { "path": "/home/me/.config/padgate/config.toml", "ok": true, "mappings": 3 },
        "devices": [
            { "name": "pads", "connected": true, "input": "Launchpad:Mini", "received": 7, "sent": 2 },
            { "name": "keys", "input_pattern": "Keystation*", "note": "two ports match: add usb" },
        ],
        "modes": { "stack": ["default", "stream"], "variables": { "scene": 2 } },
        "held": ["key ctrl"],
        "backends": [{ "name": "keys", "by": "x11", "available": false, "note": "set DISPLAY" }],
        "counters": {
            "inputs": 7, "requests": 3, "done": 2, "failed": 1,
            "latencies": [
                { "step": "received → decided", "count": 7, "mean_ns": 900, "p50_ns": 800, "p99_ns": 1200, "max_ns": 1_500_000 },
            ],
        },
        "hints": ["Plug keys in."],
    })
}

#[test]
fn status_is_shown_as_text_and_as_json() {
    let daemon = Fake::new([("status", status())]);
    let ran = run(&daemon, &["status"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        "\
padgated 0.1.0, process 42, running for 5 min 2 s
config     /home/me/.config/padgate/config.toml (3 mappings)
mode       stream, above default
variables  scene = 2
held       key ctrl

 device             port                     in  out
 pads    connected  Launchpad:Mini           7   2
 keys    absent     (waits for Keystation*)  0   0    two ports match: add usb

 action  by
 keys    x11  does not work  set DISPLAY

7 in, 3 actions: 2 done, 1 failed

 step                count  mean    p50     p99     max
 received → decided  7      0.9 µs  0.8 µs  1.2 µs  1.5 ms

→ Plug keys in.
"
    );
    let ran = run(&daemon, &["status", "--json"]);
    let object: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(object["devices"][0]["name"], json!("pads"));
}

#[test]
fn tables_are_no_wider_than_without_a_terminal_is_usual() {
    let name = "a device with a name that goes on and on ".repeat(5);
    let daemon = Fake::new([("devices", json!({ "ports": [{ "name": name, "direction": "input" }] }))]);
    let ran = run(&daemon, &["devices"]);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
}

#[test]
fn exit_codes_and_errors_say_what_next() {
    let nobody = tempfile::tempdir().unwrap();
    let mut alone = command(&["status"]);
    let Ran { code, err, .. } = fake::finish(alone.env("PADGATE_SOCKET", nobody.path().join("ctl.sock")));
    assert_eq!(code, 3);
    assert_eq!(
        err,
        "padgate: the daemon is not running: start it with `padgated` or `systemctl --user start padgate`\n"
    );
    let daemon =
        Fake::new([("mode", json!({ "error": { "code": -32010, "message": "there is no mode \"x\"" } }))]);
    let ran = run(&daemon, &["mode", "x"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, "padgate: there is no mode \"x\"\n"));
    assert_eq!(run(&daemon, &["mode", "x", "--pop"]).code, 2);
    assert_eq!(run(&daemon, &["dance"]).code, 2);
    let broken = Fake::new([("status", json!("garbage"))]);
    let ran = run(&broken, &["status"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("update both to the same version"), "{}", ran.err);
}

#[test]
fn a_folder_that_others_can_write_to_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt as _;

    let daemon = Fake::new([("status", status())]);
    std::fs::set_permissions(daemon.folder(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let ran = run(&daemon, &["status"]);
    assert_eq!(ran.code, 4);
    assert!(ran.err.contains("chmod 700"), "{}", ran.err);
}

#[test]
fn monitor_shows_every_step() {
    let mapping = json!({ "name": "Play", "file": "config.toml", "line": 12 });
    let record = json!({
        "type": "record", "received_ns": 1_500_000_000_u64, "decided_ns": 1_500_000_900_u64,
        "cause": { "kind": "message", "device": "pads", "text": "note on C1 ch 1 velocity 100" },
        "decisions": [{ "kind": "fired", "text": "\"Play\" (config.toml:12) fired", "mapping": mapping }],
        "requests": [{ "id": 9, "action": "tap space", "handed_off_ns": 1_500_002_000_u64 }],
    });
    let unmapped = json!({
        "type": "record", "received_ns": 1_600_000_000_u64,
        "cause": { "device": "pads", "text": "note on D1 ch 1 velocity 1" },
        "decisions": [{ "kind": "unmapped", "text": "nothing is mapped to D1 (ch 1) on pads" }],
    });
    let outcome = json!({
        "type": "outcome", "request": 9, "result": "failed", "message": "the display is gone",
        "started_ns": 1_500_012_000_u64, "done_ns": 1_500_100_000_u64,
    });
    let daemon = Fake::new([(
        "subscribe",
        json!({
            "clock": { "monotonic_ns": 1_000_000_000_u64, "unix_ms": 0 },
            "events": [record, unmapped, outcome, { "type": "missed", "count": 4 }, { "type": "plugin.x" }],
        }),
    )]);
    let ran = run(&daemon, &["monitor"]);
    assert_eq!(
        ran.out,
        "\
00:00:00.500  pads  note on C1 ch 1 velocity 100
    \"Play\" (config.toml:12) fired
    → tap space  decided +0.9 µs, handed off +2 µs
00:00:00.600  pads  note on D1 ch 1 velocity 1
    nothing is mapped to D1 (ch 1) on pads
      tap space: failed: the display is gone  started +12 µs, ended +100 µs
4 events are missing here: more came than could be shown
"
    );
    assert_eq!(ran.code, 1, "the daemon has gone: {}", ran.err);
    assert!(!run(&daemon, &["monitor", "--mapped"]).out.contains("D1"));
    let lines = run(&daemon, &["monitor", "--json"]).out;
    assert_eq!(lines.lines().count(), 5);
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn whoever_reads_may_leave() {
    let events: Vec<_> = (0..50_000).map(|_| json!({ "type": "missed", "count": 1 })).collect();
    let daemon = Fake::new([("subscribe", json!({ "events": events }))]);
    let mut monitor = command(&["monitor"]);
    monitor.env("PADGATE_SOCKET", daemon.socket()).stdout(std::process::Stdio::piped());
    let mut child = monitor.stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), said.as_ref()), (Some(0), ""));
}

#[test]
fn explanations_checks_and_presses_are_printed() {
    let daemon = Fake::new([
        ("explain", json!({ "found": true, "sentences": ["You pressed C1.", "So nothing was done."] })),
        (
            "check",
            json!({
                "path": "/c.toml", "rendered": "error[E1]: no\n", "mappings": 1,
                "diagnostics": [{ "severity": "error", "code": "E1", "message": "no" }],
            }),
        ),
        ("reload", json!({ "path": "/c.toml", "ok": true, "mappings": 1 })),
        ("press", json!({ "device": "pads", "messages": ["note on C1 ch 1 velocity 100"] })),
        ("panic", json!({ "released": ["key ctrl"], "stopped": 2 })),
        ("play", json!({ "device": "Padgate In", "total": 4, "played": 4, "took_ms": 12 })),
        ("mode", json!({ "stack": ["default", "stream"], "known": ["default", "stream", "live"] })),
    ]);
    let text = |arguments: &[&str]| {
        let ran = run(&daemon, arguments);
        (ran.code, ran.out)
    };
    assert_eq!(text(&["explain", "C1"]), (0, "You pressed C1.\nSo nothing was done.\n".into()));
    assert_eq!(text(&["check"]), (1, "error[E1]: no\n\n/c.toml: 1 error, 0 warnings\n".into()));
    assert_eq!(text(&["reload"]), (0, "/c.toml: good, 1 mapping\n".into()));
    assert_eq!(text(&["press", "C1", "-d", "pads"]), (0, "pads: note on C1 ch 1 velocity 100\n".into()));
    assert_eq!(text(&["panic"]), (0, "released key ctrl\nstopped 2 running\n".into()));
    assert_eq!(text(&["play", "a.mid"]), (0, "played 4 of 4 messages as Padgate In in 12 ms\n".into()));
    assert_eq!(text(&["mode"]), (0, "stream\n  above default\nnot active: live\n".into()));
    let asked = daemon.asked();
    assert_eq!(asked[0]["params"], json!({ "device": null, "control": "C1" }));
    let path =
        asked.iter().find(|call| call["method"] == "play").unwrap()["params"]["path"].as_str().unwrap();
    assert!(path.starts_with('/') && path.ends_with("/a.mid"), "the daemon has another folder: {path}");
}

#[test]
fn recordings_begin_with_the_state_and_end_whole() {
    let input = json!({ "type": "input", "t": 2_000, "midi": { "device": "pads", "bytes": "90 3C 64" } });
    let daemon = Fake::new([(
        "subscribe",
        json!({
            "clock": { "monotonic_ns": 500, "unix_ms": 7 }, "events": [input],
            "devices": [{ "name": "pads" }], "modes": { "stack": ["default"], "variables": { "scene": 2 } },
        }),
    )]);
    let file = daemon.folder().join("take.jsonl");
    let ran = run(&daemon, &["record", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "the daemon has gone: {}", ran.err);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "\
{\"padgate_recording\":1,\"started_unix_ms\":7,\"devices\":[\"pads\"],\"modes\":[\"default\"],\"variables\":{\"scene\":2}}
{\"t\":1500,\"midi\":{\"device\":\"pads\",\"bytes\":\"90 3C 64\"}}
"
    );
    let again = run(&daemon, &["record", file.to_str().unwrap()]);
    assert!(again.err.contains("is there already"), "nothing is overwritten: {}", again.err);
}

#[test]
fn a_reload_with_errors_shows_them_and_says_so() {
    let report =
        json!({ "path": "/c.toml", "rendered": "error[E1]: no\n", "diagnostics": [{ "severity": "error" }] });
    let error = json!({ "code": -32011, "message": "the configuration has errors", "data": report });
    let daemon = Fake::new([("reload", json!({ "error": error }))]);
    let ran = run(&daemon, &["reload"]);
    assert_eq!(ran.code, 78, "{ran:?}");
    assert_eq!(
        ran.out,
        "error[E1]: no\n\n/c.toml: 1 error, 0 warnings\n\
         nothing was changed: the old rules stay in force until the errors are gone\n"
    );
    assert_eq!(run(&daemon, &["reload", "--json"]).code, 78);
}

#[test]
fn a_recording_that_is_interrupted_is_a_recording() {
    let daemon = Fake::new([("subscribe", json!({ "modes": { "stack": ["default"] } }))]);
    let file = daemon.folder().join("take.jsonl");
    let mut record = command(&["record", file.to_str().unwrap()]);
    let recording =
        record.env("PADGATE_SOCKET", daemon.socket()).stderr(std::process::Stdio::piped()).spawn();
    let mut recording = recording.unwrap();
    let mut said = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(recording.stderr.take().unwrap()), &mut said)
        .unwrap();
    assert!(said.contains("Ctrl-C ends it"), "{said}");
    let pid = recording.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert!(recording.wait().unwrap().success());
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("{\"padgate_recording\":1"));
}

#[test]
fn the_service_is_installed_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let programs = home.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    std::fs::write(programs.join("padgated"), "").unwrap();
    let service = |what: &str| {
        let mut command = command(&["service", what]);
        command.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME").env("PATH", &programs);
        fake::finish(&mut command)
    };
    let unit = home.path().join(".config/systemd/user/padgate.service");
    assert_eq!(service("status").code, 1);
    let ran = service("install");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("systemctl --user enable --now padgate"), "{}", ran.out);
    let text = std::fs::read_to_string(&unit).unwrap();
    assert!(text.contains("/padgated\" run\n"), "{text}");
    assert_eq!(service("uninstall").code, 0);
    assert!(!unit.exists());
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = fake::finish(&mut command(&["completions", shell]));
        assert!(ran.code == 0 && ran.out.contains("explain"), "{shell}: {ran:?}");
    }
}
