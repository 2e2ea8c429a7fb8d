//! The C header: it is what the Rust types say, and C and C++ compilers agree with them about every size and place.
//!
//! `UPDATE=1 cargo test -p padgate-plugin-abi` writes the header anew.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::Command;

use padgate_plugin_abi::http::{PadgateHttp, PadgateHttpRequest};
use padgate_plugin_abi::{
    ENTRY_SYMBOL, PadgateBuffer, PadgateContext, PadgateEvent, PadgateHost, PadgatePlugin, PadgateText,
};
use padgate_plugin_abi::{audio, http, log, midi, process, system, tcp, timer, udp};

/// The macros of the header that hold an extension's name.
const EXTENSIONS: &[(&str, &str)] = &[
    ("PADGATE_LOG_EXTENSION", log::NAME),
    ("PADGATE_TIMER_EXTENSION", timer::NAME),
    ("PADGATE_MIDI_EXTENSION", midi::NAME),
    ("PADGATE_AUDIO_EXTENSION", audio::NAME),
    ("PADGATE_HTTP_EXTENSION", http::NAME),
    ("PADGATE_TCP_EXTENSION", tcp::NAME),
    ("PADGATE_UDP_EXTENSION", udp::NAME),
    ("PADGATE_PROCESS_EXTENSION", process::NAME),
    ("PADGATE_SYSTEM_EXTENSION", system::NAME),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// What stands at the top: the rules of the ABI, for somebody who has only this file.
fn top() -> String {
    let source = std::fs::read_to_string(folder().join("src/lib.rs")).unwrap();
    let mut text = String::from(
        "/*\n * padgate_plugin.h: what a plugin of Padgate is written against.\n *\n * Generated; do not edit.\n *\n",
    );
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        text += &format!(" *{line}\n");
    }
    text += " */\n\n#ifndef PADGATE_PLUGIN_H\n#define PADGATE_PLUGIN_H";
    // Of no use to somebody who reads the header.
    text.replace(" The C header `include/padgate_plugin.h` is generated from this file.", "")
}

/// What stands before the types: texts, which cbindgen does not know.
fn texts() -> String {
    let mut text = String::from(
        "\n/* What makes a function visible to Padgate. */\n#if defined(_WIN32)\n\
         #define PADGATE_EXPORT __declspec(dllexport)\n#else\n\
         #define PADGATE_EXPORT __attribute__((visibility(\"default\")))\n#endif\n\n\
         /* The name of the one exported function; it is declared at the end of this file. */\n",
    );
    let _ = writeln!(text, "#define PADGATE_ENTRY_SYMBOL \"{ENTRY_SYMBOL}\"\n");
    text += "/* The names of the host's extensions, for PadgateHost.extension. */\n\n";
    for (name, value) in EXTENSIONS {
        let module = value.trim_start_matches("padgate.").trim_end_matches("/1");
        let source = std::fs::read_to_string(folder().join(format!("src/{module}.rs"))).unwrap();
        for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
            let _ = writeln!(text, "//{line}");
        }
        let _ = writeln!(text, "#define {name} \"{value}\"\n");
    }
    text.trim_end().to_owned()
}

/// What stands at the end: the entry, and what every author would write again.
fn end() -> String {
    format!(
        r"/* The one function that a plugin defines with this name. */
#ifdef __cplusplus
extern {c} {{
#endif
PADGATE_EXPORT const PadgatePlugin *{ENTRY_SYMBOL}(void);
#ifdef __cplusplus
}}
#endif

/* A text of Padgate from a text of C, which must live as long. Null is the empty text. */
static inline PadgateText padgate_text(const char *text) {{
    PadgateText result;
    result.data = (const uint8_t *)text;
    result.length = text ? strlen(text) : 0;
    return result;
}}

/* 1 if a text of Padgate and a text of C are the same, else 0. */
static inline int padgate_text_is(PadgateText text, const char *other) {{
    return text.length == strlen(other) && (text.length == 0 || memcmp(text.data, other, text.length) == 0);
}}

/* Lets the owner of a buffer free it. Harmless if there is nothing to free, and the second time. */
static inline void padgate_release(PadgateBuffer *buffer) {{
    void (*release)(PadgateBuffer *) = buffer->release;
    buffer->release = 0;
    if (release) {{
        release(buffer);
    }}
}}

#endif /* PADGATE_PLUGIN_H */
",
        c = "\"C\""
    )
}

/// Links of rustdoc, for a reader of C: names without brackets and without modules.
fn plain(header: &str) -> String {
    let mut plain = header.replace("[`", "`").replace("`]", "`").replace("crate::", "");
    for (rust, c) in [
        ("`ENTRY_SYMBOL`", "`padgate_plugin_entry`"),
        ("`ABI_VERSION`", "`PADGATE_ABI_VERSION`"),
        ("`STATE_BYTES_MAX`", "`PADGATE_STATE_BYTES_MAX`"),
        ("`PadgatePlugin::abi`", "`PadgatePlugin.abi`"),
        ("PADGATE_PANICKED -100", "PADGATE_PANICKED (-100)"),
    ] {
        plain = plain.replace(rust, c);
    }
    plain
}

fn generate() -> String {
    let mut config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).unwrap();
    config.header = Some(top());
    config.after_includes = Some(texts());
    config.trailer = Some(end());
    let mut sources = vec![folder().join("src/lib.rs")];
    for name in ["log", "timer", "midi", "audio", "http", "tcp", "udp", "process", "system"] {
        sources.push(folder().join(format!("src/{name}.rs")));
    }
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources {
        builder = builder.with_src(source);
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    plain(&String::from_utf8(header).unwrap())
}

#[test]
fn the_header_is_what_the_types_say() {
    let path = folder().join("include/padgate_plugin.h");
    let header = generate();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &header).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let hint = "run `UPDATE=1 cargo test -p padgate-plugin-abi` and commit plugins/abi/include";
    assert!(committed == header, "the header is out of date: {hint}");
}

/// A C file that compiles only if the compiler agrees with `facts`: (expression of C, value in Rust).
fn claims(facts: &[(String, usize)]) -> String {
    let mut source = String::from("#include <padgate_plugin.h>\n#include <padgate_plugin.h>\n");
    for (number, (expression, value)) in facts.iter().enumerate() {
        let _ = writeln!(source, "typedef char fact_{number}[({expression}) == {value} ? 1 : -1];");
        let _ = writeln!(source, "extern fact_{number} unused_{number};");
    }
    source
        + "int main(void) { return padgate_text_is(padgate_text(PADGATE_LOG_EXTENSION), PADGATE_ENTRY_SYMBOL); }\n"
}

macro_rules! facts {
    ($($kind:ident { $($member:ident),* })*) => {
        vec![
            $((format!("sizeof({})", stringify!($kind)), size_of::<$kind>()),
            $((format!("offsetof({}, {})", stringify!($kind), stringify!($member)), offset_of!($kind, $member)),)*)*
        ]
    };
}

fn facts() -> Vec<(String, usize)> {
    use audio::PadgateAudio;
    use http::PadgateHeader;
    use log::PadgateLog;
    use midi::PadgateMidi;
    use process::PadgateProcess;
    use system::PadgateSystem;
    use tcp::PadgateTcp;
    use timer::PadgateTimer;
    use udp::PadgateUdp;
    let mut facts = facts! {
        PadgateText { data, length }
        PadgateBuffer { data, length, owner, release }
        PadgateContext {
            press, received_ns, deadline_ns, value, device, raw, ticks, phase, channel, note, controller, message,
            message_length, reserved
        }
        PadgateEvent { size, kind, time_ns, data, device }
        PadgatePlugin {
            size, abi, reserved, name, version, create, destroy, prepare, forget, execute, event, save, extension
        }
        PadgateHost { size, abi, reserved, context, extension, data_folder, home_folder }
        PadgateHttpRequest { size, timeout_ms, method, url, headers, header_count, body }
        PadgateHttp { size, request }
        PadgateHeader { name, value }
        PadgateAudio { size, play, volume }
        PadgateLog { size, write }
        PadgateUdp { size, send }
        PadgateMidi { size, send, cancel, listen }
        PadgateProcess { size, run }
        PadgateSystem { size, perform }
        PadgateTcp { size, connect }
        PadgateTimer { size, set }
    };
    facts.push(("sizeof(PadgateContext)".to_owned(), 64));
    let abi = usize::from(padgate_plugin_abi::ABI_VERSION);
    let constants = [
        ("PADGATE_ABI_VERSION", abi),
        ("PADGATE_STATE_BYTES_MAX", padgate_plugin_abi::STATE_BYTES_MAX),
        ("PADGATE_PARAMETERS_BYTES_MAX", padgate_plugin_abi::PARAMETERS_BYTES_MAX),
        ("PADGATE_LIMIT", padgate_plugin_abi::PADGATE_LIMIT as usize),
        ("PADGATE_PHASE_CHANGE", padgate_plugin_abi::PADGATE_PHASE_CHANGE.into()),
        ("PADGATE_NONE", padgate_plugin_abi::PADGATE_NONE.into()),
        ("PADGATE_EVENT_MIDI", padgate_plugin_abi::PADGATE_EVENT_MIDI as usize),
        ("PADGATE_LOG_ERROR", log::PADGATE_LOG_ERROR as usize),
        ("PADGATE_VOLUME_MUTE", audio::PADGATE_VOLUME_MUTE as usize),
        ("PADGATE_SYSTEM_TYPE", system::PADGATE_SYSTEM_TYPE as usize),
        ("-PADGATE_PANICKED", 100),
    ];
    facts.extend(constants.map(|(name, value)| (name.to_owned(), value)));
    facts.extend(EXTENSIONS.iter().map(|(name, value)| (format!("sizeof({name})"), value.len() + 1)));
    facts
}

/// Compiles a text as a file with this name, and says whether that went without a warning.
fn compile(compiler: &str, arguments: &[&str], name: &str, source: &str) -> Result<(), String> {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join(name);
    std::fs::write(&path, source).unwrap();
    let output = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-c", "-o"])
        .arg(scratch.path().join("out.o"))
        .args(arguments)
        .arg("-I")
        .arg(folder().join("include"))
        .arg(&path)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn a_c_compiler_sees_the_same() {
    let facts = facts();
    for standard in ["-std=c99", "-std=c17"] {
        compile("cc", &[standard], "facts.c", &claims(&facts)).unwrap();
    }
    let wrong = [("sizeof(PadgateContext)".to_owned(), 63)];
    assert!(compile("cc", &["-std=c99"], "wrong.c", &claims(&wrong)).is_err(), "a wrong claim is noticed");
}

#[test]
fn a_cpp_compiler_sees_the_same() {
    // The C++ compiler is no tool that the workspace needs; where it is missing, C has been tried above.
    if Command::new("c++").arg("--version").output().is_err() {
        println!("no c++ here: not tried");
        return;
    }
    compile("c++", &["-std=c++11"], "facts.cpp", &claims(&facts())).unwrap();
}

#[test]
fn the_documentation_is_there_for_an_author_in_c() {
    let header = generate();
    for part in ["The press was a tap", "Memory is freed by whoever allocated it", "At most", "64 bytes"] {
        assert!(header.to_lowercase().contains(&part.to_lowercase()), "the header does not say “{part}”");
    }
    for rust in ["[`", "crate::", "Option<", "::"] {
        assert!(!header.contains(rust), "`{rust}` is of no use to an author in C");
    }
    let mut longest = header.lines().filter(|line| line.chars().count() > 125).peekable();
    assert!(longest.peek().is_none(), "too long: {:?}", longest.collect::<Vec<_>>());
}
