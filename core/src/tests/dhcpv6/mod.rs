//! The DHCPv6 client (RFC 8415), frames in and frames out.
//!
//! - `rig`: an interface with a link-local address, and servers
//! - `acquire`: from Solicit to the first leases
//! - `extend`: Renew, Rebind, and the end of leases
//! - `part`: Release and Decline
//! - `inform`: configuration without leases
//! - `reconfigure`: Reconfigure, authenticated or refused
//! - `restart`: what is kept across a restart, and routers that say that there are servers
//! - `retransmit`: the times of section 15
//! - `refuse`: what is not accepted, and limits

mod acquire;
mod extend;
mod inform;
mod part;
mod reconfigure;
mod refuse;
mod restart;
mod retransmit;
mod rig;
