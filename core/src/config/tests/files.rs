//! Whole files: syntax, several files, devices, settings, and what holds across mappings.

use super::{DEVICES, check, compare, load_files, mistakes};
use crate::config::{Source, load};
use crate::ids::Names;
use crate::ruleset::{OutputChoice, PortPattern, Value};

const MAPPING: &str = "[[map]]\non = { note = 1 }\ndo = { key = \"a\" }\n";

#[test]
fn an_empty_file_is_a_configuration() {
    assert!(check("", &[]).unwrap().mappings.is_empty());
    assert!(check("# nothing\n", &[]).is_some());
}

#[test]
fn byte_order_mark_and_line_ends_do_not_count() {
    let text = format!("\u{feff}{}", MAPPING.replace('\n', "\r\n"));
    let ruleset = check(&text, &[]).unwrap();
    assert_eq!(
        (ruleset.mappings[0].origin.file.as_str(), ruleset.mappings[0].origin.line),
        ("config.toml", 1)
    );
    check("\u{feff}oops = 1\r\n", &["E003 1:1"]);
}

#[test]
fn mistakes_of_syntax() {
    check("[[map]\n", &["E002 1:7"]);
    check("a\0b = 1\n", &["E002 1:2 NUL"]);
    check("settings = \n", &["E002 1:12"]);
    check("[settings]\nhold = \"1s\"\nhold = \"2s\"\n", &["E017 3:1"]);
    check("[device.a]\nport = \"x\"\n[device.a]\nport = \"y\"\n", &["E017 3:9", "E017 4:1"]);
    let deep = format!("x = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(load_files(&[("config.toml", &deep)]).ruleset.is_none());
}

#[test]
fn columns_count_characters() {
    mistakes(
        "name = \"äöü\"\non = { note = \"ÄÖ\", hodl = true }\ndo = { key = \"a\" }",
        &["E008 6:15", "E003 6:21"],
    );
}

#[test]
fn places_are_byte_spans_of_what_is_wrong() {
    let text = "[[map]]\nname = \"é\"\non = { note = \"X\" }\ndo = { key = \"a\" }\n";
    let loaded = load_files(&[("config.toml", text)]);
    assert_eq!(&text[loaded.diagnostics[0].place.span.clone()], "\"X\"");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let mut text = String::new();
    let mut expected = Vec::new();
    for number in 0..20 {
        text.push_str("[[map]]\non = { note = 128 }\ndo = { key = \"a\" }\n");
        expected.push(format!("E006 {}:15", number * 3 + 2));
    }
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&text, &expected);
}

#[test]
fn more_mistakes_than_anybody_reads_are_counted() {
    let text = "[[map]]\non = { note = 128 }\ndo = { key = \"a\" }\n".repeat(1000);
    let loaded = load_files(&[("config.toml", &text)]);
    assert_eq!(loaded.diagnostics.len(), super::super::diagnostics::DIAGNOSTICS_MAX + 1);
    assert!(loaded.diagnostics.last().unwrap().to_string().contains("800 more"));
}

#[test]
fn wrong_types_everywhere() {
    check(
        "map = 1\nsettings = 1\ndevice = 1\nvariables = 1\n",
        &["E005 1:7", "E005 2:12", "E005 3:10", "E005 4:13"],
    );
    check("[map]\non = 1\n", &["E005 1:1 two brackets"]);
    check("map = [1, \"x\"]\n", &["E005 1:8", "E005 1:11"]);
    check(
        "[[map]]\nname = 1\nmode = 1\nenabled = 1\non = 1\nwhen = 1\nvalue = 1\nagain = 1\ndo = 1\n",
        &["E005 2:8", "E005 3:8", "E005 4:11", "E005 5:6", "E005 6:8", "E005 7:9", "E005 8:9", "E005 9:6"],
    );
    check("[[map]]\n", &["E004 1:1 `on` is missing", "E004 1:1 `do` is missing"]);
    check("[settings]\nhold = 1979-05-27\n", &["E005 2:8 a date"]);
}

#[test]
fn settings() {
    let text = "[settings]\nmode = \"x\"\nallow_shell = true\noutput = \"uinput\"\nvirtual_ports = false\n\
        [variables]\nscene = 1\nlive = false\n";
    let ruleset = check(text, &[]).unwrap();
    let settings = &ruleset.settings;
    assert_eq!(ruleset.names.modes.name(settings.start_mode), "x");
    assert!(settings.allow_shell && !settings.virtual_ports);
    assert_eq!(settings.output, OutputChoice::Uinput);
    let values: Vec<&Value> = ruleset.variables.iter().map(|(_, value)| value).collect();
    assert_eq!(values, [&Value::Number(1.0), &Value::Flag(false)]);
    check("[settings]\noutput = \"x12\"\n", &["E007 2:10 did you mean \"x11\"?"]);
    check("[settings]\nalow_shell = true\n", &["E003 2:1 did you mean `allow_shell`?"]);
    check("[setings]\n", &["E003 1:2 did you mean `settings`?"]);
    check("[variables]\na = [1]\nb = nan\n", &["E005 2:5", "E006 3:5"]);
}

#[test]
fn devices() {
    let text = "[device.z]\nport = \"Z*\"\nusb = \"1-1\"\ndrop_echo = \"20ms\"\n[device.a]\nport = \"A\"\nout = false\n\
        [device.b]\nout = \"B\"\n[device.c]\nport = \"C\"\nout = \"D\"\n";
    let ruleset = check(text, &[]).unwrap();
    let names: Vec<&str> = ruleset.names.devices.iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["Padgate In", "z", "a", "b", "c"], "in the order written");
    let pattern = |text: &str| Some(PortPattern(text.to_owned()));
    let z = &ruleset.devices[0];
    assert_eq!(
        (&z.ports.input, &z.ports.output, &z.ports.usb),
        (&pattern("Z*"), &pattern("Z*"), &pattern("1-1"))
    );
    assert_eq!(z.echo.as_millis(), 20);
    assert_eq!((&ruleset.devices[1].ports.input, &ruleset.devices[1].ports.output), (&pattern("A"), &None));
    assert_eq!((&ruleset.devices[2].ports.input, &ruleset.devices[2].ports.output), (&None, &pattern("B")));
    assert_eq!(ruleset.devices[3].ports.output, pattern("D"));
    check("[device.a]\n", &["E004 1:9 no port"]);
    check("[device.a]\nout = false\n", &["E004 1:9"]);
    check("[device.a]\nport = \"A\"\nout = true\n", &["E005 3:7"]);
    check("[device.a]\nusb = \"1-1\"\n", &["E004 1:9", "E013 2:1 without `port` or `out`"]);
    check("[device.a]\nport = \"A\"\ndrop_echo = 20\n", &["E005 3:13"]);
    check("[device.a]\nprot = \"A\"\nport = \"\"\n", &["E003 2:1", "E025 3:8"]);
    check(
        "[device.a]\nport = \"A\"\n[device.a.controls]\nx = { note = 200 }\ny = {}\nz = 1\n",
        &["E006 4:14", "E004 5:5", "E005 6:5"],
    );
    let silent = "[device.a]\nport = \"A\"\nout = false\n[[map]]\non = { note = 1 }\ndo = { midi = \"same\", to = \"a\" }\n";
    check(silent, &["E023 6:28 `out`"]);
}

#[test]
fn controller_files() {
    check("[device.a]\nport = \"A\"\ncontroller = \"gird\"\n", &["E016 3:14 did you mean \"grid\"?"]);
    check("[device.a]\nport = \"A\"\ncontroller = \"locked\"\n", &["E016 3:14 permission denied"]);
    let loaded = load_files(&[("config.toml", "[device.a]\nport = \"A\"\ncontroller = \"broken\"\n")]);
    compare(&loaded, &["E003 2:10 did you mean `note`?"], "broken.toml");
    assert_eq!(&*loaded.diagnostics[0].place.file, "broken.toml");
}

#[test]
fn several_files_count_as_one() {
    let loaded = load_files(&[
        ("config.toml", "[device.a]\nport = \"A\"\n[settings]\nhold = \"1s\"\n[variables]\nx = 1\n"),
        ("conf.d/10.toml", "[[map]]\non = { device = \"a\", note = 1 }\ndo = { mode = \"m\" }\n"),
        (
            "conf.d/20.toml",
            "[[map]]\nmode = \"m\"\non = { note = 1 }\ndo = { key = \"a\" }\n[settings]\nmode = \"m\"\n",
        ),
    ]);
    compare(&loaded, &[], "three files");
    let origins: Vec<String> =
        loaded.ruleset.unwrap().mappings.iter().map(|m| m.origin.file.clone()).collect();
    assert_eq!(origins, ["conf.d/10.toml", "conf.d/20.toml"]);
    let twice = "[device.a]\nport = \"A\"\n[settings]\nhold = \"1s\"\n[variables]\nx = 1\n";
    let loaded = load_files(&[("config.toml", twice), ("conf.d/10.toml", twice)]);
    compare(&loaded, &["E017 1:9", "E017 4:1", "E017 6:1"], "twice");
    for diagnostic in &loaded.diagnostics {
        assert_eq!(&*diagnostic.place.file, "conf.d/10.toml");
        assert_eq!(&*diagnostic.second.as_ref().unwrap().0.file, "config.toml");
    }
}

#[test]
fn a_mapping_that_is_not_enabled_is_checked_and_left_out() {
    let text = "[[map]]\nenabled = false\non = { note = 1 }\ndo = { key = \"a\" }\n";
    assert!(check(text, &[]).unwrap().mappings.is_empty());
    check(&text.replace("= 1 }", "= 200 }"), &["E006 3:15"]);
}

#[test]
fn mappings_that_never_fire() {
    let two = |first: &str, second: &str| {
        format!(
            "{DEVICES}[[map]]\n{first}\ndo = {{ key = \"a\" }}\n[[map]]\n{second}\ndo = {{ key = \"b\" }}\n"
        )
    };
    check(&two("on = { note = 1 }", "on = { note = 1 }"), &["W101 7:1 line 4"]);
    check(&two("on = { chord = [1, 2] }", "on = { chord = [2, 1] }"), &["W101 7:1"]);
    check(&two("on = { note = 1 }", "on = { note = 1, velocity = \"1-5\" }"), &["W101 7:1"]);
    check(&two("on = { note = 1, velocity = \"1-5\" }", "on = { note = 1 }"), &[]);
    check(&two("on = { note = 1 }", "on = { note = 1, hold = true }"), &[]);
    check(&two("on = { note = 1 }", "on = { note = 1, channel = 1 }"), &["W101 7:1"]);
    check(&two("on = { note = \"any\" }", "on = { device = \"pads\", note = 1 }"), &["W101 7:1"]);
    check(&two("on = { note = 1, channel = 1 }", "on = { note = 1 }"), &[]);
    check(&two("on = { note = 1, taps = 2 }", "on = { note = 1, taps = 2, window = \"1s\" }"), &["W101 7:1"]);
    check(&two("on = { cc = 1 }", "on = { cc = 1 }"), &["W101 7:1"]);
    check(&two("on = { cc = 1 }", "on = { cc = 1, range = \"1-5\" }"), &[]);
    check(&two("on = { program = 1 }", "on = { program = 1 }"), &["W101 7:1"]);
    check(&two("on = { note = 1 }\nwhen = { weekday = \"mon\" }", "on = { note = 1 }"), &[]);
    check(&two("on = { note = 1 }\nenabled = false", "on = { note = 1 }"), &[]);
}

#[test]
fn modes_that_lead_nowhere() {
    let text = "[[map]]\nmode = \"strem\"\non = { note = 1 }\ndo = { key = \"a\" }\n\
        [[map]]\non = { note = 2 }\ndo = { mode = \"stream\" }\n";
    check(text, &["W102 2:8 did you mean \"stream\"?", "W103 7:15 did you mean \"strem\"?"]);
    check("[settings]\nmode = \"quiet\"\n", &[]);
}

#[test]
fn too_many_gestures() {
    let mut text = String::new();
    for length in 1..=17 {
        text.push_str(&format!(
            "[[map]]\non = {{ note = 1, hold = \"{length}s\" }}\ndo = {{ panic = true }}\n"
        ));
    }
    check(&text, &["E026 49:1 at most 16"]);
}

#[test]
fn names_stay_as_they_are_on_errors_and_grow_otherwise() {
    let mut names = Names::default();
    let bad = Source::new("a", "[device.bad]\nport = \"x\"\n[[map]]\nmode = \"m\"\n");
    assert!(load(&[bad], &mut names, &(), &()).ruleset.is_none());
    assert_eq!((names.devices.len(), names.modes.len()), (1, 1));
    let first = Source::new("a", "[device.x]\nport = \"x\"\n[device.y]\nport = \"y\"\n");
    assert!(load(&[first], &mut names, &(), &()).ruleset.is_some());
    let second = Source::new("a", "[device.y]\nport = \"y\"\n");
    let ruleset = load(&[second], &mut names, &(), &()).ruleset.unwrap();
    assert_eq!(ruleset.devices[0].id.index(), 2, "the number stays across reloads");
    assert_eq!(names.devices.len(), 3);
}

#[test]
fn ten_thousand_mappings() {
    let mut text = String::from(DEVICES);
    for number in 0..10_000 {
        text.push_str(&format!(
            "[[map]]\nmode = \"m{}\"\non = {{ device = \"pads\", note = {}, channel = {} }}\ndo = {{ mode = \"m{}\" }}\n",
            number / 2000,
            number % 128,
            number % 2000 / 128 + 1,
            (number + 1) % 5,
        ));
    }
    let ruleset = check(&text, &[]).unwrap();
    assert_eq!(ruleset.mappings.len(), 10_000);
}
