//! DUIDs: by what servers know a client (RFC 8415 section 11).

use alloc::vec::Vec;
use core::fmt;
use smallvec::SmallVec;

use crate::digest::Digest;
use crate::wire::dhcpv6::DUID_MAX;
use crate::wire::ethernet::EthernetAddress;

const LINK_LAYER: u16 = 3;
const UUID: u16 = 4;
const HARDWARE_ETHERNET: u16 = 1;

/// A DHCP Unique Identifier, of a client or a server: 3 to 130 bytes that nobody but its owner reads.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Vec<u8>", into = "Vec<u8>"))]
pub struct Duid(SmallVec<[u8; 18]>);

impl Duid {
    /// A DUID of these bytes; `None` if there are not 3 to 130 of them (RFC 8415 section 11.1).
    pub fn from_bytes(bytes: &[u8]) -> Option<Duid> {
        (3..=DUID_MAX).contains(&bytes.len()).then(|| Duid(SmallVec::from_slice(bytes)))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// DUID-LL (section 11.4).
    pub fn link_layer(address: EthernetAddress) -> Duid {
        let mut bytes = SmallVec::new();
        bytes.extend_from_slice(&LINK_LAYER.to_be_bytes());
        bytes.extend_from_slice(&HARDWARE_ETHERNET.to_be_bytes());
        bytes.extend_from_slice(&address.0);
        Duid(bytes)
    }

    /// DUID-UUID (section 11.5), of 16 random bytes made a version 4 UUID (RFC 4122 section 4.4).
    pub fn uuid(mut random: [u8; 16]) -> Duid {
        random[6] = random[6] & 0x0f | 0x40;
        random[8] = random[8] & 0x3f | 0x80;
        let mut bytes = SmallVec::new();
        bytes.extend_from_slice(&UUID.to_be_bytes());
        bytes.extend_from_slice(&random);
        Duid(bytes)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.counted(&self.0);
    }
}

/// Hexadecimal digits, without a separator.
impl fmt::Display for Duid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Duid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Duid({self})")
    }
}

/// As [`Duid::from_bytes`].
impl TryFrom<Vec<u8>> for Duid {
    type Error = &'static str;

    fn try_from(bytes: Vec<u8>) -> Result<Duid, &'static str> {
        Duid::from_bytes(&bytes).ok_or("a DUID has 3 to 130 bytes")
    }
}

impl From<Duid> for Vec<u8> {
    fn from(duid: Duid) -> Vec<u8> {
        duid.0.to_vec()
    }
}
