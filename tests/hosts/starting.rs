//! Plugins that misbehave before they are ready.

use padgated::plugins::supervisor::{DEATHS_MAX, Happening, HostState};

use crate::harness::{BAD, Stage, text};

/// The plugin never becomes ready, dies again and again for this reason, and is left alone.
fn dies(macros: &[&str], why: &str) {
    let stage = Stage::with(macros, "well");
    let Happening::Died { reason, .. } = stage.until(BAD, |what| matches!(what, Happening::Died { .. }))
    else {
        panic!("{macros:?}");
    };
    assert!(reason.contains(why), "{macros:?}: {reason}");
    stage.good_goes_on();
    stage.until(BAD, |what| matches!(what, Happening::Quarantined { .. }));
    let status = stage.supervisor.status(BAD);
    assert_eq!((status.state, status.generation), (HostState::Quarantined, DEATHS_MAX as u32));
    let outcome = stage.outcome(BAD, "well");
    assert!(text(&outcome).contains("padgate plugin reload misbehave"), "{outcome:?}");
    stage.good_goes_on();
}

/// The plugin can't be run, and is not tried again.
fn is_unfit(macros: &[&str], why: &str) {
    let stage = Stage::with(macros, "well");
    let Happening::Unusable { reason } = stage.until(BAD, |what| matches!(what, Happening::Unusable { .. }))
    else {
        panic!("{macros:?}");
    };
    assert!(reason.contains(why), "{macros:?}: {reason}");
    assert_eq!(stage.supervisor.status(BAD).generation, 1);
    stage.good_goes_on();
}

#[test]
fn constructors_that_crash_or_exit() {
    dies(&["CONSTRUCTOR_ABORTS"], "SIGABRT");
    dies(&["CONSTRUCTOR_EXITS"], "it exited without having been asked to");
}

#[test]
fn a_constructor_that_hangs() {
    let stage = Stage::with(&["CONSTRUCTOR_HANGS"], "well");
    let died = stage.until(BAD, |what| matches!(what, Happening::Died { .. }));
    assert!(
        matches!(&died, Happening::Died { killed: true, reason, .. } if reason.contains("had not loaded its plugin")),
        "{died:?}"
    );
    stage.good_goes_on();
}

#[test]
fn a_constructor_that_forges_its_readiness() {
    let stage = Stage::with(&["CONSTRUCTOR_FORGES"], "well");
    let Happening::Unusable { reason } = stage.until(BAD, |what| matches!(what, Happening::Unusable { .. }))
    else {
        panic!("it is not confined");
    };
    assert!(reason.contains("it is not confined as it says") && reason.contains("filters"), "{reason}");
    stage.good_goes_on();
}

#[test]
fn a_create_that_crashes() {
    dies(&["CREATE_CRASHES"], "SIGSEGV");
}

#[test]
fn tables_that_are_none() {
    is_unfit(&["WRONG_ABI"], "999");
    is_unfit(&["NULL_TABLE"], "");
    is_unfit(&["NULL_EXECUTE"], "execute");
    is_unfit(&["SHORT_TABLE"], "");
    is_unfit(&["NAME=\"another\""], "another");
}

#[test]
fn parameters_that_crash_hang_or_fail() {
    let stage = Stage::with(&[], "prepare-fails");
    stage.until(BAD, |what| matches!(what, Happening::Ready { .. }));
    assert!(text(&stage.outcome(BAD, "prepare-fails")).contains("there is no such scene"));
    assert_eq!(text(&stage.outcome(BAD, "well")), "");
    for (how, why) in [("prepare-crashes", "SIGSEGV"), ("prepare-hangs", "over the parameters of a call")] {
        let stage = Stage::with(&[], how);
        let died = stage.until(BAD, |what| matches!(what, Happening::Died { .. }));
        assert!(matches!(&died, Happening::Died { reason, .. } if reason.contains(why)), "{how}: {died:?}");
        stage.good_goes_on();
    }
}

#[test]
fn a_destroy_that_hangs_is_killed() {
    let stage = Stage::with(&["DESTROY_HANGS"], "well");
    stage.until(BAD, |what| matches!(what, Happening::Ready { .. }));
    stage.supervisor.end(BAD);
    stage.until(BAD, |what| *what == Happening::Ended);
    stage.good_goes_on();
}
