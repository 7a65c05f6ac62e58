//! Fragmentation (RFC 791 section 3.2, RFC 8200 section 4.5): a packet larger than its path takes,
//! cut into fragments as they leave; and the identifications that hold them together.

use alloc::collections::BTreeMap;
use bytes::Bytes;
use core::hash::BuildHasher;
use core::net::IpAddr;

use super::options::LeavingOptions;
use super::output::{LinkHeader, PacketHeader};
use super::reassembly::LENGTH_MAX;
use crate::config::Shard;
use crate::digest::Digest;
use crate::frame::{TxBatch, TxChecksum};
use crate::keyed::HashKey;
use crate::rng::Seed;
use crate::time::Instant;
use crate::wire::ipv4::{self, IpProtocol};
use crate::wire::ipv4_options::IpOptions;
use crate::wire::ipv6_ext::{FRAGMENT_HEADER_LEN, Fragment};

/// The upper-layer header of all that is ever fragmented: ICMP's and UDP's are alike.
pub(crate) const UPPER_HEADER_LEN: usize = 8;

/// The most upper-layer bytes that a packet of this family can carry, fragmented or not.
pub(crate) const fn upper_max(is_v4: bool) -> usize {
    if is_v4 { LENGTH_MAX - ipv4::HEADER_LEN } else { LENGTH_MAX }
}

/// A packet that is leaving in fragments: what of it has not left yet.
#[derive(Clone, Debug)]
pub(crate) struct Fragments {
    /// Without options.
    pub(crate) header: PacketHeader<'static>,
    pub(crate) options: IpOptions,
    pub(crate) link: LinkHeader,
    pub(crate) id: u32,
    /// No fragment is larger than this, headers included.
    pub(crate) mtu: usize,
    /// Complete, its checksum too: no device computes one over fragments.
    pub(crate) upper_header: [u8; UPPER_HEADER_LEN],
    pub(crate) data: Bytes,
    /// How many bytes of upper header and data have left: 0 or a multiple of 8.
    pub(crate) sent: usize,
}

impl Fragments {
    /// Builds the next fragment; tells whether more follow.
    pub(crate) fn emit(&mut self, now: Instant, batch: &mut TxBatch) -> bool {
        let whole = UPPER_HEADER_LEN + self.data.len();
        // Later fragments carry those options that are to be copied (RFC 791 section 3.1).
        let ends = (self.header.src, self.header.dst);
        let options = LeavingOptions::new(&self.options, self.sent == 0, ends, now);
        let header = PacketHeader { options: options.as_ref(), ..self.header };
        let headers = header.len() + if header.src.is_ipv4() { 0 } else { FRAGMENT_HEADER_LEN };
        // All but the last carry a multiple of 8 bytes (RFC 791 section 2.3), and all of them some.
        let room = (self.mtu.saturating_sub(headers) & !7).max(UPPER_HEADER_LEN);
        let end = whole.min(self.sent + room);
        let more = end < whole;
        let part = Fragment { offset: self.sent as u16, more, id: self.id };
        let start = batch.begin();
        header.emit_fragment(self.link, part, end - self.sent, batch.out());
        let data_start = if self.sent == 0 {
            batch.out().extend_from_slice(&self.upper_header);
            0
        } else {
            self.sent - UPPER_HEADER_LEN
        };
        batch.out().extend_from_slice(self.data.get(data_start..end - UPPER_HEADER_LEN).unwrap_or_default());
        batch.commit(start, (end - self.sent) as u32, None, TxChecksum::Complete);
        self.sent = end;
        more
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        self.header.digest(digest);
        digest.counted(self.options.as_bytes());
        self.link.digest(digest);
        digest.u32(self.id);
        digest.count(self.mtu);
        digest.bytes(&self.upper_header);
        digest.counted(&self.data);
        digest.count(self.sent);
    }
}

/// How many counters there are; destinations that share one take their turns from it.
const COUNTERS: u64 = 1024;
/// Rounds of the permutation: four make it as good as a random one, the rest is margin.
const ROUNDS: u8 = 6;

/// Chooses identifications: for each source, destination and protocol a keyed permutation of its own,
/// walked by a counter. Nobody can foretell one from others (RFC 7739 section 5), and none comes again
/// before all have been used: 2^16 in IPv4, 2^32 in IPv6, or a shard's part of them (RFC 6864 section 4.3 asks
/// for none within the packet's lifetime).
#[derive(Clone)]
pub(crate) struct Identifications {
    key: HashKey,
    shard: Shard,
    /// By hash of the addresses; those that are 0 are left out.
    counters: BTreeMap<u64, u64>,
}

impl Identifications {
    pub(crate) fn new(seed: &Seed, shard: Shard) -> Identifications {
        Identifications { key: seed.hash_key("ip.identification"), shard, counters: BTreeMap::new() }
    }

    /// Draws a new key, and goes on counting.
    pub(crate) fn reseed(&mut self, seed: &Seed) {
        self.key = seed.hash_key("ip.identification");
    }

    /// The identification of the next packet to be fragmented. IPv6's are unique per pair of
    /// addresses, whatever the protocol.
    pub(crate) fn next(&mut self, src: IpAddr, dst: IpAddr, protocol: IpProtocol) -> u32 {
        let (bits, protocol) = if src.is_ipv4() { (16, protocol.0) } else { (32, 0) };
        let flow = self.key.hash_one((src, dst, protocol));
        let counter = self.counters.entry(flow % COUNTERS).or_default();
        let count = *counter;
        *counter = counter.wrapping_add(1);
        let shards = u64::from(self.shard.count.max(1));
        let share = (1_u64 << bits) / shards;
        let turn = self.permuted(flow, count % share, share);
        (u64::from(self.shard.index) % shards + shards * turn) as u32
    }

    /// Where the permutation of `0..size` that belongs to `flow` takes `value`: a Feistel network over the
    /// next power of two, walked on until it comes back below `size`.
    fn permuted(&self, flow: u64, value: u64, size: u64) -> u64 {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        let low_bits = bits / 2;
        let (low_mask, high_mask) = ((1 << low_bits) - 1, (1 << (bits - low_bits)) - 1);
        let mut value = value;
        loop {
            let (mut high, mut low) = (value >> low_bits, value & low_mask);
            for round in 0..ROUNDS {
                // The halves may differ by a bit, so each keeps its place and its width.
                if round % 2 == 0 {
                    high ^= self.key.hash_one((flow, round, low)) & high_mask;
                } else {
                    low ^= self.key.hash_one((flow, round, high)) & low_mask;
                }
            }
            value = high << low_bits | low;
            if value < size {
                return value;
            }
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.counters.len());
        for (flow, count) in &self.counters {
            digest.u64(*flow);
            digest.u64(*count);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use rstest::rstest;

    use super::*;

    fn identifications(shard: Shard) -> Identifications {
        Identifications::new(&Seed([7; 32]), shard)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::alone(Shard::default(), 1 << 16)]
    #[case::first_of_two(Shard { index: 0, count: 2 }, 1 << 15)]
    #[case::second_of_two(Shard { index: 1, count: 2 }, 1 << 15)]
    #[case::third_of_three(Shard { index: 2, count: 3 }, 21_845)]
    #[case::of_very_many(Shard { index: 65_534, count: 65_535 }, 1)]
    fn none_comes_again_before_all_were_used(#[case] shard: Shard, #[case] share: usize) {
        let mut ids = identifications(shard);
        let (src, dst) = (address("192.0.2.2"), address("192.0.2.1"));
        for _round in 0..2 {
            let seen: BTreeSet<u32> = (0..share).map(|_| ids.next(src, dst, IpProtocol::UDP)).collect();
            assert_eq!(seen.len(), share);
            let residue = |id: &u32| id % u32::from(shard.count) == u32::from(shard.index);
            assert!(seen.iter().all(residue), "not this shard's");
            assert!(seen.iter().all(|id| *id < 1 << 16));
        }
    }

    #[test]
    fn ipv6_does_not_repeat_and_uses_all_bits() {
        let mut ids = identifications(Shard::default());
        let (src, dst) = (address("2001:db8::2"), address("2001:db8::1"));
        let seen: BTreeSet<u32> = (0..50_000).map(|_| ids.next(src, dst, IpProtocol::UDP)).collect();
        assert_eq!(seen.len(), 50_000);
        assert!(seen.last().is_some_and(|most| *most > u32::MAX / 10 * 9));
    }

    #[test]
    fn they_tell_nothing_of_the_next_one_or_of_another_destination() {
        let mut ids = identifications(Shard::default());
        let src = address("192.0.2.2");
        let mut take = |dst| (0..1000).map(|_| ids.next(src, address(dst), IpProtocol::UDP) as u16).collect();
        let (one, other): (alloc::vec::Vec<u16>, alloc::vec::Vec<u16>) = (take("192.0.2.1"), take("192.0.2.3"));
        let steps: BTreeSet<u16> = one.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        assert!(steps.len() > 900, "{} steps among 999", steps.len());
        let apart: BTreeSet<u16> = one.iter().zip(&other).map(|(a, b)| a.wrapping_sub(*b)).collect();
        assert!(apart.len() > 900);
    }

    #[test]
    fn a_new_seed_makes_others() {
        let (src, dst) = (address("192.0.2.2"), address("192.0.2.1"));
        let mut ids = identifications(Shard::default());
        let mut branch = ids.clone();
        branch.reseed(&Seed([8; 32]));
        let differ = (0..100).filter(|_| ids.next(src, dst, IpProtocol::UDP) != branch.next(src, dst, IpProtocol::UDP));
        assert!(differ.count() > 90);
    }
}
