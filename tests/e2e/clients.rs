//! Clients that send garbage, too much, or nothing: each is answered or cut off, and the others don't notice.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, Result};
use padgate_ipc::error::ErrorCode;
use padgate_ipc::method::PressPhase;
use padgate_tests::DEADLINE;
use padgate_tests::daemon::Daemon;
use serde_json::Value;

use super::with_pads;

const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"hello","params":{"protocol":{"major":1}}}"#;

fn daemon() -> Result<Daemon> {
    Daemon::start(&with_pads(
        "[variables]\ncount = 0\n[[map]]\nname = \"Count\"\non = { device = \"pads\", note = \"C1\" }\n\
         do = { set = { count = { add = 1 } } }\n",
    ))
}

fn connect(daemon: &Daemon) -> Result<(UnixStream, BufReader<UnixStream>)> {
    let stream = UnixStream::connect(daemon.socket())?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    let reader = BufReader::new(stream.try_clone()?);
    Ok((stream, reader))
}

/// Sends a line and gives the code of the error that it is answered with; 0 for none.
fn answer(stream: &mut UnixStream, reader: &mut BufReader<UnixStream>, line: &str) -> Result<i64> {
    stream.write_all(line.as_bytes())?;
    stream.write_all(b"\n")?;
    let mut text = String::new();
    reader.read_line(&mut text)?;
    let answer: Value = serde_json::from_str(&text)?;
    Ok(answer["error"]["code"].as_i64().unwrap_or(0))
}

/// The most memory that the daemon has had so far.
fn peak_memory_mib(daemon: &Daemon) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.process().id()))?;
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel knows the peak")?;
    Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

fn still_works(daemon: &Daemon) -> Result<()> {
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.fired("Count")?;
    Ok(())
}

#[test]
fn garbage_is_answered_and_the_connection_stays_of_use() -> Result<()> {
    let daemon = daemon()?;
    let (mut stream, mut reader) = connect(&daemon)?;
    assert_eq!(answer(&mut stream, &mut reader, HELLO)?, 0);
    for (line, code) in [
        ("hello", ErrorCode::Parse),
        ("{", ErrorCode::Parse),
        ("\0\0\0", ErrorCode::Parse),
        ("[]", ErrorCode::InvalidRequest),
        ("17", ErrorCode::InvalidRequest),
        (r#"{"jsonrpc":"2.0","id":1,"method":"no such method"}"#, ErrorCode::MethodNotFound),
        (r#"{"jsonrpc":"2.0","id":1,"method":"press","params":{"control":7}}"#, ErrorCode::InvalidParams),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"press","params":{"device":"nobody","control":"C1"}}"#,
            ErrorCode::NotFound,
        ),
    ] {
        assert_eq!(answer(&mut stream, &mut reader, line)?, code.number(), "{line}");
    }
    assert_eq!(answer(&mut stream, &mut reader, r#"{"jsonrpc":"2.0","id":1,"method":"status"}"#)?, 0);
    still_works(&daemon)
}

#[test]
fn nothing_comes_before_hello() -> Result<()> {
    let daemon = daemon()?;
    let (mut stream, mut reader) = connect(&daemon)?;
    let code = answer(&mut stream, &mut reader, r#"{"jsonrpc":"2.0","id":1,"method":"status"}"#)?;
    assert_eq!(code, ErrorCode::HelloRequired.number());
    let (mut stream, mut reader) = connect(&daemon)?;
    let code = answer(&mut stream, &mut reader, &HELLO.replace("\"major\":1", "\"major\":99"))?;
    assert_eq!(code, ErrorCode::ProtocolVersion.number());
    still_works(&daemon)
}

#[test]
fn a_hundred_megabytes_in_one_line_are_cut_off() -> Result<()> {
    let daemon = daemon()?;
    let (mut stream, mut reader) = connect(&daemon)?;
    assert_eq!(answer(&mut stream, &mut reader, HELLO)?, 0);
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    // The reason may be lost with the connection, which is closed in any case.
    let mut rest = String::new();
    if reader.read_to_string(&mut rest).is_ok() && !rest.is_empty() {
        let answer: Value = serde_json::from_str(&rest)?;
        assert_eq!(answer["error"]["code"], ErrorCode::LineTooLong.number(), "{rest}");
    }
    let peak = peak_memory_mib(&daemon)?;
    assert!(peak < 64, "the daemon kept the line: {peak} MiB at its peak");
    still_works(&daemon)
}

#[test]
fn whoever_reads_nothing_or_says_nothing_holds_up_nobody() -> Result<()> {
    let daemon = daemon()?;
    let silent = connect(&daemon)?;
    let (mut deaf, mut reader) = connect(&daemon)?;
    assert_eq!(answer(&mut deaf, &mut reader, HELLO)?, 0);
    let subscribe = r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topics":["events"]}}"#;
    assert_eq!(answer(&mut deaf, &mut reader, subscribe)?, 0);
    let mut watch = daemon.watch()?;
    for _ in 0..2000 {
        watch.press("pads", "C1", PressPhase::Tap)?;
    }
    assert_eq!(watch.status()?.modes.variables["count"].as_f64(), Some(2000.0));
    drop(silent);
    still_works(&daemon)
}

#[test]
fn half_a_line_and_goodbye_is_no_call() -> Result<()> {
    let daemon = daemon()?;
    let (mut stream, mut reader) = connect(&daemon)?;
    assert_eq!(answer(&mut stream, &mut reader, HELLO)?, 0);
    stream.write_all(
        br#"{"jsonrpc":"2.0","id":1,"method":"press","params":{"device":"pads","control":"C1"}}"#,
    )?;
    drop((stream, reader));
    assert_eq!(daemon.watch()?.status()?.modes.variables["count"].as_f64(), Some(0.0));
    still_works(&daemon)
}

#[test]
fn only_the_user_can_reach_the_socket() -> Result<()> {
    let daemon = daemon()?;
    let mode = |path: &std::path::Path| {
        Ok::<_, std::io::Error>(std::fs::metadata(path)?.permissions().mode() & 0o777)
    };
    assert_eq!(mode(&daemon.socket())?, 0o600);
    assert_eq!(mode(daemon.socket().parent().expect("it is in a folder"))?, 0o700);
    Ok(())
}
