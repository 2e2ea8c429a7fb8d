//! The filters' compiler against an interpreter of classic BPF, which is what the kernel would do.

use libc::sock_filter;

use super::{ARCHITECTURE, Check, Filter, Rule, Verdict, compile, op};

/// A call as the kernel shows it to a filter.
pub(in super::super) fn run(filter: &Filter, architecture: u32, call: u32, arguments: [u64; 6]) -> u32 {
    let word = |at: u32| match at {
        0 => call,
        4 => architecture,
        8 | 12 => 0,
        _ => {
            let argument = arguments[((at - 16) / 8) as usize];
            if (at - 16).is_multiple_of(8) { argument as u32 } else { (argument >> 32) as u32 }
        }
    };
    let (mut at, mut held) = (0, 0);
    loop {
        let sock_filter { code, jt, jf, k } = filter.0[at];
        at += 1;
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        match code {
            op::LOAD => held = word(k),
            op::AND => held &= k,
            op::EQUAL => at += jump(held == k),
            op::AT_LEAST => at += jump(held >= k),
            op::JUMP => at += k as usize,
            op::RETURN => return k,
            other => panic!("unknown instruction {other:#x}"),
        }
    }
}

/// The verdict on a call of this architecture.
pub(in super::super) fn verdict(filter: &Filter, call: libc::c_long, arguments: &[u64]) -> Verdict {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    match run(filter, ARCHITECTURE, call as u32, all) {
        libc::SECCOMP_RET_ALLOW => Verdict::Allow,
        code if code & 0xffff_0000 == libc::SECCOMP_RET_ERRNO => Verdict::Refuse((code & 0xffff) as i32),
        other => panic!("verdict {other:#x}"),
    }
}

const EPERM: Verdict = Verdict::Refuse(libc::EPERM);

#[test]
fn a_call_is_found_among_many_and_between_them_the_default_holds() {
    let rules: Vec<Rule> = (0..200).map(|number| Rule::allow(number * 2)).collect();
    let filter = compile(&rules, EPERM);
    for number in 0..200 {
        assert_eq!(verdict(&filter, number * 2, &[]), Verdict::Allow, "{number}");
        assert_eq!(verdict(&filter, number * 2 + 1, &[]), EPERM, "{number}");
    }
}

#[test]
fn halves_that_are_longer_than_a_conditional_jump_reaches_are_jumped_over() {
    let long = vec![Check::In(0, (0..30).collect()), Check::In(1, (0..30).collect())];
    let rules: Vec<Rule> = (0..100).map(|number| Rule::when(number, [long.clone(), long.clone()])).collect();
    let filter = compile(&rules, EPERM);
    assert!(filter.0.len() > 4096 / 2);
    for number in 0..100 {
        assert_eq!(verdict(&filter, number, &[29, 29]), Verdict::Allow);
        assert_eq!(verdict(&filter, number, &[29, 30]), EPERM);
    }
    assert_eq!(verdict(&filter, 100, &[0, 0]), EPERM);
}

#[test]
fn another_architecture_ends_the_process_and_x32_is_refused() {
    let filter = compile(&[Rule::allow(1)], EPERM);
    assert_eq!(run(&filter, 0x4000_0003, 1, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
    assert_eq!(verdict(&filter, 0x4000_0001, &[]), EPERM);
    assert_eq!(verdict(&filter, 0xffff_ffff, &[]), EPERM);
}

#[test]
fn calls_newer_than_the_list_do_not_exist() {
    let filter = compile(&[Rule::allow(1)], EPERM);
    assert_eq!(verdict(&filter, 463, &[]), Verdict::Refuse(libc::ENOSYS));
    assert_eq!(verdict(&filter, 9999, &[]), Verdict::Refuse(libc::ENOSYS));
    assert_eq!(verdict(&filter, 462, &[]), EPERM);
}

#[test]
fn a_pointer_is_null_in_all_its_bits() {
    let filter = compile(&[Rule::when(44, [vec![Check::Null(4)]])], EPERM);
    assert_eq!(verdict(&filter, 44, &[1, 1, 1, 1, 0]), Verdict::Allow);
    assert_eq!(verdict(&filter, 44, &[0, 0, 0, 0, 1]), EPERM);
    assert_eq!(verdict(&filter, 44, &[0, 0, 0, 0, 1 << 32]), EPERM);
}

#[test]
fn one_way_is_enough_and_all_its_checks_are_needed() {
    let ways = [vec![Check::In(0, vec![2, 10]), Check::Bits(1, !0x800, 1)], vec![Check::In(0, vec![7])]];
    let filter = compile(&[Rule::when(41, ways)], EPERM);
    assert_eq!(verdict(&filter, 41, &[2, 1]), Verdict::Allow);
    assert_eq!(verdict(&filter, 41, &[10, 0x801]), Verdict::Allow);
    assert_eq!(verdict(&filter, 41, &[10, 2]), EPERM);
    assert_eq!(verdict(&filter, 41, &[3, 1]), EPERM);
    assert_eq!(verdict(&filter, 41, &[7, 99]), Verdict::Allow);
}

#[test]
fn the_later_of_two_rules_counts() {
    let filter = compile(&[Rule::allow(5), Rule::refuse(5, libc::ENOSYS)], EPERM);
    assert_eq!(verdict(&filter, 5, &[]), Verdict::Refuse(libc::ENOSYS));
}
