//! What IGMPv3 and MLDv2 have in common: queries, reports, and the group records in them (RFC 3376
//! section 4, RFC 3810 section 5). The messages differ in their headers and in the length of an
//! address only: [`igmp`](super::igmp), [`mld`](super::mld).

use alloc::vec::Vec;
use bytes::BufMut;
use core::net::IpAddr;

use super::cursor::Fields;
use crate::error::DropReason;
use crate::time::Duration;

/// Length of the fixed part of a group record in front of the group address, in bytes.
const RECORD_HEADER_LEN: usize = 4;

/// What a group record tells (RFC 3376 section 4.2.12, RFC 3810 section 5.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum RecordKind {
    /// The filter mode is INCLUDE, with these sources: an answer to a query.
    IsInclude,
    /// The filter mode is EXCLUDE, with these sources: an answer to a query.
    IsExclude,
    /// The filter mode has become INCLUDE, with these sources; with none, the group was left.
    ToInclude,
    /// The filter mode has become EXCLUDE, with these sources; with none, the group was joined.
    ToExclude,
    /// Further sources are listened to.
    Allow,
    /// These sources are no longer listened to.
    Block,
}

impl RecordKind {
    /// The record type of this number; `None` for one that is not known, whose records are ignored.
    pub const fn from_number(number: u8) -> Option<RecordKind> {
        Some(match number {
            1 => RecordKind::IsInclude,
            2 => RecordKind::IsExclude,
            3 => RecordKind::ToInclude,
            4 => RecordKind::ToExclude,
            5 => RecordKind::Allow,
            6 => RecordKind::Block,
            _ => return None,
        })
    }

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            RecordKind::IsInclude => 1,
            RecordKind::IsExclude => 2,
            RecordKind::ToInclude => 3,
            RecordKind::ToExclude => 4,
            RecordKind::Allow => 5,
            RecordKind::Block => 6,
        }
    }

    /// The RFCs' short name (RFC 3376 section 4.2.15), in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            RecordKind::IsInclude => "is_in",
            RecordKind::IsExclude => "is_ex",
            RecordKind::ToInclude => "to_in",
            RecordKind::ToExclude => "to_ex",
            RecordKind::Allow => "allow",
            RecordKind::Block => "block",
        }
    }
}

/// A group record to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// What it tells.
    pub kind: RecordKind,
    /// The group; of the family of the protocol that carries the record.
    pub group: IpAddr,
    /// The sources, of the group's family.
    pub sources: Vec<IpAddr>,
}

impl GroupRecord {
    /// Its length on the wire, in bytes.
    pub fn wire_len(&self) -> usize {
        RECORD_HEADER_LEN + address_len(self.group) * (1 + self.sources.len())
    }

    /// Appends the record: type, auxiliary length 0, number of sources, group, sources.
    fn emit(&self, out: &mut impl BufMut) {
        out.put_slice(&[self.kind.number(), 0]);
        out.put_u16(self.sources.len() as u16);
        put_address(self.group, out);
        for source in &self.sources {
            put_address(*source, out);
        }
    }
}

/// The bytes of an address of this family: 4 or 16.
const fn address_len(address: IpAddr) -> usize {
    if address.is_ipv4() { 4 } else { 16 }
}

pub(super) fn put_address(address: IpAddr, out: &mut impl BufMut) {
    match address {
        IpAddr::V4(address) => out.put_slice(&address.octets()),
        IpAddr::V6(address) => out.put_slice(&address.octets()),
    }
}

/// Addresses in a row, as they stand in a message; all of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses<'a> {
    bytes: &'a [u8],
    v6: bool,
}

impl<'a> Addresses<'a> {
    /// No addresses.
    pub const NONE: Addresses<'static> = Addresses { bytes: &[], v6: false };

    /// The addresses that `bytes` are, of 16 bytes each with `v6`, else of 4; what is left over is no address.
    pub const fn new(bytes: &'a [u8], v6: bool) -> Addresses<'a> {
        Addresses { bytes, v6 }
    }

    /// The first `count` addresses of `bytes`, and what follows them.
    fn split(bytes: &'a [u8], count: usize, v6: bool) -> Option<(Addresses<'a>, &'a [u8])> {
        let (bytes, rest) = bytes.split_at_checked(count * if v6 { 16 } else { 4 })?;
        Some((Addresses { bytes, v6 }, rest))
    }

    /// The bytes that `addresses` are in a message, all of one family.
    pub fn to_bytes(addresses: &[IpAddr]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for address in addresses {
            put_address(*address, &mut bytes);
        }
        bytes
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.bytes.len() / if self.v6 { 16 } else { 4 }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The addresses, in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + 'a {
        self.bytes.chunks_exact(if self.v6 { 16 } else { 4 }).filter_map(address)
    }
}

/// The address that 4 or 16 bytes are.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(octets));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// A group record that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRecordView<'a> {
    /// What it tells; `None` for a type that is not known, which is to be ignored (RFC 3376 section 4.2.12).
    pub kind: Option<RecordKind>,
    /// The group.
    pub group: IpAddr,
    /// The sources.
    pub sources: Addresses<'a>,
}

/// The group records of a report that was received; their lengths have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRecords<'a> {
    bytes: &'a [u8],
    count: u16,
    v6: bool,
}

impl<'a> GroupRecords<'a> {
    /// The `count` records at the start of `bytes`; `None` if they do not all lie inside.
    pub(super) fn parse(bytes: &'a [u8], count: u16, v6: bool) -> Option<GroupRecords<'a>> {
        let records = GroupRecords { bytes, count, v6 };
        (records.iter().count() == usize::from(count)).then_some(records)
    }

    /// The records, in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = GroupRecordView<'a>> + 'a {
        let (mut rest, v6) = (self.bytes, self.v6);
        (0..self.count).map_while(move |_| {
            let (record, after) = split_record(rest, v6)?;
            rest = after;
            Some(record)
        })
    }
}

/// The first record of `bytes`, and what follows it. Auxiliary data is passed over (RFC 3376 section 4.2.11).
fn split_record(bytes: &[u8], v6: bool) -> Option<(GroupRecordView<'_>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_LEN>()?;
    let (group, rest) = Addresses::split(rest, 1, v6)?;
    let (sources, rest) = Addresses::split(rest, usize::from(header.u16_at::<2>()), v6)?;
    let rest = rest.get(usize::from(header[1]) * 4..)?;
    let kind = RecordKind::from_number(header[0]);
    Some((GroupRecordView { kind, group: group.iter().next()?, sources }, rest))
}

/// The version of a protocol that a query or report speaks: 1 to 3 for IGMP, 1 and 2 for MLD.
pub type Version = u8;

/// A query (RFC 3376 section 4.1, RFC 3810 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// The protocol's version, as the length and the maximum response code tell it.
    pub version: Version,
    /// Within which time answers are to be sent.
    pub max_response: Duration,
    /// The group that is asked about; `None` in a general query.
    pub group: Option<IpAddr>,
    /// Routers are not to change their timers (S flag).
    pub suppress: bool,
    /// The querier's robustness variable, 0 to 7; 0 also in queries of older versions.
    pub robustness: u8,
    /// The querier's query interval; zero in queries of older versions.
    pub interval: Duration,
    /// The sources that are asked about.
    pub sources: Addresses<'a>,
}

/// How a protocol's queries are read, once the maximum response code is: version and time of one that
/// ends with the group address, and of one that goes on.
pub(super) struct QueryForm {
    pub(super) v6: bool,
    pub(super) older: (Version, Duration),
    pub(super) newest: (Version, Duration),
    /// Of a length that no version has.
    pub(super) impossible: DropReason,
    pub(super) truncated: DropReason,
}

impl QueryForm {
    /// Reads `rest`, what follows the group address: flags, query interval code, sources, or nothing.
    pub(super) fn parse<'a>(&self, group: Option<IpAddr>, rest: &'a [u8]) -> Result<Message<'a>, DropReason> {
        let (version, max_response) = if rest.is_empty() { self.older } else { self.newest };
        let older = Query {
            version,
            max_response,
            group,
            suppress: false,
            robustness: 0,
            interval: Duration::ZERO,
            sources: Addresses::NONE,
        };
        if rest.is_empty() {
            return Ok(Message::Query(older));
        }
        let (fixed, rest) = rest.split_first_chunk::<4>().ok_or(self.impossible)?;
        let count = usize::from(fixed.u16_at::<2>());
        let (sources, _) = Addresses::split(rest, count, self.v6).ok_or(self.truncated)?;
        Ok(Message::Query(Query {
            suppress: fixed[0] & 8 != 0,
            robustness: fixed[0] & 7,
            interval: Duration::from_secs(decode(u32::from(fixed[1]), 4).into()),
            sources,
            ..older
        }))
    }
}

/// Appends a report of the newest version: a type, a checksum of 0, and the records.
pub(super) fn put_records(kind: u8, records: &[GroupRecord], out: &mut impl BufMut) {
    out.put_slice(&[kind, 0, 0, 0, 0, 0]);
    out.put_u16(records.len() as u16);
    for record in records {
        record.emit(out);
    }
}

impl Query<'_> {
    /// The length of what follows the group address, in bytes.
    pub fn tail_len(&self) -> usize {
        4 + self.sources.bytes.len()
    }

    /// Appends the part that follows the group address.
    pub(super) fn emit_tail(&self, out: &mut impl BufMut) {
        let flags = self.robustness.min(7) | if self.suppress { 8 } else { 0 };
        out.put_slice(&[flags, encode(self.interval.as_secs(), 4) as u8]);
        out.put_u16(self.sources.len() as u16);
        out.put_slice(self.sources.bytes);
    }
}

/// A message of either protocol, as far as its meaning goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Who listens?
    Query(Query<'a>),
    /// Somebody listens to a group, in the manner of the older versions (IGMPv1, IGMPv2, MLDv1).
    Report {
        /// 1 or 2 for IGMP, 1 for MLD.
        version: Version,
        /// The group.
        group: IpAddr,
    },
    /// Somebody, perhaps the last, has left a group (IGMPv2 Leave Group, MLDv1 Done).
    Leave {
        /// The group.
        group: IpAddr,
    },
    /// What somebody listens to: the report of IGMPv3 and MLDv2.
    Records(GroupRecords<'a>),
}

/// The value of a code whose mantissa has `bits` bits (RFC 3376 section 4.1.1: 4, RFC 3810 section
/// 5.1.3: 12): below the top bit it is the value itself, else a mantissa with a hidden bit and an
/// exponent of three bits.
pub(super) const fn decode(code: u32, bits: u32) -> u32 {
    let top = 1 << (bits + 3);
    if code < top {
        return code;
    }
    let exponent = (code >> bits) & 7;
    ((code & ((1 << bits) - 1)) | (1 << bits)) << (exponent + 3)
}

/// The code of the largest value that does not exceed `value`.
pub(super) fn encode(value: u64, bits: u32) -> u32 {
    let value = value.min(decode((1 << (bits + 4)) - 1, bits).into()) as u32;
    let top = 1 << (bits + 3);
    if value < top {
        return value;
    }
    // The mantissa's hidden bit is the value's highest.
    let exponent = value.ilog2() - bits - 3;
    let mantissa = (value >> (exponent + 3)) & ((1 << bits) - 1);
    top | exponent << bits | mantissa
}
