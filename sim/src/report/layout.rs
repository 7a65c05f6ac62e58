//! Where nodes stand in a drawing of the network, and in which order beside each other.
//!
//! Most networks are a row of inner nodes (none, a hub, two routers) with others hanging off them: those of the
//! first stand left, those of the last right. What is linked otherwise stands around its best linked node.

use std::collections::BTreeMap;

use super::matter::Matter;

/// The width of the drawing.
pub(super) const WIDTH: f64 = 1_280.0;
/// The width of a node's box.
pub(super) const BOX: f64 = 190.0;
/// How far columns are apart at most.
const APART: f64 = 430.0;
/// Nodes above each other that leave room for more than one line below their names.
const ROOMY: usize = 6;

/// Where nodes stand.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The middle of each node's box.
    pub(super) places: BTreeMap<usize, (f64, f64)>,
    /// The height of a box.
    pub(super) box_height: f64,
    /// Lines below the name that have room in it.
    pub(super) lines: usize,
    pub(super) height: f64,
}

impl Layout {
    pub(super) fn of(matter: &Matter<'_>) -> Layout {
        let neighbors = neighbors(matter);
        let columns = columns(&neighbors);
        let tallest =
            columns.as_ref().map_or(neighbors.len(), |columns| columns.iter().map(Vec::len).max().unwrap_or_default());
        let lines = if tallest > ROOMY {
            1
        } else {
            matter.subject.nodes.iter().map(|node| node.lines.len()).max().unwrap_or(0).min(3)
        };
        let box_height = 28.0 + lines as f64 * 16.0;
        let (places, height) = match columns {
            Some(columns) => in_columns(&columns, box_height),
            None => around(&neighbors, box_height),
        };
        Layout { places, box_height, lines, height }
    }

    /// The nodes from left to right.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut nodes: Vec<usize> = self.places.keys().copied().collect();
        nodes.sort_by(|a, b| {
            let [(x, y), (other_x, other_y)] = [a, b].map(|node| self.places[node]);
            x.total_cmp(&other_x).then(y.total_cmp(&other_y))
        });
        nodes
    }
}

/// Which nodes each node is linked to, each of them once.
fn neighbors(matter: &Matter<'_>) -> Vec<Vec<usize>> {
    let mut neighbors = vec![Vec::new(); matter.subject.trace.nodes().len()];
    for wire in &matter.subject.wires {
        let [a, b] = wire.ends.map(|end| end.node.index());
        for (from, to) in [(a, b), (b, a)] {
            if from != to && !neighbors[from].contains(&to) {
                neighbors[from].push(to);
            }
        }
    }
    neighbors
}

/// The nodes by columns, if there is a row of inner nodes; those with most neighbors stand in the middle of theirs.
fn columns(neighbors: &[Vec<usize>]) -> Option<Vec<Vec<usize>>> {
    let is_inner = |node: &usize| neighbors[*node].len() > 1;
    let inner: Vec<usize> = (0..neighbors.len()).filter(is_inner).collect();
    let beside = |node: usize| neighbors[node].iter().copied().filter(is_inner).collect::<Vec<usize>>();
    let leaves = |node: usize| neighbors[node].iter().copied().filter(|leaf| !is_inner(leaf)).collect::<Vec<usize>>();
    let Some(first) = inner.iter().copied().find(|node| beside(*node).len() <= 1) else {
        // Without inner nodes there are pairs, and nodes alone; without a first one there is a ring.
        return inner.is_empty().then(|| (0..neighbors.len()).map(|node| vec![node]).collect());
    };
    let mut row = vec![first];
    while let Some(next) = beside(row[row.len() - 1]).into_iter().find(|node| !row.contains(node)) {
        row.push(next);
    }
    let inner_links: usize = inner.iter().map(|node| beside(*node).len()).sum();
    let hanging: usize = row.iter().map(|node| leaves(*node).len()).sum();
    let is_whole = row.len() == inner.len() && inner_links == 2 * (row.len() - 1);
    if !is_whole || row.len() + hanging != neighbors.len() {
        return None;
    }
    let last = row[row.len() - 1];
    let (left, right) = if first == last {
        let mut left = leaves(first);
        let right = left.split_off(left.len().div_ceil(2));
        (left, right)
    } else {
        (leaves(first), leaves(last))
    };
    let middle = row.iter().map(|node| {
        let hanging = if *node == first || *node == last { Vec::new() } else { leaves(*node) };
        let (above, below) = hanging.split_at(hanging.len() / 2);
        [above, &[*node], below].concat()
    });
    let middle: Vec<Vec<usize>> = middle.collect();
    Some([vec![left], middle, vec![right]].concat())
}

fn in_columns(columns: &[Vec<usize>], box_height: f64) -> (BTreeMap<usize, (f64, f64)>, f64) {
    let apart = ((WIDTH - BOX - 20.0) / (columns.len().max(2) - 1) as f64).min(APART);
    let pitch = box_height + 12.0;
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let height = tallest * pitch + 16.0;
    let mut places = BTreeMap::new();
    for (column, nodes) in columns.iter().enumerate() {
        let x = BOX / 2.0 + 10.0 + column as f64 * apart;
        let top = (height - (nodes.len() as f64 - 1.0) * pitch) / 2.0;
        places.extend(nodes.iter().enumerate().map(|(row, node)| (*node, (x, top + row as f64 * pitch))));
    }
    (places, height)
}

fn around(neighbors: &[Vec<usize>], box_height: f64) -> (BTreeMap<usize, (f64, f64)>, f64) {
    let middle = (0..neighbors.len()).max_by_key(|node| (neighbors[*node].len(), usize::MAX - node)).unwrap_or(0);
    let around: Vec<usize> = (0..neighbors.len()).filter(|node| *node != middle).collect();
    let height = if around.len() > 12 { 1_000.0 } else { 480.0 };
    let centre = (WIDTH / 2.0, height / 2.0);
    let radii = (centre.0 - BOX / 2.0 - 10.0, centre.1 - box_height / 2.0 - 10.0);
    let mut places: BTreeMap<usize, (f64, f64)> = [(middle, centre)].into_iter().collect();
    for (place, node) in around.iter().enumerate() {
        let angle = std::f64::consts::TAU * (place as f64 / around.len() as f64 - 0.5);
        places.insert(*node, (centre.0 + radii.0 * angle.cos(), centre.1 + radii.1 * angle.sin()));
    }
    (places, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(links: &[(usize, usize)], nodes: usize) -> Option<Vec<Vec<usize>>> {
        let mut neighbors = vec![Vec::new(); nodes];
        for (a, b) in links {
            neighbors[*a].push(*b);
            neighbors[*b].push(*a);
        }
        columns(&neighbors)
    }

    #[test]
    fn hosts_hang_off_a_row_of_inner_nodes() {
        let pair = of(&[(0, 1)], 2);
        assert_eq!(pair, Some(vec![vec![0], vec![1]]));
        let chain = of(&[(0, 1), (1, 2), (2, 3)], 4);
        assert_eq!(chain, Some(vec![vec![0], vec![1], vec![2], vec![3]]));
        let star = of(&[(4, 0), (4, 1), (4, 2), (4, 3)], 5);
        assert_eq!(star, Some(vec![vec![0, 1], vec![4], vec![2, 3]]));
        let dumbbell = of(&[(0, 1), (2, 0), (3, 1), (4, 0), (5, 1)], 6);
        assert_eq!(dumbbell, Some(vec![vec![2, 4], vec![0], vec![1], vec![3, 5]]));
        let beside_the_second = of(&[(0, 1), (1, 2), (2, 3), (3, 4), (2, 5)], 6);
        assert_eq!(beside_the_second, Some(vec![vec![0], vec![1], vec![2, 5], vec![3], vec![4]]));
    }

    #[test]
    fn rings_and_islands_are_no_rows() {
        assert_eq!(of(&[(0, 1), (1, 2), (2, 0)], 3), None);
        assert_eq!(of(&[(0, 1), (1, 2), (2, 0), (0, 3)], 4), None);
        assert_eq!(of(&[(0, 1), (1, 2), (3, 4), (4, 5)], 6), None);
    }
}
