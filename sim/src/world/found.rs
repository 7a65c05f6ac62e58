//! Rules that were found broken, in that order.

use super::{HostId, NodeId, World};
use crate::application::ApplicationId;
use crate::failure::Failure;
use crate::node::Node;

/// Who found a rule broken, and the place of that among what he has found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// The wire oracles of a host.
    Wire(NodeId, usize),
    /// The white-box oracles of a host.
    WhiteBox(NodeId, usize),
    /// An application.
    Application(ApplicationId, usize),
}

impl World {
    /// How many rules were found broken: what scripts wait for is none.
    pub(crate) fn found_count(&self) -> usize {
        self.found.len()
    }

    /// The rules that were found broken, in that order, without the first ones.
    pub(crate) fn found(&self, without: usize) -> impl Iterator<Item = Failure> + '_ {
        self.found.iter().skip(without).filter_map(|found| self.failure(*found))
    }

    fn failure(&self, found: Found) -> Option<Failure> {
        let tap = |node: NodeId| self.nodes[node.0].tap.as_ref();
        let (node, verdict) = match found {
            Found::Wire(node, place) => (node, tap(node)?.oracles.verdicts().get(place)?),
            Found::WhiteBox(node, place) => (node, tap(node)?.white_box.verdicts().get(place)?),
            Found::Application(application, place) => {
                let finding = self.ledger(application)?.findings.get(place)?.clone();
                return Some(Failure::Application { application, finding });
            }
        };
        Some(Failure::Oracle { host: self.trace.nodes[node.0].clone(), verdict: verdict.clone() })
    }

    /// Takes note of what the applications of a host have found.
    pub(super) fn note_findings(&mut self, id: NodeId) {
        let Node::Host(host) = &mut self.nodes[id.0].node else { return };
        let of = |index| ApplicationId { host: HostId(id.0), index };
        self.found.extend(host.applications.findings().map(|(index, place)| Found::Application(of(index), place)));
    }
}
