//! Any bytes on the link from a plugin's host, which the plugin can forge: they are a frame or none, and what is in it is
//! read or refused; what can be read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padgate_plugin_host::ask::{Answer, Ask};
use padgate_plugin_host::assignment::Assignment;
use padgate_plugin_host::confinement::Confinement;
use padgate_plugin_host::context;
use padgate_plugin_host::frame::{self, FRAME_BYTES_MAX};

fuzz_target!(|bytes: &[u8]| {
    if let Ok((header, payload)) = frame::decode(bytes) {
        assert!(bytes.len() <= FRAME_BYTES_MAX || header.encode(payload.len()).is_err());
        if let Ok(head) = header.encode(payload.len()) {
            assert_eq!(frame::decode(&[&head[..], payload].concat()), Ok((header, payload)));
        }
    }
    // Each payload on its own as well: the fuzzer need not find a header first.
    if let Ok(ask) = Ask::decode(bytes) {
        let written = ask.encode();
        let again = Ask::decode(&written).expect("what was written can be read");
        // Not compared as values: a number that is none equals nothing.
        assert_eq!(again.encode(), written);
        let _ = ask.needs();
    }
    if let Ok(answer) = Answer::decode(bytes) {
        assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
    }
    if let Ok(confinement) = Confinement::decode(bytes) {
        assert_eq!(Confinement::decode(&confinement.encode()), Ok(confinement));
    }
    if let Ok(assignment) = Assignment::decode(bytes) {
        assert_eq!(Assignment::decode(&assignment.encode()), Ok(assignment));
    }
    let _ = context::decode(bytes);
});
