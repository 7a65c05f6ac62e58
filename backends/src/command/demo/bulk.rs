//! 64 MiB each way through the echo service, with a checksum: what comes back must be, byte for
//! byte and in order, what was sent.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::side::{Connection, Side, is_timeout};
use super::tasks::{Outcome, Task, at, both, finish};
use crate::command::figures::{grouped, rate};

/// Bytes each way.
const TOTAL: usize = 64 << 20;
/// Bytes per write to a TCP connection.
const BLOCK: usize = 64 * 1024;
/// Bytes per datagram: what fits the MTU over IPv6, in whole words.
const DATAGRAM: usize = 1448;
/// Datagrams on their way at a time: fewer than any queue between here and there holds.
const WINDOW: usize = 64;
/// After so long without one, datagrams on their way are taken for lost and sent again.
const RESEND: Duration = Duration::from_millis(250);
/// So often in a row, and it has failed.
const RESENDS_MAX: u32 = 8;

/// All bulk transfers.
pub(super) fn all() -> Vec<Task> {
    let mut tasks = both("UDP echo, 64 MiB", datagrams);
    tasks.extend(both("TCP echo, 64 MiB", stream));
    tasks
}

/// Fills `data` with words that follow from `number` and differ from any other number's.
fn generate(number: u64, data: &mut [u8]) {
    let mut word = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for place in data.chunks_exact_mut(8) {
        // Xorshift: every word from the one before, none of them twice.
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        place.copy_from_slice(&word.to_le_bytes());
    }
}

/// Goes on with a checksum over whole words. Each step is a bijection of what was before, so one
/// changed word always changes the result, and an exchange of two almost surely.
fn checksum(sum: u64, data: &[u8]) -> u64 {
    data.chunks_exact(8).fold(sum, |sum, word| {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

fn stream(side: &dyn Side, to: IpAddr) -> Result<Outcome, String> {
    let stream = side.connect(SocketAddr::new(to, 7)).map_err(at("connect"))?;
    let stream: &dyn Connection = &*stream;
    let began = Instant::now();
    let (sent, received) = std::thread::scope(|scope| {
        let sender = scope.spawn(move || send_all(stream));
        let received = receive_all(stream);
        (sender.join().unwrap_or_else(|_| Err("the sending thread panicked".to_owned())), received)
    });
    let elapsed = began.elapsed();
    let (sent, received) = (sent?, received?);
    if sent != received {
        return Err(format!("checksum {sent:016x} was sent, {received:016x} came back"));
    }
    finish(stream)?;
    let result = format!("checksum {sent:016x} equal");
    Ok(Outcome { result, figure: rate(TOTAL as u64, elapsed) })
}

fn send_all(stream: &dyn Connection) -> Result<u64, String> {
    let (mut sum, mut block) = (0, vec![0; BLOCK]);
    for number in 0..TOTAL / BLOCK {
        generate(number as u64, &mut block);
        sum = checksum(sum, &block);
        stream.write_all(&block).map_err(at("send"))?;
    }
    Ok(sum)
}

fn receive_all(stream: &dyn Connection) -> Result<u64, String> {
    let (mut sum, mut block) = (0, vec![0; BLOCK]);
    for _ in 0..TOTAL / BLOCK {
        stream.read_exact(&mut block).map_err(at("receive"))?;
        sum = checksum(sum, &block);
    }
    Ok(sum)
}

/// Datagrams may be lost or overtake each other, so each carries its number, and the checksums of
/// all, into which their numbers go, are added up.
fn datagrams(side: &dyn Side, to: IpAddr) -> Result<Outcome, String> {
    let socket = side.datagrams(SocketAddr::new(to, 7)).map_err(at("socket"))?;
    socket.set_patience(RESEND).map_err(at("socket"))?;
    let count = TOTAL.div_ceil(DATAGRAM) as u64;
    let (mut sent_sum, mut received_sum, mut lost, mut in_a_row) = (0_u64, 0_u64, 0, 0);
    let (mut next, mut on_the_way) = (0, BTreeSet::new());
    let (mut data, mut buf) = ([0; DATAGRAM], [0; DATAGRAM + 1]);
    let began = Instant::now();
    while next < count || !on_the_way.is_empty() {
        // In bursts, so that both sides have something to do meanwhile.
        while on_the_way.len() < WINDOW / 2 && next < count {
            for _ in 0..(WINDOW / 2).min((count - next) as usize) {
                number_and_fill(next, &mut data);
                sent_sum = sent_sum.wrapping_add(checksum(next, &data));
                socket.send(&data).map_err(at("send"))?;
                on_the_way.insert(next);
                next += 1;
            }
        }
        match socket.recv(&mut buf) {
            Ok(len) => {
                let received = buf.get(..len).unwrap_or_default();
                let number = received.first_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
                if on_the_way.remove(&number) {
                    received_sum = received_sum.wrapping_add(checksum(number, received));
                    in_a_row = 0;
                }
            }
            Err(error) if is_timeout(&error) && in_a_row < RESENDS_MAX => {
                in_a_row += 1;
                lost += on_the_way.len();
                for number in &on_the_way {
                    number_and_fill(*number, &mut data);
                    socket.send(&data).map_err(at("send"))?;
                }
            }
            Err(error) => return Err(format!("receive: {error}")),
        }
    }
    if sent_sum != received_sum {
        return Err(format!("checksum {sent_sum:016x} was sent, {received_sum:016x} came back"));
    }
    let result = if lost == 0 {
        format!("checksum {sent_sum:016x} equal")
    } else {
        format!("checksum equal, {} resent", grouped(lost as u64))
    };
    Ok(Outcome { result, figure: rate(count * DATAGRAM as u64, began.elapsed()) })
}

fn number_and_fill(number: u64, data: &mut [u8; DATAGRAM]) {
    let (head, rest) = data.split_at_mut(8);
    head.copy_from_slice(&number.to_le_bytes());
    generate(number, rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_tells_changes_apart() {
        let mut data = [0; DATAGRAM];
        number_and_fill(7, &mut data);
        let sum = checksum(7, &data);
        for at in [0, 8, 100, DATAGRAM - 1] {
            let mut changed = data;
            changed[at] ^= 1;
            assert_ne!(checksum(7, &changed), sum, "{at}");
        }
        let mut exchanged = data;
        exchanged[8..24].rotate_left(8);
        assert_ne!(checksum(7, &exchanged), sum);
        let mut other = data;
        number_and_fill(8, &mut other);
        assert_ne!(other[8..], data[8..]);
    }
}
