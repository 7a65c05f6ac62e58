//! `tap7`: nonblocking, no packet information, no offload; one system call per frame.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tun_tap::{Iface, Mode};

use super::namespace::ip;

/// The kernel's address on the link.
pub(crate) const KERNEL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The stack's address on the link.
pub(crate) const STACK: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The stack's hardware address, of RFC 7042's range for documentation.
pub(crate) const STACK_MAC: [u8; 6] = [0x00, 0x00, 0x5e, 0x00, 0x53, 0x02];

/// The device; it disappears when this is dropped.
pub(crate) struct Tap {
    fd: OwnedFd,
    _iface: Iface,
}

impl Tap {
    /// Creates `tap7`, MTU 1500, with the kernel's side at 192.0.2.1/24 and up.
    pub(crate) fn new() -> io::Result<Self> {
        let iface = Iface::without_packet_info("tap7", Mode::Tap)
            .map_err(|error| io::Error::new(error.kind(), format!("creating tap7 (/dev/net/tun): {error}")))?;
        // The crate hands out a number only; asking the kernel for a second descriptor of the same
        // open file makes it an owned one without `unsafe`.
        let this_process = pidfd_open(getpid(), PidfdFlags::empty())?;
        let fd = pidfd_getfd(this_process, iface.as_raw_fd(), PidfdGetfdFlags::empty())?;
        rustix::io::ioctl_fionbio(&fd, true)?;
        ip("addr add 192.0.2.1/24 dev tap7")?;
        ip("link set tap7 mtu 1500 up")?;
        Ok(Self { fd, _iface: iface })
    }

    /// A second descriptor of the open device.
    pub(crate) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// The next frame's length, or `None` if there is none now.
    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.fd, buffer) {
            Ok(length) => Ok(Some(length)),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Hands one frame to the kernel.
    #[inline]
    pub(crate) fn write(&self, frame: &[u8]) -> io::Result<()> {
        rustix::io::write(&self.fd, frame)?;
        Ok(())
    }

    /// Waits for a frame, at most `timeout` long (`None`: as long as it takes).
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], timeout.as_ref())?;
        Ok(())
    }
}
