//! The host's program with plugins, daemons and users that do what they should not.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod support;

use std::process::{Command, Stdio};

use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_INVALID, PADGATE_LIMIT, PADGATE_OK};
use padgate_plugin_host::ask::Ask;
use padgate_plugin_host::assignment::Assignment;
use padgate_plugin_host::ended::{EXIT_LINK, EXIT_USAGE, Ended};
use padgate_plugin_host::frame::{FRAME_BYTES_MAX, Header, Kind};
use padgate_plugin_host::launch;
use support::{GENERATION, Host};

#[test]
fn nobody_starts_it_by_hand() {
    for stdin in [Stdio::null(), Stdio::piped()] {
        let output = Command::new(env!("CARGO_BIN_EXE_padgate-plugin-host")).stdin(stdin).output().unwrap();
        assert_eq!(output.status.code(), Some(EXIT_USAGE));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("it is started by padgated"), "{said}");
    }
}

#[test]
fn what_is_no_plugin_is_unfit_and_the_sentence_says_why() {
    for (macros, why) in [
        (&["ABI=7"][..], "it was built for version 7 of Padgate's plugin interface, and this is version 1"),
        (&["NULL_TABLE"], "its `padgate_plugin_entry` returned no table"),
        (&["ODD_TABLE"], "the address is not aligned"),
        (&["NO_SYMBOL"], "its library is no plugin of Padgate: it has no `padgate_plugin_entry`"),
        (&["SIZE=8"], "its table says that it is 8 bytes large"),
        (&["NULL_CREATE"], "its table has no `create`, which every plugin needs"),
        (&["NULL_EXECUTE"], "its table has no `execute`"),
        (&["NAME=\"other\""], "says that its name is `other`, and the manifest says `probe`"),
        (&["NAME=\"\""], "its table has no name"),
        (&["NAME=\"\\xff\""], "its name is not UTF-8"),
        (&["LONG_NAME"], "its name is 1073741824 bytes long"),
        (&["VERSION=\"1.2.4\""], "says that its version is `1.2.4`, and the manifest says `1.2.3`"),
        (&["CREATE_FAILS"], "it did not start: there is no device of mine"),
    ] {
        let mut host = Host::assigned(macros, b"");
        let said = host.unfit();
        assert!(said.contains(why), "{macros:?}: {said}");
    }
}

#[test]
fn a_library_that_is_none_is_unfit() {
    let mut host = Host::blank();
    let library = host.data_folder().join("plugin.so");
    std::fs::write(&library, "no library").unwrap();
    let assignment = Assignment {
        library: library.clone(),
        data_folder: host.data_folder().to_owned(),
        policy: padgate_plugin_host::assignment::Unenforced::Run,
        ..Assignment::default()
    };
    host.send(Header::new(Kind::Assign, GENERATION), &assignment.encode(), None);
    let said = host.unfit();
    assert!(said.contains("its library can't be loaded") && said.contains("plugin.so"), "{said}");
}

#[test]
fn however_a_plugin_ends_its_process_it_is_told() {
    for (action, expected) in
        [("abort", Ended::Killed(6)), ("crash", Ended::Killed(11)), ("exit", Ended::Exited(7))]
    {
        let mut host = Host::ready();
        host.prepare(1, action, "{}");
        host.begin(1);
        assert_eq!(host.ended(), expected, "{action}");
        assert!(host.receive().is_none());
        if action == "abort" {
            assert!(host.output().contains("about to abort\n"), "a line is out before the crash");
        }
    }
}

#[test]
fn a_crash_in_a_constructor_comes_after_the_report_of_the_confinement() {
    let mut host = Host::assigned(&["CRASH_IN_CONSTRUCTOR"], b"");
    host.expect(Kind::Confined);
    assert!(host.receive().is_none());
    assert_eq!(host.ended(), Ended::Killed(6));
    assert_eq!(host.output(), "the constructor ran\n");
}

#[test]
fn a_hang_is_killed() {
    let mut host = Host::ready();
    host.prepare(1, "hang", "{}");
    host.begin(1);
    launch::kill(std::os::fd::AsFd::as_fd(&host.launched.pidfd)).unwrap();
    assert_eq!(host.ended(), Ended::Killed(9));
}

#[test]
fn a_plugin_that_hangs_dies_with_the_daemon() {
    // To the kernel, the daemon is the thread that started the host. The link stays open.
    let daemon = std::thread::spawn(|| {
        let mut host = Host::ready();
        host.prepare(1, "hang", "{}");
        host.begin(1);
        host
    });
    let mut host = daemon.join().unwrap();
    assert_eq!(host.ended(), Ended::Killed(9));
}

#[test]
fn a_plugin_that_closes_the_link_ends_its_host() {
    let mut host = Host::ready();
    host.prepare(1, "close", "{}");
    host.begin(1);
    assert_eq!(host.ended(), Ended::Exited(EXIT_LINK));
}

#[test]
fn wrong_arguments_are_a_status_and_a_sentence() {
    let mut host = Host::ready();
    host.prepare(1, "wrong", "{}");
    let call = host.begin(1);
    host.expect(Kind::Log);
    let (_, report) = host.result(call);
    let lines: Vec<&str> = report.lines().collect();
    for (line, expected) in lines.iter().zip([
        "the device is a null pointer with a length of 5",
        "the device is not UTF-8, from byte 0 on",
        "the message is 1073741824 bytes long",
        "the MIDI message is empty",
        "there is no request",
        "the request says that it is 8 bytes large",
        "the headers are 1048576 at an address that is null",
        "the arguments are 3 at an address that is null",
        "the gain is NaN",
        "no change of a volume with the number 99",
        "the value is 2, and must be from 0 to 1.5",
        "nothing of the desktop with the number 99",
        "there is nowhere to put the socket",
        "the port is 0",
        "",
    ]) {
        let status = format!(" {PADGATE_INVALID} ");
        assert!(line.contains(expected) && line.contains(&status), "{line}: expected {expected}");
    }
    assert_eq!(lines.len(), 16);
    assert_eq!(lines[15], "unknown 0 ");
}

#[test]
fn a_flood_of_lines_is_cut_and_counted_and_does_not_wait() {
    let mut host = Host::ready();
    host.prepare(1, "flood", "{}");
    host.prepare(2, "log", "{}");
    host.begin(1);
    // It is through although nobody reads the link.
    host.expect_output("flooded\n");
    let (mut lines, mut missing) = (0, 0);
    let mut count = |line: &[u8]| match std::str::from_utf8(line).unwrap().strip_prefix('(') {
        None => lines += 1,
        Some(note) => {
            assert!(note.contains("lines were left out here"), "{note}");
            missing += note.split(' ').next().unwrap().parse::<u32>().unwrap();
        }
    };
    loop {
        match host.receive().unwrap() {
            (header, line) if header.kind == Kind::Log => count(&line),
            (header, _) => break assert_eq!(header.kind, Kind::Result),
        }
    }
    host.begin(2);
    count(&host.expect(Kind::Log).1);
    count(&host.expect(Kind::Log).1);
    assert_eq!((lines + missing, missing > 1000), (20_001, true), "{lines} and {missing}");
}

#[test]
fn a_long_text_is_cut_off_and_a_large_state_refused() {
    let mut host = Host::assigned(&["LARGE_STATE"], b"");
    host.expect(Kind::Confined);
    host.expect(Kind::Ready);
    let (status, text) = host.call("long-error");
    assert_eq!((status, text.len()), (PADGATE_FAILED, 4096));
    let (status, why) = host.save();
    assert_eq!(status, PADGATE_LIMIT);
    assert!(String::from_utf8(why).unwrap().contains("its state is 49153 bytes large"));
    assert_eq!(host.call("released").1, "2");
}

#[test]
fn answers_that_nobody_waits_for_are_left_alone() {
    let mut host = Host::ready();
    host.answer(77, PADGATE_OK, 0, b"nobody asked");
    host.prepare(1, "ask", "{}");
    let call = host.begin(1);
    let number = host.question(|ask| assert_eq!(ask, Ask::System { what: 1, text: "x" }));
    host.answer(number + 1, PADGATE_OK, 0, b"for another");
    host.answer(number, PADGATE_FAILED, 0, b"mine");
    host.answer(number, PADGATE_OK, 0, b"twice");
    assert_eq!(host.result(call).1, "ask 1 mine\n");
    assert_eq!(host.call("nothing").0, PADGATE_OK);
}

#[test]
fn a_plugin_that_asks_under_a_heap_of_events_is_told() {
    let mut host = Host::ready();
    host.prepare(1, "ask", "{}");
    let call = host.begin(1);
    let number = host.question(|_| ());
    for _ in 0..1100 {
        host.tell(Kind::Event, 99, &[0; 16]);
    }
    host.answer(number, PADGATE_OK, 0, b"too late");
    let (_, report) = host.result(call);
    assert!(report.contains(&format!("ask {PADGATE_LIMIT} 1024 events wait")), "{report}");
    // None of them is lost.
    for _ in 0..1100 {
        host.expect(Kind::Log);
    }
}

#[test]
fn what_is_no_frame_ends_the_host() {
    let beginnings: [&dyn Fn(&Host); 4] = [
        &|host| host.send(Header::new(Kind::Call, GENERATION), &[0; 64], None),
        &|host| host.send(Header::new(Kind::Assign, GENERATION), &[1, 2, 3], None),
        &|host| raw(host, b"no frame"),
        &|host| raw(host, &vec![0; FRAME_BYTES_MAX + 1]),
    ];
    for begin in beginnings {
        let mut host = Host::blank();
        begin(&host);
        assert_eq!(host.ended(), Ended::Exited(EXIT_LINK));
        assert!(host.output().starts_with("padgate-plugin-host: "));
    }
    let mut host = Host::ready();
    host.send(Header::new(Kind::Result, GENERATION), &[], None);
    assert_eq!(host.ended(), Ended::Exited(EXIT_LINK));
    // A frame whose payload alone is wrong is answered.
    let mut host = Host::ready();
    let number = host.tell(Kind::Call, 1, &[0; 63]);
    assert_eq!(host.result(number).0, PADGATE_INVALID);
}

fn raw(host: &Host, datagram: &[u8]) {
    rustix::net::send(&host.launched.link, datagram, rustix::net::SendFlags::empty()).unwrap();
}
