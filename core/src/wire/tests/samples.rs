//! Packets written by hand from the RFCs' drawings, checksums worked out apart from the code.

use alloc::vec::Vec;

/// The Internet checksum the slow and obvious way (RFC 1071 section 1): 16-bit big-endian words,
/// end-around carry.
pub(super) fn naive_sum(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for word in bytes.chunks(2) {
        let low = word.get(1).copied().unwrap_or(0);
        sum += u32::from(word[0]) << 8 | u32::from(low);
        if sum > 0xffff {
            sum -= 0xffff;
        }
    }
    sum as u16
}

/// ARP request: 192.0.2.1 at 02:00:00:00:00:01 asks for 192.0.2.2.
pub(super) const ARP_REQUEST: [u8; 28] =
    [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2];

/// IPv4 header, no options: 24 bytes total, id 0x1234, DF, TTL 64, UDP, 192.0.2.1 to 192.0.2.2,
/// then four bytes of payload.
pub(super) fn ipv4() -> Vec<u8> {
    let mut packet = Vec::from([0x45, 0xb9, 0, 24, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    let checksum = !naive_sum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend_from_slice(&[1, 2, 3, 4]);
    packet
}

/// IPv6 header: traffic class 0xb9, flow label 0x12345, 4 bytes of payload, UDP, hop limit 64,
/// `2001:db8::1` to `2001:db8::2`.
pub(super) const IPV6: [u8; 44] = [
    0x6b, 0x91, 0x23, 0x45, 0, 4, 17, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3, 4,
];

/// UDP 1000 to 7, "hello", checksum 0.
pub(super) const UDP: [u8; 13] = [0x03, 0xe8, 0, 7, 0, 13, 0, 0, b'h', b'e', b'l', b'l', b'o'];

/// TCP 40000 to 7, SEQ 0x01020304, ACK 0x05060708, PSH and ACK, window 320, NOP NOP timestamps
/// (5, 6), three bytes of text, checksum 0.
pub(super) const TCP: [u8; 35] = [
    0x9c, 0x40, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x18, 0x01, 0x40, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6,
    b'a', b'b', b'c',
];

/// DHCPACK, its options in all three fields (overload 3), the router's split between two of them.
pub(super) fn dhcpv4() -> Vec<u8> {
    let mut message = Vec::from([2, 1, 6, 0, 0x12, 0x34, 0x56, 0x78]);
    message.resize(16, 0);
    message.extend_from_slice(&[192, 0, 2, 2]);
    message.resize(28, 0);
    message.extend_from_slice(&[2, 0, 0, 0, 0, 9]);
    message.resize(44, 0);
    message.extend_from_slice(&[6, 4, 192, 0, 2, 1, 255]);
    message.resize(108, 0);
    message.extend_from_slice(&[3, 2, 2, 1, 255]);
    message.resize(236, 0);
    message.extend_from_slice(&[99, 130, 83, 99, 53, 1, 5, 52, 1, 3, 3, 2, 192, 0, 0, 255]);
    message
}
