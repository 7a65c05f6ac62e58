//! What routers add to ICMP errors behind the packet that they quote (RFC 4884): MPLS labels (RFC
//! 4950), the interface that a packet came in on (RFC 5837).
//!
//! ```text
//!  0               1               2               3
//! +-------+-----------------------+-------------------------------+
//! |Version|      (Reserved)       |           Checksum            |
//! +-------+-----------------------+---------------+---------------+
//! |            Length             |   Class-Num   |    C-Type     |  an object, and further ones
//! +-------------------------------+---------------+---------------+
//! |                        Object payload                         |
//! +---------------------------------------------------------------+
//! ```

use super::checksum;
use super::cursor::Fields;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 4;
/// Length of an object's header in bytes.
pub const OBJECT_HEADER_LEN: usize = 4;
/// The least length of the quoted packet in front of extensions, padded, in bytes (RFC 4884 section 4).
pub const QUOTE_MIN: usize = 128;
const VERSION: u8 = 2;

/// One object of an extension structure (RFC 4884 section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpObject<'a> {
    /// The class: 1 is an MPLS label stack, 2 interface information.
    pub class: u8,
    /// The C-Type: by class.
    pub kind: u8,
    /// What follows the object's header.
    pub payload: &'a [u8],
}

/// The objects of an extension structure. One whose length is below its header's or beyond the structure
/// ends the walk.
#[derive(Clone, Debug, Default)]
pub struct IcmpExtensions<'a> {
    objects: &'a [u8],
}

impl<'a> IcmpExtensions<'a> {
    /// A view of an extension structure; `None` if `bytes` is none: another version, or a wrong checksum
    /// where there is one (RFC 4884 section 7).
    pub fn parse(bytes: &'a [u8]) -> Option<IcmpExtensions<'a>> {
        let (header, objects) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let vouched = header.u16_at::<2>() == 0 || checksum::of(bytes) == 0;
        (header[0] >> 4 == VERSION && vouched).then_some(IcmpExtensions { objects })
    }
}

impl<'a> IcmpExtensions<'a> {
    /// A view of objects without the structure's header, as [`IcmpExtensions::objects`] gives them.
    pub(crate) const fn of_objects(objects: &'a [u8]) -> IcmpExtensions<'a> {
        IcmpExtensions { objects }
    }

    /// The objects that are still to come, encoded.
    pub const fn objects(&self) -> &'a [u8] {
        self.objects
    }
}

impl<'a> Iterator for IcmpExtensions<'a> {
    type Item = IcmpObject<'a>;

    fn next(&mut self) -> Option<IcmpObject<'a>> {
        let header = self.objects.first_chunk::<OBJECT_HEADER_LEN>()?;
        let object = self.objects.get(..usize::from(header.u16_at::<0>()));
        let payload = object.and_then(|object| object.get(OBJECT_HEADER_LEN..));
        self.objects = match (object, payload) {
            (Some(object), Some(_)) => self.objects.get(object.len()..).unwrap_or_default(),
            _ => &[],
        };
        payload.map(|payload| IcmpObject { class: header[2], kind: header[3], payload })
    }
}

/// Splits what follows an error's header into the quoted packet and the extension structure. `len` is the
/// length attribute in bytes; 0 says that there are no extensions (RFC 4884 section 5.4). One that cannot
/// be is taken for none.
pub(crate) fn split(payload: &[u8], len: usize) -> (&[u8], Option<IcmpExtensions<'_>>) {
    let Some((quote, rest)) = payload.split_at_checked(len).filter(|_| len >= QUOTE_MIN) else {
        return (payload, None);
    };
    match IcmpExtensions::parse(rest) {
        Some(extensions) => (quote, Some(extensions)),
        None => (payload, None),
    }
}
