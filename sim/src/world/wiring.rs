//! Which interfaces are linked, and the links at work.

use std::collections::BTreeMap;

use tickwire_core::Instant;

use crate::link::{Counters, Direction, Link, Load, Partition, Rate};
use crate::world::Port;

/// A link of a world, numbered from 0 in the order of [`World::connect`](crate::World::connect). The
/// default is the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(crate) usize);

impl LinkId {
    /// The link's number.
    pub const fn index(self) -> usize {
        self.0
    }
}

/// One direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) link: LinkId,
    pub(crate) toward_b: bool,
}

impl Way {
    /// The other direction of the same link.
    pub(crate) const fn back(self) -> Way {
        Way { link: self.link, toward_b: !self.toward_b }
    }
}

/// A direction, where it leads, and when the world looks at it next.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) to: Port,
    pub(crate) direction: Direction,
    queued: Option<Instant>,
}

impl Wire {
    /// The time at which the world's queue is to have an entry for the direction, if it has none that is
    /// as early.
    pub(crate) fn next_look(&mut self) -> Option<Instant> {
        let at = self.direction.deadline()?;
        let late = self.queued.is_none_or(|queued| queued > at);
        late.then(|| *self.queued.insert(at))
    }

    /// The entry for `at` has come up.
    pub(crate) fn dequeued(&mut self, at: Instant) {
        self.queued = self.queued.filter(|queued| *queued != at);
    }
}

/// All links of a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wiring {
    /// By the link's number: towards b, then towards a.
    wires: Vec<[Wire; 2]>,
    /// What is sent at an interface goes this way.
    ways: BTreeMap<Port, Way>,
}

impl Wiring {
    /// Links two interfaces; links that they had lead on, but nothing more goes into them.
    pub(crate) fn connect(&mut self, a: Port, b: Port, link: Link) -> LinkId {
        let id = LinkId(self.wires.len());
        self.ways.retain(|_, way| {
            let [toward_b, toward_a] = &self.wires[way.link.0];
            ![a, b].contains(&toward_b.to) && ![a, b].contains(&toward_a.to)
        });
        let wire = |to, stages, toward_b| {
            let direction = Direction::new(stages, id.0 as u32, toward_b);
            Wire { to, direction, queued: None }
        };
        self.wires.push([wire(b, link.a_to_b, true), wire(a, link.b_to_a, false)]);
        self.ways.insert(a, Way { link: id, toward_b: true });
        self.ways.insert(b, Way { link: id, toward_b: false });
        id
    }

    /// All links, each with its first end and its second.
    pub(crate) fn links(&self) -> impl Iterator<Item = (LinkId, [Port; 2])> + '_ {
        let ends = |[toward_b, toward_a]: &[Wire; 2]| [toward_a.to, toward_b.to];
        self.wires.iter().enumerate().map(move |(number, wires)| (LinkId(number), ends(wires)))
    }

    /// The way of what is sent at `port`.
    pub(crate) fn way(&self, port: Port) -> Option<Way> {
        self.ways.get(&port).copied()
    }

    pub(crate) fn wire(&mut self, way: Way) -> &mut Wire {
        let [toward_b, toward_a] = &mut self.wires[way.link.0];
        if way.toward_b { toward_b } else { toward_a }
    }

    pub(crate) fn set_partition(&mut self, link: LinkId, partition: Partition) {
        let [toward_b, toward_a] = &mut self.wires[link.0];
        toward_b.direction.set_cut(matches!(partition, Partition::AToB | Partition::Both));
        toward_a.direction.set_cut(matches!(partition, Partition::BToA | Partition::Both));
    }

    pub(crate) fn heal(&mut self, link: LinkId) {
        for wire in &mut self.wires[link.0] {
            wire.direction.heal();
        }
    }

    /// The rates of a link and what each has done: towards its second end, then towards its first.
    pub(crate) fn loads(&self, link: LinkId) -> [Vec<(Rate, &Load)>; 2] {
        let [toward_b, toward_a] = &self.wires[link.0];
        [toward_b.direction.loads().collect(), toward_a.direction.loads().collect()]
    }

    pub(crate) fn counters(&self, link: LinkId) -> [&Counters; 2] {
        let [toward_b, toward_a] = &self.wires[link.0];
        [toward_b.direction.counters(), toward_a.direction.counters()]
    }
}
