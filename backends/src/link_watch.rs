//! Whether a network interface of the kernel's is up, as the kernel tells it (rtnetlink(7)).
//!
//! A TAP has a carrier while a process holds its descriptor, so what changes is what an operator says:
//! `ip link set tap7 down`. What lies behind a bridge cannot be seen from its port.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType, bind, netdevice, recvfrom, sendto,
    socket_with,
};

/// `RTMGRP_LINK`.
const GROUP_LINK: u32 = 1;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const NLM_F_REQUEST: u16 = 1;
/// `struct nlmsghdr`: length, type, flags, sequence number, port.
const HEADER_LEN: usize = 16;
/// `struct ifinfomsg`: family, device type, index, flags, mask of changes. Attributes follow.
const INFO_LEN: usize = 16;
/// `IFF_UP` and `IFF_LOWER_UP` (netdevice(7)): wanted by the operator, and with a carrier.
const UP: u32 = 0x1 | 0x1_0000;
/// More than the part of a message that is read.
const BUFFER_LEN: usize = 16 * 1024;

/// News about one interface of the network namespace in which it was opened.
#[derive(Debug)]
pub struct LinkWatch {
    socket: OwnedFd,
    index: u32,
    buffer: Vec<u8>,
}

impl LinkWatch {
    /// Watches the interface `name`, whatever it is renamed to. The first news is how it is now.
    ///
    /// # Errors
    ///
    /// `ENODEV` if there is no such interface, or the system gives no socket.
    pub fn open(name: &str) -> io::Result<LinkWatch> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUP_LINK))?;
        let index = netdevice::name_to_index(&socket, name)?;
        let watch = LinkWatch { socket, index, buffer: vec![0; BUFFER_LEN] };
        watch.ask()?;
        Ok(watch)
    }

    /// Has the kernel tell how the interface is.
    fn ask(&self) -> io::Result<()> {
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&self.socket, &request(self.index), SendFlags::empty(), &kernel)?;
        Ok(())
    }

    /// Waits for news: whether the interface is up. May say again what it was.
    ///
    /// # Errors
    ///
    /// The socket is broken for good.
    pub fn wait(&mut self) -> io::Result<bool> {
        loop {
            let (len, sender) = match recvfrom(&self.socket, &mut self.buffer[..], RecvFlags::empty()) {
                Ok((len, _, sender)) => (len, sender),
                Err(Errno::INTR) => continue,
                // News were lost: there were more than the socket holds.
                Err(Errno::NOBUFS) => {
                    self.ask()?;
                    continue;
                }
                Err(errno) => return Err(errno.into()),
            };
            if is_kernel(sender)
                && let Some(up) = latest(&self.buffer[..len], self.index)
            {
                return Ok(up);
            }
        }
    }
}

/// Any process can send to a netlink socket; the kernel's port is 0.
fn is_kernel(sender: Option<SocketAddrAny>) -> bool {
    sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok()).is_some_and(|sender| sender.pid() == 0)
}

fn request(index: u32) -> [u8; HEADER_LEN + INFO_LEN] {
    let mut message = [0; HEADER_LEN + INFO_LEN];
    message[..4].copy_from_slice(&((HEADER_LEN + INFO_LEN) as u32).to_ne_bytes());
    message[4..6].copy_from_slice(&RTM_GETLINK.to_ne_bytes());
    message[6..8].copy_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    message[HEADER_LEN + 4..HEADER_LEN + 8].copy_from_slice(&index.to_ne_bytes());
    message
}

/// What the last message about the interface says; `None` if there is none.
fn latest(mut messages: &[u8], index: u32) -> Option<bool> {
    let word = |at: usize, bytes: &[u8]| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
    let mut up = None;
    while let Some(len) = word(0, messages) {
        let is_link = messages.get(4..6) == Some(&RTM_NEWLINK.to_ne_bytes());
        if is_link && word(HEADER_LEN + 4, messages) == Some(index) {
            up = word(HEADER_LEN + 8, messages).map(|flags| flags & UP == UP).or(up);
        }
        // Messages are aligned to four bytes; one that is cut short is the last.
        let next = (len as usize).max(HEADER_LEN).next_multiple_of(4);
        messages = messages.get(next..).unwrap_or_default();
    }
    up
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, index: u32, flags: u32, attributes: usize) -> Vec<u8> {
        let mut message = request(index).to_vec();
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message[HEADER_LEN + 8..HEADER_LEN + 12].copy_from_slice(&flags.to_ne_bytes());
        message.resize(HEADER_LEN + INFO_LEN + attributes, 0xff);
        let len = message.len() as u32;
        message[..4].copy_from_slice(&len.to_ne_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    #[test]
    fn the_last_word_about_the_interface_counts() {
        let new = |index, flags| message(RTM_NEWLINK, index, flags, 7);
        assert_eq!(latest(&new(3, UP), 3), Some(true));
        assert_eq!(latest(&new(3, 0x1), 3), Some(false), "without a carrier");
        assert_eq!(latest(&new(3, 0x1_0000), 3), Some(false), "not wanted");
        assert_eq!(latest(&new(4, UP), 3), None);
        assert_eq!(latest(&message(RTM_GETLINK, 3, UP, 0), 3), None);
        assert_eq!(latest(&[new(3, UP), new(4, UP), new(3, 0)].concat(), 3), Some(false));
    }

    #[test]
    fn a_message_that_is_cut_short_or_lies_about_its_length() {
        let whole = message(RTM_NEWLINK, 3, UP, 5);
        for len in 0..whole.len() {
            let said = latest(&whole[..len], 3);
            assert_eq!(said, (len >= HEADER_LEN + 12).then_some(true), "{len}");
        }
        for lie in [0, 1, 15, u32::MAX] {
            let mut message = whole.clone();
            message[..4].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(latest(&message, 3), Some(true), "{lie}");
        }
    }

    #[test]
    fn an_interface_that_is_not_there() {
        let error = LinkWatch::open("no-such-dev0").expect_err("no interface");
        assert_eq!(Errno::from_io_error(&error), Some(Errno::NODEV));
    }
}
