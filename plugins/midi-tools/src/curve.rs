//! Velocity curves.

use serde::Deserialize;
use serde::de::Error as _;

/// What becomes of a velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Curve {
    /// Every velocity becomes `127 * (v/127)^exponent`.
    Power(f64),
    /// This, always.
    Fixed(u8),
    /// 1 to 127 is spread over this.
    Range(u8, u8),
}

impl Curve {
    fn parse(text: &str) -> Option<Curve> {
        let velocity = |text: &str| text.trim().parse::<u8>().ok().filter(|v| (1..=127).contains(v));
        match text {
            "linear" => Some(Curve::Power(1.0)),
            "soft" => Some(Curve::Power(0.5)),
            "hard" => Some(Curve::Power(2.0)),
            _ => match text.split_once(':')? {
                ("fixed", fixed) => velocity(fixed).map(Curve::Fixed),
                ("range", range) => {
                    let (low, high) = range.split_once('-')?;
                    let (low, high) = (velocity(low)?, velocity(high)?);
                    (low <= high).then_some(Curve::Range(low, high))
                }
                _ => None,
            },
        }
    }

    /// The velocity that is played for `velocity`, 1 to 127: 0 would be a release.
    pub(crate) fn velocity(self, velocity: u8) -> u8 {
        let share = f64::from(velocity.min(127)) / 127.0;
        let played = match self {
            Curve::Power(exponent) => share.powf(exponent) * 127.0,
            Curve::Fixed(fixed) => f64::from(fixed),
            Curve::Range(low, high) => f64::from(low) + share * f64::from(high - low),
        };
        (played.round() as u8).clamp(1, 127)
    }
}

impl<'de> Deserialize<'de> for Curve {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Curve::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "\"curve\" is {text:?}: write linear, soft, hard, \"fixed:100\" or \"range:40-110\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Curve;

    #[test]
    fn curves_bend_and_never_silence() {
        let at = |text: &str, velocity| Curve::parse(text).unwrap().velocity(velocity);
        assert_eq!((at("linear", 1), at("linear", 64), at("linear", 127)), (1, 64, 127));
        assert!(at("soft", 32) > 32 && at("soft", 127) == 127);
        assert!(at("hard", 64) < 64 && at("hard", 1) == 1 && at("hard", 0) == 1);
        assert_eq!(at("fixed:100", 3), 100);
        assert_eq!((at("range:40-110", 0), at("range:40-110", 127)), (40, 110));
        for text in ["", "fixed", "fixed:0", "fixed:128", "range:90-20", "loud"] {
            assert_eq!(Curve::parse(text), None, "{text}");
        }
    }
}
