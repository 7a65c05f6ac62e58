//! Two hosts and the link between them, on virtual time.

use alloc::collections::BTreeMap;

use super::{Duration, Host, Instant, State, Tcb, Vec, Wire};

/// What a link does; chances are per thousand segments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) loss: u32,
    pub(super) reorder: u32,
    pub(super) duplicate: u32,
    /// Of the segments with text whose numbers lie between these, every second one is lost.
    pub(super) every_second: (usize, usize),
}

/// Two connected hosts.
pub(super) struct Pair {
    pub(super) hosts: [Host; 2],
    pub(super) delay: Duration,
    pub(super) faults: Faults,
    /// How many segments are handed in before transmits are pulled.
    pub(super) batch: usize,
    now: Instant,
    in_flight: BTreeMap<(Instant, u64), (usize, Wire)>,
    serial: u64,
    random: u64,
    /// How many segments with text have left.
    texts: usize,
    /// Everything that was sent, with its sender.
    pub(super) trace: Vec<(usize, Wire)>,
}

impl Pair {
    pub(super) fn new(client: Host, mut server: Host, seed: u64) -> Pair {
        server.listens = true;
        let mut pair = Pair {
            hosts: [client, server],
            delay: Duration::from_millis(10),
            faults: Faults::default(),
            batch: 16,
            now: Instant::from_millis(1000),
            in_flight: BTreeMap::new(),
            serial: 0,
            random: seed.wrapping_mul(2) + 1,
            texts: 0,
            trace: Vec::new(),
        };
        pair.hosts[0].open(None);
        pair
    }

    /// A pair whose handshake is done.
    pub(super) fn connected(client: Host, server: Host) -> Pair {
        let mut pair = Pair::new(client, server, 1);
        pair.run(Duration::from_millis(100));
        assert_eq!([State::Established; 2], [pair.hosts[0].state(), pair.hosts[1].state()]);
        pair.trace.clear();
        pair
    }

    fn chance(&mut self, per_mille: u32) -> bool {
        // SplitMix64's mixing of a Weyl sequence.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % 1000) < u64::from(per_mille)
    }

    /// Puts on the link what both sides want to send now.
    pub(super) fn pull(&mut self) {
        for from in 0..2 {
            if self.hosts[from].tcb.is_none() {
                continue;
            }
            for wire in self.hosts[from].pull() {
                self.trace.push((from, wire.clone()));
                self.texts += usize::from(!wire.text.is_empty());
                let (first, last) = self.faults.every_second;
                if !wire.text.is_empty() && (first..last).contains(&self.texts) && self.texts.is_multiple_of(2) {
                    continue;
                }
                let copies = 1 + usize::from(self.chance(self.faults.duplicate));
                for _ in 0..copies {
                    if self.chance(self.faults.loss) {
                        continue;
                    }
                    let late = if self.chance(self.faults.reorder) { self.delay / 3 } else { Duration::ZERO };
                    self.serial += 1;
                    self.in_flight.insert((self.now + self.delay + late, self.serial), (1 - from, wire.clone()));
                }
            }
        }
    }

    /// Goes to the next arrival or deadline, if it is not after `until`.
    pub(super) fn step(&mut self, until: Instant) -> bool {
        self.pull();
        let arrival = self.in_flight.first_key_value().map(|(&(at, _), _)| at);
        let deadline = self.hosts.iter().filter_map(Host::deadline).min();
        let Some(at) = arrival.into_iter().chain(deadline).min().filter(|&at| at <= until) else {
            self.advance(until);
            return false;
        };
        self.advance(at.max(self.now));
        let mut left = self.batch;
        while left > 0
            && let Some(entry) = self.in_flight.first_entry()
            && entry.key().0 <= self.now
        {
            let (to, wire) = entry.remove();
            if self.hosts[to].tcb.is_some() || self.hosts[to].listens {
                let _ = self.hosts[to].arrive(&wire);
            }
            left -= 1;
        }
        for host in &mut self.hosts {
            if host.deadline().is_some_and(|at| at <= host.now) {
                host.with(Tcb::on_timeout);
            }
        }
        true
    }

    fn advance(&mut self, now: Instant) {
        self.now = now;
        for host in &mut self.hosts {
            host.now = now;
        }
    }

    pub(super) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }
}
