//! A segment's line.

use core::fmt;

use super::Relative;
use crate::tcp::seq::SeqNumber;
use crate::wire::tcp::{TcpFlags, TcpSegment};
use crate::wire::tcp_options::{TcpOption, TcpOptionWalk, sack_ranges};

/// The letters, in the order in which they are written.
pub(super) const FLAGS: [(TcpFlags, char); 9] = [
    (TcpFlags::SYN, 'S'),
    (TcpFlags::FIN, 'F'),
    (TcpFlags::RST, 'R'),
    (TcpFlags::PSH, 'P'),
    (TcpFlags::ACK, '.'),
    (TcpFlags::URG, 'U'),
    (TcpFlags::ECE, 'E'),
    (TcpFlags::CWR, 'W'),
    (TcpFlags::AE, 'A'),
];

pub(super) fn segment(f: &mut fmt::Formatter<'_>, relative: Relative, segment: &TcpSegment<'_>) -> fmt::Result {
    flags(f, segment.flags())?;
    let payload_len = segment.payload().len() as u32;
    let first = from(relative.seq, segment.seq());
    write!(f, " {first}:{}({payload_len})", first.wrapping_add(payload_len))?;
    if segment.flags().contains(TcpFlags::ACK) {
        write!(f, " ack {}", from(relative.ack, segment.ack()))?;
    }
    write!(f, " win {}", segment.window())?;
    if segment.flags().contains(TcpFlags::URG) {
        write!(f, " urg {}", segment.urgent())?;
    }
    options(f, relative, segment.option_bytes())
}

/// The number relative to an initial one.
pub(super) const fn from(initial: SeqNumber, seq: SeqNumber) -> u32 {
    seq.0.wrapping_sub(initial.0)
}

fn flags(f: &mut fmt::Formatter<'_>, flags: TcpFlags) -> fmt::Result {
    if flags.is_empty() {
        return f.write_str("-");
    }
    for (flag, letter) in FLAGS {
        if flags.contains(flag) {
            write!(f, "{letter}")?;
        }
    }
    Ok(())
}

fn options(f: &mut fmt::Formatter<'_>, relative: Relative, bytes: &[u8]) -> fmt::Result {
    let mut separator = " <";
    for option in TcpOptionWalk::new(bytes) {
        f.write_str(separator)?;
        separator = ",";
        match option {
            TcpOption::NoOperation => f.write_str("nop"),
            TcpOption::Mss(mss) => write!(f, "mss {mss}"),
            TcpOption::WindowScale(shift) => write!(f, "wscale {shift}"),
            TcpOption::SackPermitted => f.write_str("sackOK"),
            TcpOption::Sack(blocks) => {
                f.write_str("sack")?;
                for range in sack_ranges(blocks) {
                    let (start, end) = (from(relative.ack, range.start), from(relative.ack, range.end));
                    write!(f, " {start}:{end}")?;
                }
                Ok(())
            }
            TcpOption::Timestamps(ts) => write!(f, "TS val {} ecr {}", ts.value, ts.echo),
            TcpOption::Other { kind, data } => write!(f, "kind {kind} ({})", data.len()),
        }?;
    }
    if separator == "," { f.write_str(">") } else { Ok(()) }
}
