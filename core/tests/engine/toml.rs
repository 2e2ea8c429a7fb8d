//! Configurations as people write them, played: from the text to the effects.

use padgate_core::config::{Source, load};
use padgate_core::ruleset::Ruleset;

use super::rules::names;
use super::script::{check, check_fired};

/// The meaning of a configuration with the devices `pads` and `keys`.
#[track_caller]
fn configured(text: &str) -> Ruleset {
    let devices = "[device.pads]\nport = \"Pads*\"\n[device.keys]\nport = \"Keys*\"\n[device.synth]\nout = \"Synth*\"\n";
    let loaded = load(&[Source::new("config.toml", format!("{text}\n{devices}"))], &mut names(), &(), &());
    loaded.ruleset.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

#[test]
fn the_first_example_of_the_design() {
    let rules = configured(
        r#"
        [[map]]
        name = "Play / pause"
        on = { device = "pads", note = "C1" }
        do = { key = "space" }

        [[map]]
        name = "Scene"
        on = { device = "pads", note = "C1", hold = "400ms" }
        do = { key = "f2" }

        [[map]]
        mode = "a"
        on = { chord = ["E1", "F1"], within = "40ms" }
        do = [{ key = "ctrl+shift+r" }, { wait = "200ms" }, { mode = "default" }]

        [[map]]
        on = { cc = 7, takeover = "pickup" }
        do = { volume = "value" }
        "#,
    );
    check(
        &rules,
        "pad24 down, 100ms, pad24 up, 100ms, pad24 down, 500ms, pad24 up",
        "100ms key space tap; 600ms key f2 down; 700ms key f2 up",
    );
    check(
        &rules,
        "push a, pad28 down, 10ms, pad29 down, 10ms, pad28 up, 1000ms, pad29 up",
        "10ms key ctrl+shift+r tap",
    );
    check(&rules, "level 50, cc7 0, 10ms, cc7 127", "10ms volume 100%");
}

#[test]
fn a_key_is_held_alone_and_tapped_among_others_unless_told() {
    let rules = configured(
        r#"
        [[map]]
        on = { note = 1 }
        do = { key = "a" }
        [[map]]
        on = { note = 2 }
        do = [{ key = "b" }, { key = "c", hold = true }]
        [[map]]
        on = { note = 3 }
        do = { key = "d", hold = false }
        "#,
    );
    check(&rules, "pad1 down, 5ms, pad1 up", "0ms key a down; 5ms key a up");
    check(&rules, "pad2 down, 5ms, pad2 up", "0ms key b tap; 0ms key c down; 5ms key c up");
    check(&rules, "pad3 down, 5ms, pad3 up", "0ms key d tap");
}

#[test]
fn every_gesture_of_a_button_with_the_times_of_the_settings() {
    let rules = configured(
        r#"
        [settings]
        hold = "500ms"
        tap_window = "200ms"
        [[map]]
        name = "press"
        on = { note = 1 }
        do = { text = "x" }
        [[map]]
        name = "twice"
        on = { note = 1, taps = 2 }
        do = { text = "x" }
        [[map]]
        name = "hold"
        on = { note = 1, hold = true }
        do = { text = "x" }
        [[map]]
        name = "release"
        on = { note = 1, release = true }
        do = { text = "x" }
        "#,
    );
    check_fired(&rules, "pad1 down, 50ms, pad1 up", "50ms fired release; 200ms fired press after 200ms");
    check_fired(&rules, "pad1 down, 600ms, pad1 up", "500ms fired hold; 600ms fired release");
    check_fired(
        &rules,
        "pad1 down, 50ms, pad1 up, 50ms, pad1 down, 50ms, pad1 up",
        "50ms fired release; 100ms fired twice; 150ms fired release",
    );
}

#[test]
fn movements_encoders_and_what_is_sent() {
    let rules = configured(
        r#"
        [[map]]
        on = { cc = 7, range = "20-100" }
        do = { midi = { cc = 20, value = "value", channel = 2 }, to = "synth" }
        value = { from = "20-100" }
        [[map]]
        on = { cc = 16, relative = "twos_complement", divide = 2 }
        do = { volume = "+5%" }
        [[map]]
        on = { cc14 = 1 }
        do = { midi = { bend = "value" } }
        [[map]]
        on = { cc = 64, press = true }
        do = { midi = { note = "C4" } }
        "#,
    );
    check(&rules, "cc7 10, cc7 60, cc7 100", "0ms synth cc 20 64 ch 2; 0ms synth cc 20 127 ch 2");
    check(&rules, "cc16 1, cc16 3, cc16 126", "0ms volume by 10%; 0ms volume by -5%");
    check(&rules, "cc1 64, 1ms, cc33 1", "0ms out bend 8192; 1ms out bend 8193");
    check(&rules, "cc64 127, 5ms, cc64 0", "0ms out on 60 127; 5ms out off 60");
}

#[test]
fn modes_variables_and_conditions() {
    let rules = configured(
        r#"
        [variables]
        x = 1
        [[map]]
        on = { note = 1 }
        do = { mode = { hold = "a" } }
        [[map]]
        mode = "a"
        on = { note = 2 }
        do = { set = { x = { add = 1 } } }
        [[map]]
        on = { note = 3 }
        when = { variable = "x", above = 1.5 }
        do = { text = "more" }
        [[map]]
        on = { note = 3 }
        do = [{ if = { not = { mode = "a" } }, then = [{ text = "one" }], else = [{ text = "held" }] }]
        "#,
    );
    check(&rules, "pad3 down, pad3 up, pad2 down, pad2 up, pad3 down, pad3 up", "0ms one; 0ms one");
    check(
        &rules,
        "pad1 down, pad3 down, pad3 up, pad2 down, pad3 down, pad3 up, pad1 up",
        "0ms held; 0ms more",
    );
}

#[test]
fn repeating_while_held_and_again() {
    let rules = configured(
        r#"
        [[map]]
        on = { note = 1 }
        do = [{ repeat = "held", every = "100ms", do = [{ key = "up" }] }, { text = "end" }]
        [[map]]
        on = { note = 2 }
        again = "ignore"
        do = [{ text = "x" }, { wait = "100ms" }, { text = "y" }]
        "#,
    );
    check(&rules, "pad1 down, 150ms, pad1 up", "0ms key up tap; 100ms key up tap; 150ms end");
    check(&rules, "pad2 down, pad2 up, 50ms, pad2 down, pad2 up", "0ms x; 100ms y");
}

#[test]
fn sequences_programs_and_system_exclusive() {
    let rules = configured(
        r#"
        [[map]]
        on = { sequence = ["C1", "D1", "E1"], within = "500ms" }
        do = { text = "code" }
        [[map]]
        on = { program = "any" }
        do = { text = "program" }
        [[map]]
        on = { sysex = "F0 7E * F7" }
        do = { midi = "same" }
        [[map]]
        on = { realtime = "start" }
        do = { text = "start" }
        "#,
    );
    check(&rules, "pad24 down, pad24 up, pad26 down, pad26 up, pad28 down", "0ms code");
    check(&rules, "program 9, start", "0ms program; 0ms start");
    check(&rules, "sysex F0 7E 01 F7, sysex F0 01 F7", "0ms out sysex [F0, 7E, 01, F7]");
}
