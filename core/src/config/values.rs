//! Values that are written as text: durations, ranges, shares, times of day, weekdays, bytes.
//!
//! Only text in, value or reason out; where it was written is the caller's business.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::ruleset::condition::DaySpan;

/// Reads `400ms`, `1.5s`, `2m` or `0`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == 'µ');
    let unit_ms = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "ms" => 1.0,
        "s" => 1e3,
        "m" | "min" => 60e3,
        "" => return Err("the unit is missing".to_owned()),
        _ => return Err("the unit is none of ms, s, m".to_owned()),
    };
    let count: f64 = plain_number(digits.trim()).ok_or_else(|| format!("{digits:?} is not a number"))?;
    Duration::try_from_secs_f64(count * unit_ms / 1e3).map_err(|_| "it is too long".to_owned())
}

/// A number of digits and at most one point: no sign, no exponent, no infinity.
fn plain_number(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    // Longer than any number that means something; and reading stays linear.
    (digits && text.len() <= 32).then(|| text.parse().ok()).flatten()
}

/// Reads `20-100`, or `7` for `7-7`.
pub(crate) fn range(text: &str) -> Result<RangeInclusive<u32>, String> {
    let number = |part: &str| {
        let part = part.trim();
        part.parse::<u32>().map_err(|_| format!("{part:?} is not a whole number"))
    };
    match text.split_once('-') {
        Some((low, high)) => Ok(number(low)?..=number(high)?),
        None => number(text).map(|only| only..=only),
    }
}

/// Reads `5%` as 0.05.
pub(crate) fn percent(text: &str) -> Option<f64> {
    plain_number(text.trim().strip_suffix('%')?.trim()).map(|number| number / 100.0)
}

/// Reads `0-50%` or `100%-0%` as two shares.
pub(crate) fn percent_range(text: &str) -> Option<(f64, f64)> {
    let (low, high) = text.split_once('-')?;
    let low = low.trim();
    let low = percent(low).or_else(|| plain_number(low).map(|number| number / 100.0))?;
    Some((low, percent(high)?))
}

/// Reads `22:00-06:00`.
pub(crate) fn day_span(text: &str) -> Result<DaySpan, String> {
    let (start, end) = text.split_once('-').ok_or("there is no \"-\" between two times")?;
    let start = time_of_day(start)?;
    let end = time_of_day(end)?;
    if start == 24 * 60 {
        return Err("a span can't begin at 24:00; write 00:00".to_owned());
    }
    if start == end {
        return Err("it begins and ends at the same time".to_owned());
    }
    Ok(DaySpan { start, end })
}

/// Minutes since midnight, up to 1440 for 24:00.
fn time_of_day(text: &str) -> Result<u16, String> {
    let text = text.trim();
    let wrong = || format!("{text:?} is not a time of day");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let part = |part: &str, longest: usize| -> Option<u16> {
        let fits = (1..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse().ok()).flatten()
    };
    let (Some(hours), Some(minutes)) = (part(hours, 2), part(minutes, 2)) else { return Err(wrong()) };
    let total = hours * 60 + minutes;
    if minutes > 59 || total > 24 * 60 { Err(wrong()) } else { Ok(total) }
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads `sat`, `Saturday` or `fri-mon` as a set of days; bit 0 is Monday.
pub(crate) fn weekdays(text: &str) -> Result<u8, String> {
    let day = |text: &str| {
        let name = text.trim().to_ascii_lowercase();
        let known = |full: &str| name.len() >= 3 && full.starts_with(&name);
        WEEKDAYS
            .iter()
            .position(|full| known(full))
            .ok_or_else(|| format!("{:?} is not a weekday", text.trim()))
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (day(first)?, day(last)?),
        None => (day(text)?, day(text)?),
    };
    // May run over the weekend.
    let count = (last + 7 - first) % 7 + 1;
    Ok((0..count).fold(0, |days, n| days | 1 << ((first + n) % 7)))
}

/// Reads `90 3C 64`.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    text.split_ascii_whitespace()
        .map(|word| {
            let two_digits = word.len() == 2 && word.bytes().all(|b| b.is_ascii_hexdigit());
            two_digits
                .then(|| u8::from_str_radix(word, 16).ok())
                .flatten()
                .ok_or_else(|| format!("{word:?} is not a byte (two hexadecimal digits)"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{bytes, day_span, duration, percent, percent_range, range, weekdays};
    use crate::ruleset::condition::DaySpan;
    use std::time::Duration;

    #[test]
    fn durations() {
        assert_eq!(duration("400ms"), Ok(Duration::from_millis(400)));
        assert_eq!(duration(" 1.5 s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "400", "-5ms", "1e9s", "ms", "5h", "nans", "infs", "1.2.3s", "5 µs", "٣s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration(&format!("{}s", "9".repeat(1000))).is_err());
        assert!(duration(&format!("{}s", "9".repeat(30))).is_err());
    }

    #[test]
    fn ranges() {
        assert_eq!(range("20-100"), Ok(20..=100));
        assert_eq!(range(" 7 "), Ok(7..=7));
        for wrong in ["", "-", "-5", "5-", "a-b", "1-2-3", "99999999999"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares() {
        assert_eq!(percent("5%"), Some(0.05));
        assert_eq!(percent("5"), None);
        assert_eq!(percent("-5%"), None);
        assert_eq!(percent_range("0-50%"), Some((0.0, 0.5)));
        assert_eq!(percent_range("100%-0%"), Some((1.0, 0.0)));
        assert_eq!(percent_range("50%"), None);
    }

    #[test]
    fn times_of_day() {
        assert_eq!(day_span("22:00-06:30"), Ok(DaySpan { start: 1320, end: 390 }));
        assert_eq!(day_span("0:00 - 24:00"), Ok(DaySpan { start: 0, end: 1440 }));
        for wrong in
            ["", "22:00", "24:01-1:00", "12:60-13:00", "24:00-1:00", "5-6", "+1:00-2:00", "1:00-1:00"]
        {
            assert!(day_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_of_the_week() {
        assert_eq!(weekdays("mon"), Ok(1));
        assert_eq!(weekdays("Saturday"), Ok(1 << 5));
        assert_eq!(weekdays("mon-fri"), Ok(0b001_1111));
        assert_eq!(weekdays("sat-mon"), Ok(0b110_0001));
        assert_eq!(weekdays("thurs"), Ok(1 << 3));
        for wrong in ["", "s", "mo", "funday", "mon-", "mon-tue-wed"] {
            assert!(weekdays(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(bytes("90 3c\n64"), Ok(vec![0x90, 0x3C, 0x64]));
        assert!(bytes("9").is_err());
        assert!(bytes("+9").is_err());
        assert!(bytes("é").is_err());
    }
}
