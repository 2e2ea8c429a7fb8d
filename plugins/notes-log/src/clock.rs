//! The time of day as people write it.
//!
//! Inside the sandbox there is no time zone: its files can't be read. So the clock shows UTC, or what the configuration says
//! that it differs by.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use padgate_plugin::Error;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What a clock shows more than that of UTC, in minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Offset(i64);

impl FromStr for Offset {
    type Err = Error;

    /// Reads `+01:00`, `-03:30` or `Z`.
    fn from_str(text: &str) -> Result<Offset, Error> {
        let read = || {
            if text == "Z" {
                return Some(Offset(0));
            }
            let sign = match text.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let (hours, minutes) = text.get(1..)?.split_once(':')?;
            let number = |digits: &str, max: i64| {
                let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
                digits.parse::<i64>().ok().filter(|number| plain && *number <= max)
            };
            Some(Offset(sign * (number(hours, 14)? * 60 + number(minutes, 59)?)))
        };
        read().ok_or_else(|| {
            Error::invalid(format!(
                "{text:?} is no offset from UTC; write one as in \"+01:00\" or \"-03:30\""
            ))
        })
    }
}

/// A time on a clock on the wall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wall {
    year: i64,
    month: i64,
    day: i64,
    /// Of the day.
    second: i64,
    offset: Offset,
}

impl Wall {
    /// What a clock with this offset shows at that time.
    pub(crate) fn new(time: SystemTime, offset: Offset) -> Wall {
        // Rounded down, so that a time before 1970 has its own second as well.
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(0);
        let since = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => seconds(after),
            Err(before) => -seconds(before.duration()) - i64::from(before.duration().subsec_nanos() > 0),
        };
        let local = since + offset.0 * 60;
        let (year, month, day) = date(local.div_euclid(DAY_SECONDS));
        Wall { year, month, day, second: local.rem_euclid(DAY_SECONDS), offset }
    }

    /// The date and time (RFC 3339), the date, and the time of day.
    pub(crate) fn texts(&self) -> [String; 3] {
        let date = format!("{:04}-{:02}-{:02}", self.year, self.month, self.day);
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let clock = format!("{hour:02}:{minute:02}:{second:02}");
        let zone = match self.offset.0 {
            0 => "Z".to_owned(),
            minutes => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        };
        [format!("{date}T{clock}{zone}"), date, clock]
    }
}

/// Year, month and day of the so-manieth day after the first of January 1970. The calendar repeats after 400 years, and is
/// easiest to count from the first of March, which puts the leap day at the end.
fn date(days: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 400 * 365 + 97;
    /// From the first of March of the year 0 to the first of January 1970.
    const MARCH_0: i64 = 719_468;
    let days = days + MARCH_0;
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::{Offset, Wall, date};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn every_day_follows_the_day_before() {
        // 1970 to 2370, counted by hand.
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for number in 0..146_097 {
            assert_eq!(date(number), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + i64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (month, day) = if day == last { (month + 1, 1) } else { (month, day + 1) };
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(date(-1), (1969, 12, 31));
    }

    #[test]
    fn a_clock_shows_the_offset_that_it_has() {
        let time = UNIX_EPOCH + Duration::from_millis(1_000_000_000_999);
        let shown = |offset: &str| Wall::new(time, offset.parse().unwrap()).texts();
        assert_eq!(shown("Z"), ["2001-09-09T01:46:40Z", "2001-09-09", "01:46:40"]);
        assert_eq!(shown("+01:00")[0], "2001-09-09T02:46:40+01:00");
        assert_eq!(shown("-03:30")[0], "2001-09-08T22:16:40-03:30");
        let before = Wall::new(UNIX_EPOCH - Duration::from_millis(1), Offset::default());
        assert_eq!(before.texts()[0], "1969-12-31T23:59:59Z");
        for wrong in ["", "1", "+1", "+1:00", "+01:60", "+15:00", "01:00", "+0a:00", "é"] {
            assert!(wrong.parse::<Offset>().is_err(), "{wrong}");
        }
    }
}
