//! Waiting for devices, for the wake-up and for a time, by poll(2).
//!
//! An epoll instance would stay entered with each device, and the kernel call it for each frame that arrives, also
//! while nobody waits: a few percent of a bulk transfer. poll(2) is entered only while it waits, and costs a round trip
//! no more. Each wait looks at each device; a stack has few.
//!
//! A wait that is given a limit has the kernel start and stop a timer for it, which may cost more than entering the
//! kernel. Most deadlines move away before they come. So there is one timer (timerfd), set for the earliest that was
//! waited for and left alone until it comes: if the deadline has moved meanwhile, the wait ends with nothing to do,
//! and the next one sets it anew.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};
use smallvec::SmallVec;
use tickwire_core::Instant;

use super::clock::Clock;
use crate::device::Device;
use crate::signal::Signal;

/// What a wait found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Someone raised the wake-up.
    Woken,
    /// The device of this number has something to receive, or is broken.
    Readable(usize),
}

/// An error or a hang-up is found out by receiving.
const RECEIVABLE: PollFlags = PollFlags::IN.union(PollFlags::ERR).union(PollFlags::HUP).union(PollFlags::NVAL);

/// So many descriptors are waited for without memory being allocated.
const DESCRIPTORS: usize = 8;

pub(super) struct Waiting {
    /// By their numbers.
    devices: Vec<Watched>,
    timer: OwnedFd,
    /// What the timer is set for, by the driver's clock, until it has come.
    set_for: Option<Instant>,
}

struct Watched {
    device: Arc<dyn Device>,
    /// The wait ends also when it takes frames.
    blocked: bool,
}

impl Watched {
    fn condition(&self) -> PollFlags {
        if self.blocked { PollFlags::IN | self.device.writable() } else { PollFlags::IN }
    }
}

impl Waiting {
    /// To wait for a time, and for the devices that are entered later.
    pub(super) fn new() -> io::Result<Waiting> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        Ok(Waiting { devices: Vec::new(), timer, set_for: None })
    }

    /// Enters a device, numbered in the order in which they are.
    pub(super) fn add(&mut self, device: Arc<dyn Device>) {
        self.devices.push(Watched { device, blocked: false });
    }

    /// Has the wait end also, or no longer, when the device `number` takes frames.
    pub(super) fn set_blocked(&mut self, number: usize, blocked: bool) {
        if let Some(watched) = self.devices.get_mut(number) {
            watched.blocked = blocked;
        }
    }

    /// Tells `found` what there is, without waiting.
    pub(super) fn look(&mut self, wake: &Signal, found: impl FnMut(News)) -> io::Result<()> {
        self.take(wake, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }), found)
    }

    /// Waits for news, at most until `until` by `clock`, and tells `found` what there is. It may find nothing
    /// before that: a signal ends it, and so does an earlier time that was waited for before.
    pub(super) fn wait(
        &mut self,
        wake: &Signal,
        until: Option<Instant>,
        clock: &Clock,
        found: impl FnMut(News),
    ) -> io::Result<()> {
        if let Some(until) = until
            && self.set_for.is_none_or(|set| until < set)
        {
            let left = until.since(clock.now());
            if left.is_zero() {
                return self.look(wake, found);
            }
            // Setting it also takes back that it came.
            let setting = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(left) };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting)?;
            self.set_for = Some(until);
        }
        self.take(wake, None, found)
    }

    fn take(&mut self, wake: &Signal, timeout: Option<&Timespec>, mut found: impl FnMut(News)) -> io::Result<()> {
        let mut fds: SmallVec<[PollFd<'_>; DESCRIPTORS]> = SmallVec::new();
        // First what is mostly ready: what the system finds so, it does not enter itself with the rest.
        for watched in &self.devices {
            fds.push(PollFd::from_borrowed_fd(watched.device.fd(), watched.condition()));
        }
        fds.push(PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN));
        // One that has come stays so until it is set anew.
        let timer = if self.set_for.is_some() { PollFlags::IN } else { PollFlags::empty() };
        fds.push(PollFd::new(&self.timer, timer));
        match poll(&mut fds, timeout) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
        let [devices @ .., wake, timer] = &fds[..] else { return Ok(()) };
        if wake.revents().contains(PollFlags::IN) {
            found(News::Woken);
        }
        // Of one that takes frames again, that the wait ended is all that there is to it.
        for (number, device) in devices.iter().enumerate() {
            if device.revents().intersects(RECEIVABLE) {
                found(News::Readable(number));
            }
        }
        if timer.revents().contains(PollFlags::IN) {
            self.set_for = None;
        }
        Ok(())
    }
}

fn timespec(duration: Duration) -> Timespec {
    let tv_sec = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec, tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair;

    struct Rig {
        clock: Clock,
        wake: Signal,
        waiting: Waiting,
    }

    impl Rig {
        fn new() -> Rig {
            let wake = Signal::new().expect("an eventfd");
            let waiting = Waiting::new().expect("a timer");
            Rig { clock: Clock::start(), wake, waiting }
        }

        fn look(&mut self) -> Vec<News> {
            let mut all = Vec::new();
            self.waiting.look(&self.wake, |news| all.push(news)).expect("it can be looked for");
            all
        }

        fn wait_until(&mut self, until: Instant) -> Vec<News> {
            let mut all = Vec::new();
            self.waiting
                .wait(&self.wake, Some(until), &self.clock, |news| all.push(news))
                .expect("it can be waited for");
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
        rig.waiting.add(Arc::new(east));
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
