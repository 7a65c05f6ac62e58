//! Ephemeral ports (RFC 6056).

use alloc::format;
use core::hash::BuildHasher;
use core::net::{IpAddr, SocketAddr};

use crate::config::Shard;
use crate::digest::Digest;
use crate::keyed::HashKey;
use crate::rng::{RandomStream, Seed};

/// The lowest ephemeral port; the highest is 65,535. RFC 6056 section 3.2 asks for a range as wide
/// as possible; below 32,768 services live.
const FIRST: u32 = 32_768;
const RANGE: u32 = 65_536 - FIRST;
/// The size of the counter table of algorithm 4.
const TABLE: usize = 256;

/// Chooses ephemeral ports: for connections by the double hash of RFC 6056 section 3.3.4, so that
/// ports towards one destination are used in turn and yet cannot be foretold; for datagrams at random.
#[derive(Clone)]
pub(crate) struct Ports {
    offset: HashKey,
    index: HashKey,
    counters: [u32; TABLE],
    random: RandomStream,
    shard: Shard,
}

impl Ports {
    /// `purpose` labels its random stream and keys.
    pub(crate) fn new(seed: &Seed, purpose: &str, shard: Shard) -> Ports {
        let mut random = seed.stream(purpose);
        let mut counters = [0; TABLE];
        for counter in &mut counters {
            *counter = random.next_u32();
        }
        let offset = seed.hash_key(&format!("{purpose}.offset"));
        let index = seed.hash_key(&format!("{purpose}.index"));
        Ports { offset, index, counters, random, shard }
    }

    /// The `n`th port of this shard's share of the range, counted round.
    fn port(&self, n: u32) -> u16 {
        (FIRST + (n % self.share()) * self.shards() + u32::from(self.shard.index) % self.shards()) as u16
    }

    fn shards(&self) -> u32 {
        u32::from(self.shard.count).clamp(1, RANGE)
    }

    fn share(&self) -> u32 {
        RANGE / self.shards()
    }

    /// Which ports come next.
    pub(crate) fn digest(&self, digest: &mut Digest) {
        for counter in self.counters {
            digest.u32(counter);
        }
        self.random.digest(digest);
    }

    /// A port for a connection from `local` to `remote` that is not `taken`.
    pub(crate) fn connect(&mut self, local: IpAddr, remote: SocketAddr, taken: impl Fn(u16) -> bool) -> Option<u16> {
        let hash = |key: &HashKey| key.hash_one((local, remote)) as u32;
        let offset = hash(&self.offset);
        let index = hash(&self.index) as usize % TABLE;
        for _ in 0..self.share() {
            let count = self.counters.get(index).copied().unwrap_or_default();
            let port = self.port(offset.wrapping_add(count));
            if let Some(counter) = self.counters.get_mut(index) {
                *counter = count.wrapping_add(1);
            }
            if !taken(port) {
                return Some(port);
            }
        }
        None
    }

    /// A port for a datagram socket that is not `taken`: from a random place on, the next free one.
    pub(crate) fn bind(&mut self, taken: impl Fn(u16) -> bool) -> Option<u16> {
        let start = self.random.next_u32() >> 1;
        (0..self.share()).map(|n| self.port(start + n)).find(|&port| !taken(port))
    }
}
