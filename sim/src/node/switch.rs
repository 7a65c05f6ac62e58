//! A learning switch (IEEE 802.1D, clause 7), without spanning trees.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet::EthernetAddress;

use super::Outbox;

/// How long a station is remembered that is not heard of again: the default of 802.1D, table 7-5.
const AGING_TIME: Duration = Duration::from_mins(5);
/// Stations that a new switch has room for.
const STATIONS: usize = 1_024;

/// A switch: it learns behind which port a station is from the frames that the station sends, and sends
/// on only there what is for it. What is for a station that it does not know, or for a group, leaves by
/// all other ports.
///
/// A station that is heard of at another port has moved. One that has not been heard of for
/// 300 s is forgotten. While the table is full, no new station is learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    ports: usize,
    stations_max: usize,
    stations: BTreeMap<EthernetAddress, Station>,
    /// The stations by when they were last heard of.
    by_age: BTreeSet<(Instant, EthernetAddress)>,
    counters: SwitchCounters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Station {
    port: usize,
    heard: Instant,
}

/// What a switch has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SwitchCounters {
    /// Frames sent on by the one port where their station is.
    pub forwarded: u64,
    /// Frames sent on by all other ports.
    pub flooded: u64,
    /// Frames that were not sent on, because their station is behind the port where they arrived.
    pub filtered: u64,
    /// Frames that a bridge keeps to itself: for `01:80:c2:00:00:00` to `..0f` (clause 7.12.6).
    pub reserved: u64,
    /// Frames too short to have addresses.
    pub truncated: u64,
    /// Stations that were heard of at another port than before.
    pub moved: u64,
    /// Stations forgotten by age.
    pub aged: u64,
    /// Frames of stations that were not learned, because the table was full.
    pub table_full: u64,
}

impl Switch {
    /// A switch with so many ports that knows no station, and has room for 1,024.
    pub fn new(ports: usize) -> Switch {
        Switch {
            ports,
            stations_max: STATIONS,
            stations: BTreeMap::new(),
            by_age: BTreeSet::new(),
            counters: SwitchCounters::default(),
        }
    }

    /// With room for so many stations.
    #[must_use]
    pub fn with_room(self, stations: usize) -> Switch {
        Switch { stations_max: stations, ..self }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> &SwitchCounters {
        &self.counters
    }

    /// Behind which port a station was last heard of, unless it is forgotten by now.
    pub fn port_of(&self, now: Instant, station: EthernetAddress) -> Option<usize> {
        self.stations.get(&station).filter(|known| known.heard + AGING_TIME > now).map(|known| known.port)
    }

    pub(crate) fn ports(&self) -> usize {
        self.ports
    }

    pub(crate) fn receive(&mut self, now: Instant, port: usize, frame: Bytes, out: &mut Outbox) {
        let Some(&[d0, d1, d2, d3, d4, d5, ref src @ ..]) = frame.first_chunk::<12>() else {
            self.counters.truncated += 1;
            return;
        };
        let dst = EthernetAddress([d0, d1, d2, d3, d4, d5]);
        let src = EthernetAddress(*src);
        self.forget_aged(now);
        if src.is_unicast() {
            self.learn(now, port, src);
        }
        if matches!(dst.0, [0x01, 0x80, 0xc2, 0, 0, 0..=0x0f]) {
            self.counters.reserved += 1;
            return;
        }
        match self.stations.get(&dst).map(|station| station.port) {
            Some(there) if there == port => self.counters.filtered += 1,
            Some(there) => {
                self.counters.forwarded += 1;
                out.push((there, frame));
            }
            None => {
                self.counters.flooded += 1;
                out.extend((0..self.ports).filter(|other| *other != port).map(|other| (other, frame.clone())));
            }
        }
    }

    /// Age is judged when a frame arrives: between frames nobody can tell.
    fn forget_aged(&mut self, now: Instant) {
        while let Some(&(heard, address)) = self.by_age.first().filter(|(heard, _)| *heard + AGING_TIME <= now) {
            self.by_age.remove(&(heard, address));
            self.stations.remove(&address);
            self.counters.aged += 1;
        }
    }

    fn learn(&mut self, now: Instant, port: usize, address: EthernetAddress) {
        match self.stations.get(&address) {
            Some(known) => {
                self.counters.moved += u64::from(known.port != port);
                self.by_age.remove(&(known.heard, address));
            }
            None if self.stations.len() >= self.stations_max => {
                self.counters.table_full += 1;
                return;
            }
            None => {}
        }
        self.stations.insert(address, Station { port, heard: now });
        self.by_age.insert((now, address));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn station(last: u8) -> EthernetAddress {
        EthernetAddress([2, 0, 0, 0, 0, last])
    }

    fn frame(dst: EthernetAddress, src: EthernetAddress) -> Bytes {
        [&dst.0[..], &src.0[..], &[0x08, 0x00, 1, 2, 3]].concat().into()
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// The ports by which a frame leaves that arrives at `port`.
    fn ports(switch: &mut Switch, now: Instant, port: usize, dst: EthernetAddress, src: EthernetAddress) -> Vec<usize> {
        let (mut out, frame) = (Outbox::new(), frame(dst, src));
        switch.receive(now, port, frame.clone(), &mut out);
        assert!(out.iter().all(|(_, sent)| *sent == frame));
        out.into_iter().map(|(port, _)| port).collect()
    }

    #[rstest]
    #[case::unknown(station(9))]
    #[case::broadcast(EthernetAddress::BROADCAST)]
    #[case::group(EthernetAddress([0x33, 0x33, 0, 0, 0, 1]))]
    fn floods_by_all_ports_but_the_one_it_came_in_by(#[case] dst: EthernetAddress) {
        let mut switch = Switch::new(4);
        assert_eq!(ports(&mut switch, at(0), 2, dst, station(1)), [0, 1, 3]);
        assert_eq!(switch.counters().flooded, 1);
    }

    #[test]
    fn what_is_for_a_known_station_leaves_by_its_port_alone() {
        let mut switch = Switch::new(4);
        ports(&mut switch, at(0), 3, EthernetAddress::BROADCAST, station(1));
        assert_eq!(ports(&mut switch, at(1), 0, station(1), station(2)), [3]);
        assert_eq!(ports(&mut switch, at(2), 3, station(2), station(1)), [0]);
        // A station behind the same port has had the frame.
        assert_eq!(ports(&mut switch, at(3), 3, station(1), station(4)), [0_usize; 0]);
        let counters = switch.counters();
        assert_eq!((counters.forwarded, counters.filtered), (2, 1));
    }

    #[test]
    fn a_group_is_no_station() {
        let mut switch = Switch::new(3);
        let group = EthernetAddress([0x01, 0, 0x5e, 0, 0, 1]);
        ports(&mut switch, at(0), 0, station(1), group);
        assert_eq!(ports(&mut switch, at(0), 1, group, station(1)), [0, 2]);
    }

    #[test]
    fn a_station_moves() {
        let mut switch = Switch::new(3);
        ports(&mut switch, at(0), 0, EthernetAddress::BROADCAST, station(1));
        ports(&mut switch, at(1), 2, EthernetAddress::BROADCAST, station(1));
        assert_eq!(ports(&mut switch, at(2), 1, station(1), station(2)), [2]);
        assert_eq!(switch.counters().moved, 1);
    }

    /// At 300 s to the nanosecond; each frame of the station begins it anew.
    #[test]
    fn a_silent_station_is_forgotten() {
        let mut switch = Switch::new(3);
        ports(&mut switch, at(0), 0, EthernetAddress::BROADCAST, station(1));
        ports(&mut switch, at(1_000), 0, EthernetAddress::BROADCAST, station(1));
        let end = at(301_000);
        let just_before = Instant::from_nanos(end.as_nanos() - 1);
        assert_eq!(switch.port_of(just_before, station(1)), Some(0));
        assert_eq!(switch.port_of(end, station(1)), None);
        assert_eq!(ports(&mut switch.clone(), just_before, 1, station(1), station(2)), [0]);
        assert_eq!(ports(&mut switch, end, 1, station(1), station(2)), [0, 2]);
        assert_eq!(switch.counters().aged, 1);
    }

    #[test]
    fn a_full_table_learns_no_more_until_there_is_room() {
        let mut switch = Switch::new(3).with_room(2);
        for last in 1..=3 {
            ports(&mut switch, at(u64::from(last)), usize::from(last) - 1, EthernetAddress::BROADCAST, station(last));
        }
        assert_eq!(switch.counters().table_full, 1);
        assert_eq!(switch.port_of(at(3), station(3)), None);
        assert_eq!(switch.port_of(at(3), station(2)), Some(1));
        // Station 1 was heard of at 1 ms.
        ports(&mut switch, at(300_001), 2, EthernetAddress::BROADCAST, station(3));
        assert_eq!(switch.port_of(at(300_001), station(3)), Some(2));
    }

    #[rstest]
    #[case::spanning_tree(0x00, true)]
    #[case::pause(0x01, true)]
    #[case::last(0x0f, true)]
    #[case::beyond(0x10, false)]
    fn reserved_groups_stay_on_their_link(#[case] last: u8, #[case] reserved: bool) {
        let mut switch = Switch::new(2);
        let dst = EthernetAddress([0x01, 0x80, 0xc2, 0, 0, last]);
        assert_eq!(ports(&mut switch, at(0), 0, dst, station(1)).is_empty(), reserved);
        assert_eq!(switch.counters().reserved, u64::from(reserved));
    }

    #[test]
    fn a_frame_without_addresses_goes_nowhere() {
        let mut switch = Switch::new(2);
        let mut out = Outbox::new();
        switch.receive(at(0), 0, Bytes::from_static(&[0; 11]), &mut out);
        assert_eq!((out, switch.counters().truncated), (vec![], 1));
    }
}
