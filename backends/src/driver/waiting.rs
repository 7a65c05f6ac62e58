//! Waiting for devices and for the wake-up: one epoll instance that they are entered in once. That
//! costs a round trip less than poll(2), which enters itself with each of them at every wait.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::device::Device;

/// What the wake-up is entered as; devices are entered by their number.
const WAKE: u64 = u64::MAX;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Conditions taken from one wait; what is ready beyond that is still ready at the next.
const EVENTS_MAX: usize = 16;

/// What a wait found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Someone raised the wake-up.
    Woken,
    /// The device of this number has something to receive, or is broken.
    Readable(usize),
}

/// An error or a hang-up is found out by receiving.
const RECEIVABLE: EventFlags = EventFlags::IN.union(EventFlags::ERR).union(EventFlags::HUP);

#[derive(Debug)]
pub(super) struct Waiting {
    epoll: OwnedFd,
}

impl Waiting {
    /// To wait for `wake`, and for what is entered later.
    pub(super) fn new(wake: BorrowedFd<'_>) -> io::Result<Waiting> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        Ok(Waiting { epoll })
    }

    /// Enters the device `number`.
    pub(super) fn add(&self, number: usize, device: &dyn Device) -> io::Result<()> {
        epoll::add(&self.epoll, device.fd(), EventData::new_u64(number as u64), flags(device, false))?;
        Ok(())
    }

    /// Has the wait end also, or no longer, when the device `number` takes frames.
    pub(super) fn set_blocked(&self, number: usize, device: &dyn Device, blocked: bool) -> io::Result<()> {
        epoll::modify(&self.epoll, device.fd(), EventData::new_u64(number as u64), flags(device, blocked))?;
        Ok(())
    }

    /// Waits, at most for `longest` and to the nanosecond, and tells `found` what there is.
    ///
    /// `epoll_wait` counts milliseconds (`epoll_pwait2`, which does not, is not everywhere): a longer
    /// wait ends up to one early with nothing found, and the next one, on the epoll instance's own
    /// descriptor, is exact. Signals end a wait too.
    pub(super) fn wait(&self, longest: Option<Duration>, mut found: impl FnMut(News)) -> io::Result<()> {
        let whole = match longest {
            Some(short) if short < MILLISECOND => {
                self.wait_exactly(short)?;
                Some(Duration::ZERO)
            }
            longest => longest.map(whole_milliseconds),
        };
        let timeout = whole.map(timespec);
        let mut events = [MaybeUninit::<Event>::uninit(); EVENTS_MAX];
        let events = match epoll::wait(&self.epoll, &mut events[..], timeout.as_ref()) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        for event in events {
            let (number, flags) = (event.data.u64(), event.flags);
            match usize::try_from(number) {
                _ if number == WAKE => found(News::Woken),
                Ok(number) if flags.intersects(RECEIVABLE) => found(News::Readable(number)),
                // It takes frames again: that the wait ended is all that there is to it.
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits for any news (ppoll(2)).
    fn wait_exactly(&self, longest: Duration) -> io::Result<()> {
        if longest.is_zero() {
            return Ok(());
        }
        let mut fds = [PollFd::new(&self.epoll, PollFlags::IN)];
        match poll(&mut fds, Some(&timespec(longest))) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Rounded down.
fn whole_milliseconds(duration: Duration) -> Duration {
    Duration::new(duration.as_secs(), duration.subsec_millis() * 1_000_000)
}

fn flags(device: &dyn Device, blocked: bool) -> EventFlags {
    let writable = device.writable();
    let mut flags = EventFlags::IN;
    flags.set(EventFlags::OUT, blocked && writable.contains(PollFlags::OUT));
    flags
}

fn timespec(duration: Duration) -> Timespec {
    let tv_sec = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec, tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair;
    use crate::signal::Signal;
    use std::os::fd::AsFd as _;
    use std::time::Instant;

    fn news(waiting: &Waiting, longest: Duration) -> Vec<News> {
        let mut all = Vec::new();
        waiting.wait(Some(longest), |news| all.push(news)).expect("it can be waited for");
        all
    }

    #[test]
    fn what_is_there_is_told_until_it_is_taken() {
        let wake = Signal::new().expect("an eventfd");
        let waiting = Waiting::new(wake.as_fd()).expect("an epoll instance");
        let (east, _west) = pair::pair(1500).expect("eventfds");
        waiting.add(0, &east).expect("a descriptor");
        assert_eq!(news(&waiting, Duration::ZERO), []);
        wake.raise();
        for longest in [Duration::ZERO, Duration::from_micros(1), Duration::from_mins(1)] {
            assert_eq!(news(&waiting, longest), [News::Woken]);
        }
        wake.lower();
        assert_eq!(news(&waiting, Duration::ZERO), []);
    }

    #[test]
    fn waits_end_at_their_time_and_long_ones_a_little_before() {
        let wake = Signal::new().expect("an eventfd");
        let waiting = Waiting::new(wake.as_fd()).expect("an epoll instance");
        for (longest, at_least) in [(300_000, 300_000), (999_999, 999_999), (2_900_000, 2_000_000)] {
            let begun = Instant::now();
            assert_eq!(news(&waiting, Duration::from_nanos(longest)), []);
            assert!(begun.elapsed() >= Duration::from_nanos(at_least));
        }
    }
}
