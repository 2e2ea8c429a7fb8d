//! Programs that plugins run: real ones, and ones that do not want to end.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_LIMIT, PADGATE_TIMEOUT, PADGATE_UNAVAILABLE};

use super::lives::Lives;
use super::process::{Programs, RUNNING_MAX, Run};
use super::tests_kit::DEADLINE;
use super::{Answered, BODY_BYTES_MAX, Trouble};
use crate::plugins::part::PluginId;

const ONE: PluginId = PluginId(1);

fn shell(line: &str, time: Option<Duration>) -> Run {
    Run {
        program: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), line.to_owned()],
        input: Vec::new(),
        until: time.map(|time| Instant::now() + time),
    }
}

/// Programs, and lives of plugins that they run for.
struct Rig {
    programs: Programs,
    lives: Arc<Lives>,
}

fn programs(home: &Path) -> Rig {
    Rig { programs: Programs::new(home.to_owned()), lives: Arc::default() }
}

impl Rig {
    fn run(&self, plugin: PluginId, run: Run) -> Result<Answered, Trouble> {
        self.programs.run(&self.lives.of(plugin), run)
    }

    fn ended(&self, plugin: PluginId) {
        self.lives.end(plugin);
        self.programs.ended(plugin);
    }
}

fn run(line: &str) -> Result<Answered, Trouble> {
    programs(&std::env::temp_dir()).run(ONE, shell(line, Some(DEADLINE)))
}

/// Waits until the file is there and has a whole line in it.
fn line_of(path: &Path) -> String {
    let end = Instant::now() + DEADLINE;
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ if Instant::now() > end => panic!("nothing in {}", path.display()),
            _ => std::thread::yield_now(),
        }
    }
}

/// Whether the process runs: it is there, and no zombie.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn wait_for_end(pid: &str) {
    let end = Instant::now() + DEADLINE;
    while runs(pid) {
        assert!(Instant::now() < end, "{pid} still runs");
        std::thread::yield_now();
    }
}

#[test]
fn output_and_exit_codes_come_back() {
    let answered = run("echo out; echo err >&2; exit 3").unwrap();
    assert_eq!((answered.code, answered.body.as_slice()), (3, &b"out\nerr\n"[..]));
    let answered = run("kill -TERM $$").unwrap();
    assert_eq!(answered.code, 128 + 15);
    let mut with_input = shell("wc -c", Some(DEADLINE));
    with_input.input = vec![b'x'; 60_000];
    let answered = programs(&std::env::temp_dir()).run(ONE, with_input).unwrap();
    assert_eq!(String::from_utf8(answered.body).unwrap().trim(), "60000");
    let mut unread = shell("exec true", Some(DEADLINE));
    unread.input = vec![b'x'; 60_000];
    assert_eq!(programs(&std::env::temp_dir()).run(ONE, unread).unwrap().code, 0);
}

#[test]
fn much_output_is_cut_off_and_the_program_does_not_get_stuck() {
    let answered = run("head -c 1000000 /dev/zero; echo end >&2; exit 7").unwrap();
    assert_eq!((answered.code, answered.body.len()), (7, BODY_BYTES_MAX));
}

#[test]
fn the_environment_is_clean() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().canonicalize().unwrap();
    let answered = programs(&home).run(ONE, shell("env; pwd -P", Some(DEADLINE))).unwrap();
    let text = String::from_utf8(answered.body).unwrap();
    for line in text.lines().filter(|line| !line.starts_with('/')) {
        let name = line.split('=').next().unwrap_or_default();
        // What the shell itself adds, and what is documented.
        assert!(["PATH", "HOME", "USER", "LANG", "PWD", "OLDPWD", "SHLVL", "_"].contains(&name), "{line}");
    }
    assert!(text.contains("PATH=/usr/local/bin:/usr/bin:/bin\n"), "{text}");
    assert!(text.contains(&format!("HOME={}\n", home.display())), "{text}");
    assert_eq!(text.lines().last(), Some(&*home.to_string_lossy()));
}

#[test]
fn time_that_is_up_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let line = format!("sleep 1000 & (trap '' TERM; sleep 1000) & echo $! $$ > {}; wait", pids.display());
    let programs = Arc::new(programs(folder.path()));
    let trouble = programs.run(ONE, shell(&line, Some(Duration::from_millis(300)))).unwrap_err();
    assert_eq!(trouble.status, PADGATE_TIMEOUT);
    assert!(
        trouble.why.starts_with("sh took longer than") && trouble.why.ends_with("was ended"),
        "{}",
        trouble.why
    );
    for pid in line_of(&pids).split(' ') {
        wait_for_end(pid);
    }
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    // The one that is left holds the output open: that is not waited for.
    let answered = programs(folder.path()).run(ONE, shell("sleep 1000 & echo $!", Some(DEADLINE))).unwrap();
    wait_for_end(String::from_utf8(answered.body).unwrap().trim());
}

#[test]
fn the_end_of_a_plugin_ends_what_it_waits_for_and_leaves_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (left, waited) = (folder.path().join("left"), folder.path().join("waited"));
    let programs = Arc::new(programs(folder.path()));
    let line = |path: &Path| format!("echo $$ > {}; exec sleep 1000", path.display());
    programs.run(ONE, shell(&line(&left), None)).unwrap();
    let left = line_of(&left);
    let waiting = std::thread::spawn({
        let (programs, run) = (Arc::clone(&programs), shell(&line(&waited), Some(DEADLINE)));
        move || programs.run(ONE, run)
    });
    let waited = line_of(&waited);
    programs.ended(PluginId(2));
    assert!(runs(&waited));
    programs.ended(ONE);
    assert_eq!(waiting.join().unwrap().unwrap().code, 128 + 9);
    wait_for_end(&waited);
    assert!(runs(&left), "what is left alone goes on");
    let pid = rustix::process::Pid::from_raw(left.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    wait_for_end(&left);
}

#[test]
fn what_starts_too_late_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let rig = programs(folder.path());
    let life = rig.lives.of(ONE);
    rig.ended(ONE);
    let answered = rig.programs.run(&life, shell("exec sleep 1000", Some(DEADLINE))).unwrap();
    assert_eq!(answered.code, 128 + 9);
}

#[test]
fn only_so_many_run_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let programs = programs(folder.path());
    // Each ends when its input does; all of them share one that does not end.
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = format!("read x < {}", fifo.display());
    for _ in 0..RUNNING_MAX {
        programs.run(ONE, shell(&line, None)).unwrap();
    }
    let trouble = programs.run(ONE, shell("true", None)).unwrap_err();
    assert_eq!(trouble.status, PADGATE_LIMIT);
    assert!(trouble.why.contains("32"), "{}", trouble.why);
    programs.run(PluginId(2), shell("true", Some(DEADLINE))).unwrap();
    // All of them read the end of the pipe once somebody has opened and closed it for writing.
    let end = Instant::now() + DEADLINE;
    while programs.run(ONE, shell("true", Some(DEADLINE))).is_err() {
        assert!(Instant::now() < end, "they never ended");
        drop(std::fs::OpenOptions::new().write(true).read(true).open(&fifo).map(|mut pipe| {
            use std::io::Write as _;
            pipe.write_all(&[b'\n'; RUNNING_MAX])
        }));
    }
}

#[test]
fn what_can_not_be_run_is_said() {
    let programs = programs(&std::env::temp_dir());
    let run = |program: &str| {
        let run = Run { program: program.into(), ..shell("", Some(DEADLINE)) };
        programs.run(ONE, run).unwrap_err()
    };
    for program in ["padgate-no-such-program", "/padgate/none", "", "../sh", "bin/sh", "/etc/passwd"] {
        assert_eq!(run(program).status, PADGATE_UNAVAILABLE, "{program}");
    }
    assert!(run("padgate-no-such-program").why.contains("is it installed"));
    let mut with_zero = shell("true", Some(DEADLINE));
    with_zero.arguments.push("a\0b".to_owned());
    assert_eq!(programs.run(ONE, with_zero).unwrap_err().status, PADGATE_INVALID);
}
