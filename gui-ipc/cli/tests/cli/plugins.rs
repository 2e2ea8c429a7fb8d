//! `plugin …` and `audit` against a daemon that says what the test wants: what they print, and how they end.

use serde_json::{Value, json};

use crate::fake::{Fake, run};

fn plugins() -> Value {
    json!({
        "plugins": [
            {
                "name": "midi-tools", "version": "0.1.0", "state": "enabled", "risk": "low", "signature": "trusted",
                "actions": ["chord", "arpeggio"], "pid": 77, "executions": 1200, "failures": 1, "p99_us": 38,
                "rss_bytes": 655_360,
            },
            {
                "name": "run-script", "version": "1.2.3", "state": "waiting", "risk": "high", "signature": "none",
                "reason": "it may not run programs: \"padgate plugin grant run-script\" shows what it asks for",
                "actions": ["run"],
            },
            { "name": "later", "state": "dreaming", "risk": "cosmic", "asks_more": true },
        ],
        "folders": ["/home/me/.local/share/padgate/plugins"],
        "problems": [{
            "severity": "error", "code": "P3", "file": "/p/broken/plugin.toml", "line": 4, "column": 9,
            "message": "\"nmae\" is no key", "help": "did you mean \"name\"?",
        }],
    })
}

#[test]
fn plugins_are_listed_with_what_is_to_be_done() {
    let daemon =
        Fake::new([("plugin.list", plugins()), ("plugin.rescan", json!({ "folders": ["/a", "/b"] }))]);
    let ran = run(&daemon, &["plugin", "list"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        "
 plugin      version  state    risk     signature  calls  failed  p99    memory   actions
 midi-tools  0.1.0    ready    low      trusted    1200   1       38 µs  640 KiB  chord, arpeggio
 run-script  1.2.3    waiting  high     none       0      0                       run
 later                ?        unknown  ?          0      0
→ run-script: it may not run programs: \"padgate plugin grant run-script\" shows what it asks for
→ later asks for more than it was granted: `padgate plugin grant later` shows what
→ /p/broken/plugin.toml:4:9: error[P3]: \"nmae\" is no key (did you mean \"name\"?)
"
        .trim_start_matches('\n')
    );
    let object: Value = serde_json::from_str(&run(&daemon, &["plugin", "list", "--json"]).out).unwrap();
    assert_eq!(object["plugins"][1]["state"], json!("waiting"));
    assert_eq!(
        run(&daemon, &["plugin", "list", "--rescan"]).out,
        "there are no plugins: a plugin is a folder with a plugin.toml in one of these, the first wins: /a, /b\n"
    );
}

#[test]
fn a_pipe_gets_the_whole_table() {
    let name = "p".repeat(64);
    let actions = vec!["an-action-with-a-long-name"; 20];
    let list = json!({ "plugins": [{ "name": name, "state": "enabled", "actions": actions }] });
    let daemon = Fake::new([("plugin.list", list)]);
    let out = run(&daemon, &["plugin", "list"]).out;
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.contains(&name) && out.contains(&actions.join(", ")), "{out}");
}

#[test]
fn all_about_a_plugin_is_shown() {
    let daemon = Fake::new([("plugin.info", info())]);
    let ran = run(&daemon, &["plugin", "info", "obs"]);
    assert_eq!(
        ran.out,
        "\
obs 1.2.0
Controls OBS Studio.
state      ready
author     Ada
license    MIT
folder     /p/obs
sha256     00ff
signature  signed with a key that you trust
key        RWabc
host       ready, process 77, 2 MiB, generation 3, since 1970-01-01 00:00:01, 2 restarts
limits     250 ms for a call, 100 calls a second, 256 MiB of address space, 50 % of a processor, 64 open files
needs      helper ^1.2: 1.3.0 is here
needs      gone *: there is no such plugin

what it asks for
  midi send *  (low risk): granted by itself, as its risk is low
      It may send to all MIDI devices.
      enforced: the daemon does it, and checks each call
  network *  (medium risk, can do without): granted in part: only localhost:4455
      It may connect to any host.
      enforced in part: UDP is not, because the kernel is too old
  subprocess obs-cli  (high risk): revoked
      It may run obs-cli.
  filesystem read ~/Music  (high risk): not granted
      It may read ~/Music.

confined by Landlock 4, 2 seccomp filters
  files      enforced
  network    enforced in part: UDP is not

actions
  scene  (is told of the release as well)
      Switches to a scene.
      name (text, required): Which one.
      fade (integer from 0 to 100, else 3)

calls in the configuration
  scene (name = \"Live\")
  scene (name = 7)
      \"name\" is text

problems
  /p/obs/plugin.toml:3: warning: odd
"
    );
    let object: Value =
        serde_json::from_str(&run(&daemon, &["plugin", "info", "obs", "--json"]).out).unwrap();
    assert_eq!(object["confinement"]["parts"][1]["enforced"], json!("partly"));
}

fn info() -> Value {
    json!({
        "summary": { "name": "obs", "version": "1.2.0", "description": "Controls OBS Studio.", "state": "enabled", "rss_bytes": 2 << 20 },
        "author": "Ada", "license": "MIT", "folder": "/p/obs", "sha256": "00ff",
        "signature": { "state": "trusted", "key": "RWabc", "text": "signed with a key that you trust" },
        "requests": [
            {
                "capability": "midi", "risk": "low", "scope": "send *", "granted": "send *", "how": "auto",
                "meaning": "It may send to all MIDI devices.",
                "enforced": "fully", "enforced_by": "the daemon does it, and checks each call",
            },
            {
                "capability": "network", "risk": "medium", "scope": "*", "granted": "localhost:4455", "how": "user",
                "meaning": "It may connect to any host.", "optional": true,
                "enforced": "partly", "enforced_by": "UDP is not, because the kernel is too old",
            },
            { "capability": "subprocess", "risk": "high", "scope": "obs-cli", "how": "revoked", "meaning": "It may run obs-cli." },
            { "capability": "filesystem", "risk": "high", "scope": "read ~/Music", "how": "undecided", "meaning": "It may read ~/Music." },
        ],
        "confinement": {
            "landlock": 4, "filters": 2,
            "parts": [{ "name": "files", "enforced": "fully" }, { "name": "network", "enforced": "partly", "why": "UDP is not" }],
        },
        "limits": { "deadline_ms": 250, "memory_bytes": 256 << 20, "rate_per_second": 100, "cpu_percent": 50, "files": 64 },
        "dependencies": [
            { "name": "helper", "requirement": "^1.2", "found": "1.3.0" },
            { "name": "gone", "requirement": "*", "problem": "there is no such plugin" },
        ],
        "actions": [{
            "name": "scene", "description": "Switches to a scene.", "held": true,
            "parameters": [
                { "name": "name", "kind": "text", "required": true, "description": "Which one." },
                { "name": "fade", "kind": "integer from 0 to 100", "default": "3" },
            ],
        }],
        "calls": [{ "text": "scene (name = \"Live\")" }, { "text": "scene (name = 7)", "problem": "\"name\" is text" }],
        "host": { "pid": 77, "generation": 3, "state": "ready", "started_unix_ms": 1000, "restarts": 2 },
        "problems": [{ "severity": "warning", "file": "/p/obs/plugin.toml", "line": 3, "message": "odd" }],
    })
}

#[test]
fn what_is_not_known_yet_is_not_called_enforced() {
    let of = |state: &str| json!({ "summary": { "name": "obs", "version": "1.0.0", "state": state, "reason": "why" } });
    let info = |bare: Value| run(&Fake::new([("plugin.info", bare)]), &["plugin", "info", "obs"]).out;
    let out = info(of("waiting"));
    assert!(out.contains("What is enforced here is known when it runs.\n"), "{out}");
    assert!(out.contains("It asks for nothing"), "{out}");
    let out = info(of("verified"));
    assert!(out.contains("when it runs: `padgate plugin load obs` starts it.\n"), "{out}");
    let unread = json!({ "summary": { "name": "obs", "state": "unusable", "reason": "its plugin.toml has mistakes" } });
    let out = info(unread);
    assert!(!out.contains("It asks for nothing") && !out.contains("enforced"), "nobody knows: {out}");
    let future = json!({
        "summary": { "name": "obs", "version": "1.0.0" },
        "requests": [{ "capability": "midi", "granted": "all", "enforced": "quantum" }],
        "confinement": { "parts": [{ "name": "files", "enforced": "mostly" }] },
    });
    let out = run(&Fake::new([("plugin.info", future)]), &["plugin", "info", "obs"]).out;
    assert!(!out.contains("enforced\n") && out.matches("not known").count() == 2, "{out}");
    assert!(out.contains("no Landlock"), "{out}");
}

#[test]
fn changes_say_how_the_plugin_is_then() {
    let change = json!({ "plugin": { "name": "obs", "state": "enabled" }, "changed": true });
    let same = json!({ "plugin": { "name": "obs", "state": "disabled" }, "notes": ["osc needs it, and was ended."] });
    let waits =
        json!({ "plugin": { "name": "obs", "state": "waiting", "reason": "grant it" }, "changed": true });
    let refused = json!({ "error": { "code": -32015, "message": "the new version does not start: no" } });
    let daemon = Fake::new([
        ("plugin.enable", waits),
        ("plugin.disable", same),
        ("plugin.load", change.clone()),
        ("plugin.unload", change),
        ("plugin.reload", refused),
    ]);
    let text = |command: &str| {
        let ran = run(&daemon, &["plugin", command, "obs"]);
        (ran.code, ran.out + &ran.err)
    };
    assert_eq!(text("enable"), (0, "obs: waiting; grant it\n".into()));
    assert_eq!(
        text("disable"),
        (0, "obs: disabled, as it was before\n→ osc needs it, and was ended.\n".into())
    );
    assert_eq!(text("load"), (0, "obs: ready\n".into()));
    assert_eq!(text("unload"), (0, "obs: ready\n".into()));
    assert_eq!(text("reload"), (4, "padgate: the new version does not start: no\n".into()));
    assert_eq!(daemon.asked()[0]["params"], json!({ "plugin": "obs" }));
    let object: Value =
        serde_json::from_str(&run(&daemon, &["plugin", "load", "obs", "--json"]).out).unwrap();
    assert_eq!(object["changed"], json!(true));
    assert_eq!(run(&daemon, &["plugin", "load"]).code, 2, "which one?");
}

#[test]
fn an_unknown_plugin_is_answered_with_the_daemons_guess() {
    let error = json!({ "error": { "code": -32010, "message": "there is no plugin \"osb\"; did you mean \"obs\"?" } });
    let daemon = Fake::new([("plugin.info", error)]);
    let ran = run(&daemon, &["plugin", "info", "osb"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "padgate: there is no plugin \"osb\"; did you mean \"obs\"?\n")
    );
}

#[test]
fn revoking_says_what_is_gone() {
    let gone = json!({ "plugin": { "name": "obs" }, "revoked": ["network", "midi"], "restarted": true });
    let answers =
        json!({ "in_turn": [gone, { "plugin": { "name": "obs" }, "notes": ["It had midi only."] }, {}] });
    let daemon = Fake::new([("plugin.revoke", answers)]);
    let out = run(&daemon, &["plugin", "revoke", "obs"]).out;
    assert_eq!(out, "obs: revoked network, midi, and it was started again without\n");
    let out = run(&daemon, &["plugin", "revoke", "obs", "network", "audio"]).out;
    assert_eq!(
        out,
        "obs had nothing of that; from now on it is not granted by itself either\n→ It had midi only.\n"
    );
    assert_eq!(daemon.asked()[0]["params"], json!({ "plugin": "obs", "capabilities": [] }));
    assert_eq!(daemon.asked()[1]["params"]["capabilities"], json!(["network", "audio"]));
    let out = run(&daemon, &["plugin", "revoke", "obs", "--json"]).out;
    assert!(serde_json::from_str::<Value>(&out).unwrap()["revoked"].is_array(), "{out}");
}

#[test]
fn files_that_are_wrong_are_a_failure() {
    let report = json!({ "ok": false, "plugins": [
        { "plugin": "obs", "ok": true, "text": "it is what was stored", "sha256": "00ff", "signature": { "text": "not signed" } },
        { "plugin": "osc", "text": "the file changed since it was loaded: `padgate plugin reload osc` takes the new one" },
    ] });
    let answers = json!({ "in_turn": [report, report, { "ok": true }] });
    let daemon = Fake::new([("plugin.verify", answers)]);
    let ran = run(&daemon, &["plugin", "verify"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.out,
        "\
obs: good: it is what was stored
    sha256     00ff
    signature  not signed
osc: wrong: the file changed since it was loaded: `padgate plugin reload osc` takes the new one
"
    );
    let ran = run(&daemon, &["plugin", "verify", "obs", "--json"]);
    assert_eq!((ran.code, daemon.asked()[1]["params"].clone()), (1, json!({ "plugin": "obs" })));
    assert_eq!(run(&daemon, &["plugin", "verify"]).out, "there are no plugins to verify\n");
}

#[test]
fn statistics_are_a_table() {
    let stats = json!({ "plugins": [
        {
            "plugin": "obs", "executions": 12, "failures": 1, "refusals": 2, "timeouts": 3, "crashes": 4, "restarts": 7,
            "last_execution_unix_ms": 1000, "mean_us": 24, "p50_us": 20, "p99_us": 1500, "max_us": 250_000,
            "cpu_ms": 1200, "rss_bytes": 900_000, "queue": 5,
        },
        { "plugin": "osc" },
    ] });
    let daemon = Fake::new([("plugin.stats", json!({ "in_turn": [stats, stats, {}] }))]);
    assert_eq!(
        run(&daemon, &["plugin", "stats"]).out,
        "
 plugin  calls  failed  refused  timeouts  crashes  restarts  mean   p50    p99     max     cpu    memory   waiting  last
 obs     12     1       2        3         4        7         24 µs  20 µs  1.5 ms  250 ms  1.2 s  879 KiB  5        1970-01-01 00:00:01
 osc     0      0       0        0         0        0                                       0 µs            0        never
"
        .trim_start_matches('\n')
    );
    let out = run(&daemon, &["plugin", "stats", "obs", "--json"]).out;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["plugins"][0]["crashes"], json!(4));
    assert_eq!(daemon.asked()[1]["params"], json!({ "plugin": "obs" }));
    assert_eq!(run(&daemon, &["plugin", "stats"]).out, "there are no plugins, and so no figures\n");
}

#[test]
fn a_log_is_shown_and_followed_without_a_line_twice() {
    let line = |sequence: u64, level: &str, source: &str, text: &str| json!({ "sequence": sequence, "unix_ms": 1500, "level": level, "source": source, "text": text });
    let event = |plugin: &str, line: Value| json!({ "type": "plugin_log", "plugin": plugin, "line": line });
    let lines = [line(0, "info", "plugin", "hi"), line(7, "warn", "output", "bad\u{1b}[2Jnews\nx")];
    let log = json!({ "plugin": "obs", "lines": lines });
    let mut followed = log.clone();
    followed["events"] = json!([
        event("obs", lines[1].clone()),
        event("osc", line(8, "info", "plugin", "of another")),
        event("obs", line(8, "error", "padgate", "it was ended")),
        { "type": "missed", "count": 3 },
    ]);
    let answers = json!({ "in_turn": [log, log, followed, followed] });
    let daemon = Fake::new([("plugin.logs", answers), ("subscribe", json!({}))]);
    let shown = "\
01-01 00:00:01.500  info   hi
01-01 00:00:01.500  warn   output: bad\\u{1b}[2Jnews\\nx
";
    assert_eq!(run(&daemon, &["plugin", "logs", "obs", "-n", "2"]).out, shown);
    assert_eq!(daemon.asked()[0]["params"], json!({ "plugin": "obs", "lines": 2 }));
    let out = run(&daemon, &["plugin", "logs", "obs", "--json"]).out;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["lines"][1]["sequence"], json!(7));
    let ran = run(&daemon, &["plugin", "logs", "obs", "-f"]);
    let more = "\
01-01 00:00:01.500  error  padgate: it was ended
3 lines of plugins are missing here: more came than could be shown
";
    assert_eq!(ran.out, format!("{shown}{more}"));
    assert_eq!(ran.code, 1, "the daemon has gone: {}", ran.err);
    assert_eq!(
        daemon.asked()[2]["params"],
        json!({ "topics": ["plugin_log"] }),
        "first, so that nothing is lost"
    );
    let out = run(&daemon, &["plugin", "logs", "obs", "-f", "--json"]).out;
    assert_eq!(out.lines().count(), 4, "{out}");
    assert!(
        out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok_and(|it| it["type"].is_string()))
    );
}

#[test]
fn the_audit_log_is_shown() {
    let entries = json!([
        { "unix_ms": 1000, "event": "grant", "plugin": "obs", "text": "the user granted network" },
        { "unix_ms": 2000, "event": "integrity", "text": "a file is not what it was", "detail": { "sha256": "00" } },
    ]);
    let answers = json!({ "in_turn": [{ "entries": entries }, { "entries": entries }, {}] });
    let daemon = Fake::new([("audit", answers)]);
    assert_eq!(
        run(&daemon, &["audit"]).out,
        "\
1970-01-01 00:00:01  grant      obs: the user granted network
1970-01-01 00:00:02  integrity  a file is not what it was
"
    );
    let out = run(&daemon, &["audit", "obs", "-n", "9", "--json"]).out;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["entries"][1]["detail"]["sha256"], json!("00"));
    assert_eq!(daemon.asked()[1]["params"], json!({ "plugin": "obs", "entries": 9 }));
    assert!(run(&daemon, &["audit"]).out.starts_with("nothing is written down yet"));
}
