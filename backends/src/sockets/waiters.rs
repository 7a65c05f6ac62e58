//! Who waits for which socket: a list of wakers each, by place.

use std::io;
use std::task::Waker;

use rustix::io::Errno;
use slotmap::SecondaryMap;
use smallvec::SmallVec;
use tickwire_core::event::{Event, Readiness};
use tickwire_core::socket::{ListenerHandle, TcpHandle, UdpHandle};

use super::Socket;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to receive or to accept, or that nothing more will come.
    Read,
    /// Room to send, that a connection is established, or that nothing more can be sent.
    Write,
}

impl Interest {
    /// Whether an edge may have ended the wait.
    const fn is_met_by(self, edges: Readiness) -> bool {
        let ends = Readiness::ERROR.union(Readiness::CLOSED);
        let met = match self {
            Interest::Read => Readiness::READABLE.union(Readiness::FINISHED),
            Interest::Write => Readiness::WRITABLE.union(Readiness::CONNECTED),
        };
        edges.intersects(met.union(ends))
    }
}

/// A place to wait at, of a socket: it takes one waker at a time. What can wait beside others (a future, a
/// thread) has one of its own, from [`Waiters::place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

impl Place {
    /// That of a socket's `poll_read` and the like, which only the last caller is told of.
    pub const READER: Place = Place(0);
    /// That of a socket's `poll_write` and the like.
    pub const WRITER: Place = Place(1);
}

#[derive(Debug)]
struct Waiter {
    place: Place,
    interest: Interest,
    waker: Waker,
}

/// One who reads and one who writes need no memory of their own.
type Queue = SmallVec<[Waiter; 2]>;

/// Who waits for which socket, and who is to be woken.
#[derive(Debug, Default)]
pub struct Waiters {
    tcp: SecondaryMap<TcpHandle, Queue>,
    listeners: SecondaryMap<ListenerHandle, Queue>,
    udp: SecondaryMap<UdpHandle, Queue>,
    /// Places handed out.
    places: u64,
    wakeups: Wakeups,
    ended: bool,
}

impl Waiters {
    /// Enters a socket. Handles are generational, so an entry never speaks for a later socket.
    pub fn add(&mut self, socket: Socket) {
        // What a socket that is new had before is nothing.
        let _ = match socket {
            Socket::Tcp(handle) => self.tcp.insert(handle, Queue::new()),
            Socket::Listener(handle) => self.listeners.insert(handle, Queue::new()),
            Socket::Udp(handle) => self.udp.insert(handle, Queue::new()),
        };
    }

    /// Forgets a socket that is released; who still waits for it is not woken.
    pub fn remove(&mut self, socket: Socket) {
        let queue = match socket {
            Socket::Tcp(handle) => self.tcp.remove(handle),
            Socket::Listener(handle) => self.listeners.remove(handle),
            Socket::Udp(handle) => self.udp.remove(handle),
        };
        self.wakeups.spent.extend(queue.into_iter().flatten().map(|waiter| waiter.waker));
    }

    /// A place that nobody else has.
    pub fn place(&mut self) -> Place {
        self.places += 1;
        Place(Place::WRITER.0 + self.places)
    }

    /// `waker` is woken by the next edge of an entered socket that may meet `interest`. It takes the place of
    /// one that was left at `place` before.
    pub fn wait(&mut self, socket: Socket, place: Place, interest: Interest, waker: &Waker) {
        let Some(queue) = queue(&mut self.tcp, &mut self.listeners, &mut self.udp, socket) else { return };
        let Some(waiter) = queue.iter_mut().find(|waiter| waiter.place == place) else {
            return queue.push(Waiter { place, interest, waker: waker.clone() });
        };
        waiter.interest = interest;
        if !waiter.waker.will_wake(waker) {
            self.wakeups.spent.push(std::mem::replace(&mut waiter.waker, waker.clone()));
        }
    }

    /// Nobody waits at `place` any more.
    pub fn leave(&mut self, socket: Socket, place: Place) {
        let Some(queue) = queue(&mut self.tcp, &mut self.listeners, &mut self.udp, socket) else { return };
        if let Some(number) = queue.iter().position(|waiter| waiter.place == place) {
            self.wakeups.spent.push(queue.remove(number).waker);
        }
    }

    /// Tells of an event: who waits for it is to be woken.
    pub fn tell(&mut self, event: Event) {
        match event {
            Event::Tcp(handle, edges) => self.wakeups.add(self.tcp.get_mut(handle), edges),
            Event::Udp(handle, edges) => self.wakeups.add(self.udp.get_mut(handle), edges),
            Event::Listener(handle) => self.wakeups.add(self.listeners.get_mut(handle), Readiness::READABLE),
            Event::Address { .. } | Event::Configuration(_) => {}
        }
    }

    /// All who wait for a socket are to be woken: something was done to it that is no event.
    pub fn tell_all(&mut self, socket: Socket) {
        let queue = queue(&mut self.tcp, &mut self.listeners, &mut self.udp, socket);
        self.wakeups.add(queue, Readiness::all());
    }

    /// Who is to be woken since the last call.
    pub fn take_wakeups(&mut self) -> Wakeups {
        std::mem::take(&mut self.wakeups)
    }

    /// As [`Waiters::take_wakeups`], with the memory of `into`, which must be empty.
    pub(crate) fn swap_wakeups(&mut self, into: &mut Wakeups) {
        std::mem::swap(&mut self.wakeups, into);
    }

    /// Nobody drives the stack any more: all who wait are to be woken, and every further call fails.
    pub fn end(&mut self) {
        self.ended = true;
        let queues = self.tcp.values_mut().chain(self.listeners.values_mut()).chain(self.udp.values_mut());
        for queue in queues {
            self.wakeups.add(Some(queue), Readiness::all());
        }
    }

    /// Whether [`Waiters::end`] was called.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// `ENETDOWN` once [`Waiters::end`] was called.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.ended { Err(Errno::NETDOWN.into()) } else { Ok(()) }
    }

    /// The listeners that were entered, in the order of their slots.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = ListenerHandle> + '_ {
        self.listeners.keys()
    }
}

fn queue<'a>(
    tcp: &'a mut SecondaryMap<TcpHandle, Queue>,
    listeners: &'a mut SecondaryMap<ListenerHandle, Queue>,
    udp: &'a mut SecondaryMap<UdpHandle, Queue>,
    socket: Socket,
) -> Option<&'a mut Queue> {
    match socket {
        Socket::Tcp(handle) => tcp.get_mut(handle),
        Socket::Listener(handle) => listeners.get_mut(handle),
        Socket::Udp(handle) => udp.get_mut(handle),
    }
}

/// Wakers to be woken, in the order of their events, and some to be dropped only. Both may run anything, so
/// neither is done while the stack is borrowed. Dropped itself it wakes nobody.
#[derive(Debug, Default)]
#[must_use = "who waits is woken by `wake`"]
pub struct Wakeups {
    due: SmallVec<[Waker; 4]>,
    spent: SmallVec<[Waker; 2]>,
}

impl Wakeups {
    /// Takes from `queue` those whom `edges` concern.
    fn add(&mut self, queue: Option<&mut Queue>, edges: Readiness) {
        let Some(queue) = queue else { return };
        queue.retain(|waiter| {
            let stays = !waiter.interest.is_met_by(edges);
            if !stays {
                self.due.push(waiter.waker.clone());
            }
            stays
        });
    }

    /// Wakes them.
    pub fn wake(&mut self) {
        self.spent.clear();
        for waker in self.due.drain(..) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use slotmap::SlotMap;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Rig {
        waiters: Waiters,
        handle: TcpHandle,
        count: Arc<Count>,
        waker: Waker,
    }

    impl Rig {
        fn new() -> Rig {
            let handle = SlotMap::<TcpHandle, ()>::with_key().insert(());
            let mut waiters = Waiters::default();
            waiters.add(Socket::Tcp(handle));
            let count = Arc::new(Count::default());
            Rig { waiters, handle, waker: Waker::from(Arc::clone(&count)), count }
        }

        fn wait(&mut self, place: Place, interest: Interest) {
            self.waiters.wait(Socket::Tcp(self.handle), place, interest, &self.waker);
        }

        /// How many are woken by `edges`.
        fn tell(&mut self, edges: Readiness) -> usize {
            self.waiters.tell(Event::Tcp(self.handle, edges));
            self.woken()
        }

        fn woken(&mut self) -> usize {
            self.waiters.take_wakeups().wake();
            self.count.0.swap(0, Ordering::Relaxed)
        }

        /// Wakers that are kept somewhere, beside our own.
        fn kept(&self) -> usize {
            Arc::strong_count(&self.count) - 2
        }
    }

    #[test]
    fn an_edge_wakes_once_whom_it_concerns() {
        let mut rig = Rig::new();
        rig.wait(Place::READER, Interest::Read);
        rig.wait(Place::WRITER, Interest::Write);
        assert_eq!(rig.tell(Readiness::URGENT | Readiness::DRAINED), 0);
        assert_eq!(rig.tell(Readiness::READABLE), 1);
        assert_eq!(rig.tell(Readiness::READABLE), 0);
        assert_eq!(rig.tell(Readiness::WRITABLE), 1);
        for edges in [Readiness::ERROR, Readiness::CLOSED] {
            rig.wait(Place::READER, Interest::Read);
            rig.wait(Place::WRITER, Interest::Write);
            assert_eq!(rig.tell(edges), 2);
        }
        assert_eq!(rig.kept(), 0);
    }

    #[test]
    fn a_place_takes_one_waker_and_others_have_their_own() {
        let mut rig = Rig::new();
        for _ in 0..1000 {
            rig.wait(Place::READER, Interest::Read);
        }
        assert_eq!(rig.kept(), 1);
        let (other, left) = (rig.waiters.place(), rig.waiters.place());
        rig.wait(other, Interest::Read);
        rig.wait(left, Interest::Read);
        rig.waiters.leave(Socket::Tcp(rig.handle), left);
        assert_eq!(rig.tell(Readiness::FINISHED), 2);
        let replaced = Arc::new(Count::default());
        rig.waiters.wait(Socket::Tcp(rig.handle), Place::READER, Interest::Read, &Waker::from(Arc::clone(&replaced)));
        rig.wait(Place::READER, Interest::Read);
        assert_eq!(Arc::strong_count(&replaced), 2, "a waker is dropped outside");
        assert_eq!(rig.tell(Readiness::READABLE), 1);
        assert_eq!((Arc::strong_count(&replaced), replaced.0.load(Ordering::Relaxed)), (1, 0));
    }

    #[test]
    fn the_end_wakes_all_and_a_removed_socket_nobody() {
        let mut rig = Rig::new();
        rig.wait(Place::READER, Interest::Read);
        rig.waiters.remove(Socket::Tcp(rig.handle));
        rig.wait(Place::WRITER, Interest::Write);
        assert_eq!((rig.woken(), rig.kept()), (0, 0));
        rig.waiters.add(Socket::Tcp(rig.handle));
        rig.wait(Place::WRITER, Interest::Write);
        rig.waiters.end();
        assert!(rig.waiters.has_ended());
        assert_eq!(rig.woken(), 1);
    }
}
