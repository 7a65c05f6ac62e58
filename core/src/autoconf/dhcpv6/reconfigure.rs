//! Whether a Reconfigure is the server's: the reconfiguration key protocol (RFC 8415 section 20.4).

use alloc::vec::Vec;

use super::duid::Duid;
use super::md5;
use crate::digest::Digest;
use crate::wire::dhcpv6::{Authentication, Dhcpv6Message, Dhcpv6Option, Dhcpv6Options};

const PROTOCOL: u8 = 3;
const ALGORITHM: u8 = 1;
const RDM: u8 = 0;
const KEY: u8 = 1;
const DIGEST: u8 = 2;

/// The key that a server has given, and the last replay counter seen of it (section 20.3).
#[derive(Clone)]
pub(super) struct ReconfigureKey {
    server: Duid,
    key: [u8; 16],
    replay: u64,
}

impl core::fmt::Debug for ReconfigureKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ReconfigureKey").field("server", &self.server).finish_non_exhaustive()
    }
}

impl ReconfigureKey {
    /// The key in a Reply of a server that means to use it.
    pub(super) fn in_reply(server: &Duid, options: Dhcpv6Options<'_>) -> Option<ReconfigureKey> {
        options.iter().find(|option| *option == Dhcpv6Option::ReconfigureAccept)?;
        let authentication = rkap(options)?;
        let key = value(&authentication, KEY)?;
        Some(ReconfigureKey { server: server.clone(), key, replay: authentication.replay })
    }

    /// Section 20.4.3: whether the message comes from the holder of the key, and for the first time.
    pub(super) fn admits(&mut self, message: &Dhcpv6Message<'_>) -> bool {
        let Some(authentication) = rkap(message.options) else { return false };
        let Some(digest) = value(&authentication, DIGEST) else { return false };
        let is_server = message.options.server_id() == Some(self.server.bytes());
        let admitted =
            is_server && authentication.replay > self.replay && md5::hmac(&self.key, &[&unsigned(message)]) == digest;
        if admitted {
            self.replay = authentication.replay;
        }
        admitted
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        self.server.digest(digest);
        digest.bytes(&self.key);
        digest.u64(self.replay);
    }
}

fn rkap(options: Dhcpv6Options<'_>) -> Option<Authentication<'_>> {
    options.find(|option| match option {
        Dhcpv6Option::Authentication(it) if (it.protocol, it.algorithm, it.rdm) == (PROTOCOL, ALGORITHM, RDM) => {
            Some(it)
        }
        _ => None,
    })
}

/// The 16 bytes behind the type.
fn value(authentication: &Authentication<'_>, kind: u8) -> Option<[u8; 16]> {
    let (first, value) = authentication.information.split_first()?;
    if *first == kind { value.try_into().ok() } else { None }
}

/// The message with zeroes in place of the digest.
fn unsigned(message: &Dhcpv6Message<'_>) -> Vec<u8> {
    let mut zeroed = [0; 17];
    zeroed[0] = DIGEST;
    let mut bytes = Vec::new();
    Dhcpv6Message::emit_header(message.kind, message.transaction, &mut bytes);
    for option in message.options.iter() {
        match option {
            Dhcpv6Option::Authentication(it) if value(&it, DIGEST).is_some() => {
                Dhcpv6Option::Authentication(Authentication { information: &zeroed, ..it }).emit(&mut bytes);
            }
            other => other.emit(&mut bytes),
        }
    }
    bytes
}
