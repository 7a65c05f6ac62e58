//! Reassembly (RFC 791 section 3.2, RFC 815, RFC 1122 section 3.3.2, RFC 8200 section 4.5): fragments
//! that wait for the rest of their packet.
//!
//! ```text
//!   Reassembly   datagrams, by key and by age
//!     Datagram     first: link header | IP header | headers before the fragment header
//!                  pieces, by offset, never overlapping:  | 0..1480 |     | 2960..4008 last |
//! ```
//!
//! An exact duplicate changes nothing. Any other overlap means that somebody else's fragments are
//! among them, or that one fragment is to rewrite what another said (RFC 1858 section 3.2, RFC 3128): the
//! packet is given up. In IPv6 its later fragments are discarded as well, until its time is over
//! (RFC 5722 section 4); in IPv4 they are not, for 16 bits of identification come round soon.
//!
//! Strangers decide what is held here, so it is bounded: in all, per source and per packet. What has to
//! go when a bound is reached is the oldest packet of which only small fragments are there, and only
//! if there is none the oldest of all. No middle fragment of an honest packet is that small, so that
//! tiny fragments push out each other and nothing else, however many come.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;

use super::input::Received;
use crate::buffer::charge;
use crate::config::Limits;
use crate::digest::Digest;
use crate::error::DropReason;
use crate::link::InterfaceId;
use crate::time::Instant;
use crate::wire::ethernet::EthernetHeader;
use crate::wire::ipv4::{self, IpProtocol};
use crate::wire::ipv6;
use crate::wire::ipv6_ext::{FRAGMENT_HEADER_LEN, Fragment};

/// The longest packet, without the fixed header in IPv6: what the length fields can say.
pub(crate) const LENGTH_MAX: usize = 65_535;
/// Fragments with less data than this are small.
const SMALL: usize = 256;
/// What a packet is charged beside its fragments: its place in the tables.
const PLACE: usize = charge(SMALL);
/// The part of all memory that fragments from one source may take.
const SOURCE_SHARE: usize = 4;

/// What the fragments of one packet have in common (RFC 791 section 3.2, RFC 8200 section 4.5). The
/// interface is part of it: a link-local address means another host on another link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) interface: InterfaceId,
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    /// IPv4's; in IPv6 the next header is the first fragment's alone to say.
    pub(crate) protocol: Option<IpProtocol>,
    pub(crate) id: u32,
}

/// A fragment that passed the checks on it alone.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) key: Key,
    pub(crate) part: Fragment,
    /// Whether it met congestion on its way (RFC 3168 section 5).
    pub(crate) congestion: bool,
    pub(crate) data: Bytes,
    /// Of the fragment at offset 0.
    pub(crate) first: Option<First>,
}

/// What the first fragment gives to the whole packet beside its data.
#[derive(Clone, Debug)]
pub(crate) struct First {
    pub(crate) link: EthernetHeader,
    /// The fragment as it was received; what is behind `head` in the frame was its data.
    pub(crate) received: Received,
    /// The frame up to the data.
    pub(crate) head: Bytes,
}

/// A packet that is whole again, in a frame such as its sender could have sent on a link without an MTU.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) link: EthernetHeader,
    pub(crate) frame: Bytes,
}

/// A packet whose time is over.
#[derive(Clone, Debug)]
pub(crate) enum Expired {
    /// It had been given up before, and its late fragments were discarded until now.
    GivenUp,
    /// Its first fragment never came, so that nobody can be told.
    Nameless,
    /// Its first fragment, in the frame that it came in.
    Named { interface: InterfaceId, received: Received, frame: Bytes },
}

/// A packet of which fragments are held, for [`Stack::reassembly`](crate::Stack::reassembly).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyEntry {
    /// The interface on which its fragments arrive.
    pub interface: InterfaceId,
    /// The source address.
    pub src: IpAddr,
    /// The destination address.
    pub dst: IpAddr,
    /// The upper-layer protocol of an IPv4 packet; an IPv6 packet's is not told by all its fragments.
    pub protocol: Option<IpProtocol>,
    /// The identification.
    pub id: u32,
    /// How many fragments are held; 0 once the packet has been given up.
    pub fragments: usize,
    /// How many bytes of data they hold.
    pub bytes: usize,
    /// When the packet is given up.
    pub until: Instant,
}

#[derive(Clone, Debug)]
struct Piece {
    offset: usize,
    data: Bytes,
}

impl Piece {
    fn end(&self) -> usize {
        self.offset + self.data.len()
    }
}

/// A packet in the making.
#[derive(Clone, Debug)]
struct Datagram {
    key: Key,
    until: Instant,
    first: Option<First>,
    /// By offset.
    pieces: Vec<Piece>,
    /// The length of the data of all fragments; known once the last one has come.
    total: Option<usize>,
    /// Whether one of the fragments met congestion: then the packet did (RFC 3168 section 5.3).
    congestion: bool,
    given_up: bool,
}

/// Which packet goes first when room is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    has_large: bool,
    serial: u64,
}

/// What one source has here.
#[derive(Clone, Debug, Default)]
struct Account {
    charge: usize,
    order: BTreeSet<Rank>,
}

/// The packets in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reassembly {
    /// By serial number, which is by age, and so by the end of their time as well.
    datagrams: BTreeMap<u64, Datagram>,
    serials: BTreeMap<Key, u64>,
    order: BTreeSet<Rank>,
    accounts: BTreeMap<IpAddr, Account>,
    charge: usize,
    next_serial: u64,
    /// The timer heap's entry.
    pub(crate) armed: Option<Instant>,
}

impl Datagram {
    fn new(key: Key, until: Instant) -> Datagram {
        Datagram { key, until, first: None, pieces: Vec::new(), total: None, congestion: false, given_up: false }
    }

    fn charge(&self) -> usize {
        let head = self.first.as_ref().map_or(0, |first| charge(first.head.len()));
        PLACE + head + self.pieces.iter().map(|piece| charge(piece.data.len())).sum::<usize>()
    }

    fn rank(&self, serial: u64) -> Rank {
        Rank { has_large: self.pieces.iter().any(|piece| piece.data.len() >= SMALL), serial }
    }

    fn is_whole(&self) -> bool {
        // They don't overlap and none is beyond the end, so their lengths tell whether one is missing.
        self.total == Some(self.pieces.iter().map(|piece| piece.data.len()).sum())
    }

    /// Takes a fragment in. Errors: it is a duplicate or late, and nothing has changed; or the packet
    /// is to be given up.
    fn admit(&mut self, arrival: Arrival, limits: &Limits) -> Result<(), DropReason> {
        if self.given_up {
            return Err(DropReason::FragmentGivenUp);
        }
        let Arrival { part, congestion, data, first, .. } = arrival;
        let piece = Piece { offset: usize::from(part.offset), data };
        let end = piece.end();
        let at = self.pieces.partition_point(|other| other.offset < piece.offset);
        let duplicate = |other: &Piece| other.offset == piece.offset && other.data == piece.data;
        if self.pieces.get(at).is_some_and(duplicate) && part.more == (self.total != Some(end)) {
            return Err(DropReason::FragmentDuplicate);
        }
        let before = at.checked_sub(1).and_then(|at| self.pieces.get(at));
        let overlaps = before.is_some_and(|other| other.end() > piece.offset)
            || self.pieces.get(at).is_some_and(|other| other.offset < end);
        let beyond_end = self.total.is_some_and(|total| if part.more { end >= total } else { end != total });
        let cuts_off = !part.more && self.pieces.last().is_some_and(|last| last.end() > end);
        if overlaps || beyond_end || cuts_off {
            return Err(DropReason::FragmentOverlap);
        }
        let small = self.pieces.iter().filter(|other| other.data.len() < SMALL).count();
        if self.pieces.len() >= usize::from(limits.fragments_per_packet)
            || (piece.data.len() < SMALL && small >= usize::from(limits.small_fragments_per_packet))
        {
            return Err(DropReason::FragmentLimit);
        }
        self.pieces.insert(at, piece);
        self.first = self.first.take().or(first);
        self.congestion |= congestion;
        if !part.more {
            self.total = Some(end);
        }
        Ok(())
    }

    /// Keeps nothing but the memory that it was given up.
    fn give_up(&mut self) {
        *self = Datagram { given_up: true, ..Datagram::new(self.key, self.until) };
    }

    /// The whole packet: the first fragment's headers, the fragment header taken out, and all data.
    /// Error: it would be longer than any packet can be, with the first fragment's headers in front.
    fn build(&self) -> Result<Option<Whole>, DropReason> {
        let (Some(first), Some(total)) = (&self.first, self.total) else { return Ok(None) };
        let packet_start = first.received.packet.start;
        let is_v4 = self.key.src.is_ipv4();
        let mut frame = Vec::with_capacity(first.head.len() + total);
        frame.extend_from_slice(&first.head);
        let headers = frame.get_mut(packet_start..).unwrap_or_default();
        let told =
            if is_v4 { headers.len() } else { headers.len().saturating_sub(ipv6::HEADER_LEN + FRAGMENT_HEADER_LEN) };
        if told + total > LENGTH_MAX {
            return Err(DropReason::FragmentTooLong);
        }
        let length = (told + total) as u16;
        if is_v4 {
            ipv4::make_whole(headers, length, self.congestion);
        } else {
            ipv6::make_whole(headers, length, self.congestion);
            frame.truncate(first.head.len().saturating_sub(FRAGMENT_HEADER_LEN));
        }
        for piece in &self.pieces {
            frame.extend_from_slice(&piece.data);
        }
        Ok(Some(Whole { link: first.link, frame: Bytes::from(frame) }))
    }

    fn expire(self) -> Expired {
        match (self.given_up, self.first, self.pieces.first()) {
            (true, ..) => Expired::GivenUp,
            (false, Some(First { mut received, head, .. }), Some(piece)) => {
                let frame = Bytes::from([&head[..], &piece.data[..]].concat());
                received.packet.end = frame.len();
                received.upper.end = frame.len();
                Expired::Named { interface: self.key.interface, received, frame }
            }
            _ => Expired::Nameless,
        }
    }
}

impl Reassembly {
    /// Takes a fragment in; `until` is when its packet is given up if it is the first to arrive. Returns
    /// the packet if it is whole now, and how many other packets had to go for want of room.
    ///
    /// Errors: why the fragment was not taken, and perhaps all its packet given up with it.
    pub(crate) fn on_fragment(
        &mut self,
        arrival: Arrival,
        until: Instant,
        limits: &Limits,
    ) -> Result<(Option<Whole>, u64), DropReason> {
        let key = arrival.key;
        let known = self.serials.get(&key).copied().and_then(|serial| self.take(serial));
        let (serial, mut datagram) = known.unwrap_or_else(|| {
            self.next_serial += 1;
            (self.next_serial, Datagram::new(key, until))
        });
        if let Err(reason) = datagram.admit(arrival, limits) {
            match reason {
                DropReason::FragmentOverlap | DropReason::FragmentLimit if key.src.is_ipv4() => return Err(reason),
                DropReason::FragmentOverlap | DropReason::FragmentLimit => datagram.give_up(),
                _ => {}
            }
            self.put(serial, datagram);
            return Err(reason);
        }
        if datagram.is_whole() {
            return datagram.build().map(|whole| (whole, 0));
        }
        self.put(serial, datagram);
        Ok((None, self.make_room(serial, key.src, limits)))
    }

    /// Takes a packet out of all tables.
    fn take(&mut self, serial: u64) -> Option<(u64, Datagram)> {
        let datagram = self.datagrams.remove(&serial)?;
        let (rank, cost) = (datagram.rank(serial), datagram.charge());
        self.serials.remove(&datagram.key);
        self.order.remove(&rank);
        self.charge -= cost;
        if let Some(account) = self.accounts.get_mut(&datagram.key.src) {
            account.order.remove(&rank);
            account.charge -= cost;
            if account.order.is_empty() {
                self.accounts.remove(&datagram.key.src);
            }
        }
        Some((serial, datagram))
    }

    /// Enters a packet in all tables.
    fn put(&mut self, serial: u64, datagram: Datagram) {
        let (rank, cost) = (datagram.rank(serial), datagram.charge());
        self.serials.insert(datagram.key, serial);
        self.order.insert(rank);
        self.charge += cost;
        let account = self.accounts.entry(datagram.key.src).or_default();
        account.order.insert(rank);
        account.charge += cost;
        self.datagrams.insert(serial, datagram);
    }

    /// Evicts until what is held is within bounds, `newest` last of all.
    fn make_room(&mut self, newest: u64, src: IpAddr, limits: &Limits) -> u64 {
        let room = limits.reassembly as usize;
        let mut evicted = 0;
        loop {
            let of_source = self.accounts.get(&src).filter(|account| account.charge > room / SOURCE_SHARE);
            let order = match of_source {
                Some(account) => &account.order,
                None if self.charge > room => &self.order,
                None => return evicted,
            };
            let victim = order.iter().map(|rank| rank.serial).find(|&serial| serial != newest).unwrap_or(newest);
            if self.take(victim).is_none() {
                return evicted;
            }
            evicted += 1;
        }
    }

    /// When the oldest packet is given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.datagrams.values().next().map(|datagram| datagram.until)
    }

    /// Takes out the oldest packet if its time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Expired> {
        let (&serial, oldest) = self.datagrams.iter().next()?;
        if oldest.until > now {
            return None;
        }
        self.take(serial).map(|(_, datagram)| datagram.expire())
    }

    /// What is held, as charged.
    pub(crate) fn charged(&self) -> usize {
        self.charge
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ReassemblyEntry> + '_ {
        self.datagrams.values().map(|datagram| ReassemblyEntry {
            interface: datagram.key.interface,
            src: datagram.key.src,
            dst: datagram.key.dst,
            protocol: datagram.key.protocol,
            id: datagram.key.id,
            fragments: datagram.pieces.len(),
            bytes: datagram.pieces.iter().map(|piece| piece.data.len()).sum(),
            until: datagram.until,
        })
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.datagrams.len());
        for datagram in self.datagrams.values() {
            let Key { interface, src, dst, protocol, id } = datagram.key;
            digest.u16(interface.0);
            digest.address(src);
            digest.address(dst);
            digest.option(protocol, |digest, protocol| digest.u8(protocol.0));
            digest.u32(id);
            digest.instant(datagram.until);
            digest.bool(datagram.congestion);
            digest.bool(datagram.given_up);
            digest.option(datagram.total, Digest::count);
            digest.option(datagram.first.as_ref(), |digest, first| {
                digest.counted(&first.head);
                digest.bool(first.received.link_group);
            });
            digest.count(datagram.pieces.len());
            for piece in &datagram.pieces {
                digest.count(piece.offset);
                digest.counted(&piece.data);
            }
        }
    }
}
