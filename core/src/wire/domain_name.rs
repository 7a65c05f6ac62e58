//! Domain names as options carry them: labels behind their lengths, without compression (RFC 1035
//! section 3.1, RFC 8106 section 5.2, RFC 8415 section 10).
//!
//! A name ends up in files and programs of the host, so only letters, digits, hyphens and underscores
//! are taken for a label: no stranger on the link writes a line break into a resolver's configuration.

use alloc::string::String;
use bytes::BufMut;
use core::fmt;

/// The longest name on the wire, the root's zero included (RFC 1035 section 2.3.4).
const NAME_MAX: usize = 255;
/// The longest label.
const LABEL_MAX: usize = 63;

/// A domain name of at least one label, such as `example.net`; without the dot at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct DomainName(String);

/// The bytes or the text are no domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDomainName;

impl fmt::Display for BadDomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a domain name")
    }
}

impl core::error::Error for BadDomainName {}

impl DomainName {
    /// Reads a name from the start of `bytes`; returns what follows it too.
    ///
    /// Errors: [`BadDomainName`] if it is cut off, empty, compressed, longer than 255 bytes, or holds a
    /// byte that a host name cannot have.
    pub fn parse_wire(bytes: &[u8]) -> Result<(DomainName, &[u8]), BadDomainName> {
        let mut text = String::new();
        let mut rest = bytes;
        loop {
            let (&len, after) = rest.split_first().ok_or(BadDomainName)?;
            rest = after;
            if len == 0 {
                break;
            }
            // Two high bits set would be a pointer, of which there is none to follow here.
            let (label, after) = rest.split_at_checked(usize::from(len)).ok_or(BadDomainName)?;
            rest = after;
            if !text.is_empty() {
                text.push('.');
            }
            push_label(&mut text, label)?;
        }
        DomainName::checked(text).map(|name| (name, rest))
    }

    fn checked(text: String) -> Result<DomainName, BadDomainName> {
        if text.is_empty() || text.len() + 2 > NAME_MAX { Err(BadDomainName) } else { Ok(DomainName(text)) }
    }

    /// The name, labels apart by dots.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its length on the wire, in bytes: 3 to 255.
    pub fn wire_len(&self) -> usize {
        self.0.len() + 2
    }

    /// Appends it as labels, with the root's zero.
    pub fn emit(&self, out: &mut impl BufMut) {
        for label in self.0.split('.') {
            out.put_u8(label.len() as u8);
            out.put_slice(label.as_bytes());
        }
        out.put_u8(0);
    }
}

fn push_label(text: &mut String, label: &[u8]) -> Result<(), BadDomainName> {
    if label.is_empty() || label.len() > LABEL_MAX {
        return Err(BadDomainName);
    }
    for &byte in label {
        if !byte.is_ascii_alphanumeric() && byte != b'-' && byte != b'_' {
            return Err(BadDomainName);
        }
        text.push(char::from(byte));
    }
    Ok(())
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for DomainName {
    type Err = BadDomainName;

    /// Reads `example.net` or `example.net.`.
    fn from_str(text: &str) -> Result<DomainName, BadDomainName> {
        let mut name = String::new();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            if !name.is_empty() {
                name.push('.');
            }
            push_label(&mut name, label.as_bytes())?;
        }
        DomainName::checked(name)
    }
}

/// Walks a list of names; zeros at its end are padding. After an `Err` the walk ends.
#[derive(Clone, Debug)]
pub struct DomainNames<'a> {
    rest: &'a [u8],
}

impl<'a> DomainNames<'a> {
    /// Starts at the first name.
    pub const fn new(bytes: &'a [u8]) -> DomainNames<'a> {
        DomainNames { rest: bytes }
    }
}

impl Iterator for DomainNames<'_> {
    type Item = Result<DomainName, BadDomainName>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.iter().all(|&byte| byte == 0) {
            return None;
        }
        let parsed = DomainName::parse_wire(self.rest);
        self.rest = parsed.as_ref().map_or(&[], |(_, rest)| rest);
        Some(parsed.map(|(name, _)| name))
    }
}

/// As `from_str`.
impl TryFrom<String> for DomainName {
    type Error = BadDomainName;

    fn try_from(text: String) -> Result<DomainName, BadDomainName> {
        text.parse()
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> String {
        name.0
    }
}
