//! A future's place among who waits for a socket.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tickwire_core::{Instant, Stack};
use tokio::task::coop;

use crate::sockets::{Handle, Interest, Place, Socket, Waiters};

/// A socket, how to get at it, and what is waited for.
pub(super) struct At<'a, H> {
    pub(super) handle: &'a H,
    pub(super) socket: Socket,
    pub(super) interest: Interest,
}

impl<H: Handle> At<'_, H> {
    /// Attempts it once. `place` is told whether that would block, and then says where to leave the waker.
    fn poll<R>(
        &self,
        context: &mut Context<'_>,
        place: impl FnOnce(&mut Waiters, bool) -> Option<Place>,
        attempt: impl FnOnce(&mut Stack, &mut Waiters, Instant) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let budget = ready!(coop::poll_proceed(context));
        let outcome = self.handle.enter(|stack, waiters, now| {
            let outcome = waiters.check().and_then(|()| attempt(stack, waiters, now));
            let blocks = outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            if let Some(place) = place(waiters, blocks) {
                waiters.wait(self.socket, place, self.interest, context.waker());
            }
            if blocks { Poll::Pending } else { Poll::Ready(outcome) }
        });
        if outcome.is_ready() {
            budget.made_progress();
        }
        outcome
    }

    /// As a `poll_` method, of whose callers the last is woken.
    pub(super) fn poll_fixed<R>(
        &self,
        context: &mut Context<'_>,
        attempt: impl FnOnce(&mut Stack, &mut Waiters, Instant) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let place = match self.interest {
            Interest::Read => Place::READER,
            Interest::Write => Place::WRITER,
        };
        self.poll(context, |_, blocks| blocks.then_some(place), attempt)
    }
}

/// Attempts a call until it does not block. An attempt that would block must not have changed anything.
#[must_use = "futures do nothing unless they are awaited"]
pub(super) struct Waiting<'a, H: Handle, F> {
    at: At<'a, H>,
    attempt: F,
    /// Its own, once it has to wait.
    place: Option<Place>,
}

impl<'a, H: Handle, F> Waiting<'a, H, F> {
    pub(super) fn new(at: At<'a, H>, attempt: F) -> Waiting<'a, H, F> {
        Waiting { at, attempt, place: None }
    }
}

impl<H, F, R> Future for Waiting<'_, H, F>
where
    H: Handle,
    F: FnMut(&mut Stack, &mut Waiters, Instant) -> io::Result<R> + Unpin,
{
    type Output = io::Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<R>> {
        let Waiting { at, attempt, place } = self.get_mut();
        let own_place = |waiters: &mut Waiters, blocks: bool| {
            if blocks {
                return Some(*place.get_or_insert_with(|| waiters.place()));
            }
            if let Some(place) = place.take() {
                waiters.leave(at.socket, place);
            }
            None
        };
        at.poll(context, own_place, attempt)
    }
}

/// Whoever was woken by the same edge looks for himself, so nothing is to be passed on.
impl<H: Handle, F> Drop for Waiting<'_, H, F> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.at.handle.enter(|_, waiters, _| waiters.leave(self.at.socket, place));
        }
    }
}
