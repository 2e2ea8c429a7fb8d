//! Calls of plugins, and what a configuration says of plugins.

use std::sync::Arc;
use std::time::Duration;

use super::{check, load_files, mapping, mistakes};
use crate::config::{Source, plugin_settings};
use crate::manifest::Limits;
use crate::ruleset::action::{Action, Hold, PluginCall, Step};
use crate::ruleset::plugins::{AutoGrant, SignaturePolicy, UnenforcedPolicy};

/// The manifest of `lamp`.
pub(super) const MANIFEST: &str = r#"
[plugin]
name = "lamp"
version = "1.0.0"
description = "Switches lamps."
type = "action"
binary = "liblamp.so"
api = 1

[[action]]
name = "set"
held = true
[action.parameters]
room = { type = "text", required = true, description = "Which room." }
level = { type = "number", min = 0, max = 1, default = 1 }
colour = { type = "text", choices = ["red", "green"] }
fade = { type = "integer", min = 0, max = 1000, default = 0 }
tags = { type = "list", of = "text" }
more = { type = "table", of = "any" }

[[action]]
name = "off"
"#;

/// The call and the hold of the one action of `do`.
#[track_caller]
fn called(action: &str) -> (PluginCall, Hold) {
    let mapping = mapping(&format!("on = {{ note = 1 }}\ndo = {action}"));
    let [Step::Do(Action::Plugin { call, hold })] = mapping.program.steps.as_slice() else {
        panic!("{mapping:?}")
    };
    ((**call).clone(), *hold)
}

#[track_caller]
fn wrong(action: &str, expected: &str) {
    mistakes(&format!("on = {{ note = 1 }}\ndo = {action}"), &[expected]);
}

#[test]
fn parameters_become_json_in_the_order_of_the_manifest_with_its_defaults() {
    let (call, hold) = called(
        "{ plugin = \"lamp\", action = \"set\", params = { level = 0.5, tags = [\"a\", \"\"], room = \"x\\\"y\", \
         more = { b = [1, 2.5, true], a = { c = \"d\" } } } }",
    );
    assert_eq!((&*call.plugin, &*call.action), ("lamp", "set"));
    assert_eq!(
        &*call.parameters,
        r#"{"room":"x\"y","level":0.5,"fade":0,"tags":["a",""],"more":{"a":{"c":"d"},"b":[1,2.5,true]}}"#
    );
    assert_eq!(hold, Hold::WhileHeld, "the action wants to be told of the release");
    let (call, hold) = called("{ plugin = \"lamp\", action = \"off\" }");
    assert_eq!((&*call.parameters, hold), ("{}", Hold::Tap));
}

#[test]
fn whether_a_release_is_told() {
    let set =
        |more: &str| format!("{{ plugin = \"lamp\", action = \"set\", params = {{ room = \"x\" }}{more} }}");
    assert_eq!(called(&set("")).1, Hold::WhileHeld);
    assert_eq!(called(&set(", hold = false")).1, Hold::Tap);
    assert_eq!(called("{ plugin = \"lamp\", action = \"off\", hold = true }").1, Hold::WhileHeld);
    let two = mapping(&format!("on = {{ note = 1 }}\ndo = [{}, {}]", set(""), set(", hold = true")));
    let holds: Vec<Hold> = two
        .program
        .steps
        .iter()
        .map(|step| match step {
            Step::Do(Action::Plugin { hold, .. }) => *hold,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(holds, [Hold::Tap, Hold::WhileHeld], "one of several is over before the next, unless told");
}

#[test]
fn equal_calls_are_one() {
    let ruleset = check(
        "[[map]]\non = { note = 1 }\ndo = { plugin = \"lamp\", action = \"set\", params = { room = \"x\", level = 1 } }\n\
         [[map]]\non = { note = 2 }\ndo = { plugin = \"lamp\", action = \"set\", params = { level = 1.0, room = \"x\" } }\n\
         [[map]]\non = { note = 3 }\ndo = { plugin = \"lamp\", action = \"set\", params = { room = \"y\" } }\n",
        &[],
    )
    .unwrap();
    let call = |place: usize| match &ruleset.mappings[place].program.steps[0] {
        Step::Do(Action::Plugin { call, .. }) => call,
        other => panic!("{other:?}"),
    };
    assert!(Arc::ptr_eq(call(0), call(1)));
    assert_ne!(call(0), call(2));
    assert_eq!(ruleset.mappings[0].name, "C#-1 → lamp set");
}

#[test]
fn wrong_calls() {
    let set = |params: &str| format!("{{ plugin = \"lamp\", action = \"set\", params = {{ {params} }} }}");
    wrong("{ plugin = \"lamp\" }", "E004 6:8 it has \"set\", \"off\"");
    wrong("{ plugin = \"lamp\", action = \"sett\" }", "E034 6:34 did you mean \"set\"");
    wrong("{ plugin = \"lamp\", action = 5 }", "E005 6:34");
    wrong("{ plugin = \"lamp\", action = \"set\" }", "E036 6:8 Which room");
    wrong(&set(""), "E036 6:41 `room` is missing");
    wrong(&set("room = 5"), "E005 6:59 a text");
    wrong(&set("room = \"x\", lvel = 1"), "E035 6:64 did you mean `level`");
    wrong(&set("room = \"x\", level = 1.5"), "E006 6:72 not within 0 to 1");
    wrong(&set("room = \"x\", level = nan"), "E006 6:72");
    wrong(&set("room = \"x\", colour = \"gren\""), "E007 6:73 did you mean \"green\"");
    wrong(&set("room = \"x\", fade = 1001"), "E006 6:71 not within 0 to 1000");
    wrong(&set("room = \"x\", tags = [\"a\", 1]"), "E005 6:77");
    wrong(&set("room = \"x\", more = { a = [1979-05-27] }"), "E005 6:78 dates can't be told");
    wrong("{ plugin = \"lamp\", action = \"off\", params = { x = 1 } }", "E035 6:52 has no parameters");
    wrong("{ plugin = \"lamp\", action = \"off\", params = 5 }", "E005 6:50");
    wrong("{ plugin = \"../lamp\", action = \"off\" }", "E028 6:17");
    wrong("{ plugin = \"lamp\", action = \"off\", hold = 1 }", "E005 6:48");
    let long = "x".repeat(33 * 1024);
    wrong(&set(&format!("room = \"{long}\"")), "E018 6:50 put more into a file");
}

#[test]
fn all_mistakes_of_a_call_at_once() {
    mistakes(
        "on = { note = 1 }\ndo = { plugin = \"lamp\", action = \"set\", params = { a = 1, level = \"x\", fade = -1 } }",
        &["E036 6:41", "E035 6:52", "E005 6:67", "E006 6:79"],
    );
}

#[test]
fn a_plugin_that_is_not_there_is_no_error() {
    let load = |action: &str| {
        load_files(&[("config.toml", &format!("[[map]]\non = {{ note = 1 }}\ndo = {action}"))])
    };
    for (action, code, words) in [
        (
            "{ plugin = \"lmp\", params = { b = 1, a = [2] } }",
            "W107",
            "did you mean \"lamp\"? `padgate plugin list`",
        ),
        ("{ plugin = \"obs\", params = { b = 1, a = [2] } }", "W107", "`padgate plugin list` shows"),
        ("{ plugin = \"broken\", params = { b = 1, a = [2] } }", "W107", "`padgate plugin info broken`"),
    ] {
        let loaded = load(action);
        let [warning] = loaded.diagnostics.as_slice() else { panic!("{:#?}", loaded.diagnostics) };
        assert!(warning.code.id() == code && warning.to_string().contains(words), "{warning}");
        let mapping = loaded.ruleset.expect("it is a warning").mappings[0].clone();
        let Step::Do(Action::Plugin { call, hold }) = &mapping.program.steps[0] else {
            panic!("{mapping:?}")
        };
        assert_eq!((&*call.action, &*call.parameters, *hold), ("", "{\"a\":[2],\"b\":1}", Hold::Tap));
    }
    let dated = load("{ plugin = \"obs\", params = { when = 1979-05-27 } }");
    assert!(dated.ruleset.is_none(), "what can't be told to any plugin is an error");
}

#[test]
fn settings_of_plugins() {
    let text = r#"
[plugins]
folders = ["~/plugins/", "/srv/plugins"]
auto_grant = "none"
signatures = "high-risk"
trusted_keys = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
unenforced = "brokered"
watch = true
[plugin.lamp]
deadline = "1s"
memory = "512 MiB"
rate = 5
cpu = 10
files = 8
"#;
    let settings = check(text, &[]).unwrap().settings.plugins;
    assert_eq!(settings.folders, ["~/plugins", "/srv/plugins"]);
    assert_eq!(settings.auto_grant, AutoGrant::None);
    assert_eq!(settings.signatures, SignaturePolicy::HighRisk);
    assert_eq!(settings.trusted_keys.len(), 1);
    assert_eq!(settings.unenforced, UnenforcedPolicy::Brokered);
    assert!(settings.watch);
    let limits = Limits {
        deadline: Some(Duration::from_secs(1)),
        memory: Some(512 << 20),
        rate: Some(5),
        cpu: Some(10),
        files: Some(8),
    };
    assert_eq!(settings.limits, [("lamp".to_owned(), limits)]);
    assert_eq!(plugin_settings(&[Source::new("x", text)]), settings, "before the plugins are known");
    assert_eq!(check("", &[]).unwrap().settings.plugins, Default::default());
}

#[test]
fn wrong_settings_of_plugins() {
    check("[plugins]\nfolders = [\"plugins\"]", &["E030 2:12 neither absolute"]);
    check("[plugins]\nauto_grant = \"high\"", &["E007 2:14"]);
    check("[plugins]\ntrusted_keys = [\"RWabc\"]", &["E033 2:17 56 characters"]);
    check("[plugins]\nsignatures = \"required\"", &["W105 2:1 no key is trusted"]);
    check("[plugins]\nfolder = []", &["E003 2:1 did you mean `folders`"]);
    check(
        "[plugin.lamp]\nmemory = \"1MiB\"\ndeadline = \"6s\"",
        &["E006 2:10 not within 16MiB", "E006 3:12"],
    );
    check("[plugin.lamp]\nmemory = \"99999999999999999999GiB\"", &["E032 2:10"]);
    check("[plugin.lamp]\nmemory = 256", &["E005 2:10"]);
    check("[plugin.lmp]\nrate = 5", &["W107 1:9 did you mean \"lamp\""]);
    check("[plugin.Lamp]\nrate = 5", &["E028 1:9"]);
    check("plugin = 5\nplugins = 5", &["E005 1:10 a table for each plugin", "E005 2:11"]);
    let both = [
        ("a.toml", "[plugins]\nwatch = true\n[plugin.lamp]\nrate = 5"),
        ("b.toml", "[plugins]\nwatch = true\n[plugin.lamp]\nrate = 6"),
    ];
    let loaded = load_files(&both);
    let found: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.to_string()).collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].starts_with("b.toml:2:1: error[E017]") && found[1].starts_with("b.toml:3:9: error[E017]")
    );
}
