//! Rights as text: what reads back, what is refused, and what a user is told.

use proptest::prelude::any;
use proptest::{prop_assert_eq, proptest};

use crate::capability::{Capability, FilesystemScope, HostPattern, Rights, Risk, path};
use crate::config::Source;

#[track_caller]
fn read(text: &str) -> Rights {
    let (rights, diagnostics) = Rights::from_toml(&Source::new("grants", text));
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    rights.expect("there are no mistakes")
}

/// The mistakes, each as `E005 1:8 part of the message or help`.
#[track_caller]
fn wrong(text: &str, expected: &str) {
    let (rights, diagnostics) = Rights::from_toml(&Source::new("grants", text));
    let [diagnostic] = diagnostics.as_slice() else { panic!("{text}: {diagnostics:#?}") };
    let found = format!("{} {}:{}", diagnostic.code.id(), diagnostic.place.line, diagnostic.place.column);
    let (place, words) = expected.split_at(found.len().min(expected.len()));
    assert!(place == found && diagnostic.to_string().contains(words.trim()), "{text}: {found} {diagnostic}");
    assert_eq!(rights.is_none(), diagnostic.is_error());
}

const EVERYTHING: &str = r#"midi = { send = ["synth", "Padgate Out"], listen = ["*"] }
audio = ["play", "volume"]
network = { hosts = ["localhost:4455", "*.example.com:443", "[::1]:80", "*"], direct = [443, 80] }
system-control = ["media", "notify", "brightness", "open", "keys"]
filesystem = { read = ["~/Music", "/"], write = ["~/it's \"here\""] }
subprocess = { programs = ["obs-cli", "/usr/bin/obs"], direct = true }
"#;

#[test]
fn what_is_written_reads_back() {
    for text in [
        EVERYTHING,
        "",
        "midi = true",
        "midi = { listen = [\"a\"] }",
        "audio = true",
        "audio = [\"volume\"]",
        "network = true",
        "network = [\"*:443\"]",
        "network = { direct = true }",
        "system-control = true",
        "filesystem = { write = [\"/srv\"] }",
        "subprocess = [\"sh\"]",
        "subprocess = { direct = true }",
    ] {
        let rights = read(text);
        assert_eq!(read(&rights.to_toml()), rights, "{text}");
        let table: toml::Table = rights.to_toml().parse().unwrap();
        assert_eq!(Rights::from_table(&table).as_ref(), Ok(&rights), "{text}");
        for capability in rights.capabilities() {
            let one = rights.one_text(capability).unwrap();
            // On the command line, what another entry takes in anyway is left out.
            let (read, scope) = Rights::parse_one(&one).unwrap();
            let (scope, written) = (scope.unwrap(), rights.only(capability));
            assert!(read == capability && scope.is_within(&written) && written.is_within(&scope), "{one}");
        }
    }
    assert_eq!(read(EVERYTHING).capabilities().count(), 6);
    assert!(!read("system-control = true").system_control.unwrap().keys, "keys must be named");
    assert_eq!(read(EVERYTHING).filesystem.unwrap().write, ["~/it's \"here\""]);
}

#[test]
fn mistakes_have_a_place_and_a_way_out() {
    wrong("netwrk = true", "E003 1:1 did you mean `network`");
    wrong("filesystem = true", "E005 1:14 name the folders");
    wrong("subprocess = true", "E005 1:14 name the programs");
    wrong("network = [\"localhost:0\"]", "E031 1:12 no port from 1 to 65535");
    wrong("network = [\"http://localhost\"]", "E031 1:12 no URL");
    wrong("network = { direct = [] }", "E018 1:22 this array is empty");
    wrong("network = { direct = [0] }", "E006 1:23");
    wrong("filesystem = { read = [\"Music\"] }", "E030 1:24 neither absolute");
    wrong("filesystem = { read = [\"~/../x\"] }", "E030 1:24 lead anywhere");
    wrong("subprocess = [\"obs --start\"]", "E030 1:15 arguments");
    wrong("subprocess = { direct = false }", "E005 1:25");
    wrong("audio = [\"ply\"]", "E007 1:10 did you mean \"play\"");
    wrong("midi = { send = [] }", "W105 1:1 asks for nothing");
    wrong("midi = { send = [\"*a*b*c*d*\"] }", "E025 1:18 stars");
    wrong("midi = false", "E005 1:8");
    let table: toml::Table = "midi = 1\naudio = 2".parse().unwrap();
    assert!(Rights::from_table(&table).unwrap_err().contains("; "), "all mistakes are named");
}

#[test]
fn hosts() {
    for (text, shown) in [
        ("localhost", "localhost"),
        (" LocalHost.:80 ", "localhost:80"),
        ("*", "*"),
        ("*:443", "*:443"),
        ("*.Example.com:443", "*.example.com:443"),
        ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
        ("[::1]", "[::1]"),
        ("10.0.0.1:65535", "10.0.0.1:65535"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ] {
        let pattern = HostPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(pattern.to_string(), shown);
        assert_eq!(HostPattern::parse(shown), Ok(pattern));
    }
    for wrong in [
        "",
        "a b",
        "::1",
        "[::1",
        "[::1]80",
        "[x]:80",
        "a:",
        "a:0",
        "a:65536",
        "a:+80",
        "a:1:2",
        "*a",
        "a.*",
        "*.",
        "**",
        "a..b",
        "bücher.example",
        "user@host",
        "host/path",
        "127.1",
        "0x7f.1",
        "1.2.3.4.5",
        "*.0.0.1",
        "a\0b",
        "http://a",
        &"a".repeat(64),
        &"a.".repeat(200),
    ] {
        assert!(HostPattern::parse(wrong).is_err(), "{wrong}");
    }
    let allows = |pattern: &str, host: &str| {
        let network = Rights::parse_one(&format!("network={pattern}")).unwrap().1.unwrap().network.unwrap();
        network.allows(host, 80)
    };
    assert!(allows("[::1]:80", "0:0::1") && allows("[::1]", "[::1]") && allows("localhost", "LOCALHOST."));
    assert!(!allows("*.example.com", "example.com") && !allows("*.example.com", ".example.com"));
    assert!(!allows("*.example.com", "evilexample.com") && !allows("127.0.0.1", "::ffff:127.0.0.1"));
}

#[test]
fn paths() {
    for (text, usual) in [
        ("/", "/"),
        ("//a/./b//", "/a/b"),
        ("~", "~"),
        ("~/", "~"),
        ("~/./Music/", "~/Music"),
        ("/a b", "/a b"),
    ] {
        assert_eq!(path(text).as_deref(), Ok(usual));
    }
    for wrong in
        ["", "a", "./a", "../a", "/a/../b", "~/..", "~root/x", "/a\0", "/a\nb", "/\u{202e}a", "C:\\x"]
    {
        assert!(path(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn one_capability_on_the_command_line() {
    let one = |text: &str| Rights::parse_one(text).map(|(_, rights)| rights.map(|rights| rights.to_toml()));
    assert_eq!(Rights::parse_one("network"), Ok((Capability::Network, None)));
    assert_eq!(
        one("network=localhost:4455, example.com:443,direct:443"),
        Ok(Some("network = { hosts = [\"localhost:4455\", \"example.com:443\"], direct = [443] }\n".into()))
    );
    assert_eq!(
        one("filesystem=read:~/Music,write:~/out"),
        Ok(Some("filesystem = { read = [\"~/Music\"], write = [\"~/out\"] }\n".into()))
    );
    assert_eq!(
        one("system-control=media,notify"),
        Ok(Some("system-control = [\"media\", \"notify\"]\n".into()))
    );
    assert_eq!(one("midi=send:synth"), Ok(Some("midi = { send = [\"synth\"] }\n".into())));
    for (wrong, words) in [
        ("netwrk", "did you mean \"network\""),
        ("network=", "nothing stands after"),
        ("network=a b", "can't stand in it"),
        ("network=direct:0", "no port"),
        ("network=direct:x", "no port"),
        ("filesystem=~/Music", "filesystem=read:"),
        ("filesystem=read:Music", "neither absolute"),
        ("audio=loud", "audio=play"),
        ("midi=synth", "midi=send:"),
        ("subprocess=a b", "arguments"),
    ] {
        let error = one(wrong).unwrap_err();
        assert!(error.contains(words), "{wrong}: {error}");
    }
}

#[test]
fn half_of_the_internet_is_no_listed_host() {
    for (hosts, risk) in [
        ("localhost:80", Risk::Low),
        ("*.example.com:443", Risk::Low),
        ("*.com:443", Risk::Medium),
        ("*.net", Risk::Medium),
        ("*:80", Risk::Medium),
    ] {
        let rights = read(&format!("network = [{hosts:?}]"));
        assert_eq!(rights.risk(Capability::Network), Some(risk), "{hosts}");
    }
}

#[test]
fn what_it_means_in_words() {
    let meanings = read(EVERYTHING).meanings();
    let of = |capability| meanings.iter().find(|meaning| meaning.capability == capability).unwrap();
    let network = of(Capability::Network);
    assert_eq!(network.risk, Risk::Medium);
    assert_eq!(network.scope, "localhost:4455, *.example.com:443, [::1]:80, *, direct:443, direct:80");
    assert_eq!(
        network.means,
        [
            "connect to localhost port 4455",
            "connect to every host below example.com port 443",
            "connect to ::1 port 80",
            "connect to any host on any port",
            "open its own connections to any host, on the ports 443, 80"
        ]
    );
    assert_eq!(of(Capability::Midi).means[0], "send MIDI to \"synth\"");
    assert_eq!(of(Capability::Midi).means[2], "hear what is played on every device");
    assert_eq!(of(Capability::Subprocess).warning, Some("it can do whatever those programs can"));
    assert_eq!(of(Capability::Filesystem).risk, Risk::High);
    assert!(meanings.iter().all(|meaning| !meaning.means.is_empty() && !meaning.scope.is_empty()));
    assert_eq!(Rights::NONE.meanings(), []);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>(), capability in 0..6usize) {
        let name = Capability::ALL[capability].name();
        let _ = Rights::parse_one(&format!("{name}={text}"));
        let _ = Rights::from_toml(&Source::new("x", format!("{name} = {text}")));
        let _ = HostPattern::parse(&text);
    }

    #[test]
    fn any_path_reads_back(text in "[~/.a\"' \\\\é]{0,12}") {
        if let Ok(usual) = path(&text) {
            prop_assert_eq!(path(&usual), Ok(usual.clone()));
            let scope = FilesystemScope { read: vec![usual], write: Vec::new() };
            let rights = Rights { filesystem: Some(scope), ..Rights::NONE };
            prop_assert_eq!(read(&rights.to_toml()), rights);
        }
    }
}
