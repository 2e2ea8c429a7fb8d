//! Tests of manifests: what is read, every mistake with its place, and that nothing makes the reader panic.

use proptest::prelude::{any, prop_oneof, proptest};

use super::{Manifest, ParameterKind, read};
use crate::capability::{Capability, HostPattern};
use crate::config::{Diagnostic, Source};

/// A manifest with everything in it.
const GOOD: &str = r#"
[plugin]
name = "http-request"
version = "0.1.0-beta.1"
description = "Makes an HTTP request when a control is used."
author = "Ada Lovelace"
license = "MIT OR Apache-2.0"
homepage = "https://example.com/http-request"
type = "action"
binary = { linux-x86_64 = "libhttp_request.so", macos-aarch64 = "mac/libhttp_request.dylib" }
api = 1
optional = ["midi", "audio"]
[plugin.capabilities]
network = ["localhost:4455", "*.example.com:443", "*:80"]
midi = true
audio = ["play"]
filesystem = { read = ["~/Music"], write = [] }
subprocess = ["obs-cli", "/usr/bin/notify-send"]
system-control = ["media"]
[plugin.limits]
deadline = "1s"
memory = "256MiB"
rate = 100
cpu = 50
files = 64
[[action]]
name = "request"
description = "Makes a request."
held = true
[action.parameters.url]
type = "text"
required = true
description = "Where to."
[action.parameters]
method = { type = "text", choices = ["GET", "POST"], default = "GET" }
headers = { type = "table", of = "text", default = { Accept = "*/*" } }
retries = { type = "integer", min = 0, max = 5, default = 0 }
scale = { type = "number", min = 0.5, default = 1 }
codes = { type = "list", of = "integer", min = 100, max = 599, default = [200, 204] }
body = { type = "any" }
quiet = { type = "flag", default = false }
[[action]]
name = "reset"
[dependencies]
obs = ">=1.2, <3"
"#;

fn read_text(text: &str) -> (Option<Manifest>, Vec<Diagnostic>) {
    read(&Source::new("plugin.toml", text), "linux-x86_64")
}

#[track_caller]
fn good(text: &str) -> Manifest {
    let (manifest, diagnostics) = read_text(text);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    manifest.expect("there are no mistakes")
}

/// The least that a manifest must have, with `more` in `[plugin]` and `rest` after it.
fn least(more: &str, rest: &str) -> String {
    let action = if rest.contains("[[action]]") { "" } else { "[[action]]\nname = \"go\"\n" };
    format!(
        "[plugin]\nname = \"x\"\nversion = \"1.0.0\"\ndescription = \"X.\"\ntype = \"action\"\napi = 1\n\
         {more}\n{binary}{rest}\n{action}",
        binary = if more.contains("binary") { "" } else { "binary = \"libx.so\"\n" },
    )
}

/// The mistakes, each as `E005 1:8 part of the message or help`.
#[track_caller]
fn wrong(text: &str, expected: &[&str]) {
    let (manifest, diagnostics) = read_text(text);
    let shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), expected.len(), "{text}\n{shown:#?}");
    for (diagnostic, expected) in diagnostics.iter().zip(expected) {
        let place = &diagnostic.place;
        let found = format!("{} {}:{}", diagnostic.code.id(), place.line, place.column);
        let words = expected.strip_prefix(&found).map(str::trim);
        let fits = words.is_some_and(|words| diagnostic.to_string().contains(words));
        assert!(fits, "{text}\nexpected {expected}\nfound {found} {diagnostic}");
    }
    assert_eq!(manifest.is_none(), diagnostics.iter().any(Diagnostic::is_error));
}

/// A mistake in a line of `[plugin]`, which is line 7.
#[track_caller]
fn wrong_line(line: &str, expected: &str) {
    wrong(&least(line, ""), &[expected]);
}

/// A mistake in the parameter `p`; its table begins in line 11, column 5.
#[track_caller]
fn wrong_parameter(parameter: &str, expected: &str) {
    wrong(
        &least("", &format!("[[action]]\nname = \"go\"\n[action.parameters]\np = {parameter}")),
        &[expected],
    );
}

#[test]
fn everything_that_can_be_said() {
    let manifest = good(GOOD);
    assert_eq!(manifest.name, "http-request");
    assert_eq!(manifest.version, "0.1.0-beta.1".parse().unwrap());
    assert_eq!(manifest.binary.as_deref(), Some("libhttp_request.so"));
    assert_eq!(manifest.platforms, ["linux-x86_64", "macos-aarch64"]);
    assert_eq!(manifest.optional, [Capability::Midi, Capability::Audio]);
    assert_eq!(manifest.request.capabilities().count(), 6);
    let network = manifest.request.network.as_ref().unwrap();
    assert_eq!(network.hosts[2], HostPattern::parse("*:80").unwrap());
    assert_eq!((manifest.limits.memory, manifest.limits.cpu), (Some(256 << 20), Some(50)));
    assert_eq!(manifest.dependencies, [("obs".to_owned(), ">=1.2, <3".parse().unwrap())]);
    let request = manifest.action("request").unwrap();
    assert!(request.held && !manifest.action("reset").unwrap().held);
    let shown: Vec<(&str, bool, Option<&str>)> = request
        .parameters
        .iter()
        .map(|parameter| (parameter.name.as_str(), parameter.required, parameter.default.as_deref()))
        .collect();
    assert_eq!(
        shown,
        [
            ("url", true, None),
            ("method", false, Some("\"GET\"")),
            ("headers", false, Some("{\"Accept\":\"*/*\"}")),
            ("retries", false, Some("0")),
            ("scale", false, Some("1.0")),
            ("codes", false, Some("[200,204]")),
            ("body", false, None),
            ("quiet", false, Some("false")),
        ]
    );
    assert_eq!(request.parameters[3].kind, ParameterKind::Integer { min: 0, max: 5 });
    assert_eq!(request.parameters[4].kind, ParameterKind::Number { min: 0.5, max: f64::MAX });
    let codes = ParameterKind::List(Box::new(ParameterKind::Integer { min: 100, max: 599 }));
    assert_eq!(request.parameters[5].kind, codes);
}

#[test]
fn binaries_and_platforms() {
    let on = |platform: &str| read(&Source::new("plugin.toml", GOOD), platform).0.unwrap().binary;
    assert_eq!(on("macos-aarch64").as_deref(), Some("mac/libhttp_request.dylib"));
    assert_eq!(on("windows-x86_64"), None);
    let one = good(&least("", ""));
    assert_eq!((one.binary.as_deref(), one.platforms.as_slice()), (Some("libx.so"), [].as_slice()));
    wrong_line("binary = \"/lib/x.so\"", "E030 7:10 in the folder of the manifest");
    wrong_line("binary = \"~/x.so\"", "E030 7:10 in the folder of the manifest");
    wrong_line("binary = \"../x.so\"", "E030 7:10 leads out");
    wrong_line("binary = \"a/../../x.so\"", "E030 7:10 leads out");
    wrong_line("binary = \"a//x.so\"", "E030 7:10 empty");
    wrong_line("binary = \"./x.so\"", "E030 7:10 \".\"");
    wrong_line("binary = \"a\\\\x.dll\"", "E030 7:10 characters");
    wrong_line("binary = \"C:x.dll\"", "E030 7:10 characters");
    wrong_line("binary = \"x\\u0000\"", "E025 7:10 NUL");
    wrong_line("binary = \"x\\u001b[2J\"", "E030 7:10 characters");
    wrong_line("binary = \"\"", "E025 7:10 empty");
    wrong_line("binary = {}", "E018 7:10 for any platform");
    wrong_line("binary = { linux = \"x.so\" }", "E028 7:12 not the name of a platform");
    wrong_line("binary = { linux-x86-64 = \"x.so\" }", "E028 7:12 did you mean linux-x86_64?");
    wrong_line("binary = { linux-x86_46 = \"x.so\" }", "W105 7:12 did you mean linux-x86_64?");
    wrong_line("binary = 5", "E005 7:10");
}

#[test]
fn mistakes_in_what_a_plugin_says_of_itself() {
    let renamed = |name: &str| least("", "").replace("name = \"x\"", &format!("name = {name}"));
    for name in ["\"../x\"", "\"X\"", "\"1x\"", "\"-x\"", "\"x y\"", "\"x/y\"", "\"é\"", "\"x_y\""] {
        wrong(&renamed(name), &["E028 2:8 small letters"]);
    }
    wrong(&renamed(&format!("\"{}\"", "a".repeat(65))), &["E028 2:8"]);
    wrong(&renamed("\"\""), &["E025 2:8"]);
    good(&renamed(&format!("\"{}\"", "a".repeat(64))));
    wrong(&least("", "").replace("1.0.0", "1.0"), &["E029 3:11 three numbers"]);
    wrong(&least("", "").replace("\"X.\"", "\"X\\nY\""), &["E025 4:15 can't stand in `description`"]);
    wrong(&least("", "").replace("\"X.\"", "\"\\u202eX\""), &["E025 4:15"]);
    wrong(&least("", "").replace("\"X.\"", &format!("{:?}", "x".repeat(501))), &["E025 4:15 500 characters"]);
    wrong(&least("", "").replace("\"action\"", "\"trigger\""), &["E007 5:8"]);
    for api in ["0", "65536", "-1", "99999999999999999999"] {
        wrong(
            &least("", "").replace("api = 1", &format!("api = {api}")),
            &["E006 6:7 not within 1 to 65535"],
        );
    }
    wrong_line("author = \"a\\u001b[31m\"", "E025 7:10 `author`");
    wrong_line("optional = [\"midi\"]", "W105 7:13 does not ask for");
    wrong_line("optional = [\"mdi\"]", "E007 7:13 did you mean \"midi\"");
    wrong_line("licence = \"MIT\"", "E003 7:1 did you mean `license`?");
    wrong_line("\"\\u001b[2Jx\" = 1", "E003 7:1 \\u{1b}[2Jx");
    wrong_line("capabilities = { network = true, network = true }", "E017 7:34");
    wrong_line("capabilities = { filesystem = true }", "E005 7:31 name the folders");
    wrong_line("capabilities = { subprocess = true }", "E005 7:31 name the programs");
    wrong_line("limits = { deadline = \"6s\" }", "E006 7:23");
    wrong_line("limits = { files = 7 }", "E006 7:20");
    wrong("", &["E004 1:1 `plugin`", "E004 1:1 `action`"]);
    wrong("[[action]]\nname = \"x\"", &["E004 1:1 `plugin`"]);
    let (_, diagnostics) = read_text("[plugin]\n[[action]]\nname = \"x\"\n");
    let missing: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(missing.len(), 6, "{missing:#?}");
}

#[test]
fn mistakes_in_actions() {
    let actions = |text: &str| least("", text);
    wrong(&actions("[[action]]\nname = \"a b\""), &["E028 10:8 letters, digits"]);
    wrong(&actions("[[action]]\nname = \"a\"\n[[action]]\nname = \"a\""), &["E017 12:8 two actions `a`"]);
    wrong(&actions("[[action]]\nheld = true"), &["E004 9:1 `name` is missing"]);
    wrong(&actions("[[action]]\nname = \"a\"\nhold = true"), &["E003 11:1 did you mean `held`?"]);
    wrong(&least("", "").replace("[[action]]", "[action]"), &["E005 10:1 two brackets"]);
    wrong(
        &least("", "action = []\n[[action]]").replace("[[action]]", ""),
        &["E004 1:1 `action` is missing", "E003 9:1 no key `action`"],
    );
    let many = "[[action]]\nname = \"a\"\n".repeat(257);
    wrong(&actions(&many), &["E018 9:1 257 items"]);
    let many: String = (0..65).map(|n| format!("p{n} = {{ type = \"any\" }}\n")).collect();
    let text = format!("[[action]]\nname = \"a\"\n[action.parameters]\n{many}");
    wrong(&actions(&text), &["E018 11:1 65 parameters"]);
}

#[test]
fn mistakes_in_parameters() {
    wrong_parameter("{ type = \"txt\" }", "E007 12:14 did you mean \"text\"");
    wrong_parameter("{}", "E004 12:5 `type` is missing");
    wrong_parameter("\"text\"", "E005 12:5");
    wrong_parameter("{ type = \"text\", default = 5 }", "E005 12:32");
    wrong_parameter("{ type = \"text\", choices = [\"a\"], default = \"b\" }", "E007 12:49 it can be \"a\"");
    wrong_parameter("{ type = \"text\", choices = [\"a\", \"a\"] }", "E017 12:38");
    wrong_parameter("{ type = \"text\", choices = [] }", "E018 12:32");
    wrong_parameter("{ type = \"integer\", default = 1.5 }", "E005 12:35");
    wrong_parameter("{ type = \"integer\", min = 1, default = 0 }", "E006 12:44");
    wrong_parameter("{ type = \"integer\", min = 2, max = 1 }", "E010 12:31 more than `max`");
    wrong_parameter("{ type = \"integer\", min = 0.5 }", "E005 12:31");
    wrong_parameter("{ type = \"number\", max = 1, default = 1.5 }", "E006 12:43 more than 1");
    wrong_parameter("{ type = \"number\", min = inf }", "E006 12:30");
    wrong_parameter("{ type = \"flag\", default = \"yes\" }", "E005 12:32");
    wrong_parameter("{ type = \"flag\", min = 1 }", "E013 12:22 does not go with the type `flag`");
    wrong_parameter("{ type = \"integer\", choices = [\"a\"] }", "E013 12:25");
    wrong_parameter("{ type = \"text\", of = \"text\" }", "E013 12:22 `list` or `table`");
    wrong_parameter("{ type = \"list\", of = \"list\" }", "E007 12:27");
    wrong_parameter("{ type = \"list\", of = \"integer\", default = [1, \"a\"] }", "E005 12:52");
    wrong_parameter("{ type = \"any\", default = 1979-05-27 }", "E005 12:31 dates");
    wrong_parameter("{ type = \"any\", required = true, default = 1 }", "E013 12:38 can't stand");
    wrong_parameter("{ type = \"any\", default = 9223372036854775808 }", "E006 12:31");
    let named = "[[action]]\nname = \"go\"\n[action.parameters]\n\"a b\" = { type = \"any\" }";
    wrong(&least("", named), &["E028 12:1 the name of a parameter"]);
}

#[test]
fn mistakes_in_dependencies() {
    wrong(&least("", "[dependencies]\nobs = \"one\""), &["E029 10:7"]);
    wrong(&least("", "[dependencies]\nobs = 1"), &["E005 10:7"]);
    wrong(&least("", "[dependencies]\n\"../obs\" = \"1\""), &["E028 10:1"]);
    wrong(&least("", "[dependencies]\nx = \"1\""), &["E013 10:1 can't depend on itself"]);
    let many: String = (0..65).map(|n| format!("p{n} = \"1\"\n")).collect();
    wrong(&least("", &format!("[dependencies]\n{many}")), &["E018 9:1 65 plugins"]);
}

#[test]
fn mistakes_of_all_parts_at_once() {
    let text = GOOD
        .replace("0.1.0-beta.1", "1")
        .replace("localhost:4455", "localhost:0")
        .replace("max = 5,", "max = \"five\",")
        .replace(">=1.2", "newest");
    wrong(&text, &["E029 4:11", "E031 14:12", "E005 37:46 a whole number", "E029 45:7"]);
}

fn splinter() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::Just;
    prop_oneof![
        "[\\x00-\\x7F]{0,3}",
        Just("\u{feff}".to_owned()),
        Just("é\"".to_owned()),
        Just("[[action]]\n".to_owned()),
        Just("= {}".to_owned()),
        Just("-99999999999999999999".to_owned()),
        Just("nan".to_owned()),
        Just("[]".to_owned()),
        Just("true".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("*".to_owned()),
        Just(":".to_owned()),
        Just("../".to_owned()),
    ]
}

proptest! {
    #[test]
    fn spoilt_manifests_never_panic(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0_usize..12, splinter()), 1..6),
    ) {
        let mut text = GOOD.to_owned();
        for (place, removed, put) in edits {
            let mut start = place.index(text.len() + 1);
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + removed).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, &put);
        }
        let (manifest, diagnostics) = read_text(&text);
        assert_eq!(manifest.is_none(), diagnostics.iter().any(Diagnostic::is_error), "{diagnostics:#?}");
    }

    #[test]
    fn swapped_words_never_panic(from in any::<proptest::sample::Index>(), to in any::<proptest::sample::Index>()) {
        let mut words: Vec<&str> = GOOD.split_inclusive([' ', '\n']).collect();
        let (from, to) = (from.index(words.len()), to.index(words.len()));
        words.swap(from, to);
        let _ = read_text(&words.concat());
    }

    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        let _ = read_text(&text);
    }
}
