//! The names of what a world holds: numbers, in the order in which they were added.

/// A node of a world, numbered from 0 in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// The node's number.
    pub const fn index(self) -> usize {
        self.0
    }
}

/// A node that is a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(crate) usize);

impl HostId {
    /// The node's number.
    pub const fn index(self) -> usize {
        self.0
    }
}

impl From<HostId> for NodeId {
    fn from(host: HostId) -> NodeId {
        NodeId(host.0)
    }
}

impl PartialEq<HostId> for NodeId {
    fn eq(&self, host: &HostId) -> bool {
        self.0 == host.0
    }
}

/// An interface of a host, or a port of another node. A [`HostId`] or a [`NodeId`] stands for the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The node.
    pub node: NodeId,
    /// The interface's or port's number, from 0.
    pub interface: usize,
}

impl Port {
    /// A port by its number.
    pub fn new(node: impl Into<NodeId>, interface: usize) -> Port {
        Port { node: node.into(), interface }
    }
}

impl<N: Into<NodeId>> From<N> for Port {
    fn from(node: N) -> Port {
        Port::new(node, 0)
    }
}
