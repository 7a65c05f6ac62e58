//! What all sockets have in common, whoever drives their stack and however their user waits.
//!
//! | module | job |
//! |---|---|
//! | this file | [`Handle`]: what a socket needs of who drives its stack; [`Socket`] |
//! | `waiters` | [`Waiters`]: who waits for which socket, and who is to be woken |
//! | `tcp` | one attempt at each call of a listener or a connection |
//! | `udp` | one attempt at each call of a datagram socket |
//! | `error` | from the stack's errors to `io::Error` with the system's number and kind |
//!
//! A call of a socket is an attempt: it does something with the stack now, or says `WouldBlock`, and then
//! it has changed nothing. Who wants to wait leaves a [`Waker`](std::task::Waker) in the [`Waiters`] and
//! attempts it again once that is woken. A task's waker comes from its runtime; a thread in a blocking
//! call has one that unparks it.
//!
//! The attempt and the leaving of the waker are one step: nothing can happen to the socket in between,
//! so no edge is lost. Wakers are woken, and dropped, outside that step, since either may run anything.

use std::fmt;

use tickwire_core::event::Event;
use tickwire_core::socket::{ListenerHandle, TcpHandle, UdpHandle};
use tickwire_core::{Instant, Stack};

mod error;
pub(crate) mod tcp;
pub(crate) mod udp;
mod waiters;

pub(crate) use error::AsErrno;
pub use waiters::{Interest, Place, Waiters, Wakeups};

/// Access to a stack that somebody drives: all that a socket needs of its driver.
///
/// [`StackHandle`](crate::driver::StackHandle) is one, of a driver with devices and a clock. Another
/// driver (a simulator, say) holds a [`Stack`] and [`Waiters`] beside it, and
///
/// - lets [`Handle::enter`] work on both at once;
/// - hands each event that [`Stack::poll_event`] returns to [`Waiters::tell`];
/// - wakes what [`Waiters::take_wakeups`] returns once neither is borrowed any more;
/// - calls [`Waiters::end`] when it stops.
///
/// Nothing here asks for threads, or for a clock that runs by itself.
pub trait Handle: Clone + fmt::Debug + Send + Sync + Unpin + 'static {
    /// Calls `f` with the stack, who waits for its sockets, and the time. Afterwards what the stack has to
    /// send is sent, as far as that goes at once, and who is to be woken is woken.
    ///
    /// `f` must not wait, nor enter again.
    fn enter<R>(&self, f: impl FnOnce(&mut Stack, &mut Waiters, Instant) -> R) -> R;
}

/// A socket of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socket {
    /// A connection.
    Tcp(TcpHandle),
    /// A listener.
    Listener(ListenerHandle),
    /// A datagram socket.
    Udp(UdpHandle),
}

impl Socket {
    /// The socket that an event is about; none if it is about an interface.
    pub fn of(event: Event) -> Option<Socket> {
        match event {
            Event::Tcp(handle, _) => Some(Socket::Tcp(handle)),
            Event::Listener(handle) => Some(Socket::Listener(handle)),
            Event::Udp(handle, _) => Some(Socket::Udp(handle)),
            Event::Address { .. } | Event::Configuration(_) => None,
        }
    }
}
