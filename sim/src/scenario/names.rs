//! The names of a scenario, and what they stand for in its world.

use std::collections::BTreeMap;

use super::HostSpec;
use super::text::ScenarioError;
use crate::world::{HostId, LinkId, NodeId, Port};

/// The names that were given so far.
#[derive(Default)]
pub(super) struct Names<'a> {
    hosts: BTreeMap<&'a str, (HostId, &'a HostSpec)>,
    /// All nodes, hosts included, and how many ports each has.
    nodes: BTreeMap<&'a str, (NodeId, usize)>,
    links: BTreeMap<&'a str, LinkId>,
}

fn missing<'k>(key: &str, kind: &str, name: &str, known: impl Iterator<Item = &'k &'k str>) -> ScenarioError {
    let known: Vec<&str> = known.copied().collect();
    ScenarioError::at(key, format!("there is no {kind} {name:?}; there are {}", known.join(", ")))
}

impl<'a> Names<'a> {
    pub(super) fn add_node(&mut self, key: &str, name: &'a str, id: NodeId, ports: usize) -> Result<(), ScenarioError> {
        if name.is_empty() || name.contains('.') {
            return Err(ScenarioError::at(key, format!("{name:?} is no name: a name is not empty and has no dot")));
        }
        if self.nodes.insert(name, (id, ports)).is_some() {
            return Err(ScenarioError::at(key, format!("there are two nodes {name:?}; names must differ")));
        }
        Ok(())
    }

    pub(super) fn add_host(&mut self, key: &str, spec: &'a HostSpec, id: HostId) -> Result<(), ScenarioError> {
        self.add_node(key, &spec.name, id.into(), spec.interfaces.len())?;
        self.hosts.insert(&spec.name, (id, spec));
        Ok(())
    }

    pub(super) fn add_link(&mut self, key: &str, name: &'a str, id: LinkId) -> Result<(), ScenarioError> {
        if self.links.insert(name, id).is_some() {
            return Err(ScenarioError::at(key, format!("there are two links {name:?}; names must differ")));
        }
        Ok(())
    }

    pub(super) fn host(&self, key: &str, name: &str) -> Result<(HostId, &'a HostSpec), ScenarioError> {
        self.hosts.get(name).copied().ok_or_else(|| missing(key, "host", name, self.hosts.keys()))
    }

    /// The port that is written `node` or `node.number`.
    pub(super) fn port(&self, key: &str, end: &str) -> Result<Port, ScenarioError> {
        let (name, number) = end.rsplit_once('.').unwrap_or((end, "0"));
        let (id, ports) = *self.nodes.get(name).ok_or_else(|| missing(key, "node", name, self.nodes.keys()))?;
        let number = number.parse().ok().filter(|number| *number < ports).ok_or_else(|| {
            let what = format!("{end:?} is not there: {name} has {ports} of them, counted from 0, as in \"{name}.0\"");
            ScenarioError::at(key, what)
        })?;
        Ok(Port::new(id, number))
    }

    /// The interface of a host that is written `host` or `host.number`.
    pub(super) fn interface(&self, key: &str, end: &str) -> Result<(HostId, usize), ScenarioError> {
        let name = end.rsplit_once('.').map_or(end, |(name, _)| name);
        let (id, _) = self.host(key, name)?;
        Ok((id, self.port(key, end)?.interface))
    }

    pub(super) fn link(&self, key: &str, name: &str) -> Result<LinkId, ScenarioError> {
        self.links.get(name).copied().ok_or_else(|| missing(key, "link", name, self.links.keys()))
    }
}
