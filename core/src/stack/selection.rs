//! Default address selection at the application's call (RFC 6724).

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::Stack;
use crate::error::PolicyError;
use crate::ip::own_address::OwnAddress;
use crate::ip::route::Query;
use crate::ip::selection::{self, AddressPolicy, Destination};
use crate::record::Call;

impl Stack {
    /// The policy table by which addresses are selected (RFC 6724 section 2.1).
    pub fn policies(&self) -> &[AddressPolicy] {
        &self.preferences.policies
    }

    /// Sets the policy table anew; [`AddressPolicy::DEFAULT`] is the one that a stack begins with.
    ///
    /// # Errors
    ///
    /// [`PolicyError`]: a prefix is too long, or there are more rows than `Limits::address_policies`.
    pub fn set_policies(&mut self, policies: &[AddressPolicy]) -> Result<(), PolicyError> {
        self.record(|_| Call::SetPolicies { policies: policies.to_vec() });
        for row in policies {
            self.commanded("policy.set", SocketAddr::new(row.prefix.into(), row.prefix_len.into()));
        }
        if policies.len() > usize::from(self.config.limits.address_policies) {
            return Err(PolicyError::LimitReached);
        }
        if policies.iter().any(|row| row.prefix_len > 128) {
            return Err(PolicyError::BadPrefix);
        }
        self.preferences.policies = policies.to_vec();
        Ok(())
    }

    /// Sorts the addresses of one peer, such as a resolver has returned, by how well they can be reached
    /// from here: the first is to be tried first (RFC 6724 section 6).
    pub fn sort_destinations(&self, addresses: &mut [IpAddr]) {
        let with_source = |&address: &IpAddr| Destination { address, source: self.own_source(address) };
        let mut destinations: Vec<Destination> = addresses.iter().map(with_source).collect();
        selection::sort_destinations(&mut destinations, &self.preferences);
        for (address, destination) in addresses.iter_mut().zip(destinations) {
            *address = destination.address;
        }
    }

    /// The address that `dst` would be reached from.
    fn own_source(&self, dst: IpAddr) -> Option<OwnAddress> {
        let (_, source) = self.source_towards(&Query::to(dst.to_canonical())).ok()?;
        self.interfaces.iter().find_map(|interface| interface.addresses.find(source)).copied()
    }
}
