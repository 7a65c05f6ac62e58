//! [`Stack::digest`]: everything that can make a difference later, in an order that is the same everywhere.

use super::Stack;
use crate::counters::Traffic;
use crate::digest::Digest;
use crate::link::{Control, Interface, Ready};
use crate::socket::table::{Owner, TcpSlot};

impl Stack {
    /// A digest of all state that the past can show itself by: equal for a stack and its clone, and for
    /// two stacks that got the same inputs from the same seed. The clock is left out, so that the mere
    /// passing of time does not show.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        for interface in self.interfaces.iter() {
            digest_interface(interface, &mut digest);
        }
        for route in self.routes.iter() {
            route.digest(&mut digest);
        }
        for rule in self.routes.rules.iter() {
            rule.digest(&mut digest);
        }
        self.path_mtus.digest(&mut digest);
        self.redirects.digest(&mut digest);
        self.preferences.digest(&mut digest);
        self.reassembly.digest(&mut digest);
        self.identifications.digest(&mut digest);
        self.digest_sockets(&mut digest);
        self.identity.digest(&mut digest);
        self.events.digest(&mut digest);
        self.limits.icmp_sources.digest(&mut digest);
        self.random.dhcpv4.digest(&mut digest);
        for limit in [&self.limits.icmp_errors, &self.limits.resets, &self.limits.group_echoes, &self.limits.redirects]
        {
            limit.digest(&mut digest);
        }
        let random = &self.random;
        let of_addresses = [&random.acd, &random.dad, &random.router_discovery, &random.temporary_addresses];
        for stream in of_addresses.into_iter().chain([&random.groups, &random.dhcpv6, &random.advertisements]) {
            stream.digest(&mut digest);
        }
        for (_, count) in self.counters() {
            digest.u64(count);
        }
        for (_, count) in self.drops() {
            digest.u64(count);
        }
        digest.finish()
    }

    fn digest_sockets(&self, digest: &mut Digest) {
        let sockets = &self.sockets;
        digest.count(sockets.tcp.len());
        for (handle, slot) in &sockets.tcp {
            digest.handle(handle);
            digest_connection(slot, digest);
        }
        digest.count(sockets.listeners.len());
        for (handle, slot) in &sockets.listeners {
            digest.handle(handle);
            digest.socket_address(slot.bound.local);
            digest.bool(slot.bound.dual_stack);
            digest.option(slot.bound.interface, |digest, interface| digest.u16(interface.0));
            digest.bool(slot.pending);
            slot.listener.digest(digest);
        }
        digest.count(sockets.udp.len());
        for (handle, slot) in &sockets.udp {
            digest.handle(handle);
            slot.state.digest(digest);
            digest.bool(slot.queued);
            digest.u8(slot.pending.bits());
        }
        sockets.tcp_ports.digest(digest);
        sockets.udp_ports.digest(digest);
        digest.u32(sockets.orphans);
        // Entries of connections that are gone make no difference.
        for handle in sockets.time_wait.iter().filter(|handle| sockets.tcp.contains_key(**handle)) {
            digest.handle(*handle);
        }
    }
}

fn digest_interface(interface: &Interface, digest: &mut Digest) {
    digest.u16(interface.id.0);
    digest.u8(interface.medium as u8);
    digest.bool(interface.up);
    digest.bytes(&interface.hardware_address.0);
    digest.u16(interface.capabilities.mtu);
    digest.u16(interface.mru);
    let Traffic { frames_received, bytes_received, frames_sent, bytes_sent } = interface.traffic;
    let drops = interface.drops.iter().map(|(_, count)| count);
    for count in [frames_received, bytes_received, frames_sent, bytes_sent].into_iter().chain(drops) {
        digest.u64(count);
    }
    interface.addresses.digest(digest);
    interface.autoconf.digest(digest);
    interface.groups.digest(digest);
    digest.option(interface.queriers.as_deref(), |digest, queriers| {
        queriers.igmp.digest(digest);
        queriers.mld.digest(digest);
    });
    interface.neighbors.digest(digest);
    digest.count(interface.control.len());
    for control in &interface.control {
        digest_control(&control.what, digest);
    }
    digest.bool(interface.transit_next);
    digest.bool(interface.proxy_arp);
    digest.count(interface.transit.len());
    for packet in &interface.transit {
        packet.what.digest(digest);
    }
    digest.count(interface.ready.len());
    for ready in &interface.ready {
        match &ready.what {
            Ready::Tcp(handle) => digest.handle(*handle),
            Ready::Udp(handle) => digest.handle(*handle),
        }
    }
}

fn digest_control(control: &Control, digest: &mut Digest) {
    match control {
        Control::Arp { operation, to, target_hardware, source, target } => {
            digest.u8(*operation as u8);
            digest.bytes(&to.0);
            digest.bytes(&target_hardware.0);
            digest.address((*source).into());
            digest.address((*target).into());
        }
        Control::NeighborSolicitation { to, source, target } => {
            digest.u8(2);
            digest.option(*to, |digest, to| digest.bytes(&to.0));
            digest.address((*source).into());
            digest.address((*target).into());
        }
        Control::NeighborAdvertisement { to, dst, target, solicited } => {
            digest.u8(3);
            digest.bytes(&to.0);
            digest.address((*dst).into());
            digest.address((*target).into());
            digest.bool(*solicited);
        }
        Control::Dhcpv6 { transaction } => {
            digest.u8(20);
            digest.u32(*transaction);
        }
        Control::NeighborAnnouncement { target } => {
            digest.u8(7);
            digest.address((*target).into());
        }
        Control::RouterSolicitation { source, with_address } => {
            digest.u8(6);
            digest.address((*source).into());
            digest.bool(*with_address);
        }
        Control::DadSolicitation { target, nonce } => {
            digest.u8(5);
            digest.address((*target).into());
            digest.option(*nonce, |digest, nonce| digest.bytes(&nonce));
        }
        Control::Packet(packet) => {
            digest.u8(4);
            packet.digest(digest);
        }
        Control::Dhcpv4(outgoing) => {
            digest.u8(6);
            outgoing.digest(digest);
        }
        Control::Fragments(fragments) => {
            digest.u8(5);
            fragments.digest(digest);
        }
        Control::GroupReport => digest.u8(8),
        Control::MembershipQuery(query) => {
            digest.u8(10);
            query.digest(digest);
        }
        Control::RouterAdvertisement(advertisement) => {
            digest.u8(9);
            advertisement.digest(digest);
        }
    }
}

fn digest_connection(slot: &TcpSlot, digest: &mut Digest) {
    slot.tcb.digest(digest);
    digest.socket_address(slot.flow.local_addr());
    digest.socket_address(slot.flow.remote_addr());
    match slot.owner {
        Owner::Application => digest.u8(0),
        Owner::Orphan => digest.u8(1),
        Owner::SynQueue(listener) => {
            digest.u8(2);
            digest.handle(listener);
        }
        Owner::AcceptQueue(listener) => {
            digest.u8(3);
            digest.handle(listener);
        }
    }
    digest.u32(slot.flow_label);
    digest.option(slot.hop, |digest, (_, hop)| {
        digest.u16(hop.interface.0);
        digest.address(hop.next_hop);
    });
    digest.option(slot.path_until, Digest::instant);
    digest.bool(slot.dont_fragment);
    digest.bool(slot.queued);
    digest.bool(slot.parked);
    digest.bool(slot.in_time_wait);
    digest.u8(slot.pending.bits());
}
