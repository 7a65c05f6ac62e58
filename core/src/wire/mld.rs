//! Multicast Listener Discovery, versions 1 and 2 (RFC 2710, RFC 3810).
//!
//! ```text
//!  0               1               2               3
//! +---------------+---------------+-------------------------------+
//! |     Type      |     Code      |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |     Maximum Response Code     |           Reserved            |
//! +-------------------------------+-------------------------------+
//! |                 Multicast Address, 16 bytes                   |   here ends a message of
//! +-------+-+-----+---------------+-------------------------------+   version 1
//! | Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |
//! +-------+-+-----+---------------+-------------------------------+
//! |                  Source Addresses, 16 N bytes                 |   a query of version 2
//! +---------------------------------------------------------------+
//!
//! +---------------+---------------+-------------------------------+
//! |  Type = 143   |   Reserved    |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |            Reserved           | Number of Address Records (M) |   then M records as IGMPv3's,
//! +-------------------------------+-------------------------------+   with addresses of 16 bytes
//! ```
//!
//! These are ICMPv6 messages: their checksum is [`icmpv6::fill_checksum`]'s. Every one is sent with
//! hop limit 1, from a link-local or the unspecified address, behind [`ROUTER_ALERT`].
//!
//! [`icmpv6::fill_checksum`]: super::icmpv6::fill_checksum

use bytes::BufMut;
use core::net::{IpAddr, Ipv6Addr};

use super::cursor::Fields;
use super::membership::{self, GroupRecord, GroupRecords, Message, Query, QueryForm};
use crate::error::DropReason;
use crate::time::Duration;

/// Type of a query, of either version.
pub const QUERY: u8 = 130;
/// Type of a report of version 1.
pub const REPORT_V1: u8 = 131;
/// Type of version 1's Done message.
pub const DONE: u8 = 132;
/// Type of a report of version 2.
pub const REPORT_V2: u8 = 143;

/// The hop limit of every message (RFC 3810 section 5).
pub const HOP_LIMIT: u8 = 1;
/// The hop-by-hop options header in front of every message: next header ICMPv6, Router Alert with
/// the value for MLD (RFC 2711 section 2.1), padding.
pub const ROUTER_ALERT: [u8; 8] = [58, 0, 5, 2, 0, 0, 1, 0];
/// Where reports of version 2 go (RFC 3810 section 5.2.14).
pub const V2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
/// Where version 1's Done goes (RFC 2710 section 3.1).
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Length of a message without what version 2 adds, in bytes.
pub const FIXED_LEN: usize = 24;
/// Length of the header of a report of version 2, in bytes.
pub const REPORT_HEADER_LEN: usize = 8;
const MAX_RESPONSE_CODE: usize = 4;
const GROUP: usize = 8;
/// Bits of the mantissa of a maximum response code.
const MANTISSA: u32 = 12;

/// Whether an ICMPv6 message of this type is one of MLD's.
pub const fn is_mld(kind: u8) -> bool {
    matches!(kind, QUERY | REPORT_V1 | DONE | REPORT_V2)
}

/// Reads a whole ICMPv6 message of one of MLD's types. Bytes behind what its lengths say are ignored
/// (RFC 3810 section 5.1.12).
///
/// Errors: [`DropReason::MldTruncated`], [`DropReason::MldInvalid`] (another type, a query of a
/// length that no version has, or about what is no group).
pub fn parse(message: &[u8]) -> Result<Message<'_>, DropReason> {
    let (&kind, _) = message.split_first().ok_or(DropReason::MldTruncated)?;
    if kind == REPORT_V2 {
        let (header, rest) = message.split_first_chunk::<REPORT_HEADER_LEN>().ok_or(DropReason::MldTruncated)?;
        let records = GroupRecords::parse(rest, header.u16_at::<6>(), true);
        return records.ok_or(DropReason::MldTruncated).map(Message::Records);
    }
    let (fixed, rest) = message.split_first_chunk::<FIXED_LEN>().ok_or(DropReason::MldTruncated)?;
    let address = Ipv6Addr::from(fixed.array_at::<GROUP, 16>());
    let group = || address.is_multicast().then_some(IpAddr::V6(address)).ok_or(DropReason::MldInvalid);
    match kind {
        QUERY if address.is_unspecified() => query(fixed.u16_at::<MAX_RESPONSE_CODE>(), None, rest),
        QUERY => query(fixed.u16_at::<MAX_RESPONSE_CODE>(), Some(group()?), rest),
        REPORT_V1 => Ok(Message::Report { version: 1, group: group()? }),
        DONE => Ok(Message::Leave { group: group()? }),
        _ => Err(DropReason::MldInvalid),
    }
}

/// The version of a query follows from its length (RFC 3810 section 8.1).
fn query(code: u16, group: Option<IpAddr>, rest: &[u8]) -> Result<Message<'_>, DropReason> {
    QueryForm {
        v6: true,
        older: (1, Duration::from_millis(code.into())),
        newest: (2, Duration::from_millis(membership::decode(code.into(), MANTISSA).into())),
        impossible: DropReason::MldInvalid,
        truncated: DropReason::MldTruncated,
    }
    .parse(group, rest)
}

/// Appends a query, checksum 0. A time that the code cannot tell exactly is rounded down.
pub fn emit_query(query: &Query<'_>, out: &mut impl BufMut) {
    let millis = query.max_response.as_millis() as u64;
    let code = match query.version {
        1 => millis.min(u16::MAX.into()) as u16,
        _ => membership::encode(millis, MANTISSA) as u16,
    };
    fixed(QUERY, code, query.group.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), out);
    if query.version >= 2 {
        query.emit_tail(out);
    }
}

/// Appends a report of version 1 for one group, checksum 0.
pub fn emit_report(group: IpAddr, out: &mut impl BufMut) {
    fixed(REPORT_V1, 0, group, out);
}

/// Appends a Done message, checksum 0.
pub fn emit_done(group: IpAddr, out: &mut impl BufMut) {
    fixed(DONE, 0, group, out);
}

/// Appends a report of version 2, checksum 0.
pub fn emit_records(records: &[GroupRecord], out: &mut impl BufMut) {
    membership::put_records(REPORT_V2, records, out);
}

fn fixed(kind: u8, code: u16, group: IpAddr, out: &mut impl BufMut) {
    out.put_slice(&[kind, 0, 0, 0]);
    out.put_u16(code);
    out.put_u16(0);
    membership::put_address(group, out);
}
