//! The domain search list (RFC 3397): names as DNS encodes them, with pointers into the option.

use alloc::string::String;
use alloc::vec::Vec;

/// The longest name, in characters without the last dot (RFC 1035 section 2.3.4).
const NAME_MAX: usize = 253;
/// Names that one list may hold: what the shortest ones would take in the largest option that fits a packet.
const NAMES_MAX: usize = 512;

/// The names of a list; `None` if it is none. Pointers lead backwards only, so every walk ends.
pub(super) fn search_list(value: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut at = 0;
    while at < value.len() && names.len() < NAMES_MAX {
        let (name, next) = name(value, at)?;
        names.push(name);
        at = next;
    }
    (!names.is_empty()).then_some(names)
}

/// The name at `start`, and where the next one begins.
fn name(value: &[u8], start: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut at = start;
    // The names before this point are what a pointer may lead to.
    let mut floor = start;
    let mut next = None;
    loop {
        match *value.get(at)? {
            0 => break,
            len @ 1..=63 => {
                let label = value.get(at + 1..at + 1 + usize::from(len))?;
                let is_legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
                if !label.iter().all(is_legal) || text.len() + label.len() >= NAME_MAX {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(core::str::from_utf8(label).ok()?);
                at += 1 + label.len();
            }
            high @ 0xc0.. => {
                let target = usize::from(high & 0x3f) << 8 | usize::from(*value.get(at + 1)?);
                next = next.or(Some(at + 2));
                if target >= floor {
                    return None;
                }
                (at, floor) = (target, target);
            }
            64..=0xbf => return None,
        }
    }
    (!text.is_empty()).then_some((text, next.unwrap_or(at + 1)))
}
