//! The lower 64 bits of an address that we form ourselves (RFC 4291 section 2.5.1): opaque and stable
//! (RFC 7217), from the hardware address (RFC 2464 section 4), or random (RFC 8981 section 3.3.1).

use core::hash::Hasher;
use core::net::Ipv6Addr;
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::rng::RandomStream;
use crate::wire::ethernet::EthernetAddress;

/// RFC 7217 section 5: a pseudorandom function of prefix, interface and DAD counter under the secret.
/// The interface is told by its number, for a hardware address may change; there is no `Network_ID`.
pub(crate) fn opaque(secret: &[u8; 16], interface: u16, prefix: Ipv6Addr, dad_counter: u8) -> u64 {
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(&prefix.octets());
    hasher.write(&interface.to_le_bytes());
    hasher.write(&[dad_counter]);
    hasher.finish128().h1
}

/// RFC 2464 section 4.
pub(crate) fn eui64(hardware: EthernetAddress) -> u64 {
    let [first, second, third, low @ ..] = hardware.0;
    let [fourth, fifth, sixth] = low;
    u64::from_be_bytes([first ^ 0x02, second, third, 0xff, 0xfe, fourth, fifth, sixth])
}

/// RFC 8981 section 3.3.1: 64 random bits, and other ones if they are reserved.
pub(crate) fn unreserved(random: &mut RandomStream) -> u64 {
    let id = random.next_u64();
    if is_reserved(id) { random.next_u64() } else { id }
}

/// Identifiers that no host may take (RFC 5453): the subnet-router anycast address, the range that
/// IANA has set aside, and the subnet anycast addresses of RFC 2526.
pub(crate) const fn is_reserved(id: u64) -> bool {
    id == 0
        || (id >= 0x0200_5eff_fe00_0000 && id <= 0x0200_5eff_feff_ffff)
        || (id >= 0xfdff_ffff_ffff_ff80 && id <= 0xfdff_ffff_ffff_ffff)
}

/// The address of prefix and identifier.
pub(crate) const fn address(prefix: Ipv6Addr, id: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(prefix.to_bits() & !(u64::MAX as u128) | id as u128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// RFC 4291 appendix A: the universal bit is inverted, `ff:fe` put in between.
    #[test]
    fn modified_eui_64() {
        assert_eq!(eui64(EthernetAddress([0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde])), 0x3656_78ff_fe9a_bcde);
        assert_eq!(
            address("2001:db8:1:2::".parse().unwrap(), 0x3656_78ff_fe9a_bcde),
            "2001:db8:1:2:3656:78ff:fe9a:bcde".parse::<Ipv6Addr>().unwrap()
        );
    }

    /// RFC 7217 section 4: the same for one prefix and network interface, another for any other.
    #[test]
    fn opaque_identifiers_are_stable_and_differ() {
        let (here, there): (Ipv6Addr, Ipv6Addr) = ("2001:db8:1::".parse().unwrap(), "2001:db8:2::".parse().unwrap());
        let first = opaque(&[7; 16], 0, here, 0);
        assert_eq!(first, opaque(&[7; 16], 0, here, 0));
        for other in [
            opaque(&[8; 16], 0, here, 0),
            opaque(&[7; 16], 1, here, 0),
            opaque(&[7; 16], 0, there, 0),
            opaque(&[7; 16], 0, here, 1),
        ] {
            assert_ne!(first, other);
        }
    }

    #[rstest]
    #[case(0, true)]
    #[case(1, false)]
    #[case(0x0200_5eff_fe00_5213, true)]
    #[case(0x0200_5eff_ff00_0000, false)]
    #[case(0xfdff_ffff_ffff_ff7f, false)]
    #[case(0xfdff_ffff_ffff_ff80, true)]
    #[case(0xfdff_ffff_ffff_ffff, true)]
    fn reserved(#[case] id: u64, #[case] expected: bool) {
        assert_eq!(is_reserved(id), expected);
    }
}
