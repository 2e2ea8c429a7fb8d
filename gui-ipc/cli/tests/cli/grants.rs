//! `plugin grant`: what is shown before the question, who is asked, and what is granted after which answer; and tables
//! on terminals of several widths.

use serde_json::{Value, json};

use crate::fake::terminal::run_in_terminal;
use crate::fake::{Fake, Ran, command, finish, run};

const QUESTION: &str = "Allow this? [y/N] ";

fn view() -> Value {
    json!({
        "plugin": "obs", "version": "1.2.0", "description": "Controls OBS.\n\u{1b}[8mtrusted", "author": "Ada\u{202e}",
        "signature": { "state": "none", "text": "not signed" }, "sha256": "00ff", "tie": "sha256", "risk": "high",
        "has": ["midi = send *"], "confirm": "what you saw",
        "grants": [
            {
                "capability": "network", "risk": "low", "scope": "localhost:4455", "of": "*",
                "meaning": "It may connect to localhost on port 4455.",
            },
            {
                "capability": "subprocess", "risk": "high", "scope": "direct", "direct": true,
                "meaning": "It may run any program, with all that this plugin may do.",
            },
        ],
        "refused": [{ "capability": "filesystem", "scope": "write ~/.ssh", "reason": "that would undo all other limits" }],
        "warnings": ["Nobody vouches for this file: it is not signed."],
    })
}

fn granted() -> Value {
    let mut view = view();
    view["done"] = json!(true);
    view["after"] = json!({ "name": "obs", "state": "enabled" });
    view
}

fn daemon(second: Value) -> Fake {
    Fake::new([("plugin.grant", json!({ "in_turn": [view(), second] }))])
}

const SHOWN: &str = "\
obs 1.2.0
says       \"Controls OBS.\\n\\u{1b}[8mtrusted\"
author     \"Ada\\u{202e}\", as it says itself
signature  not signed
sha256     00ff
has        midi = send *
risk       high

  network localhost:4455, of *  (low risk)
      It may connect to localhost on port 4455.

  subprocess direct  (high risk, by itself inside its sandbox)
      It may run any program, with all that this plugin may do.

  filesystem write ~/.ssh: can't be granted: that would undo all other limits

→ Nobody vouches for this file: it is not signed.
";

const GRANTED: &str = "granted to obs for this file: network, subprocess; it is ready\n";

/// In a terminal of 80 columns, by somebody who types this after the question.
fn typed(daemon: &Fake, arguments: &[&str], typed: &str) -> Ran {
    let mut command = command(arguments);
    let ran = run_in_terminal(command.env("PADGATE_SOCKET", daemon.socket()), 80, QUESTION, typed);
    Ran { out: without_colours(&ran.out), ..ran }
}

fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |kept, piece| kept + piece.split_once('m').expect("only colours are used").1)
}

#[test]
fn everything_is_shown_before_it_is_asked_and_granted() {
    let daemon = daemon(granted());
    let ran = typed(&daemon, &["plugin", "grant", "obs", "network=localhost:4455", "subprocess"], "y\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.out, format!("{SHOWN}{QUESTION}y\n{GRANTED}"));
    let asked: Vec<Value> = daemon.asked().iter().map(|call| call["params"].clone()).collect();
    let rights = json!(["network=localhost:4455", "subprocess"]);
    let with = |dry_run, confirm: Value| json!({ "plugin": "obs", "rights": rights, "tie": "sha256", "dry_run": dry_run, "confirm": confirm });
    assert_eq!(asked, [with(true, Value::Null), with(false, json!("what you saw"))]);
}

#[test]
fn whoever_does_not_say_yes_grants_nothing() {
    for answer in ["n\n", "\n", "yeah\n", "\u{4}"] {
        let daemon = daemon(granted());
        let ran = typed(&daemon, &["plugin", "grant", "obs"], answer);
        assert_eq!(ran.code, 1, "{answer:?}: {ran:?}");
        assert!(ran.out.ends_with("nothing was granted\n"), "{answer:?}: {}", ran.out);
        assert_eq!(daemon.asked().len(), 1, "{answer:?}: it was only shown");
    }
}

#[test]
fn a_file_that_changed_meanwhile_is_not_granted() {
    let error = json!({ "code": -32017, "message": "obs changed since it was shown: look at it again" });
    let daemon = daemon(json!({ "error": error }));
    let ran = typed(&daemon, &["plugin", "grant", "obs"], "y\n");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (4, "padgate: obs changed since it was shown: look at it again\n")
    );
    assert!(!ran.out.contains("granted to"), "{}", ran.out);
}

#[test]
fn without_a_terminal_nobody_agrees_for_the_user() {
    let daemon = daemon(granted());
    let ran = run(&daemon, &["plugin", "grant", "obs"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, SHOWN), "{ran:?}");
    assert!(ran.err.contains("no terminal to ask at") && ran.err.contains("--yes"), "{}", ran.err);
    assert_eq!(daemon.asked().len(), 1, "it was only shown");
    // Neither when an answer lies ready.
    let mut piped = command(&["plugin", "grant", "obs"]);
    let yes = std::fs::File::open("/dev/zero").unwrap();
    let again = Fake::new([("plugin.grant", view())]);
    let ran = finish(piped.env("PADGATE_SOCKET", again.socket()).stdin(yes));
    assert_eq!((ran.code, again.asked().len()), (2, 1));
}

#[test]
fn yes_is_an_answer_and_a_dry_run_needs_none() {
    let yes = daemon(granted());
    let ran = run(&yes, &["plugin", "grant", "obs", "--yes", "--tie", "key"]);
    assert_eq!((ran.code, ran.out), (0, format!("{SHOWN}{GRANTED}")));
    assert_eq!(yes.asked()[1]["params"]["tie"], json!("key"));
    assert_eq!(yes.asked()[1]["params"]["confirm"], json!("what you saw"));
    let dry = daemon(granted());
    let ran = run(&dry, &["plugin", "grant", "obs", "--dry-run"]);
    assert_eq!((ran.code, ran.out), (0, format!("{SHOWN}nothing was granted: this was only shown\n")));
    assert_eq!(dry.asked().len(), 1);
}

#[test]
fn json_is_the_last_answer_and_asks_nobody() {
    let done = daemon(granted());
    let ran = run(&done, &["plugin", "grant", "obs", "--json", "--yes"]);
    let object: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &object["done"], &object["after"]["state"]), (0, &json!(true), &json!("enabled")));
    let dry = daemon(granted());
    let ran = run(&dry, &["plugin", "grant", "obs", "--json", "--dry-run"]);
    let object: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&object["done"], &object["confirm"]), (&json!(false), &json!("what you saw")));
    assert_eq!(dry.asked().len(), 1);
    assert_eq!(run(&dry, &["plugin", "grant", "obs", "--json"]).code, 2, "it says neither yes nor no");
}

#[test]
fn nothing_is_asked_where_there_is_nothing_to_grant() {
    let bare = json!({ "plugin": "obs", "version": "1.2.0", "has": ["midi = send *"] });
    let daemon = Fake::new([("plugin.grant", bare)]);
    let ran = run(&daemon, &["plugin", "grant", "obs"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.ends_with("there is nothing to grant: obs has all of that, or asks for nothing\n"),
        "{}",
        ran.out
    );
    let mut refused = view();
    refused["grants"] = json!([]);
    let daemon = Fake::new([("plugin.grant", refused)]);
    for arguments in [["--yes"].as_slice(), &[], &["--json", "--yes"]] {
        let ran = run(&daemon, &[&["plugin", "grant", "obs"], arguments].concat());
        assert_eq!(ran.code, 4, "{arguments:?}: {ran:?}");
    }
    assert!(daemon.asked().iter().all(|call| call["params"]["dry_run"] == json!(true)));
}

#[test]
fn tables_fit_every_terminal_and_keep_what_matters() {
    let plugin = |name: &str| {
        json!({
            "name": name, "version": "10.20.30", "state": "quarantined", "risk": "medium", "signature": "untrusted",
            "actions": ["one-of-many", "another-one", "yet-another"], "executions": 123_456, "p99_us": 12_345,
            "rss_bytes": 1 << 20,
        })
    };
    let stats =
        |name: &str| json!({ "plugin": name, "executions": 123_456, "p99_us": 12_345, "cpu_ms": 99_999 });
    let names = ["obs", "http-request"];
    let daemon = Fake::new([
        ("plugin.list", json!({ "plugins": names.map(plugin) })),
        ("plugin.stats", json!({ "plugins": names.map(stats) })),
    ]);
    let mut columns_before = usize::MAX;
    for width in [200, 120, 80, 60, 40] {
        for what in ["list", "stats"] {
            let mut command = command(&["plugin", what]);
            let ran = run_in_terminal(command.env("PADGATE_SOCKET", daemon.socket()), width, "never", "");
            let out = without_colours(&ran.out);
            assert!(out.lines().all(|line| line.chars().count() <= width.into()), "{width}:\n{out}");
            assert_eq!(out.lines().count(), 3, "nothing is broken at {width}:\n{out}");
            let always = if what == "list" { "quarantined" } else { "123456" };
            assert_eq!(out.matches(always).count(), 2, "{width}:\n{out}");
            if what == "list" {
                let columns = out.lines().next().unwrap_or_default().split_whitespace().count();
                assert!(columns <= columns_before && columns >= 2, "{width}:\n{out}");
                columns_before = columns;
            }
        }
    }
    assert!(columns_before < 6, "a narrow terminal shows less: {columns_before}");
}
