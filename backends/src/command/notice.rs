//! What the command waits for, as messages: signals, news of the link, and the driver's end.
//!
//! Nothing polls: threads wait for signals and for the kernel's news, and the driver drops its services when it ends,
//! whatever ended it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use tickwire_backends::driver::{Context, Service};
use tickwire_backends::link_watch::LinkWatch;
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
    /// The kernel says that the interface is up, or down; perhaps again.
    Link(bool),
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

/// Has news about the interface `name` arrive as notices from here on.
///
/// # Errors
///
/// The news or the thread could not be had.
pub(crate) fn watch_link(name: &str, sender: Sender<Notice>) -> io::Result<()> {
    let mut watch = LinkWatch::open(name)?;
    std::thread::Builder::new().name("tickwire-link".to_owned()).spawn(move || {
        while let Ok(up) = watch.wait() {
            if sender.send(Notice::Link(up)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
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
