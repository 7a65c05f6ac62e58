//! Waiting for devices, for the wake-up and for a time: one epoll instance that they are entered in once. That
//! costs a round trip less than poll(2), which enters itself with each of them at every wait.
//!
//! A wait that is given a limit has the kernel start and stop a timer for it, which may cost more than entering the
//! kernel. Most deadlines move away before they come. So there is one timer (timerfd), set for the earliest that was
//! waited for and left alone until it comes: if the deadline has moved meanwhile, the wait ends with nothing to do,
//! and the next one sets it anew.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFlags, Timespec};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};
use tickwire_core::Instant;

use super::clock::Clock;
use crate::device::Device;

/// What the wake-up and the timer are entered as; devices are entered by their number.
const WAKE: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

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
    timer: OwnedFd,
    /// What the timer is set for, by the driver's clock, if that has not come yet.
    set_for: Option<Instant>,
}

impl Waiting {
    /// To wait for `wake`, and for what is entered later.
    pub(super) fn new(wake: BorrowedFd<'_>) -> io::Result<Waiting> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&epoll, wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        // By its edge, so that it need not be read.
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET)?;
        Ok(Waiting { epoll, timer, set_for: None })
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

    /// Tells `found` what there is, without waiting.
    pub(super) fn look(&mut self, found: impl FnMut(News)) -> io::Result<()> {
        self.take(Some(&Timespec { tv_sec: 0, tv_nsec: 0 }), found)
    }

    /// Waits for news, at most until `until` by `clock`, and tells `found` what there is. It may find nothing
    /// before that: a signal ends it, and so does an earlier time that was waited for before.
    pub(super) fn wait(&mut self, until: Option<Instant>, clock: &Clock, found: impl FnMut(News)) -> io::Result<()> {
        if let Some(until) = until
            && self.set_for.is_none_or(|set| until < set)
        {
            let left = until.since(clock.now());
            if left.is_zero() {
                return self.look(found);
            }
            let setting = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(left) };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting)?;
            self.set_for = Some(until);
        }
        self.take(None, found)
    }

    fn take(&mut self, timeout: Option<&Timespec>, mut found: impl FnMut(News)) -> io::Result<()> {
        let mut events = [MaybeUninit::<Event>::uninit(); EVENTS_MAX];
        let events = match epoll::wait(&self.epoll, &mut events[..], timeout) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        for event in events {
            let (number, flags) = (event.data.u64(), event.flags);
            match usize::try_from(number) {
                _ if number == WAKE => found(News::Woken),
                _ if number == TIMER => self.set_for = None,
                Ok(number) if flags.intersects(RECEIVABLE) => found(News::Readable(number)),
                // It takes frames again: that the wait ended is all that there is to it.
                _ => {}
            }
        }
        Ok(())
    }
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

    struct Rig {
        clock: Clock,
        wake: Signal,
        waiting: Waiting,
    }

    impl Rig {
        fn new() -> Rig {
            let wake = Signal::new().expect("an eventfd");
            let waiting = Waiting::new(wake.as_fd()).expect("an epoll instance and a timer");
            Rig { clock: Clock::start(), wake, waiting }
        }

        fn look(&mut self) -> Vec<News> {
            let mut all = Vec::new();
            self.waiting.look(|news| all.push(news)).expect("it can be looked for");
            all
        }

        fn wait_until(&mut self, until: Instant) -> Vec<News> {
            let mut all = Vec::new();
            self.waiting.wait(Some(until), &self.clock, |news| all.push(news)).expect("it can be waited for");
            all
        }

        fn wait(&mut self, longest: Duration) -> Vec<News> {
            self.wait_until(self.clock.now() + longest)
        }
    }

    #[test]
    fn what_is_there_is_told_until_it_is_taken() {
        let mut rig = Rig::new();
        let (east, _west) = pair::pair(1500).expect("eventfds");
        rig.waiting.add(0, &east).expect("a descriptor");
        assert_eq!(rig.look(), []);
        rig.wake.raise();
        assert_eq!(rig.look(), [News::Woken]);
        for longest in [Duration::ZERO, Duration::from_micros(1), Duration::from_mins(1)] {
            assert_eq!(rig.wait(longest), [News::Woken]);
        }
        rig.wake.lower();
        assert_eq!(rig.wait(Duration::ZERO), []);
    }

    #[test]
    fn waits_end_at_their_time() {
        let mut rig = Rig::new();
        for longest in [300_000, 999_999, 2_900_000] {
            let until = rig.clock.now() + Duration::from_nanos(longest);
            assert_eq!(rig.wait_until(until), []);
            assert!(rig.clock.now() >= until);
        }
    }

    #[test]
    fn a_deadline_that_came_earlier_is_waited_for_anew() {
        let mut rig = Rig::new();
        rig.wake.raise();
        assert_eq!(rig.wait(Duration::from_mins(1)), [News::Woken]);
        rig.wake.lower();
        let until = rig.clock.now() + Duration::from_millis(1);
        assert_eq!(rig.wait_until(until), []);
        assert!(rig.clock.now() >= until);
    }

    #[test]
    fn a_deadline_that_has_moved_away_ends_one_wait_at_the_most() {
        let mut rig = Rig::new();
        rig.wake.raise();
        assert_eq!(rig.wait(Duration::from_millis(2)), [News::Woken]);
        rig.wake.lower();
        let until = rig.clock.now() + Duration::from_millis(20);
        let mut waits = 0;
        while rig.clock.now() < until {
            assert_eq!(rig.wait_until(until), []);
            waits += 1;
        }
        assert!(waits <= 2, "{waits} waits");
    }
}
