//! What the kernel says of a host from outside: processor time, memory, and whether it is confined as it says.

use std::time::Duration;

use padgate_core::time::Time;
use padgate_plugin_host::confinement::Confinement;

/// A host that used more than its share of the processor for this long is killed.
pub const OVER_SHARE_FOR: Duration = Duration::from_secs(5);
/// How often a host is looked at that did something since the last look.
const LOOK_BUSY: Duration = Duration::from_secs(2);
/// How often one is looked at that did nothing; doubles up to [`LOOK_IDLE_MAX`] while it goes on doing nothing.
const LOOK_IDLE: Duration = Duration::from_secs(10);
/// So often at least every host is looked at: a thread of a plugin can begin to work without telling anybody.
const LOOK_IDLE_MAX: Duration = Duration::from_secs(60);
/// Looks fall on multiples of this, so that many hosts are looked at with one wake-up.
const GRID_NS: u64 = 2_000_000_000;

/// The unit of processor times in `/proc`, on every architecture that Padgate is built for.
const TICKS_PER_SECOND: u64 = 100;

/// Watches the share of the processor that one host uses. Pure: times and readings come from whoever calls.
#[derive(Debug)]
pub(super) struct Share {
    /// In percent of one processor.
    allowed: u32,
    looked: Time,
    used: Duration,
    over_since: Option<Time>,
    idle: Duration,
    next: Time,
}

impl Share {
    /// Of a host that was started just now, and may use `allowed` percent of a processor.
    pub(super) fn new(allowed: u32, now: Time) -> Share {
        let next = on_grid(now + LOOK_BUSY);
        Share { allowed, looked: now, used: Duration::ZERO, over_since: None, idle: LOOK_IDLE, next }
    }

    /// When to look next.
    pub(super) fn next(&self) -> Time {
        self.next
    }

    /// The host does something: it is to be looked at soon.
    pub(super) fn active(&mut self, now: Time) {
        if self.idle > LOOK_IDLE || self.next > now + LOOK_IDLE {
            self.idle = LOOK_IDLE;
            self.next = self.next.min(on_grid(now + LOOK_IDLE));
        }
    }

    /// It has used so much by now. Returns its share in percent, if it has been over what it may for too long.
    pub(super) fn look(&mut self, now: Time, used: Duration) -> Option<u32> {
        let passed = now.since(self.looked);
        let worked = used.saturating_sub(self.used);
        let share = percent(worked, passed);
        if worked.is_zero() {
            self.next = on_grid(now + self.idle);
            self.idle = (self.idle * 2).min(LOOK_IDLE_MAX);
        } else {
            self.idle = LOOK_IDLE;
            self.next = on_grid(now + LOOK_BUSY);
        }
        let since = match (share > self.allowed, self.over_since) {
            (false, _) => None,
            (true, Some(since)) => Some(since),
            (true, None) => Some(self.looked),
        };
        self.over_since = since;
        (self.looked, self.used) = (now, used);
        since.filter(|since| now.since(*since) >= OVER_SHARE_FOR).map(|_| share)
    }
}

fn on_grid(at: Time) -> Time {
    Time(at.0.div_ceil(GRID_NS).saturating_mul(GRID_NS))
}

fn percent(worked: Duration, passed: Duration) -> u32 {
    let share = worked.as_nanos() * 100 / passed.as_nanos().max(1);
    u32::try_from(share).unwrap_or(u32::MAX)
}

/// What a process used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Used {
    /// Processor time of all its threads.
    pub(super) cpu: Duration,
    /// Resident memory, in bytes.
    pub(super) rss: u64,
}

/// Reads what a process used; `None` if it is gone.
pub(super) fn used(pid: u32) -> Option<Used> {
    let cpu = parse_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    // A process that has ended, and was not reaped, has no memory.
    Some(Used { cpu, rss: kib(&status, "VmRSS:").unwrap_or(0) })
}

fn parse_stat(stat: &str) -> Option<Duration> {
    // The name is in brackets, and may hold brackets and spaces; after the last one there are only numbers.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(user.saturating_add(system).saturating_mul(1000 / TICKS_PER_SECOND)))
}

fn kib(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

/// Resident memory with shared pages divided among their users, in bytes. A process that is protected from being looked
/// at does not say.
pub(super) fn pss(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    kib(&text, "Pss:")
}

/// Looks from outside whether a host is confined as it says; the tests have hosts of their own.
pub(super) type Verify = fn(u32, &Confinement) -> Result<(), String>;

/// Looks from outside whether a host is confined as it says: what the kernel shows of it can't be forged by it.
///
/// # Errors
///
/// With what is not as it must be.
pub(super) fn verify(pid: u32, says: &Confinement) -> Result<(), String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|error| format!("/proc/{pid}/status can't be read: {error}"))?;
    check_status(&status, says)
}

fn check_status(status: &str, says: &Confinement) -> Result<(), String> {
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    if field("NoNewPrivs") != Some("1") {
        return Err("it could gain privileges (NoNewPrivs is not set)".to_owned());
    }
    let capabilities = field("CapEff").and_then(|text| u64::from_str_radix(text, 16).ok());
    if capabilities != Some(0) {
        return Err("it has capabilities of the system (CapEff is not 0)".to_owned());
    }
    if says.filters > 0 {
        if field("Seccomp") != Some("2") {
            return Err("no filter of system calls is in force (Seccomp is not 2)".to_owned());
        }
        // Kernels before 5.9 don't tell how many there are.
        let filters = field("Seccomp_filters").map(str::parse::<u32>);
        if !matches!(filters, None | Some(Ok(_))) {
            return Err("the number of its filters of system calls can't be read".to_owned());
        }
        if let Some(Ok(filters)) = filters
            && filters < says.filters
        {
            return Err(format!("{filters} filters of system calls are in force, and not {}", says.filters));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use padgate_core::time::Time;
    use padgate_plugin_host::confinement::{Confinement, Enforced};

    use super::{LOOK_IDLE_MAX, Share, check_status, kib, parse_stat, pss, used};

    fn second(number: u64) -> Time {
        Time::from_millis(number * 1000)
    }

    #[test]
    fn burning_for_five_seconds_is_found_and_a_short_burst_is_not() {
        let mut share = Share::new(50, second(0));
        assert_eq!(share.next(), second(2));
        assert_eq!(share.look(second(2), Duration::from_secs(2)), None);
        assert_eq!(share.look(second(4), Duration::from_secs(4)), None);
        assert_eq!(share.look(second(6), Duration::from_secs(6)), Some(100));
        let mut share = Share::new(50, second(0));
        assert_eq!(share.look(second(2), Duration::from_secs(2)), None);
        assert_eq!(share.look(second(4), Duration::from_millis(2100)), None);
        assert_eq!(share.look(second(6), Duration::from_millis(4100)), None);
        // Exactly what is allowed is allowed.
        let mut share = Share::new(50, second(0));
        for at in 1..20 {
            assert_eq!(share.look(second(at * 2), Duration::from_secs(at)), None);
        }
    }

    #[test]
    fn an_idle_host_is_looked_at_ever_more_seldom_until_it_does_something() {
        let mut share = Share::new(50, second(0));
        let mut now = second(2);
        let mut waits = Vec::new();
        for _ in 0..6 {
            share.look(now, Duration::ZERO);
            waits.push(share.next().since(now));
            now = share.next();
        }
        assert_eq!(waits[..3], [10, 20, 40].map(Duration::from_secs));
        assert_eq!(waits[5], LOOK_IDLE_MAX);
        share.look(now, Duration::ZERO);
        share.active(now);
        assert_eq!(share.next().since(now), Duration::from_secs(10));
        // Burning begun in between is found at the next look: it lasted longer than is borne.
        assert_eq!(share.look(now + Duration::from_secs(10), Duration::from_secs(8)), Some(80));
    }

    #[test]
    fn the_kernels_lines_are_read() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 94 0 0 0 150 50 0 0 20 0 1 0 100 2000000 123 1";
        assert_eq!(parse_stat(stat), Some(Duration::from_secs(2)));
        assert_eq!(parse_stat("7 (a"), None);
        assert_eq!(kib("Name:\tx\nVmRSS:\t    20 kB\n", "VmRSS:"), Some(20480));
        let own = std::process::id();
        assert!(used(own).is_some_and(|used| used.rss > 0));
        assert!(pss(own).is_none_or(|pss| pss > 0));
        assert_eq!(used(u32::MAX), None);
    }

    #[test]
    fn what_is_not_confined_is_seen() {
        let says = Confinement {
            landlock: 7,
            filters: 2,
            files: Enforced::Fully,
            network: Enforced::Fully,
            programs: Enforced::Fully,
            processes: Enforced::Fully,
            limits: Enforced::Fully,
        };
        let good = "Name:\tx\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2\n";
        assert_eq!(check_status(good, &says), Ok(()));
        assert_eq!(check_status(&good.replace("Seccomp_filters:\t2\n", ""), &says), Ok(()));
        for (from, to) in [
            ("CapEff:\t0000000000000000", "CapEff:\t0000000000000001"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
            ("Seccomp:\t2", "Seccomp:\t1"),
            ("Seccomp_filters:\t2", "Seccomp_filters:\t1"),
            ("Seccomp_filters:\t2", "Seccomp_filters:\tx"),
        ] {
            assert!(check_status(&good.replace(from, to), &says).is_err(), "{to}");
        }
        assert!(check_status("", &says).is_err());
    }
}
