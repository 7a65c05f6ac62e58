//! A Linux TAP interface as a [`Device`].
//!
//! The crate `tun-tap` opens and names it; reading and writing are plain nonblocking system calls,
//! one frame each, without a prefix (`IFF_NO_PI`). A TAP that this process creates is down and
//! disappears with it; see [`crate::net_setup`] for how to bring it up, and [`crate::link_watch`] for how
//! to learn that somebody has taken it down, which a stack is told by `Stack::set_link`.

use std::fs::OpenOptions;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use thiserror::Error;
use tickwire_core::frame::{Capabilities, Frame, TxBatch, TxFrame};
use tun_tap::{Iface, Mode};

use crate::device::{CounterCells, Device, DeviceCounters};
use crate::pool::Pool;
use crate::raw_io;

/// The device file through which all TUN and TAP interfaces are opened.
const TUN: &str = "/dev/net/tun";

/// The longest name of an interface: IFNAMSIZ less the terminating zero.
pub const NAME_MAX: usize = 15;

/// Bytes before the packet: the Ethernet header, and one VLAN tag that someone may have left there.
const LINK_HEADER_MAX: usize = 18;

/// Why a TAP interface was not opened. The text names the device, what the system said, and what to type.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TapError {
    /// The name is longer than [`NAME_MAX`] bytes.
    #[error("{name}: a network interface's name has at most {NAME_MAX} bytes, this one has {}", name.len())]
    NameTooLong {
        /// The name asked for.
        name: String,
    },
    /// The name is empty, `.` or `..`, or has a slash, a colon, a percent sign, white space or a control character.
    #[error("{name:?} is not a name that a network interface can have")]
    BadName {
        /// The name asked for.
        name: String,
    },
    /// `/dev/net/tun` does not exist, or the kernel has no driver behind it.
    #[error(
        "{name}: cannot open {TUN}: {source}\n  load the driver:   sudo modprobe tun\n  in a container:    start it with --device {TUN} --cap-add NET_ADMIN"
    )]
    NoDriver {
        /// The interface asked for.
        name: String,
        /// `ENOENT`, `ENODEV` or `ENXIO`.
        source: io::Error,
    },
    /// This user may not open `/dev/net/tun`.
    #[error(
        "{name}: cannot open {TUN}: {source}\n  let all users open it (creating interfaces stays a privilege):\n    echo 'KERNEL==\"tun\", MODE=\"0666\"' | sudo tee /etc/udev/rules.d/70-tun.rules\n    sudo udevadm control --reload && sudo udevadm trigger /dev/net/tun"
    )]
    MayNotOpen {
        /// The interface asked for.
        name: String,
        /// `EACCES` or `EPERM`.
        source: io::Error,
    },
    /// This user may neither create the interface nor attach to it.
    #[error(
        "{name}: may not attach to or create this interface: {source}\n  create it once, for yourself:\n    sudo ip tuntap add dev {name} mode {mode} user $USER\n    sudo ip link set dev {name} up"
    )]
    MayNotAttach {
        /// The interface asked for.
        name: String,
        /// `tap` or `tun`.
        mode: &'static str,
        /// `EPERM` or `EACCES`.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "{name}: another process is attached to this interface: {source}\n  find it:   grep -l 'iff:.*{name}$' /proc/[0-9]*/fdinfo/*"
    )]
    Busy {
        /// The interface asked for.
        name: String,
        /// `EBUSY`.
        source: io::Error,
    },
    /// There is an interface of this name, but it is not a single-queue one of the wanted kind.
    #[error(
        "{name}: there is an interface of this name that is not a plain {mode} interface: {source}\n  look at it:   ip -details link show dev {name}\n  or take another name"
    )]
    NotTap {
        /// The interface asked for.
        name: String,
        /// `tap` or `tun`.
        mode: &'static str,
        /// `EINVAL`.
        source: io::Error,
    },
    /// The kernel gave the interface another name than the one asked for.
    #[error("{name}: the kernel opened {opened:?} instead")]
    OtherName {
        /// The interface asked for.
        name: String,
        /// The one that was opened.
        opened: String,
    },
    /// Anything else.
    #[error("{name}: cannot {step}: {source}")]
    System {
        /// The interface asked for.
        name: String,
        /// What was being done.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// An attached TAP interface.
#[derive(Debug)]
pub struct Tap {
    name: String,
    fd: OwnedFd,
    mtu: u16,
    counters: CounterCells,
}

impl Tap {
    /// Attaches to the TAP interface `name`, creating it if it does not exist. `mtu` is what the
    /// stack is to assume (68 to 65,535 bytes of layer 3); the kernel's side has to be set to the same.
    ///
    /// # Errors
    ///
    /// [`TapError`], each with its remedy.
    pub fn open(name: &str, mtu: u16) -> Result<Tap, TapError> {
        Tap::open_as(name, mtu, Mode::Tap)
    }

    /// As [`Tap::open`], or the same for a TUN.
    pub(crate) fn open_as(name: &str, mtu: u16, mode: Mode) -> Result<Tap, TapError> {
        check_name(name)?;
        // tun-tap reports one error for both steps; a try of the first tells them apart.
        OpenOptions::new().read(true).write(true).open(TUN).map_err(|source| open_error(name, source))?;
        let iface = Iface::without_packet_info(name, mode).map_err(|source| attach_error(name, word(mode), source))?;
        if iface.name() != name {
            return Err(TapError::OtherName { name: name.to_owned(), opened: iface.name().to_owned() });
        }
        Tap::from_fd(name, raw_io::into_fd(iface), mtu)
    }

    /// Takes over the descriptor of a TAP interface that somebody else has opened and attached
    /// without packet information: a privileged helper, for instance. It is made nonblocking.
    ///
    /// # Errors
    ///
    /// [`TapError::BadName`], [`TapError::NameTooLong`], or [`TapError::System`] if the descriptor is none.
    pub fn from_fd(name: &str, fd: OwnedFd, mtu: u16) -> Result<Tap, TapError> {
        check_name(name)?;
        let step = "make it nonblocking";
        let system = |errno: Errno| TapError::System { name: name.to_owned(), step, source: errno.into() };
        rustix::io::ioctl_fionbio(&fd, true).map_err(system)?;
        Ok(Tap { name: name.to_owned(), fd, mtu, counters: CounterCells::default() })
    }

    /// A receive pool that fits this interface's frames.
    pub fn pool(&self) -> Pool {
        Pool::new(usize::from(self.mtu) + LINK_HEADER_MAX)
    }

    fn write(&self, frame: &TxFrame<'_>) -> Result<usize, Errno> {
        if frame.slices.is_empty() {
            return rustix::io::write(&self.fd, frame.head);
        }
        let mut parts = [IoSlice::new(&[]); TxBatch::SLICES_MAX + 1];
        parts[0] = IoSlice::new(frame.head);
        for (part, slice) in parts[1..].iter_mut().zip(frame.slices) {
            *part = IoSlice::new(slice);
        }
        rustix::io::writev(&self.fd, &parts[..=frame.slices.len().min(TxBatch::SLICES_MAX)])
    }
}

/// The kernel's own rule (`dev_valid_name`), and no `%`, which would ask it to choose a number.
fn check_name(name: &str) -> Result<(), TapError> {
    if name.len() > NAME_MAX {
        return Err(TapError::NameTooLong { name: name.to_owned() });
    }
    let odd = |c: char| matches!(c, '/' | ':' | '%') || c.is_whitespace() || c.is_control();
    if name.is_empty() || name == "." || name == ".." || name.contains(odd) {
        return Err(TapError::BadName { name: name.to_owned() });
    }
    Ok(())
}

fn open_error(name: &str, source: io::Error) -> TapError {
    let name = name.to_owned();
    match Errno::from_io_error(&source) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => TapError::NoDriver { name, source },
        Some(Errno::ACCESS | Errno::PERM) => TapError::MayNotOpen { name, source },
        _ => TapError::System { name, step: "open /dev/net/tun", source },
    }
}

/// What `ip tuntap` calls the mode.
fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Tap => "tap",
        Mode::Tun => "tun",
    }
}

fn attach_error(name: &str, mode: &'static str, source: io::Error) -> TapError {
    let name = name.to_owned();
    match Errno::from_io_error(&source) {
        Some(Errno::PERM | Errno::ACCESS) => TapError::MayNotAttach { name, mode, source },
        Some(Errno::BUSY) => TapError::Busy { name, source },
        Some(Errno::INVAL) => TapError::NotTap { name, mode, source },
        _ => TapError::System { name, step: "attach to it (TUNSETIFF)", source },
    }
}

impl Device for Tap {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::plain(self.mtu)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn receive(&self, pool: &mut Pool, frames: &mut Vec<Frame>, max: usize) -> io::Result<usize> {
        let before = frames.len();
        let mut ended = Ok(());
        while frames.len() - before < max {
            match pool.fill(|buffer| raw_io::read_spare(self.fd(), buffer).map(drop)) {
                Ok(data) => frames.push(Frame::from(data)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        let count = frames.len() - before;
        self.counters.add_received(count);
        ended.map(|()| count)
    }

    fn transmit(&self, batch: &TxBatch, from: usize) -> io::Result<usize> {
        let (mut sent, mut refused, mut waited) = (0, 0, false);
        let mut ended = Ok(());
        for frame in batch.frames().skip(from) {
            let outcome = loop {
                match self.write(&frame) {
                    Err(Errno::INTR) => {}
                    outcome => break outcome,
                }
            };
            match outcome {
                Ok(_) => sent += 1,
                Err(Errno::AGAIN) => {
                    waited = true;
                    break;
                }
                // The interface was removed, or the descriptor is none any more.
                Err(errno @ (Errno::BADFD | Errno::BADF | Errno::NODEV)) => {
                    ended = Err(errno.into());
                    break;
                }
                // EIO: the interface is not up. EINVAL, EMSGSIZE: too long for it. ENOMEM, ENOBUFS: no memory.
                Err(_) => refused += 1,
            }
        }
        self.counters.add_sent(sent, refused, waited);
        ended.map(|()| (sent + refused) as usize)
    }

    fn counters(&self) -> DeviceCounters {
        self.counters.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_interface_can_have_are_refused() {
        assert!(matches!(Tap::open("sixteen-letters-", 1500), Err(TapError::NameTooLong { .. })));
        for name in ["", ".", "..", "a/b", "a b", "tap%d", "a:b", "a\0b", "a\nb"] {
            assert!(matches!(Tap::open(name, 1500), Err(TapError::BadName { .. })), "{name:?}");
        }
        assert!(check_name("fifteen-letters").is_ok());
    }

    #[test]
    fn errors_say_what_to_type() {
        let denied = attach_error("tap7", "tap", Errno::PERM.into()).to_string();
        assert!(denied.contains("ip tuntap add dev tap7 mode tap user $USER") && denied.contains("os error 1"));
        assert!(open_error("tap7", Errno::ACCESS.into()).to_string().contains("/etc/udev/rules.d/"));
        assert!(open_error("tap7", Errno::NOENT.into()).to_string().contains("modprobe tun"));
        assert!(matches!(attach_error("tap7", "tap", Errno::BUSY.into()), TapError::Busy { .. }));
        assert!(matches!(attach_error("tap7", "tap", Errno::INVAL.into()), TapError::NotTap { .. }));
    }
}
