//! Laws of rights, held against concrete things: what is cut down allows exactly what both sides allow, what is joined
//! what either does, and where nothing is beyond, everything is allowed. More cases: `PROPTEST_CASES=10000`.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::capability::{
    AudioScope, FilesystemScope, HostPattern, MidiScope, NetworkScope, Rights, SubprocessScope, SystemScope,
    path, pattern,
};
use crate::ruleset::PortPattern;

/// Names of devices, from few letters, so that patterns meet often.
const NAMES: [&str; 12] = ["", "a", "b", "ab", "ba", "aa", "aab", "aba", "abb", "Abba", "bab", "aabbab"];
const HOSTS: [&str; 9] = [
    "localhost",
    "example.com",
    "a.example.com",
    "b.a.example.com",
    "badexample.com",
    ".example.com",
    "127.0.0.1",
    "[::1]",
    "EXAMPLE.com.",
];
const PORTS: [u16; 3] = [80, 443, 4455];
const PATHS: [&str; 11] =
    ["/", "/a", "/a/b", "/a/b/c", "/ab", "/a/bc", "~", "~/a", "~/a/b", "~/ab", "/etc/passwd"];
const PROGRAMS: [&str; 8] = ["obs", "/bin/a", "/bin/ab", "/bin/ba", "~/a", "~/ab", "~/aab", "sh"];
const PROGRAM_PATTERNS: [&str; 7] = ["/bin/*", "/bin/a*", "/bin/*b", "~/*", "~/a*", "~/*b", "~/a*b"];

fn name_pattern() -> impl Strategy<Value = String> {
    "[abA?*]{1,6}"
}

fn host_pattern() -> impl Strategy<Value = HostPattern> {
    let hosts = select(vec![
        "*",
        "localhost",
        "example.com",
        "*.example.com",
        "*.a.example.com",
        "a.example.com",
        "*.com",
        "127.0.0.1",
        "[::1]",
    ]);
    (hosts, select(vec!["", ":80", ":443"]))
        .prop_map(|(host, port)| HostPattern::parse(&format!("{host}{port}")).unwrap())
}

fn few<T: std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    vec(one, 0..4)
}

fn folders() -> impl Strategy<Value = Vec<String>> {
    few(select(PATHS[..10].to_vec()).prop_map(|written| path(written).unwrap()))
}

/// Rights as a manifest or a user can write them: no scope is empty.
fn rights() -> impl Strategy<Value = Rights> {
    let midi =
        (few(name_pattern()), few(name_pattern())).prop_map(|(send, listen)| MidiScope { send, listen });
    let audio = (any::<bool>(), any::<bool>()).prop_map(|(play, volume)| AudioScope { play, volume });
    let ports = option::of(few(select(PORTS.to_vec())));
    let network = (few(host_pattern()), ports).prop_map(|(hosts, direct)| NetworkScope { hosts, direct });
    let system = vec(any::<bool>(), 5).prop_map(|is| SystemScope {
        media: is[0],
        notify: is[1],
        brightness: is[2],
        open: is[3],
        keys: is[4],
    });
    let files = (folders(), folders()).prop_map(|(read, write)| FilesystemScope { read, write });
    let programs =
        (few(select([&PROGRAMS[..], &PROGRAM_PATTERNS[..]].concat()).prop_map(String::from)), any::<bool>())
            .prop_map(|(programs, direct)| SubprocessScope { programs, direct });
    let parts = (
        option::of(midi),
        option::of(audio),
        option::of(network),
        option::of(system),
        option::of(files),
        option::of(programs),
    );
    parts.prop_map(|(midi, audio, network, system_control, filesystem, subprocess)| Rights {
        midi: midi.filter(|scope| *scope != MidiScope::default()),
        audio: audio.filter(|scope| *scope != AudioScope::default()),
        network: network.filter(|scope| *scope != NetworkScope::default()),
        system_control: system_control.filter(|scope| *scope != SystemScope::default()),
        filesystem: filesystem.filter(|scope| *scope != FilesystemScope::default()),
        subprocess: subprocess.filter(|scope| *scope != SubprocessScope::default()),
    })
}

/// For each thing that could be done, whether it is allowed.
fn allowed(rights: &Rights) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for name in NAMES {
        let midi = rights.midi.as_ref();
        all.push((format!("send {name}"), midi.is_some_and(|scope| scope.may_send(name))));
        all.push((format!("listen {name}"), midi.is_some_and(|scope| scope.may_listen(name))));
    }
    let network = rights.network.as_ref();
    for port in PORTS {
        for host in HOSTS {
            all.push((
                format!("connect {host} {port}"),
                network.is_some_and(|scope| scope.allows(host, port)),
            ));
        }
        all.push((format!("direct {port}"), network.is_some_and(|scope| scope.allows_direct(port))));
    }
    for path in PATHS {
        let files = rights.filesystem.as_ref();
        all.push((format!("read {path}"), files.is_some_and(|scope| scope.may_read(path))));
        all.push((format!("write {path}"), files.is_some_and(|scope| scope.may_write(path))));
    }
    let programs = rights.subprocess.as_ref();
    for program in PROGRAMS {
        let listed = programs.is_some_and(|scope| scope.may_run(program));
        all.push((format!("run {program}"), listed));
    }
    all.push(("fork".into(), programs.is_some_and(|scope| scope.direct)));
    let audio = rights.audio.unwrap_or_default();
    all.extend([("play".into(), audio.play), ("volume".into(), audio.volume)]);
    let SystemScope { media, notify, brightness, open, keys } = rights.system_control.unwrap_or_default();
    let system =
        [("media", media), ("notify", notify), ("brightness", brightness), ("open", open), ("keys", keys)];
    all.extend(system.map(|(what, is)| (what.to_owned(), is)));
    all
}

proptest! {
    #[test]
    fn what_is_cut_allows_exactly_what_both_allow(one in rights(), other in rights()) {
        let cut = one.cut_to(&other);
        for (((what, cut), (_, one)), (_, other)) in
            allowed(&cut).into_iter().zip(allowed(&one)).zip(allowed(&other))
        {
            prop_assert_eq!(cut, one && other, "{}", what);
        }
        prop_assert!(cut.is_within(&one) && cut.is_within(&other), "{:?}", cut);
    }

    #[test]
    fn what_is_joined_allows_exactly_what_either_allows(one in rights(), other in rights()) {
        let joined = one.joined(&other);
        for (((what, joined), (_, one)), (_, other)) in
            allowed(&joined).into_iter().zip(allowed(&one)).zip(allowed(&other))
        {
            prop_assert_eq!(joined, one || other, "{}", what);
        }
        prop_assert!(one.is_within(&joined) && other.is_within(&joined));
    }

    #[test]
    fn nothing_is_beyond_itself(rights in rights()) {
        prop_assert_eq!(rights.beyond(&rights), Rights::NONE);
        prop_assert_eq!(rights.beyond(&Rights::NONE), rights.clone());
        prop_assert!(Rights::NONE.is_within(&rights));
    }

    #[test]
    fn where_nothing_is_beyond_everything_is_allowed(wanted in rights(), had in rights()) {
        let beyond = wanted.beyond(&had);
        for (((what, wanted), (_, had)), (_, beyond)) in
            allowed(&wanted).into_iter().zip(allowed(&had)).zip(allowed(&beyond))
        {
            prop_assert!(!wanted || had || beyond, "{} is neither had nor asked for", what);
        }
    }

    #[test]
    fn patterns_take_in_what_they_say(wide in name_pattern(), narrow in name_pattern(), name in "[ab]{0,8}") {
        let fits = |pattern: &str| PortPattern(pattern.to_owned()).matches(&name);
        if pattern::covers(&wide, &narrow) {
            prop_assert!(!fits(&narrow) || fits(&wide), "{} takes in {}, but not {}", wide, narrow, name);
        }
        let common = pattern::common(&wide, &narrow);
        prop_assert_eq!(common.iter().any(|one| fits(one)), fits(&wide) && fits(&narrow), "{:?}", common);
    }

    #[test]
    fn patterns_that_take_in_every_name_are_known_to(wide in "[a?*]{1,4}", narrow in "[a?*]{1,4}") {
        // With letters that no pattern has, the names up to eight letters tell everything about such short patterns.
        let mut names = vec![String::new()];
        for length in 0..8 {
            let longer: Vec<String> = names
                .iter()
                .filter(|name| name.len() == length)
                .flat_map(|name| ['a', 'x'].map(|letter| format!("{name}{letter}")))
                .collect();
            names.extend(longer);
        }
        let fits = |pattern: &str, name: &str| PortPattern(pattern.to_owned()).matches(name);
        let all = names.iter().all(|name| !fits(&narrow, name) || fits(&wide, name));
        prop_assert_eq!(pattern::covers(&wide, &narrow), all, "{} {}", wide, narrow);
    }
}

#[test]
fn patterns_one_by_one() {
    for (wide, narrow, expected) in [
        ("a?", "a*", false),
        ("a*", "a?", true),
        ("*", "?", true),
        ("?*", "*?", true),
        ("?*", "*", false),
        ("?*", "*a*", true),
        ("*a?*", "*ab*", true),
        ("ab*", "a*", false),
        ("LAUNCH*", "launchpad", true),
        ("a*b*c", "a*c", false),
    ] {
        assert_eq!(pattern::covers(wide, narrow), expected, "{wide} {narrow}");
    }
    assert_eq!(pattern::common("a*", "*b"), ["a*b"]);
    assert_eq!(pattern::common("ab*", "*bc"), ["ab*bc", "abc"]);
    assert_eq!(pattern::common("a*", "b*"), [""; 0]);
}

#[test]
fn patterns_that_have_much_in_common_are_cut_in_time_and_never_too_wide() {
    let (one, other) =
        (format!("*{}*{}*", "a?".repeat(15), "?b".repeat(14)), format!("*{}*b*", "?a".repeat(30)));
    for common in pattern::common(&one, &other) {
        assert!(pattern::covers(&one, &common) && pattern::covers(&other, &common), "{common}");
    }
}

#[test]
fn folders_one_by_one() {
    let scope = |read: &[&str], write: &[&str]| {
        let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        Rights { filesystem: Some(FilesystemScope { read: own(read), write: own(write) }), ..Rights::NONE }
    };
    let cut = |one: &Rights, other: &Rights| one.cut_to(other);
    assert_eq!(cut(&scope(&["/a"], &["/a/b"]), &scope(&[], &["/a"])), scope(&["/a"], &["/a/b"]));
    assert_eq!(cut(&scope(&["~/x"], &[]), &scope(&["/"], &[])), scope(&["~/x"], &[]));
    assert_eq!(cut(&scope(&["~/x"], &[]), &scope(&["/home"], &[])), Rights::NONE);
    assert!(scope(&["/a"], &[]).is_within(&scope(&[], &["/a"])), "what may be written may be read");
    assert!(!scope(&[], &["/a"]).is_within(&scope(&["/a"], &[])));
    let at_home = scope(&["~/x", "/y"], &["~"]).filesystem.unwrap().at_home("/home/me/");
    assert_eq!(Some(at_home), scope(&["/home/me/x", "/y"], &["/home/me"]).filesystem);
}

#[test]
fn a_port_and_a_host_meet() {
    let hosts = |texts: &[&str]| {
        let hosts = texts.iter().map(|text| HostPattern::parse(text).unwrap()).collect();
        Rights { network: Some(NetworkScope { hosts, direct: None }), ..Rights::NONE }
    };
    assert_eq!(hosts(&["*:443"]).cut_to(&hosts(&["example.com"])), hosts(&["example.com:443"]));
    assert_eq!(
        hosts(&["*.example.com"]).cut_to(&hosts(&["example.com", "x.example.com:1"])),
        hosts(&["x.example.com:1"])
    );
}
