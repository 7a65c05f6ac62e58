//! What the command waits for, as messages: signals, and the driver's end.
//!
//! Nothing polls: a thread waits for signals, and the driver drops its services when it ends,
//! whatever ended it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use tickwire_backends::driver::{Context, Service};
use tickwire_core::event::Event;

/// Something that the command acts upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// SIGINT or SIGTERM.
    Stop,
    /// SIGUSR1.
    Stats,
    /// An address or the configuration of an interface has changed.
    Interfaces,
    /// The driver's thread has ended by itself.
    Ended,
}

/// Has signals arrive as notices from here on.
///
/// # Errors
///
/// A handler or the thread could not be had.
pub(crate) fn channel_of_signals() -> io::Result<(Sender<Notice>, Receiver<Notice>)> {
    let (sender, receiver) = channel();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1])?;
    let signal_sender = sender.clone();
    std::thread::Builder::new().name("tickwire-signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            let notice = if signal == SIGUSR1 { Notice::Stats } else { Notice::Stop };
            if signal_sender.send(notice).is_err() {
                return;
            }
        }
    })?;
    Ok((sender, receiver))
}

/// A service that serves nothing: it says when interfaces change, and when it is dropped.
pub(crate) struct Sentinel(pub(crate) Sender<Notice>);

impl Service for Sentinel {
    fn start(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        context.watch_interfaces();
        Ok(())
    }

    fn on_event(&mut self, _context: &mut Context<'_>, _event: Event) {
        // Nobody listens any more if the command has ended.
        let _ = self.0.send(Notice::Interfaces);
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // Nobody listens any more if the command has ended.
        let _ = self.0.send(Notice::Ended);
    }
}
