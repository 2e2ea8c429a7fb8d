//! Tests of the gate.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use padgate_core::capability::{
    AudioScope, Capability, FilesystemScope, Host, HostPattern, MidiScope, NetworkScope, Rights,
    SubprocessScope, SystemScope,
};
use padgate_plugin_abi::system as abi;
use padgate_plugin_host::ask::Ask;

use super::{Gate, Gated, Permitted};
use crate::plugins::audit::Audit;
use crate::plugins::inventory::Standing;
use crate::plugins::part::PluginId;

const PLUGIN: PluginId = PluginId(3);

fn gated(rights: Rights) -> Gated {
    Gated {
        id: PLUGIN,
        name: Arc::from("probe"),
        standing: Standing::Ready,
        request: rights.clone(),
        rights,
        data_folder: PathBuf::from("/nowhere/data"),
        folder: PathBuf::from("/nowhere/folder"),
    }
}

fn gate(gated: Gated) -> Gate {
    let gate = Gate::new(PathBuf::from("/home/u"), Arc::new(Audit::none()));
    gate.replace(vec![gated]);
    gate
}

fn with(rights: Rights) -> Gate {
    gate(gated(rights))
}

fn pattern(host: Host, port: Option<u16>) -> HostPattern {
    HostPattern { host, port }
}

fn hosts(hosts: Vec<HostPattern>) -> Rights {
    Rights { network: Some(NetworkScope { hosts, direct: None }), ..Rights::NONE }
}

fn all() -> Rights {
    Rights {
        midi: Some(MidiScope::all()),
        audio: Some(AudioScope::all()),
        network: Some(NetworkScope { hosts: vec![pattern(Host::Any, None)], direct: None }),
        system_control: Some(SystemScope {
            media: true,
            notify: true,
            brightness: true,
            open: true,
            keys: true,
        }),
        filesystem: Some(FilesystemScope { read: vec!["/".into()], write: Vec::new() }),
        subprocess: Some(SubprocessScope { programs: vec!["sh".into()], direct: false }),
    }
}

fn http(url: &str) -> Ask<'_> {
    Ask::Http { method: "GET", url, headers: Vec::new(), body: b"", timeout_ms: 0 }
}

fn connect(host: &str, port: u16) -> Ask<'_> {
    Ask::Connect { host, port, timeout_ms: 0 }
}

fn run(program: &str) -> Ask<'_> {
    Ask::Run { program, arguments: Vec::new(), input: b"", timeout_ms: 0 }
}

fn send(device: &str) -> Ask<'_> {
    Ask::MidiSend { device, message: &[0x90, 60, 1], at_ns: 0 }
}

fn every_ask() -> Vec<Ask<'static>> {
    let system = |what| Ask::System { what, text: "https://a.example/" };
    let mut asks = vec![
        send(""),
        Ask::MidiCancel,
        Ask::MidiListen { device: "pads" },
        http("http://a.example/"),
        connect("a.example", 80),
        Ask::Datagram { host: "a.example", port: 80, data: b"x" },
        run("sh"),
        Ask::Play { path: "/etc/hosts", gain: 1.0 },
        Ask::Volume { output: "", change: 0, value: 0.5 },
    ];
    asks.extend((abi::PADGATE_SYSTEM_MEDIA..=abi::PADGATE_SYSTEM_TYPE).map(system));
    asks
}

#[test]
fn a_plugin_is_called_only_if_it_is_ready() {
    let call = |standing| {
        let gate = gate(Gated { standing, ..gated(Rights::NONE) });
        gate.call(PLUGIN).map(|permit| assert!(matches!(permit.permitted(), Permitted::Call)))
    };
    assert_eq!(call(Standing::Ready), Ok(()));
    let programs = Rights { subprocess: all().subprocess, ..Rights::NONE };
    assert_eq!(
        call(Standing::WaitingForGrant(programs)).unwrap_err(),
        "the plugin \"probe\" may not run programs: \"padgate plugin grant probe\" shows what it asks for, and \
         allows it"
    );
    assert!(call(Standing::Disabled).unwrap_err().contains("padgate plugin enable probe"));
    assert!(call(Standing::Unusable("no binary".into())).unwrap_err().contains("no binary"));
    let gate = with(Rights::NONE);
    for unknown in [0, 4, u32::MAX] {
        assert!(gate.call(PluginId(unknown)).is_err());
        assert!(gate.ask(PluginId(unknown), &Ask::Timer { at_ns: 1 }).is_err());
        assert_eq!(gate.rights(PluginId(unknown)), Rights::NONE);
    }
}

#[test]
fn a_call_that_is_permitted_allocates_nothing() {
    let gate = with(all());
    let info = allocation_counter::measure(|| assert!(gate.call(PLUGIN).is_ok()));
    assert_eq!(info.count_total, 0);
}

#[test]
fn without_a_right_everything_but_the_timer_is_refused_and_with_it_permitted() {
    let none = with(Rights::NONE);
    assert!(none.ask(PLUGIN, &Ask::Timer { at_ns: 1 }).is_ok());
    for ask in every_ask() {
        let needs = ask.needs().expect("all of these need a capability");
        let why = none.ask(PLUGIN, &ask).unwrap_err();
        assert!(why.contains("its plugin.toml does not ask for that"), "{why}");
        assert!(with(all()).ask(PLUGIN, &ask).is_ok(), "{ask:?}");
        let mut less = all();
        less.remove(needs);
        let why = with(less.clone()).ask(PLUGIN, &ask).unwrap_err();
        assert!(why.contains(needs.name()), "{why}");
        // What is requested and not granted can be granted, and the sentence says how.
        let why = gate(Gated { request: all(), ..gated(less) }).ask(PLUGIN, &ask).unwrap_err();
        assert!(why.contains("\"padgate plugin grant probe\""), "{why}");
    }
}

#[test]
fn a_revocation_takes_effect_with_the_next_ask_or_call() {
    let gate = with(all());
    assert!(gate.ask(PLUGIN, &send("")).is_ok());
    gate.replace(vec![gated(Rights::NONE)]);
    assert!(gate.ask(PLUGIN, &send("")).is_err());
    gate.replace(vec![Gated { standing: Standing::Disabled, ..gated(all()) }]);
    assert!(gate.ask(PLUGIN, &send("")).is_err(), "a plugin that runs on for a moment may do nothing");
    gate.replace(Vec::new());
    assert!(gate.call(PLUGIN).is_err());
}

#[test]
fn midi_goes_to_the_named_devices_only() {
    let scope = MidiScope { send: vec!["Synth*".into(), "Padgate Out".into()], listen: vec!["pads".into()] };
    let gate = with(Rights { midi: Some(scope), ..Rights::NONE });
    for (ask, allowed) in [
        (send(""), true),
        (send("Padgate Out"), true),
        (send("synth left"), true),
        (send("pads"), false),
        (Ask::MidiListen { device: "pads" }, true),
        (Ask::MidiListen { device: "Synth" }, false),
        (Ask::MidiListen { device: "" }, false),
        (Ask::MidiCancel, true),
    ] {
        assert_eq!(gate.ask(PLUGIN, &ask).is_ok(), allowed, "{ask:?}");
    }
}

#[test]
fn urls_are_checked_as_they_are_meant() {
    let gate = with(hosts(vec![
        pattern(Host::Named("localhost".into()), Some(4455)),
        pattern(Host::Below("example.com".into()), Some(443)),
        pattern(Host::Named("127.0.0.1".into()), Some(80)),
    ]));
    for allowed in [
        "http://localhost:4455/x",
        "http://LOCALHOST:4455",
        "https://api.example.com/",
        "https://API.EXAMPLE.COM./",
        "http://127.0.0.1/",
        "http://0x7f.1/",
    ] {
        assert!(gate.ask(PLUGIN, &http(allowed)).is_ok(), "{allowed}");
    }
    for refused in [
        "http://localhost/",
        "http://localhost:4456/",
        "https://example.com/",
        "http://api.example.com/",
        "https://api.example.com.evil.org/",
        "https://evil.org/api.example.com",
        "https://evil.org#@api.example.com/",
        "https://user@api.example.com/",
        "https://u:p@api.example.com/",
        "https://api.example.com@evil.org/",
        "ftp://api.example.com/",
        "file:///etc/passwd",
        "https:///",
        "api.example.com",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "",
    ] {
        assert!(gate.ask(PLUGIN, &http(refused)).is_err(), "{refused}");
    }
    let permit = gate.ask(PLUGIN, &http("https://API.example.com/a?b")).unwrap();
    let Permitted::Http { url, target } = permit.into_permitted() else { panic!("another permit") };
    assert_eq!((url.as_str(), target.name().as_str()), ("https://api.example.com/a?b", "api.example.com"));
    // What other readers take for evil.org: whoever acts has the text as it was understood here.
    let permit = gate.ask(PLUGIN, &http("https://api.example.com\\@evil.org/")).unwrap();
    let Permitted::Http { url, .. } = permit.into_permitted() else { panic!("another permit") };
    assert_eq!(url.as_str(), "https://api.example.com/@evil.org/");
}

#[test]
fn connections_are_checked_as_they_are_meant() {
    let gate = with(hosts(vec![
        pattern(Host::Named("::1".into()), Some(7000)),
        pattern(Host::Named("10.0.0.7".into()), None),
    ]));
    for (host, port, allowed) in [
        ("::1", 7000, true),
        ("[::1]", 7000, true),
        ("0:0:0:0:0:0:0:1", 7000, true),
        ("::1", 7001, false),
        ("10.0.0.7", 1, true),
        ("0xa.7", 1, true),
        ("167772167", 1, true),
        ("10.0.0.7", 0, false),
        ("10.0.0.8", 1, false),
        ("10.0.0.7 ", 1, false),
        ("10.0.0.7/x", 1, false),
        ("", 1, false),
        ("a\0b", 1, false),
    ] {
        assert_eq!(gate.ask(PLUGIN, &connect(host, port)).is_ok(), allowed, "{host:?} {port}");
    }
}

#[test]
fn a_name_in_the_internet_is_no_way_to_this_computer() {
    let reach = |rights: Rights, host: &str, address: &str| {
        let permit = with(rights).ask(PLUGIN, &connect(host, 80)).unwrap();
        let Permitted::Connect(target) = permit.into_permitted() else { panic!("another permit") };
        target.reaches(address.parse::<IpAddr>().unwrap())
    };
    let named = |name: &str| hosts(vec![pattern(Host::Named(name.into()), Some(80))]);
    for address in ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
        let why = reach(named("evil.example.com"), "evil.example.com", address).unwrap_err();
        assert!(why.contains("localhost:80"), "{why}");
        assert!(reach(named("studio"), "studio", address).is_ok());
        assert!(reach(named("localhost"), "localhost", address).is_ok());
        assert!(reach(hosts(vec![pattern(Host::Any, None)]), "evil.example.com", address).is_ok());
    }
    for address in ["198.51.100.77", "2001:db8::77", "239.1.2.3"] {
        assert!(reach(named("nas.example.com"), "nas.example.com", address).is_ok());
    }
    // What this computer is called in its network is this computer as well.
    let route = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    if route.connect("192.0.2.1:9").is_ok() {
        let own = route.local_addr().unwrap().ip().to_string();
        assert!(reach(named("evil.example.com"), "evil.example.com", &own).is_err(), "{own}");
    }
}

#[test]
fn programs_are_those_that_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(folder.path()).unwrap();
    let mine = root.join("data/mine");
    std::fs::create_dir_all(mine.parent().unwrap()).unwrap();
    std::fs::copy("/bin/sh", &mine).unwrap();
    std::os::unix::fs::symlink(&mine, root.join("link")).unwrap();
    let programs = ["sh", "/usr/bin/notify-*", "~/bin/tool", "no-such-program"].map(String::from);
    let mut programs = programs.to_vec();
    programs.extend([mine.display().to_string(), root.join("link").display().to_string()]);
    let scope = SubprocessScope { programs, direct: false };
    let gate = gate(Gated {
        data_folder: root.join("data"),
        ..gated(Rights { subprocess: Some(scope), ..Rights::NONE })
    });
    let ran = |program: &str| match gate.ask(PLUGIN, &run(program)).map(super::Permit::into_permitted) {
        Ok(Permitted::Run { program }) => Ok(program),
        Ok(other) => panic!("{other:?}"),
        Err(why) => Err(why),
    };
    assert!(ran("sh").unwrap().is_absolute());
    assert_eq!(ran("no-such-program").unwrap(), Path::new("no-such-program"));
    assert_eq!(ran("/usr/bin/notify-send").unwrap(), Path::new("/usr/bin/notify-send"));
    assert_eq!(ran("~/bin/tool").unwrap(), Path::new("/home/u/bin/tool"));
    assert_eq!(ran("/home/u/bin/tool").unwrap(), Path::new("/home/u/bin/tool"));
    for refused in [
        "",
        "bash",
        "/bin/sh",
        "./sh",
        "../sh",
        "bin/sh",
        "/usr/bin/../bin/notify-send",
        "/usr/bin/notify-x/evil",
        "/usr/bin/evil",
        "/evil/notify-send",
        "~root/bin/tool",
        "sh\0",
    ] {
        assert!(ran(refused).is_err(), "{refused:?}");
    }
    for own in [mine, root.join("link")] {
        let why = ran(own.to_str().unwrap()).unwrap_err();
        assert!(why.contains("written that program itself"), "{why}");
    }
}

#[test]
fn sounds_come_from_folders_that_the_plugin_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for sub in ["data", "music", "secret"] {
        std::fs::create_dir(root.join(sub)).unwrap();
        std::fs::write(root.join(sub).join("a.wav"), b"RIFF").unwrap();
    }
    std::os::unix::fs::symlink(root.join("secret/a.wav"), root.join("data/link.wav")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("data/pipe.wav"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let music = root.join("music").display().to_string();
    let rights = Rights {
        audio: Some(AudioScope { play: true, volume: false }),
        filesystem: Some(FilesystemScope { read: vec![music], write: Vec::new() }),
        ..Rights::NONE
    };
    let gate = gate(Gated { data_folder: root.join("data"), ..gated(rights) });
    let play = |path: &str| gate.ask(PLUGIN, &Ask::Play { path, gain: 1.0 });
    let at = |path: &str| root.join(path).display().to_string();
    for allowed in ["a.wav".to_owned(), at("data/a.wav"), at("music/a.wav"), at("secret/../music/a.wav")] {
        let permit = play(&allowed).unwrap();
        assert!(matches!(permit.permitted(), Permitted::Play { .. }));
    }
    for refused in
        ["link.wav".to_owned(), "../secret/a.wav".to_owned(), at("secret/a.wav"), at("music/../secret/a.wav")]
    {
        assert!(play(&refused).unwrap_err().contains("no file in a folder that it may read"), "{refused}");
    }
    assert_eq!(
        play(&at("secret/none.wav")).unwrap_err().replace("none", "a"),
        play(&at("secret/a.wav")).unwrap_err(),
        "whether a file is there is not told"
    );
    assert!(play("pipe.wav").is_err() && play("none.wav").is_err() && play(".").is_err());
}

#[test]
fn system_control_is_by_kind() {
    let only = |scope: SystemScope, network: Option<NetworkScope>| {
        with(Rights { system_control: Some(scope), network, ..Rights::NONE })
    };
    let ask = |what, text| Ask::System { what, text };
    let media = only(SystemScope { media: true, ..SystemScope::default() }, None);
    assert!(media.ask(PLUGIN, &ask(abi::PADGATE_SYSTEM_MEDIA, "next")).is_ok());
    for other in [1, 2, 3, 4, 5, 6, u32::MAX] {
        assert!(media.ask(PLUGIN, &ask(other, "https://a.example/")).is_err(), "{other}");
    }
    let open = SystemScope { open: true, ..SystemScope::default() };
    let page = ask(abi::PADGATE_SYSTEM_OPEN, "https://a.example/");
    let why = only(open, None).ask(PLUGIN, &page).unwrap_err();
    assert!(why.contains(Capability::Network.name()), "{why}");
    let network = hosts(vec![pattern(Host::Named("a.example".into()), None)]).network;
    assert!(only(open, network.clone()).ask(PLUGIN, &page).is_ok());
    assert!(only(SystemScope::default(), network.clone()).ask(PLUGIN, &page).is_err());
    for refused in ["https://b.example/", "file:///etc/passwd", "javascript:alert(1)", "x-x://a.example/"] {
        assert!(only(open, network.clone()).ask(PLUGIN, &ask(abi::PADGATE_SYSTEM_OPEN, refused)).is_err());
    }
}

#[test]
fn texts_of_a_plugin_are_shown_escaped_and_short() {
    let gate = with(Rights::NONE);
    let long = "\u{1b}[2J\n".repeat(1000);
    let why = gate.ask(PLUGIN, &send(&long)).unwrap_err();
    assert!(why.len() < 2000 && !why.contains('\u{1b}') && !why.contains('\n'), "{why}");
}
