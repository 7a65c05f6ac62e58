//! The options that a socket puts into the header of its IPv4 packets (RFC 791 section 3.1), checked once.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::ipv4::{HEADER_LEN, Ipv4Option, Ipv4Options, MAX_HEADER_LEN};
use crate::error::IpOptionsError;

/// The most that the options of a header measure, in bytes.
pub const OPTIONS_MAX: usize = MAX_HEADER_LEN - HEADER_LEN;

/// The copied flag of an option's type: the option goes into every fragment (RFC 791 section 3.1).
const COPIED: u8 = 0x80;
/// Where the first address of a record route or source route stands, counted as their pointers count.
const ROUTE_POINTER: u8 = 4;
/// Where the first entry of a timestamp option stands.
const TIMESTAMP_POINTER: u8 = 5;

/// Options for the IPv4 packets of a socket (as `IP_OPTIONS`); default none. IPv6 packets carry none of them.
///
/// A source route names the hops in their order, the first hop first and without the destination: the stack
/// sends to the first, and the destination takes its place at the end (RFC 1122 section 3.2.1.8 (c)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Vec<u8>", into = "Vec<u8>"))]
pub struct IpOptions(Option<Arc<[u8]>>);

impl IpOptions {
    /// No options.
    pub const NONE: IpOptions = IpOptions(None);

    /// The options `bytes`, as they stand in a header: at most 40 bytes. What is missing to a multiple of 4
    /// is filled with end-of-list. Routes and timestamps start empty: their pointers at the first entry, the
    /// entries zero but for addresses that are prescribed.
    ///
    /// Errors: [`IpOptionsError::TooLong`], [`IpOptionsError::Malformed`], [`IpOptionsError::Repeated`],
    /// [`IpOptionsError::Obsolete`].
    pub fn new(bytes: &[u8]) -> Result<IpOptions, IpOptionsError> {
        if bytes.len() > OPTIONS_MAX {
            return Err(IpOptionsError::TooLong);
        }
        let mut once = Vec::new();
        for option in Ipv4Options::new(bytes) {
            let option = option.map_err(|_| IpOptionsError::Malformed)?;
            if !is_well_formed(&option) {
                return Err(IpOptionsError::Malformed);
            }
            if option.kind == Ipv4Option::STREAM_ID {
                return Err(IpOptionsError::Obsolete);
            }
            if let Some(kind) = option.appears_once_as() {
                if once.contains(&kind) {
                    return Err(IpOptionsError::Repeated);
                }
                once.push(kind);
            }
        }
        Ok(IpOptions::padded(bytes))
    }

    /// Record Route and Timestamp of a packet that was received, as an echo reply carries them on (RFC 1122
    /// section 3.2.2.6); not those whose pointer is before the first entry.
    pub(crate) fn to_carry_on(received: &[u8]) -> IpOptions {
        let mut kept = Vec::new();
        for (_, option) in spans(received) {
            let is_sound = match *option {
                [Ipv4Option::RECORD_ROUTE, _, pointer, ..] => pointer >= ROUTE_POINTER,
                [Ipv4Option::TIMESTAMP, _, pointer, _, ..] => pointer >= TIMESTAMP_POINTER,
                _ => false,
            };
            if is_sound {
                kept.extend_from_slice(option);
            }
        }
        IpOptions::padded(&kept)
    }

    fn padded(bytes: &[u8]) -> IpOptions {
        if bytes.is_empty() {
            return IpOptions::NONE;
        }
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        IpOptions(Some(padded.into()))
    }

    /// The options with their padding; a multiple of 4 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Their length with padding, in bytes: 0 to 40.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The first hop of a source route, and whether it must be a neighbor: the route is strict.
    pub fn source_route(&self) -> Option<(Ipv4Addr, bool)> {
        if self.is_empty() {
            return None;
        }
        let route = Ipv4Options::new(self.as_bytes()).flatten().find(Ipv4Option::is_source_route)?;
        let first = *route.data.get(1..)?.first_chunk::<4>()?;
        Some((first.into(), route.kind == Ipv4Option::STRICT_SOURCE_ROUTE))
    }

    /// The first hop of a source route.
    pub(crate) fn first_hop(&self) -> Option<Ipv4Addr> {
        self.source_route().map(|(first, _)| first)
    }

    /// Whether every fragment carries an option of this type.
    pub(crate) const fn is_copied(kind: u8) -> bool {
        kind & COPIED != 0
    }
}

/// Each option of more than one byte with the place where it begins; ends at one that is malformed.
pub(crate) fn spans(options: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut walk = Ipv4Options::new(options);
    core::iter::from_fn(move || {
        let option = walk.next()?.ok()?;
        let end = options.len() - walk.rest().len();
        let start = end.checked_sub(option.data.len() + 2)?;
        Some((start, options.get(start..end)?))
    })
}

/// The form that RFC 791 section 3.1 gives an option that sets out.
fn is_well_formed(option: &Ipv4Option<'_>) -> bool {
    let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    match (option.kind, option.data) {
        (Ipv4Option::RECORD_ROUTE, [ROUTE_POINTER, room @ ..]) => {
            !room.is_empty() && room.len().is_multiple_of(4) && zero(room)
        }
        (Ipv4Option::LOOSE_SOURCE_ROUTE | Ipv4Option::STRICT_SOURCE_ROUTE, [ROUTE_POINTER, hops @ ..]) => {
            let (hops, rest) = hops.as_chunks::<4>();
            !hops.is_empty() && rest.is_empty() && hops.iter().all(|hop| is_hop((*hop).into()))
        }
        (Ipv4Option::TIMESTAMP, [TIMESTAMP_POINTER, flag, room @ ..]) => {
            !room.is_empty()
                && match flag {
                    0 => room.len().is_multiple_of(4) && zero(room),
                    1 => room.len().is_multiple_of(8) && zero(room),
                    3 => {
                        room.len().is_multiple_of(8) && room.chunks(8).all(|entry| zero(entry.get(4..).unwrap_or(&[1])))
                    }
                    _ => false,
                }
        }
        (
            Ipv4Option::RECORD_ROUTE
            | Ipv4Option::LOOSE_SOURCE_ROUTE
            | Ipv4Option::STRICT_SOURCE_ROUTE
            | Ipv4Option::TIMESTAMP,
            _,
        ) => false,
        _ => true,
    }
}

/// Whether a packet can be sent by way of `hop`.
const fn is_hop(hop: Ipv4Addr) -> bool {
    !hop.is_unspecified() && !hop.is_multicast() && !hop.is_broadcast() && !hop.is_loopback()
}

/// As [`IpOptions::new`].
impl TryFrom<Vec<u8>> for IpOptions {
    type Error = IpOptionsError;

    fn try_from(bytes: Vec<u8>) -> Result<IpOptions, IpOptionsError> {
        IpOptions::new(&bytes)
    }
}

impl From<IpOptions> for Vec<u8> {
    fn from(options: IpOptions) -> Vec<u8> {
        options.as_bytes().to_vec()
    }
}
