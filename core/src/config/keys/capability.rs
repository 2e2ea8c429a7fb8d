//! Keys of capabilities: in manifests, in grants.

use super::{Key, Kind, Section};

const NAME_PATTERNS: Kind = Kind::List(&NAME_PATTERN, 0, crate::capability::SCOPE_ENTRIES_MAX);
const NAME_PATTERN: Kind =
    Kind::Text("a pattern on the name of a device: * stands for anything, ? for one character");
const HOSTS: Kind = Kind::List(&HOST, 0, crate::capability::SCOPE_ENTRIES_MAX);
const HOST: Kind =
    Kind::Form("a host such as \"localhost:4455\", \"*.example.com:443\" or \"*\"", "^\\s*\\S+\\s*$");
const PATHS: Kind = Kind::List(&PATH, 0, crate::capability::SCOPE_ENTRIES_MAX);
const PATH: Kind = Kind::Form("a folder such as \"~/Music\" or \"/srv/samples\"", "^(/|~$|~/)");
const PROGRAMS: Kind = Kind::List(&PROGRAM, 0, crate::capability::SCOPE_ENTRIES_MAX);
const PROGRAM: Kind = Kind::Text("a program: its name, or its path");

/// `[plugin.capabilities]`, and what was granted of it.
pub static CAPABILITIES: Section = Section {
    title: "a table of capabilities",
    doc: "What a plugin asks to be allowed to do.",
    example: "{ midi = true }",
    keys: &[
        Key::new(
            "midi",
            Kind::Either(&[Kind::True, Kind::Table(&MIDI_SCOPE)]),
            "{ send = [\"synth\"] }",
            "Sending to devices and listening to them, through Padgate. true: all of them.",
        ),
        Key::new(
            "audio",
            Kind::Either(&[Kind::True, Kind::List(&Kind::Words(&["play", "volume"]), 1, 2)]),
            "[\"play\"]",
            "Playing sounds, changing volumes. true: both.",
        ),
        Key::new(
            "network",
            Kind::Either(&[Kind::True, HOSTS, Kind::Table(&NETWORK_SCOPE)]),
            "[\"localhost:4455\", \"*.example.com:443\"]",
            "HTTP requests and TCP connections to these hosts, through Padgate. true: to any host.",
        ),
        Key::new(
            "system-control",
            Kind::Either(&[
                Kind::True,
                Kind::List(&Kind::Words(&["media", "notify", "brightness", "open", "keys"]), 1, 5),
            ]),
            "[\"media\", \"notify\"]",
            "Media keys, notifications, brightness, opening URLs, typing keys. true: all but typing keys.",
        ),
        Key::new(
            "filesystem",
            Kind::Table(&FILESYSTEM_SCOPE),
            "{ read = [\"~/Music\"] }",
            "Files in these folders. Its own data folder a plugin always has.",
        ),
        Key::new(
            "subprocess",
            Kind::Either(&[PROGRAMS, Kind::Table(&SUBPROCESS_SCOPE)]),
            "[\"obs-cli\"]",
            "Running these programs.",
        ),
    ],
};

/// `midi`, as a table.
pub static MIDI_SCOPE: Section = Section {
    title: "a scope of midi",
    doc: "Which devices.",
    example: "{ send = [\"synth\"] }",
    keys: &[
        Key::new("send", NAME_PATTERNS, "[\"synth\", \"Padgate Out\"]", "It may send to these."),
        Key::new("listen", NAME_PATTERNS, "[\"pads\"]", "It may hear what these send."),
    ],
};

/// `network`, as a table.
pub static NETWORK_SCOPE: Section = Section {
    title: "a scope of network",
    doc: "Which hosts, and how.",
    example: "{ hosts = [\"localhost:4455\"] }",
    keys: &[
        Key::new("hosts", HOSTS, "[\"localhost:4455\"]", "Connections to these, through Padgate."),
        Key::new(
            "direct",
            Kind::Either(&[
                Kind::True,
                Kind::List(&Kind::Integer(1, 65535), 1, crate::capability::SCOPE_ENTRIES_MAX),
            ]),
            "[443]",
            "Its own sockets, to any host: on any port, or on these.",
        ),
    ],
};

/// `filesystem`.
pub static FILESYSTEM_SCOPE: Section = Section {
    title: "a scope of filesystem",
    doc: "Which folders.",
    example: "{ read = [\"~/Music\"] }",
    keys: &[
        Key::new("read", PATHS, "[\"~/Music\"]", "It may read what is in these."),
        Key::new("write", PATHS, "[\"~/Recordings\"]", "It may read, change and delete what is in these."),
    ],
};

/// `subprocess`, as a table.
pub static SUBPROCESS_SCOPE: Section = Section {
    title: "a scope of subprocess",
    doc: "Which programs, and how.",
    example: "{ programs = [\"obs-cli\"] }",
    keys: &[
        Key::new("programs", PROGRAMS, "[\"obs-cli\"]", "Padgate runs these for it."),
        Key::new("direct", Kind::True, "true", "It runs any program itself, inside its own confinement."),
    ],
};
