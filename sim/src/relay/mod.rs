//! A modelled link between two real interfaces, in real time: what the kernel sends on one TAP goes
//! through a [`Link`] and comes out of the other.
//!
//! ```text
//!    TAP a  --read-->  a_to_b: stages ...  --write-->  TAP b
//!           <-write--  b_to_a: stages ...  <--read--
//! ```
//!
//! The pipelines are those of the simulator ([`Direction`]), driven by the system's monotonic clock. What they
//! do is exact; what is not is when the relay is there to look. It never hides that: a frame that left later than
//! [`LATE`] after its time is counted ([`Delivery`]), and one of which it is not known to within that when it came,
//! and what the kernel dropped since nobody came to read it.
//!
//! | module | job |
//! |---|---|
//! | `side` | one of the two devices: reading, writing, and how late |
//! | `kernel_queue` | what the kernel dropped before an interface was read |
//! | `report` | what was done, as text |

mod kernel_queue;
mod report;
mod side;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tickwire_backends::device::Device;
use tickwire_backends::pool::Pool;
use tickwire_core::{Instant, Seed};

pub use report::{Delivery, Report, WayReport};

use crate::draw::Draws;
use crate::link::{Direction, Link};
use side::Side;

/// How late a frame may be before it counts as late: twenty times what a relay that keeps up is off by.
pub const LATE: Duration = Duration::from_millis(1);

/// The relay does not sleep towards something that is due sooner than this: waking up takes about as long.
const TOO_SHORT_TO_SLEEP: Duration = Duration::from_micros(60);

/// The longest sleep: by then it is looked whether to stop.
const SLEEP_MAX: Duration = Duration::from_millis(100);

/// How often it is told that the relay fell behind.
const NEWS_INTERVAL: Duration = Duration::from_secs(1);

/// Two devices and the link between them.
#[derive(Debug)]
pub struct Relay<D> {
    /// Ends a and b.
    sides: [Side<D>; 2],
    /// From a, from b.
    directions: [Direction; 2],
    draws: Draws,
    origin: std::time::Instant,
    /// Frames read so far: their names.
    frames: u64,
}

impl<D: Device> Relay<D> {
    /// A relay that begins now. The link's draws follow from `seed`: the nth frame on a direction has the same
    /// fate in each run, as far as that does not depend on when it came.
    pub fn new(ends: [(D, Pool); 2], link: Link, seed: &Seed) -> Relay<D> {
        Relay {
            sides: ends.map(|(device, pool)| Side::new(device, pool)),
            directions: [Direction::new(link.a_to_b, 0, true), Direction::new(link.b_to_a, 0, false)],
            draws: Draws::seeded(seed),
            origin: std::time::Instant::now(),
            frames: 0,
        }
    }

    /// Relays until `stop` is set, or for `duration`. About once a second in which it fell behind, `tell` is
    /// given what has been done since the beginning.
    ///
    /// # Errors
    ///
    /// A device is gone or broken for good, or the system cannot wait.
    pub fn run(
        &mut self,
        duration: Option<Duration>,
        stop: &AtomicBool,
        mut tell: impl FnMut(&Report),
    ) -> io::Result<()> {
        // The kernel adds 50 us to each sleep unless it is told not to; without the privilege it does.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let end = duration.map(|duration| self.now() + duration);
        let mut next_news = self.now() + NEWS_INTERVAL;
        let mut told = self.report().behind();
        while !stop.load(Ordering::Relaxed) {
            let now = self.now();
            if end.is_some_and(|end| now >= end) {
                break;
            }
            if now >= next_news {
                let report = self.report();
                if report.behind() != told {
                    told = report.behind();
                    tell(&report);
                }
                next_news = now + NEWS_INTERVAL;
            }
            self.turn(end.unwrap_or(now + SLEEP_MAX))?;
        }
        Ok(())
    }

    /// Reads and writes what there is, and waits until there is more, but not beyond `limit`.
    fn turn(&mut self, limit: Instant) -> io::Result<()> {
        let mut more = false;
        for from in [0, 1] {
            more |= self.receive(from)?;
        }
        self.answer();
        for from in [0, 1] {
            more |= self.deliver(from)?;
        }
        if more { Ok(()) } else { self.wait(limit) }
    }

    /// Takes in what came at one end; tells whether there may be more.
    fn receive(&mut self, from: usize) -> io::Result<bool> {
        let now = self.now();
        let (direction, draws, frames) = (&mut self.directions[from], &mut self.draws, &mut self.frames);
        self.sides[from].receive(now, |came, data| {
            direction.push(came, *frames, data, draws);
            *frames += 1;
        })
    }

    /// Sends routers' errors back, and forgets what was dropped: it is counted.
    fn answer(&mut self) {
        let now = self.now();
        for from in [0, 1] {
            while let Some(answer) = self.directions[from].pop_answer() {
                self.directions[1 - from].push_answer(now, answer, &mut self.draws);
            }
            while self.directions[from].pop_dropped().is_some() {}
        }
    }

    /// Writes what has arrived from one end to the other; tells whether there may be more.
    fn deliver(&mut self, from: usize) -> io::Result<bool> {
        let now = self.now();
        let (direction, draws) = (&mut self.directions[from], &mut self.draws);
        self.sides[1 - from].send(now, || direction.pop(now, draws))
    }

    fn wait(&mut self, limit: Instant) -> io::Result<()> {
        let now = self.now();
        // Of a device that takes nothing, what is due waits.
        let due = |from: usize| self.directions[from].deadline().filter(|_| !self.sides[1 - from].is_blocked());
        let until = [due(0), due(1), Some(limit)].into_iter().flatten().min().unwrap_or(limit);
        let sleep = until.since(now).min(SLEEP_MAX).saturating_sub(TOO_SHORT_TO_SLEEP);
        if sleep.is_zero() {
            return Ok(());
        }
        let mut fds = self.sides.each_ref().map(|side| {
            let flags = if side.is_blocked() { PollFlags::IN | side.device.writable() } else { PollFlags::IN };
            PollFd::from_borrowed_fd(side.device.fd(), flags)
        });
        let timeout = Timespec { tv_sec: 0, tv_nsec: sleep.subsec_nanos().into() };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        // Who slept no longer than it asked for was woken by the first frame, and there had been none before. Who
        // overslept was kept from running for at least that long and from some time before, and frames may have
        // come all the while: as long before as after, for want of better knowledge.
        let awake = self.now();
        let away = 2 * awake.since(now).saturating_sub(sleep);
        self.sides.iter_mut().for_each(|side| side.empty_at = now.max(awake - away));
        Ok(())
    }

    /// `CLOCK_MONOTONIC` since the beginning.
    fn now(&self) -> Instant {
        Instant::ZERO + self.origin.elapsed()
    }

    /// What has been done so far.
    pub fn report(&self) -> Report {
        let [a, b] = &self.sides;
        let [from_a, from_b] = &self.directions;
        let way = |from: &Side<D>, to: &Side<D>, direction: &Direction| WayReport {
            counters: direction.counters().clone(),
            waiting: direction.waiting(),
            delivery: Delivery {
                late_frames: to.late_frames,
                worst: to.worst,
                guessed_frames: from.guessed_frames,
                worst_guess: from.worst_guess,
                unread: from.kernel_queue.dropped(),
            },
            refused: to.device.counters().tx_refused,
        };
        Report {
            names: [a.device.name().to_owned(), b.device.name().to_owned()],
            elapsed: self.origin.elapsed(),
            a_to_b: way(a, b, from_a),
            b_to_a: way(b, a, from_b),
        }
    }
}
