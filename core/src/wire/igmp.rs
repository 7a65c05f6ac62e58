//! IGMP, versions 1 to 3 (RFC 1112 appendix I, RFC 2236, RFC 3376).
//!
//! ```text
//!  0               1               2               3
//! +---------------+---------------+-------------------------------+
//! |     Type      | Max Resp Code |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |                         Group Address                         |   here ends a message of
//! +-------+-+-----+---------------+-------------------------------+   version 1 or 2
//! | Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |
//! +-------+-+-----+---------------+-------------------------------+
//! |                  Source Addresses, 4 N bytes                  |   a query of version 3
//! +---------------------------------------------------------------+
//!
//! +---------------+---------------+-------------------------------+
//! |  Type = 0x22  |   Reserved    |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |            Reserved           |  Number of Group Records (M)  |
//! +---------------+---------------+-------------------------------+
//! |  Record Type  | Aux Data Len  |     Number of Sources (N)     |   M times
//! +---------------+---------------+-------------------------------+
//! |                         Group Address                         |
//! +---------------------------------------------------------------+
//! |           Source Addresses, 4 N bytes, auxiliary data         |
//! +---------------------------------------------------------------+
//! ```
//!
//! Every message is sent with TTL 1, [`TOS`], and the [`ROUTER_ALERT`] option.

use bytes::BufMut;
use core::net::{IpAddr, Ipv4Addr};

use super::checksum::{self, Sum};
use super::cursor::Fields;
use super::membership::{self, GroupRecord, GroupRecords, Message, Query, QueryForm, Version};
use crate::error::DropReason;
use crate::time::Duration;

/// Length of a message without what version 3 adds, in bytes.
pub const HEADER_LEN: usize = 8;
/// Offset of the checksum.
pub const CHECKSUM_OFFSET: usize = 2;
/// The type of service of every message: internetwork control (RFC 3376 section 4).
pub const TOS: u8 = 0xc0;
/// The Router Alert option (RFC 2113), which every message carries.
pub const ROUTER_ALERT: [u8; 4] = [148, 4, 0, 0];
/// Where reports of version 3 go (RFC 3376 section 4.2.14).
pub const V3_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
/// Where IGMPv2's Leave Group goes (RFC 2236 section 2.4).
pub const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);

const QUERY: u8 = 0x11;
const REPORT_V1: u8 = 0x12;
const REPORT_V2: u8 = 0x16;
const LEAVE: u8 = 0x17;
const REPORT_V3: u8 = 0x22;
const GROUP: usize = 4;

/// What a query of version 1, which names none, gives its hearers (RFC 3376 section 7.2.1).
const V1_MAX_RESPONSE: Duration = Duration::from_secs(10);
/// Bits of the mantissa of a maximum response code.
const MANTISSA: u32 = 4;
/// The unit of a maximum response code, in milliseconds.
const UNIT_MS: u64 = 100;

/// Reads a message, an IPv4 packet's payload. Bytes behind what its lengths say are ignored. The
/// checksum is a step of its own, [`verify_checksum`].
///
/// Errors: [`DropReason::IgmpTruncated`], [`DropReason::IgmpType`],
/// [`DropReason::IgmpInvalid`] (a query of a length that no version has, or about what is no group).
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, DropReason> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::IgmpTruncated)?;
    let address = Ipv4Addr::from(header.array_at::<GROUP, 4>());
    let group = || address.is_multicast().then_some(IpAddr::V4(address)).ok_or(DropReason::IgmpInvalid);
    match header[0] {
        QUERY if address.is_unspecified() => query(header[1], None, rest),
        QUERY => query(header[1], Some(group()?), rest),
        REPORT_V1 => Ok(Message::Report { version: 1, group: group()? }),
        REPORT_V2 => Ok(Message::Report { version: 2, group: group()? }),
        LEAVE => Ok(Message::Leave { group: group()? }),
        REPORT_V3 => {
            let records = GroupRecords::parse(rest, header.u16_at::<6>(), false);
            records.ok_or(DropReason::IgmpTruncated).map(Message::Records)
        }
        _ => Err(DropReason::IgmpType),
    }
}

/// The version of a query follows from its length (RFC 3376 section 7.1).
fn query(code: u8, group: Option<IpAddr>, rest: &[u8]) -> Result<Message<'_>, DropReason> {
    let tenths = |units: u32| Duration::from_millis(u64::from(units) * UNIT_MS);
    QueryForm {
        v6: false,
        older: if code == 0 { (1, V1_MAX_RESPONSE) } else { (2, tenths(code.into())) },
        newest: (3, tenths(membership::decode(code.into(), MANTISSA))),
        impossible: DropReason::IgmpInvalid,
        truncated: DropReason::IgmpTruncated,
    }
    .parse(group, rest)
}

/// Appends a query, checksum 0: see [`fill_checksum`]. A time that the code cannot tell exactly is
/// rounded down.
pub fn emit_query(query: &Query<'_>, out: &mut impl BufMut) {
    let units = query.max_response.as_millis() as u64 / UNIT_MS;
    let code = match query.version {
        1 => 0,
        2 => units.clamp(1, 255) as u8,
        _ => membership::encode(units, MANTISSA) as u8,
    };
    fixed(QUERY, code, query.group.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), out);
    if query.version >= 3 {
        query.emit_tail(out);
    }
}

/// Appends a report of version 1 or 2 for one group, checksum 0.
pub fn emit_report(version: Version, group: IpAddr, out: &mut impl BufMut) {
    fixed(if version == 1 { REPORT_V1 } else { REPORT_V2 }, 0, group, out);
}

/// Appends a Leave Group message, checksum 0.
pub fn emit_leave(group: IpAddr, out: &mut impl BufMut) {
    fixed(LEAVE, 0, group, out);
}

/// Appends a report of version 3, checksum 0.
pub fn emit_records(records: &[GroupRecord], out: &mut impl BufMut) {
    membership::put_records(REPORT_V3, records, out);
}

/// Whether the checksum is right. It covers all of the packet's payload (RFC 3376 section 4.1.2).
pub fn verify_checksum(message: &[u8]) -> bool {
    checksum::of(message) == 0
}

/// Computes and writes the checksum of a whole message.
pub fn fill_checksum(message: &mut [u8]) {
    checksum::fill(Sum::new(), message, CHECKSUM_OFFSET);
}

fn fixed(kind: u8, code: u8, group: IpAddr, out: &mut impl BufMut) {
    out.put_slice(&[kind, code, 0, 0]);
    membership::put_address(group, out);
}
