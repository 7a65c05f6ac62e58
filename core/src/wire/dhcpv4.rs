//! DHCPv4 messages (RFC 2131 section 2) and their options (RFC 2132).
//!
//! ```text
//!  0    1     2    3    4     8      10      12       16       20       24       28       44      108    236      240
//! +----+-----+----+----+-----+------+-------+--------+--------+--------+--------+--------+-------+------+--------+---------+
//! | op |htype|hlen|hops| xid | secs | flags | ciaddr | yiaddr | siaddr | giaddr | chaddr | sname | file | cookie | options |
//! +----+-----+----+----+-----+------+-------+--------+--------+--------+--------+--------+-------+------+--------+---------+
//! ```
//!
//! Options stand in up to three fields: `options`, and `file` and `sname` if the overload option says
//! so. What is split, or stands in several places, is one value (RFC 3396).

use alloc::borrow::Cow;
use bytes::BufMut;
use core::net::Ipv4Addr;

use super::cursor::Fields;
use super::ethernet::EthernetAddress;
use crate::error::DropReason;

/// The port that servers and relay agents listen on.
pub const SERVER_PORT: u16 = 67;
/// The port that clients listen on.
pub const CLIENT_PORT: u16 = 68;
/// Length of the fixed part in bytes, the magic cookie included.
pub const HEADER_LEN: usize = 240;
/// The shortest message sent: what BOOTP relay agents take (RFC 1542 section 2.1).
pub const MESSAGE_MIN: usize = 300;

const OP: usize = 0;
const HTYPE: usize = 1;
const HLEN: usize = 2;
const XID: usize = 4;
const SECS: usize = 8;
const FLAGS: usize = 10;
const CIADDR: usize = 12;
const YIADDR: usize = 16;
const SIADDR: usize = 20;
const GIADDR: usize = 24;
const CHADDR: usize = 28;
const SNAME: usize = 44;
const FILE: usize = 108;
const COOKIE: usize = 236;

const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
const HTYPE_ETHERNET: u8 = 1;
const HLEN_ETHERNET: u8 = 6;
const BROADCAST_FLAG: u16 = 0x8000;

/// Option codes (RFC 2132 and those named).
pub mod option {
    /// Padding; no length follows.
    pub const PAD: u8 = 0;
    /// The subnet mask: 4 bytes.
    pub const SUBNET_MASK: u8 = 1;
    /// Routers on the link, best first: 4 bytes each.
    pub const ROUTER: u8 = 3;
    /// DNS servers: 4 bytes each.
    pub const DNS_SERVER: u8 = 6;
    /// The client's name.
    pub const HOST_NAME: u8 = 12;
    /// The domain to complete names with.
    pub const DOMAIN_NAME: u8 = 15;
    /// The interface's MTU: 2 bytes, at least 68.
    pub const INTERFACE_MTU: u8 = 26;
    /// Classful routes: destination and router, 8 bytes each.
    pub const STATIC_ROUTE: u8 = 33;
    /// NTP servers: 4 bytes each.
    pub const NTP_SERVER: u8 = 42;
    /// The address that the client asks for: 4 bytes.
    pub const REQUESTED_ADDRESS: u8 = 50;
    /// The lease's length in seconds: 4 bytes, all ones for ever.
    pub const LEASE_TIME: u8 = 51;
    /// Which of `file` (1) and `sname` (2) hold options.
    pub const OVERLOAD: u8 = 52;
    /// The kind of message: 1 byte.
    pub const MESSAGE_TYPE: u8 = 53;
    /// The server's identity and address: 4 bytes.
    pub const SERVER_ID: u8 = 54;
    /// The codes of the options wanted.
    pub const PARAMETER_LIST: u8 = 55;
    /// Text about an error.
    pub const MESSAGE: u8 = 56;
    /// The largest message that the sender takes, in bytes of the whole packet: 2 bytes.
    pub const MAX_MESSAGE_SIZE: u8 = 57;
    /// T1 in seconds: 4 bytes.
    pub const RENEWAL_TIME: u8 = 58;
    /// T2 in seconds: 4 bytes.
    pub const REBINDING_TIME: u8 = 59;
    /// The client's identity (RFC 4361, 6842).
    pub const CLIENT_ID: u8 = 61;
    /// A two-message exchange (RFC 4039): no value.
    pub const RAPID_COMMIT: u8 = 80;
    /// For how many seconds a host that can do without IPv4 does without it (RFC 8925): 4 bytes.
    pub const IPV6_ONLY_PREFERRED: u8 = 108;
    /// The domains to search, as DNS names with compression (RFC 3397).
    pub const DOMAIN_SEARCH: u8 = 119;
    /// Classless routes (RFC 3442).
    pub const CLASSLESS_ROUTE: u8 = 121;
    /// The last option; no length follows.
    pub const END: u8 = 255;
}

/// The direction of a message: field `op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Dhcpv4Op {
    /// From a client (BOOTREQUEST).
    Request,
    /// From a server (BOOTREPLY).
    Reply,
}

/// The kind of a message: option 53 (RFC 2132 section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "RFC 2131 table 2 names them so")]
#[repr(u8)]
pub enum Dhcpv4Kind {
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Ack = 5,
    Nak = 6,
    Release = 7,
    Inform = 8,
}

impl Dhcpv4Kind {
    const ALL: [Dhcpv4Kind; 8] = [
        Dhcpv4Kind::Discover,
        Dhcpv4Kind::Offer,
        Dhcpv4Kind::Request,
        Dhcpv4Kind::Decline,
        Dhcpv4Kind::Ack,
        Dhcpv4Kind::Nak,
        Dhcpv4Kind::Release,
        Dhcpv4Kind::Inform,
    ];

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Dhcpv4Kind> {
        Dhcpv4Kind::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// A received DHCPv4 message.
#[derive(Clone, Copy, Debug)]
pub struct Dhcpv4Message<'a> {
    header: &'a [u8; HEADER_LEN],
    options: &'a [u8],
    op: Dhcpv4Op,
}

impl<'a> Dhcpv4Message<'a> {
    /// A view of `bytes`, a UDP datagram's payload. The options are looked at when they are asked for.
    ///
    /// Errors: [`DropReason::Dhcpv4Truncated`], [`DropReason::Dhcpv4Format`].
    pub fn parse(bytes: &'a [u8]) -> Result<Dhcpv4Message<'a>, DropReason> {
        let (header, options) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::Dhcpv4Truncated)?;
        let op = match header[OP] {
            1 => Dhcpv4Op::Request,
            2 => Dhcpv4Op::Reply,
            _ => return Err(DropReason::Dhcpv4Format),
        };
        let is_ethernet = header[HTYPE] == HTYPE_ETHERNET && header[HLEN] == HLEN_ETHERNET;
        if !is_ethernet || header.array_at::<COOKIE, 4>() != MAGIC_COOKIE {
            return Err(DropReason::Dhcpv4Format);
        }
        Ok(Dhcpv4Message { header, options, op })
    }

    /// From a client or from a server.
    pub const fn op(&self) -> Dhcpv4Op {
        self.op
    }

    /// The number by which a client knows the answers to its message.
    pub fn xid(&self) -> u32 {
        self.header.u32_at::<XID>()
    }

    /// The fields of the fixed part.
    pub fn header(&self) -> Dhcpv4Header {
        let address = |octets: [u8; 4]| Ipv4Addr::from(octets);
        Dhcpv4Header {
            op: self.op,
            xid: self.xid(),
            secs: self.header.u16_at::<SECS>(),
            broadcast: self.header.u16_at::<FLAGS>() & BROADCAST_FLAG != 0,
            ciaddr: address(self.header.array_at::<CIADDR, 4>()),
            yiaddr: address(self.header.array_at::<YIADDR, 4>()),
            siaddr: address(self.header.array_at::<SIADDR, 4>()),
            giaddr: address(self.header.array_at::<GIADDR, 4>()),
            chaddr: EthernetAddress(self.header.array_at::<CHADDR, 6>()),
        }
    }

    /// The kind of message; `None` if the option is missing (plain BOOTP) or unknown.
    pub fn kind(&self) -> Option<Dhcpv4Kind> {
        let value = self.option(option::MESSAGE_TYPE)?;
        let [number] = *value.as_ref() else { return None };
        Dhcpv4Kind::from_number(number)
    }

    /// The options in the order in which they are to be read: `options`, `file`, `sname` (RFC 2131
    /// section 4.1), padding left out. A field whose rest cannot be read yields one error, and the
    /// next field follows.
    pub fn options(&self) -> impl Iterator<Item = Result<(u8, &'a [u8]), DropReason>> + use<'a> {
        let overload = Options(self.options).find_map(|read| match read {
            Ok((option::OVERLOAD, [fields])) => Some(*fields),
            _ => None,
        });
        let overload = overload.unwrap_or(0);
        let field = |bit: u8, range: core::ops::Range<usize>| {
            if overload & bit != 0 { self.header.get(range).unwrap_or_default() } else { &[] }
        };
        Options(self.options).chain(Options(field(1, FILE..COOKIE))).chain(Options(field(2, SNAME..FILE)))
    }

    /// An option's value: the pieces in the order of [`Dhcpv4Message::options`], put together if there
    /// is more than one (RFC 3396 section 7).
    pub fn option(&self, code: u8) -> Option<Cow<'a, [u8]>> {
        let mut pieces = self.options().filter_map(Result::ok).filter(|(other, _)| *other == code);
        let mut value = Cow::Borrowed(pieces.next()?.1);
        for (_, piece) in pieces {
            value.to_mut().extend_from_slice(piece);
        }
        Some(value)
    }

    /// How many fields end in an option that does not fit them. What stands before it is good.
    pub fn malformed_fields(&self) -> usize {
        self.options().filter(Result::is_err).count()
    }
}

/// The options of one field.
#[derive(Clone, Debug)]
struct Options<'a>(&'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = Result<(u8, &'a [u8]), DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match *self.0 {
                [] | [option::END, ..] => return None,
                [option::PAD, ref rest @ ..] => self.0 = rest,
                [code, len, ref rest @ ..] => {
                    let Some((value, rest)) = rest.split_at_checked(usize::from(len)) else { break };
                    self.0 = rest;
                    return Some(Ok((code, value)));
                }
                [_] => break,
            }
        }
        self.0 = &[];
        Some(Err(DropReason::Dhcpv4Option))
    }
}

/// The fixed part of a message, for Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Dhcpv4Header {
    /// From a client or from a server.
    pub op: Dhcpv4Op,
    /// The number by which a client knows the answers to its message.
    pub xid: u32,
    /// Seconds since the client began to ask for, or to renew, its address.
    pub secs: u16,
    /// The answer is to be broadcast.
    pub broadcast: bool,
    /// The client's address, if it can answer ARP for it.
    pub ciaddr: Ipv4Addr,
    /// "Your" address: what the server gives.
    pub yiaddr: Ipv4Addr,
    /// The next server to use when booting.
    pub siaddr: Ipv4Addr,
    /// The relay agent.
    pub giaddr: Ipv4Addr,
    /// The client's hardware address.
    pub chaddr: EthernetAddress,
}

impl Dhcpv4Header {
    /// Appends a message: the fixed part, the options, the end, and padding up to [`MESSAGE_MIN`]. A
    /// value of more than 255 bytes is split (RFC 3396 section 6).
    pub fn emit<'a>(&self, options: impl IntoIterator<Item = (u8, &'a [u8])>, out: &mut impl BufMut) {
        let mut header = [0; HEADER_LEN];
        header[OP] = match self.op {
            Dhcpv4Op::Request => 1,
            Dhcpv4Op::Reply => 2,
        };
        header[HTYPE] = HTYPE_ETHERNET;
        header[HLEN] = HLEN_ETHERNET;
        header.put_u32::<XID>(self.xid);
        header.put_u16::<SECS>(self.secs);
        header.put_u16::<FLAGS>(if self.broadcast { BROADCAST_FLAG } else { 0 });
        header.put_array::<CIADDR, 4>(self.ciaddr.octets());
        header.put_array::<YIADDR, 4>(self.yiaddr.octets());
        header.put_array::<SIADDR, 4>(self.siaddr.octets());
        header.put_array::<GIADDR, 4>(self.giaddr.octets());
        header.put_array::<CHADDR, 6>(self.chaddr.0);
        header.put_array::<COOKIE, 4>(MAGIC_COOKIE);
        out.put_slice(&header);
        let mut len = HEADER_LEN + 1;
        for (code, value) in options {
            // An option without a value is still an option.
            let mut rest = value;
            loop {
                let (piece, left) = rest.split_at(rest.len().min(255));
                out.put_slice(&[code, piece.len() as u8]);
                out.put_slice(piece);
                len += 2 + piece.len();
                rest = left;
                if rest.is_empty() {
                    break;
                }
            }
        }
        out.put_u8(option::END);
        out.put_bytes(option::PAD, MESSAGE_MIN.saturating_sub(len));
    }
}
