//! IPv6 extension headers (RFC 8200 section 4): the walk from the IPv6 header to the upper layer.
//!
//! A packet can ask for much work with little text, so the walk has [`ExtensionLimits`], those of
//! RFC 8504 section 5.3.

use bytes::BufMut;
use core::net::Ipv6Addr;

use super::cursor::Fields;
use super::icmpv6;
use super::ipv4::IpProtocol;
use super::ipv6;
use super::tcp;
use crate::error::DropReason;

/// Length of the fragment header in bytes.
pub const FRAGMENT_HEADER_LEN: usize = 8;

const OFFSET_MASK: u16 = 0xfff8;
const PAD_1: u8 = 0;
const PAD_N: u8 = 1;
const ROUTER_ALERT: u8 = 5;

/// How much work the walk does for one packet (RFC 8504 section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionLimits {
    /// Extension headers in a packet. Default 16.
    pub headers: usize,
    /// Options other than padding in one header. Default 8.
    pub options: usize,
    /// Bytes of padding in a row. Default 7.
    pub padding: usize,
}

impl Default for ExtensionLimits {
    fn default() -> ExtensionLimits {
        ExtensionLimits { headers: 16, options: 8, padding: 7 }
    }
}

/// Where the walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpperLayer {
    /// The upper layer's protocol; [`IpProtocol::NO_NEXT_HEADER`] if there is none. In a fragment,
    /// what the fragment header names, which may be another extension header.
    pub protocol: IpProtocol,
    /// Where the upper layer, or the fragment's part, starts in the IPv6 payload, in bytes.
    pub offset: usize,
    /// Where the field that names `protocol` stands, in bytes from the start of the IPv6 header:
    /// the pointer of the Parameter Problem owed if the protocol is not spoken.
    pub next_header_pointer: u32,
    /// The fragment header that was met, if any.
    pub fragment: Option<Fragment>,
    /// A Router Alert option was among the hop-by-hop options (RFC 2711).
    pub router_alert: bool,
}

/// The fields of a fragment header (RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Fragment {
    /// Offset in the fragmentable part, in bytes: a multiple of 8 up to 65,528.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
    /// The identification.
    pub id: u32,
}

impl Fragment {
    /// A fragment that is the whole packet (RFC 6946): nothing to reassemble.
    pub const fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }

    /// Appends the 8 bytes of the header in front of what `next` names.
    pub fn emit(&self, next: IpProtocol, out: &mut impl BufMut) {
        let mut header = [0; FRAGMENT_HEADER_LEN];
        header[0] = next.0;
        header.put_u16::<2>(self.offset & OFFSET_MASK | u16::from(self.more));
        header.put_u32::<4>(self.id);
        out.put_slice(&header);
    }
}

/// Why the walk ended before an upper layer, and what the sender is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionError {
    /// The reason to drop the packet.
    pub reason: DropReason,
    /// The ICMPv6 Parameter Problem owed, if any, subject to the rules of RFC 4443 section 2.4.
    pub owed: Option<ParameterProblem>,
}

/// The Parameter Problem message (RFC 4443 section 3.4) that a sender is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterProblem {
    /// The message's code, as in [`icmpv6`].
    pub code: u8,
    /// Where the trouble is, in bytes from the start of the IPv6 header.
    pub pointer: u32,
    /// Owed also if the packet's destination is multicast (RFC 4443 section 2.4, e.3).
    pub also_to_multicast: bool,
}

impl ExtensionError {
    const fn silent(reason: DropReason) -> ExtensionError {
        ExtensionError { reason, owed: None }
    }

    const fn owing(reason: DropReason, code: u8, pointer: u32) -> ExtensionError {
        let owed = ParameterProblem { code, pointer, also_to_multicast: false };
        ExtensionError { reason, owed: Some(owed) }
    }
}

/// Walks the extension headers of a packet: `next_header` is the IPv6 header's, `payload` what
/// follows it, `dst` the packet's destination (one kind of option is answered only if it is not
/// multicast).
///
/// The walk ends at the upper layer, or behind a fragment header unless that fragment is the whole
/// packet: what else a fragment holds is looked at once the packet is whole.
///
/// # Errors
///
/// - [`DropReason::Ipv6Extension`]: a header is truncated (nothing is owed), or hop-by-hop options
///   stand elsewhere than first (code 1 is owed).
/// - [`DropReason::Ipv6ExtensionLimit`]: beyond `limits`; nothing is owed.
/// - [`DropReason::Ipv6Option`]: an unknown option that asks for the packet to be discarded.
/// - [`DropReason::Ipv6Routing`]: a routing header with segments left; code 0 is owed.
pub fn walk(
    dst: Ipv6Addr,
    next_header: IpProtocol,
    payload: &[u8],
    limits: &ExtensionLimits,
) -> Result<UpperLayer, ExtensionError> {
    let mut at = UpperLayer {
        protocol: next_header,
        offset: 0,
        next_header_pointer: ipv6::NEXT_HEADER_OFFSET as u32,
        fragment: None,
        router_alert: false,
    };
    for walked in 0.. {
        let first = walked == 0;
        match at.protocol {
            IpProtocol::HOP_BY_HOP if !first => {
                return Err(ExtensionError::owing(
                    DropReason::Ipv6Extension,
                    icmpv6::UNRECOGNIZED_NEXT_HEADER,
                    at.next_header_pointer,
                ));
            }
            IpProtocol::HOP_BY_HOP | IpProtocol::DESTINATION_OPTIONS | IpProtocol::ROUTING | IpProtocol::FRAGMENT => {}
            _ => break,
        }
        if walked >= limits.headers {
            return Err(ExtensionError::silent(DropReason::Ipv6ExtensionLimit));
        }
        let header = header_at(&at, payload).ok_or(ExtensionError::silent(DropReason::Ipv6Extension))?;
        let pointer = (ipv6::HEADER_LEN + at.offset) as u32;
        match at.protocol {
            IpProtocol::ROUTING => check_routing(*header.fixed, pointer)?,
            IpProtocol::FRAGMENT => at.fragment = Some(fragment(*header.fixed)),
            protocol => {
                let alert = check_options(header.options, pointer + 2, dst, limits)?;
                at.router_alert |= alert && protocol == IpProtocol::HOP_BY_HOP;
            }
        }
        let in_fragment =
            at.protocol == IpProtocol::FRAGMENT && at.fragment.is_some_and(|fragment| !fragment.is_atomic());
        at.protocol = IpProtocol(header.fixed[0]);
        at.next_header_pointer = pointer;
        at.offset += header.len;
        if in_fragment {
            break;
        }
    }
    Ok(at)
}

/// Whether a first fragment's data, which starts with `protocol`, holds all headers through the upper
/// layer's (RFC 7112 section 3). What the headers say is looked at once the packet is whole.
pub(crate) fn has_whole_chain(mut protocol: IpProtocol, mut data: &[u8]) -> bool {
    loop {
        let units = data.get(1).map_or(0, |units| usize::from(*units));
        let len = match protocol {
            IpProtocol::HOP_BY_HOP | IpProtocol::DESTINATION_OPTIONS | IpProtocol::ROUTING => 8 + units * 8,
            IpProtocol::FRAGMENT => FRAGMENT_HEADER_LEN,
            IpProtocol::TCP => {
                let told = data.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
                return data.len() >= told.max(tcp::HEADER_LEN);
            }
            IpProtocol::NO_NEXT_HEADER => return true,
            // UDP's and ICMPv6's are as long as the smallest first fragment there can be.
            _ => return data.len() >= 8,
        };
        let (Some(next), Some(behind)) = (data.first(), data.get(len..)) else { return false };
        (protocol, data) = (IpProtocol(*next), behind);
    }
}

/// One extension header: all have at least 8 bytes, and the next header in the first.
struct ExtensionHeader<'a> {
    fixed: &'a [u8; 8],
    /// What follows next header and length.
    options: &'a [u8],
    len: usize,
}

/// The header where the walk stands; `None` if it is truncated.
fn header_at<'a>(at: &UpperLayer, payload: &'a [u8]) -> Option<ExtensionHeader<'a>> {
    let rest = payload.get(at.offset..)?;
    let fixed = rest.first_chunk::<8>()?;
    let len = match at.protocol {
        IpProtocol::FRAGMENT => FRAGMENT_HEADER_LEN,
        // In units of 8 bytes, the first not counted.
        _ => 8 + usize::from(fixed[1]) * 8,
    };
    Some(ExtensionHeader { fixed, options: rest.get(2..len)?, len })
}

fn fragment(fixed: [u8; 8]) -> Fragment {
    let offset_more = fixed.u16_at::<2>();
    Fragment { offset: offset_more & OFFSET_MASK, more: offset_more & 1 == 1, id: fixed.u32_at::<4>() }
}

/// No routing type is known here. One with segments left is refused, type 0 as well; with none left
/// the header is passed over (RFC 8200 section 4.4, RFC 5095 section 3).
fn check_routing(fixed: [u8; 8], pointer: u32) -> Result<(), ExtensionError> {
    let segments_left = fixed[3];
    if segments_left == 0 {
        return Ok(());
    }
    let routing_type = pointer + 2;
    Err(ExtensionError::owing(DropReason::Ipv6Routing, icmpv6::ERRONEOUS_HEADER_FIELD, routing_type))
}

/// Walks the options of a hop-by-hop or destination options header, the first of which stands at
/// `pointer`. Tells whether Router Alert is among them.
fn check_options(
    options: &[u8],
    pointer: u32,
    dst: Ipv6Addr,
    limits: &ExtensionLimits,
) -> Result<bool, ExtensionError> {
    let truncated = ExtensionError::silent(DropReason::Ipv6Extension);
    let over_limit = ExtensionError::silent(DropReason::Ipv6ExtensionLimit);
    let (mut count, mut padding, mut router_alert) = (0, 0, false);
    let mut rest = options;
    while let Some((&kind, after)) = rest.split_first() {
        let at = pointer + (options.len() - rest.len()) as u32;
        let len = match (kind, after.first()) {
            (PAD_1, _) => 1,
            (_, Some(&data_len)) => 2 + usize::from(data_len),
            (_, None) => return Err(truncated),
        };
        rest = rest.get(len..).ok_or(truncated)?;
        if matches!(kind, PAD_1 | PAD_N) {
            padding += len;
            if padding > limits.padding {
                return Err(over_limit);
            }
            continue;
        }
        padding = 0;
        count += 1;
        if count > limits.options {
            return Err(over_limit);
        }
        if kind == ROUTER_ALERT {
            router_alert = true;
        } else {
            check_unknown_option(kind, at, dst)?;
        }
    }
    Ok(router_alert)
}

/// The two highest bits of an unknown option's type say what to do (RFC 8200 section 4.2).
fn check_unknown_option(kind: u8, pointer: u32, dst: Ipv6Addr) -> Result<(), ExtensionError> {
    let error = |owed| ExtensionError { reason: DropReason::Ipv6Option, owed };
    let problem =
        |also_to_multicast| ParameterProblem { code: icmpv6::UNRECOGNIZED_OPTION, pointer, also_to_multicast };
    match kind >> 6 {
        0b00 => Ok(()),
        0b01 => Err(error(None)),
        0b10 => Err(error(Some(problem(true)))),
        _ if dst.is_multicast() => Err(error(None)),
        _ => Err(error(Some(problem(false)))),
    }
}
