//! Value shaping: how a control's value becomes the action's.

use std::ops::RangeInclusive;

/// The stages, applied in this order: range → dead zone → invert → curve → steps → output range.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The part of the control's travel that is used, in its own unit (0 to 127, or 16383); what lies
    /// outside counts as the nearer end. `None`: all of it.
    pub from: Option<RangeInclusive<u16>>,
    /// How much of the travel does nothing: at each end, and for pitch bend around its rest. 0 to 0.49.
    pub dead_zone: f64,
    /// Whether the control works the other way round.
    pub invert: bool,
    /// How the middle of the travel is bent.
    pub curve: Curve,
    /// How many different values come out, at least 2; `None`: as many as the control has.
    pub steps: Option<u16>,
    /// The value at either end, each 0 to 1; the first may be the larger.
    pub to: (f64, f64),
}

impl Default for Shape {
    fn default() -> Self {
        Self { from: None, dead_zone: 0.0, invert: false, curve: Curve::Linear, steps: None, to: (0.0, 1.0) }
    }
}

/// How the middle of the travel is bent; the ends stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Curve {
    /// Not at all.
    #[default]
    Linear,
    /// Fine control at the lower end: x², as for a volume.
    Slow,
    /// Fine control at the upper end: the mirror image of `Slow`.
    Fast,
    /// Fine control at both ends: x²·(3 − 2x).
    Smooth,
    /// x to this power, 0.1 to 10.
    Power(f64),
}

impl Shape {
    /// The shaped value, 0 to 1, of `raw` on a control that goes from 0 to `max`. `rest` is the value at
    /// which it rests in the middle, for pitch bend.
    #[must_use]
    pub fn apply(&self, raw: u16, max: u16, rest: Option<u16>) -> f64 {
        let (low, high) = match &self.from {
            Some(range) => (f64::from(*range.start()), f64::from(*range.end())),
            None => (0.0, f64::from(max)),
        };
        let place = |raw: f64| if high > low { ((raw - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        let mut x = place(f64::from(raw));
        if self.dead_zone > 0.0 {
            x = match rest.map(|rest| place(f64::from(rest))) {
                Some(middle) => dead_around(x, middle, self.dead_zone),
                None => ((x - self.dead_zone) / (1.0 - 2.0 * self.dead_zone)).clamp(0.0, 1.0),
            };
        }
        if self.invert {
            x = 1.0 - x;
        }
        x = match self.curve {
            Curve::Linear => x,
            Curve::Slow => x * x,
            Curve::Fast => 1.0 - (1.0 - x) * (1.0 - x),
            Curve::Smooth => x * x * (3.0 - 2.0 * x),
            Curve::Power(power) => x.powf(power),
        };
        if let Some(steps) = self.steps {
            let last = f64::from(steps.max(2) - 1);
            x = (x * last).round() / last;
        }
        self.to.0 + (self.to.1 - self.to.0) * x
    }
}

/// Flattens `zone` on both sides of `middle`, and stretches the rest so that the ends stay the ends.
fn dead_around(x: f64, middle: f64, zone: f64) -> f64 {
    let (below, above) = (middle - zone, middle + zone);
    if x < below {
        x / below * middle
    } else if x > above && above < 1.0 {
        middle + (x - above) / (1.0 - above) * (1.0 - middle)
    } else {
        middle
    }
}

#[cfg(test)]
mod tests {
    use super::{Curve, Shape};

    #[test]
    fn ends_stay_the_ends_whatever_the_curve() {
        for curve in [Curve::Linear, Curve::Slow, Curve::Fast, Curve::Smooth, Curve::Power(3.0)] {
            let shape = Shape { curve, ..Shape::default() };
            assert_eq!(shape.apply(0, 127, None), 0.0);
            assert_eq!(shape.apply(127, 127, None), 1.0);
        }
    }

    #[test]
    fn range_invert_steps_and_output() {
        let shape =
            Shape { from: Some(27..=127), invert: true, steps: Some(3), to: (0.0, 0.5), ..Shape::default() };
        assert_eq!(shape.apply(0, 127, None), 0.5);
        assert_eq!(shape.apply(77, 127, None), 0.25);
        assert_eq!(shape.apply(127, 127, None), 0.0);
    }

    #[test]
    fn the_bend_wheel_rests_in_its_dead_zone() {
        let shape = Shape { dead_zone: 0.1, ..Shape::default() };
        let middle = shape.apply(8192, 16383, Some(8192));
        assert_eq!(shape.apply(9000, 16383, Some(8192)), middle);
        assert!(shape.apply(12000, 16383, Some(8192)) > middle);
        assert_eq!(shape.apply(16383, 16383, Some(8192)), 1.0);
        assert_eq!(shape.apply(0, 16383, Some(8192)), 0.0);
        assert_eq!(shape.apply(5, 127, None), 0.0, "at each end of a fader");
    }
}
