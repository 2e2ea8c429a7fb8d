//! Seccomp filters: from rules per system call to the kernel's classic BPF.
//!
//! An own small compiler, because the calls are found by a binary search (the kernel runs a new filter once for every
//! call's number, which makes a linear one slow to install) and because each call can have its own error.

use std::io;

use libc::sock_filter;

/// Instructions of classic BPF.
mod op {
    /// Loads a word of the call's data.
    pub(super) const LOAD: u16 = 0x20;
    /// Jumps if the word equals the value.
    pub(super) const EQUAL: u16 = 0x15;
    /// Jumps if the word is at least the value.
    pub(super) const AT_LEAST: u16 = 0x35;
    /// Masks the word.
    pub(super) const AND: u16 = 0x54;
    /// Jumps always.
    pub(super) const JUMP: u16 = 0x05;
    /// Ends, with the value as the verdict.
    pub(super) const RETURN: u16 = 0x06;
}

/// Where the kernel puts the call's number, its architecture and its arguments.
const CALL_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

/// The one architecture whose calls are let through. Others have other numbers: `int 0x80` on x86-64.
#[cfg(target_arch = "x86_64")]
pub(super) const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub(super) const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the filters have no numbers of system calls for this architecture yet");

/// Numbers from here on are the x32 calls of x86-64.
const X32: u32 = 0x4000_0000;

/// The highest number that this list was made with. Calls beyond it are answered as an older kernel would, so that
/// programs fall back to what they did before.
const HIGHEST: u32 = 462;

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The kernel runs it.
    Allow,
    /// It returns this error.
    Refuse(i32),
}

impl Verdict {
    fn code(self) -> u32 {
        match self {
            Verdict::Allow => libc::SECCOMP_RET_ALLOW,
            Verdict::Refuse(error) => libc::SECCOMP_RET_ERRNO | (error as u32 & 0xffff),
        }
    }
}

/// What an argument must be. The kernel takes all of those that are compared by value as 32 bits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Check {
    /// One of these.
    In(u8, Vec<u32>),
    /// Under this mask, this value.
    Bits(u8, u32, u32),
    /// A null pointer, in all of its 64 bits.
    Null(u8),
}

/// A call, and when it is allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    /// Its number.
    pub(super) call: u32,
    /// It is allowed if every check of one of these holds.
    pub(super) ways: Vec<Vec<Check>>,
    /// What else.
    pub(super) otherwise: Verdict,
}

impl Rule {
    /// Allowed, whatever its arguments.
    pub(super) fn allow(call: libc::c_long) -> Rule {
        Rule { call: call as u32, ways: Vec::new(), otherwise: Verdict::Allow }
    }

    /// Never allowed, with an error of its own.
    pub(super) fn refuse(call: libc::c_long, error: i32) -> Rule {
        Rule { call: call as u32, ways: Vec::new(), otherwise: Verdict::Refuse(error) }
    }

    /// Allowed if every check of one of the ways holds.
    pub(super) fn when(call: libc::c_long, ways: impl IntoIterator<Item = Vec<Check>>) -> Rule {
        Rule { call: call as u32, ways: ways.into_iter().collect(), otherwise: Verdict::Refuse(libc::EPERM) }
    }
}

/// A filter, ready for the kernel.
#[derive(Clone)]
pub(super) struct Filter(pub(super) Vec<sock_filter>);

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({} instructions)", self.0.len())
    }
}

fn step(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

fn branch(code: u16, k: u32, jt: usize, jf: usize) -> sock_filter {
    let near = |far: usize| u8::try_from(far).expect("one rule is far shorter than 255 instructions");
    sock_filter { code, jt: near(jt), jf: near(jf), k }
}

/// Compiles the rules; calls without a rule get `default`. Of two rules for one call, the later one counts.
pub(super) fn compile(rules: &[Rule], default: Verdict) -> Filter {
    let mut sorted: Vec<&Rule> = rules.iter().rev().collect();
    sorted.sort_by_key(|rule| rule.call);
    sorted.dedup_by_key(|rule| rule.call);
    let mut code = vec![
        step(op::LOAD, ARCHITECTURE_AT),
        branch(op::EQUAL, ARCHITECTURE, 1, 0),
        step(op::RETURN, libc::SECCOMP_RET_KILL_PROCESS),
        step(op::LOAD, CALL_AT),
    ];
    if default != Verdict::Allow {
        code.extend([
            branch(op::AT_LEAST, X32, 0, 1),
            step(op::RETURN, Verdict::Refuse(libc::EPERM).code()),
            branch(op::AT_LEAST, HIGHEST + 1, 0, 1),
            step(op::RETURN, Verdict::Refuse(libc::ENOSYS).code()),
        ]);
    }
    search(&sorted, default, &mut code);
    Filter(code)
}

/// A binary search over the sorted rules, with the rules themselves at its leaves.
fn search(rules: &[&Rule], default: Verdict, code: &mut Vec<sock_filter>) {
    match rules {
        [] => code.push(step(op::RETURN, default.code())),
        [rule] => {
            let body = body(rule);
            code.push(branch(op::EQUAL, rule.call, 0, body.len()));
            code.extend(body);
            code.push(step(op::RETURN, default.code()));
        }
        _ => {
            let (low, high) = rules.split_at(rules.len() / 2);
            let mut lower = Vec::new();
            search(low, default, &mut lower);
            // A jump by condition reaches 255 instructions, which half of a filter may exceed.
            code.push(branch(op::AT_LEAST, high[0].call, 0, 1));
            code.push(step(op::JUMP, lower.len() as u32));
            code.extend(lower);
            search(high, default, code);
        }
    }
}

/// What is done for one call. Every way through it returns.
fn body(rule: &Rule) -> Vec<sock_filter> {
    let mut code = Vec::new();
    for way in &rule.ways {
        let mut tried = Vec::new();
        // Where a check fails, it jumps behind this way; how far that is shows at the end.
        let mut failing = Vec::new();
        for check in way {
            emit(check, &mut tried, &mut failing);
        }
        tried.push(step(op::RETURN, libc::SECCOMP_RET_ALLOW));
        for at in failing {
            let far = tried.len() - at - 1;
            tried[at] = branch(tried[at].code, tried[at].k, usize::from(tried[at].jt), far);
        }
        code.extend(tried);
    }
    code.push(step(op::RETURN, rule.otherwise.code()));
    code
}

fn emit(check: &Check, code: &mut Vec<sock_filter>, failing: &mut Vec<usize>) {
    let argument = |number: u8| ARGUMENTS_AT + 8 * u32::from(number);
    // Both architectures are little-endian: the lower half comes first.
    match check {
        Check::In(number, values) => {
            code.push(step(op::LOAD, argument(*number)));
            for (index, value) in values.iter().enumerate() {
                code.push(branch(op::EQUAL, *value, values.len() - 1 - index, 0));
            }
            failing.push(code.len() - 1);
        }
        Check::Bits(number, mask, value) => {
            code.push(step(op::LOAD, argument(*number)));
            code.push(step(op::AND, *mask));
            code.push(branch(op::EQUAL, *value, 0, 0));
            failing.push(code.len() - 1);
        }
        Check::Null(number) => {
            for half in [0, 4] {
                code.push(step(op::LOAD, argument(*number) + half));
                code.push(branch(op::EQUAL, 0, 0, 0));
                failing.push(code.len() - 1);
            }
        }
    }
}

impl Filter {
    /// Puts the filter in force: for this thread and those that it starts; with `all_threads`, for those that there are
    /// as well.
    ///
    /// # Errors
    ///
    /// If the kernel refuses it, or if it can't be put in force for every thread.
    pub(super) fn install(&self, all_threads: bool) -> io::Result<()> {
        let length = u16::try_from(self.0.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
        let program = libc::sock_fprog { len: length, filter: self.0.as_ptr().cast_mut() };
        let flags = if all_threads { libc::SECCOMP_FILTER_FLAG_TSYNC } else { 0 };
        // SAFETY: `program` and what it points to outlive the call, and the kernel only reads them.
        let done = unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
        };
        match done {
            0 => Ok(()),
            -1 => Err(io::Error::last_os_error()),
            thread => Err(io::Error::other(format!("the thread {thread} has filters of its own"))),
        }
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
pub(super) mod tests;
