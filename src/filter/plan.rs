//! All filters of a function as one plan, so that one look at a record answers them together.

use std::ops::Range;
use std::sync::Arc;

use super::admissible::Admissible;
use super::alternatives::{Mask, What, within_limit};
use super::error::PatternError;
use super::pattern::Pattern;

/// The filters of a function; a record is wanted if any of them matches.
#[derive(Debug, Clone)]
pub struct Filter {
    patterns: Vec<Pattern>,
    /// A bit for each alternative.
    pub(super) all: Mask,
    /// What can be asked without looking at the value, the cheapest first.
    pub(super) outside: Vec<Outside>,
    /// The alternatives that ask for something in the value.
    pub(super) inside: Mask,
    /// The paths of the value; the first node is its root, and children lie side by side.
    pub(super) nodes: Vec<Node>,
}

/// A condition on something beside the value.
#[derive(Debug, Clone)]
pub(super) struct Outside {
    pub(super) what: What,
    pub(super) admissible: Option<Arc<Admissible>>,
    /// The alternatives that demand it.
    pub(super) of: Mask,
}

/// A place in the value that a path leads to, or through.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) name: Box<[u8]>,
    pub(super) children: Range<usize>,
    pub(super) leaves: Vec<(Arc<Admissible>, Mask)>,
    /// The alternatives that demand something of the scalars here.
    pub(super) here: Mask,
    /// The alternatives that demand something further below.
    pub(super) below: Mask,
    /// The alternatives in which no scalar may be here.
    pub(super) absent: Mask,
    /// The alternatives that have anything to do with this place.
    pub(super) about: Mask,
}

impl Node {
    /// The alternatives that need something to be found here or below.
    pub(super) fn needs(&self) -> Mask {
        self.here | self.below
    }
}

impl Filter {
    /// Makes a plan of at least one pattern. Its error is about the pattern by which they became too many.
    pub fn new(patterns: Vec<Pattern>) -> Result<Self, (usize, PatternError)> {
        let mut tree = Branch::default();
        let mut outside: Vec<Outside> = Vec::new();
        let (mut count, mut all) = (0, 0);
        for (index, pattern) in patterns.iter().enumerate() {
            let about = |error| (index, error);
            for conditions in pattern.alternatives().map_err(about)? {
                within_limit(count + 1).map_err(about)?;
                let of: Mask = 1 << count;
                count += 1;
                all |= of;
                for condition in conditions {
                    match condition.what {
                        What::Value(path) => tree.at(&path).demand(condition.admissible, of),
                        what => demand(&mut outside, what, condition.admissible, of),
                    }
                }
            }
        }
        outside.sort_by_key(|outside| cost(&outside.what));
        let nodes = tree.flatten();
        Ok(Filter { patterns, all, outside, inside: nodes[0].about, nodes })
    }

    /// The patterns as they are written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| pattern.text.as_str())
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.patterns().eq(other.patterns())
    }
}

fn demand(outside: &mut Vec<Outside>, what: What, admissible: Option<Arc<Admissible>>, of: Mask) {
    match outside.iter_mut().find(|known| known.what == what && known.admissible == admissible) {
        Some(known) => known.of |= of,
        None => outside.push(Outside { what, admissible, of }),
    }
}

/// Numbers first, and last what has to be searched for.
fn cost(what: &What) -> u8 {
    match what {
        What::Presence | What::Partition | What::Offset => 0,
        What::Timestamp | What::Topic => 1,
        What::Key => 2,
        What::Header(_) | What::Value(_) => 3,
    }
}

/// A node while the tree grows.
#[derive(Default)]
struct Branch {
    node: Node,
    children: Vec<Branch>,
}

impl Branch {
    /// The branch at the end of the path, grown where it is missing.
    fn at(&mut self, path: &[String]) -> &mut Branch {
        let [first, rest @ ..] = path else { return self };
        let known = self.children.iter().position(|child| *child.node.name == *first.as_bytes());
        let index = known.unwrap_or_else(|| {
            let node = Node { name: first.as_bytes().into(), ..Node::default() };
            self.children.push(Branch { node, children: Vec::new() });
            self.children.len() - 1
        });
        self.children[index].at(rest)
    }

    fn demand(&mut self, admissible: Option<Arc<Admissible>>, of: Mask) {
        let node = &mut self.node;
        let Some(admissible) = admissible else {
            node.absent |= of;
            return;
        };
        node.here |= of;
        match node.leaves.iter_mut().find(|(known, _)| *known == admissible) {
            Some((_, known)) => *known |= of,
            None => node.leaves.push((admissible, of)),
        }
    }

    /// Adds up what lies below.
    fn settle(&mut self) {
        let node = &mut self.node;
        node.about = node.here | node.absent;
        for child in &mut self.children {
            child.settle();
            node.below |= child.node.needs();
            node.about |= child.node.about;
        }
    }

    /// The tree level by level.
    fn flatten(mut self) -> Vec<Node> {
        self.settle();
        let mut level = vec![self];
        let mut nodes = Vec::new();
        while !level.is_empty() {
            let mut next = Vec::new();
            let begin = nodes.len() + level.len();
            for mut branch in level {
                branch.node.children = begin + next.len()..begin + next.len() + branch.children.len();
                next.append(&mut branch.children);
                nodes.push(branch.node);
            }
            level = next;
        }
        nodes
    }
}
