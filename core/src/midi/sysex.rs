//! Patterns on System Exclusive messages: `F0 7E ?? 06 02 * F7`.

/// A pattern: bytes, `??` for any one byte, `*` for any run of bytes (also none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysexPattern {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Byte(u8),
    AnyByte,
    AnyRun,
}

/// Why a pattern could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SysexPatternError {
    /// It does not begin with `F0` or end with `F7`.
    #[error("a System Exclusive begins with F0 and ends with F7")]
    Ends,
    /// A part is none of the three.
    #[error("{0:?} is neither a byte (two hexadecimal digits), nor ??, nor *")]
    Part(String),
    /// A byte inside has its highest bit set.
    #[error("{0:02X} can't stand inside a System Exclusive: bytes there go up to 7F")]
    Status(u8),
}

impl SysexPattern {
    /// Reads a pattern; white space separates the parts, case does not count.
    ///
    /// # Errors
    ///
    /// If it does not begin with `F0` and end with `F7`, or a part can't be read.
    pub fn parse(text: &str) -> Result<SysexPattern, SysexPatternError> {
        let mut parts = Vec::new();
        for word in text.split_ascii_whitespace() {
            parts.push(match word {
                "??" => Part::AnyByte,
                "*" => Part::AnyRun,
                _ if word.len() == 2 => u8::from_str_radix(word, 16)
                    .map(Part::Byte)
                    .map_err(|_| SysexPatternError::Part(word.to_owned()))?,
                _ => return Err(SysexPatternError::Part(word.to_owned())),
            });
        }
        let [Part::Byte(0xF0), inner @ .., Part::Byte(0xF7)] = parts.as_slice() else {
            return Err(SysexPatternError::Ends);
        };
        for part in inner {
            if let Part::Byte(byte @ 0x80..) = part {
                return Err(SysexPatternError::Status(*byte));
            }
        }
        Ok(SysexPattern { parts })
    }

    /// The bytes, if the pattern has no wildcards: then it is a message.
    #[must_use]
    pub fn literal(&self) -> Option<Vec<u8>> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Byte(byte) => Some(*byte),
                Part::AnyByte | Part::AnyRun => None,
            })
            .collect()
    }

    /// Whether the whole message fits.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let (mut p, mut b) = (0, 0);
        let mut run: Option<(usize, usize)> = None;
        while b < bytes.len() {
            match self.parts.get(p) {
                Some(Part::AnyRun) => {
                    run = Some((p, b));
                    p += 1;
                }
                Some(Part::AnyByte) => {
                    p += 1;
                    b += 1;
                }
                Some(Part::Byte(byte)) if *byte == bytes[b] => {
                    p += 1;
                    b += 1;
                }
                Some(Part::Byte(_)) | None => {
                    let Some((run_p, run_b)) = run else { return false };
                    p = run_p + 1;
                    b = run_b + 1;
                    run = Some((run_p, b));
                }
            }
        }
        self.parts[p..].iter().all(|part| *part == Part::AnyRun)
    }
}

#[cfg(test)]
mod tests {
    use super::{SysexPattern, SysexPatternError};

    #[test]
    fn wildcards() {
        let reply = SysexPattern::parse("F0 7E ?? 06 02 * F7").unwrap();
        assert!(reply.matches(&[0xF0, 0x7E, 0x00, 0x06, 0x02, 0xF7]));
        assert!(reply.matches(&[0xF0, 0x7E, 0x7F, 0x06, 0x02, 0x47, 0x28, 0xF7]));
        assert!(!reply.matches(&[0xF0, 0x7E, 0x7F, 0x06, 0x01, 0xF7]));
        assert!(!reply.matches(&[0xF0, 0x7E, 0x7F, 0x06, 0x02]));
        assert_eq!(reply.literal(), None);
        assert_eq!(SysexPattern::parse("f0 01 f7").unwrap().literal(), Some(vec![0xF0, 0x01, 0xF7]));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(SysexPattern::parse("7E 00 F7"), Err(SysexPatternError::Ends));
        assert_eq!(SysexPattern::parse("F0"), Err(SysexPatternError::Ends));
        assert_eq!(SysexPattern::parse("F0 90 F7"), Err(SysexPatternError::Status(0x90)));
        assert_eq!(SysexPattern::parse("F0 1 F7"), Err(SysexPatternError::Part("1".into())));
        assert_eq!(SysexPattern::parse("F0 é F7"), Err(SysexPatternError::Part("é".into())));
    }
}
