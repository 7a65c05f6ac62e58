//! No stack: the least that keeps one connection of the kernel's going, on a TAP that loses and
//! reorders nothing. What it reaches is what the TAP and the kernel leave to any stack that makes
//! one system call per frame.
//!
//! It verifies no checksum, copies no payload, keeps no timer and no queue, and believes the kernel.

use std::io;
use std::time::Instant;

use super::kernel::Meter;
use super::programs::{BULK_PORT, ECHO_PORT, TapPrograms};
use super::tap::{KERNEL, STACK, STACK_MAC, Tap};
use super::{FRAME_MAX, RX_BATCH};

pub(crate) const PROGRAMS: TapPrograms = TapPrograms { name: "no stack", sink, source, echo };

/// Ethernet, IPv4 and TCP headers without options.
const HEADERS: usize = 54;
const MSS: u32 = 1460;
/// Data on the way at most, and the window that is offered, as the stacks' buffers have it.
const WINDOW: u32 = 1024 * 1024;
/// Shift of the offered window (RFC 7323 section 2).
const WINDOW_SHIFT: u8 = 5;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// What the kernel's frames said so far.
struct Connection<'a> {
    tap: &'a Tap,
    rx: [u8; FRAME_MAX],
    tx: [u8; FRAME_MAX],
    /// Ones' complement sum of the TCP pseudo-header and of the fields that stay.
    constant_sum: u32,
    snd_una: u32,
    snd_nxt: u32,
    snd_wnd: u32,
    snd_shift: u8,
    rcv_nxt: u32,
    ended: bool,
    reset: bool,
}

fn sink(tap: &Tap) -> io::Result<Meter> {
    let mut connection = Connection::accept(tap, BULK_PORT)?;
    let mut begun = None;
    let mut bytes = 0;
    loop {
        let (received, drained) = connection.receive_batch()?;
        if received > 0 {
            begun.get_or_insert_with(Instant::now);
            bytes += u64::from(received);
            connection.send(ACK, 0)?;
        }
        if connection.ended {
            let elapsed = begun.map_or_else(Default::default, |begun| begun.elapsed());
            connection.send(ACK | FIN, 0)?;
            return Ok(Meter { bytes, elapsed });
        }
        if drained {
            tap.wait(None)?;
        }
    }
}

fn source(tap: &Tap) -> io::Result<()> {
    let mut connection = Connection::accept(tap, BULK_PORT)?;
    while !connection.reset {
        let (_, drained) = connection.receive_batch()?;
        let window = connection.snd_wnd.min(WINDOW);
        while connection.snd_nxt.wrapping_sub(connection.snd_una) + MSS <= window {
            connection.send(ACK, MSS)?;
        }
        if drained && !connection.reset {
            tap.wait(None)?;
        }
    }
    Ok(())
}

fn echo(tap: &Tap) -> io::Result<()> {
    let mut connection = Connection::accept(tap, ECHO_PORT)?;
    while !connection.ended {
        let (received, drained) = connection.receive_batch()?;
        if received > 0 {
            connection.send(ACK, received)?;
        }
        if drained && !connection.ended {
            tap.wait(None)?;
        }
    }
    connection.send(ACK | FIN, 0)
}

impl<'a> Connection<'a> {
    /// Answers ARP and the handshake.
    fn accept(tap: &'a Tap, port: u16) -> io::Result<Self> {
        let mut rx = [0; FRAME_MAX];
        loop {
            let Some(length) = tap.read(&mut rx)? else {
                tap.wait(None)?;
                continue;
            };
            let is_arp = rx[12..14] == [0x08, 0x06];
            if is_arp && rx[21] == 1 && rx[38..42] == STACK.octets() {
                tap.write(&arp_reply(&rx))?;
            } else if rx[12..14] == [0x08, 0x00] && rx[23] == 6 && rx[47] == SYN {
                return Self::answer_syn(tap, &rx, length, port);
            }
        }
    }

    fn answer_syn(tap: &'a Tap, syn: &[u8; FRAME_MAX], length: usize, port: u16) -> io::Result<Self> {
        let snd_shift = window_shift(&syn[HEADERS..length]);
        let mut connection = Self {
            tap,
            rx: *syn,
            tx: [0x5a; FRAME_MAX],
            constant_sum: 0,
            snd_una: 0,
            snd_nxt: 1,
            snd_wnd: 0,
            snd_shift,
            rcv_nxt: word32(syn, 38).wrapping_add(1),
            ended: false,
            reset: false,
        };
        connection.build_headers(port);
        // MSS 1460 and the window's shift, in a header of 28 bytes.
        connection.tx[HEADERS..HEADERS + 8].copy_from_slice(&[2, 4, 0x05, 0xb4, 1, 3, 3, WINDOW_SHIFT]);
        connection.tx[46] = 7 << 4;
        connection.emit(SYN | ACK, 0, 8)?;
        connection.tx[46] = 5 << 4;
        connection.tx[HEADERS..].fill(0x5a);
        Ok(connection)
    }

    fn build_headers(&mut self, port: u16) {
        let tx = &mut self.tx;
        tx[..6].copy_from_slice(&self.rx[6..12]);
        tx[6..12].copy_from_slice(&STACK_MAC);
        tx[12..14].copy_from_slice(&[0x08, 0x00]);
        tx[14..26].copy_from_slice(&[0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0]);
        tx[26..30].copy_from_slice(&STACK.octets());
        tx[30..34].copy_from_slice(&KERNEL.octets());
        tx[34..36].copy_from_slice(&port.to_be_bytes());
        tx[36..38].copy_from_slice(&self.rx[34..36]);
        tx[46] = 5 << 4;
        tx[48..50].copy_from_slice(&((WINDOW >> WINDOW_SHIFT) as u16).to_be_bytes());
        tx[50..54].fill(0);
        // Source, destination and protocol of the pseudo-header, the ports and the window.
        self.constant_sum = sum(&tx[26..38]) + 6 + sum(&tx[48..50]);
    }

    /// Takes at most a batch of frames: bytes of payload in them, and whether no more are there.
    fn receive_batch(&mut self) -> io::Result<(u32, bool)> {
        let mut received = 0;
        for _ in 0..RX_BATCH {
            match self.tap.read(&mut self.rx)? {
                None => return Ok((received, true)),
                Some(HEADERS..) if self.rx[23] == 6 => received += self.take_segment(),
                Some(_) => {}
            }
        }
        Ok((received, false))
    }

    fn take_segment(&mut self) -> u32 {
        let rx = &self.rx;
        let headers = 20 + (u32::from(rx[46]) >> 4) * 4;
        let length = (word32(rx, 14) & 0xffff) - headers;
        let flags = rx[47];
        self.snd_una = word32(rx, 42);
        self.snd_wnd = u32::from(u16::from_be_bytes([rx[48], rx[49]])) << self.snd_shift;
        self.reset |= flags & RST != 0;
        self.ended |= flags & (FIN | RST) != 0;
        self.rcv_nxt = self.rcv_nxt.wrapping_add(length + u32::from(flags & FIN != 0));
        length
    }

    /// Sends one segment with `length` bytes of data.
    fn send(&mut self, flags: u8, length: u32) -> io::Result<()> {
        self.emit(flags, self.snd_nxt, length)?;
        self.snd_nxt = self.snd_nxt.wrapping_add(length);
        Ok(())
    }

    fn emit(&mut self, flags: u8, seq: u32, length: u32) -> io::Result<()> {
        let end = HEADERS + length as usize;
        let frame = &mut self.tx[..end];
        frame[16..18].copy_from_slice(&(40 + length as u16).to_be_bytes());
        frame[24..26].fill(0);
        let header_sum = checksum(sum(&frame[14..34]));
        frame[24..26].copy_from_slice(&header_sum.to_be_bytes());
        frame[38..42].copy_from_slice(&seq.to_be_bytes());
        frame[42..46].copy_from_slice(&self.rcv_nxt.to_be_bytes());
        frame[47] = flags;
        // The payload is 0x5a throughout (its options, in the SYN), so that its sum is known.
        let data_sum = match flags & SYN {
            0 => 0x5a5a * (length / 2) + 0x5a00 * (length % 2),
            _ => sum(&frame[HEADERS..]),
        };
        let sum = self.constant_sum + 20 + length + sum(&frame[38..48]) + data_sum;
        frame[50..52].copy_from_slice(&checksum(sum).to_be_bytes());
        self.tap.write(frame)
    }
}

fn arp_reply(request: &[u8]) -> [u8; 42] {
    let mut reply = [0; 42];
    reply[..6].copy_from_slice(&request[6..12]);
    reply[6..12].copy_from_slice(&STACK_MAC);
    reply[12..20].copy_from_slice(&request[12..20]);
    reply[21] = 2;
    reply[22..28].copy_from_slice(&STACK_MAC);
    reply[28..32].copy_from_slice(&STACK.octets());
    reply[32..42].copy_from_slice(&request[22..32]);
    reply
}

/// The shift in a SYN's options (kind 3); 0 if there is none.
fn window_shift(mut options: &[u8]) -> u8 {
    loop {
        options = match options {
            [3, 3, shift, ..] => return *shift,
            [1, rest @ ..] => rest,
            [_, length, ..] if (2..=options.len()).contains(&usize::from(*length)) => &options[usize::from(*length)..],
            _ => return 0,
        };
    }
}

fn word32(frame: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]])
}

/// Sum of the 16-bit words of an even number of bytes, not folded.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks_exact(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum()
}

/// The Internet checksum of an unfolded sum (RFC 1071).
fn checksum(sum: u32) -> u16 {
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}
