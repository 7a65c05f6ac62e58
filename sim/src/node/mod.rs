//! What stands at the ends of links.
//!
//! | module | what |
//! |---|---|
//! | `frames` | frames from their parts |
//! | [`injector`] | [`Injector`]: frames at times, as data |
//! | [`nat`] | [`Nat`]: many hosts behind one address |
//! | [`switch`] | [`Switch`]: what arrives leaves by the port of its station |

mod frames;
pub mod injector;
pub mod nat;
pub mod switch;

use bytes::Bytes;

pub use self::injector::Injector;
pub use self::nat::Nat;
pub use self::switch::Switch;

/// What a node sends at a moment: the port's number, and the frame.
pub(crate) type Outbox = Vec<(usize, Bytes)>;
