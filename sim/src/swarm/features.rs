//! Which features and faults a run has. Each is there or not, for the whole run.

use std::fmt;

use arbitrary::{Arbitrary, Result, Unstructured};

macro_rules! features {
    ($($(#[doc = $doc:literal])+ $name:ident: $of:literal,)+) => {
        /// What a run has. The number behind each is in how many runs of a hundred it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) struct Features {
            $($(#[doc = $doc])+ pub(super) $name: bool,)+
        }

        impl<'a> Arbitrary<'a> for Features {
            fn arbitrary(u: &mut Unstructured<'a>) -> Result<Features> {
                Ok(Features { $($name: u.ratio($of, 100_u8)?,)+ })
            }
        }

        impl fmt::Display for Features {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let has = [$((self.$name, stringify!($name)),)+];
                let names: Vec<&str> = has.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
                f.write_str(&names.join(" "))
            }
        }
    };
}

impl Features {
    /// The same, but with all hosts at peace.
    pub(super) const fn peaceful(self) -> Features {
        Features {
            blind_segments: false,
            syn_floods: false,
            arp_spoofers: false,
            nd_spoofers: false,
            ra_spoofers: false,
            overlaps: false,
            optimistic_acks: false,
            divided_acks: false,
            reneging: false,
            invented_blocks: false,
            shrinking_windows: false,
            injected_resets: false,
            injected_syns: false,
            injected_data: false,
            old_duplicates: false,
            garbled: false,
            ..self
        }
    }

    /// Whether somebody sits beside the hosts, for which there must be a place.
    pub(super) const fn has_outsiders(&self) -> bool {
        self.blind_segments
            || self.syn_floods
            || self.arp_spoofers
            || self.nd_spoofers
            || self.ra_spoofers
            || self.overlaps
            || self.garbled
    }

    /// The same, but for what loses frames, or has a receiver drop them: what was overtaken by a later timestamp is
    /// not accepted (RFC 7323 section 5.3), and what goes to whoever claims an address does not arrive.
    pub(super) const fn lossless(self) -> Features {
        Features {
            loss: false,
            bursts: false,
            chosen: false,
            damage: false,
            damage_unnoticed: false,
            truncation: false,
            rates: false,
            flaps: false,
            mtu: false,
            black_hole: false,
            cuts: false,
            crashes: false,
            pauses: false,
            interfaces: false,
            full_devices: false,
            overtaking: false,
            conflicts: false,
            arp_spoofers: false,
            nd_spoofers: false,
            reneging: false,
            ..self
        }
    }
}

features! {
    /// Frames are lost one by one.
    loss: 40,
    /// Frames are lost in bursts.
    bursts: 20,
    /// Frames are lost by number or by kind.
    chosen: 15,
    /// Frames are copied.
    duplicates: 25,
    /// Frames overtake each other.
    overtaking: 25,
    /// Delays vary.
    jitter: 40,
    /// Frames are damaged, which a checksum notices.
    damage: 20,
    /// Frames are damaged, and no checksum notices.
    damage_unnoticed: 4,
    /// Frames are cut short.
    truncation: 10,
    /// Links have a rate.
    rates: 75,
    /// Queues are others than tail drop.
    queues: 30,
    /// Links are down at times.
    flaps: 10,
    /// A hop takes only shorter packets.
    mtu: 12,
    /// A hop takes only shorter packets, and does not say so.
    black_hole: 6,
    /// Links are cut.
    cuts: 30,
    /// Hosts crash.
    crashes: 12,
    /// Hosts pause.
    pauses: 15,
    /// Clocks drift, jump and stand still.
    clocks: 15,
    /// Interfaces go down.
    interfaces: 12,
    /// Devices take no frames for a while.
    full_devices: 12,
    /// Hosts verify their addresses before they use them.
    verified: 20,
    /// Another host claims a host's addresses.
    conflicts: 6,
    /// Stacks are set otherwise than by default.
    options: 50,
    /// Buffers are small.
    small_buffers: 25,
    /// Readers take their time.
    slow_readers: 20,
    /// There are many short connections.
    short_connections: 25,
    /// There are datagrams.
    datagrams: 30,
    /// There are pauses in which connections idle.
    idle: 25,
    /// IPv6.
    ipv6: 50,
    /// One of the hosts has another stack. There is no adversary in such a run: what another stack makes of one is
    /// not ours to judge.
    foreign: 10,
    /// Faults last so long that connections are given up.
    long: 6,
    /// Somebody guesses the sequence numbers of a connection.
    blind_segments: 4,
    /// A listener is flooded with SYNs.
    syn_floods: 4,
    /// Somebody claims the IPv4 address of a host.
    arp_spoofers: 3,
    /// Somebody claims the IPv6 address of a host.
    nd_spoofers: 3,
    /// Somebody says that he is a router.
    ra_spoofers: 3,
    /// Somebody sends fragments that overlap.
    overlaps: 4,
    /// Somebody sends packets with one thing wrong.
    garbled: 6,
    /// A receiver acknowledges what has not arrived yet. Nothing is lost in such a run: it would be for good.
    optimistic_acks: 3,
    /// A receiver acknowledges in small pieces.
    divided_acks: 3,
    /// A receiver forgets what it has reported.
    reneging: 10,
    /// A receiver reports what was not sent.
    invented_blocks: 4,
    /// A receiver moves its right edge left.
    shrinking_windows: 4,
    /// Somebody who knows the connections sends RSTs into windows.
    injected_resets: 4,
    /// He sends SYNs.
    injected_syns: 4,
    /// He sends text.
    injected_data: 4,
    /// Text comes again from when the sequence numbers were last there.
    old_duplicates: 4,
}
