//! Where nodes stand in a drawing of the network, and in which order beside each other.
//!
//! Most networks are a row of inner nodes (none, a hub, two routers) with others hanging off them: those of the
//! first stand left, those of the last right; a long row goes on below, back to the left. What is linked otherwise
//! stands around its best linked node.

use std::collections::BTreeMap;

use super::matter::Matter;

/// The width of the drawing.
pub(super) const WIDTH: f64 = 1_280.0;
/// The width of a node's box.
pub(super) const BOX: f64 = 190.0;
/// How far columns are apart at most.
const APART: f64 = 430.0;
/// Columns that have room beside each other, with the names of links between them.
const COLUMNS_MAX: usize = 5;
/// Between boxes above each other; between lines of columns, where the name of a link stands.
const GAP: f64 = 12.0;
const LINE_GAP: f64 = 36.0;
/// The least height of what stands around a node, in boxes: halfway to the rim there is room beside it, too.
const AROUND_MIN: f64 = 7.0;
/// Nodes above each other that leave room for more than one line below their names.
const ROOMY: usize = 6;

/// The middle of a node's box.
type Place = (f64, f64);

/// Where nodes stand.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The middle of each node's box.
    pub(super) places: BTreeMap<usize, Place>,
    /// The nodes from left to right: of a row in its order.
    pub(super) order: Vec<usize>,
    /// The height of a box.
    pub(super) box_height: f64,
    /// Lines below the name that have room in it.
    pub(super) lines: usize,
    pub(super) height: f64,
}

impl Layout {
    pub(super) fn of(matter: &Matter<'_>) -> Layout {
        let lines = matter.subject.nodes.iter().map(|node| node.lines.len()).max().unwrap_or(0).min(3);
        Layout::new(&neighbors(matter), lines)
    }

    /// Of nodes with these neighbors, which have so many lines below their names.
    fn new(neighbors: &[Vec<usize>], lines: usize) -> Layout {
        let columns = columns(neighbors);
        let tallest =
            columns.as_ref().map_or(neighbors.len(), |columns| columns.iter().map(Vec::len).max().unwrap_or_default());
        let lines = if tallest > ROOMY { lines.min(1) } else { lines };
        let box_height = 28.0 + lines as f64 * 16.0;
        let (places, height) = match &columns {
            Some(columns) => in_columns(columns, box_height),
            None => around(neighbors, box_height),
        };
        let order = columns.map_or_else(|| from_left(&places), |columns| columns.concat());
        Layout { places, order, box_height, lines, height }
    }
}

/// The nodes from left to right.
fn from_left(places: &BTreeMap<usize, Place>) -> Vec<usize> {
    let mut nodes: Vec<usize> = places.keys().copied().collect();
    nodes.sort_by(|a, b| {
        let [(x, y), (other_x, other_y)] = [a, b].map(|node| places[node]);
        x.total_cmp(&other_x).then(y.total_cmp(&other_y))
    });
    nodes
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

/// The nodes by columns, if there is a row of inner nodes that can be drawn as one; what hangs off a node stands above
/// and below it.
fn columns(neighbors: &[Vec<usize>]) -> Option<Vec<Vec<usize>>> {
    let is_inner = |node: &usize| neighbors[*node].len() > 1;
    let inner: Vec<usize> = (0..neighbors.len()).filter(is_inner).collect();
    if inner.is_empty() {
        return Some(pairs(neighbors));
    }
    let beside = |node: usize| neighbors[node].iter().copied().filter(is_inner).collect::<Vec<usize>>();
    let leaves = |node: usize| neighbors[node].iter().copied().filter(|leaf| !is_inner(leaf)).collect::<Vec<usize>>();
    // Without a first one there is a ring.
    let first = inner.iter().copied().find(|node| beside(*node).len() <= 1)?;
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
    // One above and one below can be seen to hang off the node; where a row turns, nothing may.
    let most = if row.len() + 2 > COLUMNS_MAX { 1 } else { 3 };
    middle.iter().all(|column| column.len() <= most).then(|| [vec![left], middle, vec![right]].concat())
}

/// Nodes that are linked to one other at most: the ends of links beside each other, then those alone.
fn pairs(neighbors: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let (linked, alone): (Vec<usize>, Vec<usize>) = (0..neighbors.len()).partition(|node| !neighbors[*node].is_empty());
    let left: Vec<usize> = linked.into_iter().filter(|node| neighbors[*node][0] > *node).collect();
    let right: Vec<usize> = left.iter().map(|node| neighbors[*node][0]).collect();
    [left, right, alone].into_iter().filter(|column| !column.is_empty()).collect()
}

/// As many columns beside each other as have room, and the others below, back and forth.
fn in_columns(columns: &[Vec<usize>], box_height: f64) -> (BTreeMap<usize, Place>, f64) {
    let lines = columns.len().div_ceil(COLUMNS_MAX).max(1);
    let beside = columns.len().div_ceil(lines).max(1);
    let apart = ((WIDTH - BOX - 20.0) / (beside.max(2) - 1) as f64).min(APART);
    let pitch = box_height + GAP;
    let (mut places, mut bottom) = (BTreeMap::new(), 8.0);
    for (line, columns) in columns.chunks(beside).enumerate() {
        let tallest = columns.iter().map(Vec::len).max().unwrap_or(1) as f64;
        let middle = bottom + tallest * pitch / 2.0;
        for (column, nodes) in columns.iter().enumerate() {
            let column = if line % 2 == 0 { column } else { beside - 1 - column };
            let x = BOX / 2.0 + 10.0 + column as f64 * apart;
            let top = middle - (nodes.len() as f64 - 1.0) * pitch / 2.0;
            places.extend(nodes.iter().enumerate().map(|(row, node)| (*node, (x, top + row as f64 * pitch))));
        }
        bottom += tallest * pitch + LINE_GAP;
    }
    (places, bottom - LINE_GAP + 8.0)
}

/// The node that is best linked to inner ones in the middle, those with one link at the rim, and between them the others, each beside what
/// hangs off it.
fn around(neighbors: &[Vec<usize>], box_height: f64) -> (BTreeMap<usize, Place>, f64) {
    let inner = |node: usize| neighbors[node].iter().filter(|other| neighbors[**other].len() > 1).count();
    let links = |node: &usize| (inner(*node), neighbors[*node].len(), usize::MAX - node);
    let middle = (0..neighbors.len()).max_by_key(links).unwrap_or(0);
    let has_rim = neighbors.iter().any(|others| others.len() <= 1);
    // Half as far from the middle there is room for half as many.
    let (slots, count) = slots(neighbors, middle, if has_rim { 2 } else { 1 });
    // No two are opposite each other: no line between them leads through the middle.
    let count = (count | 1) as f64;
    let height = ((count / 2.0 + 1.0) * (box_height + GAP)).max(AROUND_MIN * box_height);
    let centre = (WIDTH / 2.0, height / 2.0);
    let radii = (centre.0 - BOX / 2.0 - 10.0, centre.1 - box_height / 2.0 - 10.0);
    let mut places: BTreeMap<usize, Place> = [(middle, centre)].into();
    for (node, slot) in slots {
        let part = if has_rim && neighbors[node].len() > 1 { 0.5 } else { 1.0 };
        // From the middle of the left side, as far above each other everywhere: a quarter of the way around is the top.
        let way = slot / count;
        let up = 1.0 - (1.0 - (way * 4.0 + 1.0).rem_euclid(4.0) / 2.0).abs() * 2.0;
        let side = if (0.25..0.75).contains(&way) { 1.0 } else { -1.0 };
        let aside = (radii.0 * part * (1.0 - up * up).max(0.0).sqrt()).max(BOX / 2.0 + GAP);
        places.insert(node, (centre.0 + side * aside, centre.1 - radii.1 * part * up));
    }
    // The drawing ends where its boxes do.
    let margin = box_height / 2.0 + 8.0;
    let ends = places.values().fold((height, 0.0_f64), |(top, bottom), (_, y)| (top.min(*y), bottom.max(*y)));
    for (_, y) in places.values_mut() {
        *y += margin - ends.0;
    }
    (places, ends.1 - ends.0 + 2.0 * margin)
}

/// Which place around `middle` each other node has, and how many places there are: what is linked is together, and a
/// node with others hanging off it is in the midst of them. One with more than one link takes `least` places at least.
fn slots(neighbors: &[Vec<usize>], middle: usize, least: usize) -> (BTreeMap<usize, f64>, usize) {
    let (mut slots, mut next) = (BTreeMap::new(), 0);
    let is_leaf = |node: usize| neighbors[node].len() == 1;
    let mut seen = vec![false; neighbors.len()];
    // Islands come when all that is linked to the middle has its place.
    let mut waiting: Vec<usize> = (0..neighbors.len()).rev().chain([middle]).collect();
    while let Some(node) = waiting.pop() {
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        let leaves = neighbors[node].iter().copied().filter(|leaf| !is_leaf(node) && is_leaf(*leaf) && !seen[*leaf]);
        let leaves: Vec<usize> = leaves.collect();
        let own = match neighbors[node].len() {
            _ if node == middle => 0,
            0 | 1 => 1,
            _ => least,
        };
        let width = own.max(leaves.len());
        if node != middle {
            slots.insert(node, next as f64 + (width as f64 - 1.0) / 2.0);
        }
        let first = next as f64 + (width - leaves.len()) as f64 / 2.0;
        for (place, leaf) in leaves.into_iter().enumerate() {
            seen[leaf] = true;
            slots.insert(leaf, first + place as f64);
        }
        next += width;
        waiting.extend(neighbors[node].iter().rev());
    }
    (slots, next)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn linked(links: &[(usize, usize)], nodes: usize) -> Vec<Vec<usize>> {
        let mut neighbors = vec![Vec::new(); nodes];
        for (a, b) in links {
            neighbors[*a].push(*b);
            neighbors[*b].push(*a);
        }
        neighbors
    }

    fn of(links: &[(usize, usize)], nodes: usize) -> Option<Vec<Vec<usize>>> {
        columns(&linked(links, nodes))
    }

    /// One behind the other.
    fn chain(nodes: usize) -> Vec<(usize, usize)> {
        (1..nodes).map(|node| (node - 1, node)).collect()
    }

    /// So many, each with so many others hanging off it, all linked to node 0.
    fn tree(branches: usize, leaves: usize) -> Vec<(usize, usize)> {
        let branch = |number: usize| {
            let node = 1 + number * (leaves + 1);
            std::iter::once((0, node)).chain((1..=leaves).map(move |leaf| (node, node + leaf)))
        };
        (0..branches).flat_map(branch).collect()
    }

    #[rstest]
    #[case::five_columns(chain(5), 5)]
    #[case::six_routers_between_two_hosts(chain(8), 8)]
    #[case::a_long_chain(chain(40), 40)]
    #[case::ten_pairs((0..10).map(|pair| (2 * pair, 2 * pair + 1)).collect(), 20)]
    #[case::pairs_and_others(vec![(0, 3), (1, 4)], 7)]
    #[case::all_alone(vec![], 9)]
    #[case::star((1..40).map(|leaf| (0, leaf)).collect(), 40)]
    #[case::long_row_with_hosts([chain(7), (0..7).flat_map(|node| [(node, 7 + 2 * node), (node, 8 + 2 * node)]).collect()].concat(), 21)]
    #[case::three_switches([chain(3), (0..12).map(|host| (host % 3, 3 + host)).collect()].concat(), 15)]
    #[case::ring_of_3([chain(3), vec![(2, 0)]].concat(), 3)]
    #[case::ring_of_4([chain(4), vec![(3, 0)]].concat(), 4)]
    #[case::ring_of_9([chain(9), vec![(8, 0)]].concat(), 9)]
    #[case::ring_of_40([chain(40), vec![(39, 0)]].concat(), 40)]
    #[case::ring_of_9_with_hosts([chain(9), vec![(8, 0)], (0..9).map(|node| (node, 9 + node)).collect()].concat(), 18)]
    #[case::mesh_of_5((0..5).flat_map(|a| (0..a).map(move |b| (a, b))).collect(), 5)]
    #[case::small_tree(tree(3, 2), 10)]
    #[case::tree(tree(6, 5), 37)]
    #[case::broad_tree(tree(13, 2), 40)]
    #[case::islands(vec![(0, 1), (1, 2), (3, 4), (4, 5)], 6)]
    fn boxes_are_apart_and_within(#[case] links: Vec<(usize, usize)>, #[case] nodes: usize) {
        for lines in 0..=3 {
            let layout = Layout::new(&linked(&links, nodes), lines);
            assert_eq!((layout.places.len(), layout.order.len()), (nodes, nodes));
            let places: Vec<Place> = layout.places.values().copied().collect();
            for (node, (x, y)) in places.iter().enumerate() {
                assert!((BOX / 2.0..=WIDTH - BOX / 2.0).contains(x), "{node} at {x}, {y}");
                let half = layout.box_height / 2.0;
                assert!((half..=layout.height - half).contains(y), "{node} at {x}, {y} of {}", layout.height);
                for (other, (other_x, other_y)) in places.iter().enumerate().skip(node + 1) {
                    let is_apart = (x - other_x).abs() >= BOX || (y - other_y).abs() >= layout.box_height;
                    assert!(is_apart, "{lines} lines: {node} at {x}, {y}; {other} at {other_x}, {other_y}");
                }
            }
        }
    }

    /// The next one of a row is beside or below, and all come in its order.
    #[test]
    fn long_rows_turn() {
        let layout = Layout::new(&linked(&chain(8), 8), 2);
        assert_eq!(layout.order, (0..8).collect::<Vec<_>>());
        let x: Vec<f64> = (0..8).map(|node| layout.places[&node].0).collect();
        let y: Vec<f64> = (0..8).map(|node| layout.places[&node].1).collect();
        assert!(x[..4].is_sorted() && x[4..].iter().rev().is_sorted(), "{x:?}");
        assert!((x[3] - x[4]).abs() < 1.0 && y[..4] == [y[0]; 4] && y[4..] == [y[4]; 4] && y[4] > y[0], "{x:?} {y:?}");
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
