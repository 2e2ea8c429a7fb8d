//! Keys of a plugin's manifest, and of what a configuration says of plugins.

use super::{CAPABILITIES, Key, Kind, Section};
use crate::manifest::{ACTIONS_MAX, CHOICES_MAX, DEADLINE_MS, FILES, RATE};

const NAME_FORM: &str = "^[a-z][a-z0-9-]{0,63}$";
const NAME: Kind = Kind::Form("the name of a plugin such as \"http-request\"", NAME_FORM);
const IDENTIFIER: Kind = Kind::Form("a name of letters, digits, - and _", "^[A-Za-z][A-Za-z0-9_-]{0,63}$");
const MEMORY: Kind =
    Kind::Form("an amount of memory such as \"256MiB\"", "^\\s*[0-9]+\\s*[KMGkmg][iI][bB]\\s*$");
const TYPES: &[&str] = &["text", "integer", "number", "flag", "list", "table", "any"];
const ITEM_TYPES: &[&str] = &["text", "integer", "number", "flag", "any"];

/// `plugin.toml`.
pub static MANIFEST: Section = Section {
    title: "the manifest",
    doc: "What a plugin says of itself.",
    example: "[plugin]",
    keys: &[
        Key::new(
            "plugin",
            Kind::Table(&MANIFEST_PLUGIN),
            "{ name = \"http-request\" }",
            "The plugin itself.",
        )
        .required(),
        Key::new(
            "action",
            Kind::List(&Kind::Table(&MANIFEST_ACTION), 1, ACTIONS_MAX),
            "[{ name = \"request\", description = \"Makes an HTTP request.\" }]",
            "What it can do.",
        )
        .required(),
        Key::new(
            "dependencies",
            Kind::Map(&Kind::Text("a requirement on a version")),
            "{ obs = \"^1.2\" }",
            "Other plugins that must be enabled before it, each with the versions that will do.",
        ),
    ],
};

/// `[plugin]`.
pub static MANIFEST_PLUGIN: Section = Section {
    title: "the table [plugin]",
    doc: "What the plugin is, and what it asks for.",
    example: "{ name = \"http-request\", version = \"0.1.0\" }",
    keys: &[
        Key::new("name", NAME, "\"http-request\"", "Its name: small letters, digits and -.").required(),
        Key::new("version", Kind::Text("a version"), "\"0.1.0\"", "Its version, as in Semantic Versioning.")
            .required(),
        Key::new("description", Kind::Text(""), "\"Makes an HTTP request.\"", "What it does, in a sentence.")
            .required(),
        Key::new("author", Kind::Text(""), "\"Ada\"", "Who wrote it."),
        Key::new("license", Kind::Text(""), "\"MIT\"", "Under which licence it is."),
        Key::new("homepage", Kind::Text(""), "\"https://example.com\"", "Where to read more."),
        Key::new("type", Kind::Words(&["action"]), "\"action\"", "What sort of plugin it is.").required(),
        Key::new(
            "binary",
            Kind::Either(&[Kind::Text("a file beside the manifest"), Kind::Map(&Kind::Text("a file"))]),
            "{ linux-x86_64 = \"libhttp_request.so\" }",
            "The file with its code, or one for each platform.",
        )
        .required(),
        Key::new("api", Kind::Integer(1, 65535), "1", "The version of the plugin ABI that it was built for.")
            .required(),
        Key::new(
            "optional",
            Kind::List(
                &Kind::Words(&["midi", "audio", "network", "system-control", "filesystem", "subprocess"]),
                0,
                6,
            ),
            "[\"midi\"]",
            "Capabilities that it asks for and can do without.",
        ),
        Key::new(
            "capabilities",
            Kind::Table(&CAPABILITIES),
            "{ network = [\"localhost:8080\"] }",
            "What it asks to be allowed to do.",
        ),
        Key::new(
            "limits",
            Kind::Table(&LIMITS),
            "{ deadline = \"250ms\" }",
            "Limits other than the usual ones.",
        ),
    ],
};

/// `[plugin.limits]` of a manifest, and `[plugin.NAME]` of a configuration.
pub static LIMITS: Section = Section {
    title: "a table of limits",
    doc: "What a plugin may use.",
    example: "{ deadline = \"250ms\" }",
    keys: &[
        Key::new(
            "deadline",
            Kind::Duration(*DEADLINE_MS.start(), *DEADLINE_MS.end()),
            "\"250ms\"",
            "How long a call may take. Past it, the plugin is stopped and started again.",
        ),
        Key::new("memory", MEMORY, "\"256MiB\"", "How much address space its process may have."),
        Key::new("rate", Kind::Integer(*RATE.start(), *RATE.end()), "100", "How many calls a second."),
        Key::new(
            "cpu",
            Kind::Integer(1, 100),
            "50",
            "How many percent of one processor, over a few seconds.",
        ),
        Key::new(
            "files",
            Kind::Integer(*FILES.start(), *FILES.end()),
            "64",
            "How many files it may have open.",
        ),
    ],
};

/// `[[action]]`.
pub static MANIFEST_ACTION: Section = Section {
    title: "an action of a plugin",
    doc: "One thing that a plugin can do.",
    example: "{ name = \"request\", description = \"Makes an HTTP request.\" }",
    keys: &[
        Key::new("name", IDENTIFIER, "\"request\"", "Its name.").required(),
        Key::new("description", Kind::Text(""), "\"Makes an HTTP request.\"", "What it does, in a sentence."),
        Key::new("held", Kind::Flag, "true", "Whether it is told of the release of the control as well."),
        Key::new(
            "parameters",
            Kind::Map(&Kind::Table(&PARAMETER)),
            "{ url = { type = \"text\", required = true } }",
            "What it can be told.",
        ),
    ],
};

/// `[action.parameters.NAME]`.
pub static PARAMETER: Section = Section {
    title: "a parameter",
    doc: "One thing that an action can be told.",
    example: "{ type = \"text\" }",
    keys: &[
        Key::new("type", Kind::Words(TYPES), "\"text\"", "What it is.").required(),
        Key::new(
            "of",
            Kind::Words(ITEM_TYPES),
            "\"text\"",
            "What the items of a list or a table are. If absent, any.",
        ),
        Key::new("description", Kind::Text(""), "\"Where to.\"", "What it is for."),
        Key::new("required", Kind::Flag, "true", "Whether it must be given.").group("absence"),
        Key::new("default", Kind::Anything, "\"GET\"", "What it is if it is not given.").group("absence"),
        Key::new(
            "choices",
            Kind::List(&Kind::Text(""), 1, CHOICES_MAX),
            "[\"GET\", \"POST\"]",
            "The texts that it can be.",
        ),
        Key::new("min", Kind::Number(f64::MIN, f64::MAX), "0", "The least that it can be."),
        Key::new("max", Kind::Number(f64::MIN, f64::MAX), "100", "The most that it can be."),
    ],
};

/// `[plugins]`.
pub static PLUGINS: Section = Section {
    title: "the table [plugins]",
    doc: "What holds for all plugins.",
    example: "{ auto_grant = \"low\" }",
    keys: &[
        Key::new(
            "folders",
            Kind::List(
                &Kind::Form("a folder such as \"~/plugins\" or \"/srv/plugins\"", "^(/|~$|~/)"),
                0,
                64,
            ),
            "[\"~/plugins\"]",
            "Folders to look for plugins in, before the usual ones.",
        ),
        Key::new(
            "auto_grant",
            Kind::Words(&["low", "none"]),
            "\"low\"",
            "What is granted without asking: requests of low risk, or nothing.",
        ),
        Key::new(
            "signatures",
            Kind::Words(&["off", "high-risk", "required"]),
            "\"off\"",
            "Which plugins must be signed by one of `trusted_keys`: none, those that ask for something of high risk, all.",
        ),
        Key::new(
            "trusted_keys",
            Kind::List(&Kind::Form("a public key of minisign", "^RW[A-Za-z0-9+/]{54}$"), 0, 256),
            "[\"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"]",
            "The public keys of those whose signatures you trust.",
        ),
        Key::new(
            "unenforced",
            Kind::Words(&["refuse", "brokered", "run"]),
            "\"refuse\"",
            "What to do with a plugin that this system can't confine fully: not run it, run it with what Padgate does \
             for it, or run it all the same.",
        ),
        Key::new(
            "watch",
            Kind::Flag,
            "false",
            "Whether the folders are watched, so that a changed plugin is loaded by itself.",
        ),
    ],
};
