//! What is read from the link: it reads back as it was written, and whatever bytes come, no decoder panics.

use padgate_plugin_host::ask::{Answer, Ask};
use padgate_plugin_host::assignment::{Assignment, HostLimits, Profile, Unenforced};
use padgate_plugin_host::confinement::{Confinement, Enforced};
use padgate_plugin_host::frame::{self, Header, Kind};
use padgate_plugin_host::{context, wire};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

/// What an [`Ask`] is made of; the texts are borrowed from here.
#[derive(Clone, Debug)]
struct Parts {
    which: u8,
    texts: Vec<String>,
    bytes: Vec<u8>,
    large: u64,
    small: u32,
    float: f64,
}

impl Parts {
    fn ask(&self) -> Ask<'_> {
        let text = |at: usize| self.texts.get(at).map_or("", String::as_str);
        let (large, small) = (self.large, self.small);
        match self.which {
            0 => Ask::MidiSend { device: text(0), message: &self.bytes, at_ns: large },
            1 => Ask::MidiCancel,
            2 => Ask::MidiListen { device: text(0) },
            3 => Ask::Timer { at_ns: large },
            4 => Ask::Http {
                method: text(0),
                url: text(1),
                headers: self.texts.iter().map(|text| (text.as_str(), "value")).collect(),
                body: &self.bytes,
                timeout_ms: small,
            },
            5 => Ask::Connect { host: text(0), port: small as u16, timeout_ms: small },
            6 => Ask::Run {
                program: text(0),
                arguments: self.texts.iter().map(String::as_str).collect(),
                input: &self.bytes,
                timeout_ms: small,
            },
            7 => Ask::Play { path: text(0), gain: self.float },
            8 => Ask::Volume { output: text(0), change: small, value: self.float },
            _ => Ask::System { what: small, text: text(0) },
        }
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let texts = vec(".{0,20}", 0..5);
    (0..10_u8, texts, vec(any::<u8>(), 0..40), any::<u64>(), any::<u32>(), -2.0..2.0).prop_map(
        |(which, texts, bytes, large, small, float)| Parts { which, texts, bytes, large, small, float },
    )
}

fn assignment() -> impl Strategy<Value = Assignment> {
    let paths = || vec("/[a-z/ü]{0,20}".prop_map(Into::into), 0..4);
    let policy = prop_oneof![Just(Unenforced::Refuse), Just(Unenforced::Brokered), Just(Unenforced::Run)];
    let profile = (paths(), paths(), proptest::option::of(vec(any::<u16>(), 0..4)), any::<bool>());
    let limits = (any::<u64>(), any::<u32>(), any::<u64>(), any::<u32>());
    let names = (".{0,20}", ".{0,20}", "/.{0,20}", "/.{0,20}", "/.{0,20}");
    (names, profile, policy, limits, vec(any::<u8>(), 0..40)).prop_map(
        |(names, (read, write, network, subprocess), policy, limits, state)| Assignment {
            plugin: names.0,
            version: names.1,
            library: names.2.into(),
            data_folder: names.3.into(),
            home_folder: names.4.into(),
            profile: Profile { read, write, network, subprocess },
            policy,
            limits: HostLimits { memory: limits.0, files: limits.1, file_size: limits.2, threads: limits.3 },
            state,
        },
    )
}

fn enforced() -> impl Strategy<Value = Enforced> {
    prop_oneof![
        Just(Enforced::Fully),
        ".{0,20}".prop_map(Enforced::Partly),
        ".{0,20}".prop_map(Enforced::Not),
    ]
}

/// Reads bytes as everything that the link carries.
fn read_as_anything(bytes: &[u8]) {
    let _ = frame::decode(bytes).map(|(_, payload)| payload.len());
    let _ = Ask::decode(bytes);
    let _ = Answer::decode(bytes);
    let _ = Assignment::decode(bytes);
    let _ = Confinement::decode(bytes);
    let _ = context::decode(bytes);
    let mut reader = wire::Reader::new(bytes);
    while reader.text().is_ok() {}
}

proptest! {
    #[test]
    fn a_question_reads_back(parts in parts()) {
        let payload = parts.ask().encode();
        prop_assert_eq!(Ask::decode(&payload), Ok(parts.ask()));
        // Cut off anywhere, it is none.
        for length in 0..payload.len() {
            prop_assert!(Ask::decode(&payload[..length]).is_err());
        }
    }

    #[test]
    fn an_answer_reads_back(code in any::<i32>(), body in vec(any::<u8>(), 0..100)) {
        let answer = Answer { code, body: &body };
        let payload = answer.encode();
        prop_assert_eq!(Answer::decode(&payload), Ok(answer));
    }

    #[test]
    fn an_assignment_reads_back(assignment in assignment()) {
        let payload = assignment.encode();
        for length in 0..payload.len() {
            prop_assert!(Assignment::decode(&payload[..length]).is_err());
        }
        prop_assert_eq!(Assignment::decode(&payload), Ok(assignment));
    }

    #[test]
    fn a_confinement_reads_back(
        landlock in any::<u32>(), filters in any::<u32>(), parts in vec(enforced(), 5),
    ) {
        let [files, network, programs, processes, limits] = parts.try_into().expect("there are five");
        let confinement = Confinement { landlock, filters, files, network, programs, processes, limits };
        prop_assert_eq!(Confinement::decode(&confinement.encode()), Ok(confinement));
    }

    #[test]
    fn random_bytes_are_an_error_and_no_panic(bytes in vec(any::<u8>(), 0..300)) {
        read_as_anything(&bytes);
    }

    #[test]
    fn a_payload_with_one_other_byte_is_no_panic(
        parts in parts(), assignment in assignment(), at in any::<usize>(), value in any::<u8>(),
    ) {
        for mut payload in [parts.ask().encode(), assignment.encode()] {
            let at = at % payload.len();
            payload[at] = value;
            read_as_anything(&payload);
        }
    }

    #[test]
    fn a_frame_with_one_other_byte_is_no_panic(
        payload in vec(any::<u8>(), 0..20), at in any::<usize>(), value in any::<u8>(),
    ) {
        let header = Header { number: 1, ..Header::new(Kind::Ask, 2) };
        let mut datagram = header.encode(payload.len()).expect("it is small").to_vec();
        datagram.extend(&payload);
        prop_assert_eq!(frame::decode(&datagram), Ok((header, &payload[..])));
        let at = at % datagram.len();
        datagram[at] = value;
        read_as_anything(&datagram);
    }
}
