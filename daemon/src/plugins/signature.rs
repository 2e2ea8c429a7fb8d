//! Signatures: who vouches for a binary.
//!
//! A signature is made with `minisign` over the binary, and its trusted comment holds the plugin's name, its version
//! and the binary's hash. Without these, an old version, or another plugin of the same author, could be put in the
//! place of this one. Keys are the user's choice: what a plugin brings along proves nothing.

use minisign_verify::{PublicKey, Signature as Minisign};
use padgate_core::capability::{Rights, Risk};
use padgate_core::ruleset::plugins::SignaturePolicy;

/// What a signature's file may be called: the binary's own name, and this.
pub const SUFFIX: &str = ".minisig";

/// The longest file of a signature, in bytes. Real ones have a few hundred.
pub const FILE_BYTES_MAX: u64 = 4096;

/// How many bytes of a key or a signature say whose it is: two for the algorithm, then the key's number.
const HEADING_BYTES: usize = 10;

/// Who vouches for a binary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signature {
    /// Nobody: there is no signature.
    None,
    /// Somebody whom the user trusts.
    Good {
        /// The whole public key, as the user gave it: what a grant can be tied to.
        key: String,
        /// The trusted comment.
        comment: String,
    },
    /// The signature is not one of this binary; this says why, without a full stop.
    Bad(String),
    /// Somebody whom the user does not trust: the key's number.
    Untrusted(String),
}

/// What a signature must be about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The SHA-256 of the binary, in hexadecimal.
    pub sha256: &'a str,
}

/// The keys that the user trusts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Keys {
    keys: Vec<(String, PublicKey)>,
}

impl Keys {
    /// Reads keys as they stand in the configuration. Those that are none come back as sentences.
    #[must_use]
    pub fn read(texts: &[String]) -> (Keys, Vec<String>) {
        let mut keys = Keys::default();
        let mut problems = Vec::new();
        for text in texts {
            let text = text.trim();
            match PublicKey::from_base64(text) {
                Ok(key) => keys.keys.push((text.to_owned(), key)),
                Err(_) => problems.push(format!(
                    "{text:?} in trusted_keys is no minisign public key: it is the line that begins with RW in the \
                     file that ends in .pub"
                )),
            }
        }
        (keys, problems)
    }

    /// Looks at the signature of a binary. `file` is the text of its file.
    #[must_use]
    pub fn verify(&self, binary: &[u8], file: &str, about: About<'_>) -> Signature {
        let signature = match Minisign::decode(file) {
            Ok(signature) => signature,
            Err(error) => return Signature::Bad(format!("its file is not one of minisign: {error}")),
        };
        let Some(id) = file.lines().nth(1).and_then(key_id) else {
            return Signature::Bad("its file names no key".to_owned());
        };
        // Numbers of keys are not unique if somebody wants them not to be: each with this one is tried.
        let mut why = None;
        for (text, key) in self.keys.iter().filter(|(text, _)| key_id(text).as_deref() == Some(&id)) {
            match key.verify(binary, &signature, false) {
                Ok(()) => {
                    return match check_comment(signature.trusted_comment(), about) {
                        Ok(()) => Signature::Good {
                            key: text.clone(),
                            comment: signature.trusted_comment().to_owned(),
                        },
                        Err(why) => Signature::Bad(why),
                    };
                }
                Err(minisign_verify::Error::UnexpectedAlgorithm) => {
                    why =
                        Some("it is made in minisign's old way: sign again with a newer minisign".to_owned());
                }
                Err(_) => {
                    why = Some("it is not a signature of this file: one of them was changed".to_owned())
                }
            }
        }
        why.map_or(Signature::Untrusted(id), Signature::Bad)
    }
}

/// Whether the trusted comment is about this very binary. Each of the three words must be there once.
fn check_comment(comment: &str, about: About<'_>) -> Result<(), String> {
    for (word, right) in [("plugin", about.plugin), ("version", about.version), ("sha256", about.sha256)] {
        let mut said =
            comment.split_whitespace().filter_map(|part| part.strip_prefix(word)?.strip_prefix(':'));
        match (said.next(), said.next()) {
            (Some(said), None) if said == right => {}
            (Some(said), None) => {
                return Err(format!("it is good, but for {word} {said:?}, and this is {word} {right:?}"));
            }
            (Some(_), Some(_)) => return Err(format!("its trusted comment says {word}: more than once")),
            (None, _) => return Err(format!("its trusted comment does not say {word}:{right}")),
        }
    }
    Ok(())
}

/// Whether this is a minisign public key.
#[must_use]
pub fn is_key(text: &str) -> bool {
    PublicKey::from_base64(text).is_ok()
}

/// The number of the key in the first characters of a key or a signature, as minisign shows it.
#[must_use]
pub fn key_id(text: &str) -> Option<String> {
    let mut bits = 0u128;
    let mut count = 0;
    for c in text.trim().bytes().take((HEADING_BYTES * 8).div_ceil(6)) {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u128::from(value);
        count += 6;
    }
    let rest = (count as usize).checked_sub(HEADING_BYTES * 8)?;
    // The number is kept with its lowest byte first.
    let number = (bits >> rest) as u64;
    Some(format!("{:016X}", number.swap_bytes()))
}

/// Why a plugin with this signature and request is not used under the user's policy; `None` if it is. A wrong
/// signature is refused under every policy.
#[must_use]
pub fn refusal(policy: SignaturePolicy, signature: &Signature, request: &Rights) -> Option<String> {
    let needed = match policy {
        SignaturePolicy::Off => false,
        SignaturePolicy::HighRisk => request.highest_risk() == Some(Risk::High),
        SignaturePolicy::Required => true,
    };
    let because = match policy {
        SignaturePolicy::HighRisk => {
            "it asks for something of high risk, and the configuration says signatures = \"high-risk\""
        }
        SignaturePolicy::Off | SignaturePolicy::Required => {
            "the configuration says signatures = \"required\""
        }
    };
    match signature {
        Signature::Bad(why) => Some(format!("its signature is wrong: {why}")),
        Signature::Good { .. } => None,
        Signature::None => needed.then(|| format!("it is not signed, and {because}")),
        Signature::Untrusted(key) => needed.then(|| {
            format!("it is signed with the key {key}, which is not among trusted_keys, and {because}")
        }),
    }
}

#[cfg(test)]
mod tests {
    use padgate_core::capability::{AudioScope, FilesystemScope, Rights};
    use padgate_core::ruleset::plugins::SignaturePolicy;

    use super::{About, Keys, Signature, key_id, refusal};

    const BINARY: &[u8] = b"\x7fELF and so on, and on, and on";
    const ABOUT: About<'_> = About { plugin: "obs", version: "1.2.3", sha256: "00ff" };
    const COMMENT: &str = "plugin:obs version:1.2.3 sha256:00ff";

    fn sign(pair: &minisign::KeyPair, comment: &str) -> String {
        minisign::sign(Some(&pair.pk), &pair.sk, BINARY, Some(comment), None).unwrap().into_string()
    }

    fn keys(pairs: &[&minisign::KeyPair]) -> Keys {
        let texts: Vec<String> = pairs.iter().map(|pair| pair.pk.to_base64()).collect();
        let (keys, problems) = Keys::read(&texts);
        assert_eq!(problems, [""; 0]);
        keys
    }

    fn pair() -> minisign::KeyPair {
        minisign::KeyPair::generate_unencrypted_keypair().unwrap()
    }

    #[test]
    fn a_good_signature_names_its_key() {
        let pair = pair();
        let file = sign(&pair, COMMENT);
        let key = pair.pk.to_base64();
        let good = Signature::Good { key: key.clone(), comment: COMMENT.to_owned() };
        assert_eq!(keys(&[&pair]).verify(BINARY, &file, ABOUT), good);
        assert_eq!(keys(&[&self::pair(), &pair]).verify(BINARY, &file, ABOUT), good);
        let id = key_id(&key).unwrap();
        assert!(pair.pk.to_box().unwrap().to_string().contains(&id), "as minisign shows it: {id}");
        assert_eq!(keys(&[]).verify(BINARY, &file, ABOUT), Signature::Untrusted(id.clone()));
        assert_eq!(keys(&[&self::pair()]).verify(BINARY, &file, ABOUT), Signature::Untrusted(id));
    }

    #[test]
    fn no_changed_byte_of_the_binary_is_good() {
        let pair = pair();
        let (file, keys) = (sign(&pair, COMMENT), keys(&[&pair]));
        for place in 0..BINARY.len() {
            let mut bytes = BINARY.to_vec();
            bytes[place] ^= 1 << (place % 8);
            assert!(matches!(keys.verify(&bytes, &file, ABOUT), Signature::Bad(_)), "byte {place}");
        }
        for other in [&BINARY[1..], &BINARY[..BINARY.len() - 1], b""] {
            assert!(matches!(keys.verify(other, &file, ABOUT), Signature::Bad(_)));
        }
    }

    #[test]
    fn no_changed_byte_of_the_signature_is_good() {
        let pair = pair();
        let (file, keys) = (sign(&pair, COMMENT), keys(&[&pair]));
        // What minisign calls untrusted is not signed; all after it is.
        let first = file.find('\n').unwrap() + 1;
        for place in first..file.trim_end().len() {
            let mut bytes = file.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(bytes).unwrap();
            let verified = keys.verify(BINARY, &text, ABOUT);
            assert!(!matches!(verified, Signature::Good { .. } | Signature::None), "byte {place}: {text}");
        }
        for nonsense in ["", "\n\n\n\n", "untrusted comment: x\nRU\ntrusted comment: y\nzz\n"] {
            assert!(matches!(keys.verify(BINARY, nonsense, ABOUT), Signature::Bad(_)));
        }
    }

    #[test]
    fn a_signature_of_something_else_is_no_signature_of_this() {
        let pair = pair();
        let keys = keys(&[&pair]);
        for (comment, word) in [
            ("plugin:osc version:1.2.3 sha256:00ff", "plugin"),
            ("plugin:obs version:1.2.2 sha256:00ff", "version"),
            ("plugin:obs version:1.2.3 sha256:00fe", "sha256"),
            ("plugin:obs sha256:00ff", "version"),
            ("version:1.2.3 sha256:00ff", "plugin"),
            ("plugin:obs version:1.2.3", "sha256"),
            ("plugin:obs plugin:osc version:1.2.3 sha256:00ff", "plugin"),
            ("plugin:obs,version:1.2.3 sha256:00ff", "plugin"),
            ("timestamp:1 file:x", "plugin"),
        ] {
            match keys.verify(BINARY, &sign(&pair, comment), ABOUT) {
                Signature::Bad(why) => assert!(why.contains(word), "{why}"),
                other => panic!("{comment}: {other:?}"),
            }
        }
        let more = format!("timestamp:1\t{COMMENT}  file:x");
        assert!(matches!(keys.verify(BINARY, &sign(&pair, &more), ABOUT), Signature::Good { .. }));
    }

    #[test]
    fn a_key_with_the_number_of_another_is_not_that_key() {
        let (trusted, forger) = (pair(), pair());
        let mut file = sign(&forger, COMMENT);
        let mine = sign(&trusted, COMMENT);
        // The number of the trusted key, before the forger's signature: 13 characters are the algorithm and most of it.
        let start = file.find('\n').unwrap() + 1;
        let right = mine.find('\n').unwrap() + 1;
        file.replace_range(start..start + 14, &mine[right..right + 14]);
        assert!(matches!(keys(&[&trusted]).verify(BINARY, &file, ABOUT), Signature::Bad(_)));
    }

    #[test]
    fn text_that_is_no_key_is_told() {
        let (_, problems) = Keys::read(&["RWnonsense".to_owned(), pair().pk.to_base64(), String::new()]);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("RWnonsense") && problems[0].contains(".pub"), "{}", problems[0]);
    }

    #[test]
    fn the_policy_decides_about_missing_signatures_and_never_takes_a_wrong_one() {
        let low = Rights { audio: Some(AudioScope::all()), ..Rights::NONE };
        let scope = FilesystemScope { read: vec!["~/Music".into()], write: Vec::new() };
        let high = Rights { filesystem: Some(scope), ..Rights::NONE };
        let good = Signature::Good { key: "RW".into(), comment: String::new() };
        let (bad, stranger) = (Signature::Bad("x".into()), Signature::Untrusted("0A".into()));
        use SignaturePolicy::{HighRisk, Off, Required};
        for (policy, signature, request, allowed) in [
            (Off, &Signature::None, &high, true),
            (Off, &stranger, &high, true),
            (HighRisk, &Signature::None, &low, true),
            (HighRisk, &stranger, &low, true),
            (HighRisk, &Signature::None, &high, false),
            (HighRisk, &stranger, &high, false),
            (HighRisk, &good, &high, true),
            (Required, &Signature::None, &Rights::NONE, false),
            (Required, &stranger, &low, false),
            (Required, &good, &low, true),
            (Off, &bad, &low, false),
            (HighRisk, &bad, &low, false),
            (Required, &bad, &low, false),
        ] {
            let refusal = refusal(policy, signature, request);
            assert_eq!(refusal.is_none(), allowed, "{policy:?} {signature:?} {request:?}: {refusal:?}");
        }
    }
}
